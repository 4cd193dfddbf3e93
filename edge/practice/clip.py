"""A trial as pictures: a photograph that sways, and in which, perhaps, something moves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.practice.trial import Trial
from edge.record.png import png_of
from edge.synth.field import MOVEMENTS as FIELDS
from edge.synth.plan import Happening, Plan, SceneSettings
from edge.synth.portrait import Portrait
from edge.synth.scene import Scene

FPS = 60.0  # what a screen shows
SIZE_PX = 288
_LENGTH_S = 2.0
_FACE_PX = 190.0
# what the point-light replay shows: outlines of brows, eyes, nose, mouth and chin
_LINES = (
    (70, 63, 105, 66, 107),
    (336, 296, 334, 293, 300),
    (33, 160, 158, 133, 153, 144, 33),
    (362, 385, 387, 263, 373, 380, 362),
    (168, 6, 197, 195, 5),
    (64, 98, 5, 327, 294),
    (61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181, 61),
    (171, 175, 396),
)


@dataclass(frozen=True, slots=True)
class Clip:
    """What a page plays.

    Attributes
    ----------
    png : bytes
        All pictures, one below the other, grey.
    n_frames : int
    points : float32 [shape=(n_frames, n_points, 2)], px
        Where the skin truly is, for the replay as points of light.
    lines : list of lists of int
        What joins them.
    moved : list of int
        Those that the movement belongs to.
    """

    png: bytes
    n_frames: int
    points: NDArray[np.float32]
    lines: list[list[int]]
    moved: list[int]


def clip_of(trial: Trial, portrait: Portrait) -> Clip:
    """Draw a trial.

    Parameters
    ----------
    trial : Trial
    portrait : Portrait
    """
    settings = SceneSettings(
        *(FPS, _LENGTH_S, SIZE_PX, SIZE_PX, _FACE_PX, trial.seed),
        **{"sway_miod": 8.0, "turn_sway_deg": 0.3, "pulse_miod": 1.0, "noise_levels": 1.0},  # type: ignore[arg-type]
    )
    happenings: tuple[Happening, ...] = ()
    if not trial.is_still:
        happenings = (
            Happening(
                "movement",
                trial.onset_s,
                trial.duration_ms / 1000,
                trial.amplitude_miod,
                movement=trial.movement,
                side=trial.own_side,
            ),
        )
    scene = Scene(Plan(happenings, settings), portrait)
    pictures = [luma for _, luma in scene.render(n_threads=1)]
    landmarks = sorted({index for line in _LINES for index in line})
    place = {landmark: k for k, landmark in enumerate(landmarks)}
    points = np.stack([scene.true_points(k / FPS, landmarks) for k in range(len(pictures))])
    moved = [] if trial.is_still else _anchors(trial)
    return Clip(
        png_of(np.concatenate(pictures)),
        len(pictures),
        points.astype(np.float32),
        [[place[one] for one in line] for line in _LINES],
        sorted(place[one] for one in moved if one in place),
    )


def _anchors(trial: Trial) -> list[int]:
    sides = ("right", "left") if trial.own_side == "both" else (trial.own_side,)
    return [one for part in FIELDS[trial.movement] for side in sides for one in getattr(part, side)]
