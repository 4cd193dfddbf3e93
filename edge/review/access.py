"""Who may come in: one-time links, the sessions of browsers that used one, and their forms' tokens."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections import deque
from dataclasses import dataclass, field

SESSION_HOURS = 12.0
_LINK_MINUTES = 60.0
_N_SESSIONS_MAX = 16
_TOKEN_BYTES = 32
# 256 bits are not guessed, however many are tried; this bounds what trying costs
_TRIES_MAX, _TRIES_S = 10, 60.0


@dataclass(frozen=True, slots=True)
class Visit:
    """One browser that came in.

    Attributes
    ----------
    reviewer : str
        The code that its decisions are recorded under.
    form_token : str
        Every request that changes something has to carry it.
    until_s : float
        By `time.monotonic`.
    """

    reviewer: str
    form_token: str
    until_s: float


@dataclass(slots=True)
class Door:
    """Hands out one-time links and knows the browsers that came in by them; all of it in memory only."""

    _links: dict[str, tuple[str, float]] = field(default_factory=dict)
    _visits: dict[str, Visit] = field(default_factory=dict)
    _tries: deque[float] = field(default_factory=deque)

    def link_token(self, reviewer: str) -> str:
        """A token that lets one browser in, once, within an hour."""
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        self._links[_digest(token)] = (reviewer, time.monotonic() + _LINK_MINUTES * 60)
        return token

    def may_try(self) -> bool:
        """Whether a token may be tried now; counts the try."""
        now_s = time.monotonic()
        while self._tries and now_s - self._tries[0] > _TRIES_S:
            self._tries.popleft()
        if len(self._tries) >= _TRIES_MAX:
            return False
        self._tries.append(now_s)
        return True

    def enter(self, token: str) -> str | None:
        """The secret of a new browser session, for its cookie; None where the token is no good."""
        reviewer, until_s = self._links.pop(_digest(token), ("", 0.0))
        now_s = time.monotonic()
        if now_s >= until_s:
            return None
        self._tries.clear()
        self._visits = {key: visit for key, visit in self._visits.items() if visit.until_s > now_s}
        if len(self._visits) >= _N_SESSIONS_MAX:
            del self._visits[next(iter(self._visits))]
        secret = secrets.token_urlsafe(_TOKEN_BYTES)
        self._visits[_digest(secret)] = Visit(
            reviewer, secrets.token_urlsafe(_TOKEN_BYTES), now_s + SESSION_HOURS * 3600
        )
        return secret

    def visit(self, secret: str) -> Visit | None:
        """The browser session of a cookie, None where there is none."""
        found = self._visits.get(_digest(secret))
        return found if found is not None and found.until_s > time.monotonic() else None

    def leave(self, secret: str) -> None:
        """End a browser session."""
        self._visits.pop(_digest(secret), None)


def is_form_token(visit: Visit, token: str) -> bool:
    """Whether a form carries the token that its page was given."""
    return hmac.compare_digest(visit.form_token.encode(), token.encode())


def _digest(secret: str) -> str:
    # what is looked up is not the secret itself, so the time a look-up takes tells nothing about it
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
