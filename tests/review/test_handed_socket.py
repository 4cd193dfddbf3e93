"""The review page on a socket that systemd opened: a program of its own, and a real browser's first steps."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys
from urllib.parse import urlsplit

import pytest

from edge.review.errors import AddressRefused
from edge.review.serving import Place, listening


@pytest.fixture
def handed():
    """Opens a listening socket on an address of this machine."""
    opened = []

    def make(address):
        bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        bound.bind((address, 0))
        bound.listen(8)
        opened.append(bound)
        return bound

    yield make
    for bound in opened:
        bound.close()


@pytest.fixture
def served(handed, tmp_path):
    """The program on a socket that it was handed: its first words and the port; ended after the test."""
    bound = handed("127.0.0.1")
    words = [sys.executable, "-m", "edge.cli", "review", "--json", "--data", str(tmp_path), "--port", "1"]
    # as systemd does it: descriptor 3, and the process's own number
    launch = f"import os; os.dup2({bound.fileno()}, 3); os.environ.update(LISTEN_PID=str(os.getpid()), "
    launch += f"LISTEN_FDS='1'); os.execv({sys.executable!r}, {words!r})"
    with subprocess.Popen(
        [sys.executable, "-c", launch], stdout=subprocess.PIPE, text=True, pass_fds=(bound.fileno(),)
    ) as program:
        assert program.stdout is not None
        yield json.loads(program.stdout.readline()), bound.getsockname()[1]
        program.terminate()


def answer(port, path, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    response.read()
    connection.close()
    return response


def test_page_is_served_on_the_socket_that_was_handed_over(served):
    said, port = served
    link = urlsplit(said["link"])
    assert link.port == port
    assert answer(port, "/").status == 401  # nobody is let in without the link
    assert answer(port, f"{link.path}?{link.query}").status == 303
    assert answer(port, "/", Host="evil.example").status == 421


def test_socket_that_others_reach_is_refused_without_a_certificate(handed, monkeypatch):
    monkeypatch.setattr("edge.review.serving._handed_over", lambda: handed("0.0.0.0").dup())
    with pytest.raises(AddressRefused), listening(Place()):
        pass


@pytest.mark.parametrize(("pid", "n"), [("1", "1"), ("", "1")])
def test_socket_that_was_meant_for_another_process_is_left_alone(monkeypatch, pid, n):
    monkeypatch.setenv("LISTEN_PID", pid)
    monkeypatch.setenv("LISTEN_FDS", n)
    with listening(Place(port=0)) as (bound, _hosts):
        assert bound.fileno() != 3
