"""The pulse bank: every frame, every channel, every duration, in one call.

A pulse of `n_core` samples is compared with the shoulders on both sides of it. The response
is the triangular mean of the core, less the line through the two shoulders, scaled so that a
raised cosine of the same width answers with its own height. It is blind to level and slope.

Means come from running sums, once for the shoulders and twice for the triangle (two boxcars in
a row), so that a duration costs the same however long it is. The sums are of integer codes and
wrap around 32 bits; differences of them are exact as long as they themselves fit, which 256
samples of full scale do. In white noise a triangle finds a raised cosine of its own width
99.4 % as well as the raised cosine itself does (their correlation).

Arrays named flat hold N_LANES values per scale, scale after scale: one long loop per step for
all scales. Such a loop writes one row and reads at most eight; LLVM tells no more apart.
"""

from __future__ import annotations

import numpy as np

from edge.kernels import njit

N_MOVING, N_CODES, N_LANES = 24, 34, 40  # signals, channels, and those filled up to whole registers
# rows of `work`, flat
(
    LEFT,
    CORE,
    RIGHT,
    TREND,
    EARLIER,
    TURN,
    CLOSURE,
    COMMON,
    RESPONSE,
    RETURNS,
    TRAVEL,
    SCORE,
    EXPECTED,
    EXCESS,
    QUIET,
    N_WORK,
) = range(16)
VARIANCE, COUNT, QUICK, MOVED, N_NOISE = range(5)  # rows of `noise`, flat
# rows of `shapes`, flat
FROM_LEFT, FROM_RIGHT, HEIGHT, QUANTUM, INFLATE, QUICK_UP, QUICK_DOWN, CLIP, CLIP_SHARE, N_SHAPE = range(10)
TURN_LEAK, CLOSURE_LEAK, COMMON_LEAK, N_LEAK = range(4)  # rows of `leak`, flat
# places in `settings`
OPEN_SCORE, CLOSURE_MIN, SLOW_GAIN, COUNT_MAX, SNAPSHOT_EVERY, OPENING_MOST, N_SETTINGS = range(7)
N_TREND, N_LEFT, N_CORE, N_RIGHT, LAG, N_WINDOWS = range(6)  # columns of `windows` (int64)
# lanes of the nuisance channels, in `anatomy.AUX_NAMES`' order
CLOSURE_RIGHT, CLOSURE_LEFT, YAW, PITCH, ROLL, HEAD_X, HEAD_Y, LOG_SCALE, LIGHT = range(
    N_MOVING, N_MOVING + 9
)

UPPER_LID = 6  # lane of the right one, the left one's is next: `anatomy.SIGNALS`

LOST = -32768  # `anatomy.LOST`
CLEAN_MAX = 1 << 30
RETURN_RATIO = 0.4  # the smaller flank over the larger; a step has none, a lone raised cosine 1
VARIANCE_MIN = 0.0025  # (0.05 miod)^2: half the quietest frame noise seen on a real still face
QUARTILE = 0.3186  # a quarter of a Gaussian's absolute values lie below this many sigma
QUICK_MIN = 0.01
QUICK_WEIGHT = 0.5  # the quick estimate fluctuates; at half its variance it leaves quiet faces alone
# An eye that opens wide looks as unlike itself as one that closes, but its lid goes up: then a seventh of
# a blink's leak is left to answer for, as a variance a fiftieth. Not where the look changes as much as in
# a blink (OPENING_MOST, squared travel): between two blinks lids are up, too.
OPENING = 0.02
MOVED_GAIN = 2.0  # times the variance's: heads move now and then; at 8 it followed single turns
MOVED_MIN, MOVED_MAX = 1.0, 400.0  # the table is the least; twenty times its sigma the most
ROLL_SHARE = 0.25  # a turn in the picture plane leaks half as much as one out of it, squared


@njit("void(int16[::1], int16[:, ::1], int32[:, :, ::1], int32[::1], int64)", cache=True, nogil=True)
def add_sample(row, codes, sums, clean, slot):
    """Append a sample to the history and to the running sums.

    Parameters
    ----------
    row : int16 [shape=(N_CODES,)]
    codes : int16 [shape=(2 * n_kept, N_LANES)], ring written twice
    sums : int32 [shape=(2, n_kept, N_LANES)], rings of the sum and of the sum of sums; wrap around
    clean : int32 [shape=(N_LANES,)], samples since the last lost one
    slot : int, this sample's place in the rings
    """
    n_kept = sums.shape[1]
    before = slot - 1 if slot > 0 else n_kept - 1
    for c in range(N_CODES):
        codes[slot, c] = row[c]
    for c in range(N_CODES):
        codes[slot + n_kept, c] = row[c]
    for c in range(N_CODES):
        clean[c] = 0 if row[c] == LOST else min(clean[c] + 1, CLEAN_MAX)
    for c in range(N_CODES):
        value = 0 if row[c] == LOST else row[c]
        sums[0, slot, c] = np.int32(sums[0, before, c] + value)
    for c in range(N_CODES):
        sums[1, slot, c] = np.int32(sums[1, before, c] + sums[0, slot, c])


@njit("int64(int64, int64, int64)", cache=True, nogil=True, inline="always")
def back(slot, n, n_kept):
    """The ring's place `n` samples before `slot`."""
    return slot - n if slot >= n else slot - n + n_kept


@njit(
    "void(int32[:, :, ::1], int64, int32[::1], int64[:, ::1], int64, float32[:, :, ::1])",
    cache=True,
    nogil=True,
    error_model="numpy",
)
def take_means(sums, slot, clean, windows, scale, work):
    """Means of one scale's shoulders and core, in codes, and the change that the trend foretells.

    Where a sample of the window was lost, RIGHT is NaN, and so is what is made of it; where one
    of the trend's was, TREND is 0.
    """
    n_kept = sums.shape[1]
    n_left, n_core, n_right = windows[scale, N_LEFT], windows[scale, N_CORE], windows[scale, N_RIGHT]
    n_trend = windows[scale, N_TREND]
    needed, lost = np.int32(n_left + n_core + n_right), np.float32(np.nan)
    one, zero, half = np.float32(1.0), np.float32(0.0), (n_core + 1) // 2
    other = n_core + 1 - half
    core = back(slot, n_right, n_kept)
    core_1, core_2 = back(core, half, n_kept), back(core, other, n_kept)
    core_3 = back(core_1, other, n_kept)
    left = back(core, n_core, n_kept)
    late = back(left, n_left, n_kept)
    middle = back(late, n_trend, n_kept)
    early = back(middle, n_trend, n_kept)
    share = one / np.float32(n_right)
    for c in range(N_LANES):
        mean = share * np.float32(np.int32(sums[0, slot, c] - sums[0, core, c]))
        work[RIGHT, scale, c] = mean if clean[c] >= needed else lost
    share = one / np.float32(n_left)
    for c in range(N_LANES):
        work[LEFT, scale, c] = share * np.float32(np.int32(sums[0, left, c] - sums[0, late, c]))
    share = one / np.float32(half * other)
    for c in range(N_LANES):
        bend = sums[1, core, c] - sums[1, core_1, c] - sums[1, core_2, c] + sums[1, core_3, c]
        work[CORE, scale, c] = share * np.float32(np.int32(bend))
    # from the middle of one shoulder to that of the other, in the trend's halves
    share = np.float32(n_core + 0.5 * (n_left + n_right)) / np.float32(n_trend * n_trend)
    needed = np.int32(n_left + n_core + n_right + 2 * n_trend)
    for c in range(N_LANES):
        bend = share * np.float32(np.int32(sums[0, late, c] - 2 * sums[0, middle, c] + sums[0, early, c]))
        work[TREND, scale, c] = bend if clean[c] >= needed else zero


@njit("void(float32[:, ::1], float32[:, ::1])", cache=True, nogil=True)
def respond(shapes, work):
    """Responses of all scales.

    Parameters
    ----------
    shapes : float32 [shape=(N_SHAPE, n_flat)]
        FROM_LEFT and FROM_RIGHT weigh the shoulders, HEIGHT makes a raised cosine answer with its
        own height in the channel's unit, of which a code is worth QUANTUM.
    work : float32 [shape=(N_WORK, n_flat)], from `take_means`
        Overwritten: RESPONSE and TRAVEL (how far the channel went within the window), in the
        channel's unit, NaN where lost; RETURNS 1 where the core stands off both shoulders, else 0.

    Notes
    -----
    A step leaves one flank flat. A pulse on a slope also has unlike flanks; so the slope
    before the left shoulder is continued, and where that explains the shoulders' difference
    better than no slope, only what it leaves of the difference counts.
    """
    zero, one, ratio = np.float32(0.0), np.float32(1.0), np.float32(RETURN_RATIO)
    n_flat = work.shape[1]
    for i in range(n_flat):
        height = work[CORE, i] - shapes[FROM_LEFT, i] * work[LEFT, i] - shapes[FROM_RIGHT, i] * work[RIGHT, i]
        work[RESPONSE, i] = height * shapes[HEIGHT, i]
    for i in range(n_flat):
        travel = abs(work[CORE, i] - work[LEFT, i]) + abs(work[RIGHT, i] - work[CORE, i])
        work[TRAVEL, i] = travel * shapes[QUANTUM, i]
    for i in range(n_flat):
        left, right, core = work[LEFT, i], work[RIGHT, i], work[CORE, i]
        by_left, by_right = shapes[FROM_LEFT, i], shapes[FROM_RIGHT, i]
        height = core - by_left * left - by_right * right
        change = right - left
        rest = change - work[TREND, i]
        change = rest if abs(rest) < abs(change) else change
        sign = -one if height < zero else one
        from_left = sign * (height + by_right * change)
        from_right = sign * (height - by_left * change)
        smaller = from_left if from_left < from_right else from_right
        larger = from_right if from_left < from_right else from_left
        work[RETURNS, i] = one if smaller > ratio * larger else zero


@njit(
    "void(float32[:, ::1], float32[::1], float32[:, ::1], float32[:, ::1])",
    cache=True,
    nogil=True,
    error_model="numpy",
)
def learn_noise(work, settings, noise, shapes):
    """Follow the spread of the responses: that in quiet, and that which comes with the head's motion.

    Parameters
    ----------
    work : float32 [shape=(N_WORK, n_flat)], from `score_responses`
        TURN and CLOSURE are variances by now.
    settings : float32 [shape=(N_SETTINGS,)]
        SLOW_GAIN per sample once COUNT_MAX samples are known.
    noise : float32 [shape=(N_NOISE, n_flat)], updated in place
        VARIANCE: in quiet. MOVED: how many times the table's variance this person's head motion leaves.
        COUNT: samples it has seen. QUICK: the lower quartile of the absolute response,
        followed multiplicatively; speech, which leaves no quiet quarter, lifts it.
    shapes : float32 [shape=(N_SHAPE, n_flat)]
        QUICK_UP and QUICK_DOWN, factors per sample; squares of deviations count up to CLIP, which leaves
        a Gaussian 1 / CLIP_SHARE of its variance.

    Notes
    -----
    The expected square of a response is ``VARIANCE + MOVED * TURN + CLOSURE``. Each part is followed by
    the share it has in that sum (a step of expectation maximisation, Dempster, Laird & Rubin 1977), so that
    a head that often moves does not make its quiet moments deaf. Squares are winsorised (Huber 1981,
    section 5: clipped, made consistent for a Gaussian), so that a cue moves them little and a lasting
    change doubles them in seconds.
    """
    one, two = np.float32(1.0), np.float32(2.0)
    slow, count_max = settings[SLOW_GAIN], settings[COUNT_MAX]
    least, quick_least = np.float32(VARIANCE_MIN), np.float32(QUICK_MIN)
    moved_least, moved_most = np.float32(MOVED_MIN), np.float32(MOVED_MAX)
    moved_gain = np.float32(MOVED_GAIN) * slow
    n_flat = work.shape[1]
    for i in range(n_flat):
        response, variance, moved = work[RESPONSE, i], noise[VARIANCE, i], noise[MOVED, i]
        expected = variance + moved * work[TURN, i] + work[CLOSURE, i]
        square = response * response / expected
        clipped = (square if square < shapes[CLIP, i] else shapes[CLIP, i]) * shapes[CLIP_SHARE, i] - one
        work[EXCESS, i] = clipped if response == response else np.float32(0.0)
        work[QUIET, i], work[EXPECTED, i] = variance / expected, expected
    for i in range(n_flat):
        variance, quiet = noise[VARIANCE, i], work[QUIET, i]
        gain = one / (noise[COUNT, i] + two)
        gain = gain if gain > slow else slow
        learned = variance * (one + gain * quiet * work[EXCESS, i])
        noise[VARIANCE, i] = learned if learned > least else least
    for i in range(n_flat):
        moved = noise[MOVED, i]
        part = one - work[QUIET, i] - work[CLOSURE, i] / work[EXPECTED, i]
        learned = moved * (one + moved_gain * part * work[EXCESS, i])
        learned = learned if learned > moved_least else moved_least
        learned = learned if learned < moved_most else moved_most
        noise[MOVED, i] = learned
    for i in range(n_flat):
        known, response = noise[COUNT, i], work[RESPONSE, i]
        count = known + one if known + one < count_max else count_max
        noise[COUNT, i] = count if response == response else known
    for i in range(n_flat):
        quick, deviation = noise[QUICK, i], abs(work[RESPONSE, i])
        up, down = shapes[QUICK_UP, i], shapes[QUICK_DOWN, i]
        followed = quick * (up if deviation > quick else down)
        followed = followed if followed > quick_least else quick_least
        noise[QUICK, i] = followed if deviation == deviation else quick


@njit("float32(float32[:, :, ::1], int64, int64)", cache=True, nogil=True)
def squared(work, scale, lane):
    """Square of a nuisance's travel, 0 where it is lost."""
    travel = work[TRAVEL, scale, lane]
    return travel * travel if travel == travel else np.float32(0.0)


@njit("void(float32[:, :, ::1], float32[:, ::1])", cache=True, nogil=True)
def spread_nuisances(work, units):
    """What head, lids and light did within each scale's window, for each of its lanes.

    TURN is the squared angle, CLOSURE the squared closing of the own side's eye (right and left
    signals take turns), COMMON the rest, weighed with `units` [shape=(n_scales, 4)] (HEAD_X to
    LIGHT, miod per unit). `work` has shape (N_WORK, n_scales, N_LANES).
    """
    for scale in range(units.shape[0]):
        turn = squared(work, scale, YAW) + squared(work, scale, PITCH)
        turn += np.float32(ROLL_SHARE) * squared(work, scale, ROLL)
        right, left = squared(work, scale, CLOSURE_RIGHT), squared(work, scale, CLOSURE_LEFT)
        common = np.float32(0.0)
        for k in range(units.shape[1]):
            common += units[scale, k] * units[scale, k] * squared(work, scale, HEAD_X + k)
        for c in range(N_LANES):
            work[TURN, scale, c] = turn
        for c in range(N_LANES):
            work[COMMON, scale, c] = common
        for c in range(N_LANES):
            work[CLOSURE, scale, c] = left if c % 2 else right


@njit(
    "int64(float32[:, ::1], float32[:, ::1], float32[:, ::1], float32[:, ::1], float32[::1])",
    cache=True,
    nogil=True,
    error_model="numpy",
)
def score_responses(work, noise, leak, shapes, settings):
    """How many sigma each response is, given what the head, the lids and the light did.

    Parameters
    ----------
    work : float32 [shape=(N_WORK, n_flat)], from `respond` and `spread_nuisances`
        EARLIER is QUICK as it stood before this movement began, so that it does not hide itself.
        SCORE is overwritten: 0 where lost or where the movement does not return. TURN and CLOSURE become
        the variances that motion of head and lids leaves by the table.
    noise : float32 [shape=(N_NOISE, n_flat)], from `learn_noise`
    leak : float32 [shape=(N_LEAK, n_flat)], miod^2 per unit^2
        What of a nuisance's travel one sigma of each signal may be, squared; -1 for a channel
        that is no signal.

    Returns
    -------
    int
        How many scores lie above OPEN_SCORE.
    """
    one, zero, weight = np.float32(1.0), np.float32(0.0), np.float32(QUICK_WEIGHT / QUARTILE**2)
    n_flat = work.shape[1]
    for i in range(n_flat):
        steady = noise[VARIANCE, i] * (one + shapes[INFLATE, i] / (noise[COUNT, i] + one))
        quick, earlier = noise[QUICK, i], work[EARLIER, i]
        quick = quick if quick < earlier else earlier
        lively = weight * quick * quick
        work[SCORE, i] = steady if steady > lively else lively
    for i in range(n_flat):
        work[TURN, i] = leak[TURN_LEAK, i] * work[TURN, i] + leak[COMMON_LEAK, i] * work[COMMON, i]
    for first in range(0, n_flat, N_LANES):
        for lid in range(first + UPPER_LID, first + UPPER_LID + 2):
            if work[RESPONSE, lid] > zero and work[CLOSURE, lid] < settings[OPENING_MOST]:
                work[CLOSURE, lid] *= np.float32(OPENING)
    for i in range(n_flat):
        work[CLOSURE, i] = leak[CLOSURE_LEAK, i] * work[CLOSURE, i]
    for i in range(n_flat):
        work[SCORE, i] += noise[MOVED, i] * work[TURN, i] + work[CLOSURE, i]
    n_above = 0
    for i in range(n_flat):
        score = abs(work[RESPONSE, i]) / np.sqrt(work[SCORE, i])
        score = score if score > zero else zero
        work[SCORE, i] = score * work[RETURNS, i]
    for i in range(n_flat):
        n_above += 1 if work[SCORE, i] > settings[OPEN_SCORE] else 0
    return n_above


@njit(
    "int64(int16[::1], int64, int16[:, ::1], int32[:, :, ::1], int32[::1], int64[:, ::1], float32[:, ::1], "
    "float32[::1], float32[:, ::1], float32[:, ::1], float32[:, ::1], float32[:, ::1], float32[:, ::1])",
    cache=True,
    nogil=True,
)
def scan(row, sample, codes, sums, clean, windows, shapes, settings, units, leak, noise, snapshots, work):
    """Take in one sample of every channel; say whether anything in it may be a movement or a blink.

    Parameters
    ----------
    row, codes, sums, clean : see `add_sample`
    sample : int
        Samples before this one.
    windows : int64 [shape=(n_scales, N_WINDOWS)], shortest first
        Samples in half the trend window, left shoulder, core and right shoulder; snapshots of lag.
    shapes : float32 [shape=(N_SHAPE, n_flat)]; see `respond` and `learn_noise`. INFLATE is what
        makes up for noise known from few samples, infinite for a channel that is no signal.
    settings : float32 [shape=(N_SETTINGS,)]
    units : see `spread_nuisances`; leak : see `score_responses`
    noise : float32 [shape=(N_NOISE, n_flat)], updated in place
    snapshots : float32 [shape=(n_snapshots, n_flat)], ring of QUICK, updated in place
    work : float32 [shape=(N_WORK, n_flat)]
        Overwritten; SCORE, RESPONSE and RETURNS are for `cluster.follow`.

    Returns
    -------
    int
        How many scores lie above OPEN_SCORE and closures above CLOSURE_MIN.
    """
    n_scales, n_flat = windows.shape[0], work.shape[1]
    slot = sample % sums.shape[1]
    add_sample(row, codes, sums, clean, slot)
    every = np.int64(settings[SNAPSHOT_EVERY])
    n_snapshots = snapshots.shape[0]
    newest = (sample // every) % n_snapshots
    # a lane's place is told from the array's shape: added up, LLVM takes it for one that may be anywhere
    by_scale = work.reshape((N_WORK, n_scales, N_LANES))
    stored = snapshots.reshape((n_snapshots, n_scales, N_LANES))
    for scale in range(n_scales):
        take_means(sums, slot, clean, windows, scale, by_scale)
        before = (newest - windows[scale, LAG]) % n_snapshots
        for c in range(N_LANES):
            by_scale[EARLIER, scale, c] = stored[before, scale, c]
    respond(shapes, work)
    spread_nuisances(by_scale, units)
    n_above = score_responses(work, noise, leak, shapes, settings)
    learn_noise(work, settings, noise, shapes)
    if sample % every == 0:
        for i in range(n_flat):
            snapshots[newest, i] = noise[QUICK, i]
    for scale in range(n_scales):
        for eye in range(scale * N_LANES + CLOSURE_RIGHT, scale * N_LANES + CLOSURE_LEFT + 1):
            n_above += 1 if work[RESPONSE, eye] > settings[CLOSURE_MIN] else 0
    return n_above
