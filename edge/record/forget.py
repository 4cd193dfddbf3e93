"""A session, a person or everything deleted wherever it is, and the files searched to prove it."""

from __future__ import annotations

import mmap
import os
import re
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from edge.record.backup import back_up, backups
from edge.record.erase import empty_wal, erase_participant, erase_session
from edge.record.errors import BackupFailed, LogUnwritten, NotForgotten, SalvagePending, SessionRunning
from edge.record.lock import is_held
from edge.record.pictures import erase_pictures, files_of, orphans
from edge.record.salvage import SALVAGED_SUFFIX, unsalvaged
from edge.record.schema import DATABASE_NAME, SQLITE_ERRORS, open_for_reading, open_for_writing

# So many bytes out of the middle of what was measured tell it from everything else.
_N_SAMPLE_BYTES = 32
_N_SAMPLES = 64
# A shorter code may turn up in compressed signals by chance: six bytes do once in 280 TB.
_SHORTEST_CODE = 6
_CODE_CHARACTER = rb"[A-Za-z0-9_-]"


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was deleted, and what was looked for afterwards."""

    n_sessions: int
    n_rows: int
    n_pictures: int
    n_searched: int
    n_files: int
    has_backup: bool


def is_searched_for(code: str) -> bool:
    """Whether a code is long enough to prove by a search that it is gone."""
    return len(code) >= _SHORTEST_CODE


def participants(data_dir: Path) -> list[str]:
    """Every participant's code, in order; none where there is no log."""
    if not (data_dir / DATABASE_NAME).exists():
        return []
    with closing(open_for_reading(data_dir / DATABASE_NAME)) as connection:
        return [row[0] for row in connection.execute("SELECT code FROM participants ORDER BY code")]


def sessions_of(data_dir: Path, code: str) -> list[str]:
    """Ids of a participant's sessions, oldest first; empty where there is no such participant."""
    sql = (
        "SELECT session_id FROM sessions JOIN participants USING (participant_key) WHERE code = ? "
        "ORDER BY session_key"
    )
    with closing(open_for_reading(data_dir / DATABASE_NAME)) as connection:
        return [row[0] for row in connection.execute(sql, (code,))]


def forget(
    data_dir: Path, session_ids: Sequence[str], codes: Iterable[str] = (), is_recording: bool | None = None
) -> Forgotten:
    """Delete sessions, and participants with their consents, from every file of the data directory.

    Rows are overwritten (`secure_delete`), the -wal file is emptied, a backup is made anew, salvaged
    logs and encrypted pictures are removed, and then all files and their names are searched for what was
    deleted.

    Parameters
    ----------
    data_dir : Path
    session_ids : sequence of str
    codes : iterable of str
        Participants who are forgotten too; their sessions have to be among `session_ids`.
    is_recording : bool, optional
        Whether somebody else writes to the log meanwhile; by default, whether the directory is held.

    Raises
    ------
    SessionRunning, SalvagePending
        Nothing was deleted.
    NotForgotten
        Something of it is still in a file.
    LogUnwritten, LogUnreadable, DatabaseDamaged, DatabaseForeign, DatabaseFromFuture
    """
    path = data_dir / DATABASE_NAME
    if waiting := unsalvaged(data_dir):
        raise SalvagePending(waiting[0])
    codes = list(codes)
    if is_recording is None:
        is_recording = is_held(data_dir)
    had_backup = bool(backups(data_dir))
    with closing(open_for_writing(path)) as connection:
        try:
            keys = _keys(connection, session_ids, is_recording)
            proofs = _Proofs(session_ids, codes)
            n_rows = n_pictures = 0
            for key, session_id in zip(keys, session_ids, strict=True):
                proofs.sample(connection, key)
                proofs.sample_pictures(files_of(data_dir, session_id))
                n_pictures += erase_pictures(data_dir, session_id)
                n_rows += erase_session(connection, key, polite=is_recording)
            for code in codes:
                n_rows += erase_participant(connection, code)
            is_empty = empty_wal(connection)
        except SQLITE_ERRORS as error:
            raise LogUnwritten(path, str(error), 0) from error
    for aside in data_dir.glob(f"*{SALVAGED_SUFFIX}*"):
        aside.unlink()
    has_backup = had_backup and _renewed_backup(data_dir)
    found = proofs.found_in(data_dir)
    if found and proofs.leave_out_shared(path):
        found = proofs.found_in(data_dir)
    if found and is_empty and not is_recording:
        _rebuild(path)  # pages that were split may keep a copy in their unused middle
        found = proofs.found_in(data_dir)
    if found:
        raise NotForgotten(found)
    n_files = sum(1 for file in data_dir.rglob("*") if file.is_file())
    return Forgotten(len(keys), n_rows, n_pictures, proofs.n_samples, n_files, has_backup)


def forget_orphans(data_dir: Path) -> int:
    """Delete the pictures of sessions that the log knows no more; gives how many files there were."""
    with closing(open_for_reading(data_dir / DATABASE_NAME)) as connection:
        known = {row[0] for row in connection.execute("SELECT session_id FROM sessions")}
    return sum(erase_pictures(data_dir, folder.name) for folder in list(orphans(data_dir, known)))


class _Proofs:
    """What must not be found any more: names of sessions, codes, bytes of signals, traces and pictures."""

    def __init__(self, session_ids: Sequence[str], codes: Sequence[str]) -> None:
        self._samples = [session_id.encode() for session_id in session_ids]
        self._codes = [code.encode() for code in codes if is_searched_for(code)]
        self._measured: list[tuple[str, str, bytes]] = []  # table and column they came from

    @property
    def n_samples(self) -> int:
        """How many different things are looked for."""
        return len(self._samples) + len(self._measured) + len(self._codes)

    def sample(self, connection: sqlite3.Connection, session_key: int) -> None:
        """Remember bytes of the session's signals and traces."""
        for table, column in (("signal_blocks", "codes"), ("point_lights", "points")):
            sql = f"SELECT {column} FROM {table} WHERE session_key = ? LIMIT {_N_SAMPLES}"
            for (blob,) in connection.execute(sql, (session_key,)):
                middle = len(blob) // 2
                if len(blob) > 2 * _N_SAMPLE_BYTES:
                    self._measured.append((table, column, blob[middle : middle + _N_SAMPLE_BYTES]))

    def leave_out_shared(self, path: Path) -> bool:
        """Look no more for what a session that stays has as well: the same recording, watched twice."""
        try:
            with closing(open_for_reading(path)) as connection:
                own = [
                    (table, column, sample)
                    for table, column, sample in self._measured
                    if not connection.execute(
                        f"SELECT 1 FROM {table} WHERE instr({column}, ?) LIMIT 1", (sample,)
                    ).fetchone()
                ]
        except SQLITE_ERRORS:  # what cannot be read excuses nothing
            return False
        found_shared = len(own) < len(self._measured)
        self._measured = own
        return found_shared

    def sample_pictures(self, files: Sequence[Path]) -> None:
        """Remember bytes of encrypted pictures."""
        for path in files[:_N_SAMPLES]:
            with path.open("rb") as file:
                file.seek(path.stat().st_size // 2)
                self._samples.append(file.read(_N_SAMPLE_BYTES))

    def found_in(self, data_dir: Path) -> list[Path]:
        """The files in which any of it still stands."""
        patterns = [re.escape(sample) for sample in self._samples]
        patterns += [re.escape(sample) for _, _, sample in self._measured]
        patterns += [rb"(?<!%b)%b(?!%b)" % (_CODE_CHARACTER, code, _CODE_CHARACTER) for code in self._codes]
        if not patterns:
            return []
        pattern = re.compile(b"|".join(patterns))
        paths = sorted(data_dir.rglob("*"))
        named = [path for path in paths if pattern.search(os.fsencode(path.relative_to(data_dir)))]
        return named + [path for path in paths if path.is_file() and _has(path, pattern)]


def _has(path: Path, pattern: re.Pattern[bytes]) -> bool:
    if path.stat().st_size == 0:
        return False
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return pattern.search(content) is not None


def _keys(connection: sqlite3.Connection, session_ids: Sequence[str], is_running: bool) -> list[int]:
    keys = dict(connection.execute("SELECT session_id, session_key FROM sessions"))
    newest = max(keys.values(), default=0)
    for session_id in session_ids:
        if is_running and keys[session_id] == newest:
            raise SessionRunning(session_id)
    return [keys[session_id] for session_id in session_ids]


def _renewed_backup(data_dir: Path) -> bool:
    try:
        back_up(data_dir)
    except BackupFailed:
        for backup in backups(data_dir):
            backup.unlink(missing_ok=True)
        return False
    return True


def _rebuild(path: Path) -> None:
    with closing(open_for_writing(path)) as connection:
        try:
            connection.execute("VACUUM")
            empty_wal(connection)
        except SQLITE_ERRORS as error:
            raise LogUnwritten(path, str(error), 0) from error
