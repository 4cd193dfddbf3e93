"""Geometry of the rotated region."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.perceive.region import (
    Detection,
    Region,
    crop_matrix,
    is_inside,
    is_same_face,
    region_from_detection,
    region_from_landmarks,
    to_picture,
)

regions = st.builds(
    Region,
    centre_x_px=st.floats(-500, 2000),
    centre_y_px=st.floats(-500, 2000),
    size_px=st.floats(24, 3000),
    angle_rad=st.floats(-math.pi, math.pi),
)


@given(region=regions, n=st.sampled_from([128, 192]))
def test_landmarks_and_crop_pixels_agree_where_they_lie_in_the_picture(region, n):
    """A model's coordinate is half a pixel more than the crop pixel's index under it."""
    pixels = np.array([[0, 0], [n - 1, 0], [17, 90]], np.float64)
    by_matrix = pixels @ crop_matrix(region, n)[:, :2].T + crop_matrix(region, n)[:, 2]
    by_model = to_picture((pixels + 0.5).astype(np.float32), region, n)
    np.testing.assert_allclose(by_model, by_matrix, atol=1e-2)


@given(region=regions)
def test_the_middle_of_the_crop_is_the_centre_of_the_region(region):
    (middle,) = to_picture(np.array([[96, 96, 10]], np.float32), region, 192)
    np.testing.assert_allclose(middle[:2], (region.centre_x_px, region.centre_y_px), atol=1e-2)
    assert middle[2] == pytest.approx(10 * region.size_px / 192, rel=1e-5)


def face_points(rng, angle_rad):
    """468 points in a 100 x 120 px ellipse about (300, 200), turned; eye corners on its long axis."""
    points = rng.uniform(-1, 1, (468, 2)) * (50, 60)
    points[0], points[1] = (-50, -60), (50, 60)
    points[33], points[263] = (-40, 0), (40, 0)
    cosine, sine = math.cos(angle_rad), math.sin(angle_rad)
    turned = points @ np.array([[cosine, sine], [-sine, cosine]])
    return (turned + np.array([300, 200])).astype(np.float32)


@pytest.mark.parametrize("angle_rad", [0.0, 0.4, -1.2, 2.9])
def test_region_from_landmarks_turns_with_the_face_and_keeps_its_size(angle_rad):
    region = region_from_landmarks(face_points(np.random.default_rng(0), angle_rad))
    assert region.angle_rad == pytest.approx(angle_rad, abs=1e-5)
    assert region.size_px == pytest.approx(1.5 * 120, rel=1e-4)
    assert (region.centre_x_px, region.centre_y_px) == pytest.approx((300, 200), abs=1e-3)


def test_region_from_detection_is_upright_by_the_eyes():
    keypoints = np.zeros((6, 2), np.float32)
    keypoints[0], keypoints[1] = (40, 50), (60, 70)
    region = region_from_detection(Detection(0.9, np.array([10, 20, 110, 100], np.float32), keypoints))
    assert region == Region(60.0, 60.0, 150.0, pytest.approx(math.pi / 4))


@pytest.mark.parametrize(
    "region",
    [
        Region(-1.0, 50.0, 80.0, 0.0),
        Region(50.0, 480.0, 80.0, 0.0),
        Region(50.0, 50.0, 5.0, 0.0),
        Region(50.0, 50.0, 1e5, 0.0),
        Region(math.nan, 50.0, 80.0, 0.0),
        Region(50.0, 50.0, 80.0, math.inf),
    ],
)
def test_a_region_outside_tiny_vast_or_not_finite_is_not_looked_at(region):
    assert not is_inside(region, 480, 640)


def test_heads_side_by_side_are_two_faces_and_a_shifted_one_is_the_same():
    one = Region(100.0, 100.0, 150.0, 0.0)
    assert is_same_face(one, Region(130.0, 90.0, 140.0, 0.3))
    assert not is_same_face(one, Region(205.0, 100.0, 150.0, 0.0))
