"""The socket of the review page, and the server on it: loopback or a UNIX socket, others only behind TLS."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import socket
import stat
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from edge.review.errors import AddressRefused, AddressTaken, CertificateUnusable, SocketTaken

_FIRST_HANDED = 3  # SD_LISTEN_FDS_START of sd_listen_fds(3)
_REQUEST_HEAD_S = 10.0
_KEEP_ALIVE_S = 15
_N_CONNECTIONS_MAX = 64
_SWITCH_S = 0.0005
_ANY = ("0.0.0.0", "::")
_DEFAULT_PORTS = {"http": 80, "https": 443}  # a browser leaves them out


@dataclass(frozen=True, slots=True)
class Place:
    """Where the page is served.

    Attributes
    ----------
    address : str
        Of this machine; anything but loopback needs a certificate and a password.
    port : int
        0 lets the system choose.
    unix_socket : Path or None
        Instead of address and port.
    certificate, key : Path or None
        PEM files.
    has_password : bool
    """

    address: str = "127.0.0.1"
    port: int = 8341
    unix_socket: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    has_password: bool = False

    @property
    def scheme(self) -> str:
        """What an address begins with."""
        return "https" if self.certificate is not None else "http"


class PatientProtocol(H11Protocol):
    """HTTP/1.1 that lets go of a client whose request does not come in time.

    uvicorn waits for ever for the first line of a connection; a hundred such clients would take every place.
    """

    _deadline: asyncio.TimerHandle | None = None
    _begun_s = 0.0

    @property
    def is_waiting(self) -> bool:
        """Whether no request of this connection is being answered."""
        return self.cycle is None or self.cycle.response_complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait."""
        super().connection_made(transport)
        self._begun_s = self.loop.time()
        if len(self.connections) > _N_CONNECTIONS_MAX:
            others = (one for one in self.connections if isinstance(one, PatientProtocol))
            waiting = [one for one in others if one is not self and one.is_waiting]
            if not waiting:
                transport.close()
                return
            # whoever has said nothing for longest makes room: slow clients lock nobody out
            min(waiting, key=lambda one: one._begun_s).transport.close()
        self._deadline = self.loop.call_later(_REQUEST_HEAD_S, self._let_go)

    def handle_events(self) -> None:
        """Look at what came; a complete head ends the wait, and a next one gets its own."""
        before = self.cycle
        super().handle_events()
        if self._deadline is not None and self.cycle is not before:
            self._deadline.cancel()
            self._deadline = None
        elif self._deadline is None and self.is_waiting:
            self._deadline = self.loop.call_later(_REQUEST_HEAD_S, self._let_go)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any more."""
        if self._deadline is not None:
            self._deadline.cancel()
        super().connection_lost(exc)

    def _let_go(self) -> None:
        self._deadline = None
        if self.is_waiting:
            self.transport.close()


def check_place(place: Place) -> None:
    """Refuse to be reachable from other machines without a certificate and a password.

    Raises
    ------
    AddressRefused
    """
    if place.unix_socket is not None or is_loopback(place.address):
        return
    if place.certificate is None or place.key is None or not place.has_password:
        raise AddressRefused(place.address)


def is_loopback(address: str) -> bool:
    """Whether only this machine reaches the address; a name other than localhost counts as outside."""
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def is_local(bound: socket.socket) -> bool:
    """Whether only this machine reaches a socket, whoever opened it."""
    return bound.family == socket.AF_UNIX or is_loopback(bound.getsockname()[0])


@contextlib.contextmanager
def listening(place: Place) -> Iterator[tuple[socket.socket, list[str]]]:
    """The socket, systemd's where it passed one, and the Host headers that it is to be addressed by.

    Raises
    ------
    AddressRefused, AddressTaken, SocketTaken
    """
    if (handed := _handed_over()) is not None:
        with handed:
            yield handed, _hosts_of(handed, place)
        return
    check_place(place)
    if place.unix_socket is not None:
        with _unix_listener(place.unix_socket) as bound:
            yield bound, ["localhost"]
        return
    family = socket.AF_INET6 if ":" in place.address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind((place.address, place.port))
        except OSError as error:
            raise AddressTaken(place.address, place.port, error.strerror or str(error)) from error
        bound.listen(128)
        yield bound, _hosts_of(bound, place)


def _handed_over() -> socket.socket | None:
    """The socket that systemd opened for this process and passed on, where it did (sd_listen_fds(3)).

    It works in a network namespace that has no way out, since a socket stays in the one it was opened in.
    """
    if os.environ.get("LISTEN_PID") != str(os.getpid()) or os.environ.get("LISTEN_FDS") != "1":
        return None
    return socket.socket(fileno=_FIRST_HANDED)


def _hosts_of(bound: socket.socket, place: Place) -> list[str]:
    if bound.family == socket.AF_UNIX:
        return ["localhost"]
    address, port = bound.getsockname()[:2]
    check_place(replace(place, address=address, unix_socket=None))
    names = (
        {address: None, "localhost": None} if is_loopback(address) else {place.address: None, address: None}
    )
    if address in _ANY:  # whoever asks by the very address is served too, see Guard
        names = {socket.gethostname(): None, f"{socket.gethostname()}.local": None}
    ports = ["", f":{port}"] if port == _DEFAULT_PORTS[place.scheme] else [f":{port}"]
    return [(f"[{name}]" if ":" in name else name) + end for end in ports for name in names]


def serve(app: ASGIApp, place: Place, bound: socket.socket, ready: Callable[[], None]) -> None:
    """Serve until the process is asked to end; `ready` is called when the first request may come.

    Raises
    ------
    CertificateUnusable
    """
    tls: dict[str, Any] = {}
    if place.certificate is not None:
        tls = {"ssl_certfile": str(place.certificate), "ssl_keyfile": str(place.key)}
    config = uvicorn.Config(
        app,
        http=PatientProtocol,
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_level="error",
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=2,
        backlog=128,
        h11_max_incomplete_event_size=16 * 1024,
        **tls,
    )
    try:
        config.load()
    except OSError as error:
        raise CertificateUnusable(str(place.certificate), str(error)) from error
    # a thread that reads signals in the background gives way sooner: SQLite lets go of the lock at every row
    sys.setswitchinterval(_SWITCH_S)
    server = _Announcing(config, ready)
    asyncio.run(server.serve(sockets=[bound]))


class _Announcing(uvicorn.Server):
    """A server that says when it serves."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so."""
        await super().startup(sockets=sockets)
        self._ready()


@contextlib.contextmanager
def _unix_listener(path: Path) -> Iterator[socket.socket]:
    """A socket file for its owner alone; one that a killed server left behind is taken over."""
    if path.exists() and not stat.S_ISSOCK(path.stat().st_mode):
        raise SocketTaken(path, "there is another kind of file")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        if probe.connect_ex(str(path)) == 0:
            raise SocketTaken(path, "another server answers there")
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as bound:
        mask = os.umask(0o177)
        try:
            bound.bind(str(path))
        except OSError as error:
            raise SocketTaken(path, error.strerror or str(error)) from error
        finally:
            os.umask(mask)
        bound.listen(128)
        try:
            yield bound
        finally:
            path.unlink(missing_ok=True)
