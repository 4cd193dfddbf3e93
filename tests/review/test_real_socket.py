"""What somebody may try against the review page through a real socket, its server a process of its own."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import socket
import ssl
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import trustme

from edge.errors import EXIT_USAGE

# as many as may be open at once, and some
N_SLOW = 80
PASSWORD = "correct horse battery"
REFUSED = (400, 401, 403, 404, 405, 408, 413, 421, 429)


class Page:
    """A review page that answers on a real socket."""

    def __init__(self, process, link, tls=None):
        self.process, self.link, self.tls = process, link, tls
        self.port = urlsplit(link).port

    def connect(self):
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        return plain if self.tls is None else self.tls.wrap_socket(plain, server_hostname="127.0.0.1")

    def answer(self, request):
        """Status of whatever bytes are sent; 0 where the connection is closed without an answer."""
        with self.connect() as connection:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # refused before all was sent
                connection.sendall(request)
            try:
                found = re.match(rb"HTTP/1.1 (\d+)", connection.recv(4096))
            except ConnectionResetError:
                return 0
            return int(found[1]) if found else 0

    def get(self, path="/login", host=None, extra=""):
        host = host or f"127.0.0.1:{self.port}"
        return self.answer(
            f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept: text/html\r\n{extra}\r\n".encode()
        )


@contextlib.contextmanager
def started(data_dir, *options):
    """Process and link of a server; ended after."""
    command = [sys.executable, "-m", "edge.cli", "review", "--json", "--data", str(data_dir), "--port", "0"]
    with subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True) as process:
        yield process, json.loads(process.stdout.readline())["link"]
        process.terminate()


@pytest.fixture(scope="module")
def page(recorded):
    """The page on this machine's own address."""
    with started(recorded) as (process, link):
        yield Page(process, link)


@pytest.fixture(scope="module")
def protected_page(recorded, tmp_path_factory):
    """The page on every address, with a certificate and a password."""
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1", "localhost")
    issued.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    issued.private_key_pem.write_to_path(folder / "key.pem")
    (folder / "password").write_text(PASSWORD)
    (folder / "password").chmod(0o600)
    options = ("--address", "0.0.0.0", "--certificate", str(folder / "cert.pem"))
    options += ("--key", str(folder / "key.pem"), "--password-file", str(folder / "password"))
    tls = ssl.create_default_context()
    authority.configure_trust(tls)
    with started(recorded, *options) as (process, link):
        yield Page(process, link, tls)


def test_slow_clients_take_no_place_from_others(page):
    slow = []
    try:
        for _ in range(N_SLOW):
            connection = page.connect()
            connection.sendall(b"GET / HTTP/1.1\r\nHost: 127.0")
            slow.append(connection)
        assert [page.get() for _ in range(5)] == [200] * 5
    finally:
        for connection in slow:
            connection.close()


def test_whoever_never_finishes_is_let_go(page):
    """A head without an end, and a body without one; both wait for the server's own ten seconds."""
    host = f"Host: 127.0.0.1:{page.port}\r\n"
    body = f"POST /login HTTP/1.1\r\n{host}Origin: http://127.0.0.1:{page.port}\r\n"
    body += "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\nreviewer="
    with page.connect() as without_head, page.connect() as without_body:
        without_head.sendall(f"GET / HTTP/1.1\r\n{host}".encode())
        without_body.sendall(body.encode())
        assert without_head.recv(100) == b""
        assert without_body.recv(4096).startswith(b"HTTP/1.1 408")
    assert page.get() == 200


@pytest.mark.parametrize("how", ["stated", "in chunks", "without an end"])
def test_ten_megabytes_are_refused(page, how):
    head = f"POST /login HTTP/1.1\r\nHost: 127.0.0.1:{page.port}\r\nOrigin: http://127.0.0.1:{page.port}\r\n"
    head += "Content-Type: application/x-www-form-urlencoded\r\n"
    size = 10_000_000
    if how == "stated":
        request = f"{head}Content-Length: {size}\r\n\r\n".encode() + b"x" * size
    else:
        chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
        end = b"0\r\n\r\n" if how == "in chunks" else b""
        request = f"{head}Transfer-Encoding: chunked\r\n\r\n".encode() + chunk * (size // 0x10000) + end
    assert page.answer(request) in (413, 0)  # 0: closed while the rest was on its way
    assert page.get() == 200


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),  # a TLS greeting
        b"GET / HTTP/1.1\r\n" + b"X: " + b"y" * 100_000 + b"\r\n\r\n",
        b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n",
        b"\x00" * 5000,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
)
def test_what_is_no_request_breaks_nothing(page, request_bytes):
    assert page.answer(request_bytes) in (*REFUSED, 0)
    assert page.get() == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1.evil.example:80", "[::1]:80"])
def test_another_host_is_refused(page, host):
    assert page.get(host=host) == 421


def test_a_form_of_another_site_is_refused(page):
    form = f"POST /login HTTP/1.1\r\nHost: 127.0.0.1:{page.port}\r\nOrigin: http://evil.example\r\n"
    form += "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 0\r\n\r\n"
    assert page.answer(form.encode()) == 403


def test_a_flood_is_served_or_refused_and_passes(page):
    def ask(number):
        connection = http.client.HTTPConnection("127.0.0.1", page.port, timeout=60)
        codes = []
        for k in range(50):
            connection.request(
                "GET", ("/login", "/", "/sessions/latest", "/static/icon.svg")[(number + k) % 4]
            )
            answer = connection.getresponse()
            answer.read()
            codes.append(answer.status)
        connection.close()
        return codes

    with ThreadPoolExecutor(20) as askers:
        codes = [code for asked in askers.map(ask, range(20)) for code in asked]
    assert len(codes) == 1000
    assert set(codes) <= {200, 401, 429}
    assert codes.count(200) >= 50
    assert page.process.poll() is None


def test_another_address_is_refused_without_certificate_and_password(recorded):
    command = [sys.executable, "-m", "edge.cli", "review", "--data", str(recorded), "--address", "0.0.0.0"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == EXIT_USAGE
    assert "this machine only" in done.stderr


def test_another_address_is_served_with_both(protected_page):
    assert protected_page.link.startswith("https://")
    assert protected_page.get() == 200
    assert protected_page.get(host="evil.example") == 421
    assert protected_page.get("/", extra="Accept: text/html\r\n") == 303


def test_the_password_lets_in_over_tls_alone(protected_page):
    host = f"127.0.0.1:{protected_page.port}"
    body = f"reviewer=R1&password={PASSWORD.replace(' ', '+')}"
    form = (
        f"POST /login HTTP/1.1\r\nHost: {host}\r\nOrigin: https://{host}\r\nContent-Length: {len(body)}\r\n"
    )
    form += f"Content-Type: application/x-www-form-urlencoded\r\n\r\n{body}"
    assert protected_page.answer(form.encode()) == 303
    with socket.create_connection(("127.0.0.1", protected_page.port), timeout=60) as plain:
        plain.sendall(form.encode())
        assert not plain.recv(4096).startswith(b"HTTP/1.1 303")


def test_an_open_page_reaches_no_other_socket(page):
    """What listens belongs to the server, on one address, and nothing else is open to anybody."""
    held = {str(one.readlink()) for one in Path(f"/proc/{page.process.pid}/fd").iterdir()}
    lines = [line for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()]
    sockets = [line.split() for line in lines if ":" in line.split()[0]]
    listening = [one[1] for one in sockets if one[3] == "0A" and f"socket:[{one[9]}]" in held]
    assert listening == [f"0100007F:{page.port:04X}"]
