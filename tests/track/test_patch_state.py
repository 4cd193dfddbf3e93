"""Which patches are believed, and what they come to in sum."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from edge.kernels.patch_state import (
    allow_for_noise,
    expect_patches,
    judge_patches,
    sound_patches,
    sum_up_patches,
)

DT_S = 1.0 / 120.0


@dataclass
class Judged:
    """What `judge_patches` reads and writes, for n patches that fit well."""

    n: int
    correlation: np.ndarray = field(init=False)
    variance: np.ndarray = field(init=False)
    covariance: np.ndarray = field(init=False)
    usual: np.ndarray = field(init=False)
    noise: np.ndarray = field(init=False)
    movement: np.ndarray = field(init=False)
    limit: np.ndarray = field(init=False)
    state: np.ndarray = field(init=False)
    lost: np.ndarray = field(init=False)

    def __post_init__(self):
        n = self.n
        self.correlation = np.full(n, 0.99, np.float32)
        self.variance, self.usual = np.full(n, 4.0, np.float32), np.full(n, 4.0)
        self.covariance = np.tile([0.001, 0.0, 0.001], (n, 1))
        self.noise = np.full(1, 4.0)
        self.movement, self.limit = np.zeros((n, 2)), np.full(n, 50.0)
        self.state, self.lost = np.ones(n, np.uint8), np.zeros(n, np.int32)

    def judge(self, keep=0.7, regain=0.85):
        judge_patches(
            self.correlation,
            self.variance,
            self.covariance,
            self.usual,
            self.noise,
            self.movement,
            self.limit,
            keep,
            regain,
            DT_S,
            self.state,
            self.lost,
        )


def reference_judge(given, keep, regain):
    """States, movements, counters and usual residuals after one frame, patch by patch."""
    state, lost = given.state.copy(), given.lost.copy()
    movement, usual = given.movement.copy(), given.usual.copy()
    for k in range(given.n):
        before = int(state[k])
        needed = {0: np.inf, 1: keep, 2: regain}[before]
        if before == 1 and usual[k] < 0:
            usual[k] = given.variance[k]
        far = not np.hypot(*movement[k]) < given.limit[k] * (0.25 if before == 2 else 1.0)
        left_over = max(float(given.variance[k]) - usual[k], 0.0) * 252
        off_px = 0.25 * np.sqrt(left_over * given.covariance[k, [0, 2]].sum())
        doubtful = off_px > 0.25 and given.variance[k] > 2 * usual[k]
        if before:
            state[k] = 2 if far or doubtful or not given.correlation[k] >= np.float32(needed) else 1
        if state[k] == 1:
            lost[k] = 0
            pace_s = 0.1 if given.variance[k] > usual[k] else 0.5
            usual[k] += DT_S / pace_s * (given.variance[k] - usual[k])
        else:
            lost[k] += 1
            if state[k] == 2 and given.variance[k] > usual[k] >= 0:
                usual[k] *= 1.0 + 2.5 * DT_S
            movement[k] = np.nan
    return state, movement, lost, usual


def test_judge_patches_matches_reference(rng):
    given = Judged(400)
    given.correlation = rng.uniform(0, 1, 400).astype(np.float32)
    given.correlation[::17] = np.nan
    given.variance = rng.exponential(12, 400).astype(np.float32)
    given.covariance = rng.exponential(0.002, (400, 3))
    given.usual = rng.exponential(5, 400)
    given.usual[::7] = -1.0
    given.movement = rng.normal(scale=30, size=(400, 2))
    given.movement[::11] = np.nan
    given.movement[::13, 0] = np.inf
    given.limit = rng.uniform(20, 200, 400)
    given.state = rng.integers(0, 3, 400).astype(np.uint8)
    given.lost = rng.integers(0, 50, 400).astype(np.int32)
    expected = reference_judge(given, 0.2, 0.6)
    given.judge(0.2, 0.6)
    for got, wanted in zip((given.state, given.movement, given.lost), expected[:3], strict=True):
        np.testing.assert_array_equal(got, wanted)
    np.testing.assert_allclose(given.usual, expected[3], rtol=1e-12)
    assert set(given.state.tolist()) == {0, 1, 2}


def test_judge_patches_asks_more_of_a_lost_patch_than_of_a_followed_one():
    given = Judged(2)
    given.correlation[:] = 0.75
    given.state[:], given.lost[:] = (1, 2), (0, 5)
    given.judge()
    assert (given.state.tolist(), given.lost.tolist()) == ([1, 2], [0, 6])
    given.correlation[:], given.movement[:] = 0.9, 0.0
    given.judge()
    assert (given.state.tolist(), given.lost.tolist()) == ([1, 1], [0, 0])


def test_a_patch_whose_look_has_changed_for_good_is_not_lost_for_good():
    given = Judged(1)
    given.variance[:] = 12.0
    states = []
    for _ in range(240):
        given.correlation[:], given.movement[:] = 0.9, 0.0
        given.judge()
        states.append(int(given.state[0]))
    assert states[0] == 2
    assert states[-1] == 1


def test_judge_patches_finds_a_lost_patch_again_only_near_its_rest():
    given = Judged(3)
    given.state[:] = (1, 2, 2)
    given.movement[:, 0] = (40.0, 40.0, 10.0)
    given.judge()
    assert given.state.tolist() == [1, 2, 1]


def test_judge_patches_doubts_a_residual_that_could_hide_a_shift():
    given = Judged(3)
    given.variance[:] = (4.0, 12.0, 12.0)
    given.covariance[2] *= 0.1  # so sharp a patch that the same residual is worth little
    given.judge()
    assert given.state.tolist() == [1, 2, 1]
    assert np.isnan(given.movement[1]).all()


def test_judge_patches_gets_used_to_a_residual_that_grows_slowly():
    given = Judged(1)
    for variance in np.linspace(4, 40, 600):
        given.variance[0] = variance
        given.movement[:] = 0.0
        given.judge()
    assert given.state[0] == 1


def test_judge_patches_takes_the_first_residual_of_a_new_template_for_usual():
    given = Judged(1)
    given.variance[:], given.usual[:] = 40.0, -1.0  # a dark room
    given.judge()
    assert given.state[0] == 1
    assert given.usual[0] == 40.0


def test_judge_patches_learns_the_noise_of_the_sensor(rng):
    given = Judged(71)
    for _ in range(200):
        given.variance = (36.0 * rng.chisquare(252, 71) / 252).astype(np.float32)
        given.variance[:20] = 400.0  # a mouth that moves tells nothing about the sensor
        given.usual[:] = given.variance
        given.state[:] = 1
        given.judge()
    assert 33 < given.noise[0] < 42


def test_expect_patches_moves_all_and_puts_lost_ones_at_rest(rng):
    position, place = rng.normal(size=(6, 2)), rng.normal(size=(8, 2))
    state = np.array([0, 1, 2, 1, 2, 0], np.uint8)
    expected = np.where((state == 2)[:, None], place[:6], position) + np.array([0.5, -2.0])
    expect_patches(position, state, place, 0.5, -2.0)
    np.testing.assert_allclose(position, expected, atol=1e-15)


def reference_doubt(variance, usual, covariance):
    """A residual above its usual, of which a quarter, were it a shift, would be over a quarter pixel."""
    unexplained = max(variance - usual, 0.0) * 252.0
    shift_px = 0.25 * np.sqrt(unexplained * (covariance[0] + covariance[2]))
    return shift_px > 0.25 and variance > 2.0 * usual


@pytest.mark.parametrize("doubts", [False, True])
def test_sound_patches_marks_all_and_counts_the_first(rng, doubts):
    correlation = rng.uniform(-1, 1, 40).astype(np.float32)
    correlation[3] = np.nan
    correlation[4] = 0.25
    variance = rng.uniform(0, 40, 40).astype(np.float32)
    variance[4] = 4.0
    variance[6] = np.nan
    usual = rng.uniform(2, 6, 40)
    usual[5], variance[5], correlation[5] = -1.0, 1e6, 0.9  # not known yet: nothing is unusual
    covariance = rng.uniform(1e-4, 2e-2, (40, 3))
    valid = np.full(40, 9, np.uint8)
    n_valid = sound_patches(correlation, variance, covariance, usual, np.float32(0.25), 23, doubts, valid)
    expected = np.array([c >= np.float32(0.25) for c in correlation])
    if doubts:
        expected &= [
            u < 0 or not reference_doubt(v, u, c) for v, u, c in zip(variance, usual, covariance, strict=True)
        ]
    np.testing.assert_array_equal(valid, expected)
    assert n_valid == expected[:23].sum()
    assert valid[3:6].tolist() == [0, 1, 1]
    nothing = slice(0, 0)
    assert (
        sound_patches(
            correlation[nothing], variance[nothing], covariance[nothing], usual[nothing],
            np.float32(0), 23, doubts, valid[nothing],
        )
        == 0
    )  # fmt: skip


def test_sum_up_patches_matches_reference(rng):
    n, n_rigid, gain = 50, 20, 0.3
    correlation = rng.uniform(0, 1, n).astype(np.float32)
    state = rng.integers(0, 3, n).astype(np.uint8)
    likeness = rng.uniform(0, 1, n).astype(np.float32)
    followed = state == 1
    expected = np.where(followed, (1 - gain) * likeness + gain * correlation, likeness)
    out = np.full(3, np.nan)
    sum_up_patches(correlation, state, n_rigid, np.float32(gain), likeness, out)
    np.testing.assert_allclose(likeness, expected, atol=1e-6)
    wanted = (expected[followed].min(), followed.mean(), followed[:n_rigid].mean())
    np.testing.assert_allclose(out, wanted, rtol=1e-6)


def test_sum_up_patches_says_no_share_where_nothing_is_followed():
    zeros, out = np.zeros(5, np.float32), np.full(3, np.nan)
    sum_up_patches(zeros, np.zeros(5, np.uint8), 3, np.float32(0.5), zeros.copy(), out)
    np.testing.assert_array_equal(out, [1.0, 0.0, 0.0])


def test_allow_for_noise_makes_up_for_the_share_that_is_no_texture():
    level = np.array([[100.0, 1000.0]] * 4 + [[100.0, 0.0]])
    correlation = np.array([0.6, 0.9, -1.0, 0.2, 0.5], np.float32)
    allow_for_noise(level, 250.0, correlation)
    np.testing.assert_allclose(correlation, [0.8, 1.0, -1.0, 0.2 / 0.75, 0.5], rtol=1e-6)
    faint = np.array([0.2], np.float32)
    allow_for_noise(level[:1], 5000.0, faint)
    assert faint[0] == pytest.approx(0.2 / 0.3)


def test_signals_of_a_noisy_picture_are_not_lost(film, follow):
    followed = follow(film(noise_levels=6.0))
    assert np.isfinite(followed.signals(12)).mean() > 0.97
