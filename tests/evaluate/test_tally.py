"""Counting by the challenges' protocol, against brute force, mir_eval and cases worked by hand."""

from __future__ import annotations

import functools
import math

import mir_eval
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.evaluate.bootstrap import f1_interval
from edge.evaluate.boundaries import boundary_errors
from edge.evaluate.intervals import FrameInterval, inclusive_iou, iou_table, matched, without_doubles
from edge.evaluate.published import SCORERS, as_scored_by, outer_iou, touching_iou
from edge.evaluate.tally import Protocol, Tally, WatchedVideo, by_subject, overall, pooled, tally


def micro(onset, offset, **more):
    return FrameInterval(onset, offset, "micro", **more)


def macro(onset, offset):
    return FrameInterval(onset, offset, "macro")


def video(events=(), cues=(), name="1", subject="s1", fps=30.0, n_frames=1800):
    return WatchedVideo(name, subject, fps, n_frames, tuple(events), tuple(cues))


intervals = st.lists(
    st.builds(lambda onset, length: micro(onset, onset + length), st.integers(0, 40), st.integers(0, 12)),
    max_size=6,
)


def iou_by_sets(one, other):
    ones = set(range(one.onset_frame, one.offset_frame + 1))
    others = set(range(other.onset_frame, other.offset_frame + 1))
    return len(ones & others) / len(ones | others)


def most_pairs_by_trying_all(meets):
    """Largest number of one-to-one pairs in a table of booleans, every assignment tried."""

    @functools.cache
    def most(event, taken):
        if event == len(meets):
            return 0
        best = most(event + 1, taken)
        for cue, is_met in enumerate(meets[event]):
            if is_met and not taken >> cue & 1:
                best = max(best, 1 + most(event + 1, taken | 1 << cue))
        return best

    return most(0, 0)


def test_counts_equal_brute_force_on_ten_thousand_random_sets():
    rng = np.random.default_rng(9)
    n_with_a_choice = 0
    for _ in range(10_000):
        # crowded on purpose: many cues fit several events
        events, cues = (
            [
                micro(on, on + int(rng.integers(0, 9)))
                for on in rng.integers(0, 25, rng.integers(0, 6)).tolist()
            ]
            for _ in range(2)
        )
        least = float(rng.choice([0.1, 0.3, 0.5, 0.7]))
        meets = [[iou_by_sets(event, cue) >= least for cue in cues] for event in events]
        counted = tally(video(events, cues), Protocol(least))
        n_true = most_pairs_by_trying_all(meets)
        assert counted.n_true == n_true
        assert counted.n_false == len(cues) - n_true
        assert counted.n_missed == len(events) - n_true
        n_with_a_choice += sum(map(sum, meets)) > n_true
    assert n_with_a_choice > 1000


@settings(deadline=None)
@given(events=intervals, cues=intervals, least=st.floats(0.01, 1.0))
def test_pairs_are_one_to_one_and_overlap_enough(events, cues, least):
    table = iou_table(events, cues)
    pairs = matched(table, least)
    assert len({event for event, _ in pairs}) == len({cue for _, cue in pairs}) == len(pairs)
    assert all(table[pair] >= least for pair in pairs)


@settings(deadline=None)
@given(events=intervals, cues=intervals)
def test_counting_does_not_depend_on_order_or_on_which_side_is_called_truth(events, cues):
    one = tally(video(events, cues), Protocol())
    turned = tally(video(events[::-1], cues[::-1]), Protocol())
    swapped = tally(video(cues, events), Protocol())
    assert one == turned
    assert (one.n_true, one.n_false, one.n_missed) == (swapped.n_true, swapped.n_missed, swapped.n_false)


@settings(deadline=None)
@given(events=intervals, cues=intervals)
def test_a_higher_bar_never_finds_more(events, cues):
    found = [tally(video(events, cues), Protocol(least)).n_true for least in (0.2, 0.3, 0.4, 0.5, 0.9)]
    assert found == sorted(found, reverse=True)


@settings(deadline=None)
@given(one=intervals.filter(bool), other=intervals.filter(bool))
def test_iou_is_that_of_the_sets_of_frames(one, other):
    assert inclusive_iou(one[0], other[0]) == pytest.approx(iou_by_sets(one[0], other[0]))


@settings(deadline=None, max_examples=200)
@given(events=intervals, cues=intervals)
def test_matching_equals_that_of_mir_eval(events, cues):
    """mir_eval matches notes by onset: a graph of our own from its tolerance, its own matching."""
    edges = {}
    for number, event in enumerate(events):
        near = [at for at, cue in enumerate(cues) if abs(cue.onset_frame - event.onset_frame) <= 3]
        if near:
            edges[number] = near
    table = np.array(
        [[abs(cue.onset_frame - event.onset_frame) <= 3 for cue in cues] for event in events], float
    ).reshape(len(events), len(cues))
    theirs = mir_eval.util.match_events(
        np.array([event.onset_frame for event in events], float),
        np.array([cue.onset_frame for cue in cues], float),
        3.0,
    )
    assert len(matched(table, 0.5)) == len(theirs)


def test_half_of_the_joined_frames_is_enough():
    """Frames 10..19 and 10..14: 5 shared of 10."""
    assert tally(video([micro(10, 19)], [micro(10, 14)]), Protocol()).n_true == 1
    assert tally(video([micro(10, 19)], [micro(10, 13)]), Protocol()).n_true == 0


def test_a_greedy_scorer_loses_what_matching_finds():
    """The first event fits both cues, the second only the first cue."""
    events = [micro(0, 9), micro(3, 8)]
    cues = [micro(1, 9), micro(0, 5)]
    one = video(events, cues)
    assert tally(one, Protocol()).n_true == 2
    assert SCORERS["greedy"].count([one], Protocol()).n_true == 1


def test_false_cues_in_videos_without_events_count():
    videos = [video([micro(0, 9)], [micro(0, 9)], "1"), video([], [micro(5, 9), micro(50, 60)], "2")]
    counted = pooled(videos, Protocol(kind="micro"))
    assert (counted.n_true, counted.n_false, counted.n_missed) == (1, 2, 0)
    assert counted.false_per_minute == pytest.approx(1.0)
    left_out = as_scored_by("softnet", videos)["micro"]
    assert (left_out.n_true, left_out.n_false) == (1, 0)


def test_micro_and_macro_are_counted_apart_and_then_added():
    one = video([micro(0, 9), macro(100, 150)], [macro(0, 9), macro(100, 150)])
    counted = overall([one])
    assert (counted["micro"].n_missed, counted["macro"].n_false, counted["macro"].n_true) == (1, 1, 1)
    assert counted["overall"] == Tally(1, 1, 1, minutes=1.0)
    assert pooled([one], Protocol(kind="either")).n_true == 2


def test_shares_of_a_tally():
    counted = Tally(n_true=14, n_false=40, n_missed=43)
    assert counted.precision == pytest.approx(0.2593, abs=1e-4)
    assert counted.recall == pytest.approx(0.2456, abs=1e-4)
    assert counted.f1 == pytest.approx(0.2523, abs=1e-4)  # as published from these counts


def test_nothing_at_all_has_no_shares():
    nothing = Tally()
    assert nothing.f1 == 0
    assert math.isnan(nothing.precision)
    assert math.isnan(nothing.recall)
    assert math.isnan(nothing.false_per_minute)


def test_subjects_keep_their_order():
    groups = by_subject(
        [video(name="1", subject="b"), video(name="2", subject="a"), video(name="3", subject="b")]
    )
    assert {subject: [one.name for one in some] for subject, some in groups.items()} == {
        "b": ["1", "3"],
        "a": ["2"],
    }


def test_bootstrap_draws_subjects_and_not_videos():
    """One all right, one all wrong: a quarter of the draws has only the one, a quarter only the other."""
    low, high = f1_interval({"a": Tally(n_true=5), "b": Tally(n_missed=5)})
    assert (low, high) == (0.0, 1.0)
    same = {name: Tally(3, 1, 2) for name in "abc"}
    assert f1_interval(same) == pytest.approx((Tally(3, 1, 2).f1,) * 2)
    assert all(math.isnan(limit) for limit in f1_interval({"a": Tally(1, 1, 1)}))


def test_boundary_errors_are_absolute_and_in_milliseconds():
    event = micro(30, 39, apex_frame=34)
    cue = micro(27, 40, apex_frame=36, latency_s=0.2)
    errors = boundary_errors([video([event], [cue])], Protocol())
    assert errors["onset_ms"].median == pytest.approx(100.0)
    assert errors["offset_ms"].median == pytest.approx(100 / 3)
    assert errors["apex_ms"].median == pytest.approx(200 / 3)
    assert errors["latency_ms"].median == pytest.approx(200 + 100 / 3)


def test_an_unknown_apex_counts_in_no_error():
    errors = boundary_errors([video([micro(0, 9)], [micro(0, 9, apex_frame=4)])], Protocol())
    assert errors["apex_ms"].n == 0
    assert errors["onset_ms"].n == 1


def test_published_overlaps_are_wrong_where_their_code_is():
    assert touching_iou(micro(0, 9), micro(100, 109)) == pytest.approx(1 / 19)
    assert touching_iou(micro(5, 5), micro(5, 5)) == 0
    assert outer_iou(micro(10, 19), micro(10, 14)) == pytest.approx(4 / 9)
    assert outer_iou(micro(0, 9), micro(20, 29)) == 0
    assert inclusive_iou(micro(0, 9), micro(100, 109)) == 0


def test_one_cue_meets_two_events_in_some_published_scorers():
    """Two short events within one cue that overlaps each by half."""
    one = video([micro(0, 9), micro(0, 8)], [micro(0, 9)])
    assert tally(one, Protocol()).n_true == 1
    for name in ("mdmd", "strs"):
        assert as_scored_by(name, [one])["micro"].n_true == 2


def test_strs_leaves_out_people_without_a_cue():
    videos = [
        video([micro(0, 9)], [micro(0, 9)], "1", "a"),
        video([micro(0, 9)], [], "2", "b"),
        video([], [micro(0, 9)], "3", "a"),
    ]
    counted = as_scored_by("strs", videos)["micro"]
    assert (counted.n_true, counted.n_false, counted.n_missed) == (1, 0, 0)
    assert pooled(videos, Protocol(kind="micro")) == Tally(1, 1, 1, minutes=3.0)


def test_every_scorer_agrees_where_nothing_is_in_doubt():
    videos = [
        video([micro(0, 9), macro(100, 160)], [micro(0, 9), micro(300, 310)], "1", "a"),
        video([micro(50, 61)], [micro(50, 60), macro(200, 290)], "2", "b"),
    ]
    for name in SCORERS:
        counted = as_scored_by(name, videos)["micro"]
        assert (counted.n_true, counted.n_false, counted.n_missed) == (2, 1, 0), name


def test_of_cues_that_tell_one_movement_twice_the_surest_stays():
    sure, double = micro(10, 20, strength=3.0), micro(11, 22, strength=1.0)
    apart, lasting = micro(19, 30, strength=0.5), macro(10, 22)
    assert without_doubles([double, apart, lasting, sure]) == (sure, lasting, apart)


@settings(deadline=None)
@given(cues=intervals)
def test_no_two_cues_that_stay_overlap_by_half(cues):
    kept = without_doubles(cues)
    assert all(inclusive_iou(a, b) < 0.5 for k, a in enumerate(kept) for b in kept[k + 1 :])
    assert bool(kept) == bool(cues)
