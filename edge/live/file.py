"""The file that a run shows itself in: in memory, for its own user, and empty unless somebody looks.

Who looks holds a shared lock on it. The run sees the lock, and writes only then; the kernel takes
the lock off when the one who looked has gone or died. Two slots are written in turn and each carries its
checksum, so a reader finds a whole one at any moment and never mixes two.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Mapping
from pathlib import Path

from edge.health.state_file import read_state
from edge.live.errors import NothingToSee
from edge.live.snapshot import SLOT_BYTES, Snapshot, packed, unpacked

_SHARED_MEMORY = Path("/dev/shm")
_NAME = "microcue-{}.live"


def memory_dirs(environ: Mapping[str, str] = os.environ) -> list[Path]:
    """Directories that are no disk: a service's own, the user's, everybody's; those that are named and there.

    systemd names the first (RuntimeDirectory=, systemd.exec), a login the second (XDG base directories).
    """
    named = [environ.get("RUNTIME_DIRECTORY", "").partition(":")[0], environ.get("XDG_RUNTIME_DIR", "")]
    return [path for path in (*(Path(name) for name in named if name), _SHARED_MEMORY) if path.is_dir()]


class LiveFile:
    """The run's side. Nobody fails where it cannot be made: then nothing is shown.

    Attributes
    ----------
    path : Path or None
        For the state file, where readers look it up.
    n_refused : int
        Times it could not be written.
    """

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self.path: Path | None = None
        self.n_refused = 0
        self._descriptor = -1
        self._n_written = 0
        for folder in memory_dirs(environ):
            _sweep(folder)
            path = folder / _NAME.format(os.getpid())
            with contextlib.suppress(OSError):
                # in a directory for everybody nobody else can have put a file or a link there before
                path.unlink(missing_ok=True)
                flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
                self._descriptor = os.open(path, flags, 0o600)
                self.path = path
                return

    def is_watched(self) -> bool:
        """Whether somebody looks now."""
        if self._descriptor < 0:
            return False
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
        fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        return False

    def write(self, snapshot: Snapshot) -> None:
        """Show this from now on; the number is given here."""
        self._n_written += 1
        numbered = Snapshot(
            self._n_written, snapshot.state, snapshot.times_ns, snapshot.codes, snapshot.points
        )
        try:
            os.pwrite(self._descriptor, packed(numbered), (self._n_written % 2) * SLOT_BYTES)
        except (OSError, ValueError):
            self.n_refused += 1

    def clear(self) -> None:
        """Show nothing: the memory goes back to the system."""
        if self._descriptor >= 0:
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, 0)

    def close(self) -> None:
        """Remove it. Safe to call twice."""
        if self._descriptor >= 0:
            self.clear()
            os.close(self._descriptor)
            self._descriptor = -1
        if self.path is not None:
            with contextlib.suppress(OSError):
                self.path.unlink(missing_ok=True)


class LiveReader:
    """Looks at a run for as long as it is open.

    Parameters
    ----------
    data_dir : Path
        The run's.

    Raises
    ------
    NothingToSee
    """

    def __init__(self, data_dir: Path) -> None:
        state = read_state(data_dir)
        if state is None:
            raise NothingToSee(data_dir, "none goes on there")
        name = str(state.get("live_file") or "")
        if not name:
            raise NothingToSee(data_dir, "it has no directory in memory to show itself in")
        try:
            self._descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
            fcntl.flock(self._descriptor, fcntl.LOCK_SH)
        except OSError as error:
            raise NothingToSee(data_dir, f"{name} says: {error.strerror}") from error

    def read(self) -> Snapshot | None:
        """The newest whole snapshot; None until the first is there, and after the run's end."""
        content = os.pread(self._descriptor, 2 * SLOT_BYTES, 0)
        slots = (unpacked(content[:SLOT_BYTES]), unpacked(content[SLOT_BYTES:]))
        whole = [slot for slot in slots if slot is not None]
        return max(whole, key=lambda slot: slot.number) if whole else None

    @property
    def has_ended(self) -> bool:
        """Whether the run has taken its file away."""
        return os.fstat(self._descriptor).st_nlink == 0

    def close(self) -> None:
        """Look no more. Safe to call twice."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _sweep(folder: Path) -> None:
    """Remove what runs of ours left that were killed."""
    for path in folder.glob(_NAME.format("*")):
        number = path.name.removeprefix("microcue-").removesuffix(".live")
        with contextlib.suppress(OSError):
            is_own = path.lstat().st_uid == os.geteuid()
            if is_own and number.isdecimal() and not Path("/proc", number).exists():
                path.unlink()
