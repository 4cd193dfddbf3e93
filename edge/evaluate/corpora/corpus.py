"""A labelled corpus: videos with their events, and everything odd that was met while reading its tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from edge.errors import EXIT_INPUT_OUTPUT, EdgeError
from edge.evaluate.intervals import FrameInterval
from edge.messages import Kind


class CorpusError(EdgeError):
    """A corpus folder or one of its tables is not as it should be."""

    exit_code = EXIT_INPUT_OUTPUT

    def __init__(self, where: str, expected: str, came: str, cure: str) -> None:
        super().__init__(where, expected, came, cure)
        self.where, self.expected, self.came, self.cure = where, expected, came, cure

    def __str__(self) -> str:
        return f"expected {self.expected} in {self.where}, but {self.came}; {self.cure}"


@dataclass(frozen=True, slots=True)
class Remark:
    """Something odd in a table, and what was done about it.

    Attributes
    ----------
    where : str
        File and row as a spreadsheet shows it, or a video.
    found, done : str
    """

    where: str
    found: str
    done: str


@dataclass(frozen=True, slots=True)
class LabelledVideo:
    """One recording and its events.

    Attributes
    ----------
    name : str
        Unique within the corpus.
    path : Path or None
        A folder of pictures or a video file; None where it was not found.
    fps : float, Hz
        0 takes a video file's own times.
    events : tuple of FrameInterval
        Frames counted from 0, the first of the recording.
    first_number : int
        What its table calls the first frame; submissions count from it too.
    n_missing : int
        Numbers between the first and the last picture without one.
    """

    name: str
    subject: str
    path: Path | None
    fps: float
    events: tuple[FrameInterval, ...]
    first_number: int = 1
    n_missing: int = 0


@dataclass(frozen=True, slots=True)
class Corpus:
    """What `evaluate` runs over.

    Attributes
    ----------
    kinds : tuple of str
        Which kinds its tables label. Cues of another kind cannot be judged and are not counted.
    expected : mapping of str to int
        How many events of each kind the literature counts, where it does.
    not_found : tuple of str
        Recordings that a table names and the folder does not have.
    """

    name: str
    videos: tuple[LabelledVideo, ...]
    remarks: tuple[Remark, ...] = ()
    kinds: tuple[Kind, ...] = ("micro", "macro")
    expected: Mapping[str, int] = field(default_factory=dict)
    not_found: tuple[str, ...] = ()

    def n_events(self) -> Counter[str]:
        """How many events of each kind."""
        return Counter(str(event.kind) for video in self.videos for event in video.events)

    def count_remarks(self) -> list[Remark]:
        """One for each kind of which there are more or fewer than the literature counts."""
        counted = self.n_events()
        return [
            Remark(
                self.name,
                f"{counted[kind]} {kind} events, where the literature has {number}",
                "scored as they are; a figure from other counts is another figure",
            )
            for kind, number in self.expected.items()
            if counted[kind] != number
        ]


def sorted_videos(videos: Iterable[LabelledVideo]) -> tuple[LabelledVideo, ...]:
    """By name, so that results come in the same order everywhere."""
    return tuple(sorted(videos, key=lambda video: video.name))
