"""What is wished of a run from elsewhere: to pause, or to go on. A small file beside the log, read once.

A wish counts for seconds: one that nobody heard must not stop or start a run of another day.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable
from pathlib import Path

from edge.clock import boot_id, boottime_ns
from edge.live.errors import WishUnwritten

WISH_NAME = "microcue.wish"
_COUNTS_NS = 10_000_000_000
_BYTES_MAX = 1000


def wish_pause(data_dir: Path, is_paused: bool) -> None:
    """Leave word that nobody is to be watched from now on, or that it may go on.

    Raises
    ------
    WishUnwritten
    """
    path = data_dir / WISH_NAME
    text = json.dumps({"pause": is_paused, "at_boottime_ns": boottime_ns(), "boot_id": boot_id()})
    unfinished = path.with_name(f"{WISH_NAME}.{os.getpid()}")
    try:
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text)
        unfinished.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            unfinished.unlink()
        raise WishUnwritten(path, error.strerror or str(error)) from error


class WishListener:
    """Hands each wish on, once.

    Parameters
    ----------
    data_dir : Path
    pause : callable
        Given True to pause, False to go on.
    """

    def __init__(self, data_dir: Path, pause: Callable[[bool], None]) -> None:
        self._path, self._pause = data_dir / WISH_NAME, pause
        self._boot_id = boot_id()

    def __call__(self) -> None:
        """Look whether there is one."""
        try:
            with self._path.open("rb") as file:
                content = file.read(_BYTES_MAX)
            self._path.unlink()
            wish = json.loads(content)
        except (OSError, ValueError):
            return
        if not isinstance(wish, dict) or not isinstance(wish.get("pause"), bool):
            return
        at_ns = wish.get("at_boottime_ns")
        is_of_now = isinstance(at_ns, int) and 0 <= boottime_ns() - at_ns <= _COUNTS_NS
        if is_of_now and wish.get("boot_id") == self._boot_id:
            self._pause(wish["pause"])
