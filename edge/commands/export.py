"""`microcue export`: cues as files for the tools people already use."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from typing import Any

from edge.commands.context import Context
from edge.commands.progress import with_progress
from edge.record.cue_rows import Row
from edge.record.export import FORMATS, PLANNED_FORMATS, find_format, output_file
from edge.record.reading import LogReader

_EXAMPLE = """\
examples:
  microcue export latest --format csv --output cues.csv
  microcue export --format jsonl --output - | jq .movements

The file appears under its name only when it is complete, readable for its owner alone.
With --json the format is jsonl unless --format says otherwise, and what was written is told as JSON.
"""


def register(subparsers: Any) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "export",
        help="write cues as CSV or JSON Lines",
        description="Write the candidate cues of some sessions, or of all, to a file.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "sessions", metavar="SESSION", nargs="*", help='which sessions; "latest" is the newest (default: all)'
    )
    formats = (*FORMATS, *PLANNED_FORMATS)
    parser.add_argument(
        "--format",
        choices=formats,
        metavar="FORMAT",
        help=f"{' or '.join(FORMATS)} (default: csv); planned: {', '.join(PLANNED_FORMATS)}",
    )
    parser.add_argument(
        "--output", metavar="PATH", default="-", help="the file to write; - is standard output (default)"
    )
    parser.add_argument("--blinks", action="store_true", help="export blinks too")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, context: Context) -> int:
    """Export; says how much went where, unless it went to standard output."""
    write = find_format(args.format or ("jsonl" if context.json else "csv"))
    with LogReader(context.data_dir) as log:
        session_ids = _chosen(log, args.sessions)
        n_expected = sum(log.n_cues(session_id, args.blinks) for session_id in session_ids)
        rows = with_progress(
            _cues(log, session_ids, args.blinks), n_expected, "export", context.verbosity >= 0
        )
        with output_file(args.output) as file:
            n_rows = write(rows, file)
    if args.output != "-" and context.json:
        print(json.dumps({"output": args.output, "n_rows": n_rows, "n_sessions": len(session_ids)}))
    elif args.output != "-":
        cues = "1 row" if n_rows == 1 else f"{n_rows} rows"
        sessions = "1 session" if len(session_ids) == 1 else f"{len(session_ids)} sessions"
        context.print_text(f"{cues} of {sessions} written to {args.output}")
    return 0


def _chosen(log: LogReader, names: list[str]) -> list[str]:
    """The sessions meant, each once; all where none is named."""
    if not names:
        log.resolve("latest")  # an empty log is an error here as well
        return log.session_ids()
    return list(dict.fromkeys(log.resolve(name) for name in names))


def _cues(log: LogReader, session_ids: list[str], blinks: bool) -> Iterator[Row]:
    for session_id in session_ids:
        yield from log.cues(session_id, blinks=blinks)
