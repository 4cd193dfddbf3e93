"""The pulse bank: every frame, every channel, every duration, in one call.

A pulse of `n_core` samples is compared with the shoulders on both sides of it. The response
is the raised-cosine mean of the core, less the line through the two shoulders, scaled so that
a raised cosine of the same width answers with its own height. It is blind to level and slope.

Row numbers of `work`, `noise`, `limits` and `peaks`, and the places in `state`, are named
here and used by `edge.spot.bank`, which owns the arrays.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

EARLY, LATE, LEFT, CORE, RIGHT, RESPONSE, TRAVEL, RETURNS = range(8)  # rows of `work`
VARIANCE, COUNT, QUICK = range(3)  # rows of `noise`
THRESHOLD, RISE_ALLOWED, FALL_ALLOWED = range(3)  # rows of `limits`
PEAK_SCORE, PEAK_RESPONSE, LAST_SCORE = range(3)  # rows of `peaks`
PEAK_SCALE, PEAK_SAMPLE, READY = range(3)  # rows of `where`
# places in `state` (int64)
N_SEEN, OPEN, BEST_SAMPLE, BEST_SCALE, BEST_CHANNEL, BLINK_OPEN, BLINK_SAMPLE, BLINK_SCALE, N_STATE = range(9)
# places in `best` (float32)
BEST_STRENGTH, BLINK_HEIGHT, N_BEST = range(3)
# places in `settings` (float32)
OPEN_SCORE, SLOW_GAIN, COUNT_MAX, HOLD, REFRACTORY, SNAPSHOT_EVERY, BLINK_MIN, N_SETTINGS = range(8)
# columns of `windows` (int64) and of `shape` (float32)
N_TREND, N_LEFT, N_CORE, N_RIGHT, LAG, N_WINDOWS = range(6)
FROM_LEFT, FROM_RIGHT, HEIGHT, TREND, INFLATE, QUICK_UP, QUICK_DOWN, N_SHAPE = range(8)

CUE_CLOSED, BLINK_CLOSED = 1, 2  # what `scan` returns, added together

RETURN_RATIO = 0.4  # the smaller flank over the larger; a step has none, a lone raised cosine 1
OUTRANKS = 1.5  # times the last score: such a movement is no echo, whatever the refractory period
CLIP = 6.25  # squared deviations count up to 2.5 sigma ...
CLIP_MEAN = 0.9775  # ... which leaves this much of a Gaussian's variance
VARIANCE_MIN = 0.0025  # (0.05 miod)^2: half the quietest frame noise seen on a real still face
QUARTILE = 0.3186  # a quarter of a Gaussian's absolute values lie below this many sigma
QUICK_WEIGHT = 0.5  # the quick estimate fluctuates; at half its variance it leaves quiet faces alone


@njit("void(float32[:, ::1], int64, int64, float32[::1])", cache=True, nogil=True)
def plain_mean(history, start, n, out):
    """Mean of `n` consecutive rows, channel by channel; NaN where one of them is."""
    n_channels = out.shape[0]
    for channel in range(n_channels):
        out[channel] = np.float32(0.0)
    for k in range(n):
        for channel in range(n_channels):
            out[channel] += history[start + k, channel]
    share = np.float32(1.0) / np.float32(n)
    for channel in range(n_channels):
        out[channel] *= share


@njit("void(float32[:, ::1], int64, float32[::1], int64, float32[::1])", cache=True, nogil=True)
def weighted_mean(history, start, taps, n, out):
    """Sum of `n` consecutive rows times `taps`, channel by channel; NaN where one of them is."""
    n_channels = out.shape[0]
    for channel in range(n_channels):
        out[channel] = np.float32(0.0)
    for k in range(n):
        tap = taps[k]
        for channel in range(n_channels):
            out[channel] += tap * history[start + k, channel]


@njit(
    "void(float32[:, ::1], int64, int64, int64[::1], float32[::1], float32[::1], float32[:, ::1])",
    cache=True,
    nogil=True,
)
def respond(history, end, n_seen, window, taps, shape, work):
    """Responses of one scale for the window that ends before row `end` of `history`.

    Parameters
    ----------
    history : float32 [shape=(n_rows, n_padded)]
        One row per sample, oldest first; the unit of each channel; NaN where lost.
    end : int
        Row after the newest sample of the window.
    n_seen : int
        Samples in all. With fewer than the window holds, every response is NaN.
    window : int64 [shape=(N_WINDOWS,)]
        Samples in: half the trend window, left shoulder, core, right shoulder.
    taps : float32 [shape=(>= n_core,)], sums to 1 over n_core
    shape : float32 [shape=(N_SHAPE,)]
        Weights of the shoulders, the height scale, samples from shoulder to shoulder over
        samples from trend half to trend half.
    work : float32 [shape=(8, n_padded)]
        Overwritten: RESPONSE in the channel's unit, TRAVEL (how far the channel went within
        the window), RETURNS 1 where the core stands off both shoulders, else 0.

    Notes
    -----
    A step leaves one flank flat. A pulse on a slope also has unlike flanks; so the slope
    before the left shoulder is continued, and where that explains the shoulders' difference
    better than no slope, only what it leaves of the difference counts. NaN passes through, and
    `fastmath` stays off for it.
    """
    n_left, n_core, n_right, n_trend = window[N_LEFT], window[N_CORE], window[N_RIGHT], window[N_TREND]
    n_channels = work.shape[1]
    if n_seen < n_left + n_core + n_right:
        for channel in range(n_channels):
            work[RESPONSE, channel] = np.nan
            work[TRAVEL, channel] = np.nan
            work[RETURNS, channel] = np.float32(0.0)
        return
    start = end - n_right - n_core - n_left
    plain_mean(history, start, n_left, work[LEFT])
    weighted_mean(history, start + n_left, taps, n_core, work[CORE])
    plain_mean(history, end - n_right, n_right, work[RIGHT])
    if n_seen >= n_left + n_core + n_right + 2 * n_trend:
        plain_mean(history, start - 2 * n_trend, n_trend, work[EARLY])
        plain_mean(history, start - n_trend, n_trend, work[LATE])
    else:
        for channel in range(n_channels):
            work[EARLY, channel] = np.float32(0.0)
            work[LATE, channel] = np.float32(0.0)
    zero, ratio = np.float32(0.0), np.float32(RETURN_RATIO)
    for channel in range(n_channels):
        left, core, right = work[LEFT, channel], work[CORE, channel], work[RIGHT, channel]
        height = core - shape[FROM_LEFT] * left - shape[FROM_RIGHT] * right
        change = right - left
        trend = (work[LATE, channel] - work[EARLY, channel]) * shape[TREND]
        if abs(change - trend) < abs(change):  # false where the trend is NaN
            change -= trend
        from_left = height + shape[FROM_RIGHT] * change
        from_right = height - shape[FROM_LEFT] * change
        if height < zero:
            from_left, from_right = -from_left, -from_right
        smaller, larger = min(from_left, from_right), max(from_left, from_right)
        work[RESPONSE, channel] = height * shape[HEIGHT]
        work[TRAVEL, channel] = abs(core - left) + abs(right - core)
        work[RETURNS, channel] = np.float32(1.0) if smaller > ratio * larger else zero


@njit("void(float32[::1], float32[::1], float32[:, ::1], int64, float32[::1])", cache=True, nogil=True)
def learn_noise(response, settings, noise, n_signals, shape):
    """Follow the spread of one scale's responses, channel by channel.

    Parameters
    ----------
    response : float32 [shape=(n_padded,)]
    settings : float32 [shape=(N_SETTINGS,)]
        SLOW_GAIN per sample once COUNT_MAX samples are known.
    noise : float32 [shape=(3, n_padded)], updated in place
        VARIANCE: winsorised (Huber 1981, section 5: clipped squares, made consistent for a
        Gaussian), so that a cue moves it little and a lasting change doubles it in seconds.
        COUNT: samples it has seen. QUICK: the lower quartile of the absolute response,
        followed multiplicatively; speech, which leaves no quiet quarter, lifts it.
    shape : float32 [shape=(N_SHAPE,)]
        QUICK_UP and QUICK_DOWN, factors per sample.
    """
    for channel in range(n_signals):
        deviation = abs(response[channel])
        if np.isnan(deviation):
            continue
        variance, count = noise[VARIANCE, channel], noise[COUNT, channel]
        gain = max(np.float32(1.0) / (count + np.float32(2.0)), settings[SLOW_GAIN])
        clipped = min(deviation * deviation, np.float32(CLIP) * variance) / np.float32(CLIP_MEAN)
        noise[VARIANCE, channel] = max(variance + gain * (clipped - variance), np.float32(VARIANCE_MIN))
        noise[COUNT, channel] = min(count + np.float32(1.0), settings[COUNT_MAX])
        quick = noise[QUICK, channel]
        quick *= shape[QUICK_UP] if deviation > quick else shape[QUICK_DOWN]
        noise[QUICK, channel] = max(quick, np.float32(0.01))


@njit(
    "void(float32[:, ::1], float32[:, ::1], float32[::1], float32[:, ::1], float32[::1], int64, "
    "float32[::1])",
    cache=True,
    nogil=True,
)
def score_responses(work, noise, quick_before, leak, shape, n_signals, score):
    """How many sigma each movement signal's response is, given what the head and light did.

    Parameters
    ----------
    work : float32 [shape=(8, n_padded)], from `respond`
    noise : float32 [shape=(3, n_padded)], from `learn_noise`
    quick_before : float32 [shape=(n_padded,)]
        QUICK as it stood before this movement began, so that it does not hide itself.
    leak : float32 [shape=(n_nuisances, n_signals)], miod per unit
        What of a nuisance channel's travel one sigma of each signal may be. Nuisance channels
        follow the signals in `work`.
    score : float32 [shape=(n_signals,)]
        Overwritten: 0 where lost or where the movement does not return.
    """
    for signal in range(n_signals):
        steady = noise[VARIANCE, signal]
        steady *= np.float32(1.0) + shape[INFLATE] / (noise[COUNT, signal] + np.float32(1.0))
        quick = min(noise[QUICK, signal], quick_before[signal]) / np.float32(QUARTILE)
        score[signal] = max(steady, np.float32(QUICK_WEIGHT) * quick * quick)
    for nuisance in range(leak.shape[0]):
        travel = work[TRAVEL, n_signals + nuisance]
        if not np.isnan(travel):
            for signal in range(n_signals):
                part = leak[nuisance, signal] * travel
                score[signal] += part * part
    for signal in range(n_signals):
        height = abs(work[RESPONSE, signal])
        if work[RETURNS, signal] > np.float32(0.0) and not np.isnan(height):
            score[signal] = height / np.float32(math.sqrt(score[signal]))
        else:
            score[signal] = np.float32(0.0)


@njit(
    "void(float32[::1], float32[::1], int64, int64, int64, float32[:, ::1], float32[::1], float32[:, ::1], "
    "int64[:, ::1])",
    cache=True,
    nogil=True,
)
def keep_best_scale(score, response, scale, sample, centre, limits, last_score, frame_peaks, where):
    """Keep, for each signal, the best score of this frame over the scales so far.

    A signal counts only if that direction has a name (`limits`), and if the pulse's centre lies
    after the refractory period of its last one (`where[READY]`) or it far outranks that one.
    """
    zero, outranks = np.float32(0.0), np.float32(OUTRANKS)
    for signal in range(score.shape[0]):
        if score[signal] <= frame_peaks[PEAK_SCORE, signal]:
            continue
        if centre < where[READY, signal] and score[signal] < outranks * last_score[signal]:
            continue
        allowed = limits[RISE_ALLOWED, signal] if response[signal] > zero else limits[FALL_ALLOWED, signal]
        if allowed > zero:
            frame_peaks[PEAK_SCORE, signal] = score[signal]
            frame_peaks[PEAK_RESPONSE, signal] = response[signal]
            where[PEAK_SCALE, signal] = scale
            where[PEAK_SAMPLE, signal] = sample


@njit(
    "int64(float32[:, ::1], int64[:, ::1], float32[:, ::1], int64[:, ::1], float32[:, ::1], "
    "int64[:, ::1], float32[::1], int64, int64[::1], float32[::1])",
    cache=True,
    nogil=True,
)
def follow_cluster(frame_peaks, frame_where, peaks, where, limits, windows, settings, sample, state, best):
    """Open, improve or close the cluster of responses that makes one candidate.

    Returns
    -------
    CUE_CLOSED when nothing better came for HOLD samples, else 0. The cluster's figures stay
    in `peaks`, `where`, `state` and `best` until the next one opens.
    """
    n_signals = frame_peaks.shape[1]
    strongest, lead = np.float32(0.0), -1
    for signal in range(n_signals):
        strength = frame_peaks[PEAK_SCORE, signal] / limits[THRESHOLD, signal]
        if frame_peaks[PEAK_SCORE, signal] > settings[OPEN_SCORE] and strength > strongest:
            strongest, lead = strength, signal
    if state[OPEN] == 0:
        if lead < 0:
            return 0
        state[OPEN] = 1
        best[BEST_STRENGTH] = np.float32(0.0)
        for signal in range(n_signals):
            peaks[PEAK_SCORE, signal] = np.float32(0.0)
            peaks[PEAK_RESPONSE, signal] = np.float32(0.0)
    for signal in range(n_signals):
        if frame_peaks[PEAK_SCORE, signal] > peaks[PEAK_SCORE, signal]:
            peaks[PEAK_SCORE, signal] = frame_peaks[PEAK_SCORE, signal]
            peaks[PEAK_RESPONSE, signal] = frame_peaks[PEAK_RESPONSE, signal]
            where[PEAK_SCALE, signal] = frame_where[PEAK_SCALE, signal]
            where[PEAK_SAMPLE, signal] = frame_where[PEAK_SAMPLE, signal]
    if lead >= 0 and strongest > best[BEST_STRENGTH]:
        best[BEST_STRENGTH] = strongest
        state[BEST_SAMPLE], state[BEST_CHANNEL] = sample, lead
        state[BEST_SCALE] = frame_where[PEAK_SCALE, lead]
    if sample - state[BEST_SAMPLE] < settings[HOLD]:
        return 0
    state[OPEN] = 0
    for signal in range(n_signals):
        if peaks[PEAK_SCORE, signal] > settings[OPEN_SCORE]:
            window = windows[where[PEAK_SCALE, signal]]
            centre = where[PEAK_SAMPLE, signal] - window[N_RIGHT] - window[N_CORE] // 2
            where[READY, signal] = centre + np.int64(settings[REFRACTORY])
            peaks[LAST_SCORE, signal] = peaks[PEAK_SCORE, signal]
    return CUE_CLOSED


@njit(
    "void(float32[:, ::1], int64, int64, int64, float32[::1], int64[::1], float32[::1])",
    cache=True,
    nogil=True,
)
def follow_blink(work, closure, scale, sample, settings, state, best):
    """The same for the two closure channels, by height instead of score; one scale at a time.

    The height is the eyes' mean, or 0.6 of one eye's alone, which a wink must exceed.
    """
    height, n_eyes, one_eye = np.float32(0.0), 0, np.float32(0.0)
    for eye in range(closure, closure + 2):
        response = work[RESPONSE, eye]
        if work[RETURNS, eye] > np.float32(0.0) and response > np.float32(0.0):
            one_eye = max(one_eye, response)
        if not np.isnan(response):
            height += response
            n_eyes += 1
    if n_eyes > 0:
        height /= np.float32(n_eyes)
    if one_eye <= np.float32(0.0):
        return
    height = max(height, np.float32(0.6) * one_eye)
    if height > settings[BLINK_MIN] and (state[BLINK_OPEN] == 0 or height > best[BLINK_HEIGHT]):
        state[BLINK_OPEN] = 1
        best[BLINK_HEIGHT] = height
        state[BLINK_SAMPLE], state[BLINK_SCALE] = sample, scale


@njit(
    "int64(float32[::1], float32[:, ::1], int64[:, ::1], float32[:, ::1], float32[:, ::1], float32[::1], "
    "float32[:, ::1], float32[:, ::1], float32[:, :, ::1], float32[:, :, ::1], float32[:, ::1], "
    "float32[:, :, ::1], int64[:, :, ::1], int64[::1], float32[::1])",
    cache=True,
    nogil=True,
)
def scan(
    row,
    history,
    windows,
    taps,
    shapes,
    settings,
    leak,
    limits,
    noise,
    snapshots,
    work,
    peaks,
    where,
    state,
    best,
):
    """Take in one sample of every channel; say whether a candidate or a blink has just closed.

    Parameters
    ----------
    row : float32 [shape=(n_padded,)], NaN where lost
    history : float32 [shape=(2 * n_kept, n_padded)]
        Ring written twice, so that any window is contiguous; updated in place.
    windows, taps, shapes : one row per scale, shortest first; see `respond`
    settings : float32 [shape=(N_SETTINGS,)]
    leak : float32 [shape=(n_nuisances, n_signals)]; see `score_responses`
    limits : float32 [shape=(3, n_signals)]
    noise : float32 [shape=(n_scales, 3, n_padded)], updated in place
    snapshots : float32 [shape=(n_snapshots, n_scales, n_padded)], ring of QUICK, updated in place
    work : float32 [shape=(8, n_padded)], scratch
    peaks : float32 [shape=(2, 3, n_signals)]; [0] of the cluster, [1] of this frame
    where : int64 [shape=(2, 3, n_signals)], likewise
    state : int64 [shape=(N_STATE,)], best : float32 [shape=(N_BEST,)], updated in place

    Returns
    -------
    0, CUE_CLOSED, BLINK_CLOSED or their sum
    """
    n_kept, n_signals = history.shape[0] // 2, leak.shape[1]
    sample = state[N_SEEN]
    slot = sample % n_kept
    history[slot, :] = row
    history[slot + n_kept, :] = row
    state[N_SEEN] = sample + 1
    n_seen, end = min(sample + 1, n_kept), slot + n_kept + 1
    peaks[1, :, :] = np.float32(0.0)
    every = np.int64(settings[SNAPSHOT_EVERY])
    n_snapshots = snapshots.shape[0]
    newest = (sample // every) % n_snapshots
    score = work[EARLY, :n_signals]  # free again once a scale has responded
    for scale in range(windows.shape[0]):
        respond(history, end, n_seen, windows[scale], taps[scale], shapes[scale], work)
        before = snapshots[(newest - windows[scale, LAG]) % n_snapshots, scale]
        score_responses(work, noise[scale], before, leak, shapes[scale], n_signals, score)
        learn_noise(work[RESPONSE], settings, noise[scale], n_signals, shapes[scale])
        if sample % every == 0:
            snapshots[newest, scale, :] = noise[scale, QUICK]
        centre = sample - windows[scale, N_RIGHT] - windows[scale, N_CORE] // 2
        where[1, READY, :] = where[0, READY]
        keep_best_scale(
            score, work[RESPONSE], scale, sample, centre, limits, peaks[0, LAST_SCORE], peaks[1], where[1]
        )
        follow_blink(work, n_signals, scale, sample, settings, state, best)
    closed = follow_cluster(
        peaks[1], where[1], peaks[0], where[0], limits, windows, settings, sample, state, best
    )
    if state[BLINK_OPEN] == 1 and sample - state[BLINK_SAMPLE] >= settings[HOLD]:
        state[BLINK_OPEN] = 0
        closed += BLINK_CLOSED
    return closed
