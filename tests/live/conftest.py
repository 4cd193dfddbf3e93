"""Values of a run, without a run."""

from __future__ import annotations

import numpy as np
import pytest

from edge.anatomy import N_CHANNELS
from edge.health.loop import LoopVitals
from edge.health.state_file import StateFile
from edge.live.file import LiveFile
from edge.live.values import LiveValues
from edge.messages import Cue, SourceInfo, Trace

N_POINTS = 7
INFO = SourceInfo("scripted", 640, 480, 100.0, "sensor", True)


@pytest.fixture
def trace_of():
    """Makes a trace whose every number is the frame's own: two that are mixed can be told."""

    def make(frame, face=0):
        codes = np.full(N_CHANNELS, frame % 30000, np.int16)
        points = np.full((N_POINTS, 2), frame % 30000, np.int16)
        return Trace(face, frame, frame * 10_000_000, codes, points)

    return make


@pytest.fixture
def cue():
    """A raised left brow beside a blink."""
    return Cue(
        **{"face": 0, "kind": "micro", "onset_ns": 10**9, "apex_ns": 11 * 10**8, "offset_ns": 12 * 10**8},
        **{"onset_frame": 100, "apex_frame": 110, "offset_frame": 120, "duration_error_ms": 10.0},
        **{"regions": ("brow",), "movements": ("inner_brow_raise",), "side": "left", "amplitude_miod": 12.0},
        **{"score": 9.0, "expected_false_per_hour": 0.1, "head_motion_miod_s": 3.0, "fps": 100.0},
        **{"dropped_frames": 0, "during_blink": True, "during_speech": False, "lighting": "ok"},
    )


@pytest.fixture
def values():
    """Values of a session that has begun."""
    live = LiveValues(N_POINTS)
    live.begin("20260101-000000-abcd", INFO, LoopVitals())
    return live


@pytest.fixture
def file(tmp_path):
    """The run's side of the file, announced beside a log in the same folder."""
    live = LiveFile({"RUNTIME_DIRECTORY": str(tmp_path)})
    state = StateFile(tmp_path)
    state.write({"live_file": str(live.path)})
    yield live
    live.close()
    state.close()
