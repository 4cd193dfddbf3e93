"""How far the eyes are closed: how little each opening looks like itself when open."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.kernels.face import EYE_COLUMNS, EYE_ROWS, look_at_eyes

# The usual look follows gaze and light slowly, and hardly at all a lid: a blink lasts 0.1-0.4 s.
_FOLLOW_OPEN_S = 1.0
_FOLLOW_CHANGED_S = 5.0
_FOLLOW_LID_S = 20.0
_LOOKS_OPEN = 0.8


class EyeOpenings:
    """Both openings, each compared with a slowly adapting picture of it open.

    Attributes
    ----------
    closure : float64 [shape=(2,)]
        The person's right and left eye: 0 looks open as usual, towards 1 it does not; NaN out of
        sight.
    """

    def __init__(self) -> None:
        self._usual = np.zeros((2, EYE_ROWS, EYE_COLUMNS), np.float32)
        self._now = np.zeros((EYE_ROWS, EYE_COLUMNS), np.float32)
        self._known = np.zeros(2, np.uint8)
        self._axis = np.zeros(4)
        self.closure = np.full(2, np.nan)

    def forget(self) -> None:
        """Learn the open eyes anew at the next frame."""
        self._known[:] = 0

    def look(
        self,
        luma: NDArray[np.uint8],
        place: NDArray[np.float64],
        tangent: NDArray[np.float64],
        axes: NDArray[np.float64],
        dt_s: float,
    ) -> None:
        """Take in one frame; arrays as in `kernels.face.look_at_eyes`."""
        look_at_eyes(
            luma,
            place,
            tangent,
            axes,
            _LOOKS_OPEN,
            min(dt_s / _FOLLOW_OPEN_S, 1.0),
            min(dt_s / _FOLLOW_CHANGED_S, 1.0),
            min(dt_s / _FOLLOW_LID_S, 1.0),
            self._usual,
            self._now,
            self._known,
            self._axis,
            self.closure,
        )
