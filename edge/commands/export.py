"""`microcue export`: cues as files for the tools people already use."""

from __future__ import annotations

import argparse
import json
from typing import Any

from edge.commands.context import Context
from edge.commands.progress import Bar
from edge.errors import UsageError
from edge.record.export import FORMATS, SIGNAL_FORMATS, Format
from edge.record.reading import LogReader
from edge.record.selection import Selection

_EXAMPLE = """\
examples:
  microcue export latest --format csv --output cues.csv
  microcue export --format jsonl --output - | jq .movements
  microcue export latest --format elan --output interview.eaf
  microcue export --format bids --output dataset
  microcue export latest --signals --format npz --output signals.npz

A file or folder appears under its name only when it is complete, readable for its owner alone.
docs/log.md has a table of the formats. With --json the format is jsonl unless --format says
otherwise, and what was written is told as JSON.
"""


def register(subparsers: Any) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "export",
        help="write cues for the tools you already use",
        description="Write the candidate cues of some sessions, or of all, or their signals, to a file.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "sessions", metavar="SESSION", nargs="*", help='which sessions; "latest" is the newest (default: all)'
    )
    parser.add_argument(
        "--format",
        choices=(*FORMATS, *(name for name in SIGNAL_FORMATS if name not in FORMATS)),
        metavar="FORMAT",
        help=f"{', '.join(FORMATS)} (default: csv); with --signals {' or '.join(SIGNAL_FORMATS)}",
    )
    parser.add_argument(
        "--output", metavar="PATH", default="-", help="the file to write; - is standard output (default)"
    )
    parser.add_argument("--blinks", action="store_true", help="export blinks too")
    parser.add_argument("--signals", action="store_true", help="the movement signals instead of the cues")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, context: Context) -> int:
    """Export; says how much went where, unless it went to standard output."""
    write = _format(args, context)
    with LogReader(context.data_dir) as log:
        session_ids = _chosen(log, args.sessions)
        with Bar("export", context.verbosity >= 0) as bar:
            n_rows = write(Selection(log, tuple(session_ids), args.blinks, bar), args.output)
    if args.output != "-" and context.json:
        print(json.dumps({"output": args.output, "n_rows": n_rows, "n_sessions": len(session_ids)}))
    elif args.output != "-":
        what = "frame" if args.signals else "row"
        rows = f"1 {what}" if n_rows == 1 else f"{n_rows} {what}s"
        sessions = "1 session" if len(session_ids) == 1 else f"{len(session_ids)} sessions"
        context.print_text(f"{rows} of {sessions} written to {args.output}")
    return 0


def _format(args: argparse.Namespace, context: Context) -> Format:
    name = args.format or ("parquet" if args.signals else "jsonl" if context.json else "csv")
    formats = SIGNAL_FORMATS if args.signals else FORMATS
    if name not in formats:
        what = "signals are" if args.signals else "cues are"
        raise UsageError(f"{what} written as {', '.join(formats)}, found --format {name}; choose one of them")
    return formats[name]


def _chosen(log: LogReader, names: list[str]) -> list[str]:
    """The sessions meant, each once; all where none is named."""
    if not names:
        log.resolve("latest")  # an empty log is an error here as well
        return log.session_ids()
    return list(dict.fromkeys(log.resolve(name) for name in names))
