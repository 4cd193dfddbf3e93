"""From a camera's thread to the reader: the ring, the failure that ended it, and the counts."""

from __future__ import annotations

import math

from edge.capture.errors import CameraAway, FrameTimeout, SourceClosed
from edge.capture.ring import FrameRing
from edge.capture.source import SourceCounts
from edge.errors import EdgeError
from edge.messages import Frame

# how late the main loop may be before a frame is lost; on a busy machine it sleeps past 40 ms
_LATE_S = 0.12
_N_SLOTS_MIN, _N_SLOTS_MAX = 8, 32


class Delivery:
    """What every live source hands its frames to.

    Parameters
    ----------
    height, width : int, px
    fps : float, Hz
        Sets the depth of the ring; 0 where it is not known.
    poison : bool
        As in `FrameRing`.

    Attributes
    ----------
    n_skipped, n_corrupt, n_restarts, n_exposure_changes : int
        Written by the camera's thread; `read` copies them into the counts.
    failure : EdgeError or None
        Why there will be no more frames.
    away_patience_s : float
        How long an unplugged camera is waited for; 0 while it is there.
    device : str
        What to call it then.

    Notes
    -----
    One thread writes the ring, one reads. Each tally has one writer, so none takes a lock.
    """

    def __init__(self, height: int, width: int, fps: float, poison: bool = False) -> None:
        n_slots = min(max(_N_SLOTS_MIN, math.ceil(fps * _LATE_S)), _N_SLOTS_MAX)
        self.ring = FrameRing(n_slots, height, width, poison)
        self.n_skipped = self.n_corrupt = self.n_restarts = self.n_exposure_changes = 0
        self.failure: EdgeError | None = None
        self.away_patience_s = 0.0
        self.device = ""
        self._closed = False

    def fail(self, failure: EdgeError) -> None:
        """Camera thread: there will be no more frames; the first reason counts."""
        if self.failure is None:
            self.failure = failure
        self.ring.end()

    def close(self) -> None:
        """Reader: later reads raise SourceClosed."""
        self._closed = True

    def read(self, timeout_s: float, counts: SourceCounts) -> Frame:
        """Return the oldest frame in the ring; frames before a failure come first."""
        if self._closed:
            raise SourceClosed
        slot = self.ring.take(timeout_s)
        if slot is None and self.failure is not None:
            slot = self.ring.take(0.0)  # committed just before the failure
        counts.n_corrupt = self.n_corrupt
        counts.n_lost = self.n_skipped + self.n_corrupt + self.ring.n_overwritten
        counts.n_restarts = self.n_restarts
        counts.n_exposure_changes = self.n_exposure_changes
        if slot is None:
            if self.failure is None and self.away_patience_s:
                raise CameraAway(timeout_s, counts.n_frames - 1, self.device, self.away_patience_s)
            raise self.failure or FrameTimeout(timeout_s, counts.n_frames - 1)
        counts.n_frames += 1
        return Frame(counts.n_frames - 1, slot.timestamp_ns, slot.luma)
