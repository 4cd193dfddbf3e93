"""The built-in clip: a minute of one face with known movements, made on first use and kept.

Every amplitude, duration and distractor here occurs in labelled data (docs/synthesis.md); the first
five seconds are quiet, as the product asks of a session.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import platformdirs
from numpy.typing import NDArray

from edge.synth.encode import ClipNotWritten
from edge.synth.output import write_clip_and_truth
from edge.synth.plan import Plan, parse_plan, write_plan
from edge.synth.portrait import BUILT_IN, BUILT_IN_LANDMARKS, built_in_portrait
from edge.synth.scene import Scene
from edge.synth.truth import truth_path

# 150 MB a minute; 0.2 miod of error against planned movements of 8 miod and more
_QUANTISER = 4

_DRAWN_BY = (
    "delivery.py", "field.py", "gaze.py", "glasses.py", "hand.py", "leaving.py", "lids.py", "motion.py",
    "photometry.py", "portrait.py", "pose.py", "scene.py", "truth.py", "warper.py", "../kernels/eyes.py",
    "../kernels/overlay.py", "../kernels/sensor.py", "../kernels/warp.py",
)  # fmt: skip

DEMO_PLAN = """\
# fps=120
# duration_s=60
# width=640
# height=480
# face_width_px=230
# seed=7
# sway_miod=20
# turn_sway_deg=0.8
# pulse_miod=4
# pulse_hz=1
# noise_levels=2
# flicker_depth=0.004
# mains_hz=50
# drop_rate=0.0005
event,onset_s,duration_s,rise_fraction,hold_fraction,movement,side,amplitude,note
blink,3.4,0.21,,,,both,1,
movement,5.6,0.2,0.5,0,inner_brow_raise,both,20,
blink,6.6,0.2,,,,both,1,
movement,7.5,0.3,0.45,0,lip_corner_pull,right,15,
movement,9.4,0.12,0.5,0,outer_brow_raise,left,18,
blink,10.2,0.23,,0.1,,both,1,
movement,11.3,0.25,0.5,0,chin_raise,both,12,
turn,12.2,6,0.35,0.3,,,6,a slow turn to the picture's right and back
blink,13.15,0.21,,,,both,1,just before a movement
movement,13.6,0.1,0.5,0,brow_lower,both,24,while turned
movement,15.5,0.4,0.35,0,lip_corner_depress,left,14,while turned
blink,16.5,0.2,,,,both,0.9,
movement,17.4,0.15,0.5,0,lip_stretch,both,25,
drop,18.596,0.008,,,,,,one frame
movement,19.3,0.067,0.5,0,inner_brow_raise,both,30,
blink,20.2,0.25,,0.15,,both,1,
movement,21.2,0.35,0.5,0,nose_wrinkle,both,10,
movement,23.1,0.08,0.5,0,lip_corner_pull,left,28,
blink,23.9,0.2,,,,both,1,
movement,25,0.45,0.4,0,cheek_raise,right,12,
blink,26.6,0.22,,,,both,1,just before a movement
movement,26.9,0.2,0.5,0,upper_lip_raise,both,16,
movement,29,1.5,0.3,0.2,lip_corner_pull,both,60,macro
turn,30.2,6,0.35,0.3,,,-6,
blink,31.7,0.2,,,,both,1,
movement,32.5,0.12,0.6,0,brow_lower,right,14,while turned
movement,34.4,0.3,0.4,0,inner_brow_raise,both,8,while turned
blink,35.3,0.21,,,,both,1,
movement,36.3,0.25,0.5,0,lip_tighten,both,18,
drop,37.396,0.0165,,,,,,two frames
movement,38.2,0.067,0.5,0,lip_corner_depress,both,40,
speech,39.5,2.6,,,,,80,
blink,40.6,0.2,,,,both,1,during speech
exposure,42.6,0.6,,,,,0.05,a lamp
movement,43.9,0.2,0.5,0,outer_brow_raise,both,10,
blink,44.7,0.2,,,,both,1,
movement,45.6,0.35,0.45,0,lips_part,both,20,
movement,47.2,0.1,0.5,0,nose_wrinkle,right,16,
drop,47.996,0.025,,,,,,three frames
movement,48.6,0.9,0.4,0.1,inner_brow_raise,both,50,macro
nod,49.6,5,0.35,0.3,,,5,
blink,50.2,0.24,,0.1,,both,1,
movement,51.2,0.15,0.5,0,lip_corner_pull,both,12,
movement,52.9,0.4,0.3,0,outer_brow_raise,right,9,
blink,53.9,0.2,,,,both,1,
movement,54.8,0.08,0.5,0,chin_raise,both,20,
movement,56.4,0.3,0.6,0,brow_lower,both,30,
blink,57.3,0.21,,,,both,1,
movement,58.3,0.12,0.5,0,inner_brow_raise,left,10,
"""


class ClipNotKept(ClipNotWritten):
    """The demo clip cannot be written where it would be kept."""

    def __str__(self) -> str:
        return (
            f"expected to keep the demo clip as {self.path}, but {self.reason};"
            " set XDG_CACHE_HOME to a folder that can be written and has 150 MB free"
        )


def demo_plan() -> Plan:
    """What happens in the built-in clip."""
    return parse_plan(DEMO_PLAN, "the built-in plan")


def demo_cache_dir() -> Path:
    """Where the clip is kept: systemd's cache directory for a service, the user's otherwise."""
    if given := os.environ.get("CACHE_DIRECTORY", "").split(":")[0]:
        return Path(given)
    return platformdirs.user_cache_path("microcue")


def demo_clip(
    cache_dir: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    plan: Plan | None = None,
) -> tuple[Path, Path]:
    """The built-in clip and its truth file, made now if they are not there yet.

    Parameters
    ----------
    cache_dir : Path, optional
        `demo_cache_dir()` if left out.
    progress : callable, optional
        Called with frames done and frames in all while the clip is being made.
    plan : Plan, optional
        Another plan, for a shorter clip.

    Returns
    -------
    (Path, Path)
        Clip and truth. A clip under its name is complete: it is renamed into place last.

    Raises
    ------
    ClipNotKept
    """
    directory = cache_dir or demo_cache_dir()
    plan = plan or demo_plan()
    clip = directory / f"demo-{_key(plan)}.mkv"
    truth = truth_path(clip)
    if clip.is_file() and truth.is_file():
        return clip, truth
    try:
        directory.mkdir(parents=True, exist_ok=True)
        scene = Scene(plan, built_in_portrait())
        frames = _counted(scene, progress)
        write_clip_and_truth(frames, scene.truth(), clip, plan.settings.fps, quantiser=_QUANTISER)
    except OSError as error:
        raise ClipNotKept(str(clip), f"the system says: {error.strerror or error}") from error
    except ClipNotWritten as error:
        raise ClipNotKept(error.path, error.reason) from error
    _forget_others(directory, clip)
    return clip, truth


def _forget_others(directory: Path, clip: Path) -> None:
    """Clips of other versions, and what a killed process left: 150 MB each on a small card."""
    kept = {clip, truth_path(clip)}
    for path in [*directory.glob("demo-*"), *directory.glob(".demo-*")]:
        owner = path.name.rpartition(".mkv.")[2].partition(".")[0]
        is_being_made = path.name.startswith(".") and owner.isdigit() and Path("/proc", owner).exists()
        if path not in kept and not is_being_made:
            with contextlib.suppress(OSError):
                path.unlink()


def _counted(
    scene: Scene, progress: Callable[[int, int], None] | None
) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    n_frames = len(scene.delivered_frames())
    for done, item in enumerate(scene.render(), start=1):
        yield item
        if progress is not None:
            progress(done, n_frames)


def _key(plan: Plan) -> str:
    """Changes with the plan and with whatever draws: the code itself is the version."""
    digest = hashlib.sha256(write_plan(plan).encode())
    here = Path(__file__).parent
    drawn_by = [here / name for name in _DRAWN_BY]
    for path in [*drawn_by, BUILT_IN, BUILT_IN_LANDMARKS]:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
