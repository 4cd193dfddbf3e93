"""Gaps from timestamps: found where frames are missing, and nowhere else."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.capture.gaps import GapDetector

START_NS = 77_000_000_000


def observe(detector, times_ns):
    """(index, n_missing) of every gap."""
    gaps = [detector.observe(k, int(t)) for k, t in enumerate(times_ns)]
    return [(gap.sequence, gap.n_missing) for gap in gaps if gap is not None]


def times_of(indices, fps, jitter_ns=0, seed=0):
    """Sensor times of the frames with these indices, with uniform jitter of +-jitter_ns."""
    noise = np.random.default_rng(seed).uniform(-jitter_ns, jitter_ns, len(indices))
    return np.rint(START_NS + np.asarray(indices) * 1e9 / fps + noise).astype(np.int64)


@settings(deadline=None)
@given(
    fps=st.sampled_from([24.0, 29.97, 60.0, 119.88, 120.0, 200.0]),
    missing=st.sets(st.integers(40, 190), max_size=15),
    known=st.booleans(),
    jitter=st.floats(0, 0.05),
    seed=st.integers(0, 1000),
)
def test_every_missing_frame_is_found_and_none_invented(fps, missing, known, jitter, seed):
    indices = [k for k in range(200) if k not in missing]
    detector = GapDetector(fps if known else 0.0)
    gaps = observe(detector, times_of(indices, fps, jitter * 1e9 / fps, seed))
    expected = [
        (position, after - before - 1)
        for position, (before, after) in enumerate(itertools.pairwise(indices), start=1)
        if after - before > 1
    ]
    assert gaps == expected
    assert detector.n_missing == len(missing)
    assert detector.n_gaps == len(expected)


def test_gap_right_after_the_first_frame_is_found_when_the_rate_is_known():
    assert observe(GapDetector(120.0), times_of([0, 3, 4, 5], 120)) == [(1, 2)]


def test_long_gap_is_found():
    assert observe(GapDetector(120.0), times_of([*range(50), 1250, 1251], 120)) == [(50, 1200)]


@pytest.mark.parametrize("nominal_fps", [0.0, 26.5])
def test_variable_rate_has_no_gaps_once_that_is_known(nominal_fps):
    intervals_ns = np.random.default_rng(5).uniform(15e6, 120e6, 400)
    times_ns = START_NS + np.cumsum(intervals_ns).astype(np.int64)
    detector = GapDetector(nominal_fps)
    gaps = observe(detector, times_ns)
    assert [gap for gap in gaps if gap[0] > 16] == []
    assert not detector.steady
    assert detector.sensor_fps == 0.0


def test_change_of_the_sensors_rate_is_followed_and_told_from_missing_frames():
    slow = times_of(range(100), 60)
    fast = times_of(range(100), 120)
    times_ns = np.concatenate([fast, fast[-1] + slow[1:] - START_NS])
    detector = GapDetector(120.0)
    gaps = observe(detector, times_ns)
    assert detector.sensor_fps == pytest.approx(60, rel=0.01)
    assert all(100 <= sequence < 140 for sequence, _ in gaps)


def test_wrong_stated_rate_is_replaced_by_the_one_that_comes():
    detector = GapDetector(26.5)
    observe(detector, times_of(range(200), 120))
    assert detector.sensor_fps == pytest.approx(120, rel=0.001)


def test_repeated_and_backward_timestamps_are_no_information():
    times_ns = times_of(range(40), 120)
    times_ns[20] = times_ns[19]
    times_ns[30] = times_ns[10]
    detector = GapDetector(120.0)
    assert observe(detector, times_ns) == [(21, 1), (31, 1)]


def test_rate_reached_counts_what_was_received():
    detector = GapDetector(120.0)
    observe(detector, times_of(range(0, 121, 2), 120))
    assert detector.fps == pytest.approx(60)


def test_jitter_is_the_scatter_of_single_intervals():
    detector = GapDetector(120.0)
    observe(detector, times_of(range(2000), 120, jitter_ns=300_000))
    # each interval is a difference of two uniform errors of +-0.3 ms: 0.3 * sqrt(2/3) ms
    assert detector.jitter_ms == pytest.approx(0.3 * np.sqrt(2 / 3), rel=0.1)


def test_nothing_is_claimed_before_the_second_frame():
    detector = GapDetector()
    assert (detector.fps, detector.sensor_fps, detector.jitter_ms, detector.steady) == (0.0, 0.0, 0.0, False)
    assert detector.observe(0, START_NS) is None
    assert detector.fps == 0.0


def test_another_rate_that_was_told_is_no_gap_and_no_relearning():
    gaps = GapDetector(120.0)
    at_ns = 0
    for k in range(100):
        at_ns += round(1e9 / 120)
        assert gaps.observe(k, at_ns) is None
    gaps.expect(60.0)
    for k in range(100, 200):
        at_ns += round(1e9 / 60)
        assert gaps.observe(k, at_ns) is None
    assert gaps.observe(200, at_ns + round(3e9 / 60)) is not None
    assert gaps.sensor_fps == pytest.approx(60, rel=1e-3)
