"""Which frames of a clip arrive, and which of them show an older picture again."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.synth.plan import Plan


def delivered(times_s: NDArray[np.float64], plan: Plan) -> NDArray[np.bool_]:
    """Which frames at the nominal rate are delivered: all but the dropped ones [shape=(n_frames,)]."""
    rng = np.random.default_rng([plan.settings.seed, 17])
    keep = rng.random(len(times_s)) >= plan.settings.drop_rate
    for drop in (h for h in plan.happenings if h.event == "drop"):
        keep &= (times_s < drop.onset_s) | (times_s >= drop.offset_s)
    return np.asarray(keep)


def shown(times_s: NDArray[np.float64], plan: Plan) -> NDArray[np.int64]:
    """The position of the frame whose picture each delivered frame shows: its own or an earlier one.

    Parameters
    ----------
    times_s : float64 [shape=(n_delivered,)], s
        Of the delivered frames.
    plan : Plan

    Returns
    -------
    int64 [shape=(n_delivered,)]
        Positions in `times_s`, never falling: a driver that hands out a buffer twice stamps it anew.
    """
    position = np.arange(len(times_s))
    rng = np.random.default_rng([plan.settings.seed, 23])
    again = rng.random(len(times_s)) < plan.settings.duplicate_rate
    for duplicate in (h for h in plan.happenings if h.event == "duplicate"):
        within = (times_s >= duplicate.onset_s) & (times_s < duplicate.offset_s)
        again |= within & (np.cumsum(within) % 2 == 0)
    again[:1] = False
    return np.asarray(np.maximum.accumulate(np.where(again, 0, position)), np.int64)
