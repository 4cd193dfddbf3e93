"""`microcue mark` and `microcue note`: what people add to a log."""

from __future__ import annotations

import argparse
import json
from typing import Any

from edge.commands.context import Context
from edge.errors import UsageError
from edge.record.annotate import mark_at, mark_now, note_cue, note_session
from edge.record.reading import LogReader

_MARK_EXAMPLE = """\
examples:
  microcue mark "asked about the weekend"
  microcue mark --session latest --at 12.5 "first question"

Without --at it goes into the session that a camera is recording now. A button does the same
(session.button), and `microcue run --marks FILE` takes a whole table.
"""
_NOTE_EXAMPLE = """\
examples:
  microcue note latest "second visit, glasses off"
  microcue note 20260711-143000-9f2c-0007 "a yawn, see the recording"
  microcue note latest ""

A cue's note is the column `note` of an export. An empty text takes the note away.
"""


def register(subparsers: Any) -> None:
    """Add both commands to the command line."""
    mark = subparsers.add_parser(
        "mark",
        help="put a context mark into the running session",
        description="Put a context mark into the running session, or into any at a given time.",
        epilog=_MARK_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    mark.add_argument("text", metavar="TEXT", help="what happened, in a few words; never a name")
    mark.add_argument("--session", metavar="SESSION", default="latest", help="with --at: which session")
    mark.add_argument("--at", metavar="S", type=_seconds, help="seconds since its first frame")
    mark.set_defaults(run=run_mark)
    note = subparsers.add_parser(
        "note",
        help="write a remark to a session or a cue",
        description="Write a remark to a session or a cue.",
        epilog=_NOTE_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    note.add_argument("subject", metavar="SESSION|CUE", help="which session, or which cue by its id")
    note.add_argument("text", metavar="TEXT", help="the remark; empty takes it away")
    note.set_defaults(run=run_note)


def run_mark(args: argparse.Namespace, context: Context) -> int:
    """Add the mark and say where it went."""
    if not args.text.strip():
        raise UsageError("a mark needs words: microcue mark TEXT")
    if args.at is None:
        session_id, at_s = mark_now(context.data_dir, args.text)
    else:
        at_s = args.at
        with LogReader(context.data_dir) as log:
            session_id = log.resolve(args.session)
        mark_at(context.data_dir, session_id, at_s, args.text)
    if context.json:
        print(json.dumps({"session_id": session_id, "at_s": round(at_s, 6), "text": args.text}))
    context.print_text(f"Marked at {at_s:.1f} s of session {session_id}.")
    return 0


def run_note(args: argparse.Namespace, context: Context) -> int:
    """Write the remark."""
    with LogReader(context.data_dir) as log:
        is_session = args.subject == "latest" or args.subject in log.session_ids()
        session_id = log.resolve(args.subject) if is_session else ""
    if is_session:
        note_session(context.data_dir, session_id, args.text)
    else:
        note_cue(context.data_dir, args.subject, args.text)
    context.print_text(f"Noted with {session_id or args.subject}.")
    return 0


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < 1e9:
        raise argparse.ArgumentTypeError(f"{text!r} should be a number of seconds from 0")
    return seconds
