"""What became of each planned movement, and which cues nothing was planned for."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from edge.evaluate.score import IOU_HIT, Interval, score
from edge.evaluate.signals import Decided
from edge.synth.field import region_of
from spotting.recording import Recording

Z95 = 1.959964


@dataclass(frozen=True, slots=True)
class Outcome:
    """One planned movement and its cue, if any. Errors are cue minus truth."""

    group: str
    movement: str
    side: str
    amplitude_miod: float
    duration_ms: float
    found: bool
    iou: float = math.nan
    onset_error_ms: float = math.nan
    apex_error_ms: float = math.nan
    offset_error_ms: float = math.nan
    latency_ms: float = math.nan
    kind: str = ""
    named: bool = False
    region_right: bool = False
    found_miod: float = math.nan


@dataclass(frozen=True, slots=True)
class FalseCue:
    """A cue in a clip at a time at which no movement was planned."""

    group: str
    clip: str
    onset_s: float
    kind: str
    name: str
    flagged: bool
    expected_false_per_hour: float
    amplitude_miod: float


@dataclass(slots=True)
class Watched:
    """All outcomes of some recordings, and how long they were."""

    outcomes: list[Outcome]
    false: list[FalseCue]
    seconds: dict[str, float]
    n_blinks_planned: int = 0
    n_blinks_found: int = 0

    def of(self, *groups: str) -> Watched:
        """Only some groups."""
        return Watched(
            [o for o in self.outcomes if o.group in groups],
            [f for f in self.false if f.group in groups],
            {g: s for g, s in self.seconds.items() if g in groups},
        )

    @property
    def minutes(self) -> float:
        """Of all clips together."""
        return sum(self.seconds.values()) / 60.0

    def false_per_minute(self, flagged: bool) -> float:
        """False micro cues a minute, those marked as beside a blink or speech or the others."""
        n = sum(f.kind == "micro" and f.flagged == flagged for f in self.false)
        return n / self.minutes if self.minutes else math.nan


def judge(recording: Recording, decided: Sequence[Decided]) -> Watched:
    """Pair cues with planned movements, one to one; blinks count apart."""
    planned = [event for event in recording.truth if event.kind != "blink"]
    intervals = [as_interval(one) for one in decided]
    result = score(planned, intervals, recording.seconds)
    by_interval = {id(interval): one for interval, one in zip(intervals, decided, strict=True)}
    outcomes = []
    for match in result.matches:
        event, cue = match.truth, match.cue
        plain = (recording.group, event.name, event.side, event.amplitude_miod, event.duration_ms)
        if cue is None:
            outcomes.append(Outcome(*plain, found=False))
            continue
        one = by_interval[id(cue)]
        outcomes.append(
            Outcome(
                *plain,
                found=True,
                iou=match.iou,
                onset_error_ms=1e3 * (cue.onset_s - event.onset_s),
                apex_error_ms=1e3 * (cue.apex_s - event.apex_s),
                offset_error_ms=1e3 * (cue.offset_s - event.offset_s),
                latency_ms=one.at_ns / 1e6 - 1e3 * event.offset_s,
                kind=cue.kind,
                named=match.is_named,
                region_right=region_of(event.name) in one.cue.regions,
                found_miod=cue.amplitude_miod,
            )
        )
    false = [
        FalseCue(
            recording.group,
            recording.name,
            cue.onset_s,
            cue.kind,
            cue.name,
            cue.flagged,
            by_interval[id(cue)].cue.expected_false_per_hour,
            cue.amplitude_miod,
        )
        for cue in result.false
    ]
    return Watched(outcomes, false, {recording.group: recording.seconds})


def as_interval(decided: Decided) -> Interval:
    """A cue as `score` wants it."""
    cue = decided.cue
    return Interval(
        cue.onset_ns / 1e9,
        cue.offset_ns / 1e9,
        cue.kind,
        "+".join(cue.movements),
        cue.side,
        cue.amplitude_miod,
        cue.during_blink or cue.during_speech,
        cue.apex_ns / 1e9,
    )


def together(parts: Iterable[Watched]) -> Watched:
    """Several recordings as one."""
    out = Watched([], [], {})
    for part in parts:
        out.outcomes += part.outcomes
        out.false += part.false
        for group, seconds in part.seconds.items():
            out.seconds[group] = out.seconds.get(group, 0.0) + seconds
    return out


def recall(outcomes: Iterable[Outcome], wanted: Callable[[Outcome], bool]) -> tuple[int, int]:
    """How many of those wanted were found, and how many there were."""
    chosen = [o for o in outcomes if wanted(o)]
    return sum(o.found for o in chosen), len(chosen)


def poisson_limits(count: int) -> tuple[float, float]:
    """Exact 95 % limits for the mean of a Poisson count, by bisection on its distribution."""

    def at_most(k: int, mean: float) -> float:
        if k < 0:
            return 0.0
        terms = np.arange(k + 1)
        logs = terms * np.log(mean) - mean - np.concatenate(([0.0], np.cumsum(np.log(np.arange(1, k + 1)))))
        return float(np.exp(logs).sum())

    def bisect(k: int, level: float) -> float:
        low, high = 1e-9, 2.0 * count + 20.0
        for _ in range(60):
            middle = 0.5 * (low + high)
            low, high = (middle, high) if at_most(k, middle) > level else (low, middle)
        return low

    return (bisect(count - 1, 0.975) if count else 0.0), bisect(count, 0.025)


def wilson(n_found: int, n: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson 1927, JASA 22:209)."""
    if n == 0:
        return math.nan, math.nan
    share, square = n_found / n, Z95**2 / n
    middle = (share + square / 2) / (1 + square)
    half = Z95 * math.sqrt(share * (1 - share) / n + square / (4 * n)) / (1 + square)
    return max(0.0, middle - half), min(1.0, middle + half)


def errors(outcomes: Sequence[Outcome]) -> dict[str, tuple[float, float]]:
    """Median and 95th percentile of each absolute error, ms."""
    found = [o for o in outcomes if o.found]
    table = {}
    for name in ("onset_error_ms", "apex_error_ms", "offset_error_ms", "latency_ms"):
        values = np.array([getattr(o, name) for o in found])
        if name != "latency_ms":
            values = np.abs(values)
        table[name] = (
            (float(np.median(values)), float(np.percentile(values, 95))) if len(values) else (math.nan,) * 2
        )
    return table


def share_of_hits(outcomes: Sequence[Outcome]) -> float:
    """Of the movements found, the share with IoU of at least 0.5."""
    found = [o for o in outcomes if o.found]
    return sum(o.iou >= IOU_HIT for o in found) / len(found) if found else math.nan


def confusion(outcomes: Sequence[Outcome]) -> Counter[tuple[str, str]]:
    """(true kind, kind of the cue) of what was found."""
    return Counter(("micro" if o.duration_ms <= 500.001 else "macro", o.kind) for o in outcomes if o.found)
