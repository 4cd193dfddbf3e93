"""The health thread: looks every few seconds, logs changes, decides on relief, revives what died."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from edge.clock import boot_id, boottime_ns
from edge.health.board import Board, BoardReadings
from edge.health.loop import LoopReadings, LoopVitals
from edge.health.relief import Orders, ReliefPolicy, Strain, strain_of
from edge.health.state_file import StateFile
from edge.health.transitions import Transitions
from edge.timing import LatencyHistogram

log = logging.getLogger(__name__)

TICK_S = 5.0
# in a row; what dies of the same bug again and again is not helped by being started once more
_N_REVIVALS_MAX = 20


class Worker(Protocol):
    """Something with a thread of its own that a session cannot do without."""

    name: str

    @property
    def is_alive(self) -> bool:
        """Whether its thread runs, or has been asked to end."""

    def revive(self) -> None:
        """Start another thread in its place."""


@dataclass(frozen=True, slots=True)
class SessionCounts:
    """What a session has counted so far."""

    n_frames: int = 0
    n_missing: int = 0
    n_lost: int = 0
    n_restarts: int = 0
    n_left_out: int = 0
    n_cues: int = 0
    rows_waiting: int = 0
    rows_lost: int = 0
    n_indicator_refusals: int = 0
    n_key_frame_revivals: int = 0
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Attended:
    """A session as the health thread sees it.

    Attributes
    ----------
    session_id, source : str
    fps : float
        What the source promises.
    live : bool
        Relief is for cameras; a recording waits for whoever is slow.
    loop : LoopVitals
    count : callable
        Gives the counts now.
    add_health : callable
        Given sensor time in ns, a name and a value; for the log.
    last_ns : callable
        Sensor time of the newest frame.
    """

    session_id: str
    source: str
    fps: float
    live: bool
    loop: LoopVitals
    count: Callable[[], SessionCounts]
    add_health: Callable[[int, str, float], None]
    last_ns: Callable[[], int]
    transitions: Transitions = field(default_factory=Transitions)


class HealthMonitor:
    """Looks after a run, from before its first session to after its last.

    Parameters
    ----------
    board : Board
    state_file : StateFile
        Closed with the monitor.
    workers : sequence of Worker, optional
        Looked at at every tick, and revived.
    warn : callable, optional
        Given a sentence when something changes that people should know.
    now_s : callable, optional
        A clock that never goes back, s.

    Attributes
    ----------
    orders : Orders
        What the main loop follows.
    n_revived : int
        Threads that were started again.
    workers : list of Worker
    cue_to_pin : LatencyHistogram
        For the first indicator to fill.
    phase : str
        What goes on between sessions, for people.
    live_file : str
        Where the run shows itself to who looks; empty where it cannot.
    """

    def __init__(
        self,
        board: Board,
        state_file: StateFile,
        workers: Sequence[Worker] = (),
        warn: Callable[[str], None] = log.warning,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.orders = Orders()
        self.n_revived = 0
        self.workers = list(workers)
        self.cue_to_pin = LatencyHistogram()
        self.phase = "waiting"
        self._phase_since_ns = boottime_ns()
        self.live_file = ""
        self._board, self._state_file, self._warn, self._now_s = board, state_file, warn, now_s
        self._boot_id = boot_id()
        self._policy = ReliefPolicy()
        self._attended: Attended | None = None
        self._before = SessionCounts()
        self._strain = Strain(False, "", True)
        self._was_undervolted = False
        # between the thread's look and a session's end; never on the frame path
        self._turn = threading.Lock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> HealthMonitor:
        """Begin to look; returns itself."""
        self._thread = threading.Thread(target=self._run, name="health", daemon=True)
        self._thread.start()
        return self

    def ensure_running(self) -> bool:
        """Start the thread again where it has died; whether it had. Costs nothing otherwise."""
        if self._thread is None or self._thread.is_alive() or self._ended.is_set():
            return False
        self.n_revived += 1
        self._warn("expected the health thread to run, it had ended; it is started again")
        self.start()
        return True

    def attend(self, attended: Attended) -> None:
        """A session begins: its log gets the readings of now."""
        with self._turn:
            self._attended, self._before = attended, SessionCounts()
            self._phase_since_ns = boottime_ns()
        self.look()

    def dismiss(self, phase: str = "waiting") -> None:
        """The session ends: its last percentiles go into its log; what goes on from now, for people."""
        self.phase = phase
        with self._turn:
            attended, self._attended = self._attended, None
            self._phase_since_ns = boottime_ns()
        if attended is not None and (percentiles := attended.loop.take().cue_to_pin_ms) is not None:
            for which, value in zip(("p50", "p99", "max"), percentiles, strict=True):
                attended.add_health(attended.last_ns(), f"cue_to_pin_ms_{which}", value)
        self._leave_word(self._board.read(), LoopReadings(), SessionCounts(), None)

    def close(self) -> None:
        """End the thread. Safe to call twice."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
        self._state_file.close()

    def look(self) -> None:
        """One look; the thread's work, and a test's with a clock of its own."""
        with self._turn:
            board = self._board.read()
            self._revive()
            attended = self._attended
            loop, counts = LoopReadings(), SessionCounts()
            if attended is not None:
                loop, counts = attended.loop.take(), attended.count()
                self._decide(attended, board, loop, counts)
                self._log(attended, board, loop, counts)
            self._tell_of_power(board)
            self._leave_word(board, loop, counts, attended)

    def _run(self) -> None:
        while not self._ended.wait(TICK_S):
            self.look()

    def _revive(self) -> None:
        for worker in self.workers:
            if not worker.is_alive and self.n_revived < _N_REVIVALS_MAX:
                self.n_revived += 1
                worker.revive()
                self._warn(f"expected the {worker.name} thread to run, it had ended; it is started again")

    def _decide(
        self, attended: Attended, board: BoardReadings, loop: LoopReadings, counts: SessionCounts
    ) -> None:
        if not attended.live:
            return
        before, self._before = self._before, counts
        n_frames, n_lost = counts.n_frames - before.n_frames, counts.n_lost - before.n_lost
        # of a camera that came back after a while nothing is told by what it lost meanwhile
        n_lost = 0 if counts.n_restarts != before.n_restarts else n_lost
        share = n_lost / max(n_frames + n_lost, 1)
        self._strain = strain_of(board, loop, share, self.orders.relief)
        relief = self._policy.decide(self._now_s(), self._strain)
        if relief is not self.orders.relief:
            why = self._strain.why or "there is room again"
            warmth = "" if board.temperature_c is None else f" at {board.temperature_c:.0f} °C"
            self._warn(f"{why}{warmth}: {relief.words} from now on")
        self.orders.relief = relief

    def _log(
        self, attended: Attended, board: BoardReadings, loop: LoopReadings, counts: SessionCounts
    ) -> None:
        """Write what changed; the temperature goes with its distance to the limit."""
        readings = {
            "headroom_c": board.headroom_c,
            "throttled": board.throttled,
            "undervoltage": board.undervoltage,
            "memory_available_mb": board.memory_available_mb,
            "disk_free_mb": board.disk_free_mb,
            "card_wear_percent": board.card_wear_percent,
            "rows_waiting": counts.rows_waiting,
            "slow": bool(self._strain.slow),
            "relief": int(self.orders.relief),
            "indicator_refusals": counts.n_indicator_refusals,
            "threads_revived": self.n_revived + counts.n_key_frame_revivals,
        }
        news = attended.transitions.news(readings)
        if "headroom_c" in news and board.temperature_c is not None:
            news["temperature_c"] = board.temperature_c
        if {"slow", "relief"} & news.keys() and loop.frame_to_log_ms is not None:
            news["frame_to_log_ms_p50"], news["frame_to_log_ms_p99"], _ = loop.frame_to_log_ms
            news["fps"] = loop.fps
        at_ns = attended.last_ns()
        for name, value in news.items():
            attended.add_health(at_ns, name, value)

    def _tell_of_power(self, board: BoardReadings) -> None:
        if board.undervoltage and not self._was_undervolted:
            self._warn("the supply gives too little voltage: use the supply and cable made for this board")
        self._was_undervolted = bool(board.undervoltage)

    def _leave_word(
        self, board: BoardReadings, loop: LoopReadings, counts: SessionCounts, attended: Attended | None
    ) -> None:
        state: dict[str, Any] = {
            "pid": os.getpid(),
            "boot_id": self._boot_id,
            "at_boottime_ns": boottime_ns(),
        }
        state["phase"] = self.phase if attended is None else "watching"
        state["phase_since_boottime_ns"] = self._phase_since_ns
        state["live_file"] = self.live_file
        if attended is not None:
            state |= {"session_id": attended.session_id, "source": attended.source[:200]}
            state |= {"fps_promised": attended.fps, "live": attended.live}
        state |= {"relief": int(self.orders.relief), "relief_why": self._strain.why}
        state |= {"threads_revived": self.n_revived + counts.n_key_frame_revivals, "tick_s": TICK_S}
        state |= {"headroom_c": board.headroom_c, **asdict(board)}
        if attended is not None:
            state |= asdict(loop) | asdict(counts)
            state["fault"] = counts.fault[:200]
        self._state_file.write(state)
