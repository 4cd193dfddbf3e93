"""Labelled intervals in whole frames, both ends included, and who belongs to whom.

The protocol of the spotting challenges (MEGC 2020 and later): a cue meets an event where the intersection
of the two intervals is at least half of their union, counted in frames; each meets one at most.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from edge.errors import MissingExtra
from edge.messages import Kind

MICRO_LONGEST_S = 0.5


@dataclass(frozen=True, slots=True)
class FrameInterval:
    """A movement from its first frame to its last, both included; frames count from 0.

    Attributes
    ----------
    apex_frame : int or None
        None where it is not known.
    is_flagged : bool
        Of a cue: it is marked as beside a blink or speech.
    latency_s : float, s
        Of a cue: from its offset to the frame with which it was decided; NaN unknown.
    strength : float
        Of a cue: larger is surer.
    """

    onset_frame: int
    offset_frame: int
    kind: Kind
    apex_frame: int | None = None
    is_flagged: bool = False
    latency_s: float = float("nan")
    strength: float = 0.0

    @property
    def n_frames(self) -> int:
        """How many frames it lasts."""
        return self.offset_frame - self.onset_frame + 1


Overlap: TypeAlias = Callable[[FrameInterval, FrameInterval], float]


def inclusive_iou(one: FrameInterval, other: FrameInterval) -> float:
    """Shared frames over joined frames, 0 to 1."""
    shared = min(one.offset_frame, other.offset_frame) - max(one.onset_frame, other.onset_frame) + 1
    if shared <= 0:
        return 0.0
    return shared / (one.n_frames + other.n_frames - shared)


def iou_table(
    events: Sequence[FrameInterval], cues: Sequence[FrameInterval], iou: Overlap = inclusive_iou
) -> NDArray[np.float64]:
    """Overlap of each event with each cue [shape=(n_events, n_cues)]."""
    table = np.zeros((len(events), len(cues)))
    for row, event in enumerate(events):
        for column, cue in enumerate(cues):
            table[row, column] = iou(event, cue)
    return table


def without_doubles(cues: Sequence[FrameInterval], least: float = 0.5) -> tuple[FrameInterval, ...]:
    """Of cues of one kind that overlap by at least `least`, only the surest; in order of onset.

    A movement may show in both halves of the face and be told as two cues; the corpora label one event
    for the whole face, so that the other one is neither a find nor an error.
    """
    kept: list[FrameInterval] = []
    for cue in sorted(cues, key=lambda one: -one.strength):
        if not any(one.kind == cue.kind and inclusive_iou(one, cue) >= least for one in kept):
            kept.append(cue)
    return tuple(sorted(kept, key=lambda one: (one.onset_frame, one.offset_frame)))


def matched(table: NDArray[np.float64], least: float) -> list[tuple[int, int]]:
    """Pairs (event, cue) one to one, as many as there can be, with an overlap of at least `least`.

    Parameters
    ----------
    table : float64 [shape=(n_events, n_cues)]
        Overlaps, 0 to 1. Nothing is paired where two do not overlap at all.
    least : float in [0, 1]

    Notes
    -----
    Hopcroft and Karp's maximum matching, from scipy. Which cue an event gets among several is left to it:
    the number of pairs is the same.

    Raises
    ------
    MissingExtra
        scipy is not installed.
    """
    meets = (table >= least) & (table > 0)
    if not meets.any():
        return []
    try:
        from scipy.sparse import csr_matrix
        from scipy.sparse.csgraph import maximum_bipartite_matching
    except ImportError as error:
        raise MissingExtra("scoring by the challenges' protocol", "evaluate") from error
    cue_of = maximum_bipartite_matching(csr_matrix(meets), perm_type="column")
    return [(event, int(cue)) for event, cue in enumerate(cue_of) if cue >= 0]
