"""The screen beside a kiosk: what a visitor is asked, how to stop and to delete. No link is needed.

What is reachable without one is this alone: it shows nothing of anybody but the code of the visit that just
ended, and does no more than the button beside the lens.
"""

from __future__ import annotations

import hmac
import secrets
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from edge.clock import boottime_ns
from edge.config import Config
from edge.health.state_file import DELETING, SESSION_OVER, read_state
from edge.live.wishes import wish_pause
from edge.record.lock import is_held
from edge.record.people import withdraw_consent
from edge.record.visitors import KioskBusy, begin_visit, kept_by, newest_visit, read_consent_text, wishes
from edge.review.desk import Desk, desk_of, form_of, one

_SAID = ("busy", "changed", "deleting", "deleted", "stopping")


@dataclass(slots=True)
class KioskScreen:
    """What the screen goes by.

    Attributes
    ----------
    text : Path
        What visitors agree to; read anew for each.
    kept : tuple of str
        What the settings keep beside cues, and a visitor may agree to or not.
    grace_s : float
        So long after a visit its visitor can delete it here.
    form_token : str
        In each form of this screen; no other site can read it.
    admitting : threading.Lock
        One visitor is admitted at a time.
    """

    text: Path
    kept: tuple[str, ...]
    grace_s: float
    form_token: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    admitting: threading.Lock = field(default_factory=threading.Lock)


class Moment(NamedTuple):
    """Where a kiosk is: "closed", "asking", "watching", "deletable", "deleting", and whose visit it is."""

    phase: str
    code: str = ""


def kiosk_screen(config: Config) -> KioskScreen:
    """The screen for a kiosk's settings; raises ConfigError where its text cannot be read."""
    text = Path(config.kiosk.consent_text)
    read_consent_text(text)
    return KioskScreen(text, kept_by(config.record), config.kiosk.grace_s)


def routes() -> list[Route]:
    """What the screen answers."""
    return [
        Route("/kiosk", screen, methods=["GET"]),
        Route("/kiosk/state.json", state, methods=["GET"]),
        Route("/kiosk/agree", agree, methods=["POST"]),
        Route("/kiosk/stop", stop, methods=["POST"]),
        Route("/kiosk/delete", delete, methods=["POST"]),
    ]


def moment_of(data_dir: Path, grace_s: float) -> Moment:
    """Where the kiosk is now, by its state file and its log.

    Raises
    ------
    LogUnreadable, DatabaseDamaged, DatabaseForeign, DatabaseFromFuture
    """
    run = read_state(data_dir) if is_held(data_dir) else None
    if run is None:
        return Moment("closed")
    phase = str(run.get("phase"))
    if phase == DELETING:
        return Moment("deleting")
    visit = newest_visit(data_dir)
    if phase == "watching":
        return Moment("watching", visit.code if visit is not None and visit.is_running else "")
    if not phase.startswith(SESSION_OVER):  # deleted: the newest visit in the log is somebody else's by now
        return Moment("asking")
    is_recent = boottime_ns() - int(run.get("phase_since_boottime_ns", 0)) <= grace_s * 1e9
    return Moment("deletable", visit.code) if visit is not None and is_recent else Moment("asking")


def screen(request: Request) -> Response:
    """The screen as the moment asks for it."""
    desk, kiosk = desk_of(request), _kiosk(request)
    moment = moment_of(desk.library.data_dir, kiosk.grace_s)
    said = request.query_params.get("said", "")
    if said in ("deleting", "deleted") and moment.phase == "asking":
        said = "deleting" if wishes(desk.library.data_dir).withdrawn else "deleted"
    elif said == "deleted":
        said = ""
    values = {
        "phase": moment.phase,
        "code": moment.code,
        "text": read_consent_text(kiosk.text),
        "kept": kiosk.kept,
        "grace_s": round(kiosk.grace_s),
        "form_token": kiosk.form_token,
        "said": said if said in _SAID else "",
    }
    return desk.page(request, "visitor.html", values)


def state(request: Request) -> Response:
    """The phase, for the script that turns the page."""
    moment = moment_of(desk_of(request).library.data_dir, _kiosk(request).grace_s)
    return JSONResponse({"phase": moment.phase})


async def agree(request: Request) -> Response:
    """Somebody agrees to the words on the screen: they are watched as soon as the kiosk has them."""
    desk, kiosk, form = await _form(request)
    text = await run_in_threadpool(read_consent_text, kiosk.text)
    if one(form, "version") != text.version:
        return _back("changed")
    agreed = [name for name in kiosk.kept if name in form.get("agreed", [])]
    if not kiosk.admitting.acquire(blocking=False):
        return _back("busy")
    try:
        data_dir = desk.library.data_dir
        moment = await run_in_threadpool(moment_of, data_dir, kiosk.grace_s)
        if moment.phase not in ("asking", "deletable"):
            return _back("busy")
        await run_in_threadpool(begin_visit, data_dir, agreed, text)
    except KioskBusy:
        return _back("busy")
    finally:
        kiosk.admitting.release()
    return _back()


async def stop(request: Request) -> Response:
    """The visit ends and is kept."""
    desk, kiosk, _ = await _form(request)
    if moment_of(desk.library.data_dir, kiosk.grace_s).phase == "watching":
        await run_in_threadpool(wish_pause, desk.library.data_dir, True)
    return _back("stopping")


async def delete(request: Request) -> Response:
    """Withdraw the consent of the visit that goes on, or just ended; the kiosk deletes it."""
    desk, kiosk, form = await _form(request)
    data_dir = desk.library.data_dir
    moment = await run_in_threadpool(moment_of, data_dir, kiosk.grace_s)
    # of whoever stood before this page when it was drawn, not of who came since
    if moment.code and hmac.compare_digest(moment.code.encode(), one(form, "code").encode()):
        await run_in_threadpool(withdraw_consent, data_dir, moment.code)
        return _back("deleting")
    return _back("changed")


async def _form(request: Request) -> tuple[Desk, KioskScreen, dict[str, list[str]]]:
    desk, kiosk = desk_of(request), _kiosk(request)
    form = await form_of(request)
    if not hmac.compare_digest(one(form, "form_token").encode(), kiosk.form_token.encode()):
        raise HTTPException(403, "the form is not from this screen; reload it and try again")
    return desk, kiosk, form


def _kiosk(request: Request) -> KioskScreen:
    kiosk: KioskScreen = request.app.state.kiosk
    return kiosk


def _back(said: str = "") -> Response:
    return RedirectResponse(f"/kiosk?said={said}" if said else "/kiosk", 303)
