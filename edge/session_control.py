"""Whose turn it is: when a session may begin, and what of a hand at the button goes into it or ends it."""

from __future__ import annotations

import queue
from collections.abc import Callable
from typing import Protocol

from edge.config import Config
from edge.indicate.gestures import Gesture
from edge.indicate.indicator import Indicator, State
from edge.service import StopRequest

LOOK_S = 0.1
PAUSED = "paused by the button"
PAUSED_FROM_AFAR = "paused from the live view"
DURATION_REACHED = "duration reached"


class Turns(Protocol):
    """Says when a session begins and when it should end. The main loop asks, between two frames."""

    def act(self, gesture: Gesture, at_ns: int) -> None:
        """Take in a gesture at the button; on the button's thread."""

    def pause(self, is_paused: bool) -> None:
        """Take in a wish from the live view or a page: to be watched no more, or again; on another thread."""

    def next_turn(self, alive: Callable[[], None]) -> Config | None:
        """Wait until a session may begin; its settings, None: the end. `alive` is called now and then."""

    def next_mark_ns(self) -> int | None:
        """Sensor time of the next press that nobody has asked for yet; None where there is none."""

    def why_end(self, now_ns: int) -> str:
        """Why the session should end at this frame; empty to go on. Waits for nothing."""

    def ended(self, reason: str) -> None:
        """The session is over and its camera closed."""


class SessionControl:
    """One person, from the start, until the button pauses or ends it.

    A press marks; a hold pauses, and the one after it goes on once it is let go, so that nobody is
    watched by a hand that means to end everything; a long hold ends.

    Parameters
    ----------
    config : Config
    indicator : Indicator
        Answers at once that the button was understood.
    stop : StopRequest
    """

    def __init__(self, config: Config, indicator: Indicator, stop: StopRequest) -> None:
        self.is_paused = False
        self._config, self._indicator, self._stop = config, indicator, stop
        self._marks: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._resumes_when_let_go = False
        self._why_paused = PAUSED
        self._reason = ""  # of the last session's end

    def act(self, gesture: Gesture, at_ns: int) -> None:
        """Take in a gesture; on the button's thread."""
        if gesture is Gesture.PRESS and not self.is_paused:
            self._marks.put(at_ns)
            self._indicator.marked()
        elif gesture is Gesture.HOLD:
            self._resumes_when_let_go = self.is_paused
            self._why_paused = PAUSED
            self.is_paused = True
            if self._resumes_when_let_go:
                self._indicator.marked()  # let go now
        elif gesture is Gesture.LET_GO and self._resumes_when_let_go:
            self.is_paused = False
        elif gesture is Gesture.LONG_HOLD:
            self._stop.stop("ended by the button")

    def pause(self, is_paused: bool) -> None:
        """As a hold, from another thread; a hold at the button goes on too."""
        if is_paused and not self.is_paused:
            self._why_paused = PAUSED_FROM_AFAR
        self.is_paused = is_paused

    def next_turn(self, alive: Callable[[], None] = lambda: None) -> Config | None:
        """At once, and again after each pause that is not the end itself."""
        if not self._reason:
            return self._config
        if self._reason not in (PAUSED, PAUSED_FROM_AFAR):
            return None
        while self.is_paused and not self._stop.wait(LOOK_S):
            alive()
        return None if self._stop.is_set() else self._config

    def next_mark_ns(self) -> int | None:
        """Sensor time of the next press that nobody has asked for yet; None where there is none."""
        return None if self._marks.empty() else self._marks.get_nowait()

    def why_end(self, now_ns: int) -> str:  # noqa: ARG002 - a kiosk's turns end by time
        """Why it pauses, where somebody asked for it."""
        return self._why_paused if self.is_paused else ""

    def ended(self, reason: str) -> None:
        """Say that nobody is watched, where it is a pause."""
        self._reason = reason
        if reason in (PAUSED, PAUSED_FROM_AFAR):
            self._indicator.show(State.PAUSED)
