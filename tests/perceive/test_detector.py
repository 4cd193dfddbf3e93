"""The detector's decoding, and what it finds in pictures made of the portrait."""

import math

import numpy as np
import pytest

from edge.perceive.detector import FaceDetector, decode
from edge.perceive.models import LoadedModel


@pytest.fixture(scope="module")
def detector():
    return FaceDetector(LoadedModel("face_detection_int8", "detector"))


def logit(probability):
    return math.log(probability / (1 - probability))


@pytest.fixture
def anchors():
    """Four anchors: three close together, one far away."""
    return np.array([[0.30, 0.30], [0.31, 0.30], [0.30, 0.31], [0.8, 0.8]], np.float32)


def raw_box(width, height):
    """float32 [shape=(16,)]: centred on the anchor, key points on its centre, in 1/128."""
    return np.array([0, 0, width * 128, height * 128] + [0] * 12, np.float32)


def test_decode_blends_overlapping_answers_by_their_scores(anchors):
    boxes = np.stack([raw_box(0.2, 0.2)] * 4)
    scores = np.array([logit(0.9), logit(0.6), logit(0.2), logit(0.7)], np.float32)
    faces = decode(boxes, scores, anchors, 0.5)
    assert [face.score for face in faces] == pytest.approx([0.9, 0.7], rel=1e-4)
    x = (0.9 * 0.30 + 0.6 * 0.31) / 1.5
    np.testing.assert_allclose(faces[0].box, [x - 0.1, 0.2, x + 0.1, 0.4], atol=1e-5)
    np.testing.assert_allclose(faces[0].keypoints, np.tile([x, 0.3], (6, 1)), atol=1e-5)


def test_decode_of_nothing_likely_is_empty(anchors):
    assert decode(np.zeros((4, 16), np.float32), np.full(4, -1e4, np.float32), anchors, 0.5) == []


def test_decode_takes_extreme_logits_and_empty_boxes(anchors):
    scores = np.array([1e4, -1e4, 1e4, 1e4], np.float32)
    faces = decode(np.zeros((4, 16), np.float32), scores, anchors, 0.5)
    assert len(faces) == 3
    assert all(face.score == pytest.approx(1.0) for face in faces)


def test_detector_finds_the_portraits_eyes_where_they_are(detector, portrait):
    (face,) = detector.find(portrait, 0.5)
    # one pixel of the detector is four of this picture, and the float original is as far off
    np.testing.assert_allclose(face.keypoints[:2], [[206, 101], [243, 103]], atol=12)


@pytest.mark.parametrize("pad", [((0, 0), (0, 200)), ((0, 200), (0, 0))])
def test_detector_places_the_face_alike_in_wide_and_tall_pictures(detector, portrait, pad):
    (square,) = detector.find(portrait, 0.5)
    (padded,) = detector.find(np.pad(portrait, pad), 0.5)
    # two pixels of the detector, each 5.6 of the padded picture
    np.testing.assert_allclose(padded.keypoints[:4], square.keypoints[:4], atol=12)


def test_detector_gives_the_largest_face_first(detector, two_faces):
    faces = detector.find(two_faces, 0.5)
    assert len(faces) == 2
    assert faces[0].box[0] < faces[1].box[0]


@pytest.mark.parametrize("shape", [(16, 16), (1, 1), (3, 900), (480, 640)])
def test_detector_finds_nobody_in_a_flat_picture_of_any_shape(detector, shape):
    assert detector.find(np.full(shape, 128, np.uint8), 0.5) == []
