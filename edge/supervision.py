"""What systemd is told of a running session: that it watches, that it still does, that it ends.

The sentences go through libsystemd, which is there wherever systemd is, and which knows every kind
of address the socket may have; so nothing of microcue handles a socket itself.
"""

from __future__ import annotations

import ctypes
import logging
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType

from edge.errors import ConfigError

log = logging.getLogger(__name__)

# systemd asks for at least two signs of life in the time it waits
_SIGNS_PER_WAIT = 4


@dataclass(slots=True)
class SignsOfLife:
    """Frames through all stages, and looks at the button while no camera is open: they feed the watchdog."""

    n: int = 0
    n_frames: int = 0
    is_watching: bool = False

    def add(self) -> None:
        """One more look."""
        self.n += 1
        self.is_watching = False

    def add_frame(self) -> None:
        """One more frame."""
        self.n += 1
        self.n_frames += 1
        self.is_watching = True

    def text(self) -> str:
        """What is being done, for people."""
        return (
            f"{'watching' if self.is_watching else 'waiting, the camera is closed'}, {self.n_frames} frames"
        )


class Supervised:
    """While a session runs, and only where systemd started it, reports that it goes on.

    The watchdog is fed by what the session has done, not by this thread's being alive: without a
    further frame through every stage since the last look, nothing is said, and systemd restarts the
    service when its patience (`WatchdogSec=`) ends.

    Parameters
    ----------
    n_signs : callable
        Grows while frames come through all stages, or somebody is waited for.
    text : callable
        What is being done, for `systemctl status`.
    environ : mapping, optional
        Where systemd says that it listens.
    send : callable, optional
        Takes one message for systemd, and returns whether it went out.
    """

    def __init__(
        self,
        n_signs: Callable[[], int],
        text: Callable[[], str],
        environ: Mapping[str, str] = os.environ,
        send: Callable[[str], bool] | None = None,
    ) -> None:
        self._n_signs, self._text = n_signs, text
        self._send = (send or notify) if environ.get("NOTIFY_SOCKET") else None
        self._wait_s = watchdog_wait_s(environ)
        self._n_seen = 0
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Supervised:
        if self._send is not None:
            self._send(f"READY=1\nSTATUS={self._text()}")
            if self._wait_s:
                self._thread = threading.Thread(target=self._report, name="supervision", daemon=True)
                self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
        if self._send is not None:
            self._send("STOPPING=1\nSTATUS=writing what is left")

    def _report(self) -> None:
        while not self._ended.wait(self._wait_s / _SIGNS_PER_WAIT):
            self.report()

    def report(self) -> bool:
        """Feed the watchdog if the session went on since the last call; whether it did."""
        n_signs = self._n_signs()
        went_on = n_signs > self._n_seen
        self._n_seen = n_signs
        if went_on and self._send is not None:
            self._send(f"WATCHDOG=1\nSTATUS={self._text()}")
        return went_on


def watchdog_wait_s(environ: Mapping[str, str]) -> float:
    """How long systemd waits for a sign of life, s; 0 where it does not wait for one of this process."""
    if environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return 0.0
    text = environ.get("WATCHDOG_USEC", "0")
    if not text.isdecimal():
        raise ConfigError(f"expected microseconds in WATCHDOG_USEC, found {text!r}; let systemd set it")
    return int(text) / 1e6


def notify(message: str) -> bool:
    """Send `VARIABLE=value` lines to systemd; False, and a line in the log, where that fails."""
    try:
        code = int(ctypes.CDLL("libsystemd.so.0").sd_notify(0, message.encode()))
    except OSError as error:
        log.warning("expected libsystemd.so.0 to report to systemd, the system says: %s", error)
        return False
    if code < 0:
        log.warning("expected systemd to take %r, it says: %s", message, os.strerror(-code))
    return code > 0
