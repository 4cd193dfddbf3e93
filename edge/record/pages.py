"""Rows out of an SQLite file read page by page, for a file that SQLite itself gives up on.

SQLite stops a query at the first page that does not fit; whatever lies behind it is out of reach
though nothing is wrong with it. Here every page stands for itself. The format is SQLite's own,
https://www.sqlite.org/fileformat2.html; nothing is written.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TypeAlias

Stored: TypeAlias = "int | float | str | bytes | None"
Record: TypeAlias = "tuple[Stored, ...]"

PAGE_BYTES = 4096  # what SQLite gives every new file since 3.12, and so every log
INTERIOR_INDEX, INTERIOR_TABLE, LEAF_INDEX, LEAF_TABLE = 2, 5, 10, 13
_INTERIOR = (INTERIOR_INDEX, INTERIOR_TABLE)
_WAL_HEADER_BYTES, _FRAME_HEADER_BYTES = 32, 24
_WAL_MAGIC = {0x377F0682: "<", 0x377F0683: ">"}
# a record that does not fit its page raises one of these
_MISFITS = (IndexError, ValueError, struct.error)
_INTEGER_BYTES = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}
_LONGEST_BYTES = 64 * 2**20  # of one record: no row of a log comes near it


class PageFile:
    """A database and what its -wal file has committed on top, read-only.

    Parameters
    ----------
    path : Path
        The database; its -wal file stands beside it, or does not.
    """

    def __init__(self, path: Path) -> None:
        self._open = ExitStack()
        self._base = self._mapped(path)
        self._wal = self._mapped(path.with_name(path.name + "-wal"))
        self._newer = _committed_frames(self._wal)
        self.n_pages = max([len(self._base) // PAGE_BYTES, *self._newer])

    def close(self) -> None:
        """Let the files go. Safe to call twice."""
        self._open.close()

    def page(self, number: int) -> bytes:
        """Page `number`, from 1; empty where there is none."""
        if number in self._newer:
            begin = self._newer[number]
            return self._wal[begin : begin + PAGE_BYTES]
        return self._base[(number - 1) * PAGE_BYTES : number * PAGE_BYTES] if number > 0 else b""

    def kind(self, number: int) -> int:
        """Type of a b-tree page; 0 for any other."""
        page = self.page(number)
        kind = page[_header_at(number)] if len(page) == PAGE_BYTES else 0
        return kind if kind in (*_INTERIOR, LEAF_INDEX, LEAF_TABLE) else 0

    def children(self, number: int) -> list[int]:
        """Pages below an interior page; empty for a leaf."""
        kind, page = self.kind(number), self.page(number)
        if kind not in _INTERIOR:
            return []
        header = _header_at(number)
        (right,) = struct.unpack_from(">I", page, header + 8)
        left = [struct.unpack_from(">I", page, at)[0] for at in _cells(page, header, 12)]
        return [child for child in (*left, right) if 0 < child <= self.n_pages]

    def records(self, number: int) -> Iterator[tuple[int | None, Record]]:
        """Row id (None in an index) and values of each row on the page that can be read."""
        kind, page = self.kind(number), self.page(number)
        if kind in (0, INTERIOR_TABLE):
            return
        for at in _cells(page, _header_at(number), 8 if kind in (LEAF_TABLE, LEAF_INDEX) else 12):
            try:
                yield self._record(page, kind, at + (4 if kind == INTERIOR_INDEX else 0))
            except _MISFITS:
                continue

    def _record(self, page: bytes, kind: int, at: int) -> tuple[int | None, Record]:
        n_bytes, at = _varint(page, at)
        row_id: int | None = None
        if kind == LEAF_TABLE:
            row_id, at = _varint(page, at)
        if n_bytes > _LONGEST_BYTES:
            raise ValueError
        n_here = _n_local_bytes(n_bytes, kind)
        payload = page[at : at + n_here]
        if n_here < n_bytes:
            payload += self._overflow(struct.unpack_from(">I", page, at + n_here)[0], n_bytes - n_here)
        if len(payload) != n_bytes:
            raise ValueError
        return row_id, _values(payload)

    def _overflow(self, number: int, n_bytes: int) -> bytes:
        parts, room = [], PAGE_BYTES - 4
        for _ in range(-(-n_bytes // room)):
            page = self.page(number)
            (number,) = struct.unpack_from(">I", page)
            parts.append(page[4:])
        return b"".join(parts)[:n_bytes]

    def _mapped(self, path: Path) -> bytes | mmap.mmap:
        if not path.exists() or path.stat().st_size == 0:
            return b""
        with path.open("rb") as file:
            return self._open.enter_context(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def _header_at(number: int) -> int:
    return 100 if number == 1 else 0


def _cells(page: bytes, header: int, header_bytes: int) -> list[int]:
    """Where the cells of a b-tree page begin."""
    (n_cells,) = struct.unpack_from(">H", page, header + 3)
    first = header + header_bytes
    n_fitting = min(n_cells, (PAGE_BYTES - first) // 2)
    places = struct.unpack_from(f">{n_fitting}H", page, first)
    return [place for place in places if first < place < PAGE_BYTES - 4]


def _n_local_bytes(n_bytes: int, kind: int) -> int:
    """How much of a record stands on the page itself."""
    largest = PAGE_BYTES - 35 if kind == LEAF_TABLE else (PAGE_BYTES - 12) * 64 // 255 - 23
    if n_bytes <= largest:
        return n_bytes
    least = (PAGE_BYTES - 12) * 32 // 255 - 23
    wanted = least + (n_bytes - least) % (PAGE_BYTES - 4)
    return wanted if wanted <= largest else least


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for n_read in range(9):
        byte = data[at + n_read]
        if n_read == 8:
            value = value << 8 | byte
            break
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            break
    return (value - 2**64 if value >= 2**63 else value), at + n_read + 1


def _values(payload: bytes) -> Record:
    header_bytes, at = _varint(payload, 0)
    values: list[Stored] = []
    begin = header_bytes
    while at < header_bytes:
        code, at = _varint(payload, at)
        value, begin = _value(payload, code, begin)
        values.append(value)
    if begin != len(payload) or at != header_bytes:
        raise ValueError
    return tuple(values)


def _value(payload: bytes, code: int, at: int) -> tuple[Stored, int]:
    if code in (0, 8, 9):
        return (None, 0, 1)[(0, 8, 9).index(code)], at
    if code == 7:
        return struct.unpack_from(">d", payload, at)[0], at + 8
    if code in _INTEGER_BYTES:
        end = at + _INTEGER_BYTES[code]
        return int.from_bytes(payload[at:end], "big", signed=True), end
    if code < 12:
        raise ValueError
    end = at + (code - 12) // 2
    content = payload[at:end]
    return (content.decode("utf-8") if code % 2 else content), end


def _committed_frames(wal: bytes | mmap.mmap) -> dict[int, int]:
    """Where the newest committed copy of each page stands in the -wal file."""
    if len(wal) < _WAL_HEADER_BYTES:
        return {}
    magic, _, page_bytes, _, salt_1, salt_2, *stated = struct.unpack_from(">8I", wal)
    if magic not in _WAL_MAGIC or page_bytes != PAGE_BYTES:
        return {}
    order = _WAL_MAGIC[magic]
    sums = _checksums(wal[:24], order, (0, 0))
    if sums != tuple(stated):
        return {}
    committed: dict[int, int] = {}
    pending: dict[int, int] = {}
    for at in range(
        _WAL_HEADER_BYTES, len(wal) - _FRAME_HEADER_BYTES - PAGE_BYTES + 1, _FRAME_HEADER_BYTES + PAGE_BYTES
    ):
        number, n_pages, *salts, sum_1, sum_2 = struct.unpack_from(">6I", wal, at)
        content = at + _FRAME_HEADER_BYTES
        sums = _checksums(
            wal[content : content + PAGE_BYTES], order, _checksums(wal[at : at + 8], order, sums)
        )
        if salts != [salt_1, salt_2] or sums != (sum_1, sum_2):
            break
        pending[number] = content
        if n_pages:
            committed |= pending
            pending.clear()
    return committed


def _checksums(data: bytes, order: str, before: tuple[int, int]) -> tuple[int, int]:
    """SQLite's running checksum, over an even number of 32-bit words."""
    one, two = before
    words = struct.unpack(f"{order}{len(data) // 4}I", data)
    for first, second in zip(words[::2], words[1::2], strict=True):
        one = (one + first + two) & 0xFFFFFFFF
        two = (two + second + one) & 0xFFFFFFFF
    return one, two
