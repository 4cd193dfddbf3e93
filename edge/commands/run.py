"""`microcue run`: the main job, on a camera or through a file."""

from __future__ import annotations

import argparse
from contextlib import suppress
from pathlib import Path
from typing import Any

from edge.commands.context import Context
from edge.commands.log import print_cues
from edge.commands.marks_file import read_marks
from edge.commands.session import add_session_options, config_with_options, summary, teller, warner
from edge.messages import Event
from edge.record.errors import NoSessions, SessionUnknown

_EXAMPLES = """\
examples:
  microcue run                                  the attached camera, until Ctrl-C
  microcue run --camera file:interview.mp4      every frame of a recording
  microcue run --camera file:clip.avi --fps 200   a recording whose frame rate is not in the file
  microcue run --led gpio:17 --participant P07 --duration 600

Cues are candidates: something moved, briefly. What it meant is not known here.
"""


def register(subparsers: Any) -> None:
    """Add `run` to the command line."""
    parser = subparsers.add_parser(
        "run",
        help="watch with the camera, or through a file",
        description="Watch one consenting person and log brief facial movements as candidate cues.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--camera",
        metavar="CAMERA",
        help="auto, picamera2[:N], v4l2:/dev/videoN, gst:PIPELINE, file:PATH or demo (default: auto)",
    )
    add_session_options(parser)
    parser.add_argument(
        "--marks", metavar="FILE", type=Path, help="context marks: seconds and words, as CSV or TSV"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, context: Context) -> int:
    """Watch, then say what was noticed."""
    from edge.app import is_read_along, run_sessions
    from edge.service import end_at_once

    end_at_once()
    config = config_with_options(context.config, args, camera=args.camera)
    marks = read_marks(args.marks) if args.marks else []
    is_public = is_read_along(config) and not context.json
    tell = _tell_nothing if is_public else teller(context)
    sessions = run_sessions(config, context.data_dir, args.duration or 0.0, tell, warner(context), marks)
    for session_id, outcome in sessions:
        if is_public:  # what is printed stays in journals, where `forget` cannot reach
            context.print_text(f"A session ended: {outcome.reason}.")
            continue
        if outcome.n_micro + outcome.n_macro or context.json:
            with suppress(NoSessions, SessionUnknown):  # a disk that took nothing: the log's end will say it
                print_cues(context, session_id)
        context.print_text(summary(session_id, outcome))
    return 0


def _tell_nothing(_seconds: float, _event: Event) -> None:
    """Who comes and goes is in the log and nowhere else."""
