"""The one thread that owns the database while a run records."""

from __future__ import annotations

import math
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Protocol

from edge.errors import RecordError
from edge.record.errors import DiskFull, LogUnwritten
from edge.record.salvage import set_aside
from edge.record.schema import SQLITE_ERRORS, connect_writer, is_damage, is_full, open_for_writing
from edge.record.statements import Statement

# What is not urgent waits this long for company: each commit is an fsync, 10-100 ms on an SD card.
_BURST_S = 0.5
_PROGRESS_S = 5.0
_RETRY_S = 1.0
_N_LAST_TRIES = 3
# A disk that damages one fresh log after the other is not helped by yet another.
_N_RENEWALS_MAX = 5
_QUEUE_MAX = 4096
# Held in memory while the disk is full: two hours of signals at 120 fps, or every cue of a day.
_HELD_MAX_BYTES = 32 * 2**20
_HELD_MAX_ROWS = 50_000


class Work(Protocol):
    """What is handed to the writer: turns itself into statements there, off the frame path."""

    def statements(self) -> list[Statement]:
        """SQL and values; called once."""


class Rows:
    """Statements that need no more work."""

    def __init__(self, *statements: Statement) -> None:
        self._statements = list(statements)

    def statements(self) -> list[Statement]:
        """The statements as they were given."""
        return self._statements


class _Flush:
    def __init__(self) -> None:
        self.done = threading.Event()


class _Stop:
    pass


class Writer:
    """Commits what is `put`, in order, in bursts; outlives a full or failing disk.

    While nothing can be written, `fault` is a sentence and the rows are held in memory, signals
    and traces being given up first once there are too many; they are written when the disk
    takes them again.

    Parameters
    ----------
    connection : sqlite3.Connection
        Open for writing; the thread owns it from now on and closes it.
    path : Path
        The database file.
    progress : callable
        Gives the row that says how far the session is, or None; asked at every commit.
    renewed : callable
        Called when a damaged log was set aside and a fresh one is there; gives the rows it begins with.
    tell : callable
        Given `fault`, or "", whenever it changes.
    """

    name = "log writer"

    def __init__(
        self,
        connection: sqlite3.Connection,
        path: Path,
        progress: Callable[[], Statement | None],
        renewed: Callable[[str], list[Statement]],
        tell: Callable[[str], None],
    ) -> None:
        # taken out only when it has become rows: a thread that dies takes nothing with it
        self._inbox: deque[Work | _Flush | _Stop] = deque()
        self._n_tries = 0  # at the first of them
        self._bell: SimpleQueue[None] = SimpleQueue()  # rung once for each item; never a lock held by two
        self.fault: str | None = None
        self.n_committed_rows = 0
        self._n_refused_rows = 0  # counted here by the thread, below by the main loop
        self._n_crowded_out = 0
        self.n_faults = 0
        self._connection: sqlite3.Connection | None = connection
        self._path = path
        self._progress = progress
        self._renewed = renewed
        self._tell = tell
        self._damage = ""
        self._n_renewals = 0
        self._held: deque[Statement] = deque()
        self._n_held_bytes = 0
        self._last_progress: Statement | None = None
        self._flushes: list[_Flush] = []
        self._is_urgent = False
        self._is_stopping = False
        self._is_full = False
        self._reason = "they break a rule of its tables"
        self._start()

    @property
    def is_alive(self) -> bool:
        """Whether its thread runs, or was asked to end."""
        return self._is_stopping or self._thread.is_alive()

    def revive(self) -> None:
        """Start another thread where it has died; it goes on with all that was handed in."""
        for _ in range(len(self._inbox)):
            self._bell.put(None)
        self._start()

    def _start(self) -> None:
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
        self._thread.start()

    @property
    def n_lost_rows(self) -> int:
        """Rows that were given up: too many for memory, or against a rule of the schema."""
        return self._n_refused_rows + self._n_crowded_out

    @property
    def n_waiting(self) -> int:
        """Items not committed yet."""
        return len(self._inbox) + len(self._held)

    def put(self, work: Work, wait_s: float) -> None:
        """Hand over work; where the queue is full for longer than `wait_s`, it is lost and counted.

        What can be endless is bounded; `wait_s` of infinity is for what is few by itself.
        """
        if wait_s < math.inf and len(self._inbox) >= _QUEUE_MAX and not (wait_s and self.flush(wait_s)):
            self._n_crowded_out += 1
        else:
            self._hand_in(work)

    def flush(self, timeout_s: float) -> bool:
        """Wait until everything queued before is committed; False where it is not in time."""
        marker = _Flush()
        self._hand_in(marker)
        return marker.done.wait(timeout_s)

    def close(self) -> None:
        """Write what is left, stop the thread and close the database.

        Raises
        ------
        DiskFull, LogUnwritten
            Rows are left that could not be written.
        """
        self._hand_in(_Stop())
        self._thread.join()
        for _ in range(_N_LAST_TRIES):
            if self._is_stopping:
                break
            self.revive()  # it had died
            self._thread.join()
        # what is in the inbox behind a thread that died each time counts as well, the stop with it
        if n_rows := self.n_waiting + self.n_lost_rows:
            if self._is_full:
                raise DiskFull(self._path, n_rows)
            raise LogUnwritten(self._path, self._reason, n_rows)

    def _run(self) -> None:
        try:
            while not self._is_stopping:
                if self.fault:
                    self._collect_for(_RETRY_S)
                else:
                    self._collect()
                self._commit()
            for _ in range(_N_LAST_TRIES):
                if not self._held or self._commit():
                    break
                time.sleep(_RETRY_S / 10)
        finally:
            if not self._is_stopping:
                self.fault = self._reason = "the log writer stopped on a bug"
            if self._connection is not None:
                self._close_connection()

    def _collect(self) -> None:
        """Take what comes until something is urgent or the burst is over."""
        self._take(_PROGRESS_S)
        until_s = time.monotonic() + _BURST_S
        while not (self._is_urgent or self._is_stopping or self._flushes):
            if not self._held or not self._take(until_s - time.monotonic()):
                break
        while self._take(0.0):
            pass

    def _collect_for(self, duration_s: float) -> None:
        """Take what comes while the disk rests."""
        until_s = time.monotonic() + duration_s
        while not self._is_stopping and (left_s := until_s - time.monotonic()) > 0:
            self._take(left_s)

    def _take(self, timeout_s: float) -> bool:
        try:
            self._bell.get(block=timeout_s > 0, timeout=max(timeout_s, 0.0))
        except Empty:
            return False
        if not self._inbox:  # rung once more after a death
            return False
        work = self._inbox[0]
        if isinstance(work, _Stop):
            self._is_stopping = True
        elif isinstance(work, _Flush):
            self._flushes.append(work)
        elif self._n_tries > 1:  # it has cost two threads their lives
            self._n_refused_rows += 1
        else:
            self._n_tries += 1
            statements = work.statements()
            self._held.extend(statements)
            self._n_held_bytes += sum(statement.n_bytes for statement in statements)
            self._is_urgent |= any(statement.urgent for statement in statements)
            self._stay_within_memory()
        self._inbox.popleft()
        self._n_tries = 0
        return True

    def _hand_in(self, work: Work | _Flush | _Stop) -> None:
        self._inbox.append(work)
        self._bell.put(None)

    def _stay_within_memory(self) -> None:
        if self._n_held_bytes <= _HELD_MAX_BYTES and len(self._held) <= _HELD_MAX_ROWS:
            return
        # a quarter at once, so that this is rare: the oldest signals, then the oldest rows
        kept = deque(self._held)
        self._held.clear()
        n_to_free = _HELD_MAX_BYTES // 4
        is_crowded = len(kept) > _HELD_MAX_ROWS
        while kept:
            statement = kept.popleft()
            if n_to_free > 0 and (statement.expendable or is_crowded):
                n_to_free -= statement.n_bytes
                self._n_held_bytes -= statement.n_bytes
                self._n_refused_rows += 1
            else:
                self._held.append(statement)

    def _commit(self) -> bool:
        """One transaction with everything held; False, with `fault` set, where the disk refuses."""
        progress = self._progress()
        if not self._held and progress == self._last_progress:
            return self._committed()
        try:
            connection = self._connected()
            connection.execute("BEGIN IMMEDIATE")
            n_refused = sum(not _executed(connection, statement) for statement in self._held)
            if progress is not None:
                _executed(connection, progress)
            connection.execute("COMMIT")
        except (*SQLITE_ERRORS, RecordError) as error:
            self._failed(error)
            return False
        self.n_committed_rows += len(self._held) - n_refused
        self._n_refused_rows += n_refused
        self._held.clear()
        self._n_held_bytes = 0
        self._last_progress = progress
        return self._committed()

    def _committed(self) -> bool:
        if self.fault is not None:
            self._tell("")
        self.fault = None
        self._is_full = False
        self._is_urgent = False
        for marker in self._flushes:
            marker.done.set()
        self._flushes.clear()
        return True

    def _failed(self, error: Exception) -> None:
        if self.fault is None:
            self.n_faults += 1
        self._is_full = is_full(error, self._path)
        self._reason = "the disk is full" if self._is_full else str(error)
        fault = f"{self._path} cannot be written: {self._reason}"
        if fault != self.fault:
            self._tell(fault)
        self.fault = fault
        # after an I/O error a connection may hold on to a half-made -wal or -shm
        if self._connection is not None:
            self._close_connection()
        if is_damage(error) and self._n_renewals < _N_RENEWALS_MAX:
            self._set_aside(str(error))

    def _set_aside(self, reason: str) -> None:
        try:
            set_aside(self._path)
        except OSError as error:
            self._reason = error.strerror or str(error)
        else:
            self._n_renewals += 1
            self._damage = reason

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None and self._damage:
            self._connection = open_for_writing(self._path)
            # before what waits: those rows belong to the session
            self._held.extendleft(reversed(self._renewed(self._damage)))
            self._damage = ""
        elif self._connection is None:
            self._connection = connect_writer(self._path)
        return self._connection

    def _close_connection(self) -> None:
        connection, self._connection = self._connection, None
        assert connection is not None
        try:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            if self._is_stopping:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except SQLITE_ERRORS as error:
            self.fault = self.fault or f"{self._path} cannot be closed: {error}"
        finally:
            connection.close()


class HasWriter(Protocol):
    """A recorder."""

    writer: Writer


class NewestWriter:
    """The writer of a log that may be opened anew, for whoever looks after its thread."""

    name = Writer.name

    def __init__(self, log: HasWriter) -> None:
        self._log = log

    @property
    def is_alive(self) -> bool:
        """As the writer's."""
        return self._log.writer.is_alive

    def revive(self) -> None:
        """As the writer's."""
        self._log.writer.revive()


def _executed(connection: sqlite3.Connection, statement: Statement) -> bool:
    """False where the row breaks a rule of the schema: lost and counted, the others go on."""
    try:
        connection.execute(statement.sql, statement.values)
    except sqlite3.IntegrityError:
        return False
    return True
