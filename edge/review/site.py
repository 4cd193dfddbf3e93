"""The review page put together: routes, templates, and what each request is given."""

from __future__ import annotations

import functools
import hashlib
import importlib
from pathlib import Path
from typing import Any, TypeAlias

import jinja2
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from edge import __version__
from edge.errors import EdgeError, UsageError
from edge.review import answers, entrance, live_pages, pages, visitor_pages
from edge.review.access import Door
from edge.review.desk import Desk
from edge.review.guard import Guard
from edge.review.language import Languages
from edge.review.library import Library
from edge.review.shown import FILTERS
from edge.review.viewer import Viewer
from edge.review.visitor_pages import KioskScreen

_HERE = Path(__file__).parent
_STATIC = _HERE / "static"
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
Handler: TypeAlias = Any


def build_site(
    data_dir: Path,
    hosts: list[str],
    scheme: str = "http",
    password: str = "",
    kiosk: KioskScreen | None = None,
) -> tuple[ASGIApp, Door]:
    """The application, and the door that gives out links to it.

    Parameters
    ----------
    data_dir : Path
    hosts : list of str
        Host headers that are served.
    scheme : "http" or "https"
    password : str
        Lets people in beside one-time links; empty for none.
    kiosk : KioskScreen, optional
        Adds a screen for visitors, which asks for no link.
    """
    desk = desk_for(data_dir, hosts, scheme, password)
    routes = [*_routes(), *live_pages.routes(), *(visitor_pages.routes() if kiosk is not None else ())]
    app = application(routes, desk)
    app.state.viewer = Viewer(data_dir)
    app.state.kiosk = kiosk
    return Guard(app, hosts, scheme), desk.door


def warm_up() -> None:
    """Compile the pages and import what the intervals need: a second that nobody need wait for."""
    environment = _environment()
    for name in environment.list_templates():
        environment.get_template(name)
    importlib.import_module("scipy.special")


def desk_for(data_dir: Path, hosts: list[str], scheme: str, password: str) -> Desk:
    """What the pages of one server share; see `build_site`."""
    address = f"{scheme}://{hosts[0]}"
    is_secure = scheme == "https"
    return Desk(Library(data_dir), Door(), Languages(), _environment(), password, address, is_secure)


def application(routes: list[Route], desk: Desk) -> Starlette:
    """Routes with a way in, files and explained errors around them; a guard goes before it."""
    app = Starlette(routes=[*_entrance(), *routes], exception_handlers=_on_error())
    app.state.desk = desk
    app.state.files = _files()
    return app


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    environment.filters.update(FILTERS)
    environment.globals["version"] = __version__
    environment.globals["asset"] = lambda name: f"/static/{_edition()}/{name}"
    return environment


@functools.cache
def _files() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(_STATIC.iterdir()) if path.suffix in _TYPES}


@functools.cache
def _edition() -> str:
    """Names all files together: a script finds the others beside it, and none is ever of another version."""
    digest = hashlib.sha256()
    for name, content in _files().items():
        digest.update(f"{name} {len(content)} ".encode() + content)
    return digest.hexdigest()[:16]


def _entrance() -> list[Route]:
    get, post = ["GET"], ["POST"]
    return [
        Route("/login", entrance.login, methods=get),
        Route("/login", entrance.login_with_password, methods=post),
        Route("/logout", entrance.logout, methods=post),
        Route("/invite", entrance.invite, methods=post),
        Route("/language", entrance.choose_language, methods=post),
        Route("/static/{name:str}", _static, methods=get),
        Route("/static/{edition:str}/{name:str}", _static, methods=get),
    ]


def _routes() -> list[Route]:
    session = "/sessions/{session_id:str}"
    cue = session + "/cues/{number:int}"
    get, post = ["GET"], ["POST"]
    return [
        Route("/", pages.sessions, methods=get),
        Route(session, pages.timeline, methods=get),
        Route(session + "/cues", pages.cues, methods=get),
        Route(cue, pages.cue, methods=get),
        Route(session + "/patterns", pages.patterns, methods=get),
        Route("/participants/{code:str}/patterns", pages.participant_patterns, methods=get),
        Route(session + "/agreement", pages.agreement, methods=get),
        Route(session + "/report", pages.report, methods=get),
        Route(session + "/timeline.json", answers.timeline, methods=get),
        Route(session + "/traces.json", answers.traces, methods=get),
        Route(cue + "/replay.json", answers.replay_of_cue, methods=get),
        Route(session + "/decide", answers.decide, methods=post),
        Route(session + "/undo", answers.undo, methods=post),
        Route(session + "/note", answers.note, methods=post),
    ]


def _static(request: Request) -> Response:
    """A file by its name among those read at the start: no path is ever put together."""
    name = request.path_params["name"]
    content = request.app.state.files.get(name)
    edition = request.path_params.get("edition")
    if content is None or edition not in (None, _edition()):
        raise HTTPException(404)
    storing = "max-age=31536000, immutable" if edition else "max-age=3600"
    return Response(content, media_type=_TYPES[Path(name).suffix], headers={"cache-control": storing})


def _on_error() -> dict[Any, Handler]:
    def explained(request: Request, error: Exception) -> Response:
        if isinstance(error, EdgeError):
            return _problem(request, 404 if isinstance(error, UsageError) else 503, str(error))
        assert isinstance(error, HTTPException)
        if error.status_code == 401 and "text/html" in request.headers.get("accept", ""):
            return RedirectResponse("/login", 303)
        return _problem(request, error.status_code, error.detail)

    return {HTTPException: explained, EdgeError: explained}


def _problem(request: Request, status: int, sentence: str) -> Response:
    desk: Desk = request.app.state.desk
    if "text/html" not in request.headers.get("accept", ""):
        return JSONResponse({"error": sentence}, status)
    return HTMLResponse(desk.render(request, "problem.html", {"sentence": sentence}), status)
