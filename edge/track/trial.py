"""Whether what now stands in a lost patch's place belongs to the face, or is a hand before it.

The landmark model puts landmarks onto a hand as calmly as onto a chin, so that it cannot tell. What
can: a plaster, a beard's shadow or a new light go with the head; a hand does not for long. So the place
is looked at twice, 0.4 s or more apart, and taken only where both looks are alike.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_SIDE = 24  # px, a patch and its rim
_LONG_ENOUGH_NS = 400_000_000
_ALIKE = 0.7  # normalised correlation; a head whose pose is off by a pixel still passes


class Trial:
    """First looks at the places of `n` lost patches."""

    def __init__(self, n: int) -> None:
        self._look = np.zeros((n, _SIDE, _SIDE), np.float32)
        self._looked_ns = np.zeros(n, np.int64)
        self._known = np.zeros(n, np.bool_)

    def forget(self, followed: NDArray[np.bool_]) -> None:
        """Patches that are followed [shape=(n,)] are on trial no more."""
        self._known &= ~followed

    def stands(self, k: int, luma: NDArray[np.uint8], place: NDArray[np.float64], now_ns: int) -> bool:
        """Whether patch `k`'s place looks as it did at a first look 0.4 s ago or more.

        A place that does not is looked at for the first time again.

        Parameters
        ----------
        k : int
        luma : uint8 [shape=(height, width)]
        place : float64 [shape=(2,)], px
            Where the patch rests on the head in this picture.
        now_ns : int
            Time of this picture.
        """
        if self._known[k] and now_ns - self._looked_ns[k] < _LONG_ENOUGH_NS:
            return False
        left, top = round(float(place[0])) - _SIDE // 2, round(float(place[1])) - _SIDE // 2
        if left < 0 or top < 0:
            return False
        look = luma[top : top + _SIDE, left : left + _SIDE].astype(np.float32)
        if look.shape != (_SIDE, _SIDE):
            return False
        look -= look.mean()
        look /= np.sqrt(np.square(look).sum()) + 1e-6
        alike = bool(self._known[k]) and float((look * self._look[k]).sum()) >= _ALIKE
        self._look[k], self._looked_ns[k], self._known[k] = look, now_ns, not alike
        return alike
