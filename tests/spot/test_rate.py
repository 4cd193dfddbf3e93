"""The model of chance peaks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.spot.rate import FalseRate, scale_of_mean, truncated_mean


def feed(rate, scale, per_hour, hours, rng):
    """Chance peaks as the model assumes them."""
    for _ in range(round(hours * 3600)):
        rate.watch(1.0)
        for _ in range(rng.poisson(per_hour / 3600.0)):
            rate.add(float(np.sqrt(rate.floor**2 + rng.exponential(scale))))


@pytest.mark.parametrize("scale", [1.5, 2.0, 4.0])
def test_the_threshold_is_where_chance_gives_what_is_accepted(rng, scale):
    rate = FalseRate(3.5, 3.5)
    feed(rate, scale, 1500.0, 0.5, rng)
    for accepted in (6.0, 60.0):
        truth = np.sqrt(3.5**2 + scale * np.log(1500.0 / accepted))
        assert rate.threshold(accepted) == pytest.approx(truth, rel=0.06)
        assert rate.per_hour(rate.threshold(accepted)) == pytest.approx(accepted, rel=1e-6)


def test_many_real_movements_leave_the_threshold_alone(rng):
    rate = FalseRate(3.5, 3.5)
    for _ in range(600):
        rate.watch(1.0)
        if rng.random() < 0.4:
            rate.add(float(np.sqrt(3.5**2 + rng.exponential(2.0))))
        if rng.random() < 0.3:
            rate.add(float(rng.uniform(8.0, 60.0)))
    assert rate.threshold(6.0) < 5.5


def test_a_fresh_model_is_more_careful_than_a_quiet_session(rng):
    fresh, taught = FalseRate(3.5, 3.5), FalseRate(3.5, 3.5)
    feed(taught, 2.0, 1000.0, 0.2, rng)
    assert fresh.threshold(6.0) > taught.threshold(6.0)


@given(st.floats(1.05, 11.5), st.floats(5.0, 60.0))
def test_the_scale_is_found_again_from_the_mean(scale, reach):
    assert scale_of_mean(truncated_mean(scale, reach), reach) == pytest.approx(scale, rel=0.01)


def test_no_claim_is_rarer_than_a_session_can_know():
    assert FalseRate(3.5, 3.5).per_hour(100.0) == pytest.approx(0.001)


def test_the_bar_never_rises_above_fifteen_sigma():
    """However busy a session and however little is accepted: what stands higher is always told."""
    rate = FalseRate(3.5, 3.5)
    for _ in range(400):
        rate.watch(0.01)
        rate.add(5.49)
    assert rate.threshold(1e-9) == 15.0
