"""The thread that shows a run to whoever looks, twenty times a second, and does nothing while nobody does."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from edge.live.file import LiveFile
from edge.live.values import LiveValues

_SHOWN_S = 0.05
_IDLE_S = 0.25


class LivePublisher:
    """Shows a run while somebody looks, and hears what is wished of it.

    Parameters
    ----------
    values : LiveValues
    file : LiveFile
        Closed with the publisher.
    listen : callable, optional
        Called now and then, whether or not somebody looks.

    Attributes
    ----------
    path : Path or None
        Where it is shown.
    """

    name = "live"

    def __init__(self, values: LiveValues, file: LiveFile, listen: Callable[[], None] = lambda: None) -> None:
        self.path: Path | None = file.path
        self._values, self._file, self._listen = values, file, listen
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> LivePublisher:
        """Begin; returns itself."""
        self._thread = threading.Thread(target=self._run, name="live", daemon=True)
        self._thread.start()
        return self

    @property
    def is_alive(self) -> bool:
        """Whether its thread runs, or has been asked to end."""
        return self._ended.is_set() or (self._thread is not None and self._thread.is_alive())

    def revive(self) -> None:
        """Start another thread in its place."""
        self.start()

    def publish(self) -> float:
        """One look at who looks; how long to wait for the next, s."""
        is_watched = self._file.is_watched()
        if is_watched:
            self._file.write(self._values.snapshot())
        elif self._values.is_wanted:
            self._file.clear()
        self._values.want(is_watched)
        return _SHOWN_S if is_watched else _IDLE_S

    def close(self) -> None:
        """End the thread and take the file away. Safe to call twice."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
        self._file.close()

    def _run(self) -> None:
        waited_s, wait_s = 0.0, _IDLE_S
        while not self._ended.wait(wait_s):
            waited_s += wait_s
            if waited_s >= _IDLE_S:
                self._listen()
                waited_s = 0.0
            wait_s = self.publish()
