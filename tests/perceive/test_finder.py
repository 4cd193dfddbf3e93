"""Which faces are held, under which number, and when the detector is asked."""

import numpy as np
import pytest

from edge.config import PerceiveConfig
from edge.perceive.finder import FaceFinder

SECOND_NS = 1_000_000_000


@pytest.fixture
def finder(config):
    return FaceFinder(config)


@pytest.fixture
def pair_finder():
    return FaceFinder(PerceiveConfig(faces=2))


@pytest.fixture
def empty():
    """uint8 [shape=(480, 640)], nobody there."""
    return np.full((480, 640), 90, np.uint8)


@pytest.fixture
def searches(monkeypatch):
    """Counts how often the detector is run."""
    from edge.perceive.detector import FaceDetector

    counted = []
    original = FaceDetector.find

    def counting(self, luma, score_min):
        counted.append(luma.shape)
        return original(self, luma, score_min)

    monkeypatch.setattr(FaceDetector, "find", counting)
    return counted


def placed(head, x, y):
    """uint8 [shape=(480, 640)]: the head with its left upper corner at (x, y)."""
    scene = np.full((480, 640), 90, np.uint8)
    scene[y : y + head.shape[0], x : x + head.shape[1]] = head
    return scene


def noses(answer):
    return {face.face: face.points[1, :2] for face in answer.faces}


def test_an_answer_carries_its_key_frames_number_and_time(finder, empty):
    answer = finder.find(empty, 17, 123)
    assert (answer.sequence, answer.timestamp_ns, answer.faces) == (17, 123, ())


def test_a_held_face_is_followed_without_the_detector(finder, head, searches):
    for step in range(8):
        answer = finder.find(placed(head, 200 + 6 * step, 100 + 3 * step), step, step * SECOND_NS)
        assert list(noses(answer)) == [0]
        np.testing.assert_allclose(noses(answer)[0], [303 + 6 * step, 210 + 3 * step], atol=6)
    assert len(searches) == 1


@pytest.mark.runtime
def test_a_face_is_found_and_followed_in_each_runtime(runtime, head):
    finder = FaceFinder(PerceiveConfig(runtime=runtime))
    for step in range(2):
        answer = finder.find(placed(head, 200, 100), step, step)
        np.testing.assert_allclose(noses(answer)[0], [303, 210], atol=6)


def test_a_face_leaving_the_picture_is_let_go(finder, head):
    """The head slides out to the right, as far as the picture goes."""
    seen = []
    for step in range(24):
        scene = np.full((480, 1100), 90, np.uint8)
        scene[100:320, 275 + 25 * step : 475 + 25 * step] = head
        seen.append(bool(finder.find(np.ascontiguousarray(scene[:, :640]), step, step).faces))
    assert seen[0]
    assert not seen[-1]


def test_a_new_face_is_refined_at_once(finder, head):
    scene = placed(head, 200, 100)
    first, second, third = (finder.find(scene, step, step).faces[0].points for step in range(3))
    inter_ocular = np.linalg.norm(first[263, :2] - first[33, :2])
    assert np.abs(second - first)[:, :2].mean() < 0.02 * inter_ocular
    assert np.abs(third - second)[:, :2].mean() < 0.02 * inter_ocular


def test_a_lost_face_is_looked_for_at_every_key_frame_and_found_again(finder, head, empty, searches):
    finder.find(placed(head, 200, 100), 0, 0)
    assert finder.find(empty, 1, 1).faces == ()
    assert finder.find(empty, 2, 2).faces == ()
    assert list(noses(finder.find(placed(head, 380, 200), 3, 3))) == [0]
    assert len(searches) == 4


def test_a_face_that_jumps_is_found_in_the_same_key_frame(finder, head):
    finder.find(placed(head, 20, 20), 0, 0)
    answer = finder.find(placed(head, 380, 200), 1, 1)
    np.testing.assert_allclose(noses(answer)[0], [483, 310], atol=8)


def test_one_slot_takes_the_largest_face_and_never_looks_at_another(finder, two_faces, searches):
    for step in range(4):
        answer = finder.find(two_faces, step, step * 5 * SECOND_NS)
        assert list(noses(answer)) == [0]
        assert noses(answer)[0][0] < 410
    assert len(searches) == 1


def test_the_held_face_keeps_the_slot_when_a_larger_one_arrives(finder, head, two_faces):
    finder.find(placed(head, 430, 130), 0, 0)
    answer = finder.find(two_faces, 1, 2 * SECOND_NS)
    assert list(noses(answer)) == [0]
    assert noses(answer)[0][0] > 430


def test_two_slots_hold_two_faces_the_larger_one_first(pair_finder, two_faces):
    found = noses(pair_finder.find(two_faces, 0, 0))
    assert list(found) == [0, 1]
    assert found[0][0] < 410 < found[1][0]


def test_a_second_face_is_looked_for_once_a_second_of_media_time(pair_finder, head, searches):
    scene = placed(head, 200, 100)
    for step in range(31):
        pair_finder.find(scene, step, step * SECOND_NS // 10)
    assert len(searches) == 4


def test_two_slots_never_hold_the_same_face(pair_finder, head):
    for step in range(12):
        answer = pair_finder.find(placed(head, 200, 100), step, step * SECOND_NS)
        assert list(noses(answer)) == [0]


def test_slots_that_come_to_follow_one_face_are_parted(pair_finder, two_faces, head):
    pair_finder.find(two_faces, 0, 0)
    pair_finder._slots[1].region = pair_finder._slots[0].region
    answer = pair_finder.find(two_faces, 1, SECOND_NS // 2)
    assert list(noses(answer)) == [0]


def test_the_second_face_keeps_its_number_when_the_first_leaves_and_returns(pair_finder, two_faces, head):
    pair_finder.find(two_faces, 0, 0)
    alone = pair_finder.find(placed(head, 430, 130), 1, 1)
    assert list(noses(alone)) == [1]
    both = pair_finder.find(two_faces, 2, 3 * SECOND_NS)
    assert list(noses(both)) == [0, 1]
    assert noses(both)[0][0] < 410


def test_faces_that_were_both_lost_come_back_under_their_numbers(pair_finder, two_faces, empty, head):
    pair_finder.find(two_faces, 0, 0)
    pair_finder.find(empty, 1, SECOND_NS)
    assert list(noses(pair_finder.find(placed(head, 430, 130), 2, 2 * SECOND_NS))) == [1]


@pytest.mark.parametrize("shape", [(16, 16), (1, 1), (2, 4000)])
def test_a_picture_of_any_shape_gives_an_answer(finder, shape):
    assert finder.find(np.full(shape, 200, np.uint8), 0, 0).faces == ()


def test_noise_holds_no_face(finder):
    rng = np.random.default_rng(3)
    for step in range(10):
        assert finder.find(rng.integers(0, 256, (240, 320), dtype=np.uint8), step, step).faces == ()


def test_models_in_use_are_named_with_their_hashes(finder, config):
    assert set(finder.models) == {config.detector, config.landmarks}
    assert all(len(sha256) == 64 for sha256 in finder.models.values())
