"""The light's language, as data: when it is on, for how long, in which colour.

Each pattern is told from every other by its rhythm alone, so one LED of one colour says it all
and colour-blind people miss nothing; an RGB LED adds a colour. `docs/led.md` is the same table
for people, and a test holds the two together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from edge.indicate.indicator import State

Colour: TypeAlias = tuple[int, int, int]  # red, green, blue; each 0 or 1, since pins are not dimmed

DARK: Colour = (0, 0, 0)
WHITE: Colour = (1, 1, 1)
RED: Colour = (1, 0, 0)
GREEN: Colour = (0, 1, 0)
BLUE: Colour = (0, 0, 1)
YELLOW: Colour = (1, 1, 0)


@dataclass(frozen=True, slots=True)
class Pattern:
    """A rhythm of light.

    Attributes
    ----------
    name : str
        As people read it.
    colour : Colour
        Of an RGB LED; a plain LED is on where any of the three is.
    steps_ms : tuple of int, ms
        On, off, on, off, ... in turn, beginning with on; an even number of them. Empty is dark.
    repeats : bool
        False: played once, then the state's own pattern comes back.
    """

    name: str
    colour: Colour
    steps_ms: tuple[int, ...]
    repeats: bool = True


STATES = {
    State.OFF: Pattern("off", DARK, ()),
    State.LEARNING: Pattern("learning", BLUE, (500, 500)),
    State.WATCHING: Pattern("watching", GREEN, (60, 2940)),
    State.NO_FACE: Pattern("no face", YELLOW, (80, 170, 80, 1670)),
    State.FAULT: Pattern("fault", RED, (100, 100)),
}
# dark at its end, so that a second cue is seen as a second pulse
CUE = Pattern("cue", WHITE, (400, 150), repeats=False)
