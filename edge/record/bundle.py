"""Sessions as one file that only the lab's key opens: a log of its own inside, encrypted as age does.

https://age-encryption.org/v1. What is inside is authenticated piece by piece, so that a bundle that was cut
or altered is refused.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

from edge.errors import MissingExtra
from edge.record.errors import BundleRefused, KeyUnusable, LogUnwritten, OutputUnwritable
from edge.record.output import output_path
from edge.record.schema import (
    DATABASE_NAME,
    SQLITE_ERRORS,
    make_data_dir,
    open_for_reading,
    open_for_writing,
)

_SECRET = "AGE-SECRET-KEY-1"
_WANTED = "FROM source.sessions WHERE session_id IN (SELECT session_id FROM wanted)"


def make_key(path: Path) -> str:
    """Write a new secret key, readable for its owner alone; gives the public key.

    Raises
    ------
    MissingExtra, OutputUnwritable
        There is a file of that name already: a key is never written over.
    """
    identity = _pyrage().x25519.Identity.generate()
    public = str(identity.to_public())
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(f"# public key: {public}\n{identity}\n")
    except OSError as error:
        raise OutputUnwritable(path, error.strerror or str(error)) from error
    return public


def write_bundle(data_dir: Path, session_ids: Sequence[str], recipients: Sequence[str], output: str) -> int:
    """Write sessions into one encrypted file; gives its length in bytes.

    The log that goes into it is put together in a hidden folder of the data directory, and removed: nothing
    readable is written to where the bundle goes.

    Raises
    ------
    MissingExtra, KeyUnusable, OutputNeeded, OutputUnwritable
    LogUnwritten, LogUnreadable, DatabaseDamaged, DatabaseForeign, DatabaseFromFuture
    """
    keys = [_recipient(text) for text in recipients]
    with tempfile.TemporaryDirectory(dir=data_dir, prefix=".bundle-") as folder:
        plain = Path(folder) / DATABASE_NAME
        copy_sessions(data_dir / DATABASE_NAME, session_ids, plain)
        with output_path(output, "bundle") as path, plain.open("rb") as source, path.open("wb") as target:
            _pyrage().encrypt_io(source, target, keys)
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
    pyrage, identities = _pyrage(), read_identities(key_file)
    path = data_dir / DATABASE_NAME
    if path.exists():
        raise OutputUnwritable(path, "there is a log already, and another directory is needed")
    make_data_dir(data_dir)
    with output_path(str(path), "bundle") as part:
        try:
            with bundle.open("rb") as source, part.open("wb") as target:
                pyrage.decrypt_io(source, target, identities)
        except FileNotFoundError as error:
            raise BundleRefused(bundle, "there is no such file") from error
        except (pyrage.DecryptError, OSError) as error:
            raise BundleRefused(bundle, str(error)) from error
        _check(bundle, part)


def read_identities(key_file: Path) -> list[Any]:
    """The secret keys in a file as `age-keygen` writes it; raises KeyUnusable."""
    pyrage = _pyrage()
    try:
        lines = [line.strip() for line in key_file.read_text(encoding="ascii").splitlines()]
        keys = [pyrage.x25519.Identity.from_str(line) for line in lines if line.startswith(_SECRET)]
    except (OSError, UnicodeDecodeError, pyrage.IdentityError) as error:
        raise KeyUnusable(str(key_file), str(error)) from error
    if not keys:
        raise KeyUnusable(str(key_file), f"no line begins with {_SECRET}")
    return keys


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


def _check(bundle: Path, part: Path) -> None:
    with closing(open_for_reading(part)) as connection:
        (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise BundleRefused(bundle, verdict.splitlines()[-1])


def _recipient(text: str) -> Any:
    pyrage = _pyrage()
    try:
        return pyrage.x25519.Recipient.from_str(text.strip())
    except pyrage.RecipientError as error:
        raise KeyUnusable(text, str(error)) from error


def _pyrage() -> Any:
    try:
        import pyrage
    except ImportError as error:
        raise MissingExtra("encrypting and opening bundles", "bundle") from error
    return pyrage
