"""Visitors of a kiosk: the text they agree to, codes made for them, and who took the consent back.

The log is the place where a kiosk and whatever asks for it meet: a button, `microcue consent --give`, a
page with the text on a screen. Who agrees is `admit`ted, with a code and a consent. The kiosk looks at
`wishes`: it watches who waits, and deletes who withdrew the consent (`people.withdraw_consent`).
"""

from __future__ import annotations

import hashlib
import re
import secrets
import sqlite3
import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from edge.config import RecordConfig
from edge.errors import ConfigError, RecordError
from edge.record.errors import (
    ConsentWithdrawn,
    LogUnreadable,
    LogUnwritten,
    ParticipantUnknown,
    SalvagePending,
)
from edge.record.forget import Forgotten, forget, sessions_of
from edge.record.lock import is_held
from edge.record.people import ADD_CONSENT, ADD_PARTICIPANT, MAY_AGREE_TO
from edge.record.recorder import Recorder
from edge.record.salvage import unsalvaged
from edge.record.schema import (
    DATABASE_NAME,
    SQLITE_ERRORS,
    connect_writer,
    make_data_dir,
    open_for_reading,
    open_for_writing,
)

# Whoever agreed and was not watched within this time has gone again.
WAITING_NS = 10_000_000_000
# A camera takes some seconds to open and to find its exposure.
BEGIN_PATIENCE_S = 20.0
_LOOK_S = 0.2
TEXT_MAX_BYTES = 1_000_000
# Read aloud or copied by hand without a mistake: no letter that looks or sounds like another, no vowel.
_LETTERS = "bcdfghjkmpqrstvwxz"
_N_LETTERS = 4
_KIOSK_CODES = "code GLOB 'K-[0-9]*-*'"
_NEWEST_NUMBER = f"""
SELECT coalesce(max(CAST(substr(code, 3, instr(substr(code, 3), '-') - 1) AS INTEGER)), 0)
FROM participants WHERE {_KIOSK_CODES}
"""
_WAITING = f"""
SELECT code FROM participants JOIN consents USING (participant_key)
WHERE {_KIOSK_CODES} AND withdrawn_unix_ns IS NULL AND at_unix_ns BETWEEN ? AND ?
    AND at_unix_ns = (SELECT max(at_unix_ns) FROM consents c
        WHERE c.participant_key = participants.participant_key)
    AND NOT EXISTS (SELECT 1 FROM sessions WHERE sessions.participant_key = participants.participant_key
        AND consent_unix_ns = at_unix_ns)
ORDER BY at_unix_ns LIMIT 1
"""
_TAKE_BACK = """
UPDATE consents SET withdrawn_unix_ns = ? WHERE (participant_key, at_unix_ns) IN (
    SELECT participant_key, max(at_unix_ns) FROM consents JOIN participants USING (participant_key)
    WHERE code = ? GROUP BY participant_key)
"""
_STANDING = f"""
SELECT max(withdrawn_unix_ns IS NULL) FROM consents JOIN participants USING (participant_key)
WHERE code = ? AND {_KIOSK_CODES}
"""
_WITHDRAWN = f"""
SELECT code FROM participants WHERE {_KIOSK_CODES}
    AND EXISTS (SELECT 1 FROM consents c WHERE c.participant_key = participants.participant_key)
    AND NOT EXISTS (SELECT 1 FROM consents c WHERE c.participant_key = participants.participant_key
        AND withdrawn_unix_ns IS NULL)
ORDER BY code
"""
_NEWEST_VISIT = f"""
SELECT code, end_reason IS NULL FROM sessions
JOIN participants USING (participant_key) WHERE {_KIOSK_CODES} ORDER BY session_key DESC LIMIT 1
"""


class KioskBusy(RecordError):
    """The kiosk does not begin to watch who just agreed."""

    def __init__(self, data_dir: Path, reason: str) -> None:
        super().__init__(data_dir, reason)
        self.data_dir = data_dir
        self.reason = reason

    def __str__(self) -> str:
        return (
            f"expected a kiosk that waits for somebody in {self.data_dir}, but {self.reason}; "
            "start microcue run in kiosk mode, or try again when its light asks"
        )


@dataclass(frozen=True, slots=True)
class ConsentText:
    """What visitors agree to.

    Attributes
    ----------
    text : str
    version : str
        "sha256:" and the hash of the file's bytes: another word is another version.
    """

    text: str
    version: str


def forget_visitors(recorder: Recorder, data_dir: Path, codes: Sequence[str]) -> Forgotten:
    """Delete visitors with all their sessions, between two sessions of a recorder.

    Raises
    ------
    SalvagePending
        Not now: a damaged log is being carried over. Nothing was deleted.
    NotForgotten, DiskFull, LogUnwritten, LogUnreadable, DatabaseDamaged
        As `edge.record.forget.forget`.
    """
    if waiting := unsalvaged(data_dir):
        raise SalvagePending(waiting[0])
    with recorder.closed_log():
        session_ids = [one for code in codes for one in sessions_of(data_dir, code)]
        return forget(data_dir, session_ids, codes, is_recording=False)


class Wishes(NamedTuple):
    """What visitors want of the kiosk.

    Attributes
    ----------
    waiting : str or None
        Who agreed within `WAITING_NS` and has not been watched since; the longest waiting of them.
    withdrawn : list of str
        Who took the consent back and is not forgotten yet.
    """

    waiting: str | None
    withdrawn: list[str]


class NewestVisit(NamedTuple):
    """The visit that is going on, or the last.

    Attributes
    ----------
    code : str
    is_running : bool
        By the log; a run that was killed says so too.
    """

    code: str
    is_running: bool


def newest_visit(data_dir: Path) -> NewestVisit | None:
    """The visit that is going on, or the last; None where there is none.

    Raises
    ------
    LogUnreadable, DatabaseDamaged, DatabaseForeign, DatabaseFromFuture
    """
    path = data_dir / DATABASE_NAME
    if not path.exists():
        return None
    with closing(open_for_reading(path)) as connection:
        try:
            found = connection.execute(_NEWEST_VISIT).fetchone()
        except sqlite3.OperationalError as error:
            raise LogUnreadable(path, str(error)) from error
    return None if found is None else NewestVisit(found[0], bool(found[1]))


def read_consent_text(path: Path) -> ConsentText:
    """The lab's own text.

    Raises
    ------
    ConfigError
        It cannot be read, is empty, or is no text.
    """
    try:
        content = path.read_bytes()
        if len(content) > TEXT_MAX_BYTES:
            raise _unusable(path, f"{len(content)} bytes")
        text = content.decode("utf-8-sig")
    except OSError as error:
        raise _unusable(path, str(error.strerror)) from error
    except UnicodeDecodeError as error:
        raise _unusable(path, "bytes that are no UTF-8") from error
    if not text.strip():
        raise _unusable(path, "nothing in it")
    return ConsentText(text, f"sha256:{hashlib.sha256(content).hexdigest()}")


def admit(data_dir: Path, agreed: Iterable[str], text: ConsentText, code: str = "") -> str:
    """Record that somebody agreed to a text just now; gives their code.

    Parameters
    ----------
    data_dir : Path
    agreed : iterable of str
        Out of `MAY_AGREE_TO`; cues are always among what is kept.
    text : ConsentText
    code : str, optional
        Of somebody who was here before and brought it; one is made otherwise.

    Returns
    -------
    str
        As "K-0007-hbkd": how many visitors there were, and letters that make it hard to guess.

    Raises
    ------
    ParticipantUnknown, ConsentWithdrawn
        The code is none of this kiosk's, or its visits wait for being deleted.
    LogUnwritten, DataDirUnwritable, DiskFull, DatabaseDamaged, DatabaseForeign, DatabaseFromFuture
    """
    make_data_dir(data_dir)
    path = data_dir / DATABASE_NAME
    words = " ".join(one for one in MAY_AGREE_TO if one in set(agreed))
    # a kiosk that runs has checked the log already, and a visitor should not wait for that again
    with closing(connect_writer(path) if is_held(data_dir) else open_for_writing(path)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
            if code:
                _check_standing(connection, code)
            else:
                code = _new_code(connection)
                connection.execute(ADD_PARTICIPANT, (code,))
            connection.execute(ADD_CONSENT, (code, time.time_ns(), words, text.version, text.text))
            connection.execute("COMMIT")
        except SQLITE_ERRORS as error:
            raise LogUnwritten(path, str(error), 2) from error
    return code


def _check_standing(connection: sqlite3.Connection, code: str) -> None:
    (is_standing,) = connection.execute(_STANDING, (code,)).fetchone()
    if is_standing is None:
        raise ParticipantUnknown(code)
    if not is_standing:
        raise ConsentWithdrawn(code)


def _new_code(connection: sqlite3.Connection) -> str:
    (newest,) = connection.execute(_NEWEST_NUMBER).fetchone()
    return f"K-{newest + 1:04d}-{''.join(secrets.choice(_LETTERS) for _ in range(_N_LETTERS))}"


def is_kiosk_code(code: str) -> bool:
    """Whether a kiosk made this code."""
    return re.fullmatch(r"K-\d.*-.*", code) is not None


def kept_by(config: RecordConfig) -> tuple[str, ...]:
    """What agreeing by a press covers: what the settings keep, and never pictures."""
    return tuple(name for name in ("signals", "traces") if getattr(config, name))


def begin_visit(
    data_dir: Path,
    agreed: Iterable[str],
    text: ConsentText,
    code: str = "",
    patience_s: float = BEGIN_PATIENCE_S,
) -> str:
    """Admit somebody to the kiosk that runs, and wait until it watches them; gives their code.

    Raises
    ------
    KioskBusy
        None runs, or it does not take them up; then this consent, and no earlier one, is withdrawn again.
    ParticipantUnknown, ConsentWithdrawn
        As `admit`.
    LogUnwritten, LogUnreadable, DatabaseDamaged, DatabaseForeign, DatabaseFromFuture
    """
    if not is_held(data_dir):
        raise KioskBusy(data_dir, "nothing runs there")
    n_before = len(sessions_of(data_dir, code)) if code else 0
    code = admit(data_dir, agreed, text, code)
    until_s = time.monotonic() + patience_s
    while len(sessions_of(data_dir, code)) <= n_before:
        if time.monotonic() > until_s:
            _take_back(data_dir, code)
            raise KioskBusy(data_dir, "it watches somebody else, or is no kiosk")
        time.sleep(_LOOK_S)
    return code


def _take_back(data_dir: Path, code: str) -> None:
    path = data_dir / DATABASE_NAME
    try:
        with closing(connect_writer(path)) as connection:
            connection.execute(_TAKE_BACK, (time.time_ns(), code))
    except SQLITE_ERRORS as error:
        raise LogUnwritten(path, str(error), 1) from error


def wishes(data_dir: Path) -> Wishes:
    """What visitors want of the kiosk now.

    Raises
    ------
    LogUnreadable, DatabaseDamaged, DatabaseForeign, DatabaseFromFuture
    """
    path = data_dir / DATABASE_NAME
    if not path.exists():
        return Wishes(None, [])
    now_ns = time.time_ns()
    with closing(open_for_reading(path)) as connection:
        try:
            waiting = connection.execute(_WAITING, (now_ns - WAITING_NS, now_ns + WAITING_NS)).fetchone()
            withdrawn = connection.execute(_WITHDRAWN).fetchall()
        except sqlite3.OperationalError as error:
            raise LogUnreadable(path, str(error)) from error
    return Wishes(waiting[0] if waiting else None, [code for (code,) in withdrawn])


def _unusable(path: Path, found: str) -> ConfigError:
    return ConfigError(
        f"kiosk.consent_text expects a text that visitors agree to, found at {path}: {found}; "
        "write it, save it as UTF-8, and let microcue read it"
    )
