"""What an indicator does for the main loop, and the one that does nothing."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Protocol

from edge.config import IndicateConfig
from edge.messages import Cue


class State(enum.Enum):
    """What the indicator shows while no cue is being shown."""

    OFF = "off"
    LEARNING = "learning"
    WATCHING = "watching"
    SPARING = "sparing"
    NO_FACE = "no face"
    PAUSED = "paused"
    ASKING = "asking"
    DELETABLE = "deletable"
    DELETED = "deleted"
    FAULT = "fault"


class Indicator(Protocol):
    """Shows a state and, over it, cues. Nothing here waits: it is called between two frames."""

    def show(self, state: State) -> None:
        """From now on this state. Saying it again costs nothing and restarts nothing."""

    def cue(self, cue: Cue) -> None:
        """One candidate cue, shown at once, whatever the state."""

    def marked(self) -> None:
        """The button was understood. May be called from another thread."""

    def close(self) -> None:
        """Go dark and release the device. Safe to call twice."""


class NullIndicator:
    """Shows nothing: `--led none`."""

    def show(self, state: State) -> None:
        """Nothing to see."""

    def cue(self, cue: Cue) -> None:
        """Nothing to see."""

    def marked(self) -> None:
        """Nothing to see."""

    def close(self) -> None:
        """Nothing to release."""


class IndicatorGroup:
    """Several indicators that are told the same; one that is slow or broken holds up none of the others.

    Parameters
    ----------
    members : sequence of Indicator
        Told in this order: what measures time comes first. Owned from here on.
    """

    def __init__(self, members: Sequence[Indicator]) -> None:
        self.members = tuple(members)

    def show(self, state: State) -> None:
        """Tell all of them."""
        for member in self.members:
            member.show(state)

    def cue(self, cue: Cue) -> None:
        """Tell all of them."""
        for member in self.members:
            member.cue(cue)

    def marked(self) -> None:
        """Tell all of them."""
        for member in self.members:
            member.marked()

    def close(self) -> None:
        """Close all of them, also where one cannot be closed."""
        with ExitStack() as stack:
            for member in reversed(self.members):
                stack.callback(member.close)


def is_shown(cue: Cue, config: IndicateConfig) -> bool:
    """Whether the indicator shows this cue; the log has all.

    Micro cues, and of those the ones beside no blink and no speech unless `flagged_cues` is set.
    """
    is_flagged = cue.during_blink or cue.during_speech
    return cue.kind == "micro" and (config.flagged_cues or not is_flagged)
