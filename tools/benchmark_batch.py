"""How much faster two local workers are than one, on 200 short videos; written as JSON.

The bar is 1.8 times. The machine should be quiet: its load is measured before and printed. Videos
are copies of one synthetic clip, as the time to watch is what counts.

    python tools/benchmark_batch.py [--videos 200] [--seconds 6] [--output FILE.json]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from edge.batch.archive import open_pool, watch
from edge.batch.cluster import Cluster
from edge.batch.job import Video
from edge.config import Config, with_overrides
from edge.synth.encode import write_clip
from edge.synth.plan import parse_plan
from edge.synth.portrait import built_in_portrait
from edge.synth.scene import Scene

BAR = 1.8
_PLAN = """\
# fps=60
# duration_s={seconds}
# width=320
# height=240
# face_width_px=130
# sway_miod=10
event,onset_s,duration_s,rise_fraction,hold_fraction,movement,side,amplitude,note
movement,2.0,0.25,0.5,0,inner_brow_raise,both,30,
movement,3.2,0.3,0.45,0,lip_corner_pull,right,30,
"""


def main() -> int:
    """Measure, print, say whether the bar holds."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--videos", type=int, default=200, help="how many (default: 200)")
    parser.add_argument("--seconds", type=float, default=6.0, help="of each (default: 6)")
    parser.add_argument("--output", type=Path, help="where the figures go as JSON")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="microcue-") as name:
        folder = Path(name)
        plan = parse_plan(_PLAN.format(seconds=options.seconds))
        write_clip(Scene(plan, built_in_portrait()).render(), folder / "0.mkv", 60.0)
        videos = [Video(str(folder / f"{k}.mkv")) for k in range(options.videos)]
        for video in videos[1:]:
            shutil.copy(videos[0].path, video.path)
        timed = {n_workers: _watched(videos, n_workers) for n_workers in (1, 2)}
    (one_s, one), (two_s, two) = timed[1], timed[2]
    figures = {
        "n_videos": options.videos,
        "seconds_each": options.seconds,
        "n_cores": len(os.sched_getaffinity(0)),
        "load_before": round(load, 2),
        "ratio": round(one_s / two_s, 3),
        "bar": BAR,
        "same_cues": one == two,
        "videos_a_minute": {
            "one worker": round(60 * len(videos) / one_s),
            "two": round(60 * len(videos) / two_s),
        },
    }
    print(json.dumps(figures, indent=2))
    if options.output:
        options.output.write_text(json.dumps(figures, indent=2) + "\n")
    return 0 if figures["ratio"] >= BAR and one == two else 1


def _watched(videos: list[Video], n_workers: int) -> tuple[float, list[tuple[str, list[float]]]]:
    """Time for all, with workers that have started and compiled; and what was found."""
    config = with_overrides(Config(), {"spot": {"learning_s": 1.0}})
    # one worker is a Dask worker, too: what is compared is the number of processes and nothing else
    with closing(open_pool(n_workers) if n_workers > 1 else Cluster(1)) as pool:
        list(watch(videos[: 4 * n_workers], config, None, pool))
        begin_s = time.perf_counter()
        results = list(watch(videos, config, None, pool))
        taken_s = time.perf_counter() - begin_s
    if failed := [result.error for result in results if result.error]:
        raise SystemExit(f"benchmark_batch: expected every video to be watched, {failed[0]}")
    found = [(result.video, [float(cue["onset_s"] or 0) for cue in result.cues]) for result in results]
    return taken_s, sorted(found)


if __name__ == "__main__":
    sys.exit(main())
