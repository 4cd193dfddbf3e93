"""Recall against false cues as the bar on a peer's strength is lowered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from edge.evaluate.score import Interval, Match, score
from spotting.peers.watching import PeerCue

# A cue's apex must lie in the movement or this close to it. Sharing any time at all is too little to ask of
# those whose cues last a second and more: among movements two seconds apart they meet most by chance.
NEAR_S = 0.1
LEARNING_S = 3.0  # nobody's false cues count before the product's baseline is learned


@dataclass(frozen=True, slots=True)
class WatchedClip:
    """What was planned in a clip and what one peer said of it."""

    truth: Sequence[Interval]
    cues: Sequence[PeerCue]
    seconds: float


@dataclass(frozen=True, slots=True)
class Point:
    """One bar: cues of at least this strength count.

    `recall` is the share of planned movements with a cue of their own whose apex is near, `recall_hit` with
    IoU of 0.5 at least; `n_false` are all other cues, flagged ones left out.
    """

    strength: float
    recall: float
    recall_hit: float
    n_false: int
    false_per_minute: float


def curve(clips: Sequence[WatchedClip]) -> list[Point]:
    """One point for each strength that occurs, the surest first; clips are pooled."""
    strengths = sorted({cue.strength for clip in clips for cue in clip.cues}, reverse=True)
    return [point_at(clips, strength) for strength in strengths]


def point_at(clips: Sequence[WatchedClip], strength: float) -> Point:
    """Recall and false cues with the bar at one strength."""
    n_planned = n_found = n_hits = n_false = 0
    for clip in clips:
        planned = [event for event in clip.truth if event.kind != "blink"]
        cues = [interval_of(cue) for cue in clip.cues if cue.strength >= strength]
        result = score(planned, cues, clip.seconds)
        n_planned += len(planned)
        near = [match for match in result.matches if is_near(match)]
        n_found += len(near)
        n_hits += result.n_hits
        wrong = [m.cue for m in result.matches if m.cue is not None and not is_near(m)]
        n_false += sum(not cue.flagged and cue.onset_s >= LEARNING_S for cue in [*result.false, *wrong])
    minutes = sum(clip.seconds for clip in clips) / 60.0
    per_planned = 1.0 / n_planned if n_planned else float("nan")
    return Point(
        strength, n_found * per_planned, n_hits * per_planned, n_false, n_false / minutes if minutes else 0.0
    )


def is_near(match: Match) -> bool:
    """Whether the movement has a cue with its apex in it, or close by."""
    truth, cue = match.truth, match.cue
    return cue is not None and truth.onset_s - NEAR_S <= cue.apex_s <= truth.offset_s + NEAR_S


def best_within(points: Iterable[Point], false_per_minute: float) -> Point:
    """The point of highest recall with no more than so many false cues a minute; nothing found if none."""
    allowed = [point for point in points if point.false_per_minute <= false_per_minute]
    nothing = Point(float("inf"), 0.0, 0.0, 0, 0.0)
    return max(allowed, key=lambda point: (point.recall, point.recall_hit, -point.n_false), default=nothing)


def interval_of(cue: PeerCue) -> Interval:
    """A cue as `edge.evaluate.score` takes it."""
    return Interval(
        cue.onset_s, cue.offset_s, cue.kind, cue.name, cue.side, flagged=cue.flagged, apex_s=cue.apex_s
    )
