"""A stand-in for a kiosk that runs, for tests and the browser's drive: everything but the camera."""

from __future__ import annotations

import threading
from pathlib import Path

from edge.clock import boot_id, boottime_ns
from edge.config import RecordConfig
from edge.health.state_file import SESSION_OVER, StateFile
from edge.messages import SessionInfo, SourceInfo
from edge.record.recorder import Recorder
from edge.record.visitors import wishes
from edge.track.points import N_POINTS


class PlayedKiosk:
    """What a kiosk's run leaves: a lock, a state, sessions; on a thread it begins with whoever waits."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.recorder = Recorder.open(data_dir, RecordConfig(), N_POINTS)
        self.state = StateFile(data_dir)
        self.tell("waiting")
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self._take_up)
        self.thread.start()

    def tell(self, phase: str) -> None:
        """Leave word of what goes on, as the health thread does."""
        now_ns = boottime_ns()
        times = {"at_boottime_ns": now_ns, "phase_since_boottime_ns": now_ns}
        self.state.write({"phase": phase, "boot_id": boot_id(), **times})

    def end_visit(self) -> None:
        """The visitor goes."""
        self.recorder.end_session("the person left", 10)
        self.recorder.flush(20)
        self.tell(f"{SESSION_OVER}the person left")

    def close(self) -> None:
        """End the run."""
        self.is_over.set()
        self.thread.join()
        self.recorder.close()
        self.state.close()

    def _take_up(self) -> None:
        while not self.is_over.wait(0.02):
            if self.recorder.session_id is None and (code := wishes(self.data_dir).waiting):
                self.recorder.keep_within_consent(code, True)
                source = SourceInfo("scripted", 64, 48, 50.0, "sensor", True)
                now_ns = boottime_ns()
                self.recorder.start_session(SessionInfo(source, code), now_ns, 0, True)
                self.recorder.saw_frame(9, now_ns + 10**8)
                self.tell("watching")
                self.recorder.flush(20)
