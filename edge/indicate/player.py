"""The indicator's thread: takes what the main loop says and keeps the display in rhythm."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from edge.errors import IndicateError
from edge.indicate.indicator import State
from edge.indicate.patterns import DARK, LED, LOUD, Colour, Language
from edge.indicate.sequencer import Sequencer
from edge.messages import Cue
from edge.timing import LatencyHistogram


class Light(Protocol):
    """One LED, of one colour or three."""

    def set(self, colour: Colour) -> None:
        """Take this colour at once. Raises IndicateError where the device refuses."""

    def close(self) -> None:
        """Go dark and release the pins. Safe to call twice."""


class Display(Protocol):
    """Something that shows states and cues, called from one thread only."""

    def show(self, state: State) -> None:
        """Take the state in; `draw` comes next."""

    def cue(self, cue: Cue) -> None:
        """Take the cue in; `draw` comes next."""

    def marked(self) -> None:
        """Take in that the button was understood; `draw` comes next."""

    def draw(self, now_ns: int) -> int | None:
        """Bring the device up to date and say when to draw again; None: not by itself.

        Raises IndicateError where the device refuses.
        """

    def close(self) -> None:
        """Go dark and release the device. Safe to call twice."""


class LightDisplay:
    """Plays the patterns on a light.

    Parameters
    ----------
    light : Light
        Owned from here on.
    language : Language, optional
        What it says; an LED's by default.
    is_quiet : callable, optional
        Whether it should show only `patterns.LOUD` now.
    shows_cues : bool, optional
        False: states and answers only, for a person who watches the light and is not to learn of cues.
    """

    def __init__(
        self,
        light: Light,
        language: Language = LED,
        is_quiet: Callable[[], bool] = lambda: False,
        shows_cues: bool = True,
    ) -> None:
        self._light = light
        self._shows_cues = shows_cues
        self._sequencer = Sequencer(language)
        self._is_quiet = is_quiet
        self._shown: Colour | None = None

    def show(self, state: State) -> None:
        """Change the state's pattern."""
        self._sequencer.show(state)

    def cue(self, cue: Cue) -> None:  # noqa: ARG002  # one LED says that, not what
        """Pulse."""
        if self._shows_cues:
            self._sequencer.cue()

    def marked(self) -> None:
        """Answer."""
        self._sequencer.marked()

    def draw(self, now_ns: int) -> int | None:
        """Set the light if its colour changes now."""
        colour, until_ns = self._sequencer.colour(now_ns)
        if colour != DARK and self._sequencer.playing not in LOUD and self._is_quiet():
            colour = DARK
        if colour != self._shown:
            self._shown = None  # unknown, if the light now refuses: then the next draw tries again
            self._light.set(colour)
            self._shown = colour
        return until_ns

    def close(self) -> None:
        """Release the light."""
        self._light.close()


@dataclass(frozen=True, slots=True)
class _Decided:
    """A cue, and when it was handed over."""

    cue: Cue
    at_ns: int


class _Marked:
    """The button was understood."""


class _Stop:
    """Asks the thread to end."""


class Player:
    """An indicator with its own thread, which never makes the main loop wait.

    Parameters
    ----------
    display : Display
        Owned from here on.
    now_ns : callable, ns
        A clock that never goes back.
    latency : LatencyHistogram, optional
        Filled with how long after `cue` the display has been brought up to date.

    Attributes
    ----------
    n_refused : int
        How often the device refused to show something.
    fault : str
        Its last sentence; empty while all is well.
    """

    name = "indicator"

    def __init__(
        self,
        display: Display,
        now_ns: Callable[[], int] = time.monotonic_ns,
        latency: LatencyHistogram | None = None,
    ) -> None:
        self.n_refused = 0
        self._latency = latency
        self.fault = ""
        self._display = display
        self._now_ns = now_ns
        # SimpleQueue: putting in takes no lock that the other side may hold
        self._inbox: queue.SimpleQueue[State | _Decided | _Marked | _Stop] = queue.SimpleQueue()
        self._said: State | None = None
        self._due_ns: int | None = None  # of the next drawing
        self._is_closed = False
        self._thread: threading.Thread | None = None

    def start(self) -> Player:
        """Begin to show; returns itself."""
        self._thread = threading.Thread(target=self._play, name=self.name, daemon=True)
        self._thread.start()
        return self

    @property
    def is_alive(self) -> bool:
        """Whether its thread runs, or is not meant to."""
        return self._is_closed or self._thread is None or self._thread.is_alive()

    def revive(self) -> None:
        """Start another thread where it has died; it begins with the state that holds."""
        self._due_ns = None
        if self._said is not None:
            self._inbox.put(self._said)
        self.start()

    def show(self, state: State) -> None:
        """From now on this state."""
        if state is not self._said:
            self._said = state
            self._inbox.put(state)

    def cue(self, cue: Cue) -> None:
        """Show a cue at once."""
        self._inbox.put(_Decided(cue, self._now_ns()))

    def marked(self) -> None:
        """Answer a press of the button."""
        self._inbox.put(_Marked())

    def close(self) -> None:
        """End the thread, go dark and release the device. Safe to call twice."""
        self._is_closed = True
        self._inbox.put(_Stop())
        if self._thread is not None:
            self._thread.join()
        self._display.close()

    def pump(self, wait: bool = False) -> bool:
        """Take in what was said and draw; with `wait`, once something is said or due.

        One round of the thread; tests call it with a clock of their own.

        Returns
        -------
        bool
            False once `close` was called.
        """
        decided_ns: int | None = None
        timeout_s = None if self._due_ns is None else max(0.0, (self._due_ns - self._now_ns()) / 1e9)
        try:
            message = self._inbox.get(wait, timeout_s)
            while not isinstance(message, _Stop):
                if isinstance(message, _Decided):
                    self._display.cue(message.cue)
                    decided_ns = message.at_ns if decided_ns is None else decided_ns
                elif isinstance(message, _Marked):
                    self._display.marked()
                else:
                    self._display.show(message)
                message = self._inbox.get_nowait()
            return False
        except queue.Empty:
            self._due_ns = self._draw()
            if decided_ns is not None and self._latency is not None:
                self._latency.add(self._now_ns() - decided_ns)
            return True

    def _play(self) -> None:
        while self.pump(wait=True):
            pass

    def _draw(self) -> int | None:
        now_ns = self._now_ns()
        try:
            until_ns = self._display.draw(now_ns)
        except IndicateError as error:
            # the watching goes on without its light: counted, said by `fault`, tried again in a second
            self.n_refused += 1
            self.fault = str(error)
            return now_ns + 1_000_000_000
        self.fault = ""
        return until_ns
