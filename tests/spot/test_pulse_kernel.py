"""The pulse kernels against slow float64 references."""

from __future__ import annotations

import numpy as np
import pytest

from edge.anatomy import AUX_NAMES, CHANNEL_QUANTA, LOST, N_CHANNELS, N_SIGNALS, SIGNAL_NAMES
from edge.kernels import pulse, samples
from edge.spot.bank import CLIP, FRESH_MOVED, MACRO_PLAN, MICRO_PLAN, UPPER_CLIP, PulseBank, mean_of_clipped
from edge.spot.leaks import common_leak, leak_table


def triangle(n_core):
    """Two boxcars in a row, together `n_core` samples long; sums to 1."""
    half = (n_core + 1) // 2
    return np.convolve(np.full(half, 1.0 / half), np.full(n_core + 1 - half, 1.0 / (n_core + 1 - half)))


def reference_respond(codes, quantum, n_trend, n_left, n_core, n_right):
    """Response, travel and whether it returns, of the window that ends with `codes`; float64."""
    x = np.where(codes == LOST, np.nan, codes * np.float64(quantum))
    if len(x) < n_left + n_core + n_right:
        return np.nan, np.nan, False
    right = x[len(x) - n_right :].mean()
    core = triangle(n_core) @ x[len(x) - n_right - n_core : len(x) - n_right]
    begin = len(x) - n_right - n_core - n_left
    left = x[begin : begin + n_left].mean()
    to_left, to_right = (n_core + n_left) / 2, (n_core + n_right) / 2
    line = left + (right - left) * to_left / (to_left + to_right)
    change, trend = right - left, 0.0
    if begin >= 2 * n_trend:
        late = x[begin - n_trend : begin].mean()
        early = x[begin - 2 * n_trend : begin - n_trend].mean()
        trend = (late - early) / n_trend * (to_left + to_right)
        trend = 0.0 if np.isnan(trend) else trend
    change = min(change, change - trend, key=abs)
    height = core - line
    flanks = np.array(
        [height + change * to_left / (to_left + to_right), height - change * to_right / (to_left + to_right)]
    ) * np.sign(height)
    travel = abs(core - left) + abs(right - core)
    arch = np.sin(np.pi * (np.arange(n_core) + 0.5) / n_core) ** 2
    return height / (triangle(n_core) @ arch), travel, bool(flanks.min() > 0.4 * flanks.max())


def respond_everywhere(codes, bank):
    """RESPONSE, TRAVEL and RETURNS of channel 0 [shape=(n_samples, 3, n_scales)] at each sample."""
    row = np.zeros(N_CHANNELS, np.int16)
    out = np.zeros((len(codes), 3, len(bank.n_core)))
    for sample, code in enumerate(codes):
        row[0] = code
        bank.push(row, sample, sample)
        out[sample] = bank.work[[pulse.RESPONSE, pulse.TRAVEL, pulse.RETURNS], :, 0]
    return out


def signals(rng):
    """int16 codes: noise, lost samples, steps, extremes, ramps."""
    noise = 50.0 * rng.normal(size=400)
    step = np.where(np.arange(400) < 200, 0.0, 1500.0) + 0.1 * noise
    kinds = {
        "noise": noise,
        "gaps": np.where(rng.random(400) < 0.02, LOST, noise),
        "step": step,
        "extreme": rng.uniform(-32767, 32767, size=400),
        "extreme level": np.full(400, 32767),
        "ramp": 15.0 * np.arange(400) + 0.5 * noise,
        "lost": np.full(400, LOST),
        "short": noise[:20],
    }
    return {kind: np.rint(values).astype(np.int16) for kind, values in kinds.items()}


@pytest.mark.parametrize(
    "kind", ["noise", "gaps", "step", "extreme", "extreme level", "ramp", "lost", "short"]
)
@pytest.mark.parametrize("plan", [MICRO_PLAN, MACRO_PLAN], ids=["micro", "macro"])
def test_responses_match_the_definition(rng, plan, kind):
    codes = signals(rng)[kind]
    bank = PulseBank(plan, 120.0 if plan is MICRO_PLAN else 24.0, leak_table())
    got = respond_everywhere(codes, bank)
    for scale in range(len(bank.n_core)):
        sizes = bank.windows[scale, :4].tolist()
        expected = np.array(
            [reference_respond(codes[:end], CHANNEL_QUANTA[0], *sizes) for end in range(1, len(codes) + 1)]
        )
        np.testing.assert_allclose(got[:, :2, scale], expected[:, :2], rtol=1e-4, atol=2e-3)
        # the flank ratio decides at a sharp limit: rounding may tip a response that stands on it,
        # as in a level signal, whose height is rounding alone
        if kind not in ("lost", "extreme level"):
            known = ~np.isnan(expected[:, 0])
            assert np.sum(got[known, 2, scale] != expected[known, 2]) <= 0.02 * known.sum()


def test_running_sums_stay_exact_when_they_wrap_around():
    bank = PulseBank(MICRO_PLAN, 120.0, leak_table())
    rng = np.random.default_rng(5)
    pattern = rng.integers(-50, 50, 400).astype(np.int16)
    fresh = respond_everywhere(pattern, bank)[300:]
    row = np.zeros(N_CHANNELS, np.int16)
    row[0] = 32767
    for sample in range(3000):  # the sum of sums passes 2**32 many times over
        bank.push(row, sample, sample)
    again = respond_everywhere(pattern, bank)[300:]
    np.testing.assert_array_equal(again, fresh)


def test_level_and_slope_give_no_response():
    bank = PulseBank(MICRO_PLAN, 120.0, leak_table())
    codes = (600 - 12 * np.arange(300)).astype(np.int16)
    assert np.nanmax(np.abs(respond_everywhere(codes, bank)[:, 0])) < 1e-3


def test_a_raised_cosine_answers_with_its_own_height():
    for scale, n_core in enumerate(PulseBank(MICRO_PLAN, 120.0, leak_table()).n_core):
        bank = PulseBank(MICRO_PLAN, 120.0, leak_table())
        codes = np.zeros(400, np.int16)
        arch = np.sin(np.pi * (np.arange(n_core) + 0.5) / n_core) ** 2
        codes[200 : 200 + n_core] = np.rint(3500.0 * arch)
        at = 200 + n_core + int(bank.windows[scale, pulse.N_RIGHT]) - 1
        response, _, returns = respond_everywhere(codes, bank)[at, :, scale]
        assert response == pytest.approx(70.0, rel=1e-3)
        assert returns == 1.0


@pytest.mark.parametrize("over_samples", [1, 6, 24])
def test_a_clean_step_never_returns_wherever_it_stands(over_samples):
    bank = PulseBank(MICRO_PLAN, 120.0, leak_table())
    ramp = np.clip((np.arange(400) - 200) / over_samples, 0.0, 1.0)
    out = respond_everywhere(np.rint(1500.0 * ramp).astype(np.int16), bank)
    for scale, n_core in enumerate(bank.n_core):
        response, returns = out[:, 0, scale], out[:, 2, scale]
        # what passes is the step's start seen as the trend before the pulse; `flanks` refuses it
        assert np.abs(response[returns > 0]).max(initial=0.0) < 10.0
        if over_samples == 1 and n_core > 6:
            assert np.mean(returns * (np.abs(response) > 3.0)) < 0.05


def share_within(limit):
    """Mean of a squared Gaussian clipped at a limit, by the midpoint rule."""
    z = (np.arange(200_000) + 0.5) / 200_000 * 16.0 - 8.0
    density = np.exp(-0.5 * z**2) / np.sqrt(2.0 * np.pi)
    return float(np.sum(np.minimum(z**2, limit) * density) * 16.0 / 200_000)


def reference_noise(responses, motion, lids, count_max, gain_min, limit):
    """Winsorised running variances of quiet and of motion, each by its share, in float64."""
    share = share_within(limit)
    variance, moved, count = 0.25, FRESH_MOVED, 0.0
    for response, turned, closed in zip(responses, motion, lids, strict=True):
        if np.isnan(response):
            continue
        expected = variance + moved * turned + closed
        excess = min(response**2 / expected, limit) / share - 1.0
        quiet, moving = variance / expected, moved * turned / expected
        gain = max(1.0 / (count + 2.0), gain_min)
        variance = max(variance + gain * quiet * variance * excess, 0.0025)
        moved = min(max(moved + pulse.MOVED_GAIN * gain_min * moving * moved * excess, 1.0), 400.0)
        count = min(count + 1.0, count_max)
    return variance, moved, count


def learned_noise(responses, motion, lids, limit):
    """VARIANCE, MOVED and COUNT after all responses, of every lane."""
    bank = PulseBank(MICRO_PLAN, 120.0, leak_table())
    n_flat = len(bank.n_core) * pulse.N_LANES
    noise = bank.noise.reshape(pulse.N_NOISE, n_flat)
    work = np.zeros((pulse.N_WORK, n_flat), np.float32)
    shapes = np.ones((pulse.N_SHAPE, n_flat), np.float32)
    shapes[pulse.CLIP], shapes[pulse.CLIP_SHARE] = limit, 1.0 / mean_of_clipped(limit)
    settings_ = np.zeros(pulse.N_SETTINGS, np.float32)
    settings_[pulse.SLOW_GAIN], settings_[pulse.COUNT_MAX] = 1.0 / 2400.0, 2400.0
    for response, turned, closed in zip(responses, motion, lids, strict=True):
        work[pulse.RESPONSE], work[pulse.TURN], work[pulse.CLOSURE] = response, turned, closed
        pulse.learn_noise(work, settings_, noise, shapes)
    return noise[[pulse.VARIANCE, pulse.MOVED, pulse.COUNT]]


@pytest.mark.parametrize("limit", [CLIP, UPPER_CLIP])
@pytest.mark.parametrize("sigma", [0.01, 0.3, 5.0, 200.0])
def test_noise_matches_the_definition_and_the_truth(rng, sigma, limit):
    responses = rng.normal(scale=sigma, size=12000).astype(np.float32)
    responses[rng.random(12000) < 0.05] = np.nan
    still = np.zeros(12000)
    learned = learned_noise(responses, still, still, limit)
    expected = reference_noise(responses.astype(np.float64), still, still, 2400.0, 1.0 / 2400.0, limit)
    np.testing.assert_allclose(learned, np.repeat([expected], learned.shape[1], axis=0).T, rtol=1e-3)
    np.testing.assert_allclose(np.sqrt(learned[0]), max(sigma, 0.05), rtol=0.1)
    assert learned[2, 0] == 2400.0


@pytest.mark.parametrize("limit", [CLIP, UPPER_CLIP])
@pytest.mark.parametrize("person", [1.0, 16.0])
def test_a_lively_head_does_not_make_its_quiet_moments_deaf(rng, person, limit):
    """Half of the time the head moves, and leaves this person's share of what the table says."""
    motion = np.where(np.arange(24000) // 240 % 2 == 1, 1.0, 0.0)
    lids = np.where(rng.random(24000) < 0.05, 400.0, 0.0)
    responses = rng.normal(size=24000) * np.sqrt(0.49 + person * motion + lids)
    responses[::50] = np.nan
    learned = learned_noise(responses.astype(np.float32), motion, lids, limit)
    expected = reference_noise(responses, motion, lids, 2400.0, 1.0 / 2400.0, limit)
    np.testing.assert_allclose(learned[:, 0], expected, rtol=5e-3)
    assert np.sqrt(learned[0, 0]) == pytest.approx(0.7, rel=0.15)
    assert np.sqrt(learned[1, 0]) == pytest.approx(np.sqrt(person), rel=0.25)


@pytest.mark.parametrize("opening_most", [0.0, 0.15, 1e6])
def test_scores_match_the_definition(rng, opening_most):
    leak = leak_table()
    work = rng.normal(scale=3.0, size=(pulse.N_WORK, pulse.N_LANES)).astype(np.float32)
    work[pulse.TRAVEL] = np.abs(work[pulse.TRAVEL])
    work[pulse.RETURNS] = rng.random(pulse.N_LANES) < 0.7
    work[pulse.RESPONSE, 3] = np.nan
    work[pulse.TRAVEL, pulse.YAW] = np.nan
    work[pulse.EARLIER] = rng.uniform(0.1, 4.0, size=pulse.N_LANES)
    noise = rng.uniform(0.1, 4.0, size=(pulse.N_NOISE, pulse.N_LANES)).astype(np.float32)
    flat_leak = np.zeros((pulse.N_LEAK, pulse.N_LANES), np.float32)
    flat_leak[:, :N_SIGNALS] = leak**2
    shapes = np.full((pulse.N_SHAPE, pulse.N_LANES), 20.0, np.float32)
    pulse.spread_nuisances(work[:, None], common_leak(0.1)[None])
    settings_ = np.zeros(pulse.N_SETTINGS, np.float32)
    settings_[pulse.OPEN_SCORE], settings_[pulse.OPENING_MOST] = 2.0, opening_most
    n_above = pulse.score_responses(work, noise, flat_leak, shapes, settings_)
    travel = {name: float(work[pulse.TRAVEL, N_SIGNALS + k]) for k, name in enumerate(AUX_NAMES)}
    expected = np.zeros(N_SIGNALS)
    for signal in range(N_SIGNALS):
        steady = noise[0, signal] * (1.0 + 20.0 / (noise[1, signal] + 1.0))
        quick = min(noise[2, signal], work[pulse.EARLIER, signal]) / 0.3186
        variance = max(steady, 0.5 * quick**2)
        turn = travel["pitch_mrad"] ** 2 + 0.25 * travel["roll_mrad"] ** 2  # the yaw is lost
        eye = travel["closure_left" if signal % 2 else "closure_right"]
        moved = float(noise[pulse.MOVED, signal])
        variance += moved * leak[pulse.TURN_LEAK, signal] ** 2 * turn
        rises = float(work[pulse.RESPONSE, signal]) > 0.0 and SIGNAL_NAMES[signal].startswith("upper_lid")
        share = 0.02 if rises and eye**2 < opening_most else 1.0
        variance += share * leak[pulse.CLOSURE_LEAK, signal] ** 2 * eye**2
        others = ("head_x_miod", "head_y_miod", "log_scale_permille", "light_levels")
        variance += moved * sum(
            (float(unit) * travel[name]) ** 2 for unit, name in zip(common_leak(0.1), others, strict=True)
        )
        if signal != 3 and work[pulse.RETURNS, signal] > 0:
            expected[signal] = abs(float(work[pulse.RESPONSE, signal])) / variance**0.5
    np.testing.assert_allclose(work[pulse.SCORE, :N_SIGNALS], expected, rtol=1e-4)
    assert n_above == np.count_nonzero(work[pulse.SCORE] > 2.0)


def test_the_kernel_counts_lanes_as_the_anatomy_does():
    assert (pulse.N_MOVING, pulse.N_CODES) == (N_SIGNALS, N_CHANNELS)
    assert pulse.N_LANES % 8 == 0
    assert pulse.LOST == samples.LOST == LOST
    assert [side for side in SIGNAL_NAMES if not side.endswith(("_right", "_left"))] == []
    assert all(name.endswith("_left" if k % 2 else "_right") for k, name in enumerate(SIGNAL_NAMES))
    names = ("closure_right", "closure_left", "yaw_mrad", "pitch_mrad", "roll_mrad")
    names += ("head_x_miod", "head_y_miod", "log_scale_permille", "light_levels")
    assert AUX_NAMES[: len(names)] == names
    assert (N_SIGNALS, N_SIGNALS + len(names) - 1) == (pulse.CLOSURE_RIGHT, pulse.LIGHT)


def test_averages_leave_lost_samples_out(rng):
    rows = rng.integers(-32767, 32768, size=(200, 5, pulse.N_LANES)).astype(np.int16)
    rows[rng.random(rows.shape) < 0.4] = LOST
    mean = np.zeros(N_CHANNELS, np.int16)
    for block in rows:
        samples.average_rows(block, mean)
        known = (block != LOST)[:, :N_CHANNELS]
        values = np.where(known, block[:, :N_CHANNELS].astype(np.float64), 0.0)
        expected = np.rint(values.sum(axis=0) / np.maximum(known.sum(axis=0), 1))
        np.testing.assert_array_equal(mean, np.where(known.sum(axis=0) >= 3, expected, LOST))
