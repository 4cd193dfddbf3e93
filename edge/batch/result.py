"""What came of a video, and the folder in which results stay until all are there."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from edge.batch.errors import FolderUnusable
from edge.record.cue_rows import Field

CueRow = dict[str, Field]


@dataclass(frozen=True, slots=True)
class VideoResult:
    """A video that was watched to its end, or why it could not be.

    Attributes
    ----------
    video : str
        As it was named.
    key : str
        Stands for a session in the rows.
    error : str
        A sentence; empty where all went well. The rest is 0 then.
    cues, blinks : list of dict
        By the names of `CUE_COLUMNS`, in order of onset.
    n_frames, n_face_frames : int
        Read; with a face that was followed.
    n_missing, n_repeated, n_lost, n_corrupt, n_mended_times : int
        As in a session's outcome.
    fps : float, Hz
        First to last frame.
    seconds : float, s
        First to last frame.
    has_learned : bool
        Whether it was long enough for the person's baseline, without which there are no cues.
    n_segments, n_frames_again : int
        Segments it took; frames read a second time to get to where one ended.
    cpu_s : float, s
        Of the processes that watched it.
    """

    video: str
    key: str = ""
    error: str = ""
    cues: list[CueRow] = field(default_factory=list)
    blinks: list[CueRow] = field(default_factory=list)
    n_frames: int = 0
    n_face_frames: int = 0
    n_missing: int = 0
    n_repeated: int = 0
    n_lost: int = 0
    n_corrupt: int = 0
    n_mended_times: int = 0
    fps: float = 0.0
    seconds: float = 0.0
    has_learned: bool = False
    n_segments: int = 0
    n_frames_again: int = 0
    cpu_s: float = 0.0


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file that appears under its name only when it is complete and on the disk.

    Raises
    ------
    OSError
        Nothing is left behind.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open(part, "wb", opener=_own_alone) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _own_alone(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)


class Done:
    """Results of videos that are done, one file each.

    Parameters
    ----------
    folder : Path
        Made where it is not there.

    Raises
    ------
    FolderUnusable
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "done"
        self.states = folder / "unfinished"
        try:
            for one in (self._folder, self.states):
                one.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise FolderUnusable(str(folder), error.strerror or str(error)) from error

    def find(self, key: str) -> VideoResult | None:
        """The result under a key; None where there is none, or none that can be read."""
        try:
            kept: dict[str, Any] = json.loads((self._folder / f"{key}.json").read_bytes())
            return VideoResult(**kept)
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def keep(self, result: VideoResult) -> None:
        """Keep a result, for good once this returns; raises FolderUnusable."""
        try:
            with whole_file(self._folder / f"{result.key}.json") as file:
                file.write(json.dumps(asdict(result)).encode())
            for state in self.states.glob(f"{result.key}.*"):
                state.unlink(missing_ok=True)
        except OSError as error:
            raise FolderUnusable(str(self._folder), error.strerror or str(error)) from error
