"""Eyes that look elsewhere: how fast, how far the irises travel, and where they are in a portrait.

A saccade lasts 2.2 ms a degree and 21 ms more (Bahill, Clark & Stark 1975, "The main sequence"); the
upper lid goes with the eye up and down (Evinger, Manning & Sibony 1991).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edge.synth.field import FaceFrame
from edge.synth.lids import LOWER_RIM_IOD, UPPER_RIM_IOD
from edge.synth.plan import Happening

_SACCADE_S, _SACCADE_S_PER_DEG = 0.021, 0.0022
# the iris lies 10 mm before the eye's centre of turning, the outer eye corners 90 mm apart
_DEG_PER_MIOD = math.degrees(0.090 / 10.0)
# an iris of 11.7 mm
_IRIS_RADIUS_IOD = 0.065
# share of the eye's own travel that the upper lid makes
LID_SHARE = 0.9


def saccade_s(amplitude_miod: float) -> float:
    """Duration of one saccade, s."""
    return _SACCADE_S + _SACCADE_S_PER_DEG * _DEG_PER_MIOD * abs(amplitude_miod)


def gaze_miod(t_s: float, looks: Sequence[Happening]) -> float:
    """Where the irises are at a time: a saccade there at each onset, one back that ends at the offset."""
    total = 0.0
    for look in looks:
        if look.onset_s < t_s < look.offset_s:
            jump_s = min(saccade_s(look.amplitude), 0.5 * look.duration_s)
            share = min((t_s - look.onset_s) / jump_s, (look.offset_s - t_s) / jump_s, 1.0)
            total += look.amplitude * (0.5 - 0.5 * math.cos(math.pi * share))
    return total


def iris_parameters(
    face: FaceFrame, eye: NDArray[np.float32], picture: NDArray[np.float32], origin_px: NDArray[np.float32]
) -> NDArray[np.float32]:
    """The 4 numbers that `kernels.eyes.draw_gaze` calls `iris`, of one eye.

    Parameters
    ----------
    face : FaceFrame
        Of the neutral picture.
    eye : float32 [shape=(12,)]
        See `lids.eye_parameters`.
    picture : float32 [shape=(picture_height, picture_width)], grey levels
        The neutral picture, its first pixel at `origin_px`.
    """
    length, radius = float(eye[4]), _IRIS_RADIUS_IOD * face.iod_px
    s = np.linspace(0.0, 1.0, 4 * math.ceil(length) + 1)[:, None]
    arch = s * (1 - s)
    upper = arch * (eye[5] + s * (eye[6] + s * eye[7]))
    lower = arch * (eye[8] + s * (eye[9] + s * eye[10]))
    below = upper + (lower - upper) * np.linspace(0.25, 0.75, 9)
    x = eye[0] + s * length * eye[2] - below * eye[3] - origin_px[0]
    y = eye[1] + s * length * eye[3] + below * eye[2] - origin_px[1]
    rows = np.clip(np.rint(y), 0, picture.shape[0] - 1).astype(int)
    columns = np.clip(np.rint(x), 0, picture.shape[1] - 1).astype(int)
    # the darkest stretch as long as an iris, near the middle: the corners are dark too
    light = picture[rows, columns].mean(axis=1)
    wide = max(1, round(2 * radius / length * len(light)))
    means = np.convolve(light, np.full(wide, 1 / wide), "valid")
    starts = np.arange(len(means))
    near = np.abs(starts + 0.5 * wide - 0.5 * len(light)) < 0.2 * len(light)
    start = int(starts[near][np.argmin(means[near])])
    centre = (start + 0.5 * wide) / len(light) * length
    rims = 4 * UPPER_RIM_IOD * face.iod_px, 4 * LOWER_RIM_IOD * face.iod_px
    return np.array([centre, radius, *rims], np.float32)


def lid_follows(eye: NDArray[np.float32], down_px: float) -> float:
    """How far a lid that goes down with the gaze shuts, 0 to 1 (`kernels.eyes.draw_lid`)."""
    opening_px = 0.25 * float(eye[8] - eye[5] + 0.5 * (eye[9] - eye[6]) + 0.25 * (eye[10] - eye[7]))
    return min(max(LID_SHARE * down_px / max(opening_px, 1.0), 0.0), 1.0)
