"""Onset, apex and offset against the truth and slow references."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.kernels import flanks


def refine(signal, centre, width, expected):
    """Outcome and the found figures."""
    values = np.asarray(signal, np.float32)
    found = np.zeros(flanks.N_FLANKS)
    outcome = flanks.find_flanks(values, centre, width, expected, np.zeros(len(values)), found)
    return outcome, found


def raised_cosine(n, onset, width, rise=0.5):
    """A unit pulse [shape=(n,)] from `onset` to `onset + width`."""
    phase = (np.arange(n) - onset) / width
    warped = np.where(phase < rise, 0.5 * phase / rise, 0.5 + 0.5 * (phase - rise) / (1 - rise))
    return np.where((phase > 0) & (phase < 1), np.sin(np.pi * warped) ** 2, 0.0)


@settings(max_examples=60, deadline=None)
@given(
    onset=st.floats(100.0, 140.0),
    width=st.floats(8.0, 60.0),
    rise=st.floats(0.35, 0.65),
    height=st.floats(3.0, 100.0),
    slope=st.floats(-0.002, 0.002),
    falls=st.booleans(),
)
def test_a_clean_pulse_is_found_to_a_fraction_of_a_sample(onset, width, rise, height, slope, falls):
    sign = -1.0 if falls else 1.0
    signal = sign * height * raised_cosine(300, onset, width, rise) + slope * height * np.arange(300) + 50.0
    centre = round(onset + 0.5 * width)
    outcome, found = refine(signal, centre, round(width), sign * height)
    assert outcome == flanks.FOUND
    tolerance = 0.6 + 0.06 * width
    assert abs(found[flanks.ONSET] - onset) < tolerance
    assert abs(found[flanks.APEX] - (onset + rise * width)) < tolerance
    assert abs(found[flanks.OFFSET] - onset - width) < tolerance
    assert abs(found[flanks.HEIGHT] - height) < 0.2 * height


@pytest.mark.parametrize("factor", [0.6, 1.0, 1.5])
def test_a_pulse_is_found_though_the_scale_fits_badly(rng, factor):
    signal = 10.0 * raised_cosine(300, 120.0, 40.0) + 0.2 * rng.normal(size=300)
    outcome, found = refine(signal, 141, round(40 * factor), 10.0)
    assert outcome == flanks.FOUND
    np.testing.assert_allclose(found[:3], [120.0, 140.0, 160.0], atol=5.0)


def test_a_step_is_no_pulse(rng):
    signal = np.where(np.arange(300) < 150, 0.0, 20.0) + 0.05 * rng.normal(size=300)
    outcome, _ = refine(signal, 160, 24, 8.0)
    assert outcome == flanks.NO_PULSE


def test_an_unfinished_pulse_is_waited_for():
    signal = 10.0 * raised_cosine(400, 100.0, 60.0)
    outcome, _ = refine(signal[:140], 130, 60, 10.0)
    assert outcome == flanks.NOT_RETURNED
    outcome, _ = refine(signal[:180], 130, 60, 10.0)
    assert outcome == flanks.FOUND


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_too_few_samples_are_no_pulse(n):
    outcome, _ = refine(np.zeros(n), 0, 10, 1.0)
    assert outcome != flanks.FOUND


def test_nothing_but_lost_samples_is_no_pulse():
    outcome, _ = refine(np.full(100, np.nan), 50, 20, 5.0)
    assert outcome == flanks.NO_PULSE


def test_a_lost_stretch_ends_the_flank_at_its_edge():
    signal = 10.0 * raised_cosine(200, 80.0, 40.0)
    signal[:75] = np.nan
    outcome, found = refine(signal, 100, 40, 10.0)
    assert outcome == flanks.FOUND
    assert found[flanks.ONSET] >= 75


def reference_smooth(values, half, sign):
    """nanmean of each neighbourhood."""
    padded = [values[max(0, i - half) : i + half + 1].astype(np.float64) for i in range(len(values))]
    return np.array([np.nan if np.isnan(p).all() else sign * np.nanmean(p) for p in padded])


@pytest.mark.parametrize("half", [0, 1, 4, 100])
def test_smoothing_matches_the_definition(rng, half):
    values = rng.normal(size=60).astype(np.float32)
    values[rng.random(60) < 0.3] = np.nan
    out = np.zeros(60)
    flanks.smooth_into(values, half, -1.0, out)
    np.testing.assert_allclose(out, reference_smooth(values, half, -1.0), atol=1e-6)


def reference_reversals(values, swing):
    """Turning points left after every swing not larger than `swing` is ignored; -1 or 1 directions."""
    known = [float(v) for v in values if not np.isnan(v)]
    directions: list[int] = []
    low = high = None
    for v in known:
        low = v if low is None else min(low, v)
        high = v if high is None else max(high, v)
        last = directions[-1] if directions else 0
        if last >= 0 and high - v > swing:
            directions.append(-1)
            low = v
        elif last <= 0 and v - low > swing:
            directions.append(1)
            high = v
    return max(len(directions) - 1, 0)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(-20, 20) | st.just(None), max_size=60), st.integers(1, 15))
def test_reversals_match_the_definition(values, swing):
    array = np.array([np.nan if v is None else v for v in values], np.float32)
    assert flanks.count_reversals(array, np.float32(swing)) == reference_reversals(array, swing)


def test_a_sine_turns_round_twice_a_period():
    values = (10.0 * np.sin(np.linspace(0.0, 2 * np.pi * 5, 500))).astype(np.float32)
    assert flanks.count_reversals(values, np.float32(4.0)) == 10
    assert flanks.count_reversals(values, np.float32(25.0)) == 0
