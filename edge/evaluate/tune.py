"""Settings of the spotter searched on some people, and what they are worth on the others.

Whoever picks the best of many settings by a score and reports that score fools himself. Here each person is
held out once: the settings are picked on all the others, and only what they make of the one held out counts.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from edge.config import SpotConfig
from edge.evaluate.tally import Tally

GRID: dict[str, tuple[float, ...]] = {
    "accepted_false_per_hour": (0.5, 2.0, 6.0, 20.0, 60.0, 200.0),
    "learning_s": (3.0, 6.0),
}
Choice = tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Tuned:
    """What tuning gave.

    Attributes
    ----------
    held_out : Tally
        Each person with the settings picked on the others: the figure to report.
    best_of_all : Tally
        The best settings picked and scored on the same people: too good, for comparison only.
    as_delivered : Tally
        With the settings as they were.
    chosen : dict of str to Choice
        By the person held out.
    best : Choice
        Picked on everybody: what to use on people who are not in this corpus.
    """

    held_out: Tally
    best_of_all: Tally
    as_delivered: Tally
    chosen: dict[str, Choice]
    best: Choice


def choices(grid: Mapping[str, Sequence[float]]) -> list[Choice]:
    """Every combination, in the order of the grid."""
    return [
        tuple(zip(grid, values, strict=True)) for values in itertools.product(*(grid[name] for name in grid))
    ]


def settings_of(config: SpotConfig, choice: Choice) -> SpotConfig:
    """The settings with a choice in them."""
    values: dict[str, Any] = dict(choice)
    return replace(config, **values)


def tune(counts: Mapping[Choice, Mapping[str, Tally]], as_delivered: Mapping[str, Tally]) -> Tuned:
    """Hold out each person once.

    Parameters
    ----------
    counts : mapping of Choice to mapping of str to Tally
        What each choice makes of each person.
    as_delivered : mapping of str to Tally
        What the settings as they were make of each.

    Notes
    -----
    Nothing but the choice is fitted, so that a score on the others needs no folds of its own. Ties go to
    the choice that comes first.
    """
    people = list(as_delivered)

    def best_without(person: str | None) -> Choice:
        def f1(choice: Choice) -> float:
            return _summed([counts[choice][who] for who in people if who != person]).f1

        return max(counts, key=f1)

    chosen = {person: best_without(person) for person in people}
    best = best_without(None)
    return Tuned(
        held_out=_summed([counts[chosen[person]][person] for person in people]),
        best_of_all=_summed(list(counts[best].values())),
        as_delivered=_summed(list(as_delivered.values())),
        chosen=chosen,
        best=best,
    )


def _summed(tallies: Sequence[Tally]) -> Tally:
    return sum(tallies, Tally())
