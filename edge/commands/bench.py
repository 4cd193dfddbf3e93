"""`microcue bench`: what this machine can do, as a table and as JSON."""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge.commands.context import Context

if TYPE_CHECKING:
    from edge.evaluate.pulses import PulseReport

_EXAMPLES = """\
examples:
  microcue bench
  microcue bench --fps 200 --frames 12000 --json
  microcue bench --marker gpio:5                with a real pin

Runs the whole loop, log and landmark model included, on a steady synthetic face in memory, as fast
as it goes; fast enough is what leaves a tenth of the time to spare. `cpu` is CPU time of the main
thread per frame; `process` also counts the landmark model's and the log's threads. `cue to pin` is
from the spotter's decision to the change of the marker pin, in a second run that is as fast.
Absolute times belong to this machine on this day.
"""
# of the time between two frames; the rest is for the camera and whatever else wakes up
_FULL_LOAD = 0.9
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
    parser.add_argument(
        "--fps", type=_between(1, 1000), default=120, metavar="N", help="frame rate (default: 120)"
    )
    parser.add_argument(
        "--frames", type=_between(10, 10**7), default=3600, metavar="N", help="frames (default: 3600)"
    )
    parser.add_argument(
        "--width", type=_between(64, 4096), default=640, metavar="N", help="px (default: 640)"
    )
    parser.add_argument(
        "--height", type=_between(64, 4096), default=480, metavar="N", help="px (default: 480)"
    )
    parser.add_argument(
        "--pulses",
        type=_between(0, 10**6),
        default=500,
        metavar="N",
        help="cues timed until they reach the marker pin; 0 for none (default: 500)",
    )
    parser.add_argument(
        "--marker",
        metavar="PIN",
        help="gpio:N or gpiod:CHIP:N; without it gpiozero drives its own stand-in for a board",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, context: Context) -> int:
    """Measure and print."""
    from edge.config import with_overrides
    from edge.evaluate.pulses import measure_pulses
    from edge.evaluate.speed import measure, steady_face

    marker = with_overrides(context.config, {"indicate": {"marker": args.marker}}).indicate.marker
    fps = float(args.fps)
    pictures = steady_face(fps, args.width, args.height)
    with tempfile.TemporaryDirectory() as folder:
        report = measure(context.config, pictures, fps, args.frames, Path(folder))
    pulses = None
    if args.pulses:
        with tempfile.TemporaryDirectory() as folder:
            pulses = measure_pulses(context.config, pictures, fps, args.pulses, Path(folder), marker)
    if context.json:
        enough = {"fast_enough": report.fps <= _FULL_LOAD * report.frames_per_second}
        timed = {"cue_to_pin": asdict(pulses) if pulses is not None else None}
        print(json.dumps(report.as_dict() | timed | enough, indent=2))
        return 0
    rows = [[row.stage, *(f"{getattr(row, name):.1f}" for name in _COLUMNS[1:])] for row in report.stages]
    size = f"{report.width}x{report.height}"
    title = f"{report.n_frames} frames of {size} at {report.fps:.0f} fps; us per frame"
    context.print_table(title, _COLUMNS, rows)
    print(
        f"key frames: {report.n_key_frames}, {report.key_frame_cpu_us / 1e3:.2f} ms of CPU each\n"
        f"process: {report.process_cpu_us_per_frame:.0f} us of CPU a frame; "
        f"the loop could run at {report.frames_per_second:.0f} frames a second\n"
        f"memory: {report.rss_end_mb:.0f} MB resident, "
        f"{report.rss_end_mb - report.rss_warm_mb:+.1f} MB over the last four fifths\n"
        f"{in_words(pulses)}"
        f"{verdict(report.fps, report.frames_per_second, size)}"
    )
    return 0


def in_words(pulses: PulseReport | None) -> str:
    """The line about cue and pin, with its end; empty where none was timed."""
    if pulses is None:
        return ""
    if not pulses.n_pulses:
        return "cue to pin: not measured, since no face was followed\n"
    return (
        f"cue to pin: {pulses.p50_ms:.2f} ms in half of {pulses.n_pulses} cues, {pulses.p99_ms:.2f} ms at "
        f"most in 99%, {pulses.largest_ms:.2f} ms in all; pins: {pulses.pins}\n"
    )


def verdict(fps: float, frames_per_second: float, size: str) -> str:
    """Whether this machine keeps up with a camera, in a sentence.

    Parameters
    ----------
    fps : float
        Asked for.
    frames_per_second : float
        What the loop reached.
    size : str
        Of the pictures, as people write it.
    """
    limit = _FULL_LOAD * frames_per_second
    load = fps / frames_per_second
    if fps <= limit:
        return f"Fast enough for {fps:.0f} fps at {size}: it takes {load:.0%} of the time there is."
    return (
        f"Too slow for {fps:.0f} fps at {size}, which would take {load:.0%} of the time there is: "
        f"record at {limit:.0f} fps or less, or with a smaller picture."
    )


def _between(low: int, high: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if not text.isdecimal() or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"{text!r} should be a whole number from {low} to {high}")
        return int(text)

    return number
