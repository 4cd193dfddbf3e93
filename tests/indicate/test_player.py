"""The indicator's thread: rounds in virtual time, and the real thread woken for real."""

from __future__ import annotations

import threading

import pytest

from edge.config import IndicateConfig
from edge.errors import IndicateError
from edge.indicate.indicator import IndicatorGroup, NullIndicator, State, is_shown
from edge.indicate.patterns import BLUE, CYAN, DARK, MAGENTA, RED, WHITE
from edge.indicate.player import LightDisplay, Player
from edge.indicate.recorded import RecordedIndicator, RecordedLight
from edge.timing import LatencyHistogram

MS = 1_000_000


@pytest.fixture
def light(clock):
    """A light that remembers."""
    return RecordedLight(clock)


@pytest.fixture
def player(light, clock):
    """A player without its thread: the test calls `pump`."""
    player = Player(LightDisplay(light), clock)
    yield player
    player.close()


def played(player, light, clock, duration_ms):
    """Pump each millisecond; changes as (ms, colour)."""
    begin_ns, n_before = clock.time_ns, len(light.history)
    for _ in range(duration_ms):
        player.pump()
        clock.time_ns += MS
    return [((at - begin_ns) // MS, colour) for at, colour in light.history[n_before:]]


def test_a_state_is_played_in_its_rhythm(player, light, clock):
    player.show(State.LEARNING)
    assert played(player, light, clock, 1600) == [(0, BLUE), (500, DARK), (1000, BLUE), (1500, DARK)]


def test_a_cue_is_on_the_light_in_the_round_that_takes_it_in(player, light, clock, make_cue):
    player.show(State.LEARNING)
    played(player, light, clock, 730)
    player.cue(make_cue())
    assert played(player, light, clock, 600) == [(0, WHITE), (400, DARK), (550, BLUE)]


def test_a_state_repeated_with_every_frame_is_said_once(player, light, clock):
    for _ in range(300):
        player.show(State.FAULT)
    assert played(player, light, clock, 250) == [(0, RED), (100, DARK), (200, RED)]


def test_a_light_that_refuses_is_counted_and_tried_again(clock, make_cue):
    light = RecordedLight(clock, [None, IndicateError("the pin is gone"), IndicateError("the pin is gone")])
    player = Player(LightDisplay(light), clock)
    player.show(State.LEARNING)
    played(player, light, clock, 501)
    assert player.fault == "the pin is gone"
    assert player.n_refused >= 1
    clock.time_ns += 1_000 * MS
    played(player, light, clock, 2_000)
    assert player.fault == ""
    assert player.n_refused == 2
    player.close()


def test_closing_goes_dark_and_twice_is_once(player, light, clock):
    player.show(State.FAULT)
    played(player, light, clock, 10)
    player.close()
    player.close()
    assert light.history[-1][1] == DARK
    assert light.is_closed


def test_in_quiet_hours_only_a_pause_a_fault_and_an_answer_are_seen(light, clock, make_cue):
    player = Player(LightDisplay(light, is_quiet=lambda: True), clock)
    player.show(State.WATCHING)
    player.cue(make_cue())
    assert all(colour == DARK for _, colour in played(player, light, clock, 700))
    player.marked()
    assert played(player, light, clock, 600)[0] == (0, CYAN)
    player.show(State.PAUSED)
    assert played(player, light, clock, 10) == [(0, MAGENTA)]
    player.show(State.FAULT)
    assert played(player, light, clock, 110) == [(0, RED), (100, DARK)]
    player.close()


def test_a_light_without_cues_shows_its_state_through_them_and_answers_the_hand(light, clock, make_cue):
    player = Player(LightDisplay(light, shows_cues=False), clock)
    player.show(State.LEARNING)
    played(player, light, clock, 730)
    player.cue(make_cue())
    assert played(player, light, clock, 600) == [(270, BLUE)]
    player.marked()
    assert CYAN in [colour for _, colour in played(player, light, clock, 600)]
    player.close()


def test_quiet_hours_begin_and_end_while_a_state_lasts(light, clock):
    quiet = [False]
    player = Player(LightDisplay(light, is_quiet=lambda: quiet[0]), clock)
    player.show(State.WATCHING)
    flashes = []
    for quiet[0] in (False, True, True, False):
        flashes.append(sum(colour != DARK for _, colour in played(player, light, clock, 3000)))
    assert flashes == [1, 0, 0, 1]
    player.close()


def test_a_group_tells_all_and_closes_all_even_where_one_refuses(clock, make_cue):
    class Stuck(RecordedIndicator):
        def close(self):
            raise IndicateError("the pin is gone")

    first, second = Stuck(clock), RecordedIndicator(clock)
    group = IndicatorGroup([first, second])
    group.show(State.LEARNING)
    group.cue(make_cue())
    group.marked()
    for member in (first, second):
        assert [state for _, state in member.states] == [State.LEARNING]
        assert len(member.cues) == len(member.marks) == 1
    with pytest.raises(IndicateError, match="gone"):
        group.close()
    assert second.is_closed


class AnnouncingLight(RecordedLight):
    """Sets an event for each colour, so that a test can wait for the real thread."""

    def __init__(self) -> None:
        super().__init__(lambda: 0)
        self.seen = {colour: threading.Event() for colour in (BLUE, WHITE, DARK)}

    def set(self, colour):
        super().set(colour)
        self.seen[colour].set()


def test_the_thread_wakes_for_a_state_and_for_a_cue_and_ends(make_cue):
    light = AnnouncingLight()
    player = Player(LightDisplay(light)).start()
    player.show(State.LEARNING)
    assert light.seen[BLUE].wait(20)
    player.cue(make_cue())
    assert light.seen[WHITE].wait(20)
    player.close()
    assert light.history[-1][1] == DARK
    assert not any(thread.name == "indicator" for thread in threading.enumerate())


def test_a_closed_player_that_never_started_is_quiet(light, clock):
    Player(LightDisplay(light), clock).close()
    assert light.history == [(clock.time_ns, DARK)]


def test_the_recorded_indicator_keeps_changes_and_cues_with_their_times(clock, make_cue):
    indicator = RecordedIndicator(clock)
    indicator.show(State.LEARNING)
    clock.time_ns += 3
    indicator.show(State.LEARNING)
    indicator.show(State.WATCHING)
    indicator.cue(make_cue())
    indicator.close()
    assert [state for _, state in indicator.states] == [State.LEARNING, State.WATCHING]
    assert indicator.states[1][0] - indicator.states[0][0] == 3
    assert indicator.cues == [(clock.time_ns, make_cue())]
    assert indicator.is_closed


def test_the_null_indicator_takes_everything(make_cue):
    indicator = NullIndicator()
    indicator.show(State.FAULT)
    indicator.cue(make_cue())
    indicator.marked()
    indicator.close()


@pytest.mark.parametrize(
    ("changes", "flagged_cues", "expected"),
    [
        ({}, False, True),
        ({"kind": "macro"}, True, False),
        ({"during_blink": True}, False, False),
        ({"during_speech": True}, False, False),
        ({"during_blink": True}, True, True),
    ],
)
def test_micro_cues_without_a_flag_are_shown(make_cue, changes, flagged_cues, expected):
    assert is_shown(make_cue(**changes), IndicateConfig(flagged_cues=flagged_cues)) is expected


def test_how_long_a_cue_took_to_be_shown_is_timed(light, clock, make_cue):
    latency = LatencyHistogram()
    player = Player(LightDisplay(light), clock, latency)
    player.cue(make_cue())
    clock.time_ns += 3 * MS
    player.pump()
    player.pump()
    assert latency.n == 1
    assert latency.largest_ns == 3 * MS
    player.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_died_is_started_again_with_the_state_that_holds(clock, make_cue):
    shown = threading.Event()

    class Frail(LightDisplay):
        def cue(self, cue):
            raise RuntimeError("a bug")

        def show(self, state):
            super().show(state)
            shown.set()

    light = RecordedLight(clock)
    player = Player(Frail(light), clock)
    assert player.is_alive  # not started: not dead
    player.start()
    player.show(State.FAULT)
    assert shown.wait(20)
    shown.clear()
    player.cue(make_cue())
    player._thread.join(20)
    assert not player.is_alive
    player.revive()
    assert player.is_alive
    assert shown.wait(20)
    player.close()
    assert player.is_alive  # ended, not dead
