"""A session as the main loop would record it, and the pieces it is made of."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edge.anatomy import LOST, N_CHANNELS
from edge.config import RecordConfig
from edge.messages import Blink, Cue, FaceFound, FaceLost, SessionInfo, SourceInfo, Trace
from edge.record.recorder import Recorder

FIRST_FRAME_NS = 5_000_000_000_000
FPS = 120.0
N_POINTS = 9
_PERIOD = 997


class Scene:
    """What is recorded: frames with noise and lost patches, the same for the same number."""

    first_frame_ns = FIRST_FRAME_NS
    fps = FPS
    n_points = N_POINTS

    def __init__(self):
        rng = np.random.default_rng(7)
        self.codes = rng.normal(scale=15, size=(_PERIOD, N_CHANNELS)).round().astype(np.int16)
        self.codes[rng.random(self.codes.shape) < 0.02] = LOST
        self.points = rng.integers(-3000, 3000, (_PERIOD, N_POINTS, 2)).astype(np.int16)

    def frame_ns(self, frame):
        return FIRST_FRAME_NS + round(frame * 1e9 / FPS)

    def trace(self, frame, face=0):
        return Trace(
            face, frame, self.frame_ns(frame), self.codes[frame % _PERIOD], self.points[frame % _PERIOD]
        )

    def expected_codes(self, frames):
        return self.codes[np.asarray(frames) % _PERIOD]

    def expected_points(self, frames):
        return self.points[np.asarray(frames) % _PERIOD]

    def cue(self, onset_frame, offset_frame, /, **changes):
        apex_frame = (onset_frame + offset_frame) // 2
        values = {
            "face": 0,
            "kind": "micro",
            "onset_ns": self.frame_ns(onset_frame),
            "apex_ns": self.frame_ns(apex_frame),
            "offset_ns": self.frame_ns(offset_frame),
            "onset_frame": onset_frame,
            "apex_frame": apex_frame,
            "offset_frame": offset_frame,
            "duration_error_ms": 8.333,
            "regions": ("mouth", "brow"),
            "movements": ("inner_brow_raise", "lip_corner_pull"),
            "side": "both",
            "amplitude_miod": 12.25,
            "score": 6.5,
            "expected_false_per_hour": 0.0123456,
            "head_motion_miod_s": 3.5,
            "fps": FPS,
            "dropped_frames": 2,
            "during_blink": False,
            "during_speech": True,
            "lighting": "low",
        }
        return Cue(**(values | changes))

    def blink(self, onset_frame, offset_frame):
        apex_frame = (onset_frame + offset_frame) // 2
        return Blink(
            0, self.frame_ns(onset_frame), self.frame_ns(apex_frame), self.frame_ns(offset_frame), "left"
        )

    def found(self, frame, face=0):
        return FaceFound(face, frame, self.frame_ns(frame))

    def lost(self, frame, face=0):
        return FaceLost(face, frame, self.frame_ns(frame))

    def info(self, live=True, participant="P01", fps=FPS):
        source = SourceInfo("scripted", 640, 480, fps, "sensor" if live else "media", live)
        models = {"face_landmark_int8": "ab" * 32}
        return SessionInfo(source, participant, "0.1.0", models, {"spot": {"macro": True}})

    def open(self, data_dir, **config):
        return Recorder.open(Path(data_dir), RecordConfig(**config), N_POINTS)

    def start(self, recorder, live=True, participant="P01", clock_offset_ns=1_700_000_000 * 10**9):
        return recorder.start_session(self.info(live, participant), FIRST_FRAME_NS, clock_offset_ns, True)


@pytest.fixture(scope="session")
def scene():
    """What is recorded."""
    return Scene()


@pytest.fixture
def data_dir(tmp_path):
    """A data directory that does not exist yet."""
    return tmp_path / "data"


@pytest.fixture
def recorder(scene, data_dir):
    """An open recorder without a session."""
    recorder = scene.open(data_dir)
    yield recorder
    recorder.close()


@pytest.fixture
def python():
    """Starts another Python on a script, with `Scene` at hand and its output in a pipe."""
    started = []

    def start(script, *arguments):
        environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
        command = [sys.executable, "-c", script, *map(str, arguments)]
        process = subprocess.Popen(
            command, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()
