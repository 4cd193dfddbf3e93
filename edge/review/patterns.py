"""What repeats: cues per minute after each mark against the same person's own rate in all other time.

Counts in given times are compared by the exact conditional test (Przyborowski & Wilenski 1940): of n
cues, those after the mark are binomial, and Clopper and Pearson's limits of that share limit the ratio.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from edge.review.library import Library

# fewer cannot tell a doubled rate from an equal one, whatever the times
N_CUES_MIN = 10
_STRETCH_MIN_S = 20.0
_LEVEL = 0.05


@dataclass(frozen=True, slots=True)
class Stretch:
    """Time from a mark to the next one, or to the session's end."""

    text: str
    from_s: float
    to_s: float


@dataclass(frozen=True, slots=True)
class RateRatio:
    """One mark's rate over the rate of all other time.

    Attributes
    ----------
    text : str
        The mark's.
    n_stretches : int
    n_cues, n_cues_other : int
    watched_s, watched_other_s : float
        Time in which a face was followed.
    ratio, low, high : float or None
        With an exact 95 % interval; None where it is too few to say, infinite where there were none other.
    p_value : float or None
        Two-sided, exact, adjusted for all marks that are compared (Holm 1979).
    """

    text: str
    n_stretches: int
    n_cues: int
    n_cues_other: int
    watched_s: float
    watched_other_s: float
    ratio: float | None
    low: float | None
    high: float | None
    p_value: float | None


@dataclass(frozen=True, slots=True)
class Patterns:
    """What there is to see in one session or one person.

    Attributes
    ----------
    ratios : list of RateRatio
        In the order in which marks first came.
    n_compared : int
        How many of them had enough to compare.
    movements : list of str
        Rows of the heat map, most frequent first.
    heat : dict of (movement, mark) to int
        Cues; the mark "" is time before the first one.
    marks : list of str
        Columns of the heat map.
    watched_s : dict of mark to float
    n_cues : int
        That were counted.
    n_left_out : int
        Dismissed, flagged or belonging to an earlier one.
    n_sessions : int
    """

    ratios: list[RateRatio]
    n_compared: int
    movements: list[str]
    heat: dict[tuple[str, str], int]
    marks: list[str]
    watched_s: dict[str, float]
    n_cues: int
    n_left_out: int
    n_sessions: int


def patterns_of_session(library: Library, session: dict[str, Any], reviewer: str) -> Patterns:
    """Patterns within one session."""
    return patterns_of_person(library, [session], reviewer)


def patterns_of_person(library: Library, sessions: Sequence[dict[str, Any]], reviewer: str) -> Patterns:
    """Patterns over sessions of one person; marks with the same words are the same mark."""
    n_cues: dict[str, int] = {}
    watched_s: dict[str, float] = {}
    n_stretches: dict[str, int] = {}
    heat: dict[tuple[str, str], int] = {}
    n_left_out = 0
    for session in sessions:
        cues = library.cues(session["session_id"], reviewer)
        counted = [cue for cue in cues if _counts(cue)]
        n_left_out += len(cues) - len(counted)
        with library.open() as log:
            marks = list(log.marks(session["session_id"]))
            watched = log.watched(session["session_id"], session["duration_s"])
        for stretch in _stretches(marks, session["duration_s"]):
            own = [cue for cue in counted if stretch.from_s <= cue["onset_s"] < stretch.to_s]
            n_stretches[stretch.text] = n_stretches.get(stretch.text, 0) + 1
            n_cues[stretch.text] = n_cues.get(stretch.text, 0) + len(own)
            seconds = _overlap_s(stretch, [(begin, end) for _, begin, end in watched])
            watched_s[stretch.text] = watched_s.get(stretch.text, 0.0) + seconds
            for cue in own:
                key = (cue["movements"].partition("+")[0], stretch.text)
                heat[key] = heat.get(key, 0) + 1
    ratios = _ratios(n_cues, watched_s, n_stretches)
    totals: dict[str, int] = {}
    for (movement, _), n in heat.items():
        totals[movement] = totals.get(movement, 0) + n
    return Patterns(
        ratios=ratios,
        n_compared=sum(one.ratio is not None for one in ratios),
        movements=sorted(totals, key=lambda one: (-totals[one], one)),
        heat=heat,
        marks=list(n_cues),
        watched_s=watched_s,
        n_cues=sum(n_cues.values()),
        n_left_out=n_left_out,
        n_sessions=len(sessions),
    )


def rate_ratio(n_1: int, time_1: float, n_2: int, time_2: float) -> tuple[float, float, float, float]:
    """Ratio of two Poisson rates with its exact 95 % interval and the exact two-sided p-value.

    Parameters
    ----------
    n_1, n_2 : int
        Counts; at least one above 0.
    time_1, time_2 : float
        Times in which they were counted, above 0.

    Returns
    -------
    ratio, low, high, p_value : float
        `ratio` and `high` are infinite where `n_2` is 0.
    """
    from scipy.special import bdtr, bdtrc, betaincinv

    n = n_1 + n_2
    share = time_1 / (time_1 + time_2)
    low_share = 0.0 if n_1 == 0 else float(betaincinv(n_1, n_2 + 1, _LEVEL / 2))
    high_share = 1.0 if n_2 == 0 else float(betaincinv(n_1 + 1, n_2, 1 - _LEVEL / 2))
    at_most = float(bdtr(n_1, n, share))
    at_least = 1.0 if n_1 == 0 else float(bdtrc(n_1 - 1, n, share))
    ratio = (n_1 / time_1) / (n_2 / time_2) if n_2 else float("inf")
    odds = time_2 / time_1
    high = high_share / (1 - high_share) * odds if high_share < 1 else float("inf")
    return ratio, low_share / (1 - low_share) * odds, high, min(1.0, 2 * min(at_most, at_least))


def _counts(cue: dict[str, Any]) -> bool:
    # what belongs to an earlier cue is no second event, and speech goes with being asked something
    return (
        cue["kind"] == "micro"
        and cue["verdict"] != "dismissed"
        and not cue["flags"]
        and cue["related_onset_s"] is None
    )


def _stretches(marks: list[tuple[float, str]], duration_s: float) -> list[Stretch]:
    bounds = [(0.0, ""), *marks, (duration_s, "")]
    return [Stretch(text, at_s, next_s) for (at_s, text), (next_s, _) in pairwise(bounds) if next_s > at_s]


def _overlap_s(stretch: Stretch, watched: list[tuple[float, float]]) -> float:
    """How long at least one face was followed within a stretch; `watched` in order of begin."""
    seconds = until_s = 0.0
    for begin, end in watched:
        low, high = max(begin, stretch.from_s, until_s), min(end, stretch.to_s)
        seconds += max(high - low, 0.0)
        until_s = max(until_s, end)
    return seconds


def _ratios(
    n_cues: dict[str, int], watched_s: dict[str, float], n_stretches: dict[str, int]
) -> list[RateRatio]:
    n_all, all_s = sum(n_cues.values()), sum(watched_s.values())
    rows: list[tuple[Any, ...]] = []
    for text in (text for text in n_cues if text):
        n, seconds = n_cues[text], watched_s[text]
        counts = (text, n_stretches[text], n, n_all - n, seconds, all_s - seconds)
        is_enough = n_all >= N_CUES_MIN and min(seconds, all_s - seconds) >= _STRETCH_MIN_S
        found = rate_ratio(n, seconds, n_all - n, all_s - seconds) if is_enough else (None,) * 4
        rows.append((*counts, *found))
    adjusted = _holm([row[-1] for row in rows])
    return [RateRatio(*(*row[:-1], p)) for row, p in zip(rows, adjusted, strict=True)]


def _holm(p_values: list[float | None]) -> list[float | None]:
    """Adjusted for as many comparisons as were made; None stays None."""
    compared = sorted((p, k) for k, p in enumerate(p_values) if p is not None)
    adjusted: list[float | None] = [None] * len(p_values)
    highest = 0.0
    for rank, (p, k) in enumerate(compared):
        highest = max(highest, min(1.0, p * (len(compared) - rank)))
        adjusted[k] = highest
    return adjusted
