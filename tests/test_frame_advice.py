"""What is said of frames: nothing of good ones, and of bad ones the cause with what helps."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edge.frame_advice import frames_in_words, shortcomings, slow_rate
from edge.messages import FrameReport, SourceInfo

CAMERA = SourceInfo("camera", 640, 480, 120.0, "sensor", live=True)
GOOD = FrameReport(0, 10**10, 1200, 0, 0, 0, 0, 0, 0, 0, 0.02, 120.0, None, None)


def test_of_good_frames_nothing_is_said():
    assert shortcomings(GOOD, CAMERA, 40.0) == []
    assert frames_in_words(GOOD, CAMERA) == (
        "120.0 frames/s of 120.0, sensor times, jitter 0.02 ms, 0 missing, 0 repeated, light 120 of 255"
    )


@pytest.mark.parametrize(
    ("changes", "name", "found"),
    [
        ({"light_level": 20.0}, "light", "light 20 of 255"),
        ({"light_level": 240.0}, "light", "light 240 of 255"),
        ({"n_frames": 1000}, "rate", "100.0 frames/s of 120.0"),
        ({"n_frames": 1100, "n_missing": 100}, "missing", "100 of 1200 frames missing"),
        ({"n_repeated": 300}, "repeated", "300 of 1200 frames repeat"),
        ({"jitter_ms": 2.0}, "uneven", "by 2.0 ms of 8.3"),
        ({"lamp_hz": 100.0, "flicker_hz": 20.0}, "flicker", "100 Hz light shows at 20.0 Hz"),
        ({"n_exposure_changes": 2}, "exposure", "changed 2 times though it was locked"),
        ({"n_light_steps": 2}, "light steps", "stepped 2 times"),
    ],
)
def test_each_shortcoming_is_named_alone(changes, name, found):
    (told,) = shortcomings(replace(GOOD, **changes), CAMERA, 40.0)
    assert told.name == name
    assert found in told.found
    assert told.fix


def test_darkness_comes_before_the_slowness_that_it_causes():
    told = shortcomings(replace(GOOD, light_level=20.0, n_frames=300, n_repeated=9), CAMERA, 40.0)
    assert [one.name for one in told] == ["light", "rate", "short movements", "repeated"]


def test_missing_frames_do_not_make_a_camera_slow():
    told = shortcomings(replace(GOOD, n_frames=600, n_missing=600), CAMERA, 40.0)
    assert [one.name for one in told] == ["missing"]


def test_flicker_that_steps_the_light_is_told_once():
    told = shortcomings(replace(GOOD, n_light_steps=700, lamp_hz=120.0, flicker_hz=40.0), CAMERA, 40.0)
    assert [one.name for one in told] == ["flicker"]


def test_a_rate_is_named_at_which_flicker_stands_still():
    (told,) = shortcomings(replace(GOOD, lamp_hz=100.0, flicker_hz=20.0), CAMERA, 40.0)
    assert "--fps 100" in told.fix
    (told,) = shortcomings(
        replace(GOOD, n_frames=620, lamp_hz=120.0, flicker_hz=4.0), replace(CAMERA, fps=62.0), 60.0
    )
    assert "--fps 60" in told.fix


@pytest.mark.parametrize(
    ("fps", "shortest_ms", "sentence"),
    [
        (30.0, 40.0, "about 107 ms and longer; 40 ms, as spot.shortest_ms asks, take 80"),
        (60.0, 40.0, "about 53 ms"),
        (79.9, 40.0, ""),
        (120.0, 40.0, ""),
        (120.0, 20.0, "about 27 ms and longer; 20 ms, as spot.shortest_ms asks, take 160"),
        (0.0, 40.0, ""),
    ],
)
def test_a_rate_too_low_for_the_shortest_movement_is_told_in_numbers(fps, shortest_ms, sentence):
    told = slow_rate(fps, shortest_ms)
    assert sentence in told
    assert bool(sentence) == bool(told)


def test_a_recording_is_not_blamed_for_its_rate():
    info = replace(CAMERA, live=False, fps=150.0)
    assert shortcomings(GOOD, info, 40.0) == []
