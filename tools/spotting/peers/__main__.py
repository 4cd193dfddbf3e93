"""One synthetic clip watched by the product and its peers: recall, false cues, CPU a frame.

    PYTHONPATH=tools python -m spotting.peers --clip 30 --peer-python .venv-mediapipe/bin/python

For a look; the benchmark watches more. Without `--peer-python` the mesh is left out.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from edge.synth.plan import Happening, Plan
from spotting.clips import HEADS, Clip, Condition
from spotting.peers.flow import Flow
from spotting.peers.lucas_kanade import LucasKanade
from spotting.peers.mesh import Mesh
from spotting.peers.product import Product
from spotting.peers.sweep import WatchedClip, best_within, curve
from spotting.peers.watching import Peer

_QUIET_S = 5.0
_MOVEMENTS = (
    *("inner_brow_raise", "outer_brow_raise", "brow_lower", "nose_wrinkle", "upper_lip_raise"),
    *("lip_corner_pull", "lip_stretch", "lip_corner_depress", "cheek_raise", "chin_raise"),
)
_ALLOWED_PER_MINUTE = (0.0, 2.0, 8.0)


def main() -> None:
    """Print a row for each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clip", type=float, default=30.0, metavar="SECONDS")
    parser.add_argument("--peer-python", type=Path, help="Python of the environment with MediaPipe")
    parser.add_argument("--amplitude", type=float, default=12.0, help="miod (default: 12)")
    parser.add_argument("--head", choices=sorted(HEADS), default="sway")
    parser.add_argument("--fps", type=float, default=120.0)
    parser.add_argument("--seed", type=int, default=3)
    arguments = parser.parse_args()
    peers: list[Peer] = [Product(), LucasKanade(), Flow()]
    if arguments.peer_python:
        peers.append(Mesh(arguments.peer_python))
    plan = planned(arguments)
    for peer in peers:
        opened = Clip("peers", "peers", plan).open()
        result = peer.watch(opened.frames(), opened.fps)
        points = curve([WatchedClip(opened.truth(), result.cues, plan.duration_s)])
        figures = "  ".join(
            f"{best_within(points, allowed).recall:.2f} at {allowed:g}/min" for allowed in _ALLOWED_PER_MINUTE
        )
        print(f"{peer.name:24} {1e6 * result.cpu_s / result.n_frames:6.0f} us a frame   recall {figures}")


def planned(arguments: argparse.Namespace) -> Plan:
    """Movements of 100 to 450 ms about two seconds apart, a blink after some."""
    rng = np.random.default_rng(arguments.seed)
    happenings, at_s = [], _QUIET_S
    while at_s < arguments.clip - 1.5:
        seconds, name = rng.uniform(0.1, 0.45), _MOVEMENTS[rng.integers(len(_MOVEMENTS))]
        happenings.append(Happening("movement", at_s, seconds, arguments.amplitude, movement=name))
        if rng.random() < 0.4:
            happenings.append(Happening("blink", at_s + seconds + 0.5, 0.2, 1.0, rise_fraction=1 / 2.75))
        at_s += seconds + rng.uniform(1.3, 2.2)
    condition = Condition(fps=arguments.fps, head=arguments.head)
    return Plan(tuple(happenings), condition.settings(arguments.clip, arguments.seed))


if __name__ == "__main__":
    main()
