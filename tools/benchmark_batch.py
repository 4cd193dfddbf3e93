"""How much faster two local workers are than one, on 200 short videos; written as JSON.

The bar is 1.8 times. The machine should be quiet: its load is measured before and printed. Videos
are copies of one synthetic clip, as the time to watch is what counts. One and two take turns, a hundred
videos at a time, since a machine is not equally fast all the time; so do one and two watching processes
without anything between them, which is what two processors can give at most.

    python tools/benchmark_batch.py [--videos 200] [--seconds 10] [--output FILE.json]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from edge.batch.archive import watch
from edge.batch.cluster import Cluster
from edge.batch.job import Video, job_of
from edge.batch.watcher import Watcher
from edge.config import Config, with_overrides
from edge.synth.encode import write_clip
from edge.synth.plan import parse_plan
from edge.synth.portrait import built_in_portrait
from edge.synth.scene import Scene

BAR = 1.8
_ROUND = 100
_CONFIG = with_overrides(Config(), {"spot": {"learning_s": 1.0}})
Times = dict[int, float]
Found = tuple[str, list[float]]
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
    parser.add_argument("--seconds", type=float, default=10.0, help="of each (default: 10)")
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
        rounds = [videos[k : k + _ROUND] for k in range(0, len(videos), _ROUND)]
        workers, found = _timed_workers(rounds)
        bare = _timed_processes(rounds, folder / "states")
    figures = {
        "n_videos": options.videos,
        "seconds_each": options.seconds,
        "n_cores": len(os.sched_getaffinity(0)),
        "load_before": round(load, 2),
        "ratio": round(workers[1] / workers[2], 3),
        "bar": BAR,
        "ratio_of_bare_processes": round(bare[1] / bare[2], 3),
        "same_cues": found[1] == found[2],
        "videos_a_minute": {
            name: round(60 * len(videos) / taken_s)
            for name, taken_s in [
                ("one worker", workers[1]),
                ("two", workers[2]),
                ("one process", bare[1]),
                ("two processes", bare[2]),
            ]
        },
    }
    print(json.dumps(figures, indent=2))
    if options.output:
        options.output.write_text(json.dumps(figures, indent=2) + "\n")
    return 0 if figures["ratio"] >= BAR and figures["same_cues"] else 1


def _timed_workers(rounds: list[list[Video]]) -> tuple[Times, dict[int, list[Found]]]:
    """Time for all with one worker and with two, which have started and compiled; and what was found."""
    times: Times = {1: 0.0, 2: 0.0}
    found: dict[int, list[Found]] = {1: [], 2: []}
    # one worker is a Dask worker, too: what is compared is the number of processes and nothing else
    for videos in rounds:
        for n_workers in times:
            with closing(Cluster(n_workers)) as pool:
                list(watch(videos[: 4 * n_workers], _CONFIG, None, pool))
                begin_s = time.perf_counter()
                results = list(watch(videos, _CONFIG, None, pool))
                times[n_workers] += time.perf_counter() - begin_s
            if failed := [result.error for result in results if result.error]:
                raise SystemExit(f"benchmark_batch: expected every video to be watched, {failed[0]}")
            found[n_workers] += [
                (result.video, [float(cue["onset_s"] or 0) for cue in result.cues]) for result in results
            ]
    return times, {n_workers: sorted(each) for n_workers, each in found.items()}


def _timed_processes(rounds: list[list[Video]], states: Path) -> Times:
    """The same with bare watching processes: what the machine gives."""
    states.mkdir()
    times: Times = {1: 0.0, 2: 0.0}
    with closing(Watcher()) as first, closing(Watcher()) as second, ThreadPoolExecutor(2) as threads:

        def work(watcher: Watcher, videos: list[Video]) -> None:
            for video in videos:
                watcher.watch(job_of(video, _CONFIG, states, 0.0), 0)

        for watcher in (first, second):
            work(watcher, rounds[0][:4])
        for videos in rounds:
            for n_processes, watchers in ((1, (first,)), (2, (first, second))):
                begin_s = time.perf_counter()
                shares = (videos[k::n_processes] for k in range(n_processes))
                list(threads.map(work, watchers, shares))
                times[n_processes] += time.perf_counter() - begin_s
    return times


if __name__ == "__main__":
    sys.exit(main())
