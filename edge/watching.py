"""One session: from the first frame of an open source to the row that says how it ended."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace

from edge import __version__, ahead
from edge.capture.source import FrameSource
from edge.clock import clock_state
from edge.config import Config
from edge.errors import EdgeError
from edge.frame_advice import shortcomings, slow_rate
from edge.health.loop import LoopVitals
from edge.health.monitor import Attended, HealthMonitor, SessionCounts
from edge.health.relief import Relief
from edge.health.state_file import SESSION_OVER
from edge.indicate.indicator import Indicator
from edge.indicate.opening import players_of
from edge.live.values import LiveValues
from edge.messages import Event, Frame, FrameReport, Mark, SessionInfo, SourceInfo
from edge.perceive.finder import SessionFinder
from edge.perceive.worker import KeyFrameWorker
from edge.pipeline import Outcome, Watch
from edge.record.recorder import Recorder
from edge.service import StopRequest
from edge.session_control import DURATION_REACHED, Turns
from edge.spot.spotter import Spotter
from edge.supervision import SignsOfLife
from edge.track.tracker import Tracker

# A file's key frames are answered this much later in media time, as a small board would: then
# a recording gives the same cues on every machine, however fast it is.
FILE_LATENCY_NS = 50_000_000
_FIRST_FRAME_S = 5.0


@dataclass(frozen=True, slots=True)
class Watching:
    """What outlives a session."""

    config: Config
    recorder: Recorder
    clock: SessionClock
    indicator: Indicator
    finder: SessionFinder
    stop: StopRequest
    turns: Turns
    signs: SignsOfLife
    health: HealthMonitor
    unconfined: str
    live: LiveValues

    def run(
        self,
        source: FrameSource,
        duration_s: float,
        tell: Callable[[float, Event], None],
        warn: Callable[[str], None],
        marks: Sequence[tuple[float, str]],
    ) -> tuple[str, Outcome]:
        """One session, from its first frame to its last."""
        config, recorder = self.config, self.recorder
        first = source.read(_FIRST_FRAME_S)
        height, width = first.luma.shape
        self.finder.begin()
        with ExitStack() as stack:
            worker = KeyFrameWorker(self.finder, height, width, None if source.info.live else FILE_LATENCY_NS)
            stack.callback(worker.close)
            if slow := slow_rate(source.info.fps, config.spot.shortest_ms):
                warn(slow)
            session_id = _begin(recorder, source, self.finder, config, first)
            if self.unconfined:
                recorder.add_health(first.timestamp_ns, "unconfined", 1)
            if ahead.build().refusal:
                recorder.add_health(first.timestamp_ns, "kernels_refused", 1)
            self.clock.begin(first, source.info.duration_s)
            for at_s, text in marks:
                recorder.append(Mark(first.timestamp_ns + round(at_s * 1e9), text))
            watch = Watch(
                source=source,
                key_frames=worker,
                tracker=Tracker(config.track, height, width),
                new_spotter=lambda fps: Spotter(config.spot, fps),
                log=recorder,
                indicator=self.indicator,
                shown=config.indicate,
                tell=self._warner(tell, warn, source.info),
                vitals=LoopVitals(source.info.live, self.health.cue_to_pin),
                orders=self.health.orders,
                pictures=recorder.pictures,
                live=self.live,
            )
            self.live.begin(session_id, source.info, watch.vitals)
            stack.callback(self.live.end)
            with (
                _ended(recorder, watch.outcome),
                _quiet_collector(),
                self._attended(session_id, watch, worker),
            ):
                watch.run(first, self._stopper(watch.outcome, duration_s))
        return session_id, watch.outcome

    @contextmanager
    def _attended(self, session_id: str, watch: Watch, worker: KeyFrameWorker) -> Iterator[None]:
        """Inside, the health thread looks after this session."""
        source, outcome, recorder = watch.source, watch.outcome, self.recorder
        players = players_of(self.indicator)

        def count() -> SessionCounts:
            return SessionCounts(
                n_frames=source.counts.n_frames,
                n_missing=outcome.n_missing,
                n_lost=source.counts.n_lost,
                n_restarts=source.counts.n_restarts,
                n_left_out=outcome.n_left_out,
                n_cues=outcome.n_micro + outcome.n_macro,
                rows_waiting=recorder.counts.n_waiting,
                rows_lost=recorder.counts.n_lost_rows,
                n_indicator_refusals=sum(player.n_refused for player in players),
                n_key_frame_revivals=worker.n_revived,
                fault=recorder.fault or next((player.fault for player in players if player.fault), ""),
            )

        info = source.info
        session = (session_id, info.description, info.fps, info.live)
        self.health.attend(
            Attended(*session, watch.vitals, count, recorder.add_health, lambda: outcome.last_ns)
        )
        try:
            yield
        finally:
            self.health.dismiss(f"{SESSION_OVER}{outcome.reason}")

    def _warner(
        self, tell: Callable[[float, Event], None], warn: Callable[[str], None], info: SourceInfo
    ) -> Callable[[float, Event], None]:
        """Passes events on to `tell`; of reports on frames it warns of what they show for the first time."""
        shortest_ms, orders = self.config.spot.shortest_ms, self.health.orders
        warned = {"short movements"} if slow_rate(info.fps, shortest_ms) else set()  # said at the start

        def told(seconds: float, event: Event) -> None:
            if not isinstance(event, FrameReport):
                self.live.hear(seconds, event)
                tell(seconds, event)
                return
            self.health.ensure_running()
            is_half = orders.relief is Relief.HALF_RATE
            expected = replace(info, fps=info.fps / 2) if is_half else info
            for name, found, fix in shortcomings(event, expected, shortest_ms):
                if name not in warned:
                    warned.add(name)
                    warn(f"{found}: {fix}" if info.live else found)

        return told

    def _stopper(self, outcome: Outcome, duration_s: float) -> Callable[[Frame], bool]:
        """Asked before every frame: whether to end now. The reason goes into the outcome."""
        stop, clock, turns, recorder = self.stop, self.clock, self.turns, self.recorder
        signs = self.signs

        def stopped(frame: Frame) -> bool:
            clock.tick(frame)
            signs.add_frame()
            while (mark_ns := turns.next_mark_ns()) is not None:
                recorder.append(Mark(max(mark_ns, outcome.first_ns), "button"))
            if stop.is_set():
                outcome.reason = stop.reason
            elif reason := turns.why_end(frame.timestamp_ns):
                outcome.reason = reason
            elif duration_s and clock.seconds >= duration_s:
                outcome.reason = DURATION_REACHED
            return bool(outcome.reason)

        return stopped


def _begin(
    recorder: Recorder, source: FrameSource, finder: SessionFinder, config: Config, first: Frame
) -> str:
    clock = clock_state()
    info = SessionInfo(
        source=source.info,
        participant=config.session.participant,
        software_version=__version__,
        models=dict(finder.models),
        settings=asdict(config),
    )
    live = source.info.live
    offset_ns = clock.offset_ns if live else None
    return recorder.start_session(info, first.timestamp_ns, offset_ns, bool(clock.synchronised))


class SessionClock:
    """How far a session is, in its frames' own time."""

    def __init__(self) -> None:
        self._whole_s = 0.0
        self._first_ns = 0
        self.seconds = 0.0

    def begin(self, first: Frame, whole_s: float = 0.0) -> None:
        """Count from this frame on, to so many seconds where that is known."""
        self._first_ns = first.timestamp_ns
        self._whole_s = whole_s
        self.seconds = 0.0

    def tick(self, frame: Frame) -> None:
        """Note a frame."""
        self.seconds = (frame.timestamp_ns - self._first_ns) / 1e9

    def text(self) -> str:
        """Minutes and seconds, of how many where that is known."""
        whole = f" of {_minutes(self._whole_s)}" if self._whole_s else ""
        return _minutes(self.seconds) + whole


def _minutes(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


@contextmanager
def _ended(recorder: Recorder, outcome: Outcome) -> Iterator[None]:
    """Close the session's row whatever happens, with the reason it ended for."""
    try:
        yield
    except EdgeError as error:
        outcome.reason = str(error)
        raise
    finally:
        counted = ("n_lost", "n_corrupt", "n_mended_times", "n_timeouts", "n_restarts", "n_exposure_changes")
        for name in (*counted, "n_left_out"):
            if count := getattr(outcome, name):
                recorder.add_health(outcome.last_ns, name, count)
        recorder.end_session(outcome.reason or "interrupted", outcome.n_frames)


@contextmanager
def _quiet_collector() -> Iterator[None]:
    """Leave what is loaded out of garbage collection: a full pass takes longer than a frame."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
