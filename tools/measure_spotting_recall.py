"""Recall, boundaries and latency of the spotter on simulated signals with known movements.

.venv/bin/python tools/measure_spotting_recall.py --fps 120
.venv/bin/python tools/measure_spotting_recall.py --amplitudes 12 --durations 100 --follows 0.2 0.25 0.5

--follows plants each movement twice, so many seconds apart, and tells the recall of the second ones.
"""

from __future__ import annotations

import argparse
from itertools import product

import numpy as np

from edge.anatomy import SIGNALS
from edge.config import SpotConfig
from edge.messages import Cue
from edge.spot import Spotter
from edge.spot.simulated import SimulatedFace

AMPLITUDES_MIOD = (2.0, 4.0, 6.0, 8.0, 12.0, 18.0, 25.0, 40.0)
DURATIONS_MS = (40.0, 67.0, 100.0, 200.0, 300.0, 450.0)
N_EACH = 20
SPACING_S = (2.0, 4.0)
LEAD_IN_S = 30.0
NAMED = [s.name for s in SIGNALS if s.rise and s.region != "eyes"]


def run(
    fps: float, duration_ms: float, amplitude: float, seed: int, quiet: dict[str, float], follows_s: float = 0
) -> dict[str, float]:
    """Plant movements of one size and duration, and a second one after each where told; find them again."""
    rng = np.random.default_rng(seed)
    onsets_s = LEAD_IN_S + np.cumsum(rng.uniform(*SPACING_S, size=N_EACH))
    face = SimulatedFace(onsets_s[-1] + 3.0, fps=fps, seed=seed, **quiet)
    for onset_s in onsets_s:
        name = NAMED[rng.integers(len(NAMED))]
        rise = rng.uniform(0.4, 0.6)
        for begin_s in (onset_s, onset_s + follows_s) if follows_s else (onset_s,):
            face.add_movement((name,), begin_s, duration_ms / 1000.0, amplitude, rise=rise)
    spotter = Spotter(SpotConfig(), fps)
    decided = [
        (event, trace.timestamp_ns / 1e9)
        for trace in face.traces()
        for event in spotter.step(trace)
        if isinstance(event, Cue)
    ]
    hits, errors_ms, latencies_ms, ious, kinds = 0, [], [], [], 0
    for onset_s in onsets_s + follows_s:
        offset_s = onset_s + duration_ms / 1000.0
        near = [(c, at) for c, at in decided if onset_s - 0.02 <= c.apex_ns / 1e9 <= offset_s + 0.02]
        if not near:
            continue
        hits += 1
        cue, at_s = near[0]
        begin, end = cue.onset_ns / 1e9, cue.offset_ns / 1e9
        errors_ms += [abs(begin - onset_s) * 1e3, abs(end - offset_s) * 1e3]
        ious.append(
            max(0.0, min(end, offset_s) - max(begin, onset_s)) / (max(end, offset_s) - min(begin, onset_s))
        )
        latencies_ms.append((at_s - offset_s) * 1e3)
        kinds += cue.kind == "micro"
    return {
        "recall": hits / N_EACH,
        "boundary_ms": float(np.median(errors_ms)) if hits else float("nan"),
        "boundary_p95_ms": float(np.quantile(errors_ms, 0.95)) if hits else float("nan"),
        "iou_half": float(np.mean(np.asarray(ious) >= 0.5)) if hits else float("nan"),
        "latency_ms": float(np.median(latencies_ms)) if hits else float("nan"),
        "micro": kinds / hits if hits else float("nan"),
        "others": len(decided) - hits,
    }


def main() -> None:
    """Print one row per duration and amplitude."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--fps", type=float, default=120.0)
    parser.add_argument("--noise", type=float, default=0.5)
    parser.add_argument("--sway", type=float, default=8.0)
    parser.add_argument("--amplitudes", type=float, nargs="+", default=AMPLITUDES_MIOD)
    parser.add_argument("--durations", type=float, nargs="+", default=DURATIONS_MS)
    parser.add_argument("--follows", type=float, nargs="+", default=[0.0], metavar="S")
    arguments = parser.parse_args()
    quiet = {"noise_miod": arguments.noise, "sway_miod": arguments.sway}
    for duration_ms, amplitude, follows_s in product(
        arguments.durations, arguments.amplitudes, arguments.follows
    ):
        row = run(arguments.fps, duration_ms, amplitude, int(duration_ms * 100 + amplitude), quiet, follows_s)
        figures = "  ".join(f"{key} {value:6.2f}" for key, value in row.items())
        which = f" {follows_s:.2f} s after another" if follows_s else ""
        print(f"{duration_ms:5.0f} ms {amplitude:5.1f} miod{which}  {figures}", flush=True)


if __name__ == "__main__":
    main()
