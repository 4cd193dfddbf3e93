"""What the main loop says of itself, counted between two frames and taken by the health thread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from edge.clock import boottime_ns
from edge.timing import LatencyHistogram


@dataclass(frozen=True, slots=True)
class LoopReadings:
    """The loop since the look before; times in ms, None where nothing was measured.

    Attributes
    ----------
    fps : float
        Frames that went through all stages, per second.
    busy_share : float in [0, 1]
        Of the time, what the stages took; the rest was waiting for frames.
    frame_to_log_ms : (float, float, float) or None
        From the sensor's timestamp until all stages had the frame and its rows were handed to the log's
        writer: half of the frames, 99 %, all. Of a recording there is none.
    behind_ms : float or None
        How much later than the promptest frame of the session half of them were.
    key_frame_ms : float or None
        The slowest answer of the landmark model, or how long one is outstanding, if that is longer.
    cue_to_pin_ms : (float, float, float) or None
        From a cue's decision until the first indicator had been switched, since the start of the run.
    n_cues_timed : int
    """

    fps: float = 0.0
    busy_share: float = 0.0
    frame_to_log_ms: tuple[float, float, float] | None = None
    behind_ms: float | None = None
    key_frame_ms: float | None = None
    cue_to_pin_ms: tuple[float, float, float] | None = None
    n_cues_timed: int = 0


class LoopVitals:
    """Counted into by the main loop, which waits for nobody here; read out by another thread.

    Each number has one writer. Of the two histograms one is written while the other is read.

    Parameters
    ----------
    live : bool
        Whether frames bear the time of now.
    cue_to_pin : LatencyHistogram, optional
        Filled by the indicator.
    now_ns : callable, optional
        Sensor time.
    """

    def __init__(
        self,
        live: bool = False,
        cue_to_pin: LatencyHistogram | None = None,
        now_ns: Callable[[], int] = boottime_ns,
    ) -> None:
        self.n_frames = 0
        self.cue_to_pin = cue_to_pin if cue_to_pin is not None else LatencyHistogram()
        self._live = live
        self._now_ns = now_ns
        self._busy_ns = 0
        self._ages, self._resting = LatencyHistogram(), LatencyHistogram()
        self._promptest_ns: int | None = None
        self._asked_ns = 0
        self._slowest_answer_ns = 0
        self._taken_ns, self._frames_taken, self._busy_taken_ns = now_ns(), 0, 0

    def frame_done(self, timestamp_ns: int, busy_ns: int) -> None:
        """A frame has been through all stages, which took so long."""
        self.n_frames += 1
        self._busy_ns += busy_ns
        if self._live:
            age_ns = self._now_ns() - timestamp_ns
            self._ages.add(age_ns)
            if self._promptest_ns is None or age_ns < self._promptest_ns:
                self._promptest_ns = age_ns

    def key_frame_asked(self) -> None:
        """The landmark model was handed a frame."""
        self._asked_ns = self._now_ns()

    def key_frame_answered(self) -> None:
        """Its answer is there."""
        self._slowest_answer_ns = max(self._slowest_answer_ns, self._now_ns() - self._asked_ns)
        self._asked_ns = 0

    def take(self) -> LoopReadings:
        """What happened since the last call; for one other thread."""
        now_ns = self._now_ns()
        span_ns = max(now_ns - self._taken_ns, 1)
        ages = self._ages
        self._resting.clear()
        self._ages, self._resting = self._resting, ages
        answer_ns, self._slowest_answer_ns = self._slowest_answer_ns, 0
        if (asked_ns := self._asked_ns) and self._live:
            answer_ns = max(answer_ns, now_ns - asked_ns)
        n_frames, busy_ns = self.n_frames, self._busy_ns
        readings = LoopReadings(
            fps=(n_frames - self._frames_taken) * 1e9 / span_ns,
            busy_share=min((busy_ns - self._busy_taken_ns) / span_ns, 1.0),
            frame_to_log_ms=in_ms(ages),
            behind_ms=(ages.percentile_ns(50) - (self._promptest_ns or 0)) / 1e6 if ages.n else None,
            key_frame_ms=answer_ns / 1e6 if answer_ns else None,
            cue_to_pin_ms=in_ms(self.cue_to_pin),
            n_cues_timed=self.cue_to_pin.n,
        )
        self._taken_ns, self._frames_taken, self._busy_taken_ns = now_ns, n_frames, busy_ns
        return readings


def in_ms(latency: LatencyHistogram) -> tuple[float, float, float] | None:
    """Half, 99 % and all of the durations took at most so long, ms; None where there is none."""
    if not latency.n:
        return None
    half_ns, most_ns = latency.percentile_ns(50), latency.percentile_ns(99)
    return half_ns / 1e6, most_ns / 1e6, latency.largest_ns / 1e6
