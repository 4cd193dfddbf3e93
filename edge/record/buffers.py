"""Where the frame path leaves its signals: arrays made once, copied into, handed over whole."""

from __future__ import annotations

import math
from queue import Empty, SimpleQueue

import numpy as np
from numpy.typing import NDArray

from edge.anatomy import N_CHANNELS
from edge.messages import Trace
from edge.record.codec import pack_codes, pack_times
from edge.record.statements import SessionRows, Statement

BLOCK_NS = 1_000_000_000
# A macro movement of 4 s, 1 s before and after it, and the spotter's own delay.
HISTORY_S = 12.0
TRACE_MARGIN_NS = 1_000_000_000
# Seconds of signals that may wait while an SD card stalls; stalls of several seconds are known.
N_POOL_BLOCKS = 32
_UNKNOWN_FPS = 200.0
_MAX_FPS = 400.0
# A camera may run a little faster than it says; a block that fills early is handed over early.
_HEADROOM = 1.1


def frames_in(duration_s: float, fps: float) -> int:
    """Frames to make room for; `fps` 0 or absurd counts as unknown."""
    rate_fps = min(fps, _MAX_FPS) if fps > 0 and math.isfinite(fps) else _UNKNOWN_FPS
    return math.ceil(duration_s * rate_fps * _HEADROOM) + 1


class SignalBlock:
    """About a second of one face's signals."""

    def __init__(self, capacity_frames: int, pool: BlockPool) -> None:
        self.face = 0
        self.n_frames = 0
        self.rows: SessionRows | None = None
        self._pool = pool
        self._codes = np.zeros((capacity_frames, N_CHANNELS), np.int16)
        self._frames = np.zeros(capacity_frames, np.int64)
        self._times_ns = np.zeros(capacity_frames, np.int64)
        self._capacity_frames = capacity_frames
        self._due_ns = 0
        self._previous_ns = 0

    def add(self, trace: Trace) -> bool:
        """Copy one frame in; True when the block is full or a second long."""
        index = self.n_frames
        self._codes[index] = trace.codes
        self._frames[index] = trace.sequence
        self._times_ns[index] = timestamp_ns = trace.timestamp_ns
        self.n_frames = index + 1
        if index == 0:
            self._due_ns = timestamp_ns + BLOCK_NS
            self._previous_ns = timestamp_ns
        step_ns = timestamp_ns - self._previous_ns
        self._previous_ns = timestamp_ns
        # the next frame would be nearer to the next second: 120 frames at 120 fps, not 121
        return self.n_frames == self._capacity_frames or timestamp_ns + 3 * step_ns // 2 >= self._due_ns

    def statements(self) -> list[Statement]:
        """Pack the block for the log and give its arrays back (writer thread)."""
        assert self.rows is not None
        n = self.n_frames
        blobs = (
            pack_times(self._frames[:n]),
            pack_times(self._times_ns[:n] - self.rows.first_frame_ns),
            pack_codes(self._codes[:n]),
        )
        span_ns = (int(self._times_ns[0]), int(self._times_ns[n - 1]))
        statement = self.rows.signals(self.face, int(self._frames[0]), span_ns, n, blobs)
        self._pool.give_back(self)
        return [statement]


class BlockPool:
    """A fixed number of blocks that go round between the frame path and the writer."""

    def __init__(self, capacity_frames: int) -> None:
        self._free: SimpleQueue[SignalBlock] = SimpleQueue()
        for _ in range(N_POOL_BLOCKS):
            self._free.put(SignalBlock(capacity_frames, self))

    def take(self, timeout_s: float) -> SignalBlock | None:
        """A free block, or None where the writer has all of them; 0 s never waits."""
        try:
            return self._free.get(block=timeout_s > 0, timeout=timeout_s or None)
        except Empty:
            return None

    def give_back(self, block: SignalBlock) -> None:
        """Make the block free again."""
        block.n_frames = 0
        block.rows = None
        self._free.put(block)


class PointHistory:
    """The last seconds of one face's tracked points, a ring."""

    def __init__(self, capacity_frames: int, n_points: int) -> None:
        self._points = np.zeros((capacity_frames, n_points, 2), np.int16)
        self._frames = np.zeros(capacity_frames, np.int64)
        self._times_ns = np.zeros(capacity_frames, np.int64)
        self._capacity_frames = capacity_frames
        self._n_seen = 0

    def add(self, trace: Trace) -> None:
        """Copy one frame in, over the oldest."""
        index = self._n_seen % self._capacity_frames
        self._points[index] = trace.points
        self._frames[index] = trace.sequence
        self._times_ns[index] = trace.timestamp_ns
        self._n_seen += 1

    def clear(self) -> None:
        """Forget everything: the ring goes to another face."""
        self._n_seen = 0

    def between(
        self, start_ns: int, stop_ns: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int16]]:
        """Copies of frames, times and points with `start_ns <= time <= stop_ns`, oldest first."""
        oldest = max(0, self._n_seen - self._capacity_frames)
        order = np.arange(oldest, self._n_seen) % self._capacity_frames
        times_ns = self._times_ns[order]
        order = order[(times_ns >= start_ns) & (times_ns <= stop_ns)]
        return self._frames[order], self._times_ns[order], self._points[order]


class PointLights:
    """The points around one cue, on their way to the writer."""

    def __init__(
        self, rows: SessionRows, number: int, history: PointHistory, span_ns: tuple[int, int]
    ) -> None:
        self._rows = rows
        self._number = number
        self._frames, self._times_ns, self._points = history.between(*span_ns)

    def statements(self) -> list[Statement]:
        """Pack the trace for the log (writer thread)."""
        n_frames, n_points, _ = self._points.shape
        if n_frames == 0:
            return []
        blobs = (
            pack_times(self._frames),
            pack_times(self._times_ns - self._rows.first_frame_ns),
            pack_codes(self._points.reshape(n_frames, n_points * 2)),
        )
        return [self._rows.points(self._number, n_frames, n_points, blobs)]
