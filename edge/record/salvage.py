"""A damaged log is set aside, and its rows are carried into the fresh one while that is written to."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

from edge.errors import RecordError
from edge.record.damaged import FoundRows
from edge.record.statements import Statement, incident

log = logging.getLogger(__name__)

DAMAGED_SUFFIX, SALVAGED_SUFFIX = ".damaged", ".salvaged"
_N_BATCH_ROWS = 500
_PAUSE_S = 0.02  # between batches: the frames come first
_BATCH_WAIT_S = 60.0


def set_aside(path: Path) -> Path:
    """Move a damaged log away, with what stands beside it; gives its new name."""
    stamp = datetime.now(timezone.utc).strftime("%Y%m%d-%H%M%S-%f")
    aside = path.with_name(f"{path.stem}-{stamp}{DAMAGED_SUFFIX}")
    wal = path.with_name(path.name + "-wal")
    if wal.exists():
        wal.replace(aside.with_name(aside.name + "-wal"))
    path.replace(aside)
    path.with_name(path.name + "-shm").unlink(missing_ok=True)
    return aside


def unsalvaged(data_dir: Path) -> list[Path]:
    """Logs that were set aside and whose rows have not all been carried over yet, oldest first."""
    return sorted(data_dir.glob(f"*{DAMAGED_SUFFIX}"))


class Salvage:
    """Carries the rows of logs that were set aside into the fresh one, on a thread of its own.

    Rows go through the log's writer in small batches. What was interrupted begins again with the
    next run; a row that is there already is left as it is.

    Parameters
    ----------
    data_dir : Path
    put : callable
        Takes a batch of statements; False where it could not be written in time.
    existing : callable
        Key and id of every session in the fresh log.
    """

    def __init__(
        self,
        data_dir: Path,
        put: Callable[[list[Statement], float], bool],
        existing: Callable[[], dict[str, int]],
    ) -> None:
        self._data_dir = data_dir
        self._put = put
        self._existing = existing
        self._stopped = threading.Event()
        self._wanted = threading.Event()
        self._idle = threading.Event()
        self._idle.set()
        self._thread = threading.Thread(target=self._run, name="log salvage", daemon=True)
        self._thread.start()

    def begin(self) -> None:
        """Look for logs that were set aside."""
        self._idle.clear()
        self._wanted.set()

    def stop(self, patience_s: float) -> None:
        """Wait for at most `patience_s`, then stop between two batches."""
        self._idle.wait(patience_s)
        self._stopped.set()
        self._wanted.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            self._wanted.wait()
            self._wanted.clear()
            if self._stopped.is_set():
                return
            try:
                all(self._carry_over(aside) for aside in unsalvaged(self._data_dir))
            except (RecordError, OSError) as error:
                log.warning("the rows of a damaged log wait for the next run: %s", error)
            if not self._wanted.is_set():
                self._idle.set()

    def _carry_over(self, aside: Path) -> bool:
        found = FoundRows(aside)
        n_rows = 0
        try:
            batch: list[Statement] = []
            for statement in found.statements(self._existing()):
                batch.append(statement)
                if len(batch) == _N_BATCH_ROWS:
                    n_rows += len(batch)
                    if self._stopped.wait(_PAUSE_S) or not self._put(batch, _BATCH_WAIT_S):
                        return False
                    batch = []
            n_rows += len(batch)
            told = f"{n_rows} rows of {aside.stem}, {found.n_lost_pages} pages lost"
            batch.append(incident("salvaged", told))
            if self._stopped.is_set() or not self._put(batch, _BATCH_WAIT_S):
                return False
        finally:
            found.close()
        for name in (aside.name, aside.name + "-wal"):
            part = aside.with_name(name)
            if part.exists():
                part.replace(part.with_name(name.replace(DAMAGED_SUFFIX, SALVAGED_SUFFIX)))
        return True
