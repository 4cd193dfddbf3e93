"""The product itself, watched as its peers are: its own loop without log and light."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from edge.config import Config
from edge.messages import Cue, Event, Trace
from edge.spot.spotter import Spotter
from edge.track.tracker import Tracker
from spotting.loop import follow
from spotting.peers.watching import PERMISSIVE_PER_HOUR, PeerResult, cue_of, permissive


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
        cues = _Cues()
        done = follow(frames, fps, cues, lambda rate: Spotter(self._spot, rate), self.new_tracker)
        return PeerResult([cue_of(cue) for cue in cues.found], done.n_frames, done.cpu_s)


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
