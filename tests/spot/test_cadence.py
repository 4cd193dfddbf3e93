"""Frame rate and missing frames from timestamps alone."""

from __future__ import annotations

import numpy as np
import pytest

from edge.spot.cadence import Cadence


def test_missing_frames_are_counted_under_jitter(rng):
    cadence = Cadence(100.0)
    kept = np.flatnonzero(rng.random(2000) > 0.1)
    stamps = (kept * 10_000_000 + rng.normal(scale=500_000, size=len(kept))).astype(np.int64)
    missing = [cadence.advance(int(stamp)) for stamp in stamps]
    np.testing.assert_array_equal(missing[1:], np.diff(kept) - 1)
    assert cadence.n_missing_total == sum(missing)
    assert cadence.missing_between(int(stamps[-2]), int(stamps[-1])) == missing[-1]


def test_a_repeated_or_earlier_timestamp_is_no_frame():
    cadence = Cadence(100.0)
    assert cadence.advance(50) == 0
    assert cadence.advance(50) == -1
    assert cadence.advance(40) == -1


def test_jitter_is_the_spread_of_the_intervals(rng):
    cadence = Cadence(100.0)
    at_ns = 0.0
    for _ in range(31):
        at_ns += 10e6 + rng.normal(scale=1e6)
        cadence.advance(int(at_ns))
    assert cadence.jitter_ns == pytest.approx(1e6, rel=0.5)


@pytest.mark.parametrize("fps_nominal", [0.0, 240.0])
def test_the_rate_is_taken_from_the_median_interval(fps_nominal):
    cadence = Cadence(fps_nominal)
    changes = 0
    for frame in range(100):
        cadence.advance(frame * 20_000_000)
        changes += cadence.rate_changed()
    assert changes == 1
    assert cadence.fps == pytest.approx(50.0)


def test_frames_missing_after_a_stretch_are_not_missing_in_it():
    """A gap counts in the stretch that holds the frame after it, or the one next to its end."""
    cadence = Cadence(100.0)
    for at_ms in (0, 10, 40, 50, 60, 100, 110):
        cadence.advance(at_ms * 1_000_000)
    assert cadence.missing_between(0, 20_000_000) == 0
    assert cadence.missing_between(0, 40_000_000) == 2
    assert cadence.missing_between(40_000_000, 50_000_000) == 0
    assert cadence.missing_between(0, 110_000_000) == 5
