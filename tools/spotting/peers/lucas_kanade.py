"""The product with OpenCV's pyramidal Lucas-Kanade where its own patch kernel stands.

Points, window, key frames, head, signals and spotter stay what they are. Each patch is found anew in
every frame from the picture it was captured in (`calcOpticalFlowPyrLK`, the product's expectation as
its first guess), as the product's own templates are. From frame to frame it costs
about half, but its errors add up and more false cues come with the same recall.
OpenCV gives no correlation that survives a change of light, so one is taken at the place it found.
"""

from __future__ import annotations

import math
from typing import Any
from unittest import mock

import numpy as np
from numba import njit
from numpy.typing import NDArray

from edge.config import Config
from edge.messages import Frame, KeyFrameAnswer
from edge.track import face_track
from edge.track.patches import PatchSet
from edge.track.tracker import Tracker
from spotting.peers.product import Product
from spotting.peers.watching import PERMISSIVE_PER_HOUR

WINDOW_PX = 16
_N_LEVELS = 2  # above the picture itself
_N_STEPS, _STEP_PX = 10, 0.01
_MARGIN_PX = 48  # the window at the smallest picture of the pyramid, and its gradients
_LEAST_PX = 64
_NOT_FOUND = -1.0


class LucasKanadePatches(PatchSet):
    """Patches found by OpenCV from the picture each was captured in; otherwise as `PatchSet`."""

    def __init__(self, n: int, *others: Any) -> None:
        super().__init__(n, *others)
        self._pictures: list[NDArray[np.uint8] | None] = [None] * n
        self._start = np.zeros((n, 2))
        self._look = np.zeros((n, WINDOW_PX, WINDOW_PX), np.float32)
        self._now = np.zeros((WINDOW_PX, WINDOW_PX), np.float32)
        self._copy: NDArray[np.uint8] | None = None

    def capture(self, luma: NDArray[np.uint8], k: int, tangent: NDArray[np.float64]) -> bool:
        """Remember picture and place beside what the product remembers."""
        taken = super().capture(luma, k, tangent)
        if self._copy is None or self._copy.shape != luma.shape:
            self._copy = luma.copy()
        self._pictures[k] = self._copy
        self._start[k] = self.position[k]
        sample_patch(luma, *self._start[k], self._look[k])
        return taken

    def follow(self, luma: NDArray[np.uint8], reach_px: float) -> None:
        """Find every patch that has a template, from its expected `position`."""
        self._copy = None
        self.correlation[:] = -2.0
        groups: dict[int, list[int]] = {}
        for k in np.flatnonzero(self.state):
            groups.setdefault(id(self._pictures[k]), []).append(int(k))
        for members in groups.values():
            self._follow_from(self._pictures[members[0]], luma, members, reach_px)

    def _follow_from(
        self, before: NDArray[np.uint8] | None, luma: NDArray[np.uint8], members: list[int], reach_px: float
    ) -> None:
        """Find the patches that were captured in the same picture."""
        import cv2

        if before is None or before.shape != luma.shape:
            self.correlation[members] = _NOT_FOUND
            return
        start, expected = self._start[members], self.position[members]
        x0, y0, x1, y1 = box_around(np.vstack([start, expected]), *luma.shape)
        corner = np.array([x0, y0], np.float32)
        found, status, _ = cv2.calcOpticalFlowPyrLK(
            before[y0:y1, x0:x1],
            luma[y0:y1, x0:x1],
            (start.astype(np.float32) - corner).reshape(-1, 1, 2),
            (expected.astype(np.float32) - corner).reshape(-1, 1, 2),
            winSize=(WINDOW_PX, WINDOW_PX),
            maxLevel=_N_LEVELS,
            criteria=(cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, _N_STEPS, _STEP_PX),
            flags=cv2.OPTFLOW_USE_INITIAL_FLOW,
        )
        places = found[:, 0] + corner
        for k, at, known, guess in zip(members, places, status[:, 0], expected, strict=True):
            self.correlation[k] = _NOT_FOUND
            if known and math.hypot(at[0] - guess[0], at[1] - guess[1]) <= reach_px:
                self.position[k] = at
                sample_patch(luma, *self.position[k], self._now)
                self.correlation[k] = correlation_of(self._look[k], self._now)


class LucasKanadeTracker(Tracker):
    """The product's tracker; faces found are followed by OpenCV."""

    def reseat(self, answer: KeyFrameAnswer, frame: Frame) -> None:
        """As the product's; new faces get the other patches."""
        with mock.patch.object(face_track, "PatchSet", LucasKanadePatches):
            super().reseat(answer, frame)


class LucasKanade(Product):
    """The product with OpenCV's tracker; parameters as in `Product`."""

    name = "pyramidal Lucas-Kanade"

    def __init__(self, config: Config | None = None, per_hour: float = PERMISSIVE_PER_HOUR) -> None:
        super().__init__(config, per_hour)
        import cv2

        cv2.setNumThreads(1)

    def new_tracker(self, height: int, width: int) -> Tracker:
        """The tracker of one clip."""
        return LucasKanadeTracker(self._config.track, height, width)


def box_around(points: NDArray[np.float64], height: int, width: int) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of what LK needs to see, px: OpenCV's pyramids then cost no more.

    Left and top fall on whole pixels of the smallest picture of the pyramid.
    """
    coarse = 1 << _N_LEVELS
    x0, y0 = np.floor((points.min(axis=0) - _MARGIN_PX) / coarse).astype(int) * coarse
    x1, y1 = np.ceil(points.max(axis=0) + _MARGIN_PX).astype(int)
    return (
        int(np.clip(x0, 0, width - _LEAST_PX)),
        int(np.clip(y0, 0, height - _LEAST_PX)),
        int(np.clip(x1, _LEAST_PX, width)),
        int(np.clip(y1, _LEAST_PX, height)),
    )


@njit(cache=True, nogil=True)
def sample_patch(luma, x, y, patch):
    """Sample a square around (x, y) px, bilinear, its mean removed; what lies outside is its rim."""
    height, width = luma.shape
    side = patch.shape[0]
    total = 0.0
    for j in range(side):
        py = min(max(y + j - 0.5 * (side - 1), 0.0), height - 1.001)
        for i in range(side):
            px = min(max(x + i - 0.5 * (side - 1), 0.0), width - 1.001)
            ix, iy = int(px), int(py)
            a, b = px - ix, py - iy
            upper = (1 - a) * luma[iy, ix] + a * luma[iy, ix + 1]
            lower = (1 - a) * luma[iy + 1, ix] + a * luma[iy + 1, ix + 1]
            patch[j, i] = (1 - b) * upper + b * lower
            total += patch[j, i]
    patch -= np.float32(total / (side * side))


@njit(cache=True, nogil=True)
def correlation_of(one, other):
    """Normalised correlation of two patches without their means; 0 where either is flat."""
    shared = (one * other).sum()
    energy = (one * one).sum() * (other * other).sum()
    return shared / math.sqrt(energy) if energy > 1e-6 else 0.0
