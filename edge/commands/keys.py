"""Keys of a terminal, one by one, without waiting for Enter."""

from __future__ import annotations

import codecs
import os
import select
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager

_BYTES = 64


class Keys:
    """What was typed since the last look; nothing where nobody can type."""

    def __init__(self, descriptor: int = -1) -> None:
        self._descriptor = descriptor
        self._decoder = codecs.getincrementaldecoder("utf-8")("ignore")

    def typed(self, wait_s: float) -> str:
        """Wait so long at most for keys; a key that sends a sequence (arrows) is left out."""
        if self._descriptor < 0:
            select.select([], [], [], wait_s)
            return ""
        ready, _, _ = select.select([self._descriptor], [], [], wait_s)
        if not ready:
            return ""
        content = os.read(self._descriptor, _BYTES)
        if not content:  # the terminal has gone
            self._descriptor = -1
        return "" if content[:1] == b"\x1b" and len(content) > 1 else self._decoder.decode(content)


@contextmanager
def reading_keys() -> Iterator[Keys]:
    """Inside, keys come at once and are not shown; Ctrl-C still interrupts."""
    if sys.stdin is None or not sys.stdin.isatty():
        yield Keys()
        return
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    tty.setcbreak(descriptor)
    try:
        yield Keys(descriptor)
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
