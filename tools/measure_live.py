"""What somebody who looks at a run costs it: CPU per frame with and without, in turn, in one process.

    python tools/measure_live.py
    python tools/measure_live.py --pairs 5 --seconds 20

Plays the built-in clip at its own pace, as a camera would deliver it, so that the twenty snapshots a second
fall on as many frames as they do live.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import threading
import time
from pathlib import Path

from edge.app import run_session
from edge.config import Config, with_overrides
from edge.live.errors import NothingToSee
from edge.live.file import LiveReader

_LOOK_S = 0.1


class Viewer:
    """Reads ten times a second, as the page does; its own CPU time is left out."""

    def __init__(self, data_dir: Path) -> None:
        self.cpu_s, self.n_read = 0.0, 0
        self._data_dir, self._ended = data_dir, threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def close(self) -> None:
        """Look no more."""
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        reader = None
        while not self._ended.wait(_LOOK_S):
            if reader is None:
                try:
                    reader = LiveReader(self._data_dir)
                except NothingToSee:
                    continue
            self.n_read += reader.read() is not None
            self.cpu_s = time.thread_time()
        if reader is not None:
            reader.close()


def cpu_per_frame_us(is_watched: bool, seconds: float) -> float:
    """Of the whole process, without the one who looks."""
    settings = {"capture": {"camera": "demo", "realtime": True}, "indicate": {"led": "none"}}
    config = with_overrides(Config(), settings)
    with tempfile.TemporaryDirectory() as folder:
        viewer = Viewer(Path(folder)) if is_watched else None
        begin_s = time.process_time()
        _, outcome = run_session(config, Path(folder), seconds)
        spent_s = time.process_time() - begin_s
        if viewer is not None:
            viewer.close()
            spent_s -= viewer.cpu_s
            assert viewer.n_read, "nobody saw anything"
    return spent_s / outcome.n_frames * 1e6


def main() -> None:
    """Measure in pairs and print the ratio."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=3, help="measurements of each (default: 3)")
    parser.add_argument("--seconds", type=float, default=10.0, help="of the clip (default: 10)")
    args = parser.parse_args()
    cpu_per_frame_us(False, 2.0)  # compiles, makes the clip
    ratios = []
    for _ in range(args.pairs):
        without, watched = (cpu_per_frame_us(is_watched, args.seconds) for is_watched in (False, True))
        ratios.append(watched / without)
        print(f"CPU per frame {without:.0f} us unwatched, {watched:.0f} us watched: {watched / without:.3f}")
    print(f"median ratio {statistics.median(ratios):.3f}")


if __name__ == "__main__":
    main()
