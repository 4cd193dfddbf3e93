"""A run of the whole program with a played camera, face and spotter: cheap to start, easy to break.

Everything else is real: command line, session, main loop, log and its thread, key-frame thread,
health thread, and the indicator's thread where a test asks for it.
"""

from __future__ import annotations

import ctypes
import threading
import time
from typing import ClassVar

import numpy as np
import pytest

from edge import app, watching
from edge.anatomy import N_CHANNELS
from edge.capture.errors import SourceEnded
from edge.capture.source import SourceCounts
from edge.cli import main
from edge.clock import boottime_ns
from edge.health import monitor, relief
from edge.health.board import Board
from edge.indicate.indicator import State
from edge.indicate.recorded import RecordedIndicator
from edge.messages import Cue, FaceFound, FaceLandmarks, Frame, KeyFrameAnswer, SourceInfo, Trace
from edge.perceive.worker import KeyFrameWorker
from edge.record import writer
from edge.record.cue_rows import CUE_COLUMNS
from edge.record.reading import SESSION_COLUMNS, LogReader
from edge.track.points import N_POINTS

INTERVAL_NS = 10_000_000
HEIGHT, WIDTH = 48, 64
_PATIENCE_S = 120.0
_OFFSET_FRAME = CUE_COLUMNS.index("offset_frame")
_GOES_ON = "goes on"


class Camera:
    """Frames as fast as they are taken, one for each 10 ms of their own time.

    `at` maps a frame's number to what happens when it is read; an error that comes back is raised.
    """

    def __init__(self, n_frames, at):
        self._n_frames, self._at = n_frames, at
        self._luma = np.full((HEIGHT, WIDTH), 128, np.uint8)
        self._first_ns = boottime_ns()
        self.counts = SourceCounts()
        self.info = SourceInfo("played camera", WIDTH, HEIGHT, 1e9 / INTERVAL_NS, "sensor", live=True)

    def read(self, timeout_s):
        k = self.counts.n_frames
        happens = self._at.get(k, [])
        while happens:
            if (error := happens.pop(0)()) is not None:
                raise error
        if k == self._n_frames:
            raise SourceEnded(k)
        self.counts.n_frames = k + 1
        return Frame(k, self._first_ns + k * INTERVAL_NS, self._luma)

    def close(self):
        pass


class PlayedFinder:
    """Sees one face on every key frame."""

    models: ClassVar[dict] = {}

    def begin(self):
        pass

    def find(self, luma, sequence, timestamp_ns):
        face = FaceLandmarks(0, np.zeros((468, 3), np.float32), 1.0)
        return KeyFrameAnswer(sequence, timestamp_ns, (face,))


class PlayedTracker:
    """Follows the face from its first answer on; asks again every tenth frame."""

    def __init__(self, *_):
        self._news, self._follows = [], False
        self._codes, self._points = np.zeros(N_CHANNELS, np.int16), np.zeros((N_POINTS, 2), np.int16)

    def wants_key_frame(self, frame):
        return frame.sequence % 10 == 0

    def remember_key_frame(self, frame):
        pass

    def reseat(self, answer, frame):
        if not self._follows:
            self._news.append(FaceFound(0, frame.sequence, frame.timestamp_ns))
            self._follows = True

    def follow(self, frame):
        if not self._follows:
            return ()
        return (Trace(0, frame.sequence, frame.timestamp_ns, self._codes, self._points),)

    def take_news(self):
        news, self._news = self._news, []
        return news


class World:
    """One machine, for one test.

    Attributes
    ----------
    at : dict of int to list of callable
        What happens when a frame is read, once for each time.
    decided : list of int
        Frames at which the spotter decided a cue.
    """

    def __init__(self, folder, patch):
        self.folder, self.data = folder, folder / "data"
        self.at, self.n_frames, self.decided = {}, 60, []
        self.indicator = RecordedIndicator(lambda: 0)
        self.recorder = self.health = self.worker = None
        self.when(5, self.answered)  # so that the face is found in the sixth frame of every run
        self.board = Board(folder, folder / "machine", lambda: None)
        world, opened, monitored = self, app.Recorder.open, monitor.HealthMonitor.start

        class PlayedSpotter:
            learning = False

            def __init__(self, *_):
                pass

            def step(self, trace):
                if trace.sequence % 10:
                    return ()
                world.decided.append(trace.sequence)
                return (cue_at(trace),)

            def flush(self):
                return ()

        def keep_worker(*arguments):
            world.worker = KeyFrameWorker(*arguments)
            return world.worker

        def keep_recorder(*arguments):
            world.recorder = opened(*arguments)
            return world.recorder

        def keep_health(health):
            world.health = health
            return monitored(health)

        patch(app, "open_source", lambda *_: self.open_camera())
        patch(app, "open_indicator", lambda *_, **__: self.indicator)
        patch(app, "FaceFinder", lambda _: PlayedFinder())
        patch(app, "Board", lambda _: self.board)
        patch(app.Recorder, "open", keep_recorder)
        patch(monitor.HealthMonitor, "start", keep_health)
        patch(watching, "KeyFrameWorker", keep_worker)
        patch(watching, "Tracker", PlayedTracker)
        patch(watching, "Spotter", PlayedSpotter)
        patch(monitor, "TICK_S", 0.02)
        for name in ("_BUSY", "_BEHIND_MS"):  # the camera above never lets the loop wait, nor waits for it
            patch(relief, name, float("inf"))
        patch(writer, "_RETRY_S", 0.02)

    def open_camera(self):
        """The camera of this run."""
        self.camera = Camera(self.n_frames, self.at)
        return self.camera

    def when(self, frame, *happens):
        """Let something happen when a frame is read, in order; after an error it is read again."""
        self.at[frame] = [*self.at.get(frame, []), *happens]

    def put(self, path, text):
        """A file of the machine."""
        file = self.folder / "machine" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def heat(self, degrees):
        """Make the processor so hot."""
        self.put("sys/class/thermal/thermal_zone0/type", "cpu-thermal\n")
        self.put("sys/class/thermal/thermal_zone0/temp", f"{round(degrees * 1000)}\n")

    @property
    def states(self):
        """What the indicator was told, without its times."""
        return [state.value for _, state in self.indicator.states]

    def logged(self):
        """Frames of the cues in the log."""
        with LogReader(self.data) as log:
            return [cue[_OFFSET_FRAME] for name in log.session_ids() for cue in log.cues(name)]

    def session(self):
        """The newest session's row."""
        with LogReader(self.data) as log:
            return dict(zip(SESSION_COLUMNS, list(log.sessions())[-1], strict=True))

    def health_rows(self, name):
        """What the log has of one reading, in order."""
        with LogReader(self.data) as log:
            return [value for _, found, value in log.health_rows(log.resolve("latest")) if found == name]

    def committed(self):
        """Wait until all that was handed in is on the disk."""
        assert self.recorder.flush(_PATIENCE_S)

    def answered(self):
        """Wait until the key-frame thread has nothing in its hands."""
        self.until(lambda: self.worker._answer is None or self.worker._answer.done())

    @staticmethod
    def until(true):
        """Wait for another thread to bring something about."""
        give_up_s = time.monotonic() + _PATIENCE_S
        while not true():
            assert time.monotonic() < give_up_s, "it did not come about"
            time.sleep(0.005)

    @staticmethod
    def thread(name):
        """The thread of that name."""
        return next(thread for thread in threading.enumerate() if thread.name.startswith(name))

    @staticmethod
    def kill(thread):
        """Have a thread end as if of a bug, at the next thing it does in Python."""
        error = ctypes.py_object(SystemExit)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), error)

    def run(self, *words):
        """The whole command; its exit code."""
        camera = () if "--camera" in words else ("--camera", "v4l2:/dev/video9")
        return main(["run", *camera, "--data", str(self.data), *words])


def cue_at(trace):
    """A cue of 100 ms that ended with this frame."""
    offset_ns, frame = trace.timestamp_ns, trace.sequence
    return Cue(
        face=0,
        kind="micro",
        onset_ns=offset_ns - 100_000_000,
        apex_ns=offset_ns - 50_000_000,
        offset_ns=offset_ns,
        onset_frame=frame - 10,
        apex_frame=frame - 5,
        offset_frame=frame,
        duration_error_ms=10.0,
        regions=("brow",),
        movements=("inner_brow_raise",),
        side="left",
        amplitude_miod=12.0,
        score=9.0,
        expected_false_per_hour=0.1,
        head_motion_miod_s=1.0,
        fps=100.0,
        dropped_frames=0,
        during_blink=False,
        during_speech=False,
        lighting="ok",
    )


@pytest.fixture
def world(tmp_path, monkeypatch):
    """A machine on which nothing is wrong yet."""
    return World(tmp_path, monkeypatch.setattr)


@pytest.fixture
def as_its_row_says(request, world, capsys, caplog):
    """Runs the program and holds it to the test's row: how it ends, what it says and shows, what it logged.

    Given the words of the command line; `n_lost` cues may be missing where the row says so.
    """
    row = request.node.get_closest_marker("fault").kwargs

    def run(*words, n_lost=0):
        code = world.run(*words)
        said = capsys.readouterr().err + caplog.text
        assert row["says"] in said, said
        assert code == (0 if row["ends"] == _GOES_ON else row["ends"]), said
        if row["light"] in {state.value for state in State}:
            assert row["light"] in world.states
        else:
            assert row["light"] in ("as before", "dark")
        if row["ends"] == _GOES_ON:
            assert world.session()["end_reason"] in ("the source ended", "duration reached")
            assert world.states[-1] != "fault"
        if world.decided:
            assert len(world.decided) - len(world.logged()) == n_lost
            assert set(world.logged()) <= set(world.decided)
        return said

    return run


def pytest_configure(config):
    """The marker that declares a row of docs/faults.md."""
    config.addinivalue_line(
        "markers", "fault(fault, injected, light, says, ends, then): a row of docs/faults.md"
    )
