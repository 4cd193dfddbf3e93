"""A tar archive that is made while it is read, piece by piece: for what encrypts a stream."""

from __future__ import annotations

import tarfile
from collections.abc import Iterable

LAST = b"\0" * 2 * tarfile.BLOCKSIZE


class Packed:
    """Pieces of bytes as a file that can be read once."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._left = bytearray()

    def read(self, n_bytes: int = -1) -> bytes:
        """The next bytes; none at the end."""
        while n_bytes < 0 or len(self._left) < n_bytes:
            piece = next(self._pieces, None)
            if piece is None:
                break
            self._left += piece
        given = bytes(self._left if n_bytes < 0 else self._left[:n_bytes])
        del self._left[: len(given)]
        return given


def entry(name: str, content: bytes) -> bytes:
    """One file of the archive, whole."""
    return head(name, len(content)) + content + ending(len(content))


def head(name: str, n_bytes: int) -> bytes:
    """What stands before a file of so many bytes."""
    told = tarfile.TarInfo(name)
    told.size, told.mode = n_bytes, 0o600
    return told.tobuf(tarfile.GNU_FORMAT)


def ending(n_bytes: int) -> bytes:
    """What fills the last block of a file of so many bytes."""
    return b"\0" * (-n_bytes % tarfile.BLOCKSIZE)
