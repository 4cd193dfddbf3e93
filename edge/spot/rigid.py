"""How much of what a face did within a moment a moving head would explain.

The tracker takes the head's motion away before it tells of signals, but its pose can be wrong for a moment:
a highlight on an eye corner, a knock, a jump of compressed video. Then signals all over the face stand off
together, in the pattern of a rigid motion, and each of them may look like a movement.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.anatomy import N_SIGNALS, SIGNALS

# Where a signal's landmarks lie on a neutral face (the built-in portrait's, right and left averaged): out
# from the middle, then down and away from the middle between the outer eye corners, in their distance.
_PLACES = {
    "inner_brow": (0.21, -0.22, -0.24),
    "outer_brow": (0.54, -0.22, -0.09),
    "brow_inward": (0.21, -0.22, -0.24),
    "upper_lid": (0.36, -0.04, -0.09),
    "lower_lid": (0.34, 0.05, -0.08),
    "cheek": (0.49, 0.23, -0.07),
    "nose_wing": (0.23, 0.4, -0.24),
    "upper_lip": (0.17, 0.58, -0.21),
    "mouth_corner_up": (0.38, 0.61, 0.03),
    "mouth_corner_out": (0.38, 0.61, 0.03),
    "lower_lip": (0.16, 0.82, -0.13),
    "chin": (0.14, 1.08, -0.05),
}
_CAMERA_IOD = 6.0
N_WAYS = 6
N_KNOWN_LEAST = 12  # of 24 signals; with fewer a rigid motion fits by chance
# Planted movements of 2 to 40 miod: 0 to 0.79, a jaw that drops most. Errors of the pose under glints, knocks
# and flicker: nearly all above 0.9.
EXPLAINED_MOST = 0.85
# One sigma of what is missed of a head's motion, in miod of shift, or at one inter-ocular distance from where
# it turns or grows: a brow that goes up by 25 is no shift of the head where noise hides the mouth.
POSE_ERROR_MIOD = 5.0


def rigid_patterns() -> NDArray[np.float64]:
    """What a small rigid motion does to each signal: [shape=(N_SIGNALS, N_WAYS)], any unit.

    Columns: shift right, shift down, growth, roll, pitch, yaw, of a head before a camera that stands six
    inter-ocular distances away.
    """
    patterns = np.zeros((N_SIGNALS, N_WAYS))
    for row, signal in enumerate(SIGNALS):
        stem, _, side = signal.name.rpartition("_")
        out, y, z = _PLACES[stem]
        x = -out if side == "right" else out  # the person's right is at the picture's left
        along = np.array(signal.direction)
        moved = (
            (1.0, 0.0),
            (0.0, 1.0),
            (x, y),
            (-y, x),
            (x * y / _CAMERA_IOD, z + y * y / _CAMERA_IOD),
            (z + x * x / _CAMERA_IOD, x * y / _CAMERA_IOD),
        )
        patterns[row] = [along @ way for way in moved]
    return patterns


_PATTERNS = rigid_patterns()
_IS_LID = np.array([signal.region == "eyes" for signal in SIGNALS])


def rigid_share(values: NDArray[np.float32], lead: int, apex: int, sigma: NDArray[np.float32]) -> float:
    """Share of what stands out at an apex that a rigid motion explains.

    Parameters
    ----------
    values : float32 [shape=(n_samples, N_SIGNALS)], miod, NaN where lost
        From onset to offset.
    lead, apex : int
        Column of the signal that stands out most, row of its apex.
    sigma : float32 [shape=(N_SIGNALS,)], miod
        Noise of each.

    Returns
    -------
    float
        In [0, 1], of the sum of squares in units of sigma; 0 where too few signals are known. Lids that
        go further than the lead move by themselves, and are left out.
    """
    last = len(values) - 1
    room = max(1, last // 8)
    line = values[0] + (values[last] - values[0]) * np.float32(apex / max(last, 1))
    stood_off = values[max(apex - room, 0) : apex + room + 1].mean(axis=0) - line
    size = np.abs(stood_off)
    known = np.isfinite(stood_off) & ~(_IS_LID & (size > size[lead]))
    n_known = int(known.sum())
    if n_known < N_KNOWN_LEAST:
        return 0.0
    scaled = stood_off[known].astype(np.float64) / sigma[known]
    fitted = _PATTERNS[known] / sigma[known, None]
    squares = fitted.T @ fitted + np.eye(N_WAYS) / POSE_ERROR_MIOD**2
    left = scaled - fitted @ np.linalg.solve(squares, fitted.T @ scaled)
    return 1.0 - float(left @ left) / max(float(scaled @ scaled), 1.0)
