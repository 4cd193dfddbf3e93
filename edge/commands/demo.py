"""`microcue demo`: the built-in clip through the main job, scored against its known movements."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from edge.commands.context import Context
from edge.commands.log import print_cues
from edge.commands.session import add_session_options, config_with_options, summary, teller, warner
from edge.evaluate.score import IOU_HIT, Interval, Score, read_truth, score
from edge.record.cue_rows import CUE_COLUMNS
from edge.record.reading import LogReader

_EXAMPLES = """\
example:
  microcue demo                 a minute of a moving photograph; made on first use, then kept

Every movement in the clip is known, so the cues can be scored: found, where a cue overlaps the
movement; IoU, how well onset and offset agree (1 is perfect, 0.5 counts as a hit in the literature);
false, a cue that belongs to no planned movement. Ten frames are missing from the clip on purpose.
"""
_ON_PURPOSE = "Missing frames, steps of light and a flickering lamp belong to the clip, as to a real room."
_COLUMNS = ("at_s", "movement", "side", "ms", "miod", "found", "iou", "onset_ms", "offset_ms", "found_miod")
_SHOWN = {
    "at_s": "at s",
    "movement": "movement",
    "side": "side",
    "ms": "ms",
    "miod": "miod",
    "found": "found",
    "iou": "IoU",
    "onset_ms": "onset",
    "offset_ms": "offset",
    "found_miod": "as miod",
}


def register(subparsers: Any) -> None:
    """Add `demo` to the command line."""
    parser = subparsers.add_parser(
        "demo",
        help="watch the built-in clip and score the result",
        description="Watch the built-in clip, whose movements are known, and score what was noticed.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--seed",
        type=_seed,
        metavar="N",
        help="the same movements on another sway, noise and speech; made anew for each N",
    )
    add_session_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, context: Context) -> int:
    """Make the clip if need be, watch it, score it."""
    from edge.app import run_session

    config = config_with_options(context.config, args, camera=None)
    with _Making(context) as making:
        clip, truth_file = _clip(args.seed, making)
    config = config_with_options(config, args, camera=f"file:{clip}")
    session_id, outcome = run_session(
        config, context.data_dir, args.duration or 0.0, teller(context), warner(context)
    )
    seconds = outcome.seconds
    truth = [event for event in read_truth(truth_file) if event.offset_s <= seconds]
    result = score(truth, _logged(context, session_id), seconds)
    if context.json:
        print(json.dumps(_as_dict(session_id, result), indent=2))
        return 0
    print_cues(context, session_id)
    context.print_text("")
    context.print_table("Planned movements", _COLUMNS, [_row(match) for match in result.matches], _SHOWN)
    context.print_text("")
    context.print_text(summary(session_id, outcome))
    for cue in result.false:
        moved = cue.name.replace("_", " ").replace("+", " + ")
        context.print_text(f"False cue at {cue.onset_s:.1f} s: {moved}, {cue.duration_ms:.0f} ms.")
    context.print_text(verdict(result))
    context.print_text(_ON_PURPOSE)
    return 0


def _clip(seed: int | None, progress: Callable[[int, int], None]) -> tuple[Path, Path]:
    """The built-in clip, or its sister with another seed, kept in a folder of its own."""
    from edge.synth.demo import demo_cache_dir, demo_clip, demo_plan

    if seed is None:
        return demo_clip(progress=progress)
    plan = demo_plan()
    plan = replace(plan, settings=replace(plan.settings, seed=seed))
    return demo_clip(demo_cache_dir() / f"seed-{seed}", progress, plan)


def _seed(text: str) -> int:
    if not text.isdecimal() or int(text) >= 2**31:
        raise argparse.ArgumentTypeError(f"{text!r} should be a whole number from 0 to 2147483647")
    return int(text)


def verdict(result: Score) -> str:
    """The score in a sentence or two."""
    n, n_false = len(result.matches), len(result.false)
    n_flagged = sum(cue.flagged for cue in result.false)
    flagged = f", {n_flagged} of them marked as beside a blink or speech" if n_flagged else ""
    return (
        f"Score: {result.n_found} of {n} planned movements found, {result.n_hits} with IoU of at least "
        f"{IOU_HIT}, {result.n_named} with the right movement and side; {n_false} false "
        f"cue{'' if n_false == 1 else 's'} in {result.seconds:.0f} s "
        f"({result.false_per_minute:.1f} a minute{flagged})."
    )


class _Making:
    """Shows on a terminal how far the clip is; says it in quarters in a pipe."""

    def __init__(self, context: Context) -> None:
        self._silent = context.verbosity < 0
        self._progress: Any = None
        self._task: Any = None
        self._said = False
        self._n_quarters = 0

    def __enter__(self) -> _Making:
        return self

    def __exit__(self, *_: object) -> None:
        if self._progress is not None:
            self._progress.stop()

    def __call__(self, n_done: int, n_all: int) -> None:
        if self._silent:
            return
        if not self._said:
            print("Making the demo clip; this happens once and takes minutes.", file=sys.stderr)
            self._said = True
            if sys.stderr.isatty():
                from rich.console import Console
                from rich.progress import Progress

                self._progress = Progress(console=Console(stderr=True), transient=True)
                self._progress.start()
                self._task = self._progress.add_task("demo clip", total=n_all)
        if self._progress is not None:
            self._progress.update(self._task, completed=n_done)
        elif 4 * n_done // n_all > self._n_quarters:
            self._n_quarters = 4 * n_done // n_all
            print(f"Making the demo clip: {25 * self._n_quarters} %", file=sys.stderr)


def _logged(context: Context, session_id: str) -> list[Interval]:
    with LogReader(context.data_dir) as log:
        rows = [dict(zip(CUE_COLUMNS, row, strict=True)) for row in log.cues(session_id)]
    return [
        Interval(
            onset_s=float(row["onset_s"] or 0.0),
            offset_s=float(row["offset_s"] or 0.0),
            kind=str(row["kind"]),
            name=str(row["movements"]),
            side=str(row["side"]),
            amplitude_miod=float(row["amplitude_miod"] or 0.0),
            flagged=bool(row["during_blink"] or row["during_speech"]),
            apex_s=float(row["apex_s"] or 0.0),
        )
        for row in rows
    ]


def _row(match: Any) -> tuple[object, ...]:
    event, cue = match.truth, match.cue
    planned = (
        f"{event.onset_s:.2f}",
        event.name.replace("_", " ").replace("+", "\n"),
        event.side,
        f"{event.duration_ms:.0f}",
        f"{event.amplitude_miod:.0f}",
    )
    if cue is None:
        return (*planned, "no", "", "", "", "")
    return (
        *planned,
        "yes",
        f"{match.iou:.2f}",
        f"{1e3 * (cue.onset_s - event.onset_s):+.0f}",
        f"{1e3 * (cue.offset_s - event.offset_s):+.0f}",
        f"{cue.amplitude_miod:.1f}",
    )


def _as_dict(session_id: str, result: Score) -> dict[str, object]:
    rows = [dict(zip(_COLUMNS, _row(match), strict=True)) for match in result.matches]
    return {
        "session_id": session_id,
        "n_planned": len(result.matches),
        "n_found": result.n_found,
        "n_hits": result.n_hits,
        "n_named": result.n_named,
        "n_false": len(result.false),
        "n_false_flagged": sum(cue.flagged for cue in result.false),
        "false_per_minute": result.false_per_minute,
        "seconds": result.seconds,
        "movements": rows,
    }
