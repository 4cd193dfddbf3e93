"""What every page has at hand: the log, who is asking, in which language, and how a page is made."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

import jinja2
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse

from edge.review.access import Door, Visit, is_form_token
from edge.review.language import Languages
from edge.review.library import Library

_FIELDS_MAX = 4000


@dataclass(frozen=True, slots=True)
class Desk:
    """Shared by all requests.

    Attributes
    ----------
    library : Library
    door : Door
    languages : Languages
    environment : jinja2.Environment
    password : str
        Empty where only one-time links let people in.
    address : str
        What a link to this page begins with.
    is_secure : bool
        Whether cookies are for TLS only.
    """

    library: Library
    door: Door
    languages: Languages
    environment: jinja2.Environment
    password: str
    address: str
    is_secure: bool

    @property
    def cookie(self) -> str:
        """Name of the cookie; with the port, since cookies are shared by all ports of a host."""
        return f"microcue_{self.address.rpartition(':')[2].strip('/')}"

    def visit_of(self, request: Request) -> Visit | None:
        """Who asks, None where nobody came in."""
        return self.door.visit(request.cookies.get(self.cookie, ""))

    def render(self, request: Request, template: str, values: dict[str, Any]) -> str:
        """A page as text, escaped, in the reader's language."""
        visit = self.visit_of(request)
        language = self._language_of(request)
        words = self.languages.translations(language)
        shared = {
            "visit": visit,
            "path": request.url.path,
            "language": language,
            "languages": self.languages.names,
            "_": words.gettext,
            "gettext": words.gettext,
            "ngettext": words.ngettext,
        }
        return self.environment.get_template(template).render(shared | values)

    def translate(self, request: Request, texts: Iterable[str]) -> dict[str, str]:
        """Each text in the reader's language."""
        words = self.languages.translations(self._language_of(request))
        return {text: words.gettext(text) for text in texts}

    def page(self, request: Request, template: str, values: dict[str, Any]) -> HTMLResponse:
        """A page as an answer."""
        return HTMLResponse(self.render(request, template, values))

    def _language_of(self, request: Request) -> str:
        return self.languages.chosen(request.cookies.get("language"), request.headers.get("accept-language"))


def desk_of(request: Request) -> Desk:
    """The desk of the application that a request came to."""
    desk: Desk = request.app.state.desk
    return desk


def admitted(request: Request) -> tuple[Desk, Visit]:
    """Desk and visitor; raises HTTPException 401 for whoever did not come in by a link."""
    desk = desk_of(request)
    visit = desk.visit_of(request)
    if visit is None:
        raise HTTPException(401, "sign in with the link that microcue review printed")
    return desk, visit


async def form_of(request: Request) -> dict[str, list[str]]:
    """A form's fields; the guard has bounded its size.

    Raises
    ------
    HTTPException
        400 where it is no form of a page.
    """
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != "application/x-www-form-urlencoded":
        raise HTTPException(415, "a form is expected")
    body = await request.body()  # what the guard stops here is its own to answer
    try:
        return parse_qs(body.decode(), keep_blank_values=True, max_num_fields=_FIELDS_MAX, errors="strict")
    except ValueError as error:
        raise HTTPException(400, f"the form cannot be read: {error}") from error


async def admitted_form(request: Request) -> tuple[Desk, Visit, dict[str, list[str]]]:
    """Desk, visitor and form of a request that changes something; its token has been checked."""
    desk, visit = admitted(request)
    form = await form_of(request)
    token = form.get("form_token", [""])[0]
    if not is_form_token(visit, token):
        raise HTTPException(403, "the form is not from a page of this sign-in; reload the page and try again")
    return desk, visit, form


def one(form: dict[str, list[str]], name: str, longest: int = 1000) -> str:
    """One field as text without control characters, cut to `longest`; empty where it is missing."""
    text = form.get(name, [""])[0]
    return "".join(c for c in text if c.isprintable() or c == "\n")[:longest].strip()
