"""A clip watched by the product's own loop, and the signals spotted again from what it kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import edge
from edge.anatomy import N_CHANNELS
from edge.config import SpotConfig
from edge.evaluate.score import Interval
from edge.messages import Blink, Cue, Event, FaceFound, FaceLost, Trace
from edge.pipeline import SAME_PERSON_NS
from edge.spot.spotter import Spotter
from edge.synth.plan import write_plan
from spotting.clips import Clip
from spotting.loop import follow

_BEFORE_SPOTTING = ("kernels", "track", "perceive", "capture", "synth")  # what the signals depend on
_SPOTTING_KERNELS = {"pulse.py", "flanks.py", "samples.py", "cluster.py"}


@dataclass(frozen=True, slots=True)
class Decided:
    """A cue, and the time of the frame it was decided with."""

    cue: Cue
    at_ns: int


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


@dataclass(slots=True)
class _Keeper:
    """Stands where the log stands: keeps the signals and who came and went."""

    codes: list[NDArray[np.int16]] = field(default_factory=list)
    times_ns: list[int] = field(default_factory=list)
    sequences: list[int] = field(default_factory=list)
    news: list[tuple[int, int, str]] = field(default_factory=list)
    fault: str | None = None

    def append(self, event: Event) -> None:
        """Keep faces found and lost; cues are spotted again from the signals."""
        if isinstance(event, FaceFound | FaceLost) and event.face == 0:
            what = "found" if isinstance(event, FaceFound) else "lost"
            self.news.append((len(self.codes), event.timestamp_ns, what))

    def add_trace(self, trace: Trace) -> None:
        """Keep a copy of one frame's signals."""
        if trace.face == 0:
            self.codes.append(trace.codes.copy())
            self.times_ns.append(trace.timestamp_ns)
            self.sequences.append(trace.sequence)

    def saw_frame(self, sequence: int, timestamp_ns: int) -> None:
        """Not kept."""


class _Silent:
    """A spotter that does nothing: the signals are spotted afterwards."""

    learning = False

    def step(self, trace: Trace) -> tuple[()]:  # noqa: ARG002 - the protocol's
        """Nothing."""
        return ()

    def flush(self) -> tuple[()]:
        """Nothing."""
        return ()


def watch(clip: Clip) -> Recording:
    """Track a clip's face with the product's own loop."""
    opened = clip.open()
    keeper = _Keeper()
    followed = follow(opened.frames(), opened.fps, keeper, lambda _fps: _Silent())
    return Recording(
        clip.name,
        clip.group,
        opened.fps,
        followed.last_ns / 1e9,
        opened.truth(),
        np.stack(keeper.codes) if keeper.codes else np.zeros((0, N_CHANNELS), np.int16),
        np.array(keeper.times_ns, np.int64),
        np.array(keeper.sequences, np.int64),
        keeper.news,
    )


def spot(recording: Recording, config: SpotConfig | None = None) -> tuple[list[Decided], list[Blink]]:
    """Run the spotter over the signals, as the loop would have."""
    chosen = config or SpotConfig()
    cues: list[Decided] = []
    blinks: list[Blink] = []
    spotter: Spotter | None = None
    lost_ns = 0
    news = iter([*recording.news, (len(recording.codes) + 1, 0, "end")])
    due = next(news)

    def take(events: Iterable[Cue | Blink], at_ns: int) -> None:
        for event in events:
            if isinstance(event, Cue):
                cues.append(Decided(event, at_ns))
            else:
                blinks.append(event)

    rows = zip(recording.timestamps_ns.tolist(), recording.sequences.tolist(), strict=True)
    for position, (at_ns, sequence) in enumerate(rows):
        while due[0] <= position:
            if due[2] == "lost" and spotter is not None:
                take(spotter.flush(), due[1])
                lost_ns = due[1]
            elif due[2] == "found" and (spotter is None or due[1] - lost_ns > SAME_PERSON_NS):
                spotter = Spotter(chosen, recording.fps)
            due = next(news)
        assert spotter is not None
        one = slice(position, position + 1)
        take(
            spotter.steps(recording.codes[one], recording.timestamps_ns[one], np.array([sequence])),
            at_ns,
        )
    if spotter is not None:
        take(spotter.flush(), int(recording.timestamps_ns[-1]))
    return cues, blinks


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


def _fingerprint(clip: Clip) -> str:
    """Changes with the clip and with any code or model between pixels and signals."""
    digest = hashlib.sha256()
    digest.update(f"{write_plan(clip.plan)}|{clip.portrait}|{clip.h264_crf}".encode())
    root = Path(edge.__file__).parent
    for part in _BEFORE_SPOTTING:
        for path in sorted((root / part).glob("*.py")):
            if path.name not in _SPOTTING_KERNELS:
                digest.update(path.read_bytes())
    for path in sorted((root.parent / "models").glob("*.tflite")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
