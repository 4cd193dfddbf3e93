"""Coming in and going out: one-time links, the password where one is set, further reviewers."""

from __future__ import annotations

import hmac
import re
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from edge.review.access import SESSION_HOURS
from edge.review.desk import Desk, admitted_form, desk_of, form_of, one

REVIEWER_PATTERN = re.compile(r"[A-Za-z0-9_-]{1,32}")


def login(request: Request) -> Response:
    """Let in by the token of a link; without one, say how to come in."""
    desk = desk_of(request)
    token = request.query_params.get("token", "")
    sentence = ""
    if token:
        if not desk.door.may_try():
            raise HTTPException(429, "too many tries; wait a minute")
        secret = desk.door.enter(token)
        if secret is not None:
            return _let_in(desk, secret)
        sentence = "used"
    return desk.page(request, "login.html", {"problem": sentence, "has_password": bool(desk.password)})


async def login_with_password(request: Request) -> Response:
    """Let in by the password of a page that other machines reach."""
    desk = desk_of(request)
    form = await form_of(request)
    if not desk.password:
        raise HTTPException(404)
    if not desk.door.may_try():
        raise HTTPException(429, "too many tries; wait a minute")
    reviewer = one(form, "reviewer", 64)
    given = form.get("password", [""])[0]
    is_right = hmac.compare_digest(given.encode(), desk.password.encode())
    if not is_right or not REVIEWER_PATTERN.fullmatch(reviewer):
        return desk.page(request, "login.html", {"problem": "wrong", "has_password": True})
    secret = desk.door.enter(desk.door.link_token(reviewer))
    assert secret is not None
    return _let_in(desk, secret)


async def logout(request: Request) -> Response:
    """End this browser's session."""
    desk, _, _ = await admitted_form(request)
    desk.door.leave(request.cookies.get(desk.cookie, ""))
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(desk.cookie, httponly=True, samesite="strict", secure=desk.is_secure)
    return answer


async def invite(request: Request) -> Response:
    """A one-time link for another reviewer, whose decisions are recorded apart."""
    desk, _, form = await admitted_form(request)
    reviewer = one(form, "reviewer", 64)
    if not REVIEWER_PATTERN.fullmatch(reviewer):
        raise HTTPException(400, "a reviewer's code is 1 to 32 letters, digits, - or _")
    link = f"{desk.address}/login?token={desk.door.link_token(reviewer)}"
    return desk.page(request, "invite.html", {"link": link, "reviewer": reviewer})


async def choose_language(request: Request) -> Response:
    """Remember a language in a cookie that says nothing else."""
    desk = desk_of(request)
    form = await form_of(request)
    answer = RedirectResponse(_own_path(one(form, "back")), 303)
    answer.set_cookie(
        "language",
        desk.languages.chosen(one(form, "language"), None),
        max_age=365 * 86400,
        httponly=True,
        samesite="strict",
        secure=desk.is_secure,
    )
    return answer


def _own_path(back: str) -> str:
    """Where to go back to: a path of this page, never another site."""
    parts = urlsplit(back)
    is_own = back.startswith("/") and not back.startswith("//") and "\\" not in back
    return back if is_own and not parts.scheme and not parts.netloc else "/"


def _let_in(desk: Desk, secret: str) -> Response:
    answer = RedirectResponse("/", 303)
    answer.set_cookie(
        desk.cookie,
        secret,
        max_age=int(SESSION_HOURS * 3600),
        httponly=True,
        samesite="strict",
        secure=desk.is_secure,
    )
    return answer
