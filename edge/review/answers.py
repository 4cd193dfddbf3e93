"""What scripts of the pages ask for, and what changes the log: traces, replays, decisions, notes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from edge.record.annotate import note_cue, note_session
from edge.record.reviews import VERDICTS
from edge.record.reviews import decide as record_decision
from edge.record.reviews import undo as undo_decision
from edge.review.desk import admitted, admitted_form, one
from edge.review.replay import packed, replay

_N_BINS_MAX = 4000
_N_CUES_MAX = 2000
# of Cue, in the order the page's script reads them
_SENT = ("number", "kind", "onset_s", "apex_s", "offset_s", "movements", "side", "amplitude_miod", "verdict")


def timeline(request: Request) -> Response:
    """Cues, marks, blinks, gaps and watched stretches of a session."""
    desk, visit = admitted(request)
    session = desk.library.session(request.path_params["session_id"])
    session_id, duration_s = session["session_id"], session["duration_s"]
    cues = desk.library.cues(session_id, visit.reviewer)
    with desk.library.open() as log:
        found = {
            "duration_s": duration_s,
            "is_running": session["state"] == "running",
            "cues": [[cue[name] for name in _SENT] + [cue["flags"]] for cue in cues],
            "marks": list(log.marks(session_id)),
            "blinks": log.blinks(session_id),
            "gaps": log.gaps(session_id),
            "watched": log.watched(session_id, duration_s),
            "faces": log.faces(session_id),
            "channels": log.channels(session_id),
        }
    return JSONResponse(found)


def traces(request: Request) -> Response:
    """Least and greatest of every signal in each bin of a stretch of a session."""
    desk, _ = admitted(request)
    query = request.query_params
    session = desk.library.session(request.path_params["session_id"])
    from_s = _number(query.get("from_s", "0"))
    to_s = _number(query.get("to_s", "0")) or session["duration_s"]
    n_bins = int(min(max(_number(query.get("n_bins", "1000")), 1), _N_BINS_MAX))
    face = int(min(max(_number(query.get("face", "0")), 0), 100))
    view = desk.library.view(session["session_id"], face, from_s, to_s, n_bins)
    return JSONResponse(
        {
            "from_s": from_s,
            "to_s": to_s,
            "n_bins": n_bins,
            "n_channels": view.low.shape[1],
            "share_read": view.share_read,
            "low_high": packed(np.stack([view.low.T, view.high.T])),
        }
    )


def replay_of_cue(request: Request) -> Response:
    """Points and signals around one cue."""
    desk, visit = admitted(request)
    session_id = desk.library.session(request.path_params["session_id"])["session_id"]
    cue = desk.library.cue(session_id, request.path_params["number"], visit.reviewer)
    with desk.library.open() as log:
        return JSONResponse(replay(log, cue, cue["number"]))


async def decide(request: Request) -> Response:
    """Keep or dismiss some cues, or take them back to unreviewed."""
    desk, visit, form = await admitted_form(request)
    verdict = one(form, "verdict", 20)
    if verdict not in VERDICTS:
        raise HTTPException(400, f"a decision is one of {', '.join(VERDICTS)}")
    numbers = [int(text) for text in form.get("number", []) if text.isdecimal() and len(text) < 10]
    if not numbers or len(numbers) > _N_CUES_MAX:
        raise HTTPException(400, f"choose 1 to {_N_CUES_MAX} cues")
    session_id = request.path_params["session_id"]
    reason = one(form, "reason", 500) if verdict == "dismissed" else ""
    await run_in_threadpool(
        record_decision, desk.library.data_dir, session_id, numbers, visit.reviewer, verdict, reason
    )
    return _done(request, form, session_id, {"numbers": numbers, "verdict": verdict})


async def undo(request: Request) -> Response:
    """Take back this reviewer's newest decision in the session."""
    desk, visit, form = await admitted_form(request)
    session_id = request.path_params["session_id"]
    numbers = await run_in_threadpool(undo_decision, desk.library.data_dir, session_id, visit.reviewer)
    return _done(request, form, session_id, {"numbers": numbers, "verdict": "undone"})


async def note(request: Request) -> Response:
    """A remark on the session, or on one of its cues; an empty one takes it away."""
    desk, _, form = await admitted_form(request)
    session_id = request.path_params["session_id"]
    text, number = one(form, "text", 2000), one(form, "number", 9)
    if number:
        cue_id = f"{session_id}-{int(number) if number.isdecimal() else 0:04d}"
        await run_in_threadpool(note_cue, desk.library.data_dir, cue_id, text)
    else:
        await run_in_threadpool(desk.library.session, session_id)  # SessionUnknown
        await run_in_threadpool(note_session, desk.library.data_dir, session_id, text)
    return _done(request, form, session_id, {"note": text})


def _done(request: Request, form: dict[str, list[str]], session_id: str, said: dict[str, Any]) -> Response:
    """JSON for a script, the page again for a form."""
    if "text/html" not in request.headers.get("accept", ""):
        return JSONResponse(said)
    numbers = form.get("next", [""])[0]
    page = f"/sessions/{session_id}/cues"
    if numbers.isdecimal():
        page += f"/{int(numbers)}"
    query = one(form, "query", 300)
    return RedirectResponse(page + (f"?{query}" if query else ""), 303)


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or abs(value) > 1e8:
        raise HTTPException(400, f"a number is expected, found {text[:40]!r}")
    return value
