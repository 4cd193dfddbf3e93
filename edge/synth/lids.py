"""The eyelids of a face: where their margins run, as curves that the warp kernel draws."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.synth.field import FaceFrame

# from the corner at the picture's left to the other one
UPPER_MARGIN = {
    "right": (33, 246, 161, 160, 159, 158, 157, 173, 133),
    "left": (362, 398, 384, 385, 386, 387, 388, 466, 263),
}
LOWER_MARGIN = {
    "right": (33, 7, 163, 144, 145, 153, 154, 155, 133),
    "left": (362, 382, 381, 380, 374, 373, 390, 249, 263),
}
# skin above the margin that takes part in a blink: up to the fold of the lid
_REACH_IOD = 0.10
# the mesh runs along the inner edges of the margins: the lashes' dark rim above the upper one goes
# down with the lid, and a shut lid rests on the rim below the lower one
UPPER_RIM_IOD, LOWER_RIM_IOD = 0.008, 0.016


def eye_parameters(face: FaceFrame, side: str) -> NDArray[np.float32]:
    """The 12 numbers that `kernels.eyes` calls `eye`, of one eye.

    Parameters
    ----------
    face : FaceFrame
        Of the neutral picture.
    side : "left" or "right", the person's own
    """
    start, end = face.points[UPPER_MARGIN[side][0]], face.points[UPPER_MARGIN[side][-1]]
    length = float(np.hypot(*(end - start)))
    along = (end - start) / length
    upper = _arch(face.points[list(UPPER_MARGIN[side][1:-1])], start, along, length)
    lower = _arch(face.points[list(LOWER_MARGIN[side][1:-1])], start, along, length)
    # the arch s (1 - s) is a quarter in the middle
    upper = upper - np.array([4 * UPPER_RIM_IOD * face.iod_px, 0.0, 0.0])
    lower = lower + np.array([4 * LOWER_RIM_IOD * face.iod_px, 0.0, 0.0])
    numbers = (*start, *along, length, *upper, *lower, _REACH_IOD * face.iod_px)
    return np.array(numbers, np.float32)


def eye_box(eye: NDArray[np.float32]) -> tuple[float, float, float, float]:
    """Neutral places that a blink changes: x0, y0, x1, y1 in px."""
    ends = np.array([eye[0:2], eye[0:2] + eye[4] * eye[2:4]])
    room = np.array([2.0, eye[11] + 0.25 * eye[4]])
    low, high = ends.min(axis=0) - room, ends.max(axis=0) + np.array([2.0, 0.35 * eye[4]])
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def _arch(
    points: NDArray[np.float64], start: NDArray[np.float64], along: NDArray[np.float64], length: float
) -> NDArray[np.float64]:
    """Least-squares (a, b, c) of s (1 - s) (a + b s + c s^2) px below the line of the corners."""
    offset = points - start
    s = offset @ along / length
    below = offset[:, 1] * along[0] - offset[:, 0] * along[1]
    basis = (s * (1 - s))[:, None] * np.stack([np.ones_like(s), s, s**2], axis=1)
    return np.asarray(np.linalg.lstsq(basis, below, rcond=None)[0])
