"""A hand that comes before the face: fingers held together, with a skin and a light of its own."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from edge.kernels.overlay import lay_over
from edge.synth.field import FaceFrame
from edge.synth.motion import profile
from edge.synth.plan import Happening

# a hand is 84 mm wide at 90 mm between the outer eye corners; four fingers, longest in the middle
_FINGER_IOD = 0.23
_SHORTER_IOD = (0.10, 0.0, 0.05, 0.22)
_EDGE_PX = 1.5
_FACE_SKIN = (50, 280, 101, 330, 151, 9)


class Hand:
    """The occluder of one scene.

    Parameters
    ----------
    face : FaceFrame
        At rest.
    skin_level : float, grey levels
        Of the face; the hand is in a light of its own and a little darker.
    shape : (int, int)
        Rows and columns of the picture.
    seed : int
    """

    def __init__(self, face: FaceFrame, skin_level: float, shape: tuple[int, int], seed: int) -> None:
        self._face, self._shape = face, shape
        up = _painted(face.iod_px, 0.85 * skin_level, max(shape) + round(2 * face.iod_px), seed)
        # fingers up; towards the picture's left and right
        self._pictures = {
            "both": up,
            "left": (np.ascontiguousarray(up[0].T), np.ascontiguousarray(up[1].T)),
            "right": (np.ascontiguousarray(up[0].T[:, ::-1]), np.ascontiguousarray(up[1].T[:, ::-1])),
        }

    def draw(self, t_s: float, happening: Happening, out: NDArray[np.float32]) -> None:
        """Lay the hand over a picture, as far in as it is at a time."""
        picture, cover = self._pictures[happening.side]
        left, top = self._corner(happening, profile(t_s, happening), picture.shape)
        size = np.array([self._shape[1], self._shape[0]])
        first = np.floor([left, top])
        last = first + np.array([picture.shape[1] + 1, picture.shape[0] + 1])
        box = np.array([*np.clip(first, 0, size), *np.clip(last, 0, size)], np.int64)
        lay_over(picture, cover, np.float32(left), np.float32(top), box, out)

    def _corner(self, happening: Happening, share: float, shape: tuple[int, ...]) -> tuple[float, float]:
        """Where the hand's first pixel is when it has come `share` of its way."""
        height, width = self._shape
        low, high = self._face.points.min(axis=0), self._face.points.max(axis=0)
        covered = happening.amplitude * (high - low)
        middle = 0.5 * (low + high)
        if happening.side == "both":
            return float(middle[0]) - 0.5 * shape[1], height + share * (high[1] - covered[1] - height)
        top = float(middle[1]) - 0.5 * shape[0]
        if happening.side == "left":  # the person's own: from the picture's right
            return width + share * (high[0] - covered[0] - width), top
        return share * (low[0] + covered[0]) - shape[1], top


def skin_level(face: FaceFrame, picture: NDArray[np.float32], origin_px: NDArray[np.float32]) -> float:
    """Median brightness of a few places of bare skin, grey levels."""
    places = np.rint(face.points[list(_FACE_SKIN)] - origin_px).astype(int)
    return float(np.median(picture[places[:, 1], places[:, 0]]))


def _painted(
    unit: float, level: float, length_px: int, seed: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Picture and cover [shape=(length_px, width)] of a hand whose fingers point up."""
    width = math.ceil(4 * _FINGER_IOD * unit) + 8
    y, x = np.mgrid[:length_px, :width].astype(float)
    across = (x - 4) / unit
    finger = np.clip(across / _FINGER_IOD, 0, 3.999).astype(int)
    from_axis = across - (finger + 0.5) * _FINGER_IOD
    tip = np.array(_SHORTER_IOD)[finger] + 0.5 * _FINGER_IOD
    down = y / unit - tip
    outside = np.hypot(from_axis, np.minimum(down, 0.0)) - 0.5 * _FINGER_IOD
    cover = np.clip(0.5 - outside * unit / _EDGE_PX, 0, 1)
    inner = (np.abs(across - 2 * _FINGER_IOD) < 1.7 * _FINGER_IOD) & (down > 0)
    cover[inner] = 1.0
    # round fingers, dark between; creases at the joints; then the palm
    on_fingers = np.clip((1.0 - down) / 0.15, 0, 1)
    light = 1.0 - on_fingers * 0.9 * np.abs(from_axis / _FINGER_IOD) ** 2 * 2
    light -= on_fingers * 0.25 * np.exp(-(((0.5 * _FINGER_IOD - np.abs(from_axis)) * unit / 1.5) ** 2))
    for joint_iod in (0.22, 0.50, 1.05):
        light -= 0.14 * np.exp(-(((y / unit - tip - joint_iod) * unit / 1.6) ** 2))
    light *= 1.06 - 0.14 * across / (4 * _FINGER_IOD)
    rng = np.random.default_rng([seed, 29])
    grain = sum(size * _smooth_noise(rng, y.shape, unit * scale) for size, scale in ((6, 0.12), (3, 0.04)))
    return np.asarray(level * light + grain, np.float32), np.asarray(cover, np.float32)


def _smooth_noise(rng: np.random.Generator, shape: tuple[int, ...], scale_px: float) -> NDArray[np.float64]:
    """Normal noise of unit spread at nodes every `scale_px`, bilinear between them."""
    scale = max(scale_px, 1.5)
    nodes = rng.standard_normal((math.ceil(shape[0] / scale) + 2, math.ceil(shape[1] / scale) + 2))
    y, x = np.arange(shape[0]) / scale, np.arange(shape[1]) / scale
    rows, columns = y.astype(int), x.astype(int)
    g, f = (y - rows)[:, None], x - columns
    upper, lower = nodes[rows], nodes[rows + 1]
    top = upper[:, columns] * (1 - f) + upper[:, columns + 1] * f
    bottom = lower[:, columns] * (1 - f) + lower[:, columns + 1] * f
    return np.asarray(top * (1 - g) + bottom * g)
