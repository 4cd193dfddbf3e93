"""Frames from an array in memory, at a stated rate: the input of `bench` and of soak tests."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.capture.errors import NoFrames, SourceClosed, SourceEnded
from edge.capture.source import SourceCounts
from edge.messages import Frame, SourceInfo


class MemorySource:
    """Hands out the pictures of an array, as often as asked.

    Parameters
    ----------
    pictures : uint8 [shape=(n_pictures, height, width)]
        Made C-contiguous once; frames are read-only views into it, nothing is copied.
    fps : float > 0
        Frame k has the timestamp k / fps, without accumulated error.
    n_loops : int >= 1
        Times the array is played; the frames go on counting.
    """

    def __init__(
        self, pictures: NDArray[np.uint8], fps: float, n_loops: int = 1, description: str = "memory"
    ) -> None:
        if pictures.ndim != 3 or pictures.dtype != np.uint8 or not fps > 0:
            raise ValueError(
                f"uint8 [n, height, width] and fps > 0, not {pictures.dtype} {pictures.shape}, {fps}"
            )
        if not pictures.size or n_loops < 1:
            raise NoFrames(description, 0)
        self._pictures = np.ascontiguousarray(pictures).view()
        self._pictures.flags.writeable = False
        self._fps = fps
        self._n_total = len(pictures) * n_loops
        self._closed = False
        self.counts = SourceCounts()
        height, width = pictures.shape[1:]
        self.info = SourceInfo(description, width, height, fps, "stated", live=False)

    def read(self, timeout_s: float) -> Frame:  # noqa: ARG002 - the protocol's
        """Return the next picture, or raise SourceEnded or SourceClosed. Never waits."""
        if self._closed:
            raise SourceClosed
        k = self.counts.n_frames
        if k >= self._n_total:
            raise SourceEnded(k)
        self.counts.n_frames = k + 1
        return Frame(k, round(k * 1e9 / self._fps), self._pictures[k % len(self._pictures)])

    def close(self) -> None:
        """Let go of the array."""
        self._closed = True
        self._pictures = self._pictures[:0]
