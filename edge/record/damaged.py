"""Every row that a damaged log still holds, and the statements that bring them into a fresh one."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edge.record.migrations import MIGRATIONS
from edge.record.pages import LEAF_TABLE, PageFile, Record, Stored
from edge.record.statements import Statement

_PARTICIPANT = "INSERT OR IGNORE INTO participants (code) VALUES (?)"
_PLACEHOLDER = """
INSERT OR IGNORE INTO sessions (session_key, session_id, boot_id, first_frame_ns, source, width, height,
    nominal_fps, timestamps, live, settings, channels, end_reason)
VALUES (?, ?, '', 0, 'unknown: the row of this session was damaged', 0, 0, 0, 'unknown', 0, '{}',
    coalesce((SELECT channels FROM sessions WHERE channels <> '{}' LIMIT 1), '{}'), 'salvaged')
"""
_CARRIED = ("participants", "consents", "sessions")  # in this order; their keys are given anew
_STORED_AS = {"INTEGER": (int,), "TEXT": (str,), "REAL": (float, int), "BLOB": (bytes,)}


@dataclass(frozen=True, slots=True)
class _Table:
    """One table of the log as it should be."""

    name: str
    columns: tuple[str, ...]
    types: tuple[str, ...]
    may_be_null: tuple[bool, ...]
    defaults: tuple[bool, ...]
    key_column: int | None  # stands in the row id, where the record has NULL
    has_row_id: bool
    root: int

    def row(self, row_id: int | None, record: Record) -> Record | None:
        """The whole row, None where it cannot be one of this table."""
        if not record or len(record) > len(self.columns) or (row_id is None) == self.has_row_id:
            return None
        if not all(self.defaults[len(record) :]):
            return None
        values = list(record)
        if self.key_column is not None and values[self.key_column] is None:
            values[self.key_column] = row_id
        for value, kind, nullable in zip(values, self.types, self.may_be_null, strict=False):
            if not (isinstance(value, _STORED_AS[kind]) if value is not None else nullable):
                return None
        return tuple(values)


class FoundRows:
    """Every row of a damaged log that can still be read."""

    def __init__(self, path: Path) -> None:
        self._stamp = path.stem.rpartition("microcue-")[2]
        self._pages = PageFile(path)
        self._tables = _tables()
        self.n_lost_pages = 0
        self._pages_of, orphans = self._placed()
        self._place_orphans(orphans)

    def close(self) -> None:
        """Let the file go."""
        self._pages.close()

    def rows(self, name: str) -> Iterator[Record]:
        """The rows of a table, in no order."""
        table = self._tables[name]
        for number in self._pages_of[name]:
            for row_id, record in self._pages.records(number):
                if (row := table.row(row_id, record)) is not None:
                    yield row

    def statements(self, existing: dict[str, int]) -> Iterator[Statement]:
        """Inserts that bring every row into a log that has the sessions `existing` already."""
        codes = {row[0]: row[1] for row in self.rows("participants")}
        yield from (Statement(_PARTICIPANT, (code,)) for code in codes.values())
        ids = {row[0]: str(row[1]) for row in self.rows("sessions") if isinstance(row[0], int)}
        children = [name for name in self._tables if name not in (*_CARRIED, "incidents")]
        for name in children:
            for row in self.rows(name):
                if isinstance(row[0], int):
                    ids.setdefault(row[0], f"salvaged-{self._stamp}-{row[0]}")
        yield from self._consents(codes)
        keys = _new_keys(ids, existing)
        yield from self._sessions(keys, codes)
        yield from (Statement(_PLACEHOLDER, (key, ids[old])) for old, key in keys.items())
        for name in children:
            table = self._tables[name]
            for old, *rest in self.rows(name):
                if isinstance(old, int):
                    yield _insertion(table, (keys[old], *rest))
        yield from (_insertion(self._tables["incidents"], row) for row in self.rows("incidents"))

    def _consents(self, codes: dict[Stored, Stored]) -> Iterator[Statement]:
        table = self._tables["consents"]
        for participant_key, *rest in self.rows("consents"):
            if participant_key in codes:
                yield _insertion(table, (codes[participant_key], *rest), 0)

    def _sessions(self, keys: dict[int, int], codes: dict[Stored, Stored]) -> Iterator[Statement]:
        table = self._tables["sessions"]
        participant = table.columns.index("participant_key")
        for old, *rest in self.rows("sessions"):
            if not isinstance(old, int):
                continue
            values = [keys[old], *rest]
            values[participant] = codes.get(values[participant])
            yield _insertion(table, tuple(values), participant)

    def _placed(self) -> tuple[dict[str, list[int]], list[int]]:
        """Pages of each table as its tree has them, and the pages that no tree reaches."""
        seen: set[int] = set(self._schema_pages())
        pages_of: dict[str, list[int]] = {}
        for name, root in self._roots().items():
            waiting, pages_of[name] = [root], []
            while waiting:
                number = waiting.pop()
                if number in seen:
                    continue
                if self._pages.kind(number) == 0:
                    self.n_lost_pages += 1
                    continue
                seen.add(number)
                pages_of[name].append(number)
                waiting += self._pages.children(number)
        orphans = [n for n in range(2, self._pages.n_pages + 1) if n not in seen and self._pages.kind(n)]
        return {name: pages_of.get(name, []) for name in self._tables}, orphans

    def _roots(self) -> dict[str, int]:
        """Root page of every table and index: as the schema says, else where a new log has it."""
        roots = {name: table.root for name, table in self._tables.items()}
        for _, record in (pair for n in self._schema_pages() for pair in self._pages.records(n)):
            if len(record) == 5 and isinstance(record[3], int) and record[3] > 0:
                roots[str(record[1])] = record[3]
        return roots

    def _schema_pages(self) -> list[int]:
        return [1, *self._pages.children(1)]

    def _place_orphans(self, orphans: list[int]) -> None:
        """A page whose rows fit one table alone belongs to that table."""
        for number in orphans:
            records = list(self._pages.records(number))
            is_row = self._pages.kind(number) == LEAF_TABLE
            fitting = [
                name
                for name, table in self._tables.items()
                if table.has_row_id == is_row and records and all(table.row(*one) for one in records)
            ]
            if len(fitting) == 1:
                self._pages_of[fitting[0]].append(number)
            elif is_row:
                self.n_lost_pages += 1


def _new_keys(ids: dict[int, str], existing: dict[str, int]) -> dict[int, int]:
    """Keys below all that are in use, in the old order; a session that is there keeps its key."""
    new = sorted(old for old, session_id in ids.items() if session_id not in existing)
    first = min([1, *existing.values()]) - len(new)
    keys = {old: first + rank for rank, old in enumerate(new)}
    return {old: keys[old] if old in keys else existing[ids[old]] for old in ids}


def _insertion(table: _Table, values: Record, participant: int | None = None) -> Statement:
    marks = ["?"] * len(values)
    if participant is not None:
        marks[participant] = "(SELECT participant_key FROM participants WHERE code = ?)"
    columns = ", ".join(table.columns[: len(values)])
    return Statement(f"INSERT OR IGNORE INTO {table.name} ({columns}) VALUES ({', '.join(marks)})", values)


def _tables() -> dict[str, _Table]:
    """The tables as a new log has them."""
    connection = sqlite3.connect(":memory:")
    try:
        for migration in MIGRATIONS:
            connection.executescript(migration)
        found = connection.execute(
            "SELECT name, rootpage, sql LIKE '%WITHOUT ROWID%' FROM sqlite_schema WHERE type = 'table'"
        ).fetchall()
        return {name: _table(connection, name, root, not without) for name, root, without in found}
    finally:
        connection.close()


def _table(connection: sqlite3.Connection, name: str, root: int, has_row_id: bool) -> _Table:
    columns = connection.execute(f"PRAGMA table_info({name})").fetchall()
    keys = [position for position, *_, key in columns if key]
    is_alias = has_row_id and len(keys) == 1 and columns[keys[0]][2] == "INTEGER"
    return _Table(
        name=name,
        columns=tuple(column[1] for column in columns),
        types=tuple(column[2] for column in columns),
        may_be_null=tuple(not column[3] for column in columns),
        defaults=tuple(not column[3] or column[4] is not None for column in columns),
        key_column=keys[0] if is_alias else None,
        has_row_id=has_row_id,
        root=root,
    )
