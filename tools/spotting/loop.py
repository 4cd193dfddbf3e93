"""The product's own loop over frames in memory, with what it cost apart from the frames themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edge.capture.errors import SourceEnded
from edge.capture.source import SourceCounts
from edge.evaluate import watching
from edge.evaluate.watching import Followed
from edge.messages import Frame, SourceInfo
from edge.pipeline import FaceSpotter, Log
from edge.track.tracker import Tracker


def follow(
    frames: Iterable[tuple[int, NDArray[np.uint8]]],
    fps: float,
    log: Log,
    new_spotter: Callable[[float], FaceSpotter],
    new_tracker: Callable[[int, int], Tracker] | None = None,
) -> Followed:
    """Let the loop run over all frames.

    Parameters
    ----------
    frames : iterable of (int, uint8 [shape=(height, width)])
        Timestamp in ns and luma, borrowed until the next.
    """
    return watching.follow(_Frames(frames, fps), log, new_spotter, new_tracker=new_tracker)


class _Frames:
    """Frames from an iterator, as a source."""

    def __init__(self, frames: Iterable[tuple[int, NDArray[np.uint8]]], fps: float) -> None:
        self._frames = iter(frames)
        self.counts = SourceCounts()
        self.info = SourceInfo("clip", 0, 0, fps, "stated", live=False)  # its size is that of the first

    def read(self, timeout_s: float) -> Frame:  # noqa: ARG002 - the protocol's
        """The next frame."""
        item = next(self._frames, None)
        if item is None:
            raise SourceEnded(self.counts.n_frames)
        if self.counts.n_frames == 0:
            height, width = item[1].shape
            self.info = replace(self.info, width=width, height=height)
        self.counts.n_frames += 1
        return Frame(self.counts.n_frames - 1, item[0], item[1])

    def close(self) -> None:
        """Nothing is held."""
