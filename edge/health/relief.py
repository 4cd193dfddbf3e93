"""Doing less, chosen: when the board is hot or the loop slow, step by step, and back again."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from edge.health.board import BoardReadings
from edge.health.loop import LoopReadings


class Relief(enum.IntEnum):
    """What is left out, each step with all before it."""

    NONE = 0
    FEWER_KEY_FRAMES = 1
    FEWEST_KEY_FRAMES = 2
    HALF_RATE = 3

    @property
    def words(self) -> str:
        """For people."""
        return _WORDS[self]

    @property
    def key_frame_gap_ns(self) -> int:
        """The least time between two key frames; 0 is as often as the tracker asks."""
        return _GAP_NS[self]


_WORDS = {
    Relief.NONE: "all frames, key frames as the tracker asks",
    Relief.FEWER_KEY_FRAMES: "at most 3 key frames a second",
    Relief.FEWEST_KEY_FRAMES: "at most one key frame a second",
    Relief.HALF_RATE: "half the frame rate, at most one key frame a second",
}
_GAP_NS = {
    Relief.NONE: 0,
    Relief.FEWER_KEY_FRAMES: 333_000_000,
    Relief.FEWEST_KEY_FRAMES: 1_000_000_000,
    Relief.HALF_RATE: 1_000_000_000,
}

# degrees below the limit; from one to the other nothing changes
_HOT_C, _COOL_C = 5.0, 10.0
# of the time between frames that the stages may take, and what is enough room to do more again
_BUSY, _ROOM, _ROOM_TO_DOUBLE = 0.9, 0.75, 0.4
_LOST_SHARE = 0.01
# the ring holds an eighth of a second (docs/decisions/0012): two thirds of it full
_BEHIND_MS = 80.0
# key frames come ten times a second at most, and a small board answers within 60 ms
_ANSWER_MS = 500.0
# how soon the next step: the loop shows at once what a step did, a heat sink does not
_SETTLES_SLOW_S, _SETTLES_HOT_S = 10.0, 30.0
_RETURN_S, _RETURN_MAX_S = 60.0, 960.0


@dataclass(slots=True)
class Orders:
    """What the main loop is to do, set by the health thread and read between two frames."""

    relief: Relief = Relief.NONE


@dataclass(frozen=True, slots=True)
class Strain:
    """Whether it is too much now, why, and whether there is room for more."""

    hot: bool
    slow: str
    at_ease: bool

    @property
    def why(self) -> str:
        """In words; empty where nothing is wrong."""
        return " and ".join(word for word in ("hot" if self.hot else "", self.slow) if word)


def strain_of(board: BoardReadings, loop: LoopReadings, lost_share: float, relief: Relief) -> Strain:
    """Judge the readings.

    Parameters
    ----------
    lost_share : float in [0, 1]
        Of the frames since the last look, those that nobody received.
    relief : Relief
        The step that the readings were taken in: room at half the rate has to suffice for all of it.
    """
    headroom_c = board.headroom_c
    hot = (headroom_c is not None and headroom_c <= _HOT_C) or bool(board.throttled)
    cool = headroom_c is None or headroom_c >= _COOL_C
    slow = ""
    if lost_share > _LOST_SHARE:
        slow = "losing frames"
    elif loop.busy_share > _BUSY or (loop.behind_ms or 0.0) > _BEHIND_MS:
        slow = "behind the camera"
    elif (loop.key_frame_ms or 0.0) > _ANSWER_MS:
        slow = "late with key frames"
    room = _ROOM_TO_DOUBLE if relief is Relief.HALF_RATE else _ROOM
    return Strain(hot, slow, cool and not hot and not slow and loop.busy_share <= room)


class ReliefPolicy:
    """Decides on the step, with patience in both directions.

    One step at a time: the next one when the last has had time to help and did not; back when all
    has been well for a minute, and for twice as long after each return that did not last.
    """

    def __init__(self) -> None:
        self.relief = Relief.NONE
        self._changed_s = float("-inf")
        self._returned_s = float("-inf")
        self._eased_s: float | None = None
        self._return_s = _RETURN_S

    def decide(self, now_s: float, strain: Strain) -> Relief:
        """Take in how it is now; the step from now on.

        Parameters
        ----------
        now_s : float, s
            Of any clock that never goes back.
        """
        if not strain.at_ease:
            self._eased_s = None
        elif self._eased_s is None:
            self._eased_s = now_s
        if strain.hot or strain.slow:
            settles_s = _SETTLES_SLOW_S if strain.slow else _SETTLES_HOT_S
            if self.relief < Relief.HALF_RATE and now_s - self._changed_s >= settles_s:
                if now_s - self._returned_s <= self._return_s:
                    self._return_s = min(2 * self._return_s, _RETURN_MAX_S)
                self._change(now_s, Relief(self.relief + 1))
        elif self._eased_s is not None and self.relief > Relief.NONE:
            if now_s - max(self._eased_s, self._changed_s) >= self._return_s:
                self._returned_s = now_s
                self._change(now_s, Relief(self.relief - 1))
        elif self.relief is Relief.NONE and now_s - self._changed_s > _RETURN_MAX_S:
            self._return_s = _RETURN_S
        return self.relief

    def _change(self, now_s: float, relief: Relief) -> None:
        self.relief = relief
        self._changed_s = now_s
