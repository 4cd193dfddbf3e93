"""Where the skin moves in each facial movement: smooth displacement fields around landmarks.

A field is a direction times a height. Heights are Gaussians around anchor landmarks, joined so that
all anchors of a movement move about equally; they vanish at places that no facial movement
shifts (eye corners, nose bridge). Left and right are cut at the midline by a smooth step, so
"right" plus "left" is exactly "both". The largest displacement of a field is 1 before scaling.
Anchors and directions follow the descriptions of the action units in the FACS manual (Ekman,
Friesen & Hager 2002); widths were set by eye on the rendered face.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.anatomy import SIGNALS

# landmarks that stay: eye corners and nose bridge
_STILL = (33, 133, 362, 263, 168, 6)
_STILL_WIDTH_IOD = 0.05
# eyes are about 0.09 open: a narrower hold keeps one lid and leaves the other free
_LID_STILL_WIDTH_IOD = 0.03
# one lid stays where only the other one, or the brow or cheek beside it, moves
_UPPER_LID = (159, 158, 160, 386, 385, 387)
_LOWER_LID = (145, 153, 144, 374, 380, 373)
_ALSO_STILL = {
    "inner_brow_raise": _UPPER_LID + _LOWER_LID,
    "outer_brow_raise": _UPPER_LID + _LOWER_LID,
    "brow_lower": _UPPER_LID + _LOWER_LID,
    "upper_lid_raise": _LOWER_LID,
    "lid_tighten": _UPPER_LID,
    "cheek_raise": _UPPER_LID,
}
_MIDLINE = (10, 151, 9, 8, 168, 6, 197, 195, 5, 4, 1, 2, 164, 0, 17, 200, 199, 152)
_MIDLINE_WIDTH_IOD = 0.035


@dataclass(frozen=True, slots=True)
class Part:
    """Anchors that move one way. `move` is (outward, up): outward is away from the midline."""

    right: tuple[int, ...]
    left: tuple[int, ...]
    move: tuple[float, float]
    width_iod: float


_INNER_BROW = ((107, 55, 66), (336, 285, 296))
_CORNER = ((61, 57, 78), (291, 287, 308))
MOVEMENTS: dict[str, tuple[Part, ...]] = {
    "inner_brow_raise": (Part(*_INNER_BROW, (0, 1), 0.13),),
    "outer_brow_raise": (Part((105, 63, 70), (334, 293, 300), (0, 1), 0.14),),
    "brow_lower": (Part((107, 55, 66, 105), (336, 285, 296, 334), (-0.45, -1), 0.13),),
    "upper_lid_raise": (Part((159, 158, 160), (386, 385, 387), (0, 1), 0.06),),
    "cheek_raise": (Part((118, 101, 50), (347, 330, 280), (0.1, 1), 0.16),),
    "lid_tighten": (Part((145, 23, 153, 144), (374, 253, 380, 373), (0, 1), 0.07),),
    "nose_wrinkle": (Part((48, 98, 64), (278, 327, 294), (0, 1), 0.11),),
    "upper_lip_raise": (Part((37, 39), (267, 269), (0, 1), 0.10),),
    "lip_corner_pull": (Part(*_CORNER, (0.75, 1), 0.13),),
    "dimple": (Part((61, 57, 212), (291, 287, 432), (0.9, 0.1), 0.10),),
    "lip_corner_depress": (Part(*_CORNER, (0.1, -1), 0.11),),
    "chin_raise": (Part((171, 208, 199, 175), (396, 428, 199, 175), (0, 1), 0.15),),
    "lip_stretch": (Part(*_CORNER, (1, 0), 0.13),),
    "lip_tighten": (Part(*_CORNER, (-1, 0), 0.13),),
    "lip_press": (
        Part((37, 39, 0), (267, 269, 0), (0, -1), 0.08),
        Part((84, 181, 17), (314, 405, 17), (0, 1), 0.08),
    ),
    "lips_part": (Part((84, 181, 17), (314, 405, 17), (0, -1), 0.10),),
    "jaw_drop": (
        Part((84, 181, 17), (314, 405, 17), (0, -1), 0.12),
        Part((171, 208, 152, 199, 175, 148), (396, 428, 152, 199, 175, 377), (0, -1), 0.22),
    ),
}


def region_of(movement: str) -> str:
    """The region of interest that a movement belongs to, one of anatomy.REGIONS."""
    return next((s.region for s in SIGNALS if movement in (s.rise, s.fall)), "mouth")


@dataclass(frozen=True, slots=True)
class FaceFrame:
    """The face's own axes in a picture, from its landmarks."""

    points: NDArray[np.float64]  # [shape=(468, 2)], px
    iod_px: float
    across: NDArray[np.float64]  # unit vector, from the person's right eye to the left
    up: NDArray[np.float64]
    middle: NDArray[np.float64]  # a point of the midline, px

    @classmethod
    def of(cls, points: NDArray[np.floating]) -> FaceFrame:
        """Parameters: points [shape=(468, 2 or more)], px."""
        flat = np.asarray(points, np.float64)[:, :2]
        eyes = flat[263] - flat[33]
        iod_px = float(np.hypot(*eyes))
        across = eyes / iod_px
        up = np.array([across[1], -across[0]])
        return cls(flat, iod_px, across, up, flat[list(_MIDLINE)].mean(axis=0))


def movement_field(
    face: FaceFrame, movement: str, side: str, x: NDArray[np.float64], y: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Displacement of the skin at the places (x, y), for an amplitude of 1.

    Parameters
    ----------
    face : FaceFrame
    movement : key of MOVEMENTS
    side : "left", "right" or "both"
    x, y : float64 [shape=(n_rows, n_columns)], px

    Returns
    -------
    float32 [shape=(2, n_rows, n_columns)]
        x and y; the longest vector of the two-sided field has length 1.
    """
    still = np.ones(x.shape)
    for landmark in _STILL:
        still *= 1.0 - _bump(face, landmark, _STILL_WIDTH_IOD, x, y)
    for landmark in _ALSO_STILL.get(movement, ()):
        still *= 1.0 - _bump(face, landmark, _LID_STILL_WIDTH_IOD, x, y)
    from_middle = (x - face.middle[0]) * face.across[0] + (y - face.middle[1]) * face.across[1]
    left_share = 1.0 / (1.0 + np.exp(np.clip(-from_middle / (_MIDLINE_WIDTH_IOD * face.iod_px), -40, 40)))
    halves = {"right": 1.0 - left_share, "left": left_share}
    fields = {half: _half_field(face, movement, half, x, y) * share * still for half, share in halves.items()}
    both = fields["left"] + fields["right"]
    chosen = both if side == "both" else fields[side]
    return np.asarray(chosen / np.hypot(*both).max(), np.float32)


def _half_field(
    face: FaceFrame, movement: str, half: str, x: NDArray[np.float64], y: NDArray[np.float64]
) -> NDArray[np.float64]:
    """One side before it is cut at the midline: anchors joined like probabilities, directions averaged."""
    gap, total, vector = np.ones(x.shape), np.full(x.shape, 1e-30), np.zeros((2, *x.shape))
    for part in MOVEMENTS[movement]:
        out, up = np.array(part.move) / math.hypot(*part.move)
        direction = (-out if half == "right" else out) * face.across + up * face.up
        for landmark in part.right if half == "right" else part.left:
            bump = _bump(face, landmark, part.width_iod, x, y)
            gap *= 1.0 - bump
            total += bump
            vector += bump * direction[:, None, None]
    return np.asarray((1.0 - gap) * vector / total)


def _bump(
    face: FaceFrame, landmark: int, width_iod: float, x: NDArray[np.float64], y: NDArray[np.float64]
) -> NDArray[np.float64]:
    px, py = face.points[landmark]
    return np.asarray(np.exp(-((x - px) ** 2 + (y - py) ** 2) / (2.0 * (width_iod * face.iod_px) ** 2)))
