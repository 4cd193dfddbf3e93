"""The light's language, as data: when it is on, for how long, in which colour.

Each pattern is told from every other by its rhythm alone, so one LED of one colour says it all
and colour-blind people miss nothing; an RGB LED adds a colour. `docs/led.md` is the same table
for people, and a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from edge.indicate.indicator import State

Colour: TypeAlias = tuple[int, int, int]  # red, green, blue; each 0 or 1: dimming is the light's own affair

DARK: Colour = (0, 0, 0)
WHITE: Colour = (1, 1, 1)
RED: Colour = (1, 0, 0)
GREEN: Colour = (0, 1, 0)
BLUE: Colour = (0, 0, 1)
YELLOW: Colour = (1, 1, 0)
MAGENTA: Colour = (1, 0, 1)
CYAN: Colour = (0, 1, 1)


@dataclass(frozen=True, slots=True)
class Pattern:
    """A rhythm of light.

    Attributes
    ----------
    name : str
        As people read it.
    colour : Colour
        Of an RGB LED; a plain LED is on where any of the three is.
    steps_ms : tuple of float, ms
        On, off, on, off, ... in turn, beginning with on; an even number of them. Empty is dark.
    repeats : bool
        False: played once, then the state's own pattern comes back.
    """

    name: str
    colour: Colour
    steps_ms: tuple[float, ...]
    repeats: bool = True


@dataclass(frozen=True, slots=True)
class Language:
    """What one device says: an LED all of it, a buzzer and a marker pin little more than cues.

    Attributes
    ----------
    cue : Pattern
        Played once, dark at its end, so that a second cue is seen as a second pulse.
    states : mapping of State to Pattern
        A state that is not in it is dark.
    marked : Pattern or None
        Answer to a press of the button, played once.
    """

    cue: Pattern
    states: Mapping[State, Pattern] = field(default_factory=dict)
    marked: Pattern | None = None


STATES = {
    State.OFF: Pattern("off", DARK, ()),
    State.LEARNING: Pattern("learning", BLUE, (500, 500)),
    State.WATCHING: Pattern("watching", GREEN, (60, 2940)),
    State.SPARING: Pattern("sparing", GREEN, (60, 240, 60, 240, 60, 240, 60, 3040)),
    State.NO_FACE: Pattern("no face", YELLOW, (80, 170, 80, 1670)),
    State.PAUSED: Pattern("paused", MAGENTA, (2000, 1000)),
    State.ASKING: Pattern("asking", WHITE, (1000, 250, 250, 1500)),
    State.DELETABLE: Pattern("deletable", MAGENTA, (250, 250, 250, 250, 250, 1750)),
    State.DELETED: Pattern("deleted", GREEN, (4000, 500)),
    State.FAULT: Pattern("fault", RED, (100, 100)),
}
CUE = Pattern("cue", WHITE, (400, 150), repeats=False)
MARKED = Pattern("marked", CYAN, (60, 60, 60, 60, 60, 260), repeats=False)
BEEP = Pattern("cue", WHITE, (80, 120), repeats=False)
TICK = Pattern("marked", WHITE, (15, 85), repeats=False)

LED = Language(CUE, STATES, MARKED)
BUZZER = Language(BEEP, marked=TICK)
# what stays visible in quiet hours: what a hand has just done, and what nobody may miss
LOUD = frozenset(
    {STATES[state] for state in (State.PAUSED, State.DELETABLE, State.DELETED, State.FAULT)} | {MARKED}
)


def marker(width_ms: float) -> Language:
    """One pulse for each cue and nothing else, with at least as long a pause before the next."""
    return Language(Pattern("marker", WHITE, (width_ms, width_ms), repeats=False))
