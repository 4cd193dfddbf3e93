"""Whether a flood of requests to the review page delays the watcher: 1,000 a second, from this machine.

    python tools/flood_review.py
    python tools/flood_review.py --rate 1000 --fps 100 --seconds 30

A watcher, a process of its own as always, follows the demo clip at its own pace, as a camera would bring it:
a frame that is late is late for good. For each frame it keeps how long after its time it was through all
stages. Beside it the review page serves its log. Rounds without and with the flood take turns, so that both
meet the same machine; the flood asks for pages, for files, under a wrong name and without the link, over 32
connections. Ends with 1 where an answer was neither served nor refused, or the page does not answer after.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
from review_server import ROOT, Served, serving

from edge.capture.file import FileSource
from edge.capture.memory import MemorySource
from edge.clock import boottime_ns
from edge.config import Config, with_overrides
from edge.messages import Frame, SourceInfo
from edge.synth.demo import demo_clip

_N_CONNECTIONS = 32
_N_ROUNDS = 3
_CLIP_FRAMES = 600
_READY_S = 300.0
_PATHS = ("/", "/login", "/static/icon.svg", "/sessions/latest", "/sessions/latest/traces.json")
# of answers: served, sent on, or refused
_WANTED = {200, 303, 401, 404, 421, 429}


class PacedSource(MemorySource):
    """Pictures in memory as a camera would bring them; notes when each was through all stages."""

    def __init__(self, pictures: np.ndarray, fps: float, n_loops: int) -> None:
        super().__init__(pictures, fps, n_loops, "paced")
        height, width = pictures.shape[1:]
        self.info = SourceInfo("paced", width, height, fps, "sensor", live=True)
        self.ages_ns: list[tuple[int, int]] = []
        self._begun_ns = self._last_ns = 0
        self._step_ns = round(1e9 / fps)

    def read(self, timeout_s: float) -> Frame:
        """The next picture at its time, with the time as its timestamp."""
        now_ns = boottime_ns()
        if self._last_ns:
            self.ages_ns.append((self._last_ns, now_ns - self._last_ns))
        frame = super().read(timeout_s)
        self._begun_ns = self._begun_ns or now_ns
        self._last_ns = self._begun_ns + frame.sequence * self._step_ns
        time.sleep(max(self._last_ns - boottime_ns(), 0) / 1e9)
        return Frame(frame.sequence, self._last_ns, frame.luma)


def main() -> int:
    """Watch, flood, compare."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rate", type=float, default=1000.0, help="requests a second (default: 1000)")
    parser.add_argument("--fps", type=float, default=100.0, help="of the watcher (default: 100)")
    parser.add_argument("--seconds", type=float, default=20.0, help="of each round (default: 20)")
    parser.add_argument("--watch", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.watch is not None:
        return _watch(args.watch, args.fps, 2 * _N_ROUNDS * args.seconds + 30)
    with tempfile.TemporaryDirectory(prefix="microcue-flood-") as folder:
        return _measure(Path(folder), args.rate, args.fps, args.seconds)


def _watch(data_dir: Path, fps: float, seconds: float) -> int:
    from edge.app import run_session

    source = FileSource(demo_clip()[0])
    pictures = np.array([source.read(10.0).luma for _ in range(_CLIP_FRAMES)])
    source.close()
    there_and_back = np.concatenate([pictures, pictures[::-1]])  # without a step at the seam
    paced = PacedSource(there_and_back, fps, round(seconds * fps / len(there_and_back)) + 1)
    config = with_overrides(Config(), {"indicate": {"led": "none"}})
    run_session(config, data_dir, duration_s=seconds, source=paced)
    np.save(data_dir / "ages.npy", np.array(paced.ages_ns))
    return 0


def _measure(data_dir: Path, rate: float, fps: float, seconds: float) -> int:
    command = [
        sys.executable,
        __file__,
        "--watch",
        str(data_dir),
        "--fps",
        str(fps),
        "--seconds",
        str(seconds),
    ]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as watcher:
        _until_it_watches(data_dir, watcher)
        spans: dict[str, list[tuple[int, int]]] = {"quiet": [], "flood": []}
        answers: Counter[int] = Counter()
        with serving(data_dir) as served:
            for _ in range(_N_ROUNDS):
                for name, parts in spans.items():
                    begun_ns = boottime_ns()
                    if name == "flood":
                        answers += asyncio.run(_flood(served, rate, seconds))
                    else:
                        time.sleep(seconds)
                    parts.append((begun_ns, boottime_ns()))
            works = asyncio.run(_still_answers(served))
        watcher.wait()
    ages = np.load(data_dir / "ages.npy")
    for name, parts in spans.items():
        inside = np.concatenate([ages[(ages[:, 0] >= a) & (ages[:, 0] < b), 1] for a, b in parts]) / 1e6
        half, p99 = np.percentile(inside, (50, 99))
        print(
            f"{name}: {len(inside)} frames through after {half:.1f} ms in half, {p99:.1f} in 99 %, "
            f"{inside.max():.1f} at most"
        )
    flooded_s = sum(end - begin for begin, end in spans["flood"]) / 1e9
    n_all, load = sum(answers.values()), os.getloadavg()[0]
    print(f"{n_all / flooded_s:.0f} requests a second reached: {json.dumps(dict(sorted(answers.items())))}")
    print(f"{load:.1f} processes wanted {os.cpu_count()} processors in the last minute")
    return 0 if set(answers) <= _WANTED and works else 1


def _until_it_watches(data_dir: Path, watcher: subprocess.Popen[bytes]) -> None:
    until_s = time.monotonic() + _READY_S
    while not (data_dir / "microcue.db").exists() or not _n_sessions(data_dir):
        if watcher.poll() is not None or time.monotonic() > until_s:
            raise SystemExit("microcue: the watcher did not begin to watch")
        time.sleep(1.0)
    time.sleep(10.0)  # the person's own noise is learned, all is compiled


def _n_sessions(data_dir: Path) -> int:
    from edge.record.reading import LogReader

    with LogReader(data_dir) as log:
        return len(log.session_ids())


async def _flood(served: Served, rate: float, seconds: float) -> Counter[int]:
    """So many requests a second, each connection its share; one that is closed is opened again."""
    answers: Counter[int] = Counter()
    until_s = time.monotonic() + seconds
    await asyncio.gather(
        *(_client(served, k, rate / _N_CONNECTIONS, until_s, answers) for k in range(_N_CONNECTIONS))
    )
    return answers


async def _client(served: Served, k: int, rate: float, until_s: float, answers: Counter[int]) -> None:
    host, port = served.base.removeprefix("http://").split(":")
    connection = None
    due_s = time.monotonic() + k / (rate * _N_CONNECTIONS)
    while max(due_s, time.monotonic()) < until_s:
        await asyncio.sleep(max(due_s - time.monotonic(), 0))
        due_s += 1 / rate
        connection = connection or await asyncio.open_connection(host, int(port))
        k += 1
        name = "evil.example" if k % 7 == 0 else f"{host}:{port}"
        status, stays = await _asked(
            *connection, f"GET {_PATHS[k % len(_PATHS)]} HTTP/1.1\r\nHost: {name}\r\n\r\n"
        )
        answers[status] += 1
        if not stays:
            connection[1].close()
            connection = None
    if connection:
        connection[1].close()


async def _asked(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: str
) -> tuple[int, bool]:
    """Status, and whether the connection goes on; 0 where it ended without an answer."""
    try:
        writer.write(request.encode())
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head)
        await reader.readexactly(int(length[1]) if length else 0)
    except (asyncio.IncompleteReadError, ConnectionError):
        return 0, False
    return int(head.split(b" ")[1]), b"connection: close" not in head


async def _still_answers(served: Served) -> bool:
    await asyncio.sleep(3.0)
    host, port = served.base.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    status, _ = await _asked(reader, writer, f"GET /login HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n")
    writer.close()
    return status == 200


if __name__ == "__main__":
    sys.exit(main())
