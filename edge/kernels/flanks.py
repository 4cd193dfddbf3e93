"""Onset, apex and offset of one pulse, to a fraction of a sample."""

from __future__ import annotations

import numpy as np

from edge.kernels import njit

ONSET, APEX, OFFSET, HEIGHT, BASELINE, N_FLANKS = range(6)  # places in `found`
FOUND, NOT_RETURNED, NO_PULSE = range(3)  # what `find_flanks` returns

LOW, HIGH = 0.25, 0.75  # of the height: a raised cosine of width w passes them at w/6 and w/3
RETURNED = 0.6  # of the rise must be undone before the far flank counts as seen
BEYOND = 1.5  # heights: what runs on so far past a valley is another movement, and this its foot
STEEP = 0.25  # of the fall within its last stretch: it may be the next movement's rise
UNEXPLAINED = 0.7  # of the height: the most that the signal may stand off where it came from


@njit("void(float32[::1], int64, float64, float64[::1])", cache=True, nogil=True)
def smooth_into(values, half, sign, out):
    """Boxcar mean over 2*half+1 samples (fewer at the ends), times `sign`; NaN samples left out."""
    n = values.shape[0]
    for i in range(n):
        total, count = 0.0, 0
        for k in range(max(0, i - half), min(n, i + half + 1)):
            if not np.isnan(values[k]):
                total += values[k]
                count += 1
        out[i] = sign * total / count if count > 0 else np.nan


@njit("int64(float64[::1], int64, int64, int64, int64, float64)", cache=True, nogil=True)
def find_valley(smooth, apex, step, reach, patience, expected):
    """Walk from the apex in direction `step` to the lowest sample before the signal rises again.

    Stops after `reach` samples, at NaN and at the ends; and, once half the `expected` height
    has gone by, after `patience` samples without a new low or a climb back by 0.3 of the fall.
    Before that, noise and a held apex would stop it.
    """
    lowest = apex
    i = apex
    for _ in range(reach):
        i += step
        if i < 0 or i >= smooth.shape[0] or np.isnan(smooth[i]):
            break
        fall = smooth[apex] - smooth[lowest]
        if smooth[i] < smooth[lowest] - 0.02 * fall:
            lowest = i
            continue
        climb = smooth[i] - smooth[lowest] > 0.3 * fall
        if fall > 0.5 * expected and (climb or abs(i - lowest) > patience):
            break
    return lowest


@njit("float64(float64[::1], int64, int64, float64, float64, float64, float64)", cache=True, nogil=True)
def crossing(smooth, apex, valley, base_at, base, slope, level):
    """Where the signal, less the line `base + slope * (i - base_at)`, last falls to `level`.

    Walks from the apex to the valley; linear between samples; the valley itself if it never does.
    """
    step = 1 if valley > apex else -1
    before = smooth[apex] - base - slope * (apex - base_at)
    i = apex
    while i != valley:
        i += step
        here = smooth[i] - base - slope * (i - base_at)
        if here <= level:
            share = (before - level) / (before - here) if before > here else 0.0
            return i - step + step * share
        before = here
    return np.float64(valley)


@njit("float64(float64[::1], int64)", cache=True, nogil=True)
def vertex(smooth, apex):
    """The top of the parabola through the apex and its neighbours, at most half a sample off."""
    if apex < 1 or apex + 1 >= smooth.shape[0]:
        return np.float64(apex)
    before, here, after = smooth[apex - 1], smooth[apex], smooth[apex + 1]
    bend = before - 2.0 * here + after
    if np.isnan(bend) or bend >= 0.0:
        return np.float64(apex)
    return apex + min(max(0.5 * (before - after) / bend, -0.5), 0.5)


@njit("float64(float64[::1], int64, int64, int64)", cache=True, nogil=True)
def unexplained_change(smooth, left, right, width):
    """Change from valley to valley, or what the trend of the `width` samples before leaves of it."""
    change = smooth[right] - smooth[left]
    before = max(left - width, 0)
    if left - before < 3 or np.isnan(smooth[before]):
        return change
    trend = (smooth[left] - smooth[before]) / (left - before) * (right - left)
    return change - trend if abs(change - trend) < abs(change) else change


@njit("boolean(float64[::1], int64, int64, int64, float64)", cache=True, nogil=True)
def runs_on(smooth, left, right, reach, depth):
    """Whether the signal falls by `depth` beyond a valley, within `reach` samples outside of it."""
    for i in range(max(0, left - reach), left):
        if smooth[i] < smooth[left] - depth:
            return True
    for i in range(right + 1, min(smooth.shape[0], right + reach + 1)):
        if smooth[i] < smooth[right] - depth:
            return True
    return False


@njit("int64(float32[::1], int64, int64, float64, float64[::1], float64[::1])", cache=True, nogil=True)
def find_flanks(values, centre, width, expected, smooth, found):
    """Refine a pulse that the bank has noticed.

    Parameters
    ----------
    values : float32 [shape=(n_samples,)]
        The signal, oldest first, to the newest sample there is; NaN where lost.
    centre : int, samples
        About where the apex is.
    width : int, samples
        About how long onset to offset is (the width of the bank's scale).
    expected : float, the signal's unit
        About how high it is; negative where it falls.
    smooth : float64 [shape=(n_samples,)]
        Scratch.
    found : float64 [shape=(N_FLANKS,)]
        Overwritten: ONSET, APEX, OFFSET in samples, HEIGHT over the line through both
        valleys (positive), BASELINE of that line under the apex (negated where it falls).

    Returns
    -------
    FOUND, NOT_RETURNED where the recording ends on the falling flank, or NO_PULSE where
    there is nothing but NaN around `centre` or the signal stays where it went

    Notes
    -----
    Each flank is crossed at a quarter and three quarters of the height and continued as if it
    were half a raised cosine: onset = 2 t25 - t75, exact for that shape, and steadier than
    looking for the first sample that differs from the baseline.
    """
    smooth_into(values, width // 16, 1.0 if expected > 0.0 else -1.0, smooth)
    n = values.shape[0]
    apex = -1
    for i in range(max(0, centre - width // 2), min(n, centre + width // 2 + 1)):
        if not np.isnan(smooth[i]) and (apex < 0 or smooth[i] > smooth[apex]):
            apex = i
    if apex < 0:
        return NO_PULSE
    reach, patience = width + width // 2 + 3, max(3, width // 5)
    left = find_valley(smooth, apex, -1, reach, patience, abs(expected))
    right = find_valley(smooth, apex, 1, reach, patience, abs(expected))
    if left == apex:
        return NO_PULSE
    still_falling = right >= n - 2 and n - 1 - apex < reach
    if right == apex:
        return NOT_RETURNED if still_falling else NO_PULSE
    rise, fall = smooth[apex] - smooth[left], smooth[apex] - smooth[right]
    if still_falling and (
        fall < RETURNED * rise or smooth[max(right - patience, apex)] - smooth[right] > STEEP * fall
    ):
        return NOT_RETURNED
    slope = (smooth[right] - smooth[left]) / (right - left)
    base = smooth[left]
    height = smooth[apex] - base - slope * (apex - left)
    if height <= 0.0 or abs(unexplained_change(smooth, left, right, width)) > UNEXPLAINED * height:
        return NO_PULSE
    if runs_on(smooth, left, right, patience + max(3 * width // 4, 8), BEYOND * height):
        return NO_PULSE
    low, high = LOW * height, HIGH * height
    top = vertex(smooth, apex)
    onset = 2.0 * crossing(smooth, apex, left, left, base, slope, low) - crossing(
        smooth, apex, left, left, base, slope, high
    )
    offset = 2.0 * crossing(smooth, apex, right, left, base, slope, low) - crossing(
        smooth, apex, right, left, base, slope, high
    )
    if still_falling and offset > n - 1:
        return NOT_RETURNED
    found[ONSET] = min(max(onset, 0.0), top)
    found[APEX] = top
    found[OFFSET] = max(offset, top)
    found[HEIGHT] = height
    found[BASELINE] = base + slope * (apex - left)
    return FOUND


@njit("int64(float32[::1], float32)", cache=True, nogil=True)
def count_reversals(values, swing):
    """How often a signal turns round by more than `swing`; NaN samples are passed over."""
    n_turns, direction = 0, 0
    low, high = np.float32(np.inf), np.float32(-np.inf)
    for value in values:
        if np.isnan(value):
            continue
        low, high = min(low, value), max(high, value)
        if direction >= 0 and high - value > swing:
            n_turns += direction
            direction, low = -1, value
        elif direction <= 0 and value - low > swing:
            n_turns -= direction
            direction, high = 1, value
    return n_turns
