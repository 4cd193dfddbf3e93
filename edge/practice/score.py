"""How well somebody does, with what chance alone would give and how sure it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from edge.errors import MissingExtra
from edge.practice.answers import Answer
from edge.practice.trial import CHANCE_REGION, CHANCE_SIDE

_N_TO_SAY = 10


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many, with the exact interval (Clopper and Pearson) that holds the true share with 95 %.

    Attributes
    ----------
    n_right, n : int
    low, high : float in [0, 1]
    chance : float or None
        What guessing gives; None where it depends on how readily somebody says yes.
    """

    n_right: int
    n: int
    low: float
    high: float
    chance: float | None

    @property
    def verdict(self) -> str:
        """Whether it differs from chance; "too few to say" below ten."""
        if self.n < _N_TO_SAY:
            return "too few to say"
        if self.chance is None:
            return ""
        if self.low > self.chance:
            return "above chance"
        return "below chance" if self.high < self.chance else "not different from chance"


@dataclass(frozen=True, slots=True)
class Score:
    """Of some answers.

    Attributes
    ----------
    hits : Share
        Movements that were seen as such.
    false_alarms : Share
        Still clips in which a movement was "seen": the same share as hits would be seeing nothing.
    regions, sides : Share
        Right, of the movements that were seen.
    n_unfair : int
        Clips that stuttered and do not count.
    """

    hits: Share
    false_alarms: Share
    regions: Share
    sides: Share
    n_unfair: int


def share_of(n_right: int, n: int, chance: float | None) -> Share:
    """The share with its interval; all of it from 0 to 1 where there is none.

    Raises
    ------
    MissingExtra
    """
    if not n:
        return Share(0, 0, 0.0, 1.0, chance)
    try:
        from scipy.stats import binomtest
    except ImportError as error:
        raise MissingExtra("practice", "practice") from error
    interval = binomtest(n_right, n).proportion_ci(0.95, "exact")
    return Share(n_right, n, float(interval.low), float(interval.high), chance)


def score_of(answers: Sequence[Answer]) -> Score:
    """The score of some answers."""
    fair = [one for one in answers if one.is_fair]
    moving = [one for one in fair if not one.trial.is_still]
    still = [one for one in fair if one.trial.is_still]
    seen = [one for one in moving if one.said_moved]
    return Score(
        share_of(len(seen), len(moving), None),
        share_of(sum(one.said_moved for one in still), len(still), None),
        share_of(sum(one.is_region_right for one in seen), len(seen), CHANCE_REGION),
        share_of(sum(one.is_side_right for one in seen), len(seen), CHANCE_SIDE),
        len(answers) - len(fair),
    )


def by_day(answers: Iterable[Answer]) -> dict[str, Score]:
    """The score of each day (UTC), the newest first."""
    days: dict[str, list[Answer]] = {}
    for answer in answers:
        day = f"{datetime.fromtimestamp(answer.unix_s, timezone.utc):%Y-%m-%d}"
        days.setdefault(day, []).append(answer)
    return {day: score_of(days[day]) for day in sorted(days, reverse=True)}
