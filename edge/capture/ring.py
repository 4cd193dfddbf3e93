"""The frame ring between a camera thread and the main loop: the newest frames, none of them waiting.

Slots move between two queues, free and ready. `deque` pops and appends are atomic, so neither
side takes a lock or waits for the other; the reader sleeps only when nothing is ready.
"""

from __future__ import annotations

import threading
from collections import deque

import numpy as np
from numpy.typing import NDArray

_POISON = 0xA5


class RingSlot:
    """Room for one frame.

    Attributes
    ----------
    luma : uint8 [shape=(height, width)], C-contiguous
    timestamp_ns : int
    """

    __slots__ = ("luma", "timestamp_ns")

    def __init__(self, luma: NDArray[np.uint8]) -> None:
        self.luma = luma
        self.timestamp_ns = 0


class FrameRing:
    """One writer, one reader; when the reader is late, the oldest unread frame gives way.

    Parameters
    ----------
    n_slots : int >= 4
        One is being written, one is lent to the reader; the others may wait.
    height, width : int, px
    poison : bool
        Overwrite a frame when it is given back, so that a test sees who still looks at it.

    Attributes
    ----------
    n_overwritten : int
        Frames that were never read.
    """

    def __init__(self, n_slots: int, height: int, width: int, poison: bool = False) -> None:
        if n_slots < 4:
            raise ValueError(f"a frame ring needs 4 slots or more, not {n_slots}")
        memory = np.zeros((n_slots, height, width), np.uint8)
        self._free = deque(RingSlot(luma) for luma in memory)
        self._ready: deque[RingSlot] = deque()
        self._writing: RingSlot | None = None
        self._lent: RingSlot | None = None
        self._something_ready = threading.Event()
        self._poison = poison
        self._ended = False
        self.n_overwritten = 0

    def begin(self) -> RingSlot:
        """Writer: the slot to fill; the same one again until `commit`."""
        if self._writing is None:
            if self._free:
                self._writing = self._free.popleft()
            else:
                self._writing = self._ready.popleft()
                self.n_overwritten += 1
        return self._writing

    def commit(self) -> None:
        """Writer: hand over the slot that `begin` gave."""
        if self._writing is None:
            raise ValueError("commit without begin")
        self._ready.append(self._writing)
        self._writing = None
        self._something_ready.set()

    def end(self) -> None:
        """Writer: there will be no more; `take` waits no longer, but still gives what is ready."""
        self._ended = True
        self._something_ready.set()

    def take(self, timeout_s: float) -> RingSlot | None:
        """Reader: the oldest unread frame, lent until the next `take`; None when none came.

        After `end` it never waits.
        """
        self._give_back()
        slot = self._pop_ready()
        if slot is None:
            self._something_ready.clear()
            slot = self._pop_ready()  # it, or the end, may have come before the clear
        if slot is None and not self._ended and self._something_ready.wait(timeout_s):
            slot = self._pop_ready()
        self._lent = slot
        return slot

    def _give_back(self) -> None:
        if self._lent is not None:
            if self._poison:
                self._lent.luma.fill(_POISON)
            self._free.append(self._lent)
            self._lent = None

    def _pop_ready(self) -> RingSlot | None:
        try:
            return self._ready.popleft()
        except IndexError:  # empty, or the writer took it back this instant
            return None
