"""A session as the main loop would record it, and the pieces it is made of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge.anatomy import LOST, N_CHANNELS
from edge.config import RecordConfig
from edge.messages import Cue, SessionInfo, SourceInfo, Trace
from edge.record.recorder import Recorder

FIRST_FRAME_NS = 5_000_000_000_000
FPS = 120.0
N_POINTS = 9


def frame_ns(frame):
    """Sensor time of a frame, ns."""
    return FIRST_FRAME_NS + round(frame * 1e9 / FPS)


def make_info(live=True, participant="P01"):
    source = SourceInfo("scripted", 640, 480, FPS, "sensor" if live else "media", live)
    return SessionInfo(source, participant, "0.1.0", {"face_landmark_int8": "ab" * 32}, {"spot": {"macro": True}})


def make_cue(onset_frame, offset_frame, kind="micro", **changes):
    values = {
        "face": 0,
        "kind": kind,
        "onset_ns": frame_ns(onset_frame),
        "apex_ns": frame_ns((onset_frame + offset_frame) // 2),
        "offset_ns": frame_ns(offset_frame),
        "onset_frame": onset_frame,
        "apex_frame": (onset_frame + offset_frame) // 2,
        "offset_frame": offset_frame,
        "duration_error_ms": 8.333,
        "regions": ("brow", "mouth"),
        "movements": ("inner_brow_raise", "lip_corner_pull"),
        "side": "both",
        "amplitude_miod": 12.25,
        "score": 6.5,
        "expected_false_per_hour": 0.0123456,
        "head_motion_miod_s": 3.5,
        "fps": FPS,
        "dropped_frames": 0,
        "during_blink": False,
        "during_speech": True,
        "lighting": "ok",
    }
    return Cue(**(values | changes))


class Signals:
    """Codes and points of any number of frames, the same for the same frame."""

    def __init__(self):
        rng = np.random.default_rng(7)
        self.codes = rng.normal(scale=15, size=(997, N_CHANNELS)).round().astype(np.int16)
        self.codes[rng.random(self.codes.shape) < 0.02] = LOST
        self.points = rng.integers(-3000, 3000, (997, N_POINTS, 2)).astype(np.int16)

    def trace(self, frame, face=0):
        return Trace(face, frame, frame_ns(frame), self.codes[frame % 997], self.points[frame % 997])


@pytest.fixture(scope="session")
def signals():
    """Signals with noise and lost patches: int16 codes [N_CHANNELS] and points [N_POINTS, 2] a frame."""
    return Signals()


@pytest.fixture
def data_dir(tmp_path):
    """A data directory that does not exist yet."""
    return tmp_path / "data"


@pytest.fixture
def recorder(data_dir):
    """An open recorder without a session."""
    recorder = open_recorder(data_dir)
    yield recorder
    recorder.close()


def open_recorder(data_dir, **config):
    return Recorder.open(Path(data_dir), RecordConfig(**config), N_POINTS)
