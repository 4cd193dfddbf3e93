"""What every way of watching is given and gives back, and what the ones with our spotter share."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edge.config import SpotConfig
from edge.messages import Cue

# Cues are asked for far below the product's own bar, so that a sweep over their strength gives recall
# against false cues; the product's setting goes no higher than 3600.
PERMISSIVE_PER_HOUR = 600.0
_CERTAIN_PER_HOUR = 1e-12  # what an expectation of 0 counts as
_TIE = 1e-4  # scores reach some hundred


@dataclass(frozen=True, slots=True)
class PeerCue:
    """One cue.

    Attributes
    ----------
    onset_s, apex_s, offset_s : float, s
        In the frames' own time.
    strength : float
        Larger is surer; the unit is the peer's own.
    name : str
        Movements joined by +, as in `edge.anatomy.ACTION_UNITS`; empty where it cannot name them.
    side : str
        left, right, both; empty where unknown.
    region : str
        Regions joined by +, as in `edge.anatomy.REGIONS`.
    kind : str
        micro or macro, by its duration.
    flagged : bool
        Told as during a blink or speech.
    """

    onset_s: float
    apex_s: float
    offset_s: float
    strength: float
    name: str = ""
    side: str = ""
    region: str = ""
    kind: str = "micro"
    flagged: bool = False


@dataclass(slots=True)
class PeerResult:
    """All cues of one clip.

    Attributes
    ----------
    cpu_s : float, s
        Of finding, following and spotting, on all threads and in all processes; what the frames
        themselves cost to make is not in it.
    n_frames : int
    """

    cues: list[PeerCue]
    n_frames: int
    cpu_s: float


class Peer(Protocol):
    """One way to watch a clip."""

    name: str

    def watch(self, frames: Iterable[tuple[int, NDArray[np.uint8]]], fps: float) -> PeerResult:
        """Take all frames of a clip: timestamp (ns) and luma [shape=(height, width)], borrowed."""


def permissive(config: SpotConfig, per_hour: float = PERMISSIVE_PER_HOUR) -> SpotConfig:
    """The same settings with cues of far less certainty let through."""
    return replace(config, accepted_false_per_hour=per_hour)


def strength_of(expected_false_per_hour: float, score: float = 0.0) -> float:
    """Certainty of our spotter as a strength: one more for each tenth of the false cues.

    The expectation ends at a floor, where the baseline's own length no longer tells more; cues on it
    are told apart by their score.
    """
    return -math.log10(max(expected_false_per_hour, _CERTAIN_PER_HOUR)) + _TIE * score


def cue_of(cue: Cue) -> PeerCue:
    """One of our spotter's cues, as a peer gives it."""
    return PeerCue(
        onset_s=cue.onset_ns / 1e9,
        apex_s=cue.apex_ns / 1e9,
        offset_s=cue.offset_ns / 1e9,
        strength=strength_of(cue.expected_false_per_hour, cue.score),
        name="+".join(cue.movements),
        side=cue.side,
        region="+".join(cue.regions),
        kind=cue.kind,
        flagged=cue.during_blink or cue.during_speech,
    )
