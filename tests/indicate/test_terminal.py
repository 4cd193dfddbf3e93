"""The line in the terminal, and the lines in a pipe."""

from __future__ import annotations

import io
import os

import pytest

from edge.indicate.indicator import State
from edge.indicate.player import Player
from edge.indicate.terminal import TerminalDisplay, describe, describe_within


class Screen(io.StringIO):
    """A text stream that is a terminal, 80 columns wide."""

    def isatty(self):
        return True

    @property
    def line(self):
        return self.getvalue().rsplit("\r\x1b[K", 1)[-1]


@pytest.fixture
def wide(monkeypatch):
    """80 columns, whatever the tests run in."""
    monkeypatch.setattr("shutil.get_terminal_size", lambda: os.terminal_size((80, 24)))


def test_a_cue_reads_as_one_short_line(make_cue):
    assert describe(make_cue()) == "inner brow raise, left, 120 ms, 18 miod"
    both = make_cue(movements=("lip_corner_pull", "cheek_raise"), side="both")
    assert describe(both) == "lip corner pull + cheek raise, both sides, 120 ms, 18 miod"


def test_a_pipe_gets_one_line_for_each_cue_and_nothing_else(clock, make_cue):
    stream = io.StringIO()
    player = Player(TerminalDisplay(stream), clock)
    player.show(State.LEARNING)
    player.pump()
    player.cue(make_cue())
    player.show(State.WATCHING)
    player.pump()
    player.close()
    assert stream.getvalue() == "cue: inner brow raise, left, 120 ms, 18 miod\n"


def test_a_terminal_shows_the_state_as_a_word_that_blinks(clock, wide):
    screen = Screen()
    player = Player(TerminalDisplay(screen, colours=False), clock)
    player.show(State.LEARNING)
    player.pump()
    assert screen.line == "● learning  0 cues"
    clock.time_ns += 600_000_000
    player.pump()
    assert screen.line == "○ learning  0 cues"
    player.close()
    assert screen.line == ""


def test_a_terminal_shows_the_last_cue_and_how_many(clock, make_cue, wide):
    screen = Screen()
    player = Player(TerminalDisplay(screen, colours=False), clock)
    player.show(State.WATCHING)
    player.cue(make_cue())
    player.pump()
    assert screen.line == "● cue       1 cue   last: inner brow raise, left, 120 ms, 18 miod"
    clock.time_ns += 700_000_000
    player.pump()
    assert screen.line.split("   ")[0].split(maxsplit=1)[1].startswith("watching")
    player.close()


def test_a_long_line_is_cut_to_the_terminal(clock, make_cue, wide):
    screen = Screen()
    display = TerminalDisplay(screen, colours=False)
    display.cue(make_cue(movements=("inner_brow_raise", "outer_brow_raise", "lip_corner_pull", "chin_raise")))
    display.draw(clock())
    assert len(screen.line) < 80
    assert screen.line.endswith(" 1 cue   inner brow raise +3, left, 120 ms, 18 miod")


def test_movements_give_way_to_numbers(make_cue):
    cue = make_cue(movements=("inner_brow_raise", "outer_brow_raise", "chin_raise"))
    whole = "inner brow raise + outer brow raise + chin raise, left, 120 ms, 18 miod"
    assert describe(cue) == describe_within(cue, len(whole)) == whole
    shorter = "inner brow raise + outer brow raise +1, left, 120 ms, 18 miod"
    assert describe_within(cue, len(whole) - 1) == shorter
    assert describe_within(cue, 42) == "inner brow raise +2, left, 120 ms, 18 miod"
    assert describe_within(cue, 41) == "left, 120 ms, 18 miod"
    assert describe_within(cue, 10) == describe_within(cue, -5) == ""


def test_the_dot_has_the_pattern_s_colour(clock, wide):
    screen = Screen()
    display = TerminalDisplay(screen, colours=True)
    display.show(State.FAULT)
    display.draw(clock())
    assert screen.line.startswith("\x1b[31m●\x1b[0m")


def test_no_color_is_respected(clock, wide, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    screen = Screen()
    display = TerminalDisplay(screen)
    display.show(State.FAULT)
    display.draw(clock())
    assert screen.line.startswith("● fault")


def test_a_closed_stream_is_a_refusal_not_the_end_of_the_thread(clock, make_cue):
    class Gone(io.StringIO):
        def write(self, text):
            raise BrokenPipeError(32, "Broken pipe")

    player = Player(TerminalDisplay(Gone()), clock)
    player.cue(make_cue())
    assert player.pump()
    assert "Broken pipe" in player.fault
    player.close()


def test_progress_stays_fresh_between_two_flashes(clock, wide):
    screen, far = Screen(), ["0:01 of 1:00"]
    display = TerminalDisplay(screen, colours=False, progress=lambda: far[0])
    display.show(State.WATCHING)
    clock.time_ns = display.draw(clock())  # the flash is over
    far[0] = "0:02 of 1:00"
    due_ns = display.draw(clock())
    assert screen.line == "○ watching  0:02 of 1:00  0 cues"
    assert due_ns - clock() == 500_000_000
