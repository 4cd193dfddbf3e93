"""The light's language: told apart by rhythm alone, and the same in docs/led.md."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from edge.indicate.indicator import State
from edge.indicate.patterns import BEEP, CUE, LOUD, MARKED, STATES, TICK, marker
from edge.indicate.sequencer import N_PULSES_WAITING_MAX

PATTERNS = [*STATES.values(), CUE, MARKED]
LED_PAGE = Path(__file__).parents[2] / "docs" / "led.md"


def test_every_state_has_a_pattern_of_its_own_name():
    assert {state.value: pattern.name for state, pattern in STATES.items()} == {
        state.value: state.value for state in State
    }


@pytest.mark.parametrize(
    "pattern", [*PATTERNS, BEEP, TICK, marker(2.5).cue], ids=lambda pattern: pattern.name
)
def test_a_pattern_has_a_dark_time_for_each_light_time(pattern):
    assert len(pattern.steps_ms) % 2 == 0
    assert all(step > 0 for step in pattern.steps_ms)
    assert any(pattern.colour) == bool(pattern.steps_ms)


@pytest.mark.parametrize(("one", "other"), [*itertools.combinations([p for p in PATTERNS if p.steps_ms], 2)])
def test_two_patterns_differ_in_rhythm_enough_to_be_seen_without_colour(one, other):
    def rhythm(pattern):
        flashes = pattern.steps_ms[::2]
        return max(flashes), len(flashes), sum(pattern.steps_ms) / len(flashes)

    # once or without end; or the longest flash, the flashes in a row or the pace differs at least twofold
    assert one.repeats != other.repeats or any(
        a / b >= 2 or b / a >= 2 for a, b in zip(rhythm(one), rhythm(other), strict=True)
    )


def test_the_led_page_has_the_same_table():
    rows = {}
    for line in LED_PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and len(cells) == 4:
            rows[cells[0]] = (cells[1], cells[2])
    colours = {
        (0, 0, 0): "none",
        (1, 1, 1): "white",
        (1, 0, 0): "red",
        (0, 1, 0): "green",
        (0, 0, 1): "blue",
        (1, 1, 0): "yellow",
        (1, 0, 1): "magenta",
        (0, 1, 1): "cyan",
    }
    for pattern in PATTERNS:
        steps = " ".join(
            f"{'on' if index % 2 == 0 else 'off'} {step}" for index, step in enumerate(pattern.steps_ms)
        )
        assert rows[pattern.name] == (steps or "dark", colours[pattern.colour])


def test_the_led_page_says_how_many_pulses_wait():
    assert f"up to {N_PULSES_WAITING_MAX} pulses" in LED_PAGE.read_text(encoding="utf-8")


def test_the_led_page_says_what_quiet_hours_leave_and_what_a_buzzer_does():
    page = " ".join(LED_PAGE.read_text(encoding="utf-8").split())
    loud = (State.PAUSED, State.DELETABLE, State.DELETED, State.FAULT)
    assert {STATES[state] for state in loud} | {MARKED} == LOUD
    assert "shows only *paused*, *deletable*, *deleted*, *fault* and *marked*" in page
    assert f"{BEEP.steps_ms[0]} ms for a cue" in page
    assert f"{TICK.steps_ms[0]} ms for a press" in page
