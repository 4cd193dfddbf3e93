"""Counts of a video and of many: true and false cues, precision, recall, F1."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from edge.evaluate.intervals import FrameInterval, iou_table, matched
from edge.messages import Kind

IOU_LEVELS = (0.2, 0.3, 0.4, 0.5)
KINDS: tuple[Kind, ...] = ("micro", "macro")


@dataclass(frozen=True, slots=True)
class WatchedVideo:
    """What was labelled in a video and what was said of it.

    Attributes
    ----------
    name, subject : str
        The name is unique within its corpus.
    fps : float, Hz
    n_frames : int
    events, cues : tuple of FrameInterval
    """

    name: str
    subject: str
    fps: float
    n_frames: int
    events: tuple[FrameInterval, ...]
    cues: tuple[FrameInterval, ...]

    @property
    def minutes(self) -> float:
        """Length."""
        return self.n_frames / self.fps / 60.0


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts; they add up. Shares are NaN where nothing was counted, F1 is then 0."""

    n_true: int = 0  # cues that meet an event of their own
    n_false: int = 0  # cues that meet none
    n_missed: int = 0  # events that no cue meets
    minutes: float = 0.0

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.n_true + other.n_true,
            self.n_false + other.n_false,
            self.n_missed + other.n_missed,
            self.minutes + other.minutes,
        )

    @property
    def n_events(self) -> int:
        """Labelled events."""
        return self.n_true + self.n_missed

    @property
    def precision(self) -> float:
        """Of the cues, the share that meets an event."""
        n_cues = self.n_true + self.n_false
        return self.n_true / n_cues if n_cues else math.nan

    @property
    def recall(self) -> float:
        """Of the events, the share that is met."""
        return self.n_true / self.n_events if self.n_events else math.nan

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall, as 2 TP / (2 TP + FP + FN)."""
        n = 2 * self.n_true + self.n_false + self.n_missed
        return 2 * self.n_true / n if n else 0.0

    @property
    def false_per_minute(self) -> float:
        """False cues a minute of video."""
        return self.n_false / self.minutes if self.minutes else math.nan


@dataclass(frozen=True, slots=True)
class Protocol:
    """How intervals are compared.

    Attributes
    ----------
    iou_least : float
        From which overlap on a cue meets an event.
    kind : str
        micro or macro: only events and cues of that kind. "either": all, whatever their kinds, as if no
        kind were told.
    """

    iou_least: float = 0.5
    kind: str = "either"

    def chosen(self, intervals: Sequence[FrameInterval]) -> list[FrameInterval]:
        """Those that count."""
        return [one for one in intervals if self.kind in ("either", one.kind)]


def tally(video: WatchedVideo, protocol: Protocol) -> Tally:
    """Count one video."""
    events, cues = protocol.chosen(video.events), protocol.chosen(video.cues)
    n_true = len(matched(iou_table(events, cues), protocol.iou_least))
    return Tally(n_true, len(cues) - n_true, len(events) - n_true, video.minutes)


def pooled(videos: Iterable[WatchedVideo], protocol: Protocol) -> Tally:
    """Counts of all videos added up, those without an event too: the challenges' figure is its F1.

    Notes
    -----
    This is not the mean of the videos' own figures, which a video without events would make undefined.
    """
    return sum((tally(video, protocol) for video in videos), Tally())


def overall(
    videos: Sequence[WatchedVideo],
    iou_least: float = 0.5,
    count: Callable[[Sequence[WatchedVideo], Protocol], Tally] = pooled,
) -> dict[str, Tally]:
    """Micro and macro counted apart, and both added: the "overall" figure of the challenges.

    Parameters
    ----------
    videos : sequence of WatchedVideo
    iou_least : float in (0, 1]
    count : callable
        Counts videos by a protocol.

    Returns
    -------
    dict of str to Tally
        Of "micro", "macro" and "overall", whose minutes are those of the videos, once.
    """
    micro, macro = (count(videos, Protocol(iou_least, kind)) for kind in KINDS)
    minutes = max(micro.minutes, macro.minutes)
    return {"micro": micro, "macro": macro, "overall": replace(micro + macro, minutes=minutes)}


def by_subject(videos: Iterable[WatchedVideo]) -> dict[str, list[WatchedVideo]]:
    """The videos of each subject, in order of first appearance."""
    groups: dict[str, list[WatchedVideo]] = {}
    for video in videos:
        groups.setdefault(video.subject, []).append(video)
    return groups
