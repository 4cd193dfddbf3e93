"""The page of practice: clips for whoever came in, answers once, and nothing told before."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from edge.practice import course as course_module
from edge.practice.answers import answers_of
from edge.practice.clip import Clip
from edge.practice.course import Course
from edge.review.practice_pages import PRACTICE_WORDS, build_practice
from edge.synth.portrait import built_in_portrait

HOST = "127.0.0.1:8341"
# words that would ask for a feeling or a motive
NEVER = re.compile(r"\b(happy|sad|anger|angry|fear|disgust|contempt|surprise|emotion|lie|lying|honest)", re.I)


@pytest.fixture
def practice(tmp_path, monkeypatch):
    """Application and door of a practice whose clips have no pictures."""
    points = np.zeros((120, 3, 2), np.float32)
    monkeypatch.setattr(course_module, "clip_of", lambda *_: Clip(b"png", 120, points, [[0, 1]], [2]))
    return build_practice(Course(tmp_path, "AB", built_in_portrait()), tmp_path, [HOST])


@pytest.fixture
def learner(practice, browser_of):
    """A browser that came in."""
    return browser_of(practice[0]).come_in(practice[1], "AB")


def test_a_clip_is_asked_about_answered_and_told(learner, tmp_path):
    asked = learner.post("/next").json()
    picture = learner.get(f"/clips/{asked['number']}.png")
    assert (picture.status_code, picture.content) == (200, b"png")
    fields = {
        "number": str(asked["number"]),
        "moved": "yes",
        "region": "brow",
        "side": "left",
        "n_skipped": "0",
    }
    told = learner.post("/answer", fields).json()
    assert told["is_fair"] is True
    assert learner.post("/answer", fields).status_code == 404
    assert learner.get(f"/clips/{asked['number']}.png").status_code == 404
    (answer,) = answers_of(tmp_path, "AB")
    assert (answer.region, answer.side) == ("brow", "left")
    assert "1970" not in learner.get("/").text


@pytest.mark.parametrize("fields", [{"number": "x"}, {"number": "1"}, {"number": "-1", "n_skipped": "0"}])
def test_an_answer_without_numbers_is_refused(learner, fields):
    assert learner.post("/answer", fields).status_code == 400


@pytest.mark.parametrize("path", ["/next", "/answer"])
def test_a_form_of_elsewhere_asks_nothing(learner, practice, browser_of, path):
    assert learner.post(path, token="wrong").status_code == 403
    assert browser_of(practice[0]).post(path).status_code == 401


def test_the_page_names_no_feeling_and_reminds_of_what_seeing_does_not_tell(learner):
    page = learner.get("/").text
    assert "To see that something moved is not to know why." in page
    assert NEVER.findall(re.sub(r"<[^>]+>", " ", page)) == []
    assert NEVER.findall(" ".join(PRACTICE_WORDS)) == []
    words = json.loads(re.search(r'id="words">(.*?)</script>', page)[1])
    assert set(words) == set(PRACTICE_WORDS)


def test_no_page_of_a_log_is_served_beside_it(learner):
    for path in ("/sessions/latest", "/live", "/kiosk"):
        assert learner.get(path).status_code == 404
