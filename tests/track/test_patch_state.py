"""Which patches are believed, and what they come to in sum."""

from __future__ import annotations

import numpy as np

from edge.kernels.patch_state import expect_patches, judge_patches, sound_patches, sum_up_patches


def reference_judge(correlation, movement, limit, keep, regain, state, lost_frames):
    """States, movements and counters after one frame, patch by patch."""
    state, lost, movement = state.copy(), lost_frames.copy(), movement.copy()
    for k in range(len(state)):
        needed = {0: np.inf, 1: keep, 2: regain}[int(state[k])]
        far = not np.hypot(*movement[k]) < limit[k]
        if state[k]:
            state[k] = 2 if far or not correlation[k] >= np.float32(needed) else 1
        if state[k] == 1:
            lost[k] = 0
        else:
            lost[k] += 1
            movement[k] = np.nan
    return state, movement, lost


def test_judge_patches_matches_reference(rng):
    n = 300
    correlation = rng.uniform(-1, 1, n).astype(np.float32)
    correlation[::17] = np.nan
    movement = rng.normal(scale=60, size=(n, 2))
    movement[::11] = np.nan
    movement[::13, 0] = np.inf
    limit = rng.uniform(20, 120, n)
    state = rng.integers(0, 3, n).astype(np.uint8)
    lost = rng.integers(0, 50, n).astype(np.int32)
    expected = reference_judge(correlation, movement, limit, 0.2, 0.6, state, lost)
    judge_patches(correlation, movement, limit, 0.2, 0.6, state, lost)
    for got, wanted in zip((state, movement, lost), expected, strict=True):
        np.testing.assert_array_equal(got, wanted)
    assert set(state.tolist()) == {0, 1, 2}


def test_judge_patches_asks_more_of_a_lost_patch_than_of_a_followed_one():
    correlation = np.full(2, 0.75, np.float32)
    state, lost = np.array([1, 2], np.uint8), np.array([0, 5], np.int32)
    judge_patches(correlation, np.zeros((2, 2)), np.full(2, 50.0), 0.7, 0.85, state, lost)
    assert state.tolist() == [1, 2]
    assert lost.tolist() == [0, 6]
    judge_patches(np.full(2, 0.9, np.float32), np.zeros((2, 2)), np.full(2, 50.0), 0.7, 0.85, state, lost)
    assert state.tolist() == [1, 1]
    assert lost.tolist() == [0, 0]


def test_expect_patches_moves_all_and_puts_lost_ones_at_rest(rng):
    position, place = rng.normal(size=(6, 2)), rng.normal(size=(8, 2))
    state = np.array([0, 1, 2, 1, 2, 0], np.uint8)
    expected = np.where((state == 2)[:, None], place[:6], position) + np.array([0.5, -2.0])
    expect_patches(position, state, place, 0.5, -2.0)
    np.testing.assert_allclose(position, expected, atol=1e-15)


def test_sound_patches_marks_all_and_counts_the_first(rng):
    correlation = rng.uniform(-1, 1, 40).astype(np.float32)
    correlation[3] = np.nan
    correlation[4] = 0.25
    valid = np.full(40, 9, np.uint8)
    n_valid = sound_patches(correlation, np.float32(0.25), 23, valid)
    expected = np.array([c >= np.float32(0.25) for c in correlation])
    np.testing.assert_array_equal(valid, expected)
    assert n_valid == expected[:23].sum()
    assert valid[4] == 1
    assert valid[3] == 0
    assert sound_patches(correlation[:0], np.float32(0), 23, valid[:0]) == 0


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
