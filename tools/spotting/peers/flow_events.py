"""From the curves of the optical-flow recipe to intervals: low-pass, peaks, valleys, merging."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

LOW_PASS_HZ = 5.0
RISE_LEAST_PX = 1.4  # over the block's lowest value
AROUND_S = 1.0  # where the local minimum is looked for
VALLEY_SHARE = 1.0 / 3.0
EXPANSION_S, EXPANSION_LEFT_PX = 1.0 / 3.0, 0.3
SPLIT_S, SPLIT_DROP_PX = 2.0 / 3.0, 0.7
JOIN_SAMPLES = 3
MERGE_SHARE = 0.34
# published: 12 samples at the least, 0.4 s, which drops most movements that are looked for here
SHORTEST_S, LONGEST_S = 0.2, 200.0 / 30.0
# Weaker than the published thresholds by this, so that a sweep over the strength has something to sweep.
WEAKEST = 0.3
# Of two intervals that are one, the weaker moves the borders only if it would be there at
# about the same threshold.
_COMPANION = 0.75


@dataclass(frozen=True, slots=True)
class Rise:
    """One rise and fall of one curve, in samples of the block or clip.

    `strength` is how far it passes the published thresholds: at 1 it just does.
    """

    onset: int
    apex: int
    offset: int
    strength: float
    region: int = 0


def low_passed(curve: NDArray[np.float64], rate_hz: float, limit_hz: float) -> NDArray[np.float64]:
    """Ideal low-pass without shift; the curve goes on as its own mirror image at both ends.

    Parameters
    ----------
    curve : float64 [shape=(n,)]
    rate_hz, limit_hz : float

    Returns
    -------
    float64 [shape=(n,)]
    """
    n = len(curve)
    mirrored = np.concatenate([curve, curve[::-1]])
    spectrum = np.fft.rfft(mirrored)
    spectrum[np.fft.rfftfreq(2 * n, 1.0 / rate_hz) > limit_hz] = 0.0
    answer: NDArray[np.float64] = np.fft.irfft(spectrum, 2 * n)[:n]
    return answer


def rises_of(
    curve: NDArray[np.float64], rate_hz: float, rise_px: float, weakest: float = WEAKEST
) -> list[Rise]:
    """Every rise of one low-passed curve, with borders by the valley rules, in order.

    Parameters
    ----------
    curve : float64 [shape=(n,)], px
    rate_hz : float
    rise_px : float
        The published threshold over the local minimum.
    weakest : float
        Share of the published thresholds that suffices here.
    """
    around = max(1, round(AROUND_S * rate_hz))
    lowest = curve.min()
    found = []
    for apex in peaks_of(curve):
        near = curve[max(apex - around, 0) : apex + around + 1].min()
        strength = min((curve[apex] - lowest) / RISE_LEAST_PX, (curve[apex] - near) / rise_px)
        if strength >= weakest:
            onset, offset = border(curve, apex, -1, rate_hz), border(curve, apex, 1, rate_hz)
            found.append(Rise(onset, apex, offset, float(strength)))
    return [part for rise in joined(found) for part in split(curve, rise, rate_hz)]


def peaks_of(curve: NDArray[np.float64]) -> list[int]:
    """Where the curve is higher than before and not lower than after; ends do not count."""
    inner = curve[1:-1]
    return (np.flatnonzero((inner > curve[:-2]) & (inner >= curve[2:])) + 1).tolist()


def border(curve: NDArray[np.float64], apex: int, step: int, rate_hz: float) -> int:
    """Where a rise begins (`step` -1) or ends (1).

    From the apex down to a third of the way from the valley, or to the first local minimum; then up to a
    third of a second further down as long as more than 0.3 px is left.
    """
    reach = max(1, round(AROUND_S * rate_hz))
    side = curve[max(apex - reach, 0) : apex + 1] if step < 0 else curve[apex : apex + reach + 1]
    valley = side.min()
    stop = valley + VALLEY_SHARE * (curve[apex] - valley)
    at = apex
    while _descends(curve, at, step) and curve[at] > stop:
        at += step
    n_more = round(EXPANSION_S * rate_hz)
    while n_more > 0 and _descends(curve, at, step) and curve[at] - valley > EXPANSION_LEFT_PX:
        at += step
        n_more -= 1
    return at


def _descends(curve: NDArray[np.float64], at: int, step: int) -> bool:
    return bool(0 <= at + step < len(curve) and curve[at + step] <= curve[at])


def joined(rises: Sequence[Rise]) -> list[Rise]:
    """Rises of one curve whose apices are closer than three samples, or that overlap, made one."""
    answer: list[Rise] = []
    for rise in sorted(rises, key=lambda r: r.apex):
        last = answer[-1] if answer else None
        if last and (rise.apex - last.apex < JOIN_SAMPLES or rise.onset < last.offset):
            higher = last if last.strength >= rise.strength else rise
            onset, offset = min(last.onset, rise.onset), max(last.offset, rise.offset)
            answer[-1] = replace(higher, onset=onset, offset=offset)
        else:
            answer.append(rise)
    return answer


def split(curve: NDArray[np.float64], rise: Rise, rate_hz: float) -> list[Rise]:
    """A long interval cut at its valley, where both sides fall far enough into it."""
    if rise.offset - rise.onset < SPLIT_S * rate_hz:
        return [rise]
    inside = curve[rise.onset : rise.offset + 1]
    best, at = 0.0, -1
    for k in range(1, len(inside) - 1):
        left, right = inside[:k].max(), inside[k + 1 :].max()
        drop = min(left, right) - inside[k]
        if drop > max(SPLIT_DROP_PX, VALLEY_SHARE * (max(left, right) - inside.min())) and drop > best:
            best, at = drop, k
    if at < 0:
        return [rise]
    middle = rise.onset + at
    halves = []
    for onset, offset in ((rise.onset, middle), (middle, rise.offset)):
        apex = onset + int(np.argmax(curve[onset : offset + 1]))
        strength = rise.strength * (curve[apex] - curve[middle]) / max(curve[rise.apex] - curve[middle], 1e-9)
        halves.append(replace(rise, onset=onset, apex=apex, offset=offset, strength=float(strength)))
    return halves


def merged(rises: Sequence[Rise]) -> list[list[Rise]]:
    """Rises of all curves and blocks that are one event: shared time over the shorter above 0.34.

    Returns
    -------
    list of lists of Rise
        The strongest first in each; its borders are those of the event.
    """
    events: list[list[Rise]] = []
    for rise in sorted(rises, key=lambda r: -r.strength):
        for event in events:
            lead = event[0]
            shared = min(rise.offset, lead.offset) - max(rise.onset, lead.onset)
            shorter = min(rise.offset - rise.onset, lead.offset - lead.onset)
            if shared > MERGE_SHARE * max(shorter, 1):
                if rise.strength >= _COMPANION * lead.strength:
                    onset, offset = min(rise.onset, lead.onset), max(rise.offset, lead.offset)
                    event[0] = replace(lead, onset=onset, offset=offset)
                event.append(rise)
                break
        else:
            events.append([rise])
    return events


def lasting(events: Sequence[list[Rise]], rate_hz: float, shortest_s: float) -> list[list[Rise]]:
    """Events that are neither too short nor too long."""
    return [
        event
        for event in events
        if shortest_s * rate_hz <= event[0].offset - event[0].onset + 1 <= LONGEST_S * rate_hz
    ]
