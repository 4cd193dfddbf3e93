"""The doctor's look through the camera, on cameras that are slow, lossy, stuck, dark and under lamps."""

from __future__ import annotations

import numpy as np
import pytest

from edge.capture.errors import CameraAbsent, CameraBusy
from edge.capture.scripted import ScriptedSource
from edge.commands.frames_check import check_frames, look_at
from edge.config import Config, with_overrides
from edge.errors import MissingExtra
from edge.messages import Frame, SourceInfo

FPS = 120.0
CAMERA = with_overrides(Config(), {"capture": {"camera": "picamera2"}})


@pytest.fixture
def camera():
    """Maker of a camera: noisy grey pictures, `level(k)` their brightness, `numbers` the intervals seen."""
    noise = np.random.default_rng(5)

    def make(level=lambda _: 120.0, numbers=range(260), fps=FPS, fresh=lambda _: True, asked_fps=FPS):
        frames, luma = [], None
        for sequence, number in enumerate(numbers):
            if luma is None or fresh(number):
                luma = noise.normal(level(number / fps), 2.0, (48, 64)).clip(0, 255).astype(np.uint8)
            frames.append(Frame(sequence, round(number * 1e9 / fps), luma))
        return ScriptedSource(frames, SourceInfo("camera", 64, 48, asked_fps, "sensor", live=True))

    return make


def test_good_camera_is_ok_and_says_its_rate(camera):
    source = camera()
    finding = check_frames(CAMERA, lambda _: source)
    assert finding.level == "ok"
    assert finding.found.startswith(
        "120.0 frames/s of 120.0, sensor times, jitter 0.00 ms, 0 missing, 0 repeated"
    )


@pytest.mark.parametrize(
    ("changes", "found", "fix"),
    [
        ({"fps": 30.0}, "30.0 frames/s of 120.0", "more light"),
        ({"numbers": [k for k in range(260) if k % 20]}, "missing", "fewer frames"),
        ({"fresh": lambda k: k % 4}, "repeated", "a rate that the camera really has"),
        ({"level": lambda _: 20.0}, "light 20 of 255", "more light from the front"),
        ({"level": lambda _: 250.0}, "of 255", "less light"),
        (
            {"level": lambda t: 120 + 4 * np.sin(2 * np.pi * 100 * t)},
            "100 Hz light shows at 20.0 Hz",
            "daylight",
        ),
    ],
)
def test_what_is_wrong_is_named_with_what_helps(camera, changes, found, fix):
    source = camera(**changes)
    finding = check_frames(CAMERA, lambda _: source)
    assert finding.level == "warn"
    assert found in finding.found
    assert fix in finding.fix


def test_look_lasts_two_seconds_of_frame_time(camera):
    assert look_at(camera()).n_frames == 241


@pytest.mark.parametrize("error", [CameraAbsent("auto"), MissingExtra("a USB camera", "usb")])
def test_absent_camera_is_left_to_the_line_above(error):
    def absent(_):
        raise error

    assert check_frames(CAMERA, absent).level == "unknown"


def test_busy_camera_is_told():
    def busy(_):
        raise CameraBusy("picamera2:0")

    with pytest.raises(CameraBusy):
        check_frames(CAMERA, busy)


def test_recording_is_not_looked_at():
    config = with_overrides(Config(), {"capture": {"camera": "demo"}})
    assert check_frames(config).level == "ok"
