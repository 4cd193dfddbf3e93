"""The face at low resolution: a work picture for near faces, and a search for one that jumped."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.kernels.face import find_shift, shrink

# Patches are 16 px wide. On a face wider than this they would see too little of it, so the
# picture is averaged down first; the cost then stays that of a smaller face.
_IOD_MOST_PX = 240.0
_MARGIN_IOD = 1.6
_COARSE_IOD_PX = 20.0
_COARSE_SIDE = 25
_SEARCH_IOD = 0.55
_FOUND_CORRELATION = 0.7


class WorkPicture:
    """The picture the patches are followed in: the frame, or its mean over small squares."""

    def __init__(self, height: int, width: int) -> None:
        self._height, self._width = height, width
        self.factor = 1
        self._small = np.zeros((1, 1), np.uint8)
        self._box = (0, 0, 0, 0)

    def choose(self, iod_px: float, mesh: NDArray[np.float64]) -> NDArray[np.float64]:
        """Choose the factor for a face of this size and return its mesh in work pixels."""
        factor = max(1, int(np.ceil(iod_px / _IOD_MOST_PX)))
        if factor != self.factor:
            self.factor = factor
            self._small = np.zeros((max(self._height // factor, 1), max(self._width // factor, 1)), np.uint8)
        return self.scaled(mesh)

    def scaled(self, mesh: NDArray[np.float64]) -> NDArray[np.float64]:
        """A mesh [shape=(468, 3)] of the frame in work pixels; pixel centres are whole numbers."""
        if self.factor == 1:
            return mesh
        out = mesh / self.factor
        out[:, :2] -= 0.5 * (self.factor - 1) / self.factor
        return out

    def box(self, place: NDArray[np.float64], iod_px: float) -> None:
        """Say where the face is, in work pixels: only there is the picture needed."""
        if self.factor > 1:
            low, high = place.min(axis=0) - _MARGIN_IOD * iod_px, place.max(axis=0) + _MARGIN_IOD * iod_px
            self._box = (int(low[0]), int(low[1]), int(high[0]), int(high[1]))

    def of(self, luma: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The work picture of a frame (the frame itself where the factor is 1)."""
        if self.factor == 1:
            return luma
        shrink(luma, self.factor, *self._box, self._small)
        return self._small


class CoarseFace:
    """Eyes to nose at about 20 px between the eyes, to find a face that jumped."""

    def __init__(self) -> None:
        self._template = np.zeros((_COARSE_SIDE, _COARSE_SIDE), np.float32)
        self._level = 0.0
        self._known = False
        self._factor = 1
        self._small = np.zeros((1, 1), np.uint8)
        self._score = np.zeros((1, 1))
        self._best, self._shift = np.zeros(1), np.zeros(2)

    def capture(self, luma: NDArray[np.uint8], place: NDArray[np.float64], iod_px: float) -> None:
        """Remember how the face around `place` (nose bridge, px) looks."""
        self._factor = max(1, round(iod_px / _COARSE_IOD_PX))
        x, y = self._shrink(luma, place, 0.6 * iod_px)
        half = _COARSE_SIDE // 2
        left, top = round(x) - half, round(y) - half
        cut = self._small[max(top, 0) : top + _COARSE_SIDE, max(left, 0) : left + _COARSE_SIDE]
        self._known = cut.shape == self._template.shape
        if self._known:
            self._level = float(cut.mean())
            np.subtract(cut, self._level, out=self._template, casting="unsafe")

    def find(
        self, luma: NDArray[np.uint8], place: NDArray[np.float64], iod_px: float
    ) -> tuple[float, float] | None:
        """How far the face went from `place`, px; None where nothing looks like it."""
        if not self._known:
            return None
        x, y = self._shrink(luma, place, (0.6 + _SEARCH_IOD) * iod_px)
        reach = max(2, round(_SEARCH_IOD * iod_px / self._factor))
        if self._score.shape[0] < 2 * reach + 1:
            self._score = np.zeros((2 * reach + 1, 2 * reach + 1))
        best, shift = self._best, self._shift
        find_shift(self._small, x, y, self._level, reach, self._template, self._score, best, shift)
        if best[0] < _FOUND_CORRELATION:
            return None
        return float(shift[0] * self._factor), float(shift[1] * self._factor)

    def _shrink(
        self, luma: NDArray[np.uint8], place: NDArray[np.float64], reach_px: float
    ) -> tuple[float, float]:
        """Average the picture around a place; returns the place in coarse pixels."""
        factor = self._factor
        wanted = (luma.shape[0] // factor, luma.shape[1] // factor)
        if self._small.shape != wanted:
            self._small = np.zeros(wanted, np.uint8)
        x, y = (float(place[0]) + 0.5) / factor - 0.5, (float(place[1]) + 0.5) / factor - 0.5
        reach = reach_px / factor + 2
        shrink(
            luma, factor, int(x - reach), int(y - reach), int(x + reach) + 2, int(y + reach) + 2, self._small
        )
        return x, y
