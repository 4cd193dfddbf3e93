"""The main loop: capture, track, spot, record, indicate. Everything else hangs off this page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from edge.capture.errors import CameraAway, FrameTimeout, SourceEnded
from edge.capture.frame_history import FrameHistory
from edge.capture.source import FrameSource, RateControl
from edge.config import IndicateConfig
from edge.health.loop import LoopVitals
from edge.health.relief import Orders, Relief
from edge.indicate.indicator import Indicator, State, is_shown
from edge.messages import Blink, Cue, Event, FaceFound, Frame, KeyFrameAnswer, Trace
from edge.timing import StageTimer
from edge.track.tracker import Tracker

STAGES = ("capture", "track", "spot", "record", "perceive", "indicate")
_CAPTURE, _TRACK, _SPOT, _RECORD, _PERCEIVE, _INDICATE = range(len(STAGES))
_READ_TIMEOUT_S = 0.5
_TIMEOUTS_FATAL = 6  # three seconds without a frame
SAME_PERSON_NS = 5_000_000_000  # who comes back later may be another person


class KeyFrames(Protocol):
    """The landmark model on its own thread."""

    def submit(self, frame: Frame) -> bool:
        """Hand over a frame; False while it is busy with another."""

    def collect(self, now_ns: int) -> KeyFrameAnswer | None:
        """The answer about the frame handed over, when it is due."""


class Pictures(Protocol):
    """Keeps the last seconds of pictures in memory; only those around a cue are ever written, encrypted."""

    def add(self, face: int, frame: Frame, place_px: tuple[float, float, float]) -> None:
        """Copy a face out of a frame."""


class Log(Protocol):
    """The part of the recorder that the loop uses."""

    @property
    def fault(self) -> str | None:
        """Why nothing can be written at the moment."""

    def append(self, event: Event) -> None:
        """Queue an event."""

    def add_trace(self, trace: Trace) -> None:
        """Take in one frame of one face."""

    def saw_frame(self, sequence: int, timestamp_ns: int) -> None:
        """Note how far the session is."""


class Live(Protocol):
    """Shows the values to whoever looks, from memory and a thread of its own."""

    @property
    def is_wanted(self) -> bool:
        """Whether somebody looks."""

    def add_trace(self, trace: Trace) -> None:
        """Copy one frame of one face."""


class FaceSpotter(Protocol):
    """The spotter of one face."""

    @property
    def learning(self) -> bool:
        """Whether the person's baseline is still being learned."""

    def step(self, trace: Trace) -> Sequence[Cue | Blink]:
        """What was decided with this frame."""

    def flush(self) -> Sequence[Cue | Blink]:
        """What is still undecided when no more frames come."""


@dataclass(slots=True)
class Outcome:
    """What a session came to: for the summary line and the session's end row."""

    n_frames: int = 0
    n_face_frames: int = 0
    n_missing: int = 0
    n_repeated: int = 0
    n_light_steps: int = 0
    n_key_frames: int = 0
    n_micro: int = 0
    n_macro: int = 0
    n_blinks: int = 0
    n_timeouts: int = 0
    n_lost: int = 0
    n_corrupt: int = 0
    n_mended_times: int = 0
    n_restarts: int = 0
    n_left_out: int = 0
    n_exposure_changes: int = 0
    first_ns: int = 0
    last_ns: int = 0
    fps: float = 0.0
    lamp_hz: float | None = None
    flicker_hz: float | None = None
    reason: str = ""
    first_face_s: float | None = None
    has_learned: bool = False

    @property
    def seconds(self) -> float:
        """First to last frame."""
        return (self.last_ns - self.first_ns) / 1e9


@dataclass(slots=True)
class Watch:
    """One session's stages, put together by `app`; `run` is the session."""

    source: FrameSource
    key_frames: KeyFrames
    tracker: Tracker
    new_spotter: Callable[[float], FaceSpotter]
    log: Log
    indicator: Indicator
    shown: IndicateConfig
    tell: Callable[[float, Event], None]
    pictures: Pictures | None = None
    live: Live | None = None
    timer: StageTimer = field(default_factory=lambda: StageTimer(STAGES))
    vitals: LoopVitals = field(default_factory=LoopVitals)
    orders: Orders = field(default_factory=Orders)
    spotters: dict[int, FaceSpotter] = field(default_factory=dict)
    resting: dict[int, tuple[FaceSpotter, int]] = field(default_factory=dict)
    outcome: Outcome = field(default_factory=Outcome)
    frames: FrameHistory = field(init=False)
    relief: Relief = field(default=Relief.NONE, init=False)
    _leaves_out: bool = field(default=False, init=False)
    _key_frame_due_ns: int = field(default=0, init=False)

    def run(self, first: Frame, stop: Callable[[Frame], bool]) -> Outcome:
        """Watch from the first frame until the source ends or `stop` says so."""
        self.outcome.first_ns = first.timestamp_ns
        height, width = first.luma.shape
        self.frames = FrameHistory(height, width, self.source.info.fps)
        return self.go_on(first, stop)

    def go_on(self, frame: Frame | None, stop: Callable[[Frame], bool]) -> Outcome:
        """As `run`, from a frame in the middle, where all that had been seen before it is in place."""
        try:
            while frame is not None and not stop(frame):
                self._look_at(frame)
                self.step(frame)
                if self.orders.relief is not self.relief:
                    self._follow_orders()
                self.timer.begin()
                frame = self._next_frame(stop, frame)
                self.timer.lap(_CAPTURE)
        finally:  # a camera that breaks must not take what was seen with it
            self._wrap_up()
        return self.outcome

    @property
    def fps(self) -> float:
        """The rate that frames are watched at: what the source promises, or half of it."""
        fps = self.source.info.fps
        return fps / 2 if self.relief is Relief.HALF_RATE else fps

    def _follow_orders(self) -> None:
        """Take the step that the health thread decided on; at another rate each face is learned anew."""
        before, self.relief = self.relief, self.orders.relief
        self._key_frame_due_ns = 0
        if Relief.HALF_RATE not in (before, self.relief):
            return
        is_half = self.relief is Relief.HALF_RATE
        can_change = isinstance(self.source, RateControl) and self.source.ask_rate(self.fps)
        self._leaves_out = is_half and not can_change
        self.frames.gaps.expect(self.fps)
        self.resting.clear()
        for face in list(self.spotters):
            self._spot_rest(face)
            self.spotters[face] = self.new_spotter(self.fps)

    def _look_at(self, frame: Frame) -> None:
        """Note what the frame is like as a frame, before anybody looks for a face in it."""
        counts = self.source.counts
        if (gap := self.frames.observe(frame, counts)) is not None:
            self.outcome.n_missing += gap.n_missing
            self._announce(gap)
        if (report := self.frames.report(frame.timestamp_ns, counts)) is not None:
            self._announce(report)

    def _wrap_up(self) -> None:
        """Decide what is still open and count what the source says of itself."""
        for face in list(self.spotters):
            self._spot_rest(face)
        outcome, counts, frames = self.outcome, self.source.counts, self.frames
        if (report := frames.report(outcome.last_ns, counts, at_once=True)) is not None:
            self._announce(report)
        outcome.n_missing, outcome.fps = frames.gaps.n_missing, frames.gaps.fps
        outcome.n_repeated, outcome.n_light_steps = frames.n_repeated, frames.n_light_steps
        outcome.lamp_hz, outcome.flicker_hz = frames.lamp_hz, frames.flicker_hz
        outcome.n_lost, outcome.n_corrupt = counts.n_lost, counts.n_corrupt
        outcome.n_mended_times = counts.n_mended_times
        outcome.n_restarts, outcome.n_exposure_changes = counts.n_restarts, counts.n_exposure_changes

    def step(self, frame: Frame) -> None:
        """Take one frame through every stage."""
        timer, outcome = self.timer, self.outcome
        timer.begin()
        traces = self.tracker.follow(frame)
        timer.lap(_TRACK)
        events: Sequence[Cue | Blink] = ()
        for trace in traces:
            if new := self.spotters[trace.face].step(trace):
                events = (*events, *new)
        timer.lap(_SPOT)
        self.log.saw_frame(frame.sequence, frame.timestamp_ns)
        for trace in traces:
            self.log.add_trace(trace)
            if self.pictures is not None:
                self.pictures.add(trace.face, frame, self.tracker.place_px(trace.face))
            if self.live is not None and self.live.is_wanted:
                self.live.add_trace(trace)
        for event in events:
            self._announce(event)
        timer.lap(_RECORD)
        self._ask_and_answer(frame)
        timer.lap(_PERCEIVE)
        self.indicator.show(self._state())
        timer.lap(_INDICATE)
        timer.end()
        self.vitals.frame_done(frame.timestamp_ns, timer.last_ns)
        outcome.n_frames += 1
        outcome.n_face_frames += bool(traces)
        outcome.last_ns = frame.timestamp_ns

    def _ask_and_answer(self, frame: Frame) -> None:
        """Let the tracker have what the model says, and the model what the tracker asks."""
        if (answer := self.key_frames.collect(frame.timestamp_ns)) is not None:
            self.vitals.key_frame_answered()
            self.tracker.reseat(answer, frame)
            for news in self.tracker.take_news():
                if isinstance(news, FaceFound):
                    self.spotters[news.face] = self._spotter_for(news)
                else:
                    self.resting[news.face] = (self._spot_rest(news.face), news.timestamp_ns)
                self._announce(news)
        is_due = frame.timestamp_ns >= self._key_frame_due_ns
        if is_due and self.tracker.wants_key_frame(frame) and self.key_frames.submit(frame):
            self.tracker.remember_key_frame(frame)
            self.vitals.key_frame_asked()
            self._key_frame_due_ns = frame.timestamp_ns + self.relief.key_frame_gap_ns
            self.outcome.n_key_frames += 1

    def _spotter_for(self, found: FaceFound) -> FaceSpotter:
        """A face that only looked away keeps its baseline; anyone else starts a new one."""
        spotter, lost_ns = self.resting.pop(found.face, (None, 0))
        if spotter is not None and found.timestamp_ns - lost_ns <= SAME_PERSON_NS:
            return spotter
        return self.new_spotter(self.fps)

    def _spot_rest(self, face: int) -> FaceSpotter:
        """A face is gone: what its spotter still held back is decided now."""
        spotter = self.spotters.pop(face)
        for event in spotter.flush():
            self._announce(event)
        return spotter

    def _announce(self, event: Event) -> None:
        """Log an event, count it, show it, tell it."""
        if isinstance(event, Cue):
            event = replace(event, frames=self.frames.around(event.onset_ns, event.offset_ns))
        self.log.append(event)
        if isinstance(event, Cue):
            self.outcome.n_micro += event.kind == "micro"
            self.outcome.n_macro += event.kind == "macro"
            if is_shown(event, self.shown):
                self.indicator.cue(event)
        elif isinstance(event, Blink):
            self.outcome.n_blinks += 1
        elif isinstance(event, FaceFound) and self.outcome.first_face_s is None:
            self.outcome.first_face_s = (event.timestamp_ns - self.outcome.first_ns) / 1e9
        at_ns = event.onset_ns if isinstance(event, Cue | Blink) else event.timestamp_ns
        self.tell((at_ns - self.outcome.first_ns) / 1e9, event)

    def _state(self) -> State:
        if self.log.fault is not None:
            return State.FAULT
        if not self.spotters:
            return State.NO_FACE
        if any(spotter.learning for spotter in self.spotters.values()):
            return State.LEARNING
        self.outcome.has_learned = True
        return State.SPARING if self.relief else State.WATCHING

    def _next_frame(self, stop: Callable[[Frame], bool], last: Frame) -> Frame | None:
        """The next frame, or None at the end; a camera may be silent for a while, not for long."""
        n_silent = 0
        while True:
            try:
                frame = self.source.read(_READ_TIMEOUT_S)
                if self._leaves_out and (frame.sequence - last.sequence) % 2:
                    self.outcome.n_left_out += 1
                    continue
                return frame
            except SourceEnded:
                self.outcome.reason = "the source ended"
                return None
            except FrameTimeout as silence:
                self.outcome.n_timeouts += 1
                self.indicator.show(State.FAULT)
                n_silent += not isinstance(silence, CameraAway)  # the source knows how long to wait
                if n_silent == _TIMEOUTS_FATAL:
                    raise
                if stop(last):
                    return None
