"""Stand-ins that keep what they were shown: the light and the indicator of every test."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

from edge.errors import IndicateError
from edge.indicate.indicator import State
from edge.indicate.patterns import DARK, Colour
from edge.messages import Cue


class RecordedLight:
    """A light that remembers when it had which colour, and can refuse.

    Parameters
    ----------
    now_ns : callable, ns
        The test's clock.
    refusals : iterable of IndicateError or None, optional
        One for each call of `set`, in order: raised, or None for a call that goes well.

    Attributes
    ----------
    history : list of (int, Colour)
        Time in ns and the colour taken, one entry for each call that went well.
    """

    def __init__(self, now_ns: Callable[[], int], refusals: Iterable[IndicateError | None] = ()) -> None:
        self.history: list[tuple[int, Colour]] = []
        self.is_closed = False
        self._now_ns = now_ns
        self._refusals = deque(refusals)

    def set(self, colour: Colour) -> None:
        """Remember, or refuse as the script says."""
        refusal = self._refusals.popleft() if self._refusals else None
        if refusal is not None:
            raise refusal
        self.history.append((self._now_ns(), colour))

    def close(self) -> None:
        """Go dark."""
        if not self.is_closed:
            self.is_closed = True
            self.history.append((self._now_ns(), DARK))


class RecordedIndicator:
    """An indicator that remembers what the main loop said, and when.

    Attributes
    ----------
    states : list of (int, State)
        Each change of state.
    cues : list of (int, Cue)
    marks : list of int
        Times at which a press of the button was answered.
    """

    def __init__(self, now_ns: Callable[[], int]) -> None:
        self.states: list[tuple[int, State]] = []
        self.cues: list[tuple[int, Cue]] = []
        self.marks: list[int] = []
        self.is_closed = False
        self._now_ns = now_ns

    def show(self, state: State) -> None:
        """Remember a change of state."""
        if not self.states or self.states[-1][1] is not state:
            self.states.append((self._now_ns(), state))

    def cue(self, cue: Cue) -> None:
        """Remember a cue."""
        self.cues.append((self._now_ns(), cue))

    def marked(self) -> None:
        """Remember an answer."""
        self.marks.append(self._now_ns())

    def close(self) -> None:
        """Remember the end."""
        self.is_closed = True


class PlayedSwitch:
    """A button in memory: a test pushes it.

    Parameters
    ----------
    changed : callable
        As every driver takes it.
    """

    def __init__(self, changed: Callable[[bool], None]) -> None:
        self.is_down = False
        self.is_closed = False
        self._changed = changed

    def push(self, is_down: bool) -> None:
        """Press it or let it go, once for every call."""
        self.is_down = is_down
        if not self.is_closed:
            self._changed(is_down)

    def close(self) -> None:
        """Say no more."""
        self.is_closed = True
