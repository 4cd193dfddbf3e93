"""What a participant agreed to, when, and under which text; a session keeps no more than that."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edge.config import RecordConfig
from edge.record.errors import (
    ConsentMissing,
    ConsentWithdrawn,
    LogUnwritten,
    ParticipantUnknown,
)
from edge.record.pictures import PicturesRefused, erase_pictures
from edge.record.schema import (
    DATABASE_NAME,
    SQLITE_ERRORS,
    make_data_dir,
    open_for_reading,
    open_for_writing,
)

# Cues are what the instrument is for, and cannot be left out.
MAY_AGREE_TO = ("signals", "traces", "pictures")
ADD_PARTICIPANT = "INSERT OR IGNORE INTO participants (code) VALUES (?)"
ADD_CONSENT = """
INSERT INTO consents (participant_key, at_unix_ns, agreed, text_version, text)
VALUES ((SELECT participant_key FROM participants WHERE code = ?), ?, ?, ?, ?)
"""
_WITHDRAW = """
UPDATE consents SET withdrawn_unix_ns = ? WHERE withdrawn_unix_ns IS NULL
    AND participant_key = (SELECT participant_key FROM participants WHERE code = ?)
"""
_SESSIONS = "SELECT session_id FROM sessions JOIN participants USING (participant_key) WHERE code = ?"
_EVERYBODY = """
SELECT code, (SELECT count(*) FROM sessions WHERE sessions.participant_key = people.participant_key),
    at_unix_ns, agreed, text_version, text, withdrawn_unix_ns
FROM participants people LEFT JOIN consents ON consents.participant_key = people.participant_key
    AND at_unix_ns = (SELECT max(at_unix_ns) FROM consents c WHERE c.participant_key = people.participant_key)
ORDER BY code
"""
_CONSENTS = """
SELECT at_unix_ns, agreed, text_version, text, withdrawn_unix_ns FROM consents
JOIN participants USING (participant_key) WHERE code = ? ORDER BY at_unix_ns
"""


@dataclass(frozen=True, slots=True)
class Consent:
    """One answer of one participant.

    Attributes
    ----------
    at_unix_ns : int
        When it was given, by the wall clock.
    agreed : tuple of str
        Out of `MAY_AGREE_TO`; cues are always among what is kept.
    text_version : str
        Which text was read and agreed to.
    text : str
        That text, where it was handed over.
    withdrawn_unix_ns : int or None
    """

    at_unix_ns: int
    agreed: tuple[str, ...]
    text_version: str
    text: str
    withdrawn_unix_ns: int | None


def add_consent(
    data_dir: Path, code: str, agreed: tuple[str, ...], text_version: str, text: str = ""
) -> None:
    """Record what a participant agreed to now; the newest counts.

    Raises
    ------
    LogUnwritten, DataDirUnwritable, DiskFull, DatabaseDamaged, DatabaseForeign, DatabaseFromFuture
    """
    make_data_dir(data_dir)
    words = " ".join(one for one in MAY_AGREE_TO if one in agreed)
    values = (code, time.time_ns(), words, text_version, text)
    _change(data_dir, [(ADD_PARTICIPANT, (code,)), (ADD_CONSENT, values)])


def withdraw_consent(data_dir: Path, code: str) -> tuple[int, int]:
    """Mark every consent of a participant as withdrawn, and delete the pictures: nothing else.

    Returns
    -------
    n_consents, n_pictures : int
        How many consents stood, and how many cues had pictures.
    """
    n_consents = _change(data_dir, [(_WITHDRAW, (time.time_ns(), code))])
    with closing(open_for_reading(data_dir / DATABASE_NAME)) as connection:
        session_ids = [row[0] for row in connection.execute(_SESSIONS, (code,))]
    return n_consents, sum(erase_pictures(data_dir, session_id) for session_id in session_ids)


def consents_of(data_dir: Path, code: str) -> list[Consent]:
    """What a participant agreed to, oldest first; empty where nothing is recorded.

    Raises
    ------
    LogUnreadable, DatabaseDamaged, DatabaseForeign, DatabaseFromFuture
    """
    return [_consent(row) for row in _read(data_dir, _CONSENTS, code)]


def everybody(data_dir: Path) -> list[tuple[str, int, Consent | None]]:
    """Every participant's code, number of sessions and newest consent, in order of the codes.

    Raises
    ------
    LogUnreadable, DatabaseDamaged, DatabaseForeign, DatabaseFromFuture
    """
    rows = _read(data_dir, _EVERYBODY)
    return [(code, n, None if newest[0] is None else _consent(newest)) for code, n, *newest in rows]


def has_agreed_to_pictures(data_dir: Path, code: str) -> bool:
    """Whether the participant's newest consent is to pictures too, and stands; raises as `consents_of`."""
    consents = consents_of(data_dir, code)
    return bool(consents) and consents[-1].withdrawn_unix_ns is None and "pictures" in consents[-1].agreed


def within_consent(
    config: RecordConfig, consents: list[Consent], code: str, is_required: bool
) -> RecordConfig:
    """The settings with what was not agreed to left out.

    Raises
    ------
    ConsentWithdrawn
        The participant took it back, and nothing newer was agreed to.
    ConsentMissing
        None is recorded, and `session.consent_required` asks for one.
    PicturesRefused
        The settings keep pictures, and a consent to them is not recorded.
    """
    if not consents:
        if is_required:
            raise ConsentMissing(code)
        if config.pictures:
            raise PicturesRefused(f"none of {code} is recorded" if code else "no participant is named")
        return config
    newest = consents[-1]
    if newest.withdrawn_unix_ns is not None:
        raise ConsentWithdrawn(code)
    agreed = newest.agreed
    if config.pictures and "pictures" not in agreed:
        raise PicturesRefused(f"{code} agreed to {' and '.join(agreed) or 'none'} only")
    return replace(
        config, signals=config.signals and "signals" in agreed, traces=config.traces and "traces" in agreed
    )


def _read(data_dir: Path, sql: str, *values: str) -> list[Sequence[Any]]:
    """Rows of the log; none where there is no log."""
    path = data_dir / DATABASE_NAME
    if not path.exists():
        return []
    with closing(open_for_reading(path)) as connection:
        return connection.execute(sql, values).fetchall()


def _consent(row: Sequence[Any]) -> Consent:
    at_ns, agreed, *rest = row
    return Consent(at_ns, tuple(agreed.split()), *rest)


def _change(data_dir: Path, statements: list[tuple[str, tuple[str | int, ...]]]) -> int:
    path = data_dir / DATABASE_NAME
    with closing(open_for_writing(path)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
            n_rows = [connection.execute(sql, values).rowcount for sql, values in statements][-1]
            connection.execute("COMMIT")
        except sqlite3.IntegrityError as error:
            raise ParticipantUnknown(str(statements[-1][1][0])) from error
        except SQLITE_ERRORS as error:
            raise LogUnwritten(path, str(error), len(statements)) from error
    return n_rows
