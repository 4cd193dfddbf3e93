"""Landmarks on the portrait, in each installed runtime."""

from dataclasses import replace

import numpy as np
import pytest

from edge.config import PerceiveConfig
from edge.perceive.landmarks import LandmarkFinder
from edge.perceive.models import LoadedModel
from edge.perceive.region import Region, region_from_landmarks
from edge.perceive.still import NoFace, StillFinder, landmarks_of_picture

pytestmark = pytest.mark.runtime

# read off the picture by eye, px
BY_EYE = {33: (194, 100), 263: (256, 103), 1: (223, 130), 13: (223, 142), 152: (222, 177)}


@pytest.fixture
def finder(runtime):
    return LandmarkFinder(LoadedModel("face_landmark_int8", "landmarks", runtime=runtime))


@pytest.fixture
def face():
    """The portrait's face."""
    return Region(224.0, 123.0, 160.0, 0.05)


def test_landmarks_lie_where_a_person_would_put_them(finder, portrait, face):
    points, presence = finder.find(portrait, face)
    assert points.shape == (468, 3)
    assert points.dtype == np.float32
    assert presence > 0.9
    for index, place in BY_EYE.items():
        np.testing.assert_allclose(points[index, :2], place, atol=4)


def test_the_nose_is_nearer_to_the_camera_than_the_ears(finder, portrait, face):
    points, _ = finder.find(portrait, face)
    assert points[1, 2] < points[[234, 454], 2].min() - 20


def test_presence_is_low_where_there_is_no_face(finder, portrait):
    _, presence = finder.find(portrait, Region(420.0, 420.0, 150.0, 0.0))
    assert presence < 0.1


def test_landmarks_stay_where_they_are_when_the_region_is_moved_and_turned(finder, portrait, face):
    still, _ = finder.find(portrait, face)
    moved, _ = finder.find(portrait, replace(face, centre_x_px=229.0, size_px=170.0, angle_rad=0.25))
    inter_ocular = np.linalg.norm(still[263, :2] - still[33, :2])
    assert np.abs(moved - still)[:, :2].mean() < 0.03 * inter_ocular


def test_landmarks_of_a_half_hidden_region_are_finite(finder, portrait):
    points, _ = finder.find(portrait, Region(2.0, 2.0, 300.0, 1.0))
    assert np.isfinite(points).all()


def test_landmarks_of_picture_are_steadier_than_one_pass(runtime, portrait):
    """The mean over moved crops changes less when the whole picture is shifted by one pixel."""
    config = PerceiveConfig(runtime=runtime)
    still = StillFinder(config)
    shifted = np.roll(portrait, 1, axis=1)
    averaged = [still.find(picture).points for picture in (portrait, shifted)]
    finder = LandmarkFinder(LoadedModel(config.landmarks, "landmarks", runtime=runtime))
    region = region_from_landmarks(averaged[0])
    single = [finder.find(picture, region)[0] for picture in (portrait, shifted)]
    off = [np.abs(b[:, 0] - a[:, 0] - 1).mean() for a, b in (averaged, single)]
    assert off[0] < off[1]
    assert off[0] < 0.1


def test_landmarks_of_picture_says_what_to_do_where_there_is_no_face(runtime):
    with pytest.raises(NoFace, match=r"expected a face in the 64x48 px picture.*at least 100 px"):
        landmarks_of_picture(np.zeros((48, 64), np.uint8), PerceiveConfig(runtime=runtime))
