"""A clip watched by the product's own loop, with what it said of the signals kept for spotting."""

from __future__ import annotations

import hashlib
import json
import pickle
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar, cast

import numpy as np
from numpy.typing import NDArray

import edge
from edge.evaluate.score import Interval
from edge.evaluate.signals import SignalKeeper, SilentSpotter
from edge.synth.plan import write_plan
from spotting.clips import Clip
from spotting.loop import follow

_BEFORE_SPOTTING = ("kernels", "track", "perceive", "capture", "synth")  # what the signals depend on
_SPOTTING_KERNELS = {"pulse.py", "flanks.py", "samples.py", "cluster.py"}
Run = TypeVar("Run")


@dataclass(slots=True)
class Recording:
    """All that the tracker said of one face, and what was true.

    Attributes
    ----------
    codes : int16 [shape=(n_traces, N_CHANNELS)]
    timestamps_ns, sequences : int64 [shape=(n_traces,)]
    news : list of (position, timestamp_ns, "found" or "lost")
        Before which trace the face was found or lost.
    """

    name: str
    group: str
    fps: float
    seconds: float
    truth: list[Interval]
    codes: NDArray[np.int16]
    timestamps_ns: NDArray[np.int64]
    sequences: NDArray[np.int64]
    news: list[tuple[int, int, str]]

    def save(self, path: Path) -> None:
        """Keep it as one .npz file."""
        about = {
            "name": self.name,
            "group": self.group,
            "fps": self.fps,
            "seconds": self.seconds,
            "truth": [asdict(event) for event in self.truth],
            "news": self.news,
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            np.savez_compressed(
                file,
                codes=self.codes,
                timestamps_ns=self.timestamps_ns,
                sequences=self.sequences,
                about=np.array(json.dumps(about)),
            )

    @classmethod
    def load(cls, path: Path) -> Recording:
        """Read what `save` wrote."""
        with np.load(path) as stored:
            about = json.loads(str(stored["about"]))
            about["truth"] = [Interval(**event) for event in about["truth"]]
            about["news"] = [(position, at_ns, what) for position, at_ns, what in about["news"]]
            arrays = {name: stored[name] for name in ("codes", "timestamps_ns", "sequences")}
            return cls(**about, **arrays)


def watch(clip: Clip) -> Recording:
    """Track a clip's face with the product's own loop."""
    opened = clip.open()
    keeper = SignalKeeper()
    followed = follow(opened.frames(), opened.fps, keeper, lambda _fps: SilentSpotter())
    return Recording(
        clip.name,
        clip.group,
        opened.fps,
        followed.last_ns / 1e9,
        opened.truth(),
        keeper.codes,
        np.array(keeper.times_ns, np.int64),
        np.array(keeper.frames, np.int64),
        keeper.news,
    )


def kept(clip: Clip, folder: Path | None) -> Recording:
    """The recording of a clip, from the folder where the same code has made it before."""
    if folder is None:
        return watch(clip)
    path = folder / f"{clip.name}-{_fingerprint(clip)}.npz"
    if path.exists():
        return Recording.load(path)
    recording = watch(clip)
    recording.save(path)
    return recording


def kept_run(name: str, clip: Clip, folder: Path | None, watch: Callable[[], Run]) -> Run:
    """What a peer made of a clip, from the folder where the same code has made it before."""
    if folder is None:
        return watch()
    path = folder / f"{clip.name}-{name}-{_fingerprint(clip, with_spotting=True)}.pickle"
    if path.exists():
        return cast("Run", pickle.loads(path.read_bytes()))
    run = watch()
    folder.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_bytes(pickle.dumps(run))
    part.replace(path)
    return run


def _fingerprint(clip: Clip, with_spotting: bool = False) -> str:
    """Changes with the clip and with any code or model between pixels and signals, or cues."""
    digest = hashlib.sha256()
    digest.update(f"{write_plan(clip.plan)}|{clip.portrait}|{clip.h264_crf}".encode())
    root = Path(edge.__file__).parent
    for part in _BEFORE_SPOTTING:
        for path in sorted((root / part).glob("*.py")):
            if with_spotting or path.name not in _SPOTTING_KERNELS:
                digest.update(path.read_bytes())
    if with_spotting:
        for path in [
            *sorted((root / "spot").glob("*.py")),
            *sorted(Path(__file__).parent.glob("peers/*.py")),
        ]:
            digest.update(path.read_bytes())
    for path in sorted((root.parent / "models").glob("*.tflite")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
