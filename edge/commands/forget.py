"""`microcue forget` and `microcue keep`: delete for good, or never by itself."""

from __future__ import annotations

import argparse
import json
import sqlite3
import sys
from contextlib import closing
from typing import Any

from edge.commands.context import Context
from edge.errors import EXIT_DONE, EXIT_USAGE, UsageError
from edge.record.errors import LogUnwritten, ParticipantUnknown
from edge.record.forget import forget, forget_orphans, is_searched_for, participants, sessions_of
from edge.record.reading import LogReader
from edge.record.schema import DATABASE_NAME, open_for_writing

_FORGET_EXAMPLE = """\
examples:
  microcue forget latest
  microcue forget --participant P07 --yes
  microcue forget --all

Deletes from the log, its -wal file, its backup and salvaged logs, overwrites what was there, deletes
encrypted pictures, and then searches every file of the data directory for it. A memory card may still hold
old blocks that no program can reach, and an exported file is a copy that nothing here knows of.
"""
_KEEP_EXAMPLE = """\
examples:
  microcue keep latest
  microcue keep 20260711-143000-9f2c --not

A kept session is never deleted by age, number or space (record.keep_days, keep_sessions, keep_gb). `forget`
deletes it all the same.
"""


def register(subparsers: Any) -> None:
    """Add both commands to the command line."""
    parser = subparsers.add_parser(
        "forget",
        help="delete a session or a person for good",
        description="Delete sessions, a participant or everything, and prove that it is gone.",
        epilog=_FORGET_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "sessions", metavar="SESSION", nargs="*", help='which sessions; "latest" is the newest'
    )
    parser.add_argument("--participant", metavar="CODE", help="a person: code, consents and every session")
    parser.add_argument("--all", action="store_true", help="every session and every participant")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.set_defaults(run=run_forget)
    keep = subparsers.add_parser(
        "keep",
        help="exempt a session from being deleted by itself",
        description="Exempt sessions from being deleted by age, number or space.",
        epilog=_KEEP_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    keep.add_argument("sessions", metavar="SESSION", nargs="+", help='which sessions; "latest" is the newest')
    keep.add_argument("--not", dest="undo", action="store_true", help="exempt them no longer")
    keep.set_defaults(run=run_keep)


def run_forget(args: argparse.Namespace, context: Context) -> int:
    """Ask, delete, search, and say what was done."""
    if bool(args.sessions) + bool(args.participant) + args.all != 1:
        raise UsageError("forget expects sessions, or --participant CODE, or --all, and one of the three")
    session_ids, codes = _meant(args, context)
    what = _counted(session_ids, codes)
    if not args.yes and not _confirmed(f"Delete {what} from {context.data_dir} for good?"):
        context.print_text("Nothing was deleted.")
        return EXIT_USAGE
    done = forget(context.data_dir, session_ids, codes)
    n_pictures = done.n_pictures + (forget_orphans(context.data_dir) if args.all else 0)
    if context.json:
        print(json.dumps({"sessions": session_ids, "n_rows": done.n_rows, "n_files_searched": done.n_files}))
    backup = ", the backup was made anew" if done.has_backup else ""
    pictures = f", the pictures of {n_pictures} cues" if n_pictures else ""
    context.print_text(
        f"Deleted {what}, {done.n_rows} rows in all{pictures}{backup}. "
        + (
            f"{done.n_searched} sample{'s' * (done.n_searched != 1)} of it were looked for in {done.n_files} "
            "files, and none was found."
            if done.n_searched
            else "Nothing of it is long enough to search for."
        )
        + (
            ""
            if all(map(is_searched_for, codes))
            else " A code under six characters is not looked for: it turns up by chance."
        )
    )
    return EXIT_DONE


def run_keep(args: argparse.Namespace, context: Context) -> int:
    """Mark sessions as kept, or take the mark away."""
    with LogReader(context.data_dir) as log:
        session_ids = [log.resolve(name) for name in args.sessions]
    path = context.data_dir / DATABASE_NAME
    sql = "UPDATE sessions SET kept = ? WHERE session_id = ?"
    try:
        with closing(open_for_writing(path)) as connection:
            for session_id in session_ids:
                connection.execute(sql, (int(not args.undo), session_id))
    except sqlite3.Error as error:
        raise LogUnwritten(path, str(error), len(session_ids)) from error
    context.print_text(f"{', '.join(session_ids)}: {'no longer kept' if args.undo else 'kept'}")
    return EXIT_DONE


def _meant(args: argparse.Namespace, context: Context) -> tuple[list[str], list[str]]:
    """The sessions and the participants' codes that are meant."""
    if args.participant:
        if args.participant not in participants(context.data_dir):
            raise ParticipantUnknown(args.participant)
        return sessions_of(context.data_dir, args.participant), [args.participant]
    with LogReader(context.data_dir) as log:
        if args.all:
            codes = participants(context.data_dir)
            if not codes:
                log.resolve("latest")  # an empty log is an error here as well
            return log.session_ids(), codes
        return list(dict.fromkeys(log.resolve(name) for name in args.sessions)), []


def _counted(session_ids: list[str], codes: list[str]) -> str:
    sessions = session_ids[0] if len(session_ids) == 1 else f"{len(session_ids)} sessions"
    people = {0: "", 1: f" and participant {codes[0]}" if codes else ""}.get(
        len(codes), f" and {len(codes)} participants"
    )
    return f"{'session ' if len(session_ids) == 1 else ''}{sessions}{people}"


def _confirmed(question: str) -> bool:
    if not sys.stdin.isatty():
        raise UsageError("forget asks before it deletes, and nobody is there to answer; give --yes")
    return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
