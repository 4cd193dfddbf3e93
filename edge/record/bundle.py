"""Sessions as one file that only the lab's key opens: a log of its own inside, encrypted as age does.

https://age-encryption.org/v1. What is inside is authenticated piece by piece, so that a bundle that was cut
or altered is refused.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from urllib.parse import quote

from edge.record.errors import BundleRefused, LogUnwritten, OutputUnwritable
from edge.record.keys import age, read_identities, recipient
from edge.record.output import output_path
from edge.record.packed import LAST, Packed, ending, head
from edge.record.pictures import PICTURES_DIR, files_of
from edge.record.schema import (
    DATABASE_NAME,
    SQLITE_ERRORS,
    make_data_dir,
    open_for_reading,
    open_for_writing,
)

_PIECE_BYTES = 1 << 20
_MEMBER = re.compile(rf"{re.escape(DATABASE_NAME)}|{PICTURES_DIR}/[A-Za-z0-9_-]+/\d+\.age")
_WANTED = "FROM source.sessions WHERE session_id IN (SELECT session_id FROM wanted)"


def write_bundle(data_dir: Path, session_ids: Sequence[str], recipients: Sequence[str], output: str) -> int:
    """Write sessions into one encrypted file; gives its length in bytes.

    Where the sessions have pictures, the log and the pictures, which stay encrypted to the key that they
    were kept for, are inside as a tar archive. The log is put together in a hidden folder of the data
    directory, and removed: nothing readable is written to where the bundle goes.

    Raises
    ------
    MissingExtra, KeyUnusable, OutputNeeded, OutputUnwritable
    LogUnwritten, LogUnreadable, DatabaseDamaged, DatabaseForeign, DatabaseFromFuture
    """
    keys = [recipient(text) for text in recipients]
    with tempfile.TemporaryDirectory(dir=data_dir, prefix=".bundle-") as folder:
        plain = Path(folder) / DATABASE_NAME
        copy_sessions(data_dir / DATABASE_NAME, session_ids, plain)
        pictures = [file for session_id in session_ids for file in files_of(data_dir, session_id)]
        with ExitStack() as stack:
            path = stack.enter_context(output_path(output, "bundle"))
            target = stack.enter_context(path.open("wb"))
            if pictures:
                age().encrypt_io(Packed(_with_pictures(data_dir, plain, pictures)), target, keys)
            else:
                age().encrypt_io(stack.enter_context(plain.open("rb")), target, keys)
    return Path(output).stat().st_size


def open_bundle(bundle: Path, key_file: Path, data_dir: Path) -> None:
    """Decrypt a bundle into a data directory that has no log yet.

    Raises
    ------
    MissingExtra, KeyUnusable
    BundleRefused
        The key does not fit, or the bundle was cut or altered; nothing is left behind.
    OutputUnwritable
        There is a log already.
    """
    pyrage, identities = age(), read_identities(key_file)
    path = data_dir / DATABASE_NAME
    if path.exists():
        raise OutputUnwritable(path, "there is a log already", "--into")
    make_data_dir(data_dir)
    with output_path(str(path), "bundle") as part:
        try:
            with bundle.open("rb") as source, part.open("wb") as target:
                pyrage.decrypt_io(source, target, identities)
        except FileNotFoundError as error:
            raise BundleRefused(bundle, "there is no such file") from error
        except (pyrage.DecryptError, OSError) as error:
            raise BundleRefused(bundle, str(error)) from error
        if tarfile.is_tarfile(part):
            _unpack(bundle, part, data_dir)
        else:
            _check(bundle, part)


def copy_sessions(source: Path, session_ids: Sequence[str], target: Path) -> None:
    """A log of its own with some sessions of another, their participants and consents.

    Raises
    ------
    LogUnwritten, LogUnreadable, DatabaseDamaged, DatabaseForeign, DatabaseFromFuture
    """
    open_for_reading(source).close()  # refuses what is no log, and logs of another format
    with closing(open_for_writing(target)) as connection:
        try:
            address = f"file:{quote(str(source.absolute()))}?mode=ro"
            connection.execute("ATTACH ? AS source", (address,))
            connection.execute("CREATE TEMP TABLE wanted (session_id TEXT PRIMARY KEY)")
            connection.executemany("INSERT INTO wanted VALUES (?)", ((one,) for one in session_ids))
            connection.execute("BEGIN")
            for table, condition in _tables(connection):
                names = ", ".join(row[1] for row in connection.execute(f"PRAGMA main.table_info({table})"))
                connection.execute(
                    f"INSERT INTO main.{table} ({names}) SELECT {names} FROM source.{table} WHERE {condition}"
                )
            connection.execute("COMMIT")
            connection.execute("DETACH source")
            connection.execute("PRAGMA journal_mode=DELETE")  # one file, with nothing beside it
        except SQLITE_ERRORS as error:
            raise LogUnwritten(target, str(error), 0) from error


def _tables(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    """Tables to copy, those that others refer to first, with what to take of each."""
    found = [row[0] for row in connection.execute("SELECT name FROM main.sqlite_schema WHERE type = 'table'")]
    first = [
        (name, f"participant_key IN (SELECT participant_key {_WANTED})")
        for name in ("participants", "consents")
    ]
    first.append(("sessions", f"session_key IN (SELECT session_key {_WANTED})"))
    others = [name for name in found if name not in (*(name for name, _ in first), "incidents")]
    return first + [(name, f"session_key IN (SELECT session_key {_WANTED})") for name in others]


def _with_pictures(data_dir: Path, log: Path, pictures: Sequence[Path]) -> Iterator[bytes]:
    """A tar archive of the log and of files of pictures, piece by piece."""
    for path in (log, *pictures):
        n_bytes = path.stat().st_size
        name = DATABASE_NAME if path == log else str(path.relative_to(data_dir))
        yield head(name, n_bytes)
        with path.open("rb") as file:
            while piece := file.read(_PIECE_BYTES):
                yield piece
        yield ending(n_bytes)
    yield LAST


def _unpack(bundle: Path, part: Path, data_dir: Path) -> None:
    """Take pictures out of an archive to where they belong, and leave the log in its place."""
    try:
        with tempfile.TemporaryDirectory(dir=data_dir, prefix=".unbundle-") as folder:
            log = Path(folder) / DATABASE_NAME
            with tarfile.open(part, "r:") as archive:
                for member in archive:
                    if not member.isreg() or not _MEMBER.fullmatch(member.name):
                        raise BundleRefused(bundle, f"{member.name!r} is nothing that belongs into it")
                    path = Path(folder) / member.name
                    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                    source = archive.extractfile(member)
                    with path.open("wb") as target:
                        shutil.copyfileobj(source, target)  # type: ignore[arg-type]
            _check(bundle, log)
            log.replace(part)
            if (pictures := Path(folder) / PICTURES_DIR).exists():
                pictures.rename(data_dir / PICTURES_DIR)
    except tarfile.TarError as error:
        raise BundleRefused(bundle, str(error)) from error


def _check(bundle: Path, part: Path) -> None:
    with closing(open_for_reading(part)) as connection:
        (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise BundleRefused(bundle, verdict.splitlines()[-1])
