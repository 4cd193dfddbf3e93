"""A push-button: the one thing that comes in beside the lights that go out."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Protocol

from edge.clock import boottime_ns
from edge.indicate.gestures import Gesture, Gestures


class Switch(Protocol):
    """A button on a pin, as a driver has it: it calls back at every change, bounces and all."""

    @property
    def is_down(self) -> bool:
        """Whether it is pressed now."""

    def close(self) -> None:
        """Give the pin back. Safe to call twice."""


class Button:
    """Tells a button's gestures, from a thread of its own.

    Parameters
    ----------
    open_switch : callable
        Given a callable for changes, which may come on any thread, opens the pin.
    act : callable
        Given each gesture and its sensor time, ns. Must be quick.
    now_ns : callable, ns
        Sensor time.
    """

    name = "button"

    def __init__(
        self,
        open_switch: Callable[[Callable[[bool], None]], Switch],
        act: Callable[[Gesture, int], None],
        now_ns: Callable[[], int] = boottime_ns,
    ) -> None:
        self._act, self._now_ns = act, now_ns
        self._inbox: queue.SimpleQueue[tuple[bool, int] | None] = queue.SimpleQueue()
        self._switch = open_switch(self._changed)
        self._gestures = Gestures(self._switch.is_down)
        self._is_closed = False
        self._thread: threading.Thread | None = None

    def start(self) -> Button:
        """Begin to tell; returns itself."""
        self._thread = threading.Thread(target=self._watch, name=self.name, daemon=True)
        self._thread.start()
        return self

    @property
    def is_alive(self) -> bool:
        """Whether its thread runs, or is not meant to."""
        return self._is_closed or self._thread is None or self._thread.is_alive()

    def revive(self) -> None:
        """Start another thread where it has died."""
        self.start()

    def close(self) -> None:
        """End the thread and give the pin back. Safe to call twice."""
        self._is_closed = True
        self._inbox.put(None)
        if self._thread is not None:
            self._thread.join()
        self._switch.close()

    def pump(self, wait: bool = False) -> bool:
        """Take in what changed and tell what is certain; with `wait`, once something changes or is due.

        One round of the thread; tests call it with a clock of their own.

        Returns
        -------
        bool
            False once `close` was called.
        """
        due_ns = self._gestures.due_ns()
        timeout_s = None if due_ns is None else max(0.0, (due_ns - self._now_ns()) / 1e9)
        try:
            change = self._inbox.get(wait, timeout_s)
        except queue.Empty:
            self._tell(self._gestures.advance(self._now_ns()))
            return True
        if change is None:
            return False
        self._tell(self._gestures.change(*change))
        return True

    def _changed(self, is_down: bool) -> None:
        self._inbox.put((is_down, self._now_ns()))

    def _tell(self, found: list[tuple[Gesture, int]]) -> None:
        for gesture, at_ns in found:
            self._act(gesture, at_ns)

    def _watch(self) -> None:
        while self.pump(wait=True):
            pass
