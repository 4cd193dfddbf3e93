"""Patterns in time, with no thread and no clock but the test's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.indicate.indicator import State
from edge.indicate.patterns import BLUE, CUE, CYAN, DARK, GREEN, STATES, WHITE, marker
from edge.indicate.sequencer import N_PULSES_WAITING_MAX, Sequencer

MS = 1_000_000


def changes(sequencer, begin_ns, end_ns):
    """Every change of colour as (ms since begin, colour), asking only when told to."""
    seen, now_ns = [], begin_ns
    while now_ns < end_ns:
        colour, until_ns = sequencer.colour(now_ns)
        if not seen or seen[-1][1] != colour:
            seen.append(((now_ns - begin_ns) // MS, colour))
        if until_ns is None:
            break
        assert until_ns > now_ns
        now_ns = until_ns
    return seen


@pytest.fixture
def sequencer():
    """One that has been told nothing."""
    return Sequencer()


def test_nothing_is_shown_before_a_state_is(sequencer):
    assert sequencer.colour(7) == (DARK, None)
    assert sequencer.showing == "off"


def test_learning_blinks_once_a_second_evenly(sequencer):
    sequencer.show(State.LEARNING)
    assert changes(sequencer, 0, 2000 * MS) == [(0, BLUE), (500, DARK), (1000, BLUE), (1500, DARK)]


def test_no_face_flashes_twice_every_two_seconds(sequencer):
    sequencer.show(State.NO_FACE)
    lit = [at for at, colour in changes(sequencer, 0, 4000 * MS) if colour != DARK]
    assert lit == [0, 250, 2000, 2250]


def test_fault_blinks_five_times_a_second(sequencer):
    sequencer.show(State.FAULT)
    assert len([c for _, c in changes(sequencer, 0, 1000 * MS) if c != DARK]) == 5


def test_a_cue_goes_before_the_state_at_once_and_the_state_comes_back(sequencer):
    sequencer.show(State.LEARNING)
    sequencer.colour(0)
    sequencer.cue()
    seen = changes(sequencer, 700 * MS, 2300 * MS)
    assert seen[:3] == [(0, WHITE), (400, DARK), (550, BLUE)]


def test_a_state_said_during_a_cue_waits_for_its_end(sequencer):
    sequencer.show(State.LEARNING)
    sequencer.cue()
    sequencer.colour(0)
    sequencer.show(State.WATCHING)
    assert changes(sequencer, 0, 600 * MS) == [(0, WHITE), (400, DARK), (550, GREEN)]


def test_saying_the_same_state_again_does_not_restart_its_rhythm(sequencer):
    sequencer.show(State.LEARNING)
    sequencer.colour(0)
    sequencer.show(State.LEARNING)
    assert sequencer.colour(600 * MS) == (DARK, 1000 * MS)


def test_two_cues_at_once_are_two_pulses(sequencer):
    sequencer.show(State.OFF)
    sequencer.cue()
    sequencer.cue()
    seen = changes(sequencer, 0, 3000 * MS)
    assert seen == [(0, WHITE), (400, DARK), (550, WHITE), (950, DARK)]
    assert sequencer.n_cues_merged == 0


def test_cues_beyond_those_that_wait_are_counted(sequencer):
    for _ in range(1 + N_PULSES_WAITING_MAX + 2):
        sequencer.cue()
    pulses = [c for _, c in changes(sequencer, 0, 10_000 * MS) if c == WHITE]
    assert len(pulses) == 1 + N_PULSES_WAITING_MAX
    assert sequencer.n_cues_merged == 2


def test_the_answer_to_a_button_is_played_once_and_the_state_comes_back(sequencer):
    sequencer.show(State.WATCHING)
    sequencer.colour(0)
    sequencer.marked()
    seen = changes(sequencer, 100 * MS, 700 * MS)
    assert seen[:6] == [(0, CYAN), (60, DARK), (120, CYAN), (180, DARK), (240, CYAN), (300, DARK)]
    assert seen[6] == (560, GREEN)


def test_a_cue_does_not_wait_for_the_answer_to_a_button(sequencer):
    sequencer.marked()
    sequencer.colour(0)
    sequencer.cue()
    assert changes(sequencer, 70 * MS, 1000 * MS) == [(0, WHITE), (400, DARK)]


def test_the_answer_to_a_button_waits_for_a_cue(sequencer):
    sequencer.cue()
    sequencer.colour(0)
    sequencer.marked()
    assert changes(sequencer, 0, 560 * MS) == [(0, WHITE), (400, DARK), (550, CYAN)]


def test_a_marker_says_cues_and_nothing_else():
    sequencer = Sequencer(marker(2.5))
    sequencer.show(State.FAULT)
    sequencer.marked()
    assert sequencer.colour(0) == (DARK, None)
    sequencer.cue()
    sequencer.cue()
    assert sequencer.colour(10) == (WHITE, 10 + 2_500_000)
    assert sequencer.colour(10 + 2_500_000) == (DARK, 10 + 5_000_000)
    assert sequencer.colour(10 + 5_000_000) == (WHITE, 10 + 7_500_000)
    assert sequencer.colour(10 + 10_000_000) == (DARK, None)


@given(steps=st.lists(st.integers(1, 3_000), min_size=1, max_size=60), state=st.sampled_from(list(State)))
def test_the_colour_at_a_time_does_not_depend_on_how_often_it_is_asked(steps, state):
    often, once = Sequencer(), Sequencer()
    for sequencer in (often, once):
        sequencer.show(state)
        sequencer.colour(0)
    now_ns = 0
    for step in steps:
        now_ns += step * MS
        expected = often.colour(now_ns)
    assert once.colour(now_ns) == expected
    pattern = STATES[state]
    if pattern.steps_ms:  # the definition, one millisecond at a time
        track = [
            pattern.colour if index % 2 == 0 else DARK
            for index, step in enumerate(pattern.steps_ms)
            for _ in range(step)
        ]
        assert expected[0] == track[now_ns // MS % len(track)]


def test_the_cue_pulse_is_seen_apart_from_what_follows():
    assert CUE.steps_ms[-1] >= 100
