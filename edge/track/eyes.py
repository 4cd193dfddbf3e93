"""How far each eye is closed: how little its opening looks like itself when open."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.kernels.face import sample_eye

# The look of the open eye follows gaze and light slowly, and hardly at all while it is closed:
# a blink lasts 0.1-0.4 s.
_FOLLOW_OPEN_S = 1.0
_FOLLOW_CHANGED_S = 5.0
_LOOKS_OPEN = 0.8


class EyeOpening:
    """One eye's opening, compared with a slowly adapting picture of it open."""

    def __init__(self) -> None:
        self._open = np.zeros((9, 16), np.float32)
        self._now = np.zeros((9, 16), np.float32)
        self._known = False

    def forget(self) -> None:
        """Learn the open eye anew at the next frame."""
        self._known = False

    def closure(
        self, luma: NDArray[np.uint8], place: NDArray[np.float64], axes: NDArray[np.float64], dt_s: float
    ) -> float:
        """0 for an eye that looks open as usual, towards 1 when it does not; NaN out of sight.

        Parameters
        ----------
        luma : uint8 [shape=(height, width)]
        place : float64 [shape=(2,)], px
            The opening's centre, from the head's pose.
        axes : float64 [shape=(4,)], px
            See `kernels.face.sample_eye`.
        dt_s : float
            Since the frame before.
        """
        contrast = sample_eye(luma, place[0], place[1], axes, self._now)
        if contrast <= 0.0:
            return float("nan")
        if not self._known:
            self._open[:] = self._now
            self._known = True
            return 0.0
        likeness = float(np.vdot(self._open, self._now))
        follow_s = _FOLLOW_OPEN_S if likeness > _LOOKS_OPEN else _FOLLOW_CHANGED_S
        gain = np.float32(min(dt_s / follow_s, 1.0))
        self._open += gain * (self._now - self._open)
        self._open /= np.float32(np.sqrt(np.vdot(self._open, self._open)) + 1e-6)
        return min(max(1.0 - likeness, 0.0), 1.0)
