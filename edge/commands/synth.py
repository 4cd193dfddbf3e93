"""`microcue synth`: a clip with known movements, from one photograph or a video."""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edge.commands.progress import with_progress
from edge.errors import UsageError
from edge.synth.encode import QUANTISER
from edge.synth.output import write_clip_and_truth
from edge.synth.plan import EVENTS, Plan, out_of_range, read_plan
from edge.synth.truth import TruthRow, truth_path

if TYPE_CHECKING:
    from edge.commands.context import Context

_EXAMPLES = """\
example:
  microcue synth --example-plan > plan.csv
  microcue synth --plan plan.csv --fps 120 --output clip.mkv
  microcue run --camera file:clip.mkv

The truth goes beside the clip: clip.truth.csv. A clip of that name is replaced once the new one is
whole; an interrupt leaves it as it was. With a video as --portrait the movements are added to
the real face in it, which keeps its own motion, size and times.

Events of a plan: {events}.
"""
_OPTIONS = {
    "fps": "fps",
    "width": "width",
    "height": "height",
    "face_width_px": "face-width",
    "seed": "seed",
    "noise_levels": "noise",
}
EXAMPLE_PLAN = """\
# Settings of the scene: key=value. What is not named here keeps its default.
# duration_s=24
# sway_miod=20
# noise_levels=2
event,onset_s,duration_s,rise_fraction,hold_fraction,movement,side,amplitude,note
movement,4.0,0.2,0.5,0,inner_brow_raise,both,20,amplitude in thousandths of the inter-ocular distance
blink,5.2,0.2,,,,both,1,amplitude is the closure: 1 is shut
movement,6.0,0.12,0.4,0,lip_corner_pull,left,15,the person's own left
turn,6.8,2.5,0.4,0.2,,,6,degrees; positive takes the nose to the picture's right
speech,8.0,1.2,,,,,60,syllables of jaw and lips
movement,9.8,1.0,0.3,0.3,lip_corner_pull,both,50,a macro movement with a hold
exposure,11.0,0.4,,,,,0.05,5 % more light
drop,11.6,0.03,,,,,,frames that are not delivered
duplicate,12.0,0.3,,,,,,every second frame shows the picture of the one before
gaze,12.6,0.6,,,,,30,both irises to the picture's right by 30 miod and back
gaze_up,13.6,0.6,,,,,-15,down; the upper lids go with them
glint,14.5,0.4,0.3,0.4,,,200,grey levels; reflections in glasses (glasses=1 draws their frames)
hand,15.2,1.6,0.3,0.4,,both,0.4,share of the face it covers; both is from below
leave,17.2,3.0,0.2,0.6,,,2500,miod that the person slides to the picture's right
knock,21.0,0.35,,,,,30,miod of the first swing of a camera that is hit
nod,21.6,1.0,,,,,4,degrees; positive takes the nose down
tilt,22.7,1.0,,,,,3,degrees; positive is clockwise
"""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `synth` to the command line."""
    parser = subparsers.add_parser(
        "synth",
        help="make a clip with known movements from a photograph",
        description="Make a clip in which every movement, blink and turn is known.",
        epilog=_EXAMPLES.format(events=textwrap.fill(", ".join(EVENTS), 80)),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--plan", metavar="PLAN.csv", help="what happens, one row per happening")
    parser.add_argument(
        "--example-plan", action="store_true", help="print a plan to start from (CSV, with --json too)"
    )
    parser.add_argument(
        "--portrait", metavar="FILE", help="photograph or video of one face (default: built in)"
    )
    parser.add_argument("--output", metavar="CLIP.mkv", help="the video to write; the truth goes beside it")
    parser.add_argument("--fps", type=float, help="frames per second; for a video: read it as if recorded so")
    parser.add_argument("--width", type=int, help="px")
    parser.add_argument("--height", type=int, help="px")
    parser.add_argument("--face-width", type=float, dest="face_width_px", help="px")
    parser.add_argument("--seed", type=int, help="another number, another sway, noise and speech")
    parser.add_argument("--noise", type=float, dest="noise_levels", help="grey levels at mid grey")
    parser.add_argument("--lossless", action="store_true", help="FFV1 instead of Motion JPEG")
    parser.add_argument(
        "--quality", type=int, default=QUANTISER, metavar="2-31", help="of Motion JPEG, 2 is best (default 3)"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Write the clip and its truth."""
    if arguments.example_plan:
        sys.stdout.write(EXAMPLE_PLAN)
        return 0
    for option in ("plan", "output"):
        if getattr(arguments, option) is None:
            raise UsageError(f"expected --{option}, but it was not given; see microcue synth --help")
    if not 2 <= arguments.quality <= 31:
        raise UsageError(f"--quality must lie in 2 to 31, but is {arguments.quality}")
    output = Path(arguments.output)
    _keep_inputs(output, arguments)
    plan = _with_options(read_plan(arguments.plan), arguments)
    try:
        frames, n_frames, truth, fps = _sources(plan, arguments, context)
        is_shown = context.verbosity >= 0 and not context.json
        with closing(with_progress(frames, n_frames, "rendering", is_shown)) as shown:
            n_written = write_clip_and_truth(shown, truth, output, fps, arguments.lossless, arguments.quality)
    except KeyboardInterrupt:
        print("microcue: interrupted, nothing written", file=sys.stderr)
        raise
    if context.json:
        columns = ("clip", "truth", "frames", "fps", "movements", "blinks")
        context.print_table(
            "", columns, [(str(output), str(truth_path(output)), n_written, fps, *_counts(truth))]
        )
    n_movements, n_blinks = _counts(truth)
    context.print_text(
        f"{output}: {_many(n_written, 'frame')} at {fps:g} per second,"
        f" {_many(n_movements, 'movement')}, {_many(n_blinks, 'blink')};"
        f" what is true stands in {truth_path(output)}"
    )
    return 0


_Frames = Iterator[tuple[int, NDArray[np.uint8]]]


def _sources(
    plan: Plan, arguments: argparse.Namespace, context: Context
) -> tuple[_Frames, int, list[TruthRow], float]:
    """Frames, how many, the truth about them and their nominal rate."""
    from edge.synth.portrait import is_video, load_portrait
    from edge.synth.scene import Scene

    if arguments.portrait is not None and is_video(arguments.portrait):
        from edge.synth.video_portrait import VideoPortrait

        if given := [name for name in ("width", "height", "face_width_px") if getattr(arguments, name)]:
            option = _OPTIONS[given[0]]
            raise UsageError(
                f"a video as --portrait keeps its own size, but --{option} was given; leave it out"
            )
        context.print_text("looking for the face in every frame of the video")
        noisy = arguments.noise_levels is not None
        video = VideoPortrait(arguments.portrait, plan, arguments.fps or 0.0, add_noise=noisy)
        truth = video.truth()
        n_planned = sum(h.event in ("movement", "blink") for h in plan.happenings)
        if len(truth) < n_planned:
            context.print_text(
                "not in the truth, since the video shows no face then or has ended:"
                f" {n_planned - len(truth)} of {n_planned} planned movements and blinks"
            )
        return video.render(), int(video.delivered().sum()), truth, video.fps
    scene = Scene(plan, load_portrait(arguments.portrait))
    return scene.render(), len(scene.delivered_frames()), scene.truth(), plan.settings.fps


def _with_options(plan: Plan, arguments: argparse.Namespace) -> Plan:
    """The plan with what the command line says instead of its own settings."""
    given: dict[str, Any] = {
        name: value for name in _OPTIONS if (value := getattr(arguments, name)) is not None
    }
    for name, value in given.items():
        if problem := out_of_range(name, value):
            raise UsageError(f"--{_OPTIONS[name]} {problem}")
    return replace(plan, settings=replace(plan.settings, **given))


def _keep_inputs(output: Path, arguments: argparse.Namespace) -> None:
    """Refuse to write a clip under another format's name, or over what it is made from."""
    if output.suffix.lower() != ".mkv":
        raise UsageError(f"--output must end in .mkv, the only format written, but is {output}")
    if output.is_dir():
        raise UsageError(f"--output must name a file, but {output} is a folder; choose another name")
    for written in (output, truth_path(output)):
        for option in ("plan", "portrait"):
            given = getattr(arguments, option)
            if given is not None and _is_same(written, Path(given)):
                raise UsageError(
                    f"--output would write {written} over the --{option} it is made from; choose another name"
                )


def _is_same(one: Path, other: Path) -> bool:
    if one.exists() and other.exists():  # links to one file too
        return one.samefile(other)
    return one.resolve() == other.resolve()


def _many(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"


def _counts(truth: list[TruthRow]) -> tuple[int, int]:
    n_blinks = sum(row.kind == "blink" for row in truth)
    return len(truth) - n_blinks, n_blinks
