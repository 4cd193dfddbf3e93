"""What was found of what was there: cues against a truth file, one to one."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.errors import RecordError

IOU_HIT = 0.5  # the field's own protocol (MEGC 2020)


@dataclass(frozen=True, slots=True)
class Interval:
    """An event from onset to offset, s; `name` says what it is."""

    onset_s: float
    offset_s: float
    kind: str
    name: str
    side: str = ""
    amplitude_miod: float = 0.0
    flagged: bool = False
    apex_s: float = float("nan")

    @property
    def duration_ms(self) -> float:
        """Onset to offset."""
        return (self.offset_s - self.onset_s) * 1e3


@dataclass(frozen=True, slots=True)
class Match:
    """A true event and the cue that belongs to it; None where none does."""

    truth: Interval
    cue: Interval | None
    iou: float

    @property
    def is_named(self) -> bool:
        """Whether the cue names the planned movement among its own, and the side."""
        if self.cue is None:
            return False
        return self.truth.name in self.cue.name.split("+") and self.truth.side == self.cue.side


@dataclass(frozen=True, slots=True)
class Score:
    """All matches in the order of the truth, and the cues that belong to none.

    Every cue belongs to one true event at most. An event is *found* when it has a cue that overlaps
    it, and *hit* when their intersection over union is at least 0.5. A cue that belongs to no event is
    *false*, also where it overlaps one that has a better cue.
    """

    matches: tuple[Match, ...]
    false: tuple[Interval, ...]
    seconds: float

    @property
    def n_found(self) -> int:
        """True events that have a cue."""
        return sum(match.cue is not None for match in self.matches)

    @property
    def n_hits(self) -> int:
        """True events met with IoU of at least 0.5."""
        return sum(match.iou >= IOU_HIT for match in self.matches)

    @property
    def n_named(self) -> int:
        """True events whose cue names the movement and the side."""
        return sum(match.is_named for match in self.matches)

    @property
    def false_per_minute(self) -> float:
        """False cues, flagged ones included, per minute of video."""
        return 60.0 * len(self.false) / self.seconds if self.seconds > 0 else 0.0


def overlap(one: Interval, other: Interval) -> float:
    """Intersection over union of two intervals, 0 to 1."""
    shared = min(one.offset_s, other.offset_s) - max(one.onset_s, other.onset_s)
    joined = max(one.offset_s, other.offset_s) - min(one.onset_s, other.onset_s)
    return max(shared, 0.0) / joined if joined > 0 else 0.0


def score(truth: Sequence[Interval], cues: Sequence[Interval], seconds: float) -> Score:
    """Pair true events with cues so that as many as possible are paired, then as well as possible.

    Parameters
    ----------
    truth, cues : sequences of Interval
    seconds : float
        Length of the video, for the false cues per minute.

    Notes
    -----
    Maximum matching by augmenting paths over the pairs with IoU of at least 0.5; what is left on
    both sides is then paired by overlap, best first.
    """
    table = [[overlap(event, cue) for cue in cues] for event in truth]
    owner: dict[int, int] = {}
    for event in range(len(truth)):
        _pair(event, table, owner, set())
    rest = [
        (row[cue], event, cue) for event, row in enumerate(table) for cue in range(len(cues)) if row[cue] > 0
    ]
    for _, number, cue in sorted(rest, reverse=True):
        if cue not in owner and number not in owner.values():
            owner[cue] = number
    cue_of = {event: cue for cue, event in owner.items()}
    matches = []
    for number, true_event in enumerate(truth):
        if (at := cue_of.get(number)) is None:
            matches.append(Match(true_event, None, 0.0))
        else:
            matches.append(Match(true_event, cues[at], table[number][at]))
    false = tuple(one for k, one in enumerate(cues) if k not in owner)
    return Score(tuple(matches), false, seconds)


def _pair(event: int, table: list[list[float]], owner: dict[int, int], tried: set[int]) -> bool:
    """Find a cue that meets an event, moving other events to other cues where that helps."""
    for cue, iou in enumerate(table[event]):
        if iou < IOU_HIT or cue in tried:
            continue
        tried.add(cue)
        if cue not in owner or _pair(owner[cue], table, owner, tried):
            owner[cue] = event
            return True
    return False


def read_truth(path: Path) -> list[Interval]:
    """Planned movements of a truth file written by `microcue synth`; blinks are left out.

    Raises
    ------
    RecordError
        The file is missing or has other columns.
    """
    try:
        with path.open(newline="") as file:
            return [_interval(row) for row in csv.DictReader(file) if row["kind"] in ("micro", "macro")]
    except OSError as error:
        raise RecordError(
            f"expected a truth file at {path}, but {error.strerror}; make it with microcue synth"
        ) from error
    except (KeyError, ValueError) as error:
        raise RecordError(
            f"expected the columns of microcue synth in {path}, but {error} is missing or no number;"
            " make it anew"
        ) from error


def _interval(row: dict[str, str]) -> Interval:
    return Interval(
        onset_s=float(row["onset_s"]),
        offset_s=float(row["offset_s"]),
        kind=row["kind"],
        name=row["movements"],
        side=row["side"],
        amplitude_miod=float(row["amplitude_miod"]),
        apex_s=float(row["apex_s"]),
    )
