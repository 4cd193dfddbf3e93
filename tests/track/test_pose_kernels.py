"""The rigid head: projection against an independent formula, the fit against poses that are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.kernels.pose import N_POSE, fit_pose, project_points, reset_pose

DISTANCE_PX = 600.0
CENTRE = np.array([161.0, 118.5])


def rotation(turn):
    """Rotation matrix of a rotation vector, by the power series of the matrix exponential."""
    x, y, z = turn
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0.0]])
    out, term = np.eye(3), np.eye(3)
    for n in range(1, 25):
        term = term @ cross / n
        out = out + term
    return out


def make_pose(turn=(0, 0, 0), shift=(0, 0), nearer=0.0):
    """float64 [shape=(12,)] from a rotation vector, a shift in px and a logarithm of scale."""
    return np.array([*rotation(turn).ravel(), *shift, nearer])


def reference_project(points, pose, centre=CENTRE, distance_px=DISTANCE_PX):
    """centre + exp(s) * D / (D + Y_z) * Y_xy with Y = R X + (tx, ty, 0)."""
    turned = points @ pose[:9].reshape(3, 3).T + [*pose[9:11], 0]
    return centre + np.exp(pose[11]) * distance_px / (distance_px + turned[:, 2:]) * turned[:, :2]


def project(points, slope, pose):
    """Place and tangent by the kernel."""
    place, tangent = np.full((len(points), 2), np.nan), np.full((len(points), 4), np.nan)
    project_points(points, slope, np.asarray(pose, np.float64), CENTRE, DISTANCE_PX, place, tangent)
    return place, tangent


def fit(shape, seen, start=None, weight=None, valid=None, tolerance_px=1e3, n_iterations=30):
    """Pose and what is left over, by the kernel."""
    n = len(shape)
    pose = make_pose() if start is None else start.copy()
    left_over = fit_pose(
        shape,
        np.ascontiguousarray(seen),
        np.tile([1.0, 0.0, 1.0], (n, 1)) if weight is None else weight,
        np.ones(n, np.uint8) if valid is None else valid,
        CENTRE,
        DISTANCE_PX,
        tolerance_px,
        n_iterations,
        pose,
        np.full((6, 6), np.nan),
        np.full((3, 6), np.nan),
    )
    return pose, left_over


@pytest.fixture
def head(rng):
    """float64 [shape=(23, 3)], px: points over a face 100 px between the eyes, 60 px deep."""
    return np.column_stack([rng.uniform(-70, 70, 23), rng.uniform(-80, 60, 23), rng.uniform(-20, 40, 23)])


@pytest.fixture
def slope(rng):
    """float64 [shape=(23, 2)]: how the surface leans."""
    return rng.uniform(-1, 1, (23, 2))


poses = st.builds(
    make_pose,
    st.tuples(*[st.floats(-0.4, 0.4)] * 3),
    st.tuples(*[st.floats(-60, 60)] * 2),
    st.floats(-0.4, 0.4),
)


def test_reset_pose_writes_the_reference():
    pose = np.full(N_POSE, np.nan)
    reset_pose(pose)
    np.testing.assert_array_equal(pose, make_pose())


def test_project_points_matches_an_independent_formula(head, slope):
    pose = make_pose((0.2, -0.3, 0.1), (12.0, -7.0), 0.15)
    np.testing.assert_allclose(project(head, slope, pose)[0], reference_project(head, pose), atol=1e-9)


def test_project_points_puts_the_reference_where_its_picture_was(head, slope):
    """A point lifted out of the reference picture is seen where it was, unstretched."""
    flat = np.column_stack([head[:, :2] * (DISTANCE_PX + head[:, 2:]) / DISTANCE_PX, head[:, 2]])
    place, tangent = project(flat, slope, make_pose())
    np.testing.assert_allclose(place, CENTRE + head[:, :2], atol=1e-9)
    np.testing.assert_allclose(tangent, np.tile([1, 0, 0, 1.0], (23, 1)), atol=1e-9)


@settings(max_examples=30, deadline=None)
@given(pose=poses)
def test_project_points_tangent_is_the_derivative_of_the_place(pose):
    rng = np.random.default_rng(2)
    flat, depth, slope = rng.uniform(-70, 70, (9, 2)), rng.uniform(-20, 40, 9), rng.uniform(-1, 1, (9, 2))

    def place_of(moved):
        """Where points of the reference picture go, on the plane that leans as the surface does."""
        z = depth + ((moved - flat) * slope).sum(axis=1)
        return reference_project(
            np.column_stack([moved * ((DISTANCE_PX + z) / DISTANCE_PX)[:, None], z]), pose
        )

    step = 1e-4
    numeric = np.empty((9, 4))
    for axis in range(2):
        aside = np.zeros(2)
        aside[axis] = step
        difference = (place_of(flat + aside) - place_of(flat - aside)) / (2 * step)
        numeric[:, axis], numeric[:, 2 + axis] = difference.T
    points = np.column_stack([flat * ((DISTANCE_PX + depth) / DISTANCE_PX)[:, None], depth])
    np.testing.assert_allclose(project(points, slope, pose)[1], numeric, atol=1e-5)


def test_project_points_takes_no_points():
    place, tangent = project(np.zeros((0, 3)), np.zeros((0, 2)), make_pose())
    assert place.shape == (0, 2)
    assert tangent.shape == (0, 4)


@settings(max_examples=50, deadline=None)
@given(pose=poses)
def test_fit_pose_recovers_any_pose_without_noise(pose):
    rng = np.random.default_rng(4)
    head = np.column_stack([rng.uniform(-70, 70, 23), rng.uniform(-80, 60, 23), rng.uniform(-20, 40, 23)])
    seen = reference_project(head, pose)
    found, left_over = fit(head, seen)
    np.testing.assert_allclose(reference_project(head, found), seen, atol=1e-4)
    np.testing.assert_allclose(found[:9], pose[:9], atol=1e-5)
    np.testing.assert_allclose(found[9:], pose[9:], atol=1e-3)
    assert left_over < 1e-3


def test_fit_pose_keeps_the_rotation_a_rotation(head):
    pose = make_pose()
    for step in range(200):
        truth = make_pose((0.3 * np.sin(step / 9), 0.3 * np.cos(step / 7), 0.2 * np.sin(step / 5)))
        pose, _ = fit(head, reference_project(head, truth), start=pose, n_iterations=6)
    turn = pose[:9].reshape(3, 3)
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-9)
    assert np.linalg.det(turn) == pytest.approx(1.0)


def test_fit_pose_is_not_pulled_by_points_that_moved_by_themselves(head):
    truth = make_pose((0.05, -0.04, 0.02), (3.0, 1.0), 0.01)
    seen = reference_project(head, truth)
    seen[[2, 9, 15]] += [[0.0, -8.0], [6.0, 0.0], [5.0, 5.0]]
    start = make_pose((0.045, -0.035, 0.02), (2.9, 1.0), 0.01)  # a frame earlier
    robust, _ = fit(head, seen, start=start, tolerance_px=0.4)
    plain, _ = fit(head, seen, start=start, tolerance_px=1e6)
    still = np.delete(np.arange(23), [2, 9, 15])
    off = {
        name: np.abs(reference_project(head, pose) - reference_project(head, truth))[still].max()
        for name, pose in (("robust", robust), ("plain", plain))
    }
    assert off["robust"] < 0.05
    assert off["plain"] > 0.5


def test_fit_pose_says_how_far_off_the_points_are(head, rng):
    noise = rng.normal(scale=0.2, size=(23, 2))
    _, left_over = fit(head, reference_project(head, make_pose((0.1, 0.1, 0))) + noise, tolerance_px=100.0)
    # 46 coordinates less the 6 that the pose takes up; both of a point count
    assert left_over == pytest.approx(0.2 * np.sqrt(2 * 40 / 46), rel=0.25)


def test_fit_pose_gives_each_point_the_say_that_its_weight_grants(head):
    """Points without weight in y may be anywhere in y; points without any, anywhere."""
    truth = make_pose((0.1, -0.1, 0.05), (4.0, -2.0), 0.03)
    seen = reference_project(head, truth)
    seen[:5, 1] += 4.0
    seen[5:8] += 9.0
    weight = np.tile([1.0, 0.0, 1.0], (23, 1))
    weight[:5] = (1.0, 0.0, 0.0)
    weight[5:8] = 0.0
    found, _ = fit(head, seen, weight=weight)
    np.testing.assert_allclose(reference_project(head, found), reference_project(head, truth), atol=1e-4)


def test_fit_pose_understands_a_slanted_weight(head):
    """Information along (1, 1) only: an error across it does not matter."""
    truth = make_pose((0.1, -0.1, 0.05), (4.0, -2.0), 0.03)
    seen = reference_project(head, truth)
    seen[:6] += [3.0, -3.0]
    weight = np.tile([1.0, 0.0, 1.0], (23, 1))
    weight[:6] = (0.5, 0.5, 0.5)
    found, _ = fit(head, seen, weight=weight)
    np.testing.assert_allclose(reference_project(head, found), reference_project(head, truth), atol=1e-4)


def test_fit_pose_leaves_out_what_is_not_valid(head):
    truth = make_pose((0.1, -0.1, 0.05), (4.0, -2.0), 0.03)
    seen = reference_project(head, truth)
    seen[:4] = np.nan
    valid = np.ones(23, np.uint8)
    valid[:4] = 0
    found, left_over = fit(head, seen, valid=valid)
    np.testing.assert_allclose(found, truth, atol=1e-3)
    assert left_over < 1e-3


@pytest.mark.parametrize("n_valid", [0, 1, 3])
def test_fit_pose_says_nan_and_keeps_the_pose_with_under_four_points(head, n_valid):
    valid = np.zeros(23, np.uint8)
    valid[:n_valid] = 1
    start = make_pose((0.1, 0, 0), (1.0, 2.0), 0.1)
    found, left_over = fit(head, reference_project(head, start) + 1.0, start=start, valid=valid)
    assert np.isnan(left_over)
    np.testing.assert_array_equal(found, start)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_fit_pose_says_nan_and_keeps_the_pose_where_a_point_is_not_finite(head, value):
    seen = reference_project(head, make_pose())
    seen[3, 1] = value
    start = make_pose((0.1, 0, 0))
    found, left_over = fit(head, seen, start=start, tolerance_px=1.0)
    assert np.isnan(left_over)
    np.testing.assert_array_equal(found, start)


def test_fit_pose_says_nan_where_the_points_cannot_tell_a_pose():
    """All in one place: a turn changes nothing."""
    _, left_over = fit(np.zeros((10, 3)), np.tile(CENTRE, (10, 1)))
    assert np.isnan(left_over)


def test_fit_pose_says_nan_without_weights_points_or_iterations(head):
    seen = reference_project(head, make_pose())
    assert np.isnan(fit(head, seen, weight=np.zeros((23, 3)))[1])
    assert np.isnan(fit(np.zeros((0, 3)), np.zeros((0, 2)))[1])
    assert np.isnan(fit(head, seen, n_iterations=0)[1])
