"""One recording of a corpus watched: its signals kept in a file, its cues in the corpus's own frames."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge import __version__
from edge.config import Config, SpotConfig, with_overrides
from edge.evaluate.corpora.corpus import LabelledVideo
from edge.evaluate.intervals import FrameInterval, without_doubles
from edge.evaluate.signals import Decided, SignalKeeper, SilentSpotter, spot
from edge.evaluate.tally import WatchedVideo
from edge.evaluate.watching import follow
from edge.messages import Cue, Frame

_CERTAIN_PER_HOUR = 1e-12  # what an expectation of 0 counts as
_TIE = 1e-4  # scores reach some hundred


@dataclass(slots=True)
class Recorded:
    """All that the tracker said of one face in one recording, as `signals.Signals`; what it took.

    Attributes
    ----------
    stated : bool
        The rate was stated (a folder of pictures), so that times give frame numbers over gaps; else
        frames are counted as they were delivered.
    """

    fps: float
    n_frames: int
    cpu_s: float
    stated: bool
    codes: NDArray[np.int16]
    timestamps_ns: NDArray[np.int64]
    sequences: NDArray[np.int64]
    news: list[tuple[int, int, str]]

    def save(self, path: Path) -> None:
        """Keep it; the file appears when it is whole."""
        about = {name: getattr(self, name) for name in ("fps", "n_frames", "cpu_s", "stated", "news")}
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.{os.getpid()}.part")
        with part.open("wb") as file:
            np.savez_compressed(
                file,
                codes=self.codes,
                timestamps_ns=self.timestamps_ns,
                sequences=self.sequences,
                about=np.array(json.dumps(about)),
            )
        part.replace(path)

    @classmethod
    def load(cls, path: Path) -> Recorded:
        """Read what `save` wrote."""
        with np.load(path) as stored:
            about = json.loads(str(stored["about"]))
            about["news"] = [(position, at_ns, what) for position, at_ns, what in about["news"]]
            arrays = {name: stored[name] for name in ("codes", "timestamps_ns", "sequences")}
            return cls(**about, **arrays)


def record(
    video: LabelledVideo,
    config: Config,
    keep: Path | None = None,
    on_frame: Callable[[Frame], None] = lambda _frame: None,
) -> Recorded:
    """Watch a recording, or read what was kept of it under the same settings and version.

    Parameters
    ----------
    video : LabelledVideo
        With a path.
    config : Config
        Its sections perceive and track count.
    keep : Path, optional
        Folder of kept signals.
    on_frame : callable
        Given every frame that is watched.

    Raises
    ------
    CaptureError
    """
    from edge.app import open_source

    kept = None if keep is None else keep / f"{_fingerprint(video, config)}.npz"
    if kept is not None and kept.exists():
        return Recorded.load(kept)
    camera = {"capture": {"camera": f"file:{video.path}", "fps": video.fps}}
    source = open_source(with_overrides(config, camera).capture)
    keeper = SignalKeeper()
    try:
        done = follow(source, keeper, lambda _fps: SilentSpotter(), config, on_frame=on_frame)
        info = source.info
    finally:
        source.close()
    stated = video.fps > 0
    # a folder's length is that of its numbers, gaps included
    n_frames = round(info.fps * done.last_ns / 1e9) + 1 if stated else done.n_frames
    recorded = Recorded(
        *(info.fps, n_frames, done.cpu_s, stated, keeper.codes),
        *(np.array(keeper.times_ns, np.int64), np.array(keeper.frames, np.int64), keeper.news),
    )
    if kept is not None:
        recorded.save(kept)
    return recorded


def watched(video: LabelledVideo, recorded: Recorded, config: SpotConfig) -> WatchedVideo:
    """Spot, and put the cues beside the labels."""
    decided, _ = spot(recorded, config)
    cues = without_doubles([_interval(one, recorded) for one in decided])
    return WatchedVideo(video.name, video.subject, recorded.fps, recorded.n_frames, video.events, cues)


def cue_frames(cue: Cue, fps: float, stated: bool) -> tuple[int, int, int]:
    """Onset, apex and offset in frames from the recording's first."""
    if not stated:
        return cue.onset_frame, cue.apex_frame, cue.offset_frame
    onset, apex, offset = (round(at_ns * fps / 1e9) for at_ns in (cue.onset_ns, cue.apex_ns, cue.offset_ns))
    return onset, apex, offset


def strength_of(expected_false_per_hour: float, score: float) -> float:
    """How sure a cue is: one more for each tenth of the false cues; ties by score."""
    return float(-np.log10(max(expected_false_per_hour, _CERTAIN_PER_HOUR)) + _TIE * score)


def _interval(decided: Decided, recorded: Recorded) -> FrameInterval:
    cue = decided.cue
    onset, apex, offset = cue_frames(cue, recorded.fps, recorded.stated)
    return FrameInterval(
        onset,
        max(offset, onset),
        cue.kind,
        apex,
        cue.during_blink or cue.during_speech,
        (decided.at_ns - cue.offset_ns) / 1e9,
        strength_of(cue.expected_false_per_hour, cue.score),
    )


def only_kinds(video: WatchedVideo, kinds: tuple[str, ...], with_flagged: bool) -> WatchedVideo:
    """Without cues of a kind that is not labelled, and without marked ones unless they are wanted."""
    cues = tuple(c for c in video.cues if c.kind in kinds and (with_flagged or not c.is_flagged))
    return replace(video, cues=cues)


def _fingerprint(video: LabelledVideo, config: Config) -> str:
    """Of the recording's place, size and change, of the settings before spotting, and of the version."""
    path = video.path
    assert path is not None
    status = path.stat()
    about = [str(path.absolute()), status.st_size, status.st_mtime_ns, video.fps, __version__]
    digest = hashlib.sha256(json.dumps([about, asdict(config.perceive), asdict(config.track)]).encode())
    return f"{path.stem}-{digest.hexdigest()[:16]}"
