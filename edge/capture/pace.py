"""Frames of a recording at their own pace instead of as fast as they decode."""

from __future__ import annotations

import time

from edge.capture.errors import FrameTimeout
from edge.messages import Frame


class Pace:
    """Holds frames back until their time; the first one sets the clock."""

    def __init__(self) -> None:
        self._shown_ahead_ns: int | None = None  # wall clock minus media time
        self._pending: Frame | None = None

    def take_pending(self) -> Frame | None:
        """The frame whose time had not come when `wait_for` gave up."""
        pending, self._pending = self._pending, None
        return pending

    def wait_for(self, frame: Frame, timeout_s: float) -> None:
        """Sleep until its time; FrameTimeout, and the frame is pending, where that is too long."""
        now_ns = time.monotonic_ns()
        if self._shown_ahead_ns is None:
            self._shown_ahead_ns = now_ns - frame.timestamp_ns
        wait_s = (frame.timestamp_ns + self._shown_ahead_ns - now_ns) / 1e9
        time.sleep(max(0.0, min(wait_s, timeout_s)))
        if wait_s > timeout_s:
            self._pending = frame
            raise FrameTimeout(timeout_s, frame.sequence - 1)
