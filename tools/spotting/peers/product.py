"""The product itself, watched as its peers are: its own loop without log and light."""

from __future__ import annotations

import time
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from edge.capture.errors import SourceEnded
from edge.capture.source import SourceCounts
from edge.config import Config
from edge.evaluate.speed import TimedFinder
from edge.indicate.indicator import NullIndicator
from edge.messages import Cue, Event, Frame, SourceInfo, Trace
from edge.perceive.finder import FaceFinder
from edge.perceive.worker import KeyFrameWorker
from edge.pipeline import Watch
from edge.spot.spotter import Spotter
from edge.track.tracker import Tracker
from spotting.peers.watching import PERMISSIVE_PER_HOUR, PeerResult, cue_of, permissive

_KEY_FRAME_NS = 50_000_000  # as the product answers a file's key frames


class Product:
    """Patches of our own between key frames, and our spotter.

    Parameters
    ----------
    config : Config
    per_hour : float
        Accepted false cues an hour.
    """

    name = "microcue"

    def __init__(self, config: Config | None = None, per_hour: float = PERMISSIVE_PER_HOUR) -> None:
        self._config = config or Config()
        self._spot = permissive(self._config.spot, per_hour)

    def new_tracker(self, height: int, width: int) -> Tracker:
        """The tracker of one clip."""
        return Tracker(self._config.track, height, width)

    def watch(self, frames: Iterable[tuple[int, NDArray[np.uint8]]], fps: float) -> PeerResult:
        """See `watching.Peer`."""
        source, cues = _Frames(frames, fps), _Cues()
        first = source.read(0.0)
        finder = TimedFinder(FaceFinder(self._config.perceive))
        worker = KeyFrameWorker(finder, *first.luma.shape, _KEY_FRAME_NS)
        watching = Watch(
            source=source,
            key_frames=worker,
            tracker=self.new_tracker(*first.luma.shape),
            new_spotter=lambda rate: Spotter(self._spot, rate),
            log=cues,
            indicator=NullIndicator(),
            shown=self._config.indicate,
            tell=lambda _seconds, _event: None,
        )
        source.cpu_ns = 0
        begun_ns = time.thread_time_ns()
        try:
            outcome = watching.run(first, lambda _frame: False)
        finally:
            worker.close()
        cpu_ns = time.thread_time_ns() - begun_ns - source.cpu_ns + finder.cpu_ns
        return PeerResult([cue_of(cue) for cue in cues.found], outcome.n_frames, cpu_ns / 1e9)


class _Frames:
    """Frames from an iterator, as a source that knows what they cost to make."""

    def __init__(self, frames: Iterable[tuple[int, NDArray[np.uint8]]], fps: float) -> None:
        self._frames = iter(frames)
        self.counts = SourceCounts()
        self.info = SourceInfo("clip", 0, 0, fps, "stated", live=False)
        self.cpu_ns = 0

    def read(self, timeout_s: float) -> Frame:  # noqa: ARG002 - the protocol's
        """The next frame."""
        begun_ns = time.thread_time_ns()
        item = next(self._frames, None)
        self.cpu_ns += time.thread_time_ns() - begun_ns
        if item is None:
            raise SourceEnded(self.counts.n_frames)
        self.counts.n_frames += 1
        return Frame(self.counts.n_frames - 1, item[0], item[1])

    def close(self) -> None:
        """Nothing is held."""


class _Cues:
    """Stands where the log stands, and keeps the cues."""

    fault: str | None = None

    def __init__(self) -> None:
        self.found: list[Cue] = []

    def append(self, event: Event) -> None:
        """Keep a cue."""
        if isinstance(event, Cue):
            self.found.append(event)

    def add_trace(self, trace: Trace) -> None:
        """Not kept."""

    def saw_frame(self, sequence: int, timestamp_ns: int) -> None:
        """Not kept."""
