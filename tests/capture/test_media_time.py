"""Rounded timestamps put back on their grid, and left alone where there is none."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.capture.media_time import MediaTime, StatedTime

MILLISECOND = Fraction(1, 1000)


@settings(deadline=None)
@given(
    fps=st.sampled_from([Fraction(24), Fraction(30000, 1001), Fraction(60), Fraction(120), Fraction(200)]),
    steps=st.lists(st.integers(1, 5), min_size=1, max_size=200),
    first=st.integers(0, 100),
)
def test_times_on_a_grid_become_exact_multiples(fps, steps, first):
    indices = np.concatenate([[first], first + np.cumsum(steps)])
    stored_ms = [round(int(k) / fps * 1000) for k in indices]
    clock = MediaTime(MILLISECOND, [fps])
    times_ns = [clock.of(t) for t in stored_ms]
    expected_ns = [(int(k) - first) * 1e9 / float(fps) for k in indices]
    np.testing.assert_allclose(np.array(times_ns) - times_ns[0], expected_ns, atol=1)
    assert clock.n_mended == 0


@settings(deadline=None)
@given(st.lists(st.integers(1, 200), min_size=1, max_size=100))
def test_times_are_never_further_than_a_tick_from_the_stored_ones(steps):
    stored_ms = np.cumsum(steps).tolist()
    clock = MediaTime(MILLISECOND, [Fraction(120), Fraction(30)])
    times_ns = np.array([clock.of(t) for t in stored_ms])
    assert np.all(np.abs(times_ns - np.array(stored_ms) * 10**6) <= 10**6)
    assert np.all(np.diff(times_ns) > 0) or clock.n_mended > 0


@settings(deadline=None)
@given(st.lists(st.none() | st.integers(-1000, 1000), min_size=1, max_size=60))
def test_times_always_increase_whatever_is_stored(stored_ms):
    clock = MediaTime(MILLISECOND, [Fraction(30)])
    times_ns = [clock.of(t) for t in stored_ms]
    assert np.all(np.diff(times_ns) > 0)


def test_off_grid_timestamp_ends_the_grid_for_good():
    clock = MediaTime(MILLISECOND, [Fraction(120)])
    assert [clock.of(t) for t in (0, 8, 17)] == [0, 8_333_333, 16_666_667]
    assert [clock.of(t) for t in (29, 37, 50)] == [29_000_000, 37_000_000, 50_000_000]


def test_second_rate_is_tried_when_the_first_does_not_fit():
    clock = MediaTime(MILLISECOND, [Fraction(119), Fraction(120)])
    times_ns = [clock.of(round(k / 120 * 1000)) for k in range(240)]
    assert times_ns[-1] == round(239 / 120 * 1e9)


def test_missing_timestamp_is_one_interval_after_the_last_and_counted():
    clock = MediaTime(MILLISECOND, [Fraction(50)])
    assert [clock.of(t) for t in (0, None, 40)] == [0, 20_000_000, 40_000_000]
    assert clock.n_mended == 1


@pytest.mark.parametrize("fps", [25.0, 29.97, 120.0])
def test_stated_time_does_not_drift(fps):
    clock = StatedTime(fps)
    times_ns = [clock.of(None) for _ in range(10_000)]
    assert times_ns[-1] == pytest.approx(9999 / fps * 1e9, abs=1)
