"""Looking for rows of pictures in files: as they are, compressed, or as differences of neighbours."""

from __future__ import annotations

import bz2
import lzma
import re
import sqlite3
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_NEEDLE_BYTES = 16
_WORD_BYTES = 8
# closer than the shortest piece of a row that anybody would call a picture
_EVERY_PX = 32
# fewer distinct bytes than this may occur by chance, as in an evenly dark border
_DISTINCT_MIN = 10
_MIX = np.uint64(0x9E3779B97F4A7C15)  # odd, so that no bit is lost (Fibonacci hashing)
_INFLATED_MAX_BYTES = 1 << 26
# zlib, gzip, bzip2 and xz streams begin so; PNG has a zlib stream inside
_STREAMS: tuple[tuple[bytes, Callable[[], object]], ...] = (
    (rb"\x78[\x01\x5e\x9c\xda]", zlib.decompressobj),
    (rb"\x1f\x8b\x08", lambda: zlib.decompressobj(zlib.MAX_WBITS | 16)),
    (rb"BZh[1-9]1AY", bz2.BZ2Decompressor),
    (rb"\xfd7zXZ\x00", lzma.LZMADecompressor),
)
_PICTURE_FILES = re.compile(
    rb"\xff\xd8\xff[\xe0-\xef]..(?:JFIF|Exif)|\x89PNG\r\n\x1a\n|RIFF....WEBP|ftyp(?:avif|heic|mif1)"
    rb"|\x1aE\xdf\xa3.{1,40}(?:matroska|webm)",
    re.DOTALL,
)


class PictureSearch:
    """Knows pieces of pictures, and says where bytes hold one of them.

    Parameters
    ----------
    pictures : iterable of uint8 [shape=(height, width)]
    """

    def __init__(self, pictures: Iterable[NDArray[np.uint8]]) -> None:
        pieces = [np.zeros(0, np.uint64)]
        for picture in pictures:
            along, down = np.diff(picture, axis=1), np.diff(picture, axis=0)  # modulo 256, as PNG does it
            pieces += [_pieces(np.ascontiguousarray(rows)) for rows in (picture, picture.T, along, down)]
        self._pieces = np.unique(np.concatenate(pieces))

    def found_in(self, data: bytes) -> str:
        """How `data` holds part of a picture; empty where it does not."""
        if self._holds_piece(data):
            return "rows of a picture"
        if _PICTURE_FILES.search(data):
            return "a picture file"
        if any(self._holds_piece(plain) for plain in _inflated(data)):
            return "rows of a picture, compressed"
        return ""

    def found_in_file(self, path: Path) -> str:
        """The same of a file; of a database, of each of its values, which may lie scattered over pages."""
        if found := self.found_in(path.read_bytes()):
            return found
        if not path.read_bytes().startswith(b"SQLite format 3"):
            return ""
        return next((found for value in _values(path) if (found := self.found_in(value))), "")

    def _holds_piece(self, data: bytes) -> bool:
        if len(data) < _NEEDLE_BYTES:
            return False
        plain = np.frombuffer(data, np.uint8)
        for first in range(_WORD_BYTES):
            n_words = (len(plain) - first) // _WORD_BYTES
            words = plain[first : first + n_words * _WORD_BYTES].view(np.uint64)
            keys = _keys(words[:-1], words[1:])
            places = np.searchsorted(self._pieces, keys)
            places[places == len(self._pieces)] = 0
            if len(self._pieces) and np.any(self._pieces[places] == keys):
                return True
        return False


def _keys(words: NDArray[np.uint64], following: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """One number for sixteen bytes; that two share one by chance is out of reach (1 in 2^64 each)."""
    return words * _MIX ^ (following * _MIX >> np.uint64(29)) ^ following


def _pieces(rows: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Sixteen bytes at every 32nd place of each row, where they are not too even to tell."""
    n = (rows.shape[1] - _NEEDLE_BYTES) // _EVERY_PX + 1
    places = np.arange(n)[:, np.newaxis] * _EVERY_PX + np.arange(_NEEDLE_BYTES)
    cut = rows[:, places].reshape(-1, _NEEDLE_BYTES)
    ordered = np.sort(cut, axis=1)
    n_distinct = 1 + np.count_nonzero(np.diff(ordered, axis=1), axis=1)
    words = np.ascontiguousarray(cut[n_distinct >= _DISTINCT_MIN]).view(np.uint64)
    return _keys(words[:, 0], words[:, 1])


def _inflated(data: bytes) -> Iterator[bytes]:
    for pattern, decompressor in _STREAMS:
        for match in re.finditer(pattern, data):
            plain = _inflate(decompressor(), data[match.start() :])
            if len(plain) >= _NEEDLE_BYTES:
                yield plain


def _inflate(decompressor: object, stream: bytes) -> bytes:
    """What comes out before it ends or breaks: most places that look like a beginning are none."""
    plain = bytearray()
    for start in range(0, len(stream), 4096):
        try:
            plain += decompressor.decompress(stream[start : start + 4096])  # type: ignore[attr-defined]
        except (zlib.error, lzma.LZMAError, OSError, EOFError):
            break
        if decompressor.eof or len(plain) > _INFLATED_MAX_BYTES:  # type: ignore[attr-defined]
            break
    return bytes(plain)


def _values(path: Path) -> Iterator[bytes]:
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?immutable=1", uri=True)) as connection:
        tables = [
            name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        for table in tables:
            for row in connection.execute(f'SELECT * FROM "{table}"'):
                yield from (value for value in row if isinstance(value, bytes))
