"""One run at a time in one data directory."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from pathlib import Path

from edge.record.errors import DataDirBusy, DataDirUnwritable

LOCK_NAME = "microcue.lock"
_NOTE_BYTES = 512


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
        self.tell("")

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

    def tell(self, fault: str) -> None:
        """Leave word for other processes of what is wrong with the log; empty where nothing is."""
        text = f"{os.getpid()}\n{fault}".encode()
        # always the same length: on a full disk a block that is there already can still be written over
        self._write(text[:_NOTE_BYTES].ljust(_NOTE_BYTES, b"\n"))

    def _write(self, text: bytes) -> None:
        # The lock counts, the text is only for people: a full disk must not forbid opening.
        with contextlib.suppress(OSError):
            os.pwrite(self._descriptor, text, 0)

    def release(self) -> None:
        """Let the next run in. Safe to call twice."""
        if self._descriptor >= 0:
            self._write(b"\n" * _NOTE_BYTES)
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


def pid_of_run(data_dir: Path) -> int:
    """The process that is recording into `data_dir`, 0 where there is none."""
    try:
        return _read_note((data_dir / LOCK_NAME).read_bytes())[0] if is_held(data_dir) else 0
    except OSError:
        return 0


def fault_of_run(data_dir: Path) -> str:
    """What the process that is recording into `data_dir` says is wrong; empty where nothing is."""
    if not is_held(data_dir):
        return ""
    try:
        return _read_note((data_dir / LOCK_NAME).read_bytes())[1]
    except OSError:
        return ""


def _read_pid(descriptor: int) -> int:
    return _read_note(os.pread(descriptor, _NOTE_BYTES, 0))[0]


def _read_note(note: bytes) -> tuple[int, str]:
    number, _, fault = note.decode("utf-8", "replace").partition("\n")
    return int(number) if number.isdigit() else 0, fault.strip()
