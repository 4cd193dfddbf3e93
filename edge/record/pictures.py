"""Where encrypted pictures are, and how they go: a folder for each session, a file for each cue."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import Path

from edge.errors import ConfigError

PICTURES_DIR = "pictures"
SUFFIX, PART_SUFFIX = ".age", ".part"
_SESSION_ID = re.compile(r"[A-Za-z0-9_-]+")
_FILE = re.compile(r"\d+\.age")


class PicturesRefused(ConfigError):
    """The settings ask for pictures, and what they need is not there."""

    def __init__(self, found: str) -> None:
        super().__init__(found)
        self.found = found

    def __str__(self) -> str:
        return (
            "record.pictures keeps pictures of one face, with a recorded consent to them and encrypted to "
            f"record.pictures_to, but {self.found}; see docs/log.md, or set record.pictures to false"
        )


def folder_of(data_dir: Path, session_id: str) -> Path:
    """Where a session's pictures are; a name that would lead elsewhere is none that microcue gives."""
    if not _SESSION_ID.fullmatch(session_id):
        raise ValueError(f"{session_id!r} is no name of a session")
    return data_dir / PICTURES_DIR / session_id


def files_of(data_dir: Path, session_id: str) -> list[Path]:
    """A session's files of pictures, by number of the cue."""
    if not _SESSION_ID.fullmatch(session_id):
        return []
    found = folder_of(data_dir, session_id).glob(f"*{SUFFIX}")
    return sorted((path for path in found if _FILE.fullmatch(path.name)), key=lambda path: int(path.stem))


def all_files(data_dir: Path) -> list[Path]:
    """Every file of pictures, also of sessions that the log knows no more."""
    return sorted((data_dir / PICTURES_DIR).glob(f"*/*{SUFFIX}"))


def n_bytes(data_dir: Path) -> int:
    """What pictures take on the disk."""
    total = 0
    for path in (data_dir / PICTURES_DIR).glob("*/*"):
        try:
            total += path.stat().st_size
        except FileNotFoundError:  # deleted this instant
            continue
    return total


def erase_pictures(data_dir: Path, session_id: str) -> int:
    """Delete a session's pictures, with what is just being written; gives how many files there were.

    They are ciphertext, and the key is elsewhere: nothing is gained by overwriting them first.
    """
    if not _SESSION_ID.fullmatch(session_id):
        return 0
    folder = folder_of(data_dir, session_id)
    n_files = 0
    while folder.is_dir():
        for path in list(folder.iterdir()):
            path.unlink(missing_ok=True)
            n_files += path.suffix == SUFFIX
        try:
            folder.rmdir()
        except FileNotFoundError:
            break
        except OSError:  # another file came meanwhile
            continue
    return n_files


def orphans(data_dir: Path, known_ids: Collection[str]) -> Iterator[Path]:
    """Folders of sessions that are not in the log: their rows were damaged, or it was replaced."""
    for folder in sorted((data_dir / PICTURES_DIR).glob("*")):
        if folder.is_dir() and folder.name not in known_ids:
            yield folder


def remove_unfinished(data_dir: Path) -> None:
    """Delete what a run that was killed left half written; for whoever holds the lock."""
    for part in (data_dir / PICTURES_DIR).glob(f"*/*{PART_SUFFIX}"):
        part.unlink(missing_ok=True)
