"""`microcue sessions` and `microcue cues`: what was logged."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterator
from itertools import islice
from typing import Any

from edge.commands.context import Context
from edge.health.relief import Relief
from edge.record.cue_rows import CUE_COLUMNS, Field, Row
from edge.record.lock import fault_of_run
from edge.record.reading import SESSION_COLUMNS, LogReader

logger = logging.getLogger(__name__)

_SESSIONS_EXAMPLE = """\
examples:
  microcue sessions
  microcue sessions --json | jq '.[-1].n_micro'

A session is named after its start in UTC. `watched` is the share of it in which a face was
followed, `/min` the micro cues in a minute of that time: it compares a person with themselves and
nobody with others. Below its name stands whether it is still `running`, or `interrupted`: it has no
end, because the power went or the process was killed, and everything up to its last second is there.
"""
_CUES_EXAMPLE = """\
examples:
  microcue cues
  microcue cues 20260711-143000-9f2c --kind micro --json

`false/h` is how many cues at least this strong noise alone would give in an hour of this session;
speech, head turns and tracking errors are not in it. `during` says what else happened: a blink,
speech, a head that moved fast, or light that was not steady. Movements stand strongest first.
docs/cues.md explains every column of an export.
"""
_SESSION_HEADINGS = {
    "session_id": "session",
    "participant": "who",
    "source": "source",
    "length": "length",
    "fps": "fps",
    "watched": "watched",
    "frames": "frames",
    "n_micro": "micro",
    "n_macro": "macro",
    "per_minute": "/min",
}
_COUNTS = "Compare these counts within a person, never between people."
_CUE_HEADINGS = ("cue", "at", "kind", "ms", "movements", "side", "miod", "false/h", "during")
# a head in conversation goes beyond it about a tenth of the time
_FAST_HEAD_MIOD_S = 420.0
_ROOM_FOR_SESSIONS = ("per_minute", "fps", "n_macro", "frames")  # what a narrow terminal does without


def register(subparsers: Any) -> None:
    """Add both commands to the command line."""
    sessions = subparsers.add_parser(
        "sessions",
        help="list the recorded sessions",
        description="List the recorded sessions, oldest first.",
        epilog=_SESSIONS_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    sessions.add_argument("--limit", metavar="N", type=_count, help="only the newest N")
    sessions.set_defaults(run=run_sessions)
    cues = subparsers.add_parser(
        "cues",
        help="list the candidate cues of a session",
        description="List the candidate cues of a session in order of onset.",
        epilog=_CUES_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    cues.add_argument(
        "session", metavar="SESSION", nargs="?", default="latest", help="which session (default: latest)"
    )
    cues.add_argument("--kind", choices=("micro", "macro"), help="only these")
    cues.add_argument("--blinks", action="store_true", help="list blinks too")
    cues.add_argument(
        "--analysis", metavar="N", type=int, default=0, help="of `microcue respot` (default: 0, spotted live)"
    )
    cues.add_argument("--limit", metavar="N", type=_count, help="at most N")
    cues.set_defaults(run=run_cues)


def run_sessions(args: argparse.Namespace, context: Context) -> int:
    """List the sessions; having none yet is no failure."""
    if fault := fault_of_run(context.data_dir):
        logger.warning("the run that is recording now says: %s", fault)
    with LogReader(context.data_dir) as log:
        sessions = list(log.sessions(args.limit))
    if context.json:
        context.print_table("", SESSION_COLUMNS, sessions)
        return 0
    rows = [_session_for_people(dict(zip(SESSION_COLUMNS, row, strict=True))) for row in sessions]
    if not rows:
        context.print_text(
            f"No session has been recorded in {context.data_dir} yet; start one with `microcue run`."
        )
        return 0
    names = tuple(_SESSION_HEADINGS)
    headings = dict(_SESSION_HEADINGS)
    if not any(row[names.index("frames")] for row in rows):
        del headings["frames"]  # nothing was wrong with any
    context.print_table(
        f"Sessions in {context.data_dir}", names, rows, headings, drop_first=_ROOM_FOR_SESSIONS
    )
    if sum(bool(row[names.index("per_minute")]) for row in rows) > 1:
        context.print_text(_COUNTS)
    return 0


def run_cues(args: argparse.Namespace, context: Context) -> int:
    """List the cues of one session."""
    print_cues(context, args.session, args.kind, args.blinks, args.limit, args.analysis)
    return 0


def print_cues(
    context: Context,
    session: str,
    kind: str | None = None,
    blinks: bool = False,
    limit: int | None = None,
    analysis: int = 0,
) -> None:
    """Print the cues of one session, as a table or as JSON."""
    with LogReader(context.data_dir) as log:
        session_id = log.resolve(session)
        cues = islice(log.cues(session_id, kind, blinks, analysis), limit)
        if context.json:
            context.print_table("", CUE_COLUMNS, cues)
            return
        rows = list(_cues_for_people(cues))
    if rows:
        context.print_table(
            f"Candidate cues of session {session_id}", _CUE_HEADINGS, rows, drop_first=("side", "during")
        )
    else:
        context.print_text(f"Session {session_id} has no {f'{kind} ' if kind else ''}cues.")


def _session_for_people(session: dict[str, str | int | float | None]) -> Row:
    coverage, per_minute, fps = session["coverage"], session["micro_per_minute"], session["fps"]
    return (
        f"{session['session_id']}" + ("" if session["state"] == "finished" else f"\n{session['state']}"),
        session["participant"] or "",
        # the folder says little and takes all the room; a camera has none
        str(session["source"] or "").rpartition("/")[2],
        _clock_time(round(float(session["duration_s"] or 0)), "02d"),
        f"{fps:.0f}" if isinstance(fps, float) else "",
        f"{coverage:.0%}" if isinstance(coverage, float) else "",
        _frames_for_people(session),
        *(session["n_micro"], session["n_macro"]),
        f"{per_minute:.1f}" if isinstance(per_minute, float) else "",
    )


def _frames_for_people(session: dict[str, str | int | float | None]) -> str:
    """What was wrong with the frames; empty where nothing was."""
    counted = (
        *(("missing", "n_dropped_frames"), ("repeated", "n_repeated_frames")),
        *(("restarts", "n_restarts"), ("exposures", "n_exposure_changes"), ("light steps", "n_light_steps")),
    )
    told = [f"{session[name]} {what}" for what, name in counted if session[name]]
    if session["relief"]:
        told.append(Relief(int(session["relief"])).words)
    if session["lamp_hz"] is not None:
        told.append(f"flicker {session['flicker_hz']:g} Hz")
    return "\n".join(told)


def _cues_for_people(cues: Iterator[Row]) -> Iterator[Row]:
    for row in cues:
        cue = dict(zip(CUE_COLUMNS, row, strict=True))
        during = [name for name in ("blink", "speech") if cue[f"during_{name}"]]
        if float(cue["head_motion_miod_s"] or 0.0) > _FAST_HEAD_MIOD_S:
            during.append("head")
        if cue["lighting"] not in (None, "ok"):
            during.append(str(cue["lighting"]))
        error_ms = cue["duration_error_ms"]
        amplitude_miod = cue["amplitude_miod"]
        yield (
            *(
                str(cue["cue_id"]).rpartition("-")[2],
                _clock_time(round(float(cue["onset_s"] or 0), 1), "04.1f"),
            ),
            cue["kind"],
            f"{cue['duration_ms']:.0f}" + (f"±{error_ms:.0f}" if error_ms is not None else ""),
            *(str(cue["movements"]).replace("_", " ").replace("+", "\n"), cue["side"]),
            f"{amplitude_miod:.1f}" if amplitude_miod is not None else "",
            _rate(cue["expected_false_per_hour"]),
            "\n".join(during),
        )


def _clock_time(duration_s: float, seconds_format: str) -> str:
    """Hours, minutes and seconds, as a watch shows them."""
    minutes, seconds = divmod(duration_s, 60)
    hours, minutes = divmod(int(minutes), 60)
    text = f"{minutes:02d}:{seconds:{seconds_format}}"
    return f"{hours}:{text}" if hours else text


def _rate(per_hour: Field) -> str:
    if not isinstance(per_hour, float):
        return ""
    return "<0.01" if per_hour < 0.01 else f"{per_hour:.2g}" if per_hour < 10 else f"{per_hour:.0f}"


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} should be a whole number, 1 or more")
    return int(text)
