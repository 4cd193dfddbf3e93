"""Draws docs/images/spotting.png: what pulse filters answer to, and how often noise alone reaches a score.

    python tools/draw_spotting.py [--minutes 3]

Everything comes out of the spotter's own kernels. Needs the extra `draw`.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

from edge.anatomy import CHANNEL_QUANTA, N_CHANNELS, N_SIGNALS
from edge.kernels import cluster, pulse
from edge.spot.band import CHANCE_FLOOR, OPEN_SCORE
from edge.spot.bank import MICRO_PLAN, PulseBank
from edge.spot.rate import FalseRate

mpl.use("Agg")
import matplotlib.pyplot as plt

OUTPUT = Path(__file__).resolve().parents[1] / "docs" / "images" / "spotting.png"
RATE_HZ = 120.0
HEIGHT_MIOD = 20.0
NOISE_MIOD = 0.5
SCALES = (1, 3, 5, 7)
COLOURS = ("#1f5f8b", "#d1495b", "#3a7d44", "#8d5a2b")


def main() -> None:
    """Three panels."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=3.0, help="of noise for the right panel")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    arguments = parser.parse_args()
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(13, 3.9), layout="constrained")
    draw_filters(left)
    draw_answers(middle)
    draw_chance(right, arguments.minutes)
    figure.savefig(arguments.output, dpi=100, metadata={"Software": None})


def new_bank() -> PulseBank:
    """A bank that knows of no nuisance."""
    return PulseBank(MICRO_PLAN, RATE_HZ, np.zeros((pulse.N_LEAK, N_SIGNALS), np.float32))


def answers(signal: Any) -> Any:
    """float64 [shape=(n, n_scales)]: what each filter answers to one signal, miod."""
    bank = new_bank()
    row = np.zeros(N_CHANNELS, np.int16)
    found = np.zeros((len(signal), len(bank.n_core)))
    for sample, value in enumerate(signal):
        row[0] = round(value / CHANNEL_QUANTA[0])
        bank.push(row, round(sample * 1e9 / RATE_HZ), sample)
        found[sample] = bank.work[pulse.RESPONSE, :, 0]
    return found


def draw_filters(panel: Any) -> None:
    """Each filter's weights, from its answer to a single sample."""
    impulse = np.zeros(500)
    impulse[400] = 100.0
    found = answers(impulse) / 100.0
    for colour, scale in zip(COLOURS, SCALES, strict=True):
        weights = found[400:, scale][::-1]
        n_core = new_bank().n_core[scale]
        panel.plot(
            (np.arange(len(weights)) - len(weights)) / RATE_HZ,
            weights * n_core,
            color=colour,
            label=f"{n_core / RATE_HZ * 1000:.0f} ms",
            linewidth=1.2,
        )
    panel.set(title="weights of four filters, times their length", xlabel="s before the newest frame")
    panel.legend(fontsize=8, frameon=False)


def draw_answers(panel: Any) -> None:
    """One filter before a movement there and back, a movement that stays, and a drift."""
    times_s = np.arange(-2.5, 1.2, 1 / RATE_HZ)
    width_s = new_bank().n_core[5] / RATE_HZ
    phase = np.clip(times_s / width_s, 0.0, 1.0)
    shapes = {
        "there and back": np.sin(np.pi * phase) ** 2,
        "there, and it stays": np.sin(0.5 * np.pi * phase) ** 2,
        "drift of as much in a second": np.clip(times_s + 2.0, 0.0, None) * 1.0,
    }
    shown = times_s > -0.4
    for colour, (label, shape) in zip(COLOURS, shapes.items(), strict=False):
        found = answers(HEIGHT_MIOD * shape)[:, 5]
        panel.plot(times_s[shown], found[shown], color=colour, label=label, linewidth=1.2)
    panel.axhline(HEIGHT_MIOD, color="#bbb", linewidth=0.8)
    panel.set_ylim(-16, 34)
    panel.set(
        title=f"the {width_s * 1000:.0f} ms filter before {HEIGHT_MIOD:.0f} miod", xlabel="s", ylabel="miod"
    )
    panel.legend(fontsize=8, frameon=False)


def draw_chance(panel: Any, minutes: float) -> None:
    """Peaks of white noise above a score, counted and as the model learned from them says."""
    scores = peaks_of_noise(minutes)
    rate = FalseRate(CHANCE_FLOOR, OPEN_SCORE)
    rate.watch(minutes * 60)
    for score in scores:
        rate.add(float(score))
    at = np.linspace(CHANCE_FLOOR, 7.0, 60)
    counted = np.array([(scores > z).sum() for z in at]) * 60 / minutes
    panel.semilogy(at[counted > 0], counted[counted > 0], color=COLOURS[0], label="counted", linewidth=1.2)
    panel.semilogy(at, [rate.per_hour(z) for z in at], "--", color=COLOURS[1], label="model", linewidth=1.2)
    bar = rate.threshold(6.0)
    panel.axvline(bar, color="#bbb", linewidth=0.8)
    panel.text(bar, panel.get_ylim()[1] / 3, f" {bar:.1f} σ: 6 an hour", fontsize=8)
    panel.set(title=f"peaks an hour in {minutes:g} minutes of noise", xlabel="score above, σ")
    panel.legend(fontsize=8, frameon=False)


def peaks_of_noise(minutes: float) -> Any:
    """Scores of the clusters that close in white noise, after a minute in which its size is learned."""
    bank = new_bank()
    bank.open_from(OPEN_SCORE)
    rng = np.random.default_rng(11)
    n_samples, n_learned = int((minutes + 1) * 60 * RATE_HZ), int(60 * RATE_HZ)
    noise = rng.normal(scale=NOISE_MIOD, size=(n_samples, N_SIGNALS)) / CHANNEL_QUANTA[:N_SIGNALS]
    row, found = np.zeros(N_CHANNELS, np.int16), []
    for sample in range(n_samples):
        row[:N_SIGNALS] = np.round(noise[sample])
        closed = bank.push(row, round(sample * 1e9 / RATE_HZ), sample)
        if closed & cluster.CUE_CLOSED and sample > n_learned:
            found.append(bank.candidate().scores.max())
    return np.array(found)


if __name__ == "__main__":
    main()
