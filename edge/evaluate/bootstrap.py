"""How far a figure would move with other people: the bootstrap over subjects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from edge.evaluate.tally import Tally

N_DRAWS = 2000


def f1_interval(
    per_subject: Mapping[str, Tally], n_draws: int = N_DRAWS, seed: int = 0
) -> tuple[float, float]:
    """95 % interval of the pooled F1, subjects drawn with replacement.

    Parameters
    ----------
    per_subject : mapping of str to Tally
        The counts of each subject. Videos of one person are not independent, so that people are drawn.
    n_draws : int
    seed : int
        The same draws each time.

    Returns
    -------
    (float, float)
        2.5th and 97.5th percentile; NaN with fewer than two subjects.
    """
    return _interval(list(per_subject.values()), n_draws, seed)


def _interval(tallies: Sequence[Tally], n_draws: int, seed: int) -> tuple[float, float]:
    if len(tallies) < 2:
        return float("nan"), float("nan")
    counts = np.array([(t.n_true, t.n_false, t.n_missed) for t in tallies], np.float64)
    drawn = np.random.default_rng(seed).integers(len(counts), size=(n_draws, len(counts)))
    true, false, missed = counts[drawn].sum(axis=1).T
    whole = 2 * true + false + missed
    f1 = np.divide(2 * true, whole, out=np.zeros(n_draws), where=whole > 0)
    low, high = np.percentile(f1, [2.5, 97.5])
    return float(low), float(high)
