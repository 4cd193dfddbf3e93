"""One run at a time in one data directory."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from edge.record.errors import DataDirBusy, DataDirUnwritable

LOCK_NAME = "microcue.lock"


class DataDirLock:
    """Held from construction to `release`; the kernel lets go of it when the process dies.

    Raises
    ------
    DataDirBusy
        Another process holds it.
    DataDirUnwritable
        The lock file cannot be made.
    """

    def __init__(self, data_dir: Path) -> None:
        path = data_dir / LOCK_NAME
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise DataDirUnwritable(data_dir, error.strerror or str(error)) from error
        if not self._is_taken():
            pid = _read_pid(self._descriptor)
            os.close(self._descriptor)
            raise DataDirBusy(data_dir, pid)
        self._write_pid(f"{os.getpid()}\n".encode())

    def _is_taken(self) -> bool:
        # `is_held` of another process holds it for microseconds: one more look tells
        for wait_s in (0.05, 0.0):
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(wait_s)
            else:
                return True
        return False

    def _write_pid(self, text: bytes) -> None:
        # The lock counts, the number is only for the sentence: a full disk must not forbid opening.
        try:
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, text, 0)
        except OSError:
            return

    def release(self) -> None:
        """Let the next run in. Safe to call twice."""
        if self._descriptor >= 0:
            self._write_pid(b"")
            os.close(self._descriptor)
            self._descriptor = -1


def is_held(data_dir: Path) -> bool:
    """Whether some process is recording into `data_dir` now."""
    try:
        descriptor = os.open(data_dir / LOCK_NAME, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _read_pid(descriptor: int) -> int:
    text = os.pread(descriptor, 20, 0).strip()
    return int(text) if text.isdigit() else 0
