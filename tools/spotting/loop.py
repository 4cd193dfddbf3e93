"""The product's own loop over frames in memory, with what it cost apart from the frames themselves."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edge.capture.errors import SourceEnded
from edge.capture.source import SourceCounts
from edge.config import Config
from edge.evaluate.speed import TimedFinder
from edge.indicate.indicator import NullIndicator
from edge.messages import Frame, SourceInfo
from edge.perceive.finder import FaceFinder
from edge.perceive.worker import KeyFrameWorker
from edge.pipeline import FaceSpotter, Log, Watch
from edge.track.tracker import Tracker

_KEY_FRAME_NS = 50_000_000  # as the product answers a file's key frames


@dataclass(frozen=True, slots=True)
class Followed:
    """How long a clip was, and the CPU of finding, following and spotting on all threads."""

    last_ns: int
    n_frames: int
    cpu_s: float


def default_tracker(height: int, width: int) -> Tracker:
    """The product's."""
    return Tracker(Config().track, height, width)


def follow(
    frames: Iterable[tuple[int, NDArray[np.uint8]]],
    fps: float,
    log: Log,
    new_spotter: Callable[[float], FaceSpotter],
    new_tracker: Callable[[int, int], Tracker] = default_tracker,
) -> Followed:
    """Let the loop run over all frames.

    Parameters
    ----------
    frames : iterable of (int, uint8 [shape=(height, width)])
        Timestamp in ns and luma, borrowed until the next.
    """
    config, source = Config(), _Frames(frames, fps)
    first = source.read(0.0)
    finder = TimedFinder(FaceFinder(config.perceive))
    worker = KeyFrameWorker(finder, *first.luma.shape, _KEY_FRAME_NS)
    watching = Watch(
        source=source,
        key_frames=worker,
        tracker=new_tracker(*first.luma.shape),
        new_spotter=new_spotter,
        log=log,
        indicator=NullIndicator(),
        shown=config.indicate,
        tell=lambda _seconds, _event: None,
    )
    source.cpu_ns = 0
    begun_ns = time.thread_time_ns()
    try:
        outcome = watching.run(first, lambda _frame: False)
    finally:
        worker.close()
    cpu_ns = time.thread_time_ns() - begun_ns - source.cpu_ns + finder.cpu_ns
    return Followed(outcome.last_ns, outcome.n_frames, cpu_ns / 1e9)


class _Frames:
    """Frames from an iterator, as a source that knows what they cost to make."""

    def __init__(self, frames: Iterable[tuple[int, NDArray[np.uint8]]], fps: float) -> None:
        self._frames = iter(frames)
        self.counts = SourceCounts()
        self.info = SourceInfo("clip", 0, 0, fps, "stated", live=False)  # its size is that of the first
        self.cpu_ns = 0

    def read(self, timeout_s: float) -> Frame:  # noqa: ARG002 - the protocol's
        """The next frame."""
        begun_ns = time.thread_time_ns()
        item = next(self._frames, None)
        self.cpu_ns += time.thread_time_ns() - begun_ns
        if item is None:
            raise SourceEnded(self.counts.n_frames)
        if self.counts.n_frames == 0:
            height, width = item[1].shape
            self.info = replace(self.info, width=width, height=height)
        self.counts.n_frames += 1
        return Frame(self.counts.n_frames - 1, item[0], item[1])

    def close(self) -> None:
        """Nothing is held."""
