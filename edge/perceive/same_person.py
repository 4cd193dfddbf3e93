"""The face of one person and nobody else, told by where and how large it is, never by what it looks like.

To recognise a face would take a template of it, which is biometric data of everybody who passes. Place
and size need none: a face that is suddenly elsewhere, or of another size, may be another person's, and
then nobody's is passed on any more.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from edge.messages import KeyFrameAnswer
from edge.perceive.finder import SessionFinder
from edge.perceive.region import Region, region_from_landmarks

# A face fills two thirds of its region, so heads side by side are at least two thirds apart. Within a second
# a leaning person moves and grows by less than this; whoever was out of sight has to come back to the same
# place. A second and not one key frame: where a larger face comes in front, the landmarks creep over to it
# in steps of a tenth of their size.
_WITHIN_NS = 1_000_000_000
_APART, _GROWN = 0.5, 1.5
_APART_AFTER_GAP, _GROWN_AFTER_GAP = 0.33, 1.25


class SamePerson:
    """A finder that follows whoever is seen first, and stops for good where it may have become another.

    Parameters
    ----------
    finder : SessionFinder
        With one slot.

    Attributes
    ----------
    is_doubtful : bool
        The face was suddenly elsewhere or of another size; from then on no answer has a face in it.
    seen_ns : int or None
        Sensor time of the last key frame with the person's face; None before the first.
    """

    def __init__(self, finder: SessionFinder) -> None:
        self._finder = finder
        self._lately: deque[tuple[int, Region]] = deque()
        self._is_gap = False
        self.is_doubtful = False
        self.seen_ns: int | None = None

    @property
    def models(self) -> Mapping[str, str]:
        """The finder's."""
        return self._finder.models

    def begin(self) -> None:
        """Whoever is seen first from now on is the person."""
        self._finder.begin()
        self._lately.clear()
        self._is_gap = False
        self.is_doubtful, self.seen_ns = False, None

    def find(self, luma: NDArray[np.uint8], sequence: int, timestamp_ns: int) -> KeyFrameAnswer:
        """The person's face, or none; as `FaceFinder.find`."""
        nobody = KeyFrameAnswer(sequence, timestamp_ns, ())
        if self.is_doubtful:
            return nobody
        answer = self._finder.find(luma, sequence, timestamp_ns)
        if not answer.faces:
            self._is_gap = True
            return answer
        region = region_from_landmarks(answer.faces[0].points)
        lately = self._lately
        while len(lately) > 1 and timestamp_ns - lately[0][0] > _WITHIN_NS:
            lately.popleft()
        if not all(_may_be_same(before, region, self._is_gap) for _, before in lately):
            self.is_doubtful = True
            return nobody
        lately.append((timestamp_ns, region))
        self._is_gap, self.seen_ns = False, timestamp_ns
        return answer


def _may_be_same(before: Region, now: Region, is_gap: bool) -> bool:
    apart, grown = (_APART_AFTER_GAP, _GROWN_AFTER_GAP) if is_gap else (_APART, _GROWN)
    distance = math.hypot(before.centre_x_px - now.centre_x_px, before.centre_y_px - now.centre_y_px)
    small, large = sorted((before.size_px, now.size_px))
    return distance <= apart * small and large <= grown * small
