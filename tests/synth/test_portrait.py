import numpy as np
import pytest

from edge.perceive.runtime import installed_runtimes
from edge.synth.field import FaceFrame
from edge.synth.portrait import (
    BUILT_IN,
    NoFaceInPortrait,
    Portrait,
    depth_surface,
    head_share,
    is_video,
    load_portrait,
    place_portrait,
)

needs_runtime = pytest.mark.skipif(not installed_runtimes(), reason="no TFLite runtime is installed")


@needs_runtime
def test_the_stored_landmarks_are_those_that_the_model_finds(portrait):
    found = load_portrait(BUILT_IN)
    iod_px = np.linalg.norm(portrait.points[263, :2] - portrait.points[33, :2])
    error = np.hypot(*(found.points[:, :2] - portrait.points[:, :2]).T) / iod_px
    assert error.mean() < 0.02
    np.testing.assert_array_equal(found.luma, portrait.luma)


@needs_runtime
def test_a_picture_without_a_face_is_refused(tmp_path):
    pgm = tmp_path / "grey.pgm"
    pgm.write_bytes(b"P5 160 120 255\n" + bytes([128]) * 160 * 120)
    assert not is_video(pgm)
    with pytest.raises(NoFaceInPortrait, match=r"grey\.pgm but found none"):
        load_portrait(pgm)


@pytest.mark.parametrize("face_width_px", [60.0, 94.0, 230.0])
def test_a_placed_face_has_its_width_its_middle_and_its_grey(portrait, face_width_px):
    canvas = place_portrait(portrait, 320, 240, face_width_px)
    flat = canvas.points[:, :2]
    assert np.ptp(flat[:, 0]) == pytest.approx(face_width_px)
    np.testing.assert_allclose((flat.max(axis=0) + flat.min(axis=0)) / 2, [160, 120])
    x, y = np.round(canvas.points[[50, 280], :2] - canvas.origin_px).astype(int).T
    u, v = np.round(portrait.points[[50, 280], :2]).astype(int).T
    np.testing.assert_allclose(canvas.coefficients[y, x], portrait.luma[v, u].astype(float), atol=15)


def test_a_smaller_picture_keeps_no_pattern_that_it_cannot_hold(portrait):
    stripes = np.zeros_like(portrait.luma)
    stripes[:, ::2] = 255
    small = place_portrait(Portrait(stripes, portrait.points), 160, 120, portrait.face_width_px * 0.4)
    inner = small.coefficients[40:100, 60:140]
    assert np.ptp(inner) < 12
    assert inner.mean() == pytest.approx(127.5, abs=2)


def test_depth_follows_the_landmarks_and_ends_at_the_back_of_the_head(portrait):
    face = FaceFrame.of(portrait.points)
    x, y = portrait.points[:, 0][None], portrait.points[:, 1][None]
    depth = depth_surface(portrait.points, face, x, y)[0]
    assert np.abs(depth - portrait.points[:, 2]).mean() < 0.03 * face.iod_px
    assert depth.argmin() in (1, 4, 19, 5, 44, 274)  # the tip of the nose
    middle = 0.5 * (portrait.points[:, 0].max() + portrait.points[:, 0].min())
    beside = middle + np.array([-0.8, 0.8]) * portrait.face_width_px
    back = depth_surface(portrait.points, face, beside[None], np.array([[115.0, 115.0]]))
    assert np.all(back > np.percentile(portrait.points[:, 2], 95))


def test_the_whole_mesh_moves_with_the_head_and_the_corners_of_the_picture_do_not(portrait):
    face = FaceFrame.of(portrait.points)
    share = head_share(face, portrait.points[:, 0], portrait.points[:, 1])
    assert share.min() > 0.99
    assert head_share(face, np.array([0.0]), np.array([500.0]))[0] == 0
