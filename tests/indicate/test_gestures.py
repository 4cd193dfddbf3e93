"""A button's gestures in virtual time: bounces, holds, and a button that is stuck."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.indicate.gestures import BOUNCE_NS, HOLD_NS, LONG_HOLD_NS, Gesture, Gestures

MS = 1_000_000
HOLD, LET_GO, LONG_HOLD, PRESS = Gesture.HOLD, Gesture.LET_GO, Gesture.LONG_HOLD, Gesture.PRESS


def told(changes_ms, until_ms, gestures=None):
    """Play (ms, is_down) changes, asking only when due; gestures as (gesture, ms it is dated)."""
    gestures = gestures or Gestures()
    found = []
    pending = [(at * MS, is_down) for at, is_down in changes_ms]
    while True:
        next_change_ns = pending[0][0] if pending else until_ms * MS
        due_ns = gestures.due_ns()
        if due_ns is not None and due_ns < next_change_ns:
            new = gestures.advance(due_ns)
            assert new or gestures.due_ns() != due_ns  # asked when due, something has come of it
            found += new
        elif pending:
            at_ns, is_down = pending.pop(0)
            found += gestures.change(is_down, at_ns)
        else:
            return [(gesture, at_ns / MS) for gesture, at_ns in found + gestures.advance(until_ms * MS)]


@pytest.mark.parametrize(
    ("down_ms", "expected"),
    [
        (31, [(PRESS, 100)]),
        (1999, [(PRESS, 100)]),
        (2000, [(HOLD, 2100), (LET_GO, 2100)]),
        (7999, [(HOLD, 2100), (LET_GO, 8099)]),
        (8000, [(HOLD, 2100), (LONG_HOLD, 8100)]),
        (60_000, [(HOLD, 2100), (LONG_HOLD, 8100)]),
    ],
)
def test_how_long_it_is_down_says_what_it_means(down_ms, expected):
    assert told([(100, True), (100 + down_ms, False)], 100_000) == expected


def test_a_bouncing_contact_is_one_press_dated_when_it_came_to_rest():
    down = [(100, True), (103, False), (105, True), (111, False), (112, True)]
    up = [(400, False), (402, True), (409, False), (410, True), (412, False)]
    assert told(down + up, 1000) == [(PRESS, 112)]


def test_a_spike_shorter_than_the_bounce_is_nothing():
    assert told([(100, True), (129, False)], 1000) == []


def test_a_contact_that_fails_for_a_moment_does_not_end_a_hold():
    changes = [(0, True), (1990, False), (2010, True), (5000, False), (5020, True), (8500, False)]
    assert told(changes, 10_000) == [(HOLD, 2000), (LONG_HOLD, 8000)]


def test_a_hold_is_known_while_the_button_is_still_down():
    gestures = Gestures()
    gestures.change(True, 0)
    assert gestures.advance(HOLD_NS - 1) == []
    assert gestures.advance(HOLD_NS) == [(HOLD, HOLD_NS)]
    assert gestures.due_ns() == LONG_HOLD_NS
    assert gestures.advance(LONG_HOLD_NS) == [(LONG_HOLD, LONG_HOLD_NS)]
    assert gestures.due_ns() is None


def test_a_button_that_is_down_from_the_start_means_nothing_until_it_was_up():
    gestures = Gestures(is_down=True)
    assert gestures.due_ns() is None
    assert told([(20_000, False), (21_000, True), (21_200, False)], 30_000, gestures) == [(PRESS, 21_000)]


def test_changes_that_were_taken_in_late_mean_the_same():
    gestures = Gestures()
    found = gestures.change(True, 0) + gestures.change(False, 9_000 * MS) + gestures.advance(9_030 * MS)
    assert found == [(HOLD, HOLD_NS), (LONG_HOLD, LONG_HOLD_NS)]


def reference(changes_ms, until_ms):
    """The definition, one millisecond at a time: settled for 30 ms, then counted."""
    level, settled, changed, down, said, found = False, False, 0, 0, None, []
    moments = dict(changes_ms)
    for now in range(until_ms + 1):
        if settled:
            held = (now if level else changed) - down
            if said is None and held >= HOLD_NS // MS:
                said = HOLD
                found.append(HOLD)
            if said is HOLD and held >= LONG_HOLD_NS // MS:
                said = LONG_HOLD
                found.append(LONG_HOLD)
        if level != settled and now - changed >= BOUNCE_NS // MS:
            settled = level
            if level:
                down, said = changed, None
            elif said is None:
                found.append(PRESS)
            elif said is HOLD:
                found.append(LET_GO)
        if now in moments and moments[now] != level:
            level, changed = moments[now], now
    return found


@given(
    st.lists(st.integers(1, 60) | st.integers(1900, 2100) | st.integers(5900, 8100), min_size=1, max_size=14)
)
def test_any_train_of_changes_means_what_the_definition_says(gaps_ms):
    changes, now = [], 0
    for number, gap in enumerate(gaps_ms):
        now += gap
        changes.append((now, number % 2 == 0))
    assert [gesture for gesture, _ in told(changes, now + 9000)] == reference(changes, now + 9000)
