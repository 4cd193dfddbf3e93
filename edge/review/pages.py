"""The pages: sessions, a session's time line, its cues, one cue, what repeats, and who agrees."""

from __future__ import annotations

from itertools import islice
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from edge.anatomy import ACTION_UNITS
from edge.record.errors import CueUnknown
from edge.record.reviews import decisions, reviewers
from edge.review.agreement import agreement_of
from edge.review.desk import admitted
from edge.review.interpretation import DISMISS_REASONS, interpretation
from edge.review.library import CueFilter
from edge.review.patterns import patterns_of_person, patterns_of_session
from edge.review.shown import SCRIPT_WORDS, STEMS

_N_ON_PAGE = 100
_N_SIMILAR = 8


def sessions(request: Request) -> Response:
    """Every session: rates, coverage and data quality at a glance."""
    desk, _ = admitted(request)
    return desk.page(request, "sessions.html", {"sessions": desk.library.sessions()})


def timeline(request: Request) -> Response:
    """One session along its time."""
    desk, visit = admitted(request)
    session = desk.library.session(request.path_params["session_id"])
    with desk.library.open() as log:
        values = {
            "n_reviewed": desk.library.n_reviewed(session["session_id"], visit.reviewer),
            "n_cues": session["n_micro"] + session["n_macro"],
            "marks": list(log.marks(session["session_id"])),
            "health": log.health(session["session_id"]),
            "stems": STEMS,
        }
    values["words_of_script"] = desk.translate(request, SCRIPT_WORDS)
    return desk.page(request, "timeline.html", {"session": session} | values)


def cues(request: Request) -> Response:
    """The cues of a session as a list to go through."""
    desk, visit = admitted(request)
    session = desk.library.session(request.path_params["session_id"])
    everything = desk.library.cues(session["session_id"], visit.reviewer)
    chosen = _filter(request)
    shown = [cue for cue in everything if chosen.shows(cue)]
    begin = _place(request, len(shown))
    values = {
        "session": session,
        "cues": shown[begin : begin + _N_ON_PAGE],
        "n_shown": len(shown),
        "n_cues": len(everything),
        "n_reviewed": sum(cue["verdict"] != "unreviewed" for cue in everything),
        "begin": begin,
        "n_on_page": _N_ON_PAGE,
        "filter": chosen,
        "query": _query(request),
        "movements": sorted({name for cue in everything for name in cue["movements"].split("+")}),
        "reasons": DISMISS_REASONS,
    }
    return desk.page(request, "cues.html", values)


def cue(request: Request) -> Response:
    """One cue: replay, traces, what it might mean, and the decision."""
    desk, visit = admitted(request)
    session = desk.library.session(request.path_params["session_id"])
    everything = desk.library.cues(session["session_id"], visit.reviewer)
    number = request.path_params["number"]
    found = next((one for one in everything if one["number"] == number), None)
    if found is None:
        raise CueUnknown(f"{session['session_id']}-{number:04d}")
    chosen = _filter(request)
    shown = [one for one in everything if chosen.shows(one) or one["number"] == found["number"]]
    at = next(k for k, one in enumerate(shown) if one["number"] == found["number"])
    values = {
        "session": session,
        "cue": found,
        "previous": shown[at - 1]["number"] if at else None,
        "following": shown[at + 1]["number"] if at + 1 < len(shown) else None,
        "n_cues": len(everything),
        "n_reviewed": sum(one["verdict"] != "unreviewed" for one in everything),
        "similar": _similar(everything, found),
        "text": interpretation(found),
        "reasons": DISMISS_REASONS,
        "action_units": ACTION_UNITS,
        "query": _query(request),
        "words_of_script": desk.translate(request, SCRIPT_WORDS),
    }
    return desk.page(request, "cue.html", values)


def patterns(request: Request) -> Response:
    """What repeats within a session's marked stretches."""
    desk, visit = admitted(request)
    session = desk.library.session(request.path_params["session_id"])
    found = patterns_of_session(desk.library, session, visit.reviewer)
    return desk.page(request, "patterns.html", {"session": session, "found": found, "code": None})


def participant_patterns(request: Request) -> Response:
    """What repeats over all sessions of one person."""
    desk, visit = admitted(request)
    code = request.path_params["code"]
    own = [one for one in desk.library.sessions() if one["participant"] == code]
    found = patterns_of_person(desk.library, own, visit.reviewer)
    return desk.page(request, "patterns.html", {"session": None, "found": found, "code": code})


def agreement(request: Request) -> Response:
    """How far two reviewers of a session agree."""
    desk, _ = admitted(request)
    session = desk.library.session(request.path_params["session_id"])
    session_id, data_dir = session["session_id"], desk.library.data_dir
    codes = reviewers(data_dir, session_id)
    verdicts = {
        code: {number: one.verdict for number, one in decisions(data_dir, session_id, code).items()}
        for code in codes
    }
    pairs = [
        (one, other, agreement_of(verdicts[one], verdicts[other]))
        for k, one in enumerate(codes)
        for other in islice(codes, k + 1, None)
    ]
    values = {"session": session, "codes": codes, "pairs": pairs, "verdicts": verdicts}
    return desk.page(request, "agreement.html", values)


def report(request: Request) -> Response:
    """The session's report, as a file to keep."""
    from edge.review.report import report_html

    desk, _ = admitted(request)
    session = desk.library.session(request.path_params["session_id"])
    with desk.library.open() as log:
        text = report_html(log, session["session_id"])
    name = f"microcue-{session['session_id']}.html"
    return HTMLResponse(text, headers={"content-disposition": f'attachment; filename="{name}"'})


def _filter(request: Request) -> CueFilter:
    query = request.query_params
    return CueFilter(
        kind=query.get("kind", ""),
        movement=query.get("movement", ""),
        side=query.get("side", ""),
        review=query.get("review", "open"),
        plain_only=query.get("plain_only") == "1",
    )


def _query(request: Request) -> str:
    """The filter as it stands in an address."""
    names = ("kind", "movement", "side", "review", "plain_only")
    held = [(name, request.query_params[name]) for name in names if request.query_params.get(name)]
    return urlencode(held)


def _place(request: Request, n_shown: int) -> int:
    text = request.query_params.get("begin", "0")
    begin = int(text) if text.isdecimal() and len(text) < 9 else 0
    last = max(n_shown - 1, 0) // _N_ON_PAGE * _N_ON_PAGE
    return min(begin // _N_ON_PAGE * _N_ON_PAGE, last)


def _similar(everything: list[dict[str, Any]], found: dict[str, Any]) -> list[dict[str, Any]]:
    """Cues with the same leading movement on the same side, those of most alike length first."""
    leading = found["movements"].partition("+")[0]
    alike = [
        one
        for one in everything
        if one["number"] != found["number"]
        and one["movements"].partition("+")[0] == leading
        and one["side"] == found["side"]
    ]
    return sorted(alike, key=lambda one: abs(one["duration_ms"] - found["duration_ms"]))[:_N_SIMILAR]
