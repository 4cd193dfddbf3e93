"""Being asked to stop, stopping by itself after a time, ending, and leaving no picture in a core dump."""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import gc
import os
import resource
import signal
import threading
import time
from collections.abc import Callable, Mapping
from types import FrameType, TracebackType

_PR_SET_DUMPABLE = 4  # linux/prctl.h
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopRequest:
    """Set by Ctrl-C, SIGTERM, `stop()` or when the time is up; the main loop looks at it per frame.

    A second Ctrl-C acts as usual (KeyboardInterrupt), so that a hung program can still be ended.
    Outside the main thread, where Python allows no signal handlers, only `stop()` and the time work.

    Parameters
    ----------
    duration_s : float, optional
        Counted from entering the `with` block; 0 or None is without end.
    """

    def __init__(self, duration_s: float | None = None, now: Callable[[], float] = time.monotonic) -> None:
        self.reason = ""
        self._duration_s = duration_s or 0.0
        self._now = now
        self._deadline_s = float("inf")
        self._event = threading.Event()
        self._previous: dict[int, object] = {}

    def __enter__(self) -> StopRequest:
        if self._duration_s:
            self._deadline_s = self._now() + self._duration_s
        if threading.current_thread() is threading.main_thread():
            for number in _STOP_SIGNALS:
                self._previous[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._previous.items():
            # None: set by C code, which Python cannot put back
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)  # type: ignore[arg-type]
        self._previous.clear()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - as signal calls it
        self.stop(signal.Signals(number).name)
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def stop(self, reason: str = "asked to stop") -> None:
        """Ask the loop to end after this frame; the first reason is kept."""
        self.reason = self.reason or reason
        self._event.set()

    def is_set(self) -> bool:
        """Whether to end now."""
        if not self._event.is_set() and self._now() >= self._deadline_s:
            self.stop("duration reached")
        return self._event.is_set()

    def wait(self, timeout_s: float) -> bool:
        """Sleep for `timeout_s` at most, less if asked to stop; return `is_set()`."""
        self._event.wait(max(0.0, min(timeout_s, self._deadline_s - self._now())))
        return self.is_set()


def is_journalled(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether what is printed goes into the system's journal, which `forget` does not reach.

    systemd names the stream by device and inode (systemd.exec, JOURNAL_STREAM), since a terminal may have
    inherited the name from a service that it was started by.
    """
    stream = environ.get("JOURNAL_STREAM")
    for descriptor in (1, 2) if stream else ():
        with contextlib.suppress(OSError):  # closed
            status = os.fstat(descriptor)
            if stream == f"{status.st_dev}:{status.st_ino}":
                return True
    return False


def end_at_once() -> None:
    """When this process ends, later, let it end without a last search for unused objects.

    Among all that models and compiler hold, the interpreter's search takes 0.7 s, most of the second in
    which a service has to have stopped (`tools/measure_stop.py`). The memory goes back to the system anyway.
    """
    atexit.register(gc.freeze)


def forbid_core_dumps() -> bool:
    """Keep faces out of core files: no dump is written, and no other process may read our memory.

    Returns
    -------
    bool
        Whether both the limit and the kernel flag took.
    """
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    limited = resource.getrlimit(resource.RLIMIT_CORE)[0] == 0
    try:
        prctl = ctypes.CDLL(None, use_errno=True).prctl
    except (OSError, AttributeError):
        return False
    return bool(prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 and limited)
