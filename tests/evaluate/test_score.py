"""Scoring cues against a truth: overlap, one-to-one matching, and what counts as false."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import RecordError
from edge.evaluate.score import IOU_HIT, Interval, overlap, read_truth, score


def at(onset_s, offset_s, name="brow"):
    """An interval of a micro movement."""
    return Interval(onset_s, offset_s, "micro", name)


intervals = st.lists(
    st.builds(
        lambda onset, length: at(onset / 10, (onset + length) / 10), st.integers(0, 30), st.integers(1, 8)
    ),
    max_size=5,
)


def most_pairs(truth, cues, good):
    """Largest number of one-to-one pairs that are `good`, by trying all assignments."""
    n = max(len(truth), len(cues))
    padded = [*cues, *[None] * (n - len(cues))]
    return max(
        sum(cue is not None and good(event, cue) for event, cue in zip(truth, order, strict=False))
        for order in itertools.permutations(padded)
    )


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (at(1.0, 2.0), 1.0),
        (at(1.5, 2.5), 1 / 3),
        (at(1.25, 1.75), 0.5),
        (at(0.0, 4.0), 0.25),
        (at(2.0, 3.0), 0.0),
        (at(5.0, 6.0), 0.0),
    ],
)
def test_overlap_is_intersection_over_union(other, expected):
    assert overlap(at(1.0, 2.0), other) == pytest.approx(expected)
    assert overlap(other, at(1.0, 2.0)) == pytest.approx(expected)


def test_overlap_of_two_moments_is_nothing():
    assert overlap(at(1.0, 1.0), at(1.0, 1.0)) == 0


@settings(deadline=None)
@given(truth=intervals, cues=intervals)
def test_score_pairs_as_many_as_can_be_paired(truth, cues):
    result = score(truth, cues, 60.0)
    assert result.n_hits == most_pairs(truth, cues, lambda a, b: overlap(a, b) >= IOU_HIT)
    assert result.n_hits <= result.n_found <= min(len(truth), len(cues))


@settings(deadline=None)
@given(truth=intervals, cues=intervals)
def test_score_gives_each_event_one_cue_and_each_cue_one_event(truth, cues):
    result = score(truth, cues, 60.0)
    assert [match.truth for match in result.matches] == truth
    used = [id(match.cue) for match in result.matches if match.cue is not None]
    assert len(used) == len(set(used))
    for match in result.matches:
        assert match.iou == (overlap(match.truth, match.cue) if match.cue else 0.0)
        assert match.cue is None or match.iou > 0


@settings(deadline=None)
@given(truth=intervals, cues=intervals)
def test_score_calls_false_exactly_what_belongs_to_no_event(truth, cues):
    result = score(truth, cues, 60.0)
    assert len(result.false) == len(cues) - result.n_found
    paired = [match.cue for match in result.matches if match.cue]
    assert sorted(map(repr, [*result.false, *paired])) == sorted(map(repr, cues))


def test_score_moves_an_event_to_another_cue_where_that_helps():
    """The first event could take either cue, the second only the first one."""
    truth = [at(0.0, 1.0), at(0.3, 1.3)]
    cues = [at(0.2, 1.2), at(-0.2, 0.8)]
    result = score(truth, cues, 60.0)
    assert result.n_hits == 2
    assert result.matches[0].cue == cues[1]


def test_score_counts_a_second_cue_on_one_event_as_false():
    second = at(1.8, 2.2)
    result = score([at(1.0, 2.0)], [at(1.0, 1.9), second], 60.0)
    assert (result.n_found, result.n_hits, result.false) == (1, 1, (second,))


@pytest.mark.parametrize(
    ("name", "side", "n_named"),
    [("brow_lower+lid_tighten", "left", 1), ("lid_tighten", "left", 0), ("brow_lower", "both", 0)],
)
def test_score_says_whether_movement_and_side_are_right(name, side, n_named):
    truth = Interval(1.0, 1.2, "micro", "brow_lower", "left")
    assert score([truth], [Interval(1.0, 1.2, "micro", name, side)], 60.0).n_named == n_named


def test_score_finds_without_hitting_where_the_overlap_is_small():
    result = score([at(1.0, 2.0)], [at(1.8, 2.4)], 60.0)
    assert (result.n_found, result.n_hits) == (1, 0)
    assert 0 < result.matches[0].iou < IOU_HIT


def test_score_counts_false_cues_by_the_minute():
    cues = [at(10, 11), at(20, 21), at(30, 31)]
    assert score([], cues, 90.0).false_per_minute == pytest.approx(2.0)
    assert score([], cues, 0.0).false_per_minute == 0.0


def test_score_of_nothing_is_nothing():
    result = score([], [], 60.0)
    assert (result.matches, result.false, result.n_found, result.n_hits) == ((), (), 0, 0)


def test_interval_duration_is_in_milliseconds():
    assert at(1.0, 1.2).duration_ms == pytest.approx(200)


# ---- truth files -----------------------------------------------------------------------------


@pytest.fixture
def truth_file(tmp_path):
    """What `microcue synth` writes beside a clip with a blink and two movements."""
    from edge.synth.plan import Happening, Plan, SceneSettings
    from edge.synth.portrait import built_in_portrait
    from edge.synth.scene import Scene
    from edge.synth.truth import write_truth

    happenings = (
        Happening("movement", 1.0, 0.2, 12.0, movement="inner_brow_raise", side="left"),
        Happening("blink", 2.0, 0.2, 1.0),
        Happening("movement", 3.0, 1.0, 20.0, movement="lip_corner_pull"),
    )
    settings = SceneSettings(width=128, height=96, face_width_px=50, fps=50.0)
    path = tmp_path / "clip.truth.csv"
    write_truth(Scene(Plan(happenings, settings), built_in_portrait()).truth(), path)
    return path


def test_read_truth_reads_planned_movements_and_leaves_blinks_out(truth_file):
    brow, smile = read_truth(truth_file)
    assert (brow.kind, brow.name, brow.side) == ("micro", "inner_brow_raise", "left")
    assert (brow.onset_s, brow.apex_s, brow.offset_s) == pytest.approx((1.0, 1.1, 1.2))
    assert brow.amplitude_miod == 12.0
    assert (smile.kind, smile.side) == ("macro", "both")


def test_read_truth_explains_a_file_that_is_missing(tmp_path):
    with pytest.raises(RecordError, match=r"expected a truth file at .*none\.csv"):
        read_truth(tmp_path / "none.csv")


@pytest.mark.parametrize(
    "content", ["onset,offset\n1,2\n", "kind,onset_s,offset_s\nmicro,1,2\n", "kind,onset_s\nmicro,soon\n"]
)
def test_read_truth_explains_a_file_of_another_kind(tmp_path, content):
    path = tmp_path / "other.csv"
    path.write_text(content)
    with pytest.raises(RecordError, match="expected the columns of microcue synth"):
        read_truth(path)
