"""What is measured on a picture of a face: size, place, light, noise and blur, on one whose own are known."""

from __future__ import annotations

import numpy as np
import pytest

from edge.perceive.face_picture import measure_face
from edge.synth.plan import Plan, SceneSettings
from edge.synth.portrait import built_in_portrait
from edge.synth.scene import Scene

WIDTH_PX = 200.0


def rendered(width_px):
    """The first picture of a scene without noise, and the face's landmarks in it."""
    settings = SceneSettings(
        fps=30.0, duration_s=0.1, width=640, height=480, face_width_px=width_px, noise_levels=0.0
    )
    scene = Scene(Plan((), settings), built_in_portrait())
    _, luma = next(iter(scene.render()))
    return luma.astype(np.float64), scene.true_points(0.0)


@pytest.fixture(scope="module")
def face():
    """float64 [shape=(480, 640)], grey levels, and landmarks of a face 200 px wide in the middle."""
    return rendered(WIDTH_PX)


def blurred(luma, sigma_px):
    """With a Gaussian of that standard deviation."""
    if not sigma_px:
        return luma
    reach = int(4 * sigma_px) + 1
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma_px) ** 2)
    weights /= weights.sum()
    for axis in (0, 1):
        luma = np.apply_along_axis(
            lambda line: np.convolve(np.pad(line, reach, "edge"), weights, "valid"), axis, luma
        )
    return luma


def measured(luma, points, noise_levels=0.0, shift_px=0):
    """Two frames with noise of their own, the second one shifted."""
    rng = np.random.default_rng(4)
    pair = [luma, np.roll(luma, shift_px, axis=1)]
    frames = [rng.normal(one, noise_levels).round().clip(0, 255).astype(np.uint8) for one in pair]
    return measure_face(*frames, points)


@pytest.mark.parametrize("noise_levels", [0.0, 2.0, 6.0])
@pytest.mark.parametrize(
    ("share", "blur"), [(0.0, 0.57), (0.004, 0.63), (0.008, 0.74), (0.012, 0.82), (0.02, 0.89)]
)
def test_blur_is_the_same_in_any_noise(face, share, blur, noise_levels):
    luma, points = face
    found = measured(blurred(luma, share * WIDTH_PX), points, noise_levels)
    assert found.blur == pytest.approx(blur, abs=0.02)


@pytest.mark.parametrize("width_px", [120.0, 450.0])
def test_blur_is_a_share_of_the_face_whatever_its_size(width_px):
    luma, points = rendered(width_px)
    assert measured(luma, points, 2.0).blur == pytest.approx(0.60, abs=0.02)
    assert measured(blurred(luma, 0.012 * width_px), points, 2.0).blur == pytest.approx(0.85, abs=0.02)


@pytest.mark.parametrize("shift_px", [1, 3])
def test_blur_of_a_face_that_moves_is_that_of_a_still_one(face, shift_px):
    luma, points = face
    for share in (0.0, 0.012):
        soft = blurred(luma, share * WIDTH_PX)
        still, moving = (measured(soft, points, 2.0, px).blur for px in (0, shift_px))
        assert moving == pytest.approx(still, abs=0.06)


@pytest.mark.parametrize("shift_px", [0, 1, 2])
@pytest.mark.parametrize("noise_levels", [1.0, 4.0])
def test_noise_is_told_from_a_face_that_moves(face, noise_levels, shift_px):
    luma, points = face
    found = measured(blurred(luma, 0.8), points, noise_levels, shift_px)
    assert found.noise_levels == pytest.approx(noise_levels, rel=0.25)


def test_size_and_room_are_those_of_the_landmarks(face):
    luma, points = face
    found = measured(luma, points)
    assert found.width_px == pytest.approx(WIDTH_PX, rel=0.05)
    assert found.left_px == pytest.approx(points[:, 0].min(), abs=0.01)
    assert found.right_px == pytest.approx(639 - points[:, 0].max(), abs=0.01)
    assert found.top_px + found.bottom_px == pytest.approx(479 - np.ptp(points[:, 1]), abs=0.01)


def test_light_is_the_face_s_and_not_the_room_s(face):
    luma, points = face
    dark_room = np.where(
        np.abs(np.arange(640) - points[:, 0].mean()) < WIDTH_PX / 2, luma, np.minimum(luma, 5.0)
    )
    assert measured(dark_room, points).level == pytest.approx(measured(luma, points).level, abs=1.0)


def test_light_from_one_side_shows(face):
    luma, points = face
    ramp = np.where(np.arange(640) < points[:, 0].mean(), 0.4, 1.0)
    assert measured(luma, points).side_ratio < 1.3
    assert measured(luma * ramp, points).side_ratio > 1.9


@pytest.mark.parametrize(("gain", "offset", "white"), [(1.8, 0.0, 255.0), (1.8, 0.0, 235.0)])
def test_clipped_pixels_are_counted_in_full_and_limited_range(face, gain, offset, white):
    luma, points = face
    assert measured(luma * 0.8, points).clipped_share < 0.01
    bright = np.minimum(luma * gain + offset, white)
    inside = bright[
        round(points[:, 1].min()) : round(points[:, 1].max()),
        round(points[:, 0].min()) : round(points[:, 0].max()),
    ]
    assert measured(bright, points).clipped_share == pytest.approx((inside >= white - 1).mean(), abs=0.15)
    assert measured(bright, points).clipped_share > 0.2


def test_a_face_that_has_left_the_picture_is_not_measured(face):
    luma, points = face
    assert measured(luma, points + np.array([600.0, 0.0])) is None


def test_a_grey_wall_is_all_blur(face):
    _, points = face
    assert measured(np.full((480, 640), 120.0), points).blur == 1.0
