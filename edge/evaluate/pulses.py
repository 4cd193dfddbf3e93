"""How long after a cue is decided the marker pin has changed, while the loop runs as fast as it can."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.config import Config
from edge.evaluate.speed import ANSWER_LATENCY_NS, SteadySource
from edge.indicate.gpio import DEFAULT_PIN, GpioLight, stand_in_board
from edge.indicate.opening import open_light
from edge.indicate.patterns import Colour, marker
from edge.indicate.player import Light, LightDisplay, Player
from edge.messages import Blink, Cue, SessionInfo, Trace
from edge.perceive.finder import FaceFinder
from edge.perceive.worker import KeyFrameWorker
from edge.pipeline import Watch
from edge.record.recorder import Recorder
from edge.spot.spotter import Spotter
from edge.timing import LatencyHistogram
from edge.track.points import N_POINTS
from edge.track.tracker import Tracker

_WIDTH_MS = 1.0
# from one pulse's end to the next cue: not in step with frames or with the interpreter's 5 ms switches
_GAPS_NS = (3_100_000, 4_700_000, 6_300_000, 8_900_000, 11_300_000)
_FRAMES_PER_PULSE_MAX = 400  # a loop this fast without a pulse has lost its face


@dataclass(frozen=True, slots=True)
class PulseReport:
    """From the spotter's answer to the pin's change; `pins` says whose pins they were."""

    pins: str
    n_pulses: int
    p50_ms: float
    p99_ms: float
    largest_ms: float


class TimedLight:
    """Any light, with the time from the decision until it has been switched on."""

    def __init__(self, light: Light) -> None:
        self.latency = LatencyHistogram()
        self.decided_ns = self.ended_ns = 0
        self.is_idle = True
        self._light = light

    def set(self, colour: Colour) -> None:
        """Switch, then look at the clock."""
        self._light.set(colour)
        now_ns = time.perf_counter_ns()
        if any(colour):
            self.latency.add(now_ns - self.decided_ns)
        else:
            self.ended_ns = now_ns
            self.is_idle = True

    def close(self) -> None:
        """Release it."""
        self._light.close()


class CueingSpotter:
    """A spotter that works as ever, and decides a cue of its own once the light has been idle for a while."""

    def __init__(self, spotter: Spotter, light: TimedLight) -> None:
        self._spotter, self._light = spotter, light
        self._n_cues = 0

    @property
    def learning(self) -> bool:
        """As the spotter says."""
        return self._spotter.learning

    def step(self, trace: Trace) -> Sequence[Cue | Blink]:
        """What the spotter says, and a cue where it is time for one."""
        events = self._spotter.step(trace)
        light = self._light
        gap_ns = _GAPS_NS[self._n_cues % len(_GAPS_NS)]
        if not light.is_idle or time.perf_counter_ns() < light.ended_ns + gap_ns:
            return events
        self._n_cues += 1
        light.is_idle = False
        cue = _cue_at(trace)
        light.decided_ns = time.perf_counter_ns()
        return (*events, cue)

    def flush(self) -> Sequence[Cue | Blink]:
        """As the spotter says."""
        return self._spotter.flush()


def measure_pulses(
    config: Config,
    pictures: NDArray[np.uint8],
    fps: float,
    n_pulses: int,
    data_dir: Path,
    marker_pin: str = "",
) -> PulseReport:
    """Run the product's own loop as fast as it goes, with cues that it did not see, and time their pulses.

    Parameters
    ----------
    config : Config
    pictures : uint8 [shape=(n, height, width)]
    fps : float
        The rate that the frames' timestamps tell.
    n_pulses : int
        Fewer come where the face is lost.
    data_dir : Path
        A log is written there.
    marker_pin : str, optional
        As in `IndicateConfig.marker`; without it gpiozero drives its own stand-in for a board.

    Raises
    ------
    DeviceAbsent, IndicateError, MissingExtra
        That pin cannot be had.
    """
    _, height, width = pictures.shape
    source = SteadySource(pictures, fps, _FRAMES_PER_PULSE_MAX * n_pulses)
    with ExitStack() as stack:
        light = TimedLight(stack.enter_context(_light_on(marker_pin)))
        player = Player(LightDisplay(light, marker(_WIDTH_MS)))
        stack.callback(player.close)
        worker = KeyFrameWorker(FaceFinder(config.perceive), height, width, ANSWER_LATENCY_NS)
        stack.callback(worker.close)
        recorder = Recorder.open(data_dir, config.record, N_POINTS)
        stack.callback(recorder.close)
        recorder.start_session(SessionInfo(source.info), 0, None, False)
        watch = Watch(
            source=source,
            key_frames=worker,
            tracker=Tracker(config.track, height, width),
            new_spotter=lambda rate: CueingSpotter(Spotter(config.spot, rate), light),
            log=recorder,
            indicator=player.start(),
            shown=config.indicate,
            tell=lambda _seconds, _event: None,
        )
        watch.run(source.read(0.0), lambda _frame: light.latency.n >= n_pulses)
    latency = light.latency
    return PulseReport(
        pins=marker_pin or "gpiozero's stand-in",
        n_pulses=latency.n,
        p50_ms=latency.percentile_ns(50) / 1e6,
        p99_ms=latency.percentile_ns(99) / 1e6,
        largest_ms=latency.largest_ns / 1e6,
    )


@contextmanager
def _light_on(marker_pin: str) -> Iterator[Light]:
    """The light on that pin, or on a pin of gpiozero's stand-in; closed by whoever plays on it."""
    if marker_pin:
        yield open_light(marker_pin)
        return
    with stand_in_board():
        yield GpioLight([DEFAULT_PIN])


def _cue_at(trace: Trace) -> Cue:
    """A cue of 120 ms that ended with this frame."""
    offset_ns, frame = trace.timestamp_ns, trace.sequence
    return Cue(
        face=trace.face,
        kind="micro",
        onset_ns=offset_ns - 120_000_000,
        apex_ns=offset_ns - 60_000_000,
        offset_ns=offset_ns,
        onset_frame=frame,
        apex_frame=frame,
        offset_frame=frame,
        duration_error_ms=0.0,
        regions=("brow",),
        movements=("inner_brow_raise",),
        side="both",
        amplitude_miod=25.0,
        score=9.0,
        expected_false_per_hour=0.0,
        head_motion_miod_s=0.0,
        fps=0.0,
        dropped_frames=0,
        during_blink=False,
        during_speech=False,
        lighting="ok",
    )
