"""What the loop counts and another thread takes."""

from __future__ import annotations

import pytest

from edge.health.loop import LoopReadings, LoopVitals
from edge.timing import LatencyHistogram


class Clock:
    """Sensor time, ns."""

    def __init__(self):
        self.ns = 10**12

    def __call__(self):
        return self.ns


@pytest.fixture
def clock():
    """Stands still until moved."""
    return Clock()


def test_frames_are_counted_between_two_looks(clock):
    vitals = LoopVitals(live=True, now_ns=clock)
    for _ in range(120):
        clock.ns += 8_333_333
        vitals.frame_done(clock.ns - 40_000_000, 5_000_000)
    readings = vitals.take()
    assert readings.fps == pytest.approx(120, rel=0.01)
    assert readings.busy_share == pytest.approx(0.6, rel=0.01)
    assert readings.frame_to_log_ms == pytest.approx((40, 40, 40), rel=0.04)
    assert readings.behind_ms == pytest.approx(0, abs=2)
    clock.ns += 10**9
    assert vitals.take() == LoopReadings()


def test_falling_behind_is_measured_against_the_promptest_frame(clock):
    vitals = LoopVitals(live=True, now_ns=clock)
    vitals.frame_done(clock.ns - 30_000_000, 0)
    vitals.take()
    for _ in range(10):
        vitals.frame_done(clock.ns - 150_000_000, 0)
    assert vitals.take().behind_ms == pytest.approx(120, rel=0.04)


def test_a_recording_s_frames_have_no_age(clock):
    vitals = LoopVitals(live=False, now_ns=clock)
    vitals.frame_done(0, 5)
    readings = vitals.take()
    assert readings.frame_to_log_ms is readings.behind_ms is None


def test_the_slowest_answer_counts_and_so_does_one_that_does_not_come(clock):
    vitals = LoopVitals(live=True, now_ns=clock)
    for late_ns in (30_000_000, 90_000_000, 20_000_000):
        vitals.key_frame_asked()
        clock.ns += late_ns
        vitals.key_frame_answered()
    assert vitals.take().key_frame_ms == 90
    assert vitals.take().key_frame_ms is None
    vitals.key_frame_asked()
    clock.ns += 3 * 10**9
    assert vitals.take().key_frame_ms == 3000
    clock.ns += 10**9
    assert vitals.take().key_frame_ms == 4000


def test_cues_are_timed_since_the_start(clock):
    pins = LatencyHistogram()
    vitals = LoopVitals(True, pins, clock)
    assert vitals.take().cue_to_pin_ms is None
    pins.add(2_000_000)
    vitals.take()
    readings = vitals.take()
    assert readings.n_cues_timed == 1
    assert readings.cue_to_pin_ms == pytest.approx((2, 2, 2), rel=0.04)
