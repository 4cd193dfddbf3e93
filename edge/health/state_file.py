"""How a running session is, left for other processes in a small file beside the log."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any

STATE_NAME = "microcue.status"
# the phase after a session that is still in the log, with its reason; before the first and once a kiosk has
# deleted one it is "waiting" alone
SESSION_OVER = "waiting; the last session: "
DELETING = "deleting"
_BYTES = 4096
_N_LOOKS = 3


class StateFile:
    """Written over in place, always the same length, never synced: one page of memory that the system
    writes back when it likes, twice a minute at most. A card is not worn by it.

    Parameters
    ----------
    data_dir : Path
        Where the log is.

    Attributes
    ----------
    n_refused : int
        Times it could not be written; nobody fails for that.
    """

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / STATE_NAME
        self._descriptor = -1
        self.n_refused = 0

    def write(self, state: dict[str, Any]) -> None:
        """Leave this instead of what was there."""
        text = json.dumps(state, ensure_ascii=True).encode("ascii")
        try:
            if len(text) > _BYTES:
                raise OSError(f"{len(text)} bytes of {_BYTES}")
            if self._descriptor < 0:
                flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
                self._descriptor = os.open(self._path, flags, 0o600)
            os.pwrite(self._descriptor, text.ljust(_BYTES, b"\n"), 0)
        except OSError:
            self.n_refused += 1

    def close(self) -> None:
        """The run has ended: there is no state any more. Safe to call twice."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)


def read_state(data_dir: Path) -> dict[str, Any] | None:
    """What a run left; None where there is nothing, or nothing that can be understood."""
    for _ in range(_N_LOOKS):  # it may be written just now
        try:
            state = json.loads((data_dir / STATE_NAME).read_bytes())
        except OSError:
            return None
        except ValueError:
            continue
        return state if isinstance(state, dict) else None
    return None
