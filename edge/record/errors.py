"""What can go wrong with the log, one sentence each."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path

from edge.errors import RecordError, UsageError


class DataDirUnwritable(RecordError):
    """The data directory cannot be made or written to."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return (
            f"the log needs a directory it can write to, but {self.path} gave: {self.reason}; "
            "give another one with --data, or change its owner or permissions"
        )


class DataDirBusy(RecordError):
    """Another process is recording into the same data directory."""

    def __init__(self, path: Path, pid: int) -> None:
        super().__init__(path, pid)
        self.path = path
        self.pid = pid

    def __str__(self) -> str:
        holder = f"process {self.pid}" if self.pid else "another process"
        return (
            f"only one run may record into {self.path}, and {holder} already does; "
            "stop that one, or give another directory with --data"
        )


class DiskFull(RecordError):
    """No space is left; `n_rows` rows could not be written."""

    def __init__(self, path: Path, n_rows: int) -> None:
        super().__init__(path, n_rows)
        self.path = path
        self.n_rows = n_rows

    def __str__(self) -> str:
        lost = f"{self.n_rows} rows could not be written" if self.n_rows else "nothing can be written"
        return (
            f"the disk that holds {self.path} is full, so {lost}; "
            "what was logged before is safe: free some space, or give another directory with --data"
        )


class LogUnwritten(RecordError):
    """The log could not be written to, for a reason other than a full disk."""

    def __init__(self, path: Path, reason: str, n_rows: int) -> None:
        super().__init__(path, reason, n_rows)
        self.path = path
        self.reason = reason
        self.n_rows = n_rows

    def __str__(self) -> str:
        return (
            f"{self.n_rows} rows could not be written to {self.path}: {self.reason}; "
            "what was logged before is safe: check the disk (dmesg) and the file's permissions"
        )


class LogUnreadable(RecordError):
    """The log file is there but cannot be opened or read."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.path} cannot be read: {self.reason}; check its permissions and the disk"


class DatabaseDamaged(RecordError):
    """The file is not a database any more, or its pages do not fit together."""

    def __init__(self, path: Path, detail: str) -> None:
        super().__init__(path, detail)
        self.path = path
        self.detail = detail

    def __str__(self) -> str:
        return (
            f"{self.path} should be a microcue log, but it is damaged ({self.detail}); "
            "move it away together with its -wal and -shm files and a new one is made"
        )


class DatabaseForeign(RecordError):
    """An SQLite database of some other program."""

    def __init__(self, path: Path, application_id: int) -> None:
        super().__init__(path, application_id)
        self.path = path
        self.application_id = application_id

    def __str__(self) -> str:
        return (
            f"{self.path} should be a microcue log, but it is another program's database "
            f"(application id {self.application_id}); give another directory with --data"
        )


class DatabaseFromFuture(RecordError):
    """A newer microcue wrote this log."""

    def __init__(self, path: Path, found: int, known: int) -> None:
        super().__init__(path, found, known)
        self.path = path
        self.found = found
        self.known = known

    def __str__(self) -> str:
        return (
            f"{self.path} has format {self.found} and this microcue knows formats up to {self.known}; "
            "install the newer microcue that wrote it, or give another directory with --data"
        )


class BlockDamaged(RecordError):
    """A compressed block does not unpack to what its row says."""

    def __init__(self, expected_bytes: int, found_bytes: int) -> None:
        super().__init__(expected_bytes, found_bytes)
        self.expected_bytes = expected_bytes
        self.found_bytes = found_bytes

    def __str__(self) -> str:
        return (
            f"a stored block should unpack to {self.expected_bytes} bytes and gave {self.found_bytes}; "
            "the log is damaged there, the other blocks can still be read"
        )


class BackupFailed(RecordError):
    """The log could not be copied, or the copy is not what the log is."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"no backup could be made in {self.path}: {self.reason}; older backups are still there"


class SessionRunning(UsageError):
    """The session is being recorded at this moment."""

    def __init__(self, session_id: str) -> None:
        super().__init__(session_id)
        self.session_id = session_id

    def __str__(self) -> str:
        return f"session {self.session_id} is being recorded; end that run first, nothing was deleted"


class SalvagePending(RecordError):
    """A damaged log still waits to be carried over, and may hold what is to be forgotten."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.path = path

    def __str__(self) -> str:
        return (
            f"{self.path} is a damaged log whose rows are not all carried over, and may hold what is to be "
            "forgotten; let a run end its salvage, or delete that file, and ask again: nothing was deleted"
        )


class NotForgotten(RecordError):
    """Something of what was deleted still stands in a file."""

    def __init__(self, paths: Sequence[Path]) -> None:
        super().__init__(paths)
        self.paths = paths

    def __str__(self) -> str:
        return (
            f"all rows were deleted, but bytes of them still stand in {', '.join(map(str, self.paths))}; "
            "end what reads the log, then start and end a run, which clears them away"
        )


class ParticipantUnknown(UsageError):
    """No participant of that code."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code

    def __str__(self) -> str:
        return f"there is no participant {self.code!r} in the log; `microcue consent` lists the codes"


class ConsentMissing(UsageError):
    """Nobody is watched without a recorded consent, and there is none."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code

    def __str__(self) -> str:
        if not self.code:
            return (
                "session.consent_required asks for a recorded consent, and no participant was named; "
                "give --participant CODE"
            )
        return (
            f"session.consent_required asks for a recorded consent, and {self.code} has none; "
            f"record it with `microcue consent {self.code} --agreed ... --version ...`"
        )


class ConsentWithdrawn(UsageError):
    """The participant took the consent back."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code

    def __str__(self) -> str:
        return (
            f"{self.code} withdrew the consent, so nothing is watched; a new one can be recorded with "
            f"`microcue consent`, and `microcue forget --participant {self.code}` deletes what there is"
        )


class NotRunning(UsageError):
    """A mark for this moment, and no camera is being watched."""

    def __init__(self, data_dir: Path) -> None:
        super().__init__(data_dir)
        self.data_dir = data_dir

    def __str__(self) -> str:
        return (
            f"no session is being recorded from a camera into {self.data_dir}; start one with "
            "`microcue run`, or say where the mark belongs with --session and --at"
        )


class CueUnknown(UsageError):
    """No session and no cue of that name."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return f"no session and no cue is called {self.name!r}; `microcue cues --json` has their ids"


class AnalysisUnknown(UsageError):
    """The session was not spotted again under that number."""

    def __init__(self, session_id: str, number: int) -> None:
        super().__init__(session_id, number)
        self.session_id = session_id
        self.number = number

    def __str__(self) -> str:
        return (
            f"session {self.session_id} has no analysis {self.number}; `microcue respot` makes one, and 0 is "
            "what was spotted live"
        )


class NoSignals(UsageError):
    """A session is to be spotted again, and its signals were not kept."""

    def __init__(self, session_id: str) -> None:
        super().__init__(session_id)
        self.session_id = session_id

    def __str__(self) -> str:
        return (
            f"session {self.session_id} has no stored signals, so it cannot be spotted again; "
            "record.signals was false, or the participant did not agree to them"
        )


class KeyUnusable(UsageError):
    """What should be a key of age is none."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(name, reason)
        self.name = name
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.name} is no usable key: {self.reason}; `microcue key FILE` makes one"


class BundleRefused(RecordError):
    """A bundle that this key does not open, or that is not what was written."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return (
            f"{self.path} cannot be opened ({self.reason}); check that the key fits and that the file was "
            "not cut or altered on its way"
        )


class CollectionUnwritable(RecordError):
    """The DuckDB file cannot be opened or written."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        said = self.reason.splitlines()[0]
        return f"{self.path} cannot be collected into: {said}; close what has it open, or give another --into"


class SessionUnknown(UsageError):
    """No session of that name."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(name, known)
        self.name = name
        self.known = known

    def __str__(self) -> str:
        near = difflib.get_close_matches(self.name, self.known, n=1, cutoff=0.4)
        hint = f"the nearest is {near[0]}" if near else "`microcue sessions` lists them"
        return f"there is no session {self.name!r} in the log; {hint}"


class NoSessions(UsageError):
    """A session was asked for and the log has none."""

    def __init__(self, data_dir: Path) -> None:
        super().__init__(data_dir)
        self.data_dir = data_dir

    def __str__(self) -> str:
        return f"no session has been recorded in {self.data_dir} yet; start one with `microcue run`"


class OutputNeeded(UsageError):
    """A format that is no text, and nowhere to write it to."""

    def __init__(self, format_name: str, what: str) -> None:
        super().__init__(format_name, what)
        self.format_name = format_name
        self.what = what

    def __str__(self) -> str:
        return f"the format {self.format_name} is not for standard output; give --output {self.what}"


class OneSessionNeeded(UsageError):
    """A format that holds one session."""

    def __init__(self, format_name: str, n_sessions: int) -> None:
        super().__init__(format_name, n_sessions)
        self.format_name = format_name
        self.n_sessions = n_sessions

    def __str__(self) -> str:
        return (
            f"the format {self.format_name} holds one session, and {self.n_sessions} are meant; "
            "name one, or choose parquet"
        )


class OutputUnwritable(RecordError):
    """The file asked for with `--output` or `--into` cannot be written."""

    def __init__(self, path: Path, reason: str, option: str = "--output") -> None:
        super().__init__(path, reason, option)
        self.path = path
        self.reason = reason
        self.option = option

    def __str__(self) -> str:
        return f"cannot write to {self.path}: {self.reason}; give another {self.option}"
