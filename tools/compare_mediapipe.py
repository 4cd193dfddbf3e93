"""The whole loop's CPU per frame against MediaPipe's face mesh on every frame, in the same run.

The two are timed in turn, several rounds each, on the same pictures: a synthetic steady face, 640x480
at 120 fps. MediaPipe 0.10.21 needs numpy 1 and a heavy OpenCV, so it lives in an environment of
its own: `make compare` makes it and calls this. The ratio is what counts; times belong to the machine.

    python tools/compare_mediapipe.py --peer-python .venv-mediapipe/bin/python
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PEER_VERSION = "0.10.21"


def main() -> int:
    """Run both sides in turn and print the ratio."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peer-python", type=Path, help="Python of the environment with MediaPipe")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--frames", type=int, default=3600, help="frames of ours a round (default: 3600)")
    parser.add_argument(
        "--peer-frames", type=int, default=360, help="frames of theirs a round (default: 360)"
    )
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--as-peer", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.as_peer:
        print(json.dumps(peer(arguments.as_peer, arguments.peer_frames)))
        return 0
    if arguments.peer_python is None:
        parser.error("expected --peer-python; make compare sets it")
    report = compare(arguments)
    print(json.dumps(report, indent=2) if arguments.json else as_text(report))
    return 0


def compare(arguments: argparse.Namespace) -> dict[str, object]:
    """Ours and theirs, A B A B, and the ratio of every pair."""
    import numpy as np

    from edge.config import Config
    from edge.evaluate.speed import measure, steady_face

    pictures = steady_face(120.0)
    ours, theirs, reports = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "pictures.npy"
        np.save(file, pictures)
        for number in range(arguments.rounds):
            report = measure(Config(), pictures, 120.0, arguments.frames, Path(folder) / str(number))
            answer = subprocess.run(
                [
                    str(arguments.peer_python),
                    __file__,
                    "--as-peer",
                    str(file),
                    "--peer-frames",
                    str(arguments.peer_frames),
                ],
                check=True,
                capture_output=True,
                text=True,
            )
            peers = json.loads(answer.stdout.splitlines()[-1])
            reports.append(report)
            ours.append(report.process_cpu_us_per_frame)
            theirs.append(peers["process_cpu_us_per_frame"])
    ratios = [b / a for a, b in zip(ours, theirs, strict=True)]
    return {
        "peer": f"MediaPipe FaceMesh {PEER_VERSION}, every frame",
        "ours_cpu_us_per_frame": ours,
        "peer_cpu_us_per_frame": theirs,
        "ratio_median": statistics.median(ratios),
        "ratio_min": min(ratios),
        "ratio_max": max(ratios),
        "key_frames_per_s": reports[-1].n_key_frames / (arguments.frames / 120.0),
        "rss_mb": max(report.rss_end_mb for report in reports),
    }


def peer(file: Path, n_frames: int) -> dict[str, float]:
    """MediaPipe's face mesh, tracking mode, on every picture; runs in its own environment."""
    import mediapipe
    import numpy as np

    pictures = np.load(file, mmap_mode="r")
    mesh = mediapipe.solutions.face_mesh.FaceMesh(static_image_mode=False, max_num_faces=1)
    n = len(pictures)
    frames = [np.repeat(pictures[k][:, :, None], 3, axis=2) for k in range(n)]
    n_found = 0
    for k in range(20):
        mesh.process(frames[k])
    begun_s = time.process_time()
    for k in range(n_frames):
        step = k % (2 * n - 2)
        answer = mesh.process(frames[step if step < n else 2 * n - 2 - step])
        n_found += bool(answer.multi_face_landmarks)
    seconds = time.process_time() - begun_s
    return {"process_cpu_us_per_frame": 1e6 * seconds / n_frames, "found": n_found / n_frames}


def as_text(report: dict[str, object]) -> str:
    """The report for people."""
    ours, theirs = report["ours_cpu_us_per_frame"], report["peer_cpu_us_per_frame"]
    assert isinstance(ours, list)
    assert isinstance(theirs, list)
    return (
        f"process CPU per frame, median of {len(ours)} rounds in turn\n"
        f"  microcue, whole loop with log        {statistics.median(ours):8.0f} us"
        f"   ({report['key_frames_per_s']:.1f} key frames a second)\n"
        f"  {report['peer']:<36} {statistics.median(theirs):8.0f} us\n"
        f"  ratio: {report['ratio_median']:.1f} times cheaper"
        f" ({report['ratio_min']:.1f} to {report['ratio_max']:.1f})\n"
        f"  memory of microcue: {report['rss_mb']:.0f} MB resident, pictures included"
    )


if __name__ == "__main__":
    sys.exit(main())
