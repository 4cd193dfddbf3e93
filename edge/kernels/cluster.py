"""From scores to candidates: the strongest of a cluster in time, scale and signals; blinks likewise."""

from __future__ import annotations

import numpy as np

from edge.kernels import njit

THRESHOLD, RISE_ALLOWED, FALL_ALLOWED, N_LIMITS = range(4)  # rows of `limits`
PEAK_SCORE, PEAK_RESPONSE, LAST_SCORE, N_PEAKS = range(4)  # rows of `peaks`
PEAK_SCALE, PEAK_SAMPLE, READY, N_WHERE = range(4)  # rows of `where`
# places in `state` (int64)
OPEN, BEST_SAMPLE, BEST_SCALE, BEST_CHANNEL, BLINK_OPEN, BLINK_SAMPLE, BLINK_SCALE, N_STATE = range(8)
# places in `best` (float32)
BEST_STRENGTH, BLINK_HEIGHT, N_BEST = range(3)
# places in `rules` (float32)
OPEN_SCORE, CLOSURE_MIN, HOLD, REFRACTORY, N_RULES = range(5)

CUE_CLOSED, BLINK_CLOSED, STILL_OPEN = 1, 2, 4  # what `follow` returns, added together
OUTRANKS = 1.5  # times the last score: such a movement is no echo, whatever the refractory period
ONE_EYE = 0.6  # of a single lid's closure counts, so that a wink must exceed a blink


@njit(
    "void(float32[::1], float32[::1], int64, int64[::1], float32[:, ::1], float32[:, :, ::1], "
    "int64[:, :, ::1])",
    cache=True,
    nogil=True,
)
def keep_best_scale(scores, responses, sample, delays, limits, peaks, where):
    """Keep, for each signal, the best score of this frame over the scales.

    A signal counts only if that direction has a name (`limits`), and if the pulse's centre lies
    after the refractory period of its last one (`where[0, READY]`) or it far outranks that one.
    """
    zero, outranks = np.float32(0.0), np.float32(OUTRANKS)
    n_signals, n_lanes = limits.shape[1], scores.shape[0] // delays.shape[0]
    for signal in range(n_signals):
        peaks[1, PEAK_SCORE, signal] = zero
    for scale in range(delays.shape[0]):
        centre = sample - delays[scale]
        for signal in range(n_signals):
            score = scores[scale * n_lanes + signal]
            if score <= peaks[1, PEAK_SCORE, signal]:
                continue
            if centre < where[0, READY, signal] and score < outranks * peaks[0, LAST_SCORE, signal]:
                continue
            response = responses[scale * n_lanes + signal]
            if limits[RISE_ALLOWED if response > zero else FALL_ALLOWED, signal] > zero:
                peaks[1, PEAK_SCORE, signal] = score
                peaks[1, PEAK_RESPONSE, signal] = response
                where[1, PEAK_SCALE, signal] = scale


@njit(
    "int64(float32[:, :, ::1], int64[:, :, ::1], float32[:, ::1], int64[::1], float32[::1], int64, "
    "int64[::1], float32[::1])",
    cache=True,
    nogil=True,
    error_model="numpy",
)
def follow_cluster(peaks, where, limits, delays, rules, sample, state, best):
    """Open, improve or close the cluster of responses that makes one candidate.

    Returns
    -------
    CUE_CLOSED when nothing better came for HOLD samples, else 0. The cluster's figures stay
    in `peaks`, `where`, `state` and `best` until the next one opens.
    """
    n_signals = limits.shape[1]
    strongest, lead = np.float32(0.0), -1
    for signal in range(n_signals):
        strength = peaks[1, PEAK_SCORE, signal] / limits[THRESHOLD, signal]
        if peaks[1, PEAK_SCORE, signal] > rules[OPEN_SCORE] and strength > strongest:
            strongest, lead = strength, signal
    if state[OPEN] == 0:
        if lead < 0:
            return 0
        state[OPEN] = 1
        best[BEST_STRENGTH] = np.float32(0.0)
        for signal in range(n_signals):
            peaks[0, PEAK_SCORE, signal] = np.float32(0.0)
            peaks[0, PEAK_RESPONSE, signal] = np.float32(0.0)
    for signal in range(n_signals):
        if peaks[1, PEAK_SCORE, signal] > peaks[0, PEAK_SCORE, signal]:
            peaks[0, PEAK_SCORE, signal] = peaks[1, PEAK_SCORE, signal]
            peaks[0, PEAK_RESPONSE, signal] = peaks[1, PEAK_RESPONSE, signal]
            where[0, PEAK_SCALE, signal] = where[1, PEAK_SCALE, signal]
            where[0, PEAK_SAMPLE, signal] = sample
    if lead >= 0 and strongest > best[BEST_STRENGTH]:
        best[BEST_STRENGTH] = strongest
        state[BEST_SAMPLE], state[BEST_CHANNEL] = sample, lead
        state[BEST_SCALE] = where[1, PEAK_SCALE, lead]
    if sample - state[BEST_SAMPLE] < rules[HOLD]:
        return 0
    state[OPEN] = 0
    for signal in range(n_signals):
        if peaks[0, PEAK_SCORE, signal] > rules[OPEN_SCORE]:
            centre = where[0, PEAK_SAMPLE, signal] - delays[where[0, PEAK_SCALE, signal]]
            where[0, READY, signal] = centre + np.int64(rules[REFRACTORY])
            peaks[0, LAST_SCORE, signal] = peaks[0, PEAK_SCORE, signal]
    return CUE_CLOSED


@njit(
    "int64(float32[::1], float32[::1], int64, int64, int64, float32[::1], int64[::1], float32[::1])",
    cache=True,
    nogil=True,
)
def follow_blink(responses, returns, n_scales, closure, sample, rules, state, best):
    """The same for the two closure lanes, `closure` and the next, by height instead of score.

    The height is the eyes' mean, or ONE_EYE of one eye's alone.
    """
    n_lanes = responses.shape[0] // n_scales
    zero, least = np.float32(0.0), rules[CLOSURE_MIN]
    for scale in range(n_scales):
        at = scale * n_lanes + closure
        right, left = responses[at], responses[at + 1]
        if not (right > least or left > least):
            continue
        right_alone = right if returns[at] > zero and right > zero else zero
        left_alone = left if returns[at + 1] > zero and left > zero else zero
        one_eye = max(right_alone, left_alone)
        if one_eye <= zero:
            continue
        mean = np.float32(0.5) * (right + left)
        if mean != mean:
            mean = left if right != right else right
        height = max(mean, np.float32(ONE_EYE) * one_eye)
        if height > least and (state[BLINK_OPEN] == 0 or height > best[BLINK_HEIGHT]):
            state[BLINK_OPEN] = 1
            best[BLINK_HEIGHT] = height
            state[BLINK_SAMPLE], state[BLINK_SCALE] = sample, scale
    if state[BLINK_OPEN] == 1 and sample - state[BLINK_SAMPLE] >= rules[HOLD]:
        state[BLINK_OPEN] = 0
        return BLINK_CLOSED
    return 0


@njit(
    "int64(int64, float32[::1], float32[::1], float32[::1], int64[::1], float32[::1], float32[:, ::1], "
    "float32[:, :, ::1], int64[:, :, ::1], int64[::1], float32[::1])",
    cache=True,
    nogil=True,
)
def follow(sample, scores, responses, returns, delays, rules, limits, peaks, where, state, best):
    """Take one frame's scores into the open candidate and the open blink.

    Parameters
    ----------
    sample : int
    scores, responses, returns : float32 [shape=(n_flat,)], rows of `pulse.scan`'s `work`
    delays : int64 [shape=(n_scales,)]
        Samples from the middle of a scale's core to the newest sample.
    rules : float32 [shape=(N_RULES,)]
    limits : float32 [shape=(N_LIMITS, n_signals)]; the closure lanes follow the signals' lanes
    peaks : float32 [shape=(2, N_PEAKS, n_signals)]; [0] of the cluster, [1] of this frame
    where : int64 [shape=(2, N_WHERE, n_signals)], likewise
    state : int64 [shape=(N_STATE,)], best : float32 [shape=(N_BEST,)], updated in place

    Returns
    -------
    0 or the sum of CUE_CLOSED, BLINK_CLOSED and STILL_OPEN; with the last it must be called for the
    next sample, whatever the scores.
    """
    closed = follow_blink(responses, returns, delays.shape[0], limits.shape[1], sample, rules, state, best)
    keep_best_scale(scores, responses, sample, delays, limits, peaks, where)
    closed += follow_cluster(peaks, where, limits, delays, rules, sample, state, best)
    if state[OPEN] == 1 or state[BLINK_OPEN] == 1:
        closed += STILL_OPEN
    return closed
