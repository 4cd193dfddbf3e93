"""What the tracker said of one recording, kept so that the spotter can be asked again with other settings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edge.anatomy import N_CHANNELS
from edge.config import SpotConfig
from edge.messages import Blink, Cue, Event, FaceFound, FaceLost, Trace
from edge.pipeline import SAME_PERSON_NS
from edge.spot.spotter import Spotter


@dataclass(frozen=True, slots=True)
class Decided:
    """A cue, and the time of the frame it was decided with."""

    cue: Cue
    at_ns: int


class Signals(Protocol):
    """One face's signals.

    Attributes
    ----------
    fps : float, Hz
    codes : int16 [shape=(n_traces, N_CHANNELS)]
    timestamps_ns, sequences : int64 [shape=(n_traces,)]
    news : sequence of (position, timestamp_ns, "found" or "lost")
        Before which trace the face was found or lost.
    """

    @property
    def fps(self) -> float:
        """Frames a second."""

    @property
    def codes(self) -> NDArray[np.int16]:
        """Channel values as the log keeps them."""

    @property
    def timestamps_ns(self) -> NDArray[np.int64]:
        """Time of each trace."""

    @property
    def sequences(self) -> NDArray[np.int64]:
        """Frame of each trace."""

    @property
    def news(self) -> Sequence[tuple[int, int, str]]:
        """When the face came and went."""


@dataclass(slots=True)
class SignalKeeper:
    """Stands where the log stands: keeps the largest face's signals and when it came and went."""

    rows: list[NDArray[np.int16]] = field(default_factory=list)
    times_ns: list[int] = field(default_factory=list)
    frames: list[int] = field(default_factory=list)
    news: list[tuple[int, int, str]] = field(default_factory=list)
    fault: str | None = None

    def append(self, event: Event) -> None:
        """Keep faces found and lost; cues are spotted again from the signals."""
        if isinstance(event, FaceFound | FaceLost) and event.face == 0:
            what = "found" if isinstance(event, FaceFound) else "lost"
            self.news.append((len(self.rows), event.timestamp_ns, what))

    def add_trace(self, trace: Trace) -> None:
        """Keep a copy of one frame's signals."""
        if trace.face == 0:
            self.rows.append(trace.codes.copy())
            self.times_ns.append(trace.timestamp_ns)
            self.frames.append(trace.sequence)

    def saw_frame(self, sequence: int, timestamp_ns: int) -> None:
        """Not kept."""

    @property
    def codes(self) -> NDArray[np.int16]:
        """[shape=(n_traces, N_CHANNELS)]."""
        return np.stack(self.rows) if self.rows else np.zeros((0, N_CHANNELS), np.int16)


class SilentSpotter:
    """A spotter that does nothing: the signals are spotted afterwards."""

    learning = False

    def step(self, trace: Trace) -> tuple[()]:  # noqa: ARG002 - the protocol's
        """Nothing."""
        return ()

    def flush(self) -> tuple[()]:
        """Nothing."""
        return ()


def spot(signals: Signals, config: SpotConfig | None = None) -> tuple[list[Decided], list[Blink]]:
    """Run the spotter over the signals, as the loop would have: cues and blinks in order of decision."""
    chosen = config or SpotConfig()
    cues: list[Decided] = []
    blinks: list[Blink] = []
    spotter: Spotter | None = None
    lost_ns = 0
    news = iter([*signals.news, (len(signals.codes) + 1, 0, "end")])
    due = next(news)

    def take(events: Iterable[Cue | Blink], at_ns: int) -> None:
        for event in events:
            if isinstance(event, Cue):
                cues.append(Decided(event, at_ns))
            else:
                blinks.append(event)

    rows = zip(signals.timestamps_ns.tolist(), signals.sequences.tolist(), strict=True)
    for position, (at_ns, sequence) in enumerate(rows):
        while due[0] <= position:
            if due[2] == "lost" and spotter is not None:
                take(spotter.flush(), due[1])
                lost_ns = due[1]
            elif due[2] == "found" and (spotter is None or due[1] - lost_ns > SAME_PERSON_NS):
                spotter = Spotter(chosen, signals.fps)
            due = next(news)
        assert spotter is not None
        one = slice(position, position + 1)
        take(
            spotter.steps(signals.codes[one], signals.timestamps_ns[one], np.array([sequence])),
            at_ns,
        )
    if spotter is not None:
        take(spotter.flush(), int(signals.timestamps_ns[-1]))
    return cues, blinks
