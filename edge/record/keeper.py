"""What goes on beside a recording: the wall clock is watched, the log is backed up and kept small."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from edge.clock import ClockState, boottime_ns, clock_state
from edge.config import RecordConfig
from edge.errors import RecordError
from edge.record.backup import back_up, is_due
from edge.record.retention import apply_retention
from edge.record.statements import Statement, incident

log = logging.getLogger(__name__)

_TICK_S = 5.0
_TIDY_S = 3600.0
_FIRST_TIDY_S = 60.0  # a face is found and learned first
# A step is seen from here on; what NTP slews in between is looked at again so often.
_STEP_NS = 20_000_000
_SLEW_LOOK_S = 600.0


class ClockWatch:
    """Says when the offset of the wall clock is worth storing: set, stepped, or ten minutes on.

    Parameters
    ----------
    read : callable
        Gives the clock's state.
    """

    def __init__(self, read: Callable[[], ClockState] = clock_state) -> None:
        self._read = read
        self._stored: ClockState | None = None
        self._stored_s = 0.0

    def news(self, now_s: float) -> ClockState | None:
        """The clock's state where it should be stored, else None."""
        state, before = self._read(), self._stored
        is_news = (
            before is None
            or bool(state.synchronised) != bool(before.synchronised)
            or abs(state.offset_ns - before.offset_ns) >= _STEP_NS
            or now_s - self._stored_s >= _SLEW_LOOK_S
        )
        if not is_news:
            return None
        self._stored, self._stored_s = state, now_s
        return state


class Keeper:
    """A thread that looks after the log while a camera is watched; make it, then `stop` it.

    Parameters
    ----------
    data_dir : Path
    config : RecordConfig
    add_clock_offset : callable
        Given sensor time in ns, Unix time minus sensor time in ns, and whether the clock is set.
    put : callable
        Takes statements for the log.
    running_key : callable
        Key of the session that is being recorded; 0 for none.
    """

    def __init__(
        self,
        data_dir: Path,
        config: RecordConfig,
        add_clock_offset: Callable[[int, int, bool], None],
        put: Callable[[Statement], None],
        running_key: Callable[[], int],
    ) -> None:
        self._data_dir = data_dir
        self._config = config
        self._add_clock_offset = add_clock_offset
        self._put = put
        self._running_key = running_key
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="log keeper", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread; waits for a backup that is being made."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        watch = ClockWatch()
        tidy_s = time.monotonic() + _FIRST_TIDY_S
        while not self._stopped.wait(_TICK_S):
            if (state := watch.news(time.monotonic())) is not None:
                self._add_clock_offset(boottime_ns(), state.offset_ns, bool(state.synchronised))
            if time.monotonic() >= tidy_s:
                tidy_s = time.monotonic() + _TIDY_S
                is_clock_right = clock_state().synchronised is not False
                for statement in tidied(self._data_dir, self._config, self._running_key(), is_clock_right):
                    self._put(statement)


def tidied(data_dir: Path, config: RecordConfig, running_key: int, is_clock_right: bool) -> list[Statement]:
    """Delete what is to stay no longer and back the rest up where that is due; gives what went wrong."""
    troubles = []
    for what, do in (
        ("retention failed", lambda: apply_retention(data_dir, config, running_key, is_clock_right)),
        ("backup failed", lambda: is_due(data_dir, config.backup_hours) and back_up(data_dir)),
    ):
        try:
            do()
        except (RecordError, OSError) as error:
            log.warning("%s: %s", what, error)
            troubles.append(incident(what, str(error)))
    return troubles
