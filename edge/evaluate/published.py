"""The scorers of published code, slips included: what they would make of the same cues.

A figure from a paper can only be set beside one that was counted alike. Each scorer here departs from the
challenges' protocol (`tally`) where its own code does; docs/evaluation.md names the sources.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edge.evaluate.intervals import FrameInterval, Overlap, inclusive_iou, iou_table
from edge.evaluate.tally import Protocol, Tally, WatchedVideo, by_subject, overall, pooled

Count = Callable[[Sequence[WatchedVideo], Protocol], Tally]


@dataclass(frozen=True, slots=True)
class Scorer:
    """One way to count.

    Attributes
    ----------
    slip : str
        What it does otherwise than the protocol.
    count : callable
        The counts of some videos.
    """

    slip: str
    count: Count


def touching_iou(one: FrameInterval, other: FrameInterval) -> float:
    """Intervals far apart share one frame all the same, and those of one frame never overlap."""
    shared = max(0, min(one.offset_frame, other.offset_frame) - max(one.onset_frame, other.onset_frame)) + 1
    if one.n_frames <= 1 or other.n_frames <= 1:
        return 0.0
    return shared / (one.n_frames + other.n_frames - shared)


def outer_iou(one: FrameInterval, other: FrameInterval) -> float:
    """Lengths without the last frame; joined is all between the outermost ends."""
    shared = min(one.offset_frame, other.offset_frame) - max(one.onset_frame, other.onset_frame)
    joined = max(one.offset_frame, other.offset_frame) - min(one.onset_frame, other.onset_frame)
    return max(0, shared) / joined if joined > 0 else 0.0


def _events_met(videos: Sequence[WatchedVideo], protocol: Protocol) -> Tally:
    """Events that any cue meets, and all other cues: one cue may meet several events."""
    total = Tally()
    for video in videos:
        events, cues = protocol.chosen(video.events), protocol.chosen(video.cues)
        n_met = int((iou_table(events, cues, touching_iou) >= protocol.iou_least).any(axis=1).sum())
        total += Tally(n_met, max(len(cues) - n_met, 0), len(events) - n_met, video.minutes)
    return total


def _no_break(videos: Sequence[WatchedVideo], protocol: Protocol) -> Tally:
    """Each cue takes every free event that it meets; who has no cue, and what has no event, is left out."""
    total = Tally()
    for group in by_subject(videos).values():
        if not any(protocol.chosen(video.cues) for video in group):
            continue
        for video in group:
            events, cues = protocol.chosen(video.events), protocol.chosen(video.cues)
            if not events:
                continue
            free = set(range(len(events)))
            n_false = 0
            for row in iou_table(cues, events):
                met = {number for number in free if row[number] >= protocol.iou_least}
                free -= met
                n_false += not met
            total += Tally(len(events) - len(free), n_false, len(free), video.minutes)
    return total


def _first_that_fits(iou: Overlap) -> Count:
    def count(videos: Sequence[WatchedVideo], protocol: Protocol) -> Tally:
        total = Tally()
        for video in videos:
            events, cues = protocol.chosen(video.events), protocol.chosen(video.cues)
            free = list(range(len(cues)))
            for row in iou_table(events, cues, iou):
                fitting = [at for at in free if row[at] >= protocol.iou_least]
                if fitting:
                    free.remove(fitting[0])
            n_true = len(cues) - len(free)
            total += Tally(n_true, len(free), len(events) - n_true, video.minutes)
        return total

    return count


def _with_events_only(videos: Sequence[WatchedVideo], protocol: Protocol) -> Tally:
    return pooled([video for video in videos if protocol.chosen(video.events)], protocol)


SCORERS: dict[str, Scorer] = {
    "megc": Scorer("none: inclusive frames, one to one by maximum matching, all videos pooled", pooled),
    "greedy": Scorer(
        "an event takes the first free cue that fits, not the best assignment",
        _first_that_fits(inclusive_iou),
    ),
    "mdmd": Scorer(
        "intervals that do not meet share a frame, those of one frame never match, one cue may meet several "
        "events",
        _events_met,
    ),
    "rethinking": Scorer(
        "intervals without their last frame; an event takes the first free cue that fits",
        _first_that_fits(outer_iou),
    ),
    "softnet": Scorer(
        "videos without an event of the scored kind, and all false cues in them, are left out",
        _with_events_only,
    ),
    "strs": Scorer(
        "one cue may meet several events; videos without an event and people without a cue are left out",
        _no_break,
    ),
}


def as_scored_by(name: str, videos: Sequence[WatchedVideo], iou_least: float = 0.5) -> dict[str, Tally]:
    """Micro, macro and overall as one of `SCORERS` counts them."""
    return overall(videos, iou_least, SCORERS[name].count)
