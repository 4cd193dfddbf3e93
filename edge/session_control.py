"""What a hand at the button asks of the watching, from the button's thread to the main loop."""

from __future__ import annotations

import queue
from collections.abc import Callable

from edge.indicate.gestures import Gesture
from edge.indicate.indicator import Indicator
from edge.service import StopRequest

_LOOK_S = 0.1


class SessionControl:
    """Keeps what was asked until the main loop looks, which it does between two frames.

    A press marks; a hold pauses, and the one after it goes on once it is let go, so that nobody is
    watched by a hand that means to end everything; a long hold ends.

    Parameters
    ----------
    indicator : Indicator
        Answers at once that the button was understood.
    stop : StopRequest
    """

    def __init__(self, indicator: Indicator, stop: StopRequest) -> None:
        self.is_paused = False
        self._indicator, self._stop = indicator, stop
        self._marks: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._resumes_when_let_go = False

    def act(self, gesture: Gesture, at_ns: int) -> None:
        """Take in a gesture; on the button's thread."""
        if gesture is Gesture.PRESS and not self.is_paused:
            self._marks.put(at_ns)
            self._indicator.marked()
        elif gesture is Gesture.HOLD:
            self._resumes_when_let_go = self.is_paused
            self.is_paused = True
            if self._resumes_when_let_go:
                self._indicator.marked()  # let go now
        elif gesture is Gesture.LET_GO and self._resumes_when_let_go:
            self.is_paused = False
        elif gesture is Gesture.LONG_HOLD:
            self._stop.stop("ended by the button")

    def next_mark_ns(self) -> int | None:
        """Sensor time of the next press that nobody has asked for yet; None where there is none."""
        return None if self._marks.empty() else self._marks.get_nowait()

    def wait_until_resumed(self, alive: Callable[[], None] = lambda: None) -> bool:
        """Wait out a pause; False where the end was asked for instead. `alive` is called now and then."""
        while self.is_paused and not self._stop.wait(_LOOK_S):
            alive()
        return not self._stop.is_set()
