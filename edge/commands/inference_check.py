"""What `microcue doctor` says of the model runtime: it is run, on a face whose landmarks are known.

Once within a square picture and once at the edge of another, whose crops reach outside of it: kernels that
were compiled wrongly for a processor have been seen to fail there alone. In a process of its own, since a
runtime that does not fit a processor does not raise: it ends the process (docs/decisions/0001). The
installer asks this one check, and takes the other runtime where it fails.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable

from edge.commands.checks import Finding
from edge.config import Config
from edge.errors import EXIT_CONFIG

# of the face's width, in the median: runtimes and processors differ by far less, garbage by far more
_DISTANCE_MAX = 0.03
# kernels that were never compiled included: 10 s of CPU on a server, many times that on a Zero 2 W, which may
# have other work; too short, and the installer takes a slow board for one whose runtime is broken
_PATIENCE_S = 900.0
_CODE = """
import json, sys
import numpy as np
from edge.config import Config, with_overrides
from edge.perceive.still import landmarks_of_picture
from edge.synth.portrait import built_in_portrait
portrait = built_in_portrait()
config = with_overrides(Config(), {"perceive": json.loads(sys.argv[1])}).perceive
known = portrait.points[:, :2]
left, top = np.maximum(known.min(axis=0) - 0.15 * portrait.face_width_px, 0).astype(int).tolist()
distances = []
for x, y in (0, 0), (left, top):
    points = landmarks_of_picture(np.ascontiguousarray(portrait.luma[y:, x:]), config).points
    distance_px = np.linalg.norm(points[:, :2] + (x, y) - known, axis=1)
    distances.append(float(np.median(distance_px)) / portrait.face_width_px)
print(np.max(distances))
"""
Run = Callable[..., "subprocess.CompletedProcess[str]"]


def check_inference(config: Config, run: Run = subprocess.run) -> Finding:
    """The models find a known face where it is."""
    perceive = config.perceive
    asked = {"runtime": perceive.runtime, "detector": perceive.detector, "landmarks": perceive.landmarks}
    try:
        done = run(
            [sys.executable, "-c", _CODE, json.dumps(asked)],
            capture_output=True,
            text=True,
            timeout=_PATIENCE_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return _unfit(f"the models gave no answer in {_PATIENCE_S:.0f} s")
    if done.returncode < 0:
        return _unfit(f"running the models ended with {signal.Signals(-done.returncode).name}")
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["nothing was said"])[-1]
        return _unfit(f"the models do not run: {last}")
    distance = float(done.stdout.split()[-1])
    found = f"a known face is found, {distance:.1%} of its width from where it is"
    if not distance <= _DISTANCE_MAX:
        return _unfit(found)
    return Finding("ok", found)


def _unfit(found: str) -> Finding:
    fix = 'another runtime: pip install "microcue[tflite]" (Python 3.10, 3.11), perceive.runtime = "tflite"'
    return Finding("fail", found, fix, EXIT_CONFIG)
