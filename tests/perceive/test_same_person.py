"""One person's face and nobody else's, in pictures with two people in them."""

from __future__ import annotations

import numpy as np
import pytest

from edge.perceive.finder import FaceFinder
from edge.perceive.same_person import SamePerson

SECOND_NS = 1_000_000_000


@pytest.fixture(scope="module")
def finder():
    """The models, with one slot."""
    from edge.config import PerceiveConfig

    return FaceFinder(PerceiveConfig())


@pytest.fixture
def person(finder):
    """Nobody seen yet."""
    person = SamePerson(finder)
    person.begin()
    return person


@pytest.fixture
def alone(head):
    """uint8 [shape=(480, 640)]: the smaller face of `two_faces`, alone."""
    return placed(head, 430, 130)


@pytest.fixture
def larger(two_faces):
    """uint8 [shape=(480, 640)]: the larger face of `two_faces`, alone."""
    scene = two_faces.copy()
    scene[:, 420:] = 90
    return scene


def placed(face, left, top):
    scene = np.full((480, 640), 90, np.uint8)
    scene[top : top + face.shape[0], left : left + face.shape[1]] = face
    return scene


def n_faces(person, *pictures, step_ns=SECOND_NS // 10):
    """How many faces each picture's answer has, key frames one step apart."""
    return [len(person.find(picture, k, k * step_ns).faces) for k, picture in enumerate(pictures)]


def test_a_larger_face_that_comes_beside_the_person_changes_nothing(person, alone, two_faces):
    assert n_faces(person, alone, two_faces, two_faces, alone) == [1, 1, 1, 1]
    assert not person.is_doubtful
    assert person.seen_ns == 3 * SECOND_NS // 10


def test_when_the_person_has_gone_the_other_face_is_never_passed_on(person, alone, two_faces, larger):
    assert n_faces(person, alone, two_faces, larger, larger) == [1, 1, 0, 0]
    assert person.is_doubtful
    assert person.seen_ns == SECOND_NS // 10


def test_not_even_when_the_person_is_there_again_beside_it(person, alone, two_faces, larger):
    assert n_faces(person, alone, larger, two_faces, alone) == [1, 0, 0, 0]


@pytest.mark.parametrize("first_left", [0, 220])
def test_a_larger_face_that_comes_in_front_of_the_person_is_soon_passed_on_no_more(
    person, head, alone, first_left
):
    larger = np.kron(head, np.ones((2, 2), np.uint8))
    lefts = [min(first_left + 20 * k, 230) for k in range(22)]
    pictures = []
    for left in lefts:
        pictures.append(alone.copy())
        pictures[-1][20:460, left : left + 400] = larger
    found = n_faces(person, alone, *pictures)
    n_clear = sum(left + 400 < 500 for left in lefts)  # half of the person's face is free
    assert sum(found) <= 1 + n_clear + 10  # key frames; ten of them are a second
    assert person.is_doubtful


def test_the_person_may_lean_and_come_closer(person, head):
    nearer = np.kron(head, np.ones((6, 6), np.uint8))[::5, ::5]
    assert n_faces(person, placed(head, 200, 100), placed(head, 255, 110), placed(nearer, 235, 90)) == [
        1,
        1,
        1,
    ]


def test_the_person_may_look_away_and_come_back_to_the_same_place(person, alone, head):
    empty = np.full((480, 640), 90, np.uint8)
    assert n_faces(person, alone, empty, empty, alone) == [1, 0, 0, 1]
    assert n_faces(person, empty, placed(head, 60, 130)) == [0, 0]
    assert person.is_doubtful


def test_the_next_person_may_be_anywhere(person, alone, larger):
    n_faces(person, alone, larger)
    person.begin()
    assert (person.is_doubtful, person.seen_ns) == (False, None)
    assert n_faces(person, larger) == [1]
    assert person.models.keys() == {"face_detection_int8", "face_landmark_int8"}
