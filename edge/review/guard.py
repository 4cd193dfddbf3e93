"""What every request passes before any page sees it: host, origin, size, pace; and its answer's headers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from typing import TypeAlias
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BODY_MAX_BYTES = 64 * 1024
_BODY_S = 10.0
_TOO_LARGE = "a form here has at most 64 kB"
# a page asks for some ten things at once, zooming for some twenty a second
_REQUESTS_PER_S, _BURST = 100.0, 300.0
_SAFE_METHODS = ("GET", "HEAD")
_METHODS = (*_SAFE_METHODS, "POST")
_Headers: TypeAlias = "list[tuple[bytes, bytes]]"

CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_ALWAYS = (
    (b"content-security-policy", CONTENT_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    # with "no-referrer" a browser sends our own forms with "Origin: null", which is refused
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), browsing-topics=()"),
)


class Guard:
    """ASGI middleware: refuses what no browser of ours would send.

    Parameters
    ----------
    app : ASGI application
    hosts : iterable of str
        Host headers that are served, with port: what else comes was sent here by another site's name.
    scheme : "http" or "https"
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str], scheme: str = "http") -> None:
        self._app = app
        self._hosts = frozenset(host.lower() for host in hosts)
        self._scheme = scheme
        self._tokens = _BURST
        self._filled_s = time.monotonic()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve or refuse one request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return  # no web sockets here
        refused = self._refusal(scope)
        if refused is not None:
            await _refuse(send, *refused)
            return
        await self._app(scope, _bounded(receive), _with_headers(send))

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        headers: _Headers = scope["headers"]
        hosts = _values(headers, b"host")
        if len(hosts) != 1 or hosts[0].lower() not in self._hosts | _reached(scope):
            return 421, "this address is not served here; use the one that microcue review printed"
        if scope["method"] not in _METHODS:
            return 405, "only GET, HEAD and POST are served"
        if not self._is_own_page(scope["method"], headers):
            return 403, "the request came from another site"
        if any(len(value) > 10 or not value.isdigit() for value in _values(headers, b"content-length")):
            return 400, "Content-Length should be a number"
        if sum(int(value) for value in _values(headers, b"content-length")) > BODY_MAX_BYTES:
            return 413, _TOO_LARGE
        if not self._has_pace():
            return 429, "too many requests; wait a second"
        return None

    def _is_own_page(self, method: str, headers: _Headers) -> bool:
        origins = _values(headers, b"origin")
        sites = _values(headers, b"sec-fetch-site")
        if method in _SAFE_METHODS:
            # a link from elsewhere may lead here, but no other site's script or picture may fetch here
            elsewhere = any(site in ("cross-site", "same-site") for site in sites)
            return not elsewhere or _values(headers, b"sec-fetch-mode") == ["navigate"]
        if len(origins) != 1 or any(site not in ("same-origin", "none") for site in sites):
            return False
        origin = urlsplit(origins[0].lower())
        return origin.scheme == self._scheme and origin.netloc == _values(headers, b"host")[0].lower()

    def _has_pace(self) -> bool:
        now_s = time.monotonic()
        self._tokens = min(self._tokens + (now_s - self._filled_s) * _REQUESTS_PER_S, _BURST)
        self._filled_s = now_s
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True


def _with_headers(send: Send) -> Send:
    """`send` that puts on the headers that every answer has."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [*(pair for pair in message["headers"] if pair[0] != b"server"), *_ALWAYS]
            if not _values(headers, b"cache-control"):
                headers.append((b"cache-control", b"no-store"))
            message = {**message, "headers": headers}
        await send(message)

    return sending


def _bounded(receive: Receive) -> Receive:
    """`receive` that gives up on bodies that are too long or too slow, whatever their header said."""
    n_bytes = 0
    until_s = time.monotonic() + _BODY_S
    complete = False

    async def bounded() -> Message:
        nonlocal n_bytes, complete
        if complete:  # what is waited for now is the end of the connection
            return await receive()
        try:
            message = await asyncio.wait_for(receive(), max(until_s - time.monotonic(), 0.01))
        except asyncio.TimeoutError as error:
            raise HTTPException(408, f"the whole request is expected within {_BODY_S:.0f} s") from error
        n_bytes += len(message.get("body", b""))
        if n_bytes > BODY_MAX_BYTES:
            raise HTTPException(413, _TOO_LARGE)
        complete = not message.get("more_body", False)
        return message

    return bounded


async def _refuse(send: Send, status: int, sentence: str) -> None:
    body = f"{sentence}\n".encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
        (b"cache-control", b"no-store"),
        *_ALWAYS,
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _reached(scope: Scope) -> frozenset[str]:
    """The very address of this machine that the connection came to: no name that others could point here."""
    address, port = scope.get("server") or ("", None)
    if port is None:
        return frozenset()
    return frozenset([f"[{address}]:{port}" if ":" in address else f"{address}:{port}"])


def _values(headers: _Headers, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in headers if key == name]
