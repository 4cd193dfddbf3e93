"""Where the optical-flow recipe looks: a square around the face, and regions of it by dlib's points.

Numbers and names follow OF-FD (He 2021) and "Rethinking optical flow" (Zhao et al. 2022) as published with
their code for CAS(ME)2. Points are those of dlib's 68; `MESH_OF_DLIB` says which of the 468-point mesh lies
there. How wide a region around a point is, other than the nose's, is not told: 10 px is taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Box: TypeAlias = tuple[slice, slice]  # rows and columns

CROP_PX = 256
INNER_CORNERS = (133, 362)
# half-widths of the square in halves of the distance between the inner eye corners
_LEFT_HALVES, _UP_HALVES, _SIDE_HALVES = 4.0, 3.0, 8.0
_AROUND_POINT_PX = 10.0
_AROUND_NOSE_PX = 13.0

# dlib's brows (17-26), nose (27-35), eyes (36-47) and mouth (48-67); the jaw line is not looked at
MESH_OF_DLIB = dict(
    zip(
        range(17, 68),
        (
            *(71, 63, 105, 66, 107, 336, 296, 334, 293, 301),
            *(168, 197, 5, 4, 98, 97, 2, 326, 327),
            *(33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380),
            *(61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181),
            *(78, 82, 13, 312, 308, 317, 14, 87),
        ),
        strict=True,
    )
)
NOSE_POINTS = (29, 30)


@dataclass(frozen=True, slots=True)
class FlowRegion:
    """One curve: the points it spans, and how far it must rise, px of the 256 px square.

    `side` is the person's own; dlib counts from the picture's left.
    """

    name: str
    region: str
    side: str
    points: tuple[int, ...]
    rise_px: float


_BROW_PX, _MOUTH_PX, _WING_PX = 1.8, 1.85, 2.1
FLOW_REGIONS = (
    *(FlowRegion(f"brow {k}", "brow", "right", (k,), _BROW_PX) for k in (18, 19, 20)),
    FlowRegion("right brow", "brow", "right", (18, 19, 20), _BROW_PX),
    *(FlowRegion(f"brow {k}", "brow", "left", (k,), _BROW_PX) for k in (23, 24, 25)),
    FlowRegion("left brow", "brow", "left", (23, 24, 25), _BROW_PX),
    FlowRegion("mouth 48", "mouth", "right", (48,), _MOUTH_PX),
    FlowRegion("mouth 54", "mouth", "left", (54,), _MOUTH_PX),
    *(FlowRegion(f"mouth {k}", "mouth", "both", (k,), _MOUTH_PX) for k in (51, 57, 62)),
    FlowRegion("mouth", "mouth", "both", (48, 51, 54, 57), _MOUTH_PX),
    FlowRegion("nose wing 31", "nose", "right", (31,), _WING_PX),
    FlowRegion("nose wing 35", "nose", "left", (35,), _WING_PX),
)


@dataclass(frozen=True, slots=True)
class Square:
    """The part of a picture that is looked at, px; whole numbers."""

    left: int
    top: int
    side: int

    @property
    def scale(self) -> float:
        """Pixels of the 256 px square in one of the picture."""
        return CROP_PX / self.side


def square_around(mesh: NDArray[np.floating]) -> Square:
    """The square of a face with these landmarks [shape=(468, at least 2)], px."""
    right, left = mesh[INNER_CORNERS[0], :2], mesh[INNER_CORNERS[1], :2]
    half_px = 0.5 * float(np.hypot(*(left - right)))
    x, y = 0.5 * (left + right)
    return Square(
        round(x - _LEFT_HALVES * half_px), round(y - _UP_HALVES * half_px), round(_SIDE_HALVES * half_px)
    )


def boxes_of(mesh: NDArray[np.floating], square: Square) -> list[Box]:
    """Rows and columns of every region of `FLOW_REGIONS` in the 256 px square, then the nose's."""
    boxes = [_box(mesh, square, region.points, _AROUND_POINT_PX) for region in FLOW_REGIONS]
    return [*boxes, _box(mesh, square, NOSE_POINTS, _AROUND_NOSE_PX)]


def _box(mesh: NDArray[np.floating], square: Square, points: tuple[int, ...], around_px: float) -> Box:
    places = mesh[[MESH_OF_DLIB[k] for k in points], :2] - (square.left, square.top)
    places = places * square.scale
    low = np.clip(np.round(places.min(axis=0) - around_px), 0, CROP_PX - 1).astype(int)
    high = np.clip(np.round(places.max(axis=0) + around_px) + 1, 1, CROP_PX).astype(int)
    return slice(int(low[1]), int(high[1])), slice(int(low[0]), int(high[0]))
