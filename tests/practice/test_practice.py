"""Practice: what moves in a clip, difficulty that adapts, scores that say how sure they are."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.stats import beta

from edge.cli import main
from edge.errors import UsageError
from edge.practice import course as course_module
from edge.practice.answers import FILE_NAME, Answer, AnswersUnreadable, add_answer, answers_of
from edge.practice.clip import FPS, SIZE_PX, Clip, clip_of
from edge.practice.course import Course
from edge.practice.score import by_day, score_of, share_of
from edge.practice.staircase import AMPLITUDES_MIOD, Staircase
from edge.practice.trial import DURATIONS_MS, MOVEMENTS, REGIONS, SIDES, Trial, draw_trial
from edge.synth.field import MOVEMENTS as FIELDS
from edge.synth.portrait import Portrait, built_in_portrait

BROW = Trial("brow", "left", "inner_brow_raise", 40.0, 500.0, 0.5, 7)
STILL = Trial("", "", "", 0.0, 500.0, 0.5, 7)


def answer_of(trial=BROW, said_moved=True, region="brow", side="left", n_skipped=0, unix_s=0.0):
    if not said_moved:
        region = side = ""
    return Answer(trial, said_moved, region, side, n_skipped, unix_s, "AB", "portrait.png")


@pytest.fixture
def drawn(monkeypatch):
    """Courses whose clips have no pictures: what they ask and keep is looked at."""
    points = np.zeros((120, 3, 2), np.float32)
    monkeypatch.setattr(course_module, "clip_of", lambda *_: Clip(b"png", 120, points, [[0, 1]], [2]))


def make_course(data_dir, seed=1):
    return Course(data_dir, "AB", built_in_portrait(), np.random.default_rng(seed), lambda: 1.7e9)


def test_trials_ask_for_each_region_side_and_movement_and_a_third_is_still():
    rng = np.random.default_rng(5)
    trials = [draw_trial(20.0, 200.0, rng) for _ in range(3000)]
    still = [trial for trial in trials if trial.is_still]
    assert 0.29 < len(still) / len(trials) < 0.38
    assert {trial.region for trial in trials if not trial.is_still} == set(REGIONS)
    assert {trial.side for trial in trials if not trial.is_still} == set(SIDES)
    asked = {trial.movement for trial in trials if not trial.is_still}
    assert asked == {one for names in MOVEMENTS.values() for one in names} <= set(FIELDS)
    assert all(trial.onset_s + trial.duration_ms / 1000 < 2.0 for trial in trials)


def test_the_pictures_left_is_the_persons_right():
    assert BROW.own_side == "right"
    assert Trial("brow", "both", "brow_lower", 1, 1, 1, 1).own_side == "both"


def test_a_clip_moves_where_and_when_it_should_and_not_elsewhere():
    portrait = built_in_portrait()
    moving, still = clip_of(BROW, portrait), clip_of(STILL, portrait)
    assert moving.n_frames == 120
    apex = round((BROW.onset_s + 0.25) * FPS)
    off = np.linalg.norm(moving.points - still.points, axis=2)
    assert off[apex, moving.moved].max() > 1.0
    assert off[: round(BROW.onset_s * FPS) - 1].max() < 0.01
    others = np.setdiff1d(np.arange(off.shape[1]), moving.moved)
    # the mouth's points are far from a brow
    assert off[apex][others].min() < 0.01
    middle = portrait_middle(still)
    assert (still.points[apex, moving.moved, 0] < middle).all()  # the picture's left
    assert moving.png.startswith(b"\x89PNG")
    assert int.from_bytes(moving.png[16:20], "big") == SIZE_PX
    assert int.from_bytes(moving.png[20:24], "big") == SIZE_PX * 120
    assert still.moved == []


def portrait_middle(clip):
    return (clip.points[0, :, 0].min() + clip.points[0, :, 0].max()) / 2


def test_the_staircase_finds_the_threshold_of_one_who_answers_by_it():
    """Somebody who sees what is above 12 miod, however brief, is asked around it, shorter and shorter."""
    rng = np.random.default_rng(3)
    staircase = Staircase()
    asked = []
    for _ in range(90):
        amplitude_miod, duration_ms = staircase.next()
        asked.append((amplitude_miod, duration_ms))
        chance = 0.1 + 0.88 * (1 - np.exp(-((amplitude_miod / 12.0) ** 3)))
        trial = Trial("brow", "left", "inner_brow_raise", amplitude_miod, duration_ms, 0.5, 1)
        staircase.take(answer_of(trial, region="brow" if rng.random() < chance else "chin"))
    assert {duration_ms for _, duration_ms in asked} == set(DURATIONS_MS)
    assert list(dict.fromkeys(duration for _, duration in asked)) == list(DURATIONS_MS)
    for duration_ms in DURATIONS_MS:
        middle, low, high = staircase.threshold_miod(duration_ms)
        assert low <= middle <= high
        assert low < 15.0
        assert high > 9.0
    assert set(np.round([amplitude for amplitude, _ in asked], 2)) <= set(np.round(AMPLITUDES_MIOD, 2))


def test_still_clips_and_those_that_stuttered_teach_the_staircase_nothing():
    staircase = Staircase([answer_of(STILL), answer_of(n_skipped=9)] * 20)
    assert staircase.next() == Staircase().next()
    assert staircase.threshold_miod(500.0) is None


def test_of_a_photograph_the_answers_hold_no_name_and_tell_two_apart(drawn, tmp_path):
    built_in = built_in_portrait()
    own = Portrait(built_in.luma[:, ::-1].copy(), built_in.points, "jane-doe.jpg")
    for portrait in (own, built_in, own):
        course = Course(tmp_path, "AB", portrait, np.random.default_rng(1), lambda: 1.7e9)
        course.answer(course.next_clip()["number"], False, "", "", 0)
    first, second, third = (answer.portrait for answer in answers_of(tmp_path, "AB"))
    assert first == third != second
    assert "jane" not in (tmp_path / FILE_NAME).read_text()


@pytest.mark.parametrize(("n_right", "n"), [(0, 10), (3, 10), (10, 10), (25, 100)])
def test_intervals_are_those_of_clopper_and_pearson(n_right, n):
    share = share_of(n_right, n, 0.25)
    low = beta.ppf(0.025, n_right, n - n_right + 1) if n_right else 0.0
    high = beta.ppf(0.975, n_right + 1, n - n_right) if n_right < n else 1.0
    assert (share.low, share.high) == pytest.approx((low, high), abs=1e-6)


@pytest.mark.parametrize(
    ("n_right", "n", "verdict"),
    [
        (9, 9, "too few to say"),
        (9, 20, "not different from chance"),
        (15, 20, "above chance"),
        (0, 20, "below chance"),
    ],
)
def test_a_score_says_what_chance_alone_would_give(n_right, n, verdict):
    assert share_of(n_right, n, 0.25).verdict == verdict


def test_a_score_counts_hits_beside_false_alarms_and_leaves_stuttered_clips_out():
    answers = [
        *[answer_of()] * 3,
        answer_of(region="chin"),
        answer_of(side="right"),
        answer_of(said_moved=False),
        answer_of(STILL),
        answer_of(STILL, said_moved=False),
        answer_of(n_skipped=5),
    ]
    score = score_of(answers)
    assert (score.hits.n_right, score.hits.n) == (5, 6)
    assert (score.false_alarms.n_right, score.false_alarms.n) == (1, 2)
    assert (score.regions.n_right, score.regions.n) == (4, 5)
    assert (score.sides.n_right, score.sides.n) == (4, 5)
    assert score.n_unfair == 1


def test_days_are_apart_and_the_newest_comes_first():
    days = by_day([answer_of(unix_s=0.0), answer_of(unix_s=86400.0 * 3), answer_of(unix_s=5.0)])
    assert {day: score.hits.n for day, score in days.items()} == {"1970-01-04": 1, "1970-01-01": 2}
    assert next(iter(days)) == "1970-01-04"


def test_answers_are_kept_for_their_owner_alone_and_read_back(tmp_path):
    add_answer(tmp_path, answer_of())
    add_answer(tmp_path, answer_of(STILL, said_moved=False))
    assert answers_of(tmp_path, "AB") == [answer_of(), answer_of(STILL, said_moved=False)]
    assert answers_of(tmp_path, "CD") == []
    assert (tmp_path / FILE_NAME).stat().st_mode & 0o777 == 0o600


def test_a_line_that_a_power_cut_left_half_is_passed_over_and_one_in_the_middle_is_named(tmp_path):
    add_answer(tmp_path, answer_of())
    path = tmp_path / FILE_NAME
    whole = path.read_text()
    path.write_text(whole + whole[:40])
    assert len(answers_of(tmp_path, "AB")) == 1
    path.write_text("{}\n" + whole)
    with pytest.raises(AnswersUnreadable, match="line 1 is no answer"):
        answers_of(tmp_path, "AB")


def test_a_course_keeps_an_answer_once_and_tells_what_was_right_only_then(tmp_path, drawn):
    course = make_course(tmp_path)
    asked = course.next_clip()
    assert set(asked) == {"number", "n_frames", "fps", "size_px"}
    assert course.picture(asked["number"]) == b"png"
    assert course.picture(99) is None
    told = course.answer(asked["number"], True, "brow", "both", 0)
    assert {"region", "is_region_right", "points"} <= told.keys()
    with pytest.raises(UsageError, match="another clip"):
        course.answer(asked["number"], True, "brow", "both", 0)
    assert len(answers_of(tmp_path, "AB")) == 1


@pytest.mark.parametrize(("region", "side"), [("", "left"), ("brow", ""), ("soul", "left")])
def test_yes_needs_a_place_and_a_side(tmp_path, drawn, region, side):
    course = make_course(tmp_path)
    number = course.next_clip()["number"]
    with pytest.raises(UsageError, match="choose both"):
        course.answer(number, True, region, side, 0)


def test_a_course_goes_on_where_it_was_on_another_day(tmp_path, drawn):
    first = make_course(tmp_path)
    for _ in range(12):
        first.answer(first.next_clip()["number"], False, "", "", 0)
    second = make_course(tmp_path)
    assert second.score() == first.score()
    assert second.thresholds() == first.thresholds()
    assert second._staircase.next() == first._staircase.next()


def test_scores_are_printed_with_their_limits_and_the_reminder(tmp_path, capsys):
    for _ in range(12):
        add_answer(tmp_path, answer_of())
    assert main(["practice", "--scores", "--who", "AB", "--data", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "12/12 (74% to 100%)" in out
    assert "not to know why" in out
    assert main(["practice", "--scores", "--who", "AB", "--data", str(tmp_path), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert rows[-1]["day"] == "all"


def test_without_answers_it_says_how_to_begin(tmp_path, capsys):
    assert main(["practice", "--scores", "--data", str(tmp_path)]) == 0
    assert "microcue practice --who me" in capsys.readouterr().out


@pytest.mark.parametrize("who", ["Anna Bell", "", "x" * 33, "../etc"])
def test_a_name_is_no_code(tmp_path, who):
    assert main(["practice", "--scores", "--who", who, "--data", str(tmp_path)]) == 2
