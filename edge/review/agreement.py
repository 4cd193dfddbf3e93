"""How far two reviewers agree beyond chance: Cohen's kappa (Cohen 1960) of kept against dismissed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

# its interval is as wide as the scale with fewer
N_MIN = 20


@dataclass(frozen=True, slots=True)
class Agreement:
    """Two reviewers on the cues that both decided.

    Attributes
    ----------
    n_both : int
    n_kept_kept, n_kept_dismissed, n_dismissed_kept, n_dismissed_dismissed : int
        The first reviewer's word, then the second's.
    observed : float or None
        Share of cues on which both said the same; None without any.
    kappa : float or None
        None with fewer than `N_MIN` cues, or where both always said the same one thing.
    low, high : float or None
        95 % interval by the large-sample standard error (Cohen 1960).
    """

    n_both: int
    n_kept_kept: int
    n_kept_dismissed: int
    n_dismissed_kept: int
    n_dismissed_dismissed: int
    observed: float | None
    kappa: float | None
    low: float | None
    high: float | None


def agreement_of(first: Mapping[int, str], second: Mapping[int, str]) -> Agreement:
    """Agreement of two reviewers, each a mapping of a cue's number to "kept" or "dismissed"."""
    both = first.keys() & second.keys()
    said = [(first[one], second[one]) for one in both]
    counts = (
        said.count(("kept", "kept")),
        said.count(("kept", "dismissed")),
        said.count(("dismissed", "kept")),
        said.count(("dismissed", "dismissed")),
    )
    n = sum(counts)
    if not n:
        return Agreement(0, 0, 0, 0, 0, None, None, None, None)
    observed = (counts[0] + counts[3]) / n
    first_kept, second_kept = (counts[0] + counts[1]) / n, (counts[0] + counts[2]) / n
    by_chance = first_kept * second_kept + (1 - first_kept) * (1 - second_kept)
    if n < N_MIN or by_chance >= 1.0:
        return Agreement(n, *counts, observed, None, None, None)
    kappa = (observed - by_chance) / (1 - by_chance)
    spread = 1.96 * math.sqrt(observed * (1 - observed) / n) / (1 - by_chance)
    return Agreement(n, *counts, observed, kappa, max(kappa - spread, -1.0), min(kappa + spread, 1.0))
