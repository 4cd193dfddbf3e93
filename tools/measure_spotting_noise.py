"""False cues of the spotter on quiet simulated signal, against what it says itself.

    .venv/bin/python tools/measure_spotting_noise.py --hours 1

Every cue on a signal without movements is false. A calibrated spotter that accepts N an hour
gives about N, and of its cues those that claim at most E an hour come about E times an hour.
"""

from __future__ import annotations

import argparse
import json

import numpy as np

from edge.config import SpotConfig
from edge.messages import Cue
from edge.spot import Spotter
from edge.spot.simulated import SimulatedFace

CONDITIONS: dict[str, dict[str, float]] = {
    "white noise 0.7": {"noise_miod": 0.7, "shared_noise_miod": 0.0, "sway_miod": 0.0, "heartbeat_miod": 0.0},
    "noise 0.5, sway 8, heartbeat": {},
    "noise 0.3, sway 15, heartbeat": {"noise_miod": 0.3, "sway_miod": 15.0, "heartbeat_miod": 0.5},
    "noise 0.8, shared 0.6": {"noise_miod": 0.8, "shared_noise_miod": 0.6, "sway_miod": 5.0},
}
CLAIMS_PER_HOUR = (0.6, 6.0, 60.0, 600.0)


def false_cues(
    accepted: float, hours: float, fps: float, seed: int, condition: dict[str, float]
) -> list[Cue]:
    """All cues on a quiet signal."""
    face = SimulatedFace(hours * 3600.0, fps=fps, seed=seed, **condition)
    spotter = Spotter(SpotConfig(accepted_false_per_hour=accepted), fps)
    sequences = np.arange(len(face.timestamps_ns), dtype=np.int64)
    events = spotter.steps(face.codes(), face.timestamps_ns, sequences)
    return [event for event in events if isinstance(event, Cue)]


def main() -> None:
    """Measure every condition, print a line for each and the whole as JSON on request."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--hours", type=float, default=1.0)
    parser.add_argument("--fps", type=float, default=120.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--accepted", type=float, nargs="+", default=[6.0, 600.0])
    parser.add_argument("--condition", choices=sorted(CONDITIONS), action="append")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    rows = []
    for name in arguments.condition or CONDITIONS:
        for accepted in arguments.accepted:
            cues = false_cues(accepted, arguments.hours, arguments.fps, arguments.seed, CONDITIONS[name])
            row = {
                "condition": name,
                "accepted_per_hour": accepted,
                "micro_per_hour": sum(cue.kind == "micro" for cue in cues) / arguments.hours,
                "macro_per_hour": sum(cue.kind == "macro" for cue in cues) / arguments.hours,
                "per_hour_by_claim": {
                    claim: sum(cue.expected_false_per_hour <= claim for cue in cues) / arguments.hours
                    for claim in CLAIMS_PER_HOUR
                    if claim <= accepted
                },
            }
            rows.append(row)
            if not arguments.json:
                print(
                    f"{name:32} accepted {accepted:6.1f}  micro {row['micro_per_hour']:7.1f}"
                    f"  macro {row['macro_per_hour']:6.1f}  by claim {row['per_hour_by_claim']}",
                    flush=True,
                )
    if arguments.json:
        print(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
