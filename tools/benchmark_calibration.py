"""Whether the spotter's false cues come as often as it says: claimed against counted.

    .venv/bin/python tools/benchmark_calibration.py --hours 4 --output calibration

Every cue on a signal without movements is false. A calibrated spotter that accepts N an hour
gives about N, and of its cues those that claim at most E an hour come about E times an hour.
Each row counts micro cues, which have nine tenths of what is accepted; macro cues, which have
the last tenth, stand beside them. Signals are simulated (white, with sway and heartbeat, with
errors that all signals share, and coloured as low-pass filters and slow drift colour them), or
recorded: with --traces, .npz files of quiet faces (codes, timestamps_ns, sequences).

OUTPUT.json and, where matplotlib is installed, OUTPUT.png are written.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from spotting.outcomes import poisson_limits

from edge.config import SpotConfig
from edge.messages import Cue
from edge.spot import Spotter
from edge.spot.simulated import SimulatedFace

CONDITIONS: dict[str, dict[str, float]] = {
    "white 0.7": {"noise_miod": 0.7, "shared_noise_miod": 0.0, "sway_miod": 0.0, "heartbeat_miod": 0.0},
    "noise 0.5, sway 8, heartbeat": {},
    "noise 0.3, sway 15, heartbeat": {"noise_miod": 0.3, "sway_miod": 15.0, "heartbeat_miod": 0.5},
    "noise 0.8, shared 0.6": {"noise_miod": 0.8, "shared_noise_miod": 0.6, "sway_miod": 5.0},
    "coloured 0.2": {"noise_miod": 0.2, "coloured_miod": 0.4, "shared_noise_miod": 0.1, "sway_miod": 5.0},
}
CLAIMS_PER_HOUR = (0.6, 2.0, 6.0, 20.0, 60.0, 200.0, 600.0)
SESSION_S = 1800.0  # each with a baseline of its own, as people use it


@dataclass
class Row:
    """One condition at one accepted rate.

    `counted` maps a claim E to the micro cues an hour that claimed at most E, with the limits
    that hold 95 % of Poisson counts (exact: Garwood 1936).
    """

    condition: str
    accepted_per_hour: float
    hours: float
    micro_per_hour: float
    macro_per_hour: float
    counted: dict[float, tuple[float, float, float]]


def simulated(condition: str, hours: float, fps: float, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Quiet sessions: int16 codes and timestamps."""
    settings = dict(CONDITIONS[condition])
    coloured_miod = settings.pop("coloured_miod", 0.0)
    for session in range(max(1, round(hours * 3600.0 / SESSION_S))):
        face = SimulatedFace(SESSION_S, fps=fps, seed=1000 * seed + session, **settings)
        if coloured_miod:
            face.add_coloured_noise(coloured_miod, cutoff_hz=8.0)
        yield face.codes(), face.timestamps_ns


def recorded(paths: list[Path]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Recorded quiet faces."""
    for path in paths:
        with np.load(path) as trace:
            yield trace["codes"], trace["timestamps_ns"]


def measure(condition: str, sessions: Iterator[tuple[np.ndarray, np.ndarray]], accepted: float) -> Row:
    """Count the cues of all sessions."""
    cues: list[Cue] = []
    seconds = 0.0
    for codes, timestamps_ns in sessions:
        fps = 1e9 / float(np.median(np.diff(timestamps_ns)))
        spotter = Spotter(SpotConfig(accepted_false_per_hour=accepted), fps)
        events = spotter.steps(codes, timestamps_ns, np.arange(len(codes), dtype=np.int64))
        cues += [event for event in events if isinstance(event, Cue)]
        seconds += (timestamps_ns[-1] - timestamps_ns[0]) / 1e9
    hours = seconds / 3600.0
    micro = [cue for cue in cues if cue.kind == "micro"]
    counted = {}
    for claim in (claim for claim in CLAIMS_PER_HOUR if claim <= accepted):
        count = sum(cue.expected_false_per_hour <= claim for cue in micro)
        counted[claim] = (count / hours, *(limit / hours for limit in poisson_limits(count)))
    n_macro = len(cues) - len(micro)
    return Row(condition, accepted, hours, len(micro) / hours, n_macro / hours, counted)


def draw(rows: list[Row], path: Path) -> None:
    """Claimed against counted, both logarithmic, with the limits; the band is a factor of two."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6.4, 5.6))
    line = np.array([0.3, 1200.0])
    axes.fill_between(line, line / 2, line * 2, color="0.9", label="factor 2")
    axes.plot(line, line, color="0.6", linewidth=1)
    best = [row for row in rows if row.accepted_per_hour == max(r.accepted_per_hour for r in rows)]
    for k, row in enumerate(best):
        claims = np.array([claim for claim, (rate, _, _) in row.counted.items() if rate > 0])
        rates = np.array([row.counted[claim] for claim in claims])
        bars = np.abs(rates[:, 1:].T - rates[:, 0])
        axes.errorbar(claims * 1.04**k, rates[:, 0], bars, marker="o", capsize=2, label=row.condition)
    axes.set(xscale="log", yscale="log", xlabel="claimed false cues per hour, at most")
    axes.set(ylabel="counted per hour", title="Micro cues on signals without movement")
    axes.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=130)


def main() -> None:
    """Measure every condition; print a line for each; write JSON and a plot."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--hours", type=float, default=4.0, help="of each simulated condition")
    parser.add_argument("--fps", type=float, default=120.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--accepted", type=float, nargs="+", default=[6.0, 600.0])
    parser.add_argument("--condition", choices=sorted(CONDITIONS), action="append")
    parser.add_argument("--traces", type=Path, nargs="*", default=[], help=".npz files of quiet faces")
    parser.add_argument("--output", type=Path, help="path without extension")
    arguments = parser.parse_args()
    rows = []
    names = arguments.condition or ([] if arguments.traces else list(CONDITIONS))
    for accepted in arguments.accepted:
        for name in [*names, *(["recorded"] if arguments.traces else [])]:
            sessions = (
                recorded(arguments.traces)
                if name == "recorded"
                else simulated(name, arguments.hours, arguments.fps, arguments.seed)
            )
            row = measure(name, sessions, accepted)
            rows.append(row)
            counted = "  ".join(f"{claim:g}:{rate:.2f}" for claim, (rate, _, _) in row.counted.items())
            print(
                f"{name:30} {row.hours:5.2f} h  accepted {accepted:6.1f}  micro {row.micro_per_hour:6.1f}"
                f"  macro {row.macro_per_hour:5.2f}  counted by claim {counted}",
                flush=True,
            )
    if arguments.output:
        arguments.output.with_suffix(".json").write_text(json.dumps([asdict(row) for row in rows], indent=2))
        try:
            draw(rows, arguments.output.with_suffix(".png"))
        except ImportError:
            print("no plot: matplotlib is not installed")


if __name__ == "__main__":
    main()
