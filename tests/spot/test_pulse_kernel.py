"""The pulse kernels against slow float64 references."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.anatomy import CHANNEL_QUANTA, LOST, N_CHANNELS, N_SIGNALS, decode
from edge.kernels import pulse, samples
from edge.spot.bank import MACRO_PLAN, MICRO_PLAN, N_PADDED, PulseBank
from edge.spot.leaks import leak_table


def reference_respond(signal, n_trend, n_left, n_core, n_right):
    """Response, travel and whether it returns, of the window that ends with `signal`; float64."""
    x = np.asarray(signal, np.float64)
    if len(x) < n_left + n_core + n_right:
        return np.nan, np.nan, False
    right = x[len(x) - n_right :].mean()
    core_values = x[len(x) - n_right - n_core : len(x) - n_right]
    begin = len(x) - n_right - n_core - n_left
    left = x[begin : begin + n_left].mean()
    arch = np.sin(np.pi * (np.arange(n_core) + 0.5) / n_core) ** 2
    core = (core_values * arch).sum() / arch.sum()
    to_left, to_right = (n_core + n_left) / 2, (n_core + n_right) / 2
    line = left + (right - left) * to_left / (to_left + to_right)
    change, trend = right - left, 0.0
    if begin >= 2 * n_trend:
        late = x[begin - n_trend : begin].mean()
        early = x[begin - 2 * n_trend : begin - n_trend].mean()
        trend = (late - early) / n_trend * (to_left + to_right)
    change = min(change, change - trend, key=abs)
    height = core - line
    flanks = np.array(
        [height + change * to_left / (to_left + to_right), height - change * to_right / (to_left + to_right)]
    ) * np.sign(height)
    travel = abs(core - left) + abs(right - core)
    return height / 0.75, travel, bool(flanks.min() > 0.4 * flanks.max())


def respond_everywhere(signal, bank, scale):
    """RESPONSE, TRAVEL and RETURNS of one scale, for the window ending at each sample."""
    history = np.zeros((len(signal), N_PADDED), np.float32)
    history[:, 0] = signal
    work = np.zeros((8, N_PADDED), np.float32)
    out = np.zeros((len(signal), 3))
    for end in range(1, len(signal) + 1):
        pulse.respond(history, end, end, bank.windows[scale], bank.taps[scale], bank.shapes[scale], work)
        out[end - 1] = work[[pulse.RESPONSE, pulse.TRAVEL, pulse.RETURNS], 0]
    return out


def signals(rng):
    """float32 signals [shape=(400,)]: noise, NaN gaps, steps, extremes, ramps."""
    noise = rng.normal(size=400)
    gaps = noise.copy()
    gaps[rng.random(400) < 0.02] = np.nan
    step = np.where(np.arange(400) < 200, 0.0, 30.0) + 0.1 * noise
    return {
        "noise": noise,
        "gaps": gaps,
        "step": step,
        "extreme": rng.uniform(-655.0, 655.0, size=400),
        "ramp": 0.3 * np.arange(400) + 0.01 * noise,
        "lost": np.full(400, np.nan),
        "short": noise[:20],
    }


@pytest.mark.parametrize("kind", ["noise", "gaps", "step", "extreme", "ramp", "lost", "short"])
@pytest.mark.parametrize("plan", [MICRO_PLAN, MACRO_PLAN], ids=["micro", "macro"])
def test_responses_match_the_definition(rng, plan, kind):
    signal = signals(rng)[kind].astype(np.float32)
    bank = PulseBank(plan, 120.0 if plan is MICRO_PLAN else 24.0, leak_table())
    for scale in range(len(bank.n_core)):
        got = respond_everywhere(signal, bank, scale)
        sizes = bank.windows[scale, :4].tolist()
        expected = np.array([reference_respond(signal[:end], *sizes) for end in range(1, len(signal) + 1)])
        np.testing.assert_allclose(got[:, :2], expected[:, :2], atol=2e-3)
        # the flank ratio decides at a sharp limit: rounding may tip a response that stands on it
        assert np.mean(got[:, 2] != expected[:, 2]) < 0.02


def test_level_and_slope_give_no_response(rng):
    bank = PulseBank(MICRO_PLAN, 120.0, leak_table())
    signal = (12.0 - 0.25 * np.arange(300)).astype(np.float32)
    for scale in range(len(bank.n_core)):
        response = respond_everywhere(signal, bank, scale)[:, 0]
        assert np.nanmax(np.abs(response)) < 1e-3


def test_a_raised_cosine_answers_with_its_own_height():
    bank = PulseBank(MICRO_PLAN, 120.0, leak_table())
    for scale, n_core in enumerate(bank.n_core):
        signal = np.zeros(400, np.float32)
        signal[200 : 200 + n_core] = 7.0 * np.sin(np.pi * (np.arange(n_core) + 0.5) / n_core) ** 2
        out = respond_everywhere(signal, bank, scale)
        at = 200 + n_core + int(bank.windows[scale, pulse.N_RIGHT]) - 1
        np.testing.assert_allclose(out[at, 0], 7.0, rtol=1e-4)
        assert out[at, 2] == 1.0


@pytest.mark.parametrize("over_samples", [1, 6, 24])
def test_a_clean_step_never_returns_wherever_it_stands(over_samples):
    bank = PulseBank(MICRO_PLAN, 120.0, leak_table())
    signal = (30.0 * np.clip((np.arange(400) - 200) / over_samples, 0.0, 1.0)).astype(np.float32)
    for scale, n_core in enumerate(bank.n_core):
        out = respond_everywhere(signal, bank, scale)
        passing = np.abs(out[out[:, 2] > 0, 0])
        # what passes is the step's start seen as the trend before the pulse; `flanks` refuses it
        assert passing.max(initial=0.0) < 10.0
        if over_samples == 1 and n_core > 6:
            assert np.mean(out[:, 2] * (np.abs(out[:, 0]) > 3.0)) < 0.05


def reference_noise(responses, count_max, gain_min):
    """Winsorised running variance in float64."""
    variance, count = 0.25, 0.0
    for response in responses:
        if np.isnan(response):
            continue
        gain = max(1.0 / (count + 2.0), gain_min)
        variance = max(variance + gain * (min(response**2, 6.25 * variance) / 0.9775 - variance), 0.0025)
        count = min(count + 1.0, count_max)
    return variance


@pytest.mark.parametrize("sigma", [0.01, 0.3, 5.0, 200.0])
def test_noise_matches_the_definition_and_the_truth(rng, sigma):
    bank = PulseBank(MICRO_PLAN, 120.0, leak_table())
    responses = rng.normal(scale=sigma, size=4000).astype(np.float32)
    responses[rng.random(4000) < 0.05] = np.nan
    row = np.zeros(N_PADDED, np.float32)
    for response in responses:
        row[:] = response
        pulse.learn_noise(row, bank.settings, bank.noise[0], N_SIGNALS, bank.shapes[0])
    expected = reference_noise(
        responses.astype(np.float64),
        float(bank.settings[pulse.COUNT_MAX]),
        float(bank.settings[pulse.SLOW_GAIN]),
    )
    got = bank.noise[0, pulse.VARIANCE, :N_SIGNALS]
    np.testing.assert_allclose(got, expected, rtol=1e-3)
    np.testing.assert_allclose(np.sqrt(got), max(sigma, 0.05), rtol=0.1)


def test_scores_match_the_definition(rng):
    bank = PulseBank(MICRO_PLAN, 120.0, leak_table())
    leak = leak_table()
    work = rng.normal(scale=3.0, size=(8, N_PADDED)).astype(np.float32)
    work[pulse.TRAVEL] = np.abs(work[pulse.TRAVEL])
    work[pulse.RETURNS] = rng.random(N_PADDED) < 0.7
    work[pulse.RESPONSE, 3] = np.nan
    work[pulse.TRAVEL, N_SIGNALS + 2] = np.nan
    noise = rng.uniform(0.1, 4.0, size=(3, N_PADDED)).astype(np.float32)
    before = rng.uniform(0.1, 4.0, size=N_PADDED).astype(np.float32)
    score = np.zeros(N_SIGNALS, np.float32)
    pulse.score_responses(work, noise, before, leak, bank.shapes[2], N_SIGNALS, score)
    for signal in range(N_SIGNALS):
        steady = noise[0, signal] * (1.0 + float(bank.shapes[2, pulse.INFLATE]) / (noise[1, signal] + 1.0))
        quick = min(noise[2, signal], before[signal]) / 0.3186
        variance = max(steady, 0.5 * quick**2)
        for nuisance in range(len(leak)):
            if nuisance != 2:
                variance += float(leak[nuisance, signal] * work[pulse.TRAVEL, N_SIGNALS + nuisance]) ** 2
        expected = abs(float(work[pulse.RESPONSE, signal])) / variance**0.5
        if signal == 3 or work[pulse.RETURNS, signal] == 0:
            expected = 0.0
        np.testing.assert_allclose(score[signal], expected, rtol=1e-4)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(-32768, 32767), min_size=N_CHANNELS, max_size=N_CHANNELS))
def test_rows_are_decoded_like_the_table_says(codes):
    array = np.asarray(codes, np.int16)
    row = np.zeros(N_PADDED, np.float32)
    samples.decode_row(array, CHANNEL_QUANTA, LOST, row)
    np.testing.assert_array_equal(row[:N_CHANNELS], decode(array))
    assert not row[N_CHANNELS:].any()


def test_running_sums_leave_lost_samples_out(rng):
    rows = rng.normal(size=(50, N_PADDED)).astype(np.float32)
    rows[rng.random(rows.shape) < 0.2] = np.nan
    totals, counts = np.zeros(N_PADDED, np.float32), np.zeros(N_PADDED, np.int64)
    for row in rows:
        samples.accumulate(row, totals, counts)
    np.testing.assert_allclose(totals, np.nansum(rows.astype(np.float64), axis=0), atol=1e-4)
    np.testing.assert_array_equal(counts, (~np.isnan(rows)).sum(axis=0))
