"""The product's own loop over a recording, with what it cost apart from making the frames."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from edge.capture.source import FrameSource
from edge.config import Config
from edge.evaluate.speed import TimedFinder
from edge.indicate.indicator import NullIndicator
from edge.messages import Frame
from edge.perceive.finder import FaceFinder
from edge.perceive.worker import KeyFrameWorker
from edge.pipeline import FaceSpotter, Log, Watch
from edge.track.tracker import Tracker

_KEY_FRAME_NS = 50_000_000  # as the product answers a file's key frames
_FIRST_FRAME_S = 5.0


@dataclass(frozen=True, slots=True)
class Followed:
    """How long a recording was, and the CPU of finding, following and spotting on all threads."""

    last_ns: int
    n_frames: int
    cpu_s: float


class TimedSource:
    """A source that knows what its frames cost this thread; everything else is the source's own."""

    def __init__(self, source: FrameSource) -> None:
        self._source = source
        self.counts = source.counts
        self.info = source.info
        self.cpu_ns = 0

    def read(self, timeout_s: float) -> Frame:
        """The next frame."""
        begun_ns = time.thread_time_ns()
        try:
            return self._source.read(timeout_s)
        finally:
            self.info = self._source.info
            self.cpu_ns += time.thread_time_ns() - begun_ns

    def close(self) -> None:
        """Close the source."""
        self._source.close()


def follow(
    source: FrameSource,
    log: Log,
    new_spotter: Callable[[float], FaceSpotter],
    config: Config | None = None,
    new_tracker: Callable[[int, int], Tracker] | None = None,
    on_frame: Callable[[Frame], None] = lambda _frame: None,
) -> Followed:
    """Let the loop run over all frames of a source, which stays open.

    Parameters
    ----------
    source : FrameSource
    log : Log
    new_spotter : callable
        Given the nominal rate, Hz.
    config : Config, optional
        Its sections perceive and track count.
    new_tracker : callable, optional
        Given height and width, px; the product's where it is left out.
    on_frame : callable
        Given every frame before it is followed.

    Raises
    ------
    CaptureError
    """
    config = config or Config()
    timed = TimedSource(source)
    first = timed.read(_FIRST_FRAME_S)
    finder = TimedFinder(FaceFinder(config.perceive))
    height, width = first.luma.shape
    worker = KeyFrameWorker(finder, height, width, _KEY_FRAME_NS)
    tracker = new_tracker(height, width) if new_tracker else Tracker(config.track, height, width)
    watching = Watch(
        source=timed,
        key_frames=worker,
        tracker=tracker,
        new_spotter=new_spotter,
        log=log,
        indicator=NullIndicator(),
        shown=config.indicate,
        tell=lambda _seconds, _event: None,
    )

    def never_stops(frame: Frame) -> bool:
        on_frame(frame)
        return False

    timed.cpu_ns = 0
    begun_ns = time.thread_time_ns()
    try:
        outcome = watching.run(first, never_stops)
    finally:
        worker.close()
    cpu_ns = time.thread_time_ns() - begun_ns - timed.cpu_ns + finder.cpu_ns
    return Followed(outcome.last_ns, outcome.n_frames, cpu_ns / 1e9)
