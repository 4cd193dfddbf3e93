"""What is learned from the head's turns: the filter against textbook matrices, and that nothing jumps."""

from __future__ import annotations

import numpy as np
import pytest

from edge.kernels.learned import (
    ANGLE_UNIT,
    N_TERMS,
    add_learned,
    advance_gain,
    angle_terms,
    extrapolate_pose,
    follow_habit,
    learn_points,
)

N = 4


def make_pose(turn=(0.0, 0.0, 0.0), shift=(0.0, 0.0), nearer=0.0):
    """float64 [shape=(12,)] from a rotation vector (Rodrigues), a shift and a logarithm of scale."""
    x, y, z = turn
    angle = max(float(np.linalg.norm(turn)), 1e-12)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]]) / angle
    rotation = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    return np.array([*rotation.ravel(), *shift, nearer])


def terms_of(yaw, pitch):
    """Regressors of a turn by yaw, then pitch, radians."""
    terms = np.full(N_TERMS, np.nan)
    angle_terms(make_pose((pitch, yaw, 0.0)), terms)
    return terms


def learn(movement, before, terms, gain, coefficient, most=100.0, roll=0.0):
    """One call of the kernel; returns copies of what it updates."""
    movement, before, coefficient = movement.copy(), before.copy(), coefficient.copy()
    learn_points(movement, terms, gain, most, np.cos(roll), np.sin(roll), coefficient, before)
    return movement, before, coefficient


def test_angle_terms_are_powers_of_the_angles_whatever_the_roll():
    pose = make_pose((0.0, 0.0, 0.7))
    pose[:9] = (pose[:9].reshape(3, 3) @ make_pose((0.1, 0.0, 0.0))[:9].reshape(3, 3)).ravel()
    terms = np.full(N_TERMS, np.nan)
    angle_terms(pose, terms)
    b = np.sin(0.1) / ANGLE_UNIT
    np.testing.assert_allclose(terms, [1, 0, b, 0, 0, b**2, 0, b**3], atol=1e-12)


def test_the_gain_is_the_kalman_filter_of_the_textbook(rng):
    covariance, gain = np.diag(rng.uniform(1, 50, N_TERMS)), np.full(N_TERMS, np.nan)
    expected = covariance.copy()
    wander = rng.uniform(0, 0.1, N_TERMS)
    for _ in range(200):
        terms = terms_of(*rng.uniform(-0.3, 0.3, 2))
        advance_gain(terms, wander, 7.0, covariance, gain)
        expected += np.diag(wander)
        wanted = expected @ terms / (terms @ expected @ terms + 7.0)
        expected = (np.eye(N_TERMS) - np.outer(wanted, terms)) @ expected
        np.testing.assert_allclose(gain, wanted, rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(covariance, expected, rtol=1e-6, atol=1e-9)
    np.testing.assert_array_equal(covariance, covariance.T)


def test_what_is_learned_is_what_an_angle_does(rng):
    truth = rng.normal(scale=8.0, size=(N, 2, N_TERMS))
    coefficient, covariance = np.zeros_like(truth), np.diag(np.full(N_TERMS, 100.0))
    gain, before = np.zeros(N_TERMS), np.zeros((N, 2))
    for k in range(3000):
        terms = terms_of(0.25 * np.sin(k / 31), 0.25 * np.sin(k / 47))
        advance_gain(terms, np.zeros(N_TERMS), 1.0, covariance, gain)
        left = truth @ terms - coefficient[:, :, 1:] @ terms[1:] + rng.normal(scale=0.3, size=(N, 2))
        _, before, coefficient = learn(left, before, terms, gain, coefficient)
    np.testing.assert_allclose(coefficient, truth, atol=0.5)


@pytest.mark.parametrize("roll", [0.0, 0.6])
def test_learning_leaves_the_difference_that_signals_are_made_of(rng, roll):
    movement, before = rng.normal(size=(2, N, 2)) * 5
    terms, gain = terms_of(0.2, -0.1), rng.uniform(0, 0.2, N_TERMS)
    coefficient = rng.normal(size=(N, 2, N_TERMS))
    after, was, learned = learn(movement, before, terms, gain, coefficient, roll=roll)
    np.testing.assert_allclose(after - was, movement - before, atol=1e-12)
    turned = (learned - coefficient)[:, :, 1:] @ terms[1:]
    c, s = np.cos(roll), np.sin(roll)
    np.testing.assert_allclose(movement - after, turned @ np.array([[c, -s], [s, c]]), atol=1e-12)


def test_a_surprise_counts_up_to_its_limit(rng):
    terms, gain = terms_of(0.1, 0.1), rng.uniform(0.01, 0.2, N_TERMS)
    none, coefficient = np.zeros((N, 2)), np.zeros((N, 2, N_TERMS))
    shock = np.tile([300.0, -400.0], (N, 1))
    _, _, learned = learn(shock, none, terms, gain, coefficient, most=5.0)
    np.testing.assert_allclose(learned[:, 0], np.tile(3.0 * gain, (N, 1)))
    np.testing.assert_allclose(learned[:, 1], np.tile(-4.0 * gain, (N, 1)))


def test_a_lost_point_learns_nothing_and_one_that_comes_back_starts_where_it_stands(rng):
    terms, gain = terms_of(0.1, 0.1), np.full(N_TERMS, 0.1)
    coefficient = rng.normal(size=(N, 2, N_TERMS))
    movement, before = rng.normal(size=(2, N, 2))
    movement[1], before[2] = np.nan, np.nan
    after, was, learned = learn(movement, before, terms, gain, coefficient)
    np.testing.assert_array_equal(learned[1], coefficient[1])
    np.testing.assert_array_equal(learned[2, :, 1:], coefficient[2, :, 1:])
    np.testing.assert_array_equal(learned[2, :, 0], movement[2])
    np.testing.assert_array_equal(after[2], movement[2])
    assert np.isnan(was[2]).all()
    assert np.isfinite(learned).all()


def test_add_learned_moves_places_by_all_but_the_level(rng):
    coefficient, terms = rng.normal(size=(N, 2, N_TERMS)), terms_of(0.2, -0.3)
    tangent, place, offset = rng.normal(size=(N + 2, 4)), np.zeros((N + 2, 2)), np.full((N, 2), np.nan)
    add_learned(coefficient, terms, 0.1, tangent, offset, place)
    still = 0.1 * coefficient[:, :, 1:] @ terms[1:]
    np.testing.assert_allclose(offset, np.einsum("kij,kj->ki", tangent[:N].reshape(N, 2, 2), still))
    np.testing.assert_array_equal(place[:N], offset)
    np.testing.assert_array_equal(place[N:], 0.0)


def test_extrapolate_pose_goes_on_by_the_same_turn_and_stays_a_rotation():
    before, now = make_pose((0.02, -0.03, 0.01), (1, 2), 0.1), make_pose((0.06, -0.05, 0.0), (2, 1), 0.12)
    ahead = np.full(12, np.nan)
    extrapolate_pose(before, now, 1.0, ahead)
    turn = now[:9].reshape(3, 3) @ before[:9].reshape(3, 3).T
    np.testing.assert_allclose(ahead[:9].reshape(3, 3), turn @ now[:9].reshape(3, 3), atol=5e-5)
    np.testing.assert_allclose(ahead[:9].reshape(3, 3) @ ahead[:9].reshape(3, 3).T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(ahead[9:], [3, 0, 0.14])
    extrapolate_pose(before, now, 0.0, ahead)
    np.testing.assert_array_equal(ahead, now)


def test_a_habit_follows_the_patches_that_are_believed_and_fades(rng):
    seen, place, habit = rng.normal(size=(N, 2)), rng.normal(size=(N + 2, 2)), rng.normal(size=(N, 2))
    state = np.array([1, 2, 0, 1], np.uint8)
    expected = habit.copy()
    for k in np.flatnonzero(state == 1):
        expected[k] = 0.9 * habit[k] + 0.1 * (seen[k] - place[k])
    expected *= 0.99
    follow_habit(seen, place, state, 0.1, 0.99, habit)
    np.testing.assert_allclose(habit, expected, atol=1e-15)
