"""A person who slides out of the picture and back: the portrait as a layer before its own background.

The person is taken to be an ellipse for the head and a widening trunk below it; what they hide of the
background is filled in smoothly from what is around.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.synth.field import FaceFrame

# in half widths and heights of the mesh: head and hair in full to the first, gone at the second
_HEAD = (1.75, 2.1)
_CHIN, _NECK, _SHOULDERS, _SLOPE = -0.8, 0.9, 2.6, 1.6
_EDGE_HALF_WIDTHS = 0.3
# the filled background fades in over this much of the way, so that no edge jumps when it starts
_FADE_IOD = 0.2


class Backdrop:
    """What is behind one portrait.

    Parameters
    ----------
    face : FaceFrame
        At rest.
    rest : float32 [shape=(height, width)], grey levels
        The picture at rest.
    """

    def __init__(self, face: FaceFrame, rest: NDArray[np.float32]) -> None:
        self._face, self._rest = face, rest
        self._fill = _filled(rest, 1.0 - self._person((0.0, 0.0)))

    def put_behind(self, shift_px: tuple[float, float], out: NDArray[np.float32]) -> None:
        """Put the background behind the person in a picture that was shifted as a whole."""
        away = min(float(np.hypot(*shift_px)) / (_FADE_IOD * self._face.iod_px), 1.0)
        behind = self._rest + np.float32(away) * (self._fill - self._rest)
        out[:] = behind + self._person(shift_px) * (out - behind)

    def _person(self, shift_px: tuple[float, float]) -> NDArray[np.float32]:
        """How much of each pixel is the person's [shape=(height, width)]."""
        points, (height, width) = self._face.points, self._rest.shape
        low, high = points.min(axis=0), points.max(axis=0)
        middle, half = 0.5 * (low + high), 0.5 * (high - low)
        right = (np.arange(width) - shift_px[0] - middle[0]) / half[0]
        up = -((np.arange(height) - shift_px[1] - middle[1]) / half[1])[:, None]
        head = _step((_HEAD[1] - np.hypot(right, up)) / (_HEAD[1] - _HEAD[0]))
        reach = np.clip(_NECK + _SLOPE * (_CHIN - up), _NECK, _SHOULDERS)
        trunk = _step((reach - np.abs(right)) / _EDGE_HALF_WIDTHS) * _step((_CHIN - up) / _EDGE_HALF_WIDTHS)
        return np.asarray(np.maximum(head, trunk), np.float32)


def _step(share: NDArray[np.float64]) -> NDArray[np.float64]:
    s = np.clip(share, 0.0, 1.0)
    return np.asarray(s * s * (3 - 2 * s))


def _filled(picture: NDArray[np.float32], known: NDArray[np.float32]) -> NDArray[np.float32]:
    """The picture where it is known, elsewhere smoothly from there: halved, filled, and enlarged again."""
    height, width = picture.shape
    if min(height, width) < 2:
        mean = (picture * known).sum() / max(known.sum(), 1e-6)
        return np.asarray(picture * known + mean * (1 - known), np.float32)
    padding = ((0, height % 2), (0, width % 2))
    shape = ((height + 1) // 2, 2, (width + 1) // 2, 2)
    total = np.pad(known, padding).reshape(shape).sum(axis=(1, 3))
    light = np.pad(picture * known, padding).reshape(shape).sum(axis=(1, 3))
    mean = np.divide(light, total, out=np.zeros_like(total), where=total > 1e-6)
    small = _filled(mean, np.minimum(total, 1.0))
    rows = np.clip((np.arange(height) - 0.5) / 2, 0, small.shape[0] - 1.001)
    columns = np.clip((np.arange(width) - 0.5) / 2, 0, small.shape[1] - 1.001)
    r, c = rows.astype(int), columns.astype(int)
    if min(small.shape) < 2:
        large = small[np.minimum(r, small.shape[0] - 1)][:, np.minimum(c, small.shape[1] - 1)]
    else:
        g, f = (rows - r)[:, None], columns - c
        between = small[r] * (1 - g) + small[r + 1] * g
        large = between[:, c] * (1 - f) + between[:, c + 1] * f
    return np.asarray(picture * known + large * (1 - known), np.float32)
