"""Members of a signal weighed by how unlike the others they move."""

from itertools import pairwise

import numpy as np
import pytest

from edge.kernels.agreement import ALLOWED, LEAST_MEMBERS, MOST_MIOD, weigh_members

START = np.array([0, 1, 4, 6], np.int32)
MEMBER = np.array([0, 1, 2, 3, 3, 4], np.int32)


@pytest.fixture
def rng():
    return np.random.default_rng(5)


@pytest.fixture
def direction(rng):
    angle = rng.uniform(0, 2 * np.pi, len(MEMBER))
    return np.column_stack([np.cos(angle), np.sin(angle)])


def reference(movement, before, direction, variance, noise, gain, unlike, weight):
    """Running mean squares of each member's change less its signal's weighted mean, and new weights."""
    along = ((movement - before)[MEMBER] * direction).sum(axis=1)
    known = np.isfinite((movement - before)[MEMBER]).all(axis=1)
    after = unlike.copy()
    for a, b in pairwise(START):
        seen = [m for m in range(a, b) if known[m]]
        if seen:
            off = along[seen] - np.average(along[seen], weights=weight[seen])
            after[seen] += gain * (np.minimum(off**2, MOST_MIOD**2) - unlike[seen])
    n_members = np.repeat(np.diff(START), np.diff(START))
    odd = np.where(n_members >= LEAST_MEMBERS, after - ALLOWED * noise * variance, 0.0)
    return after, 1.0 / (variance + np.maximum(odd, 0.0))


@pytest.mark.parametrize("scale", [0.0, 0.3, 8.0, 1e4])
@pytest.mark.parametrize("lost", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("noise", [0.0, 1.0, 9.0])
def test_it_matches_the_definition(rng, direction, scale, lost, noise):
    variance = rng.uniform(0.01, 4.0, len(MEMBER))
    unlike, weight = np.zeros(len(MEMBER)), 1.0 / variance
    wx, wy = np.ascontiguousarray((weight[:, None] * direction).T)
    expected_unlike, before = unlike.copy(), np.zeros((5, 2))
    for frame in range(200):
        movement = rng.normal(scale=scale, size=(5, 2))
        movement[rng.random(5) < lost] = np.nan
        if frame == 50:
            movement[2] = np.inf
        gain = 1.0 if frame == 20 else 0.01
        expected_unlike, weight = reference(
            movement, before, direction, variance, noise, gain, expected_unlike, weight
        )
        weigh_members(movement, before, START, MEMBER, direction, variance, noise, gain, unlike, wx, wy)
        np.testing.assert_allclose(unlike, expected_unlike, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(np.hypot(wx, wy), weight, rtol=1e-9)
        np.testing.assert_allclose(np.column_stack([wx, wy]), weight[:, None] * direction, atol=1e-9)
        before = movement


def test_no_signals_are_taken():
    empty = np.zeros(0)
    nothing = np.zeros((0, 2))
    weigh_members(
        np.zeros((3, 2)), np.zeros((3, 2)), np.zeros(1, np.int32), np.zeros(0, np.int32), nothing, empty,
        1.0, 0.1, empty, empty, empty,
    )  # fmt: skip
