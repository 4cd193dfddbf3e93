"""The latency histogram against sorted lists, and the stage timer."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.timing import LatencyHistogram, StageTimer

durations = st.lists(st.integers(0, 10**12), min_size=1, max_size=300)


def histogram_of(values):
    histogram = LatencyHistogram()
    for value in values:
        histogram.add(value)
    return histogram


@settings(deadline=None)
@given(durations, st.floats(0, 100))
def test_percentile_is_that_of_the_sorted_list_to_within_a_bucket(values, percent):
    rank = max(1, int(np.ceil(percent * len(values) / 100)))
    exact = sorted(values)[rank - 1]
    found = histogram_of(values).percentile_ns(percent)
    assert exact <= found <= exact * (1 + 1 / 32)


@settings(deadline=None)
@given(durations)
def test_mean_and_largest_are_exact(values):
    histogram = histogram_of(values)
    assert histogram.mean_ns == pytest.approx(sum(values) / len(values))
    assert histogram.largest_ns == max(values)
    assert histogram.percentile_ns(100) == max(values)


@settings(deadline=None)
@given(st.lists(st.integers(0, 10**10), min_size=2, max_size=100))
def test_percentiles_never_fall(values):
    histogram = histogram_of(values)
    found = [histogram.percentile_ns(percent) for percent in range(0, 101, 5)]
    assert found == sorted(found)


def test_durations_outside_the_range_are_counted_at_its_ends():
    histogram = histogram_of([-5, 10**15])
    assert (histogram.n, histogram.largest_ns) == (2, 10**15)
    assert histogram.percentile_ns(50) == 0.0


def test_empty_histogram_answers_zero_also_after_clear():
    histogram = histogram_of([5, 6])
    histogram.clear()
    assert (histogram.n, histogram.mean_ns, histogram.percentile_ns(99), histogram.largest_ns) == (0, 0, 0, 0)


@pytest.mark.parametrize("percent", [-1, 101])
def test_percentile_outside_0_to_100_is_refused(percent):
    with pytest.raises(ValueError, match="between 0 and 100"):
        LatencyHistogram().percentile_ns(percent)


@pytest.fixture
def ticking(monkeypatch):
    """Wall and CPU clocks that are set by hand, ns."""
    now = {"wall": 0, "cpu": 0}
    monkeypatch.setattr(time, "perf_counter_ns", lambda: now["wall"])
    monkeypatch.setattr(time, "thread_time_ns", lambda: now["cpu"])
    return now


def test_timer_gives_each_stage_its_own_time(ticking):
    timer = StageTimer(["capture", "track", "spot"])
    for _ in range(4):
        timer.begin()
        ticking["wall"] += 3000
        ticking["cpu"] += 1000
        timer.lap(0)
        ticking["wall"] += 500
        ticking["cpu"] += 500
        timer.lap(1)
        timer.end()
    capture, track, whole = timer.figures()
    assert (capture.stage, capture.n, capture.mean_us, capture.cpu_us) == ("capture", 4, 3.0, 1.0)
    assert (track.stage, track.mean_us, track.cpu_us, track.largest_us) == ("track", 0.5, 0.5, 0.5)
    assert (whole.stage, whole.mean_us, whole.cpu_us) == ("whole", 3.5, 1.5)
    assert whole.as_dict()["p999_us"] == pytest.approx(3.5, rel=1 / 32)


def test_stage_that_never_ran_is_left_out():
    assert StageTimer(["capture"]).figures() == []
