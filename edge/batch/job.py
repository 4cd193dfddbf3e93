"""What a worker has to know about a video, and the mark by which its result is known again."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

from edge import __version__
from edge.config import Config, as_tables, with_overrides
from edge.setting import Setting

_SECTIONS = ("perceive", "track", "spot")  # what cues depend on beside the pictures
_KEY_DIGITS = 20

Tables = dict[str, dict[str, Setting]]


@dataclass(frozen=True, slots=True)
class Video:
    """A video file, or a folder of numbered pictures.

    Attributes
    ----------
    path : str
    fps : float, Hz
        Read it as if recorded at this rate; 0 takes the file's own times. A folder needs one.
    """

    path: str
    fps: float = 0.0


@dataclass(frozen=True, slots=True)
class Job:
    """One video with all that its cues depend on. Plain values only: it travels as JSON.

    Attributes
    ----------
    key : str
        Of video, settings and version; results and states are kept under it.
    states : str
        Folder for what is kept between segments.
    segment_s : float, s
        Of video; 0 for the whole video at once.
    """

    path: str
    fps: float
    key: str
    settings: Tables
    states: str
    segment_s: float
    version: str = __version__

    def config(self) -> Config:
        """The settings to watch it with."""
        config = with_overrides(Config(), self.settings)
        return with_overrides(config, {"capture": {"camera": f"file:{self.path}", "fps": self.fps}})


def job_of(video: Video, config: Config, states: Path, segment_s: float) -> Job:
    """The job for a video, which need not exist.

    Parameters
    ----------
    video : Video
    config : Config
        Its sections perceive, track and spot count; the models have one thread each.
    states : Path
    segment_s : float, s
    """
    config = with_overrides(config, {"perceive": {"n_threads": 1}})
    tables = as_tables(config)
    settings = {name: tables[name] for name in _SECTIONS}
    path = str(Path(video.path).absolute())
    known = json.dumps([path, _status(path), video.fps, settings, __version__], sort_keys=True)
    key = hashlib.sha256(known.encode()).hexdigest()[:_KEY_DIGITS]
    return Job(path, video.fps, key, settings, str(states.absolute()), segment_s)


def _status(path: str) -> list[tuple[str, int, int]]:
    """Name, size and time of change of the file, or of all in the folder; nothing where it is not there."""
    try:
        if not os.path.isdir(path):  # noqa: PTH112 - an archive has many, and Path costs more than the look
            status = os.stat(path)  # noqa: PTH116
            return [("", status.st_size, status.st_mtime_ns)]
        with os.scandir(path) as entries:
            found = [(entry.name, entry.stat()) for entry in entries]
    except OSError:
        return []
    return sorted((name, status.st_size, status.st_mtime_ns) for name, status in found)
