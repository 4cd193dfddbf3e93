"""`microcue bench`: what this machine can do, as a table and as JSON."""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from edge.commands.context import Context

_EXAMPLES = """\
examples:
  microcue bench
  microcue bench --fps 200 --frames 12000 --json

Runs the whole loop, log and landmark model included, on a steady synthetic face in memory, as fast
as it goes. `cpu` is CPU time of the main thread per frame; `process` also counts the landmark
model's and the log's threads. Absolute times belong to this machine on this day.
"""
_COLUMNS = ("stage", "cpu_us", "p50_us", "p99_us", "p999_us")


def register(subparsers: Any) -> None:
    """Add `bench` to the command line."""
    parser = subparsers.add_parser(
        "bench",
        help="measure the speed of this machine, stage by stage",
        description="Measure the speed of this machine, stage by stage.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--fps", type=float, default=120.0, metavar="N", help="frame rate (default: 120)")
    parser.add_argument("--frames", type=int, default=3600, metavar="N", help="frames (default: 3600)")
    parser.add_argument("--width", type=int, default=640, help="px (default: 640)")
    parser.add_argument("--height", type=int, default=480, help="px (default: 480)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, context: Context) -> int:
    """Measure and print."""
    from edge.evaluate.speed import measure, steady_face

    pictures = steady_face(args.fps, args.width, args.height)
    with tempfile.TemporaryDirectory() as folder:
        report = measure(context.config, pictures, args.fps, args.frames, Path(folder))
    if context.json:
        print(json.dumps(report.as_dict(), indent=2))
        return 0
    rows = [[row.stage, *(f"{getattr(row, name):.1f}" for name in _COLUMNS[1:])] for row in report.stages]
    title = (
        f"{report.n_frames} frames of {report.width}x{report.height} at {report.fps:.0f} fps; us per frame"
    )
    context.print_table(title, _COLUMNS, rows)
    print(
        f"key frames: {report.n_key_frames}, {report.key_frame_cpu_us / 1e3:.2f} ms of CPU each\n"
        f"process: {report.process_cpu_us_per_frame:.0f} us of CPU a frame; "
        f"the loop could run at {report.frames_per_second:.0f} frames a second\n"
        f"memory: {report.rss_end_mb:.0f} MB resident, "
        f"{report.rss_end_mb - report.rss_warm_mb:+.1f} MB over the last four fifths"
    )
    return 0
