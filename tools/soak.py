"""Two hours of watching, as fast as they go: does memory grow, do threads leak, is the watchdog fed?

    make soak
    python tools/soak.py --minutes 2

Runs the product's own session, log, landmark model and health thread included, over a synthetic
face that is played to and fro, and a socket that stands in for systemd. Minutes are of the frames'
own time. The watchdog's patience is the unit's, and counts in real time. Prints a table, and exits
1 where a line of it fails.
"""

from __future__ import annotations

import argparse
import os
import socket
import sqlite3
import statistics
import sys
import tempfile
import threading
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from edge.app import run_session
from edge.commands.table import table_text
from edge.config import load_config
from edge.evaluate.speed import SteadySource, resident_mb, steady_face
from edge.messages import Frame
from edge.pipeline import Outcome
from edge.record.reading import LogReader
from edge.record.schema import DATABASE_NAME

_UNIT = Path(__file__).resolve().parents[1] / "firmware_config" / "systemd" / "microcue.service"
_N_SAMPLES = 200
_WARM_SHARE = 0.1
# resident memory moves by some pages with what the allocator keeps
_GROWTH_MAX_MB = 2.0


@dataclass(frozen=True, slots=True)
class Sample:
    """The process after so many frames."""

    n_frames: int
    resident_mb: float
    n_threads: int
    n_files: int


@dataclass(slots=True)
class Watchdog:
    """Listens where systemd would; when each sign of life came, s."""

    address: str
    fed_s: list[float] = field(default_factory=list)
    is_ready: bool = False

    def listen(self) -> socket.socket:
        """From now on, on a thread, until the socket is closed."""
        ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        ear.bind(self.address)
        threading.Thread(target=self._hear, args=(ear,), name="watchdog", daemon=True).start()
        return ear

    def _hear(self, ear: socket.socket) -> None:
        while True:
            try:
                said = ear.recv(4096)
            except OSError:
                return
            self.is_ready |= b"READY=1" in said
            if b"READY=1" in said or b"WATCHDOG=1" in said or b"STOPPING=1" in said:
                self.fed_s.append(time.monotonic())

    @property
    def longest_s(self) -> float:
        """Between two signs of life."""
        return max((b - a for a, b in zip(self.fed_s, self.fed_s[1:], strict=False)), default=float("inf"))


class SampledSource(SteadySource):
    """Looks at the process now and then, between two frames."""

    samples: list[Sample]
    every: int

    def read(self, timeout_s: float) -> Frame:
        """As the source does."""
        if self.counts.n_frames % self.every == 0:
            n_files = len(list(Path("/proc/self/fd").iterdir()))
            sample = Sample(self.counts.n_frames, resident_mb(), threading.active_count(), n_files)
            self.samples.append(sample)
            if sys.stderr.isatty():
                print(
                    f"\r{self.counts.n_frames} frames, {sample.resident_mb:.0f} MB ", end="", file=sys.stderr
                )
        return super().read(timeout_s)


def patience_s(unit: Path = _UNIT) -> float:
    """WatchdogSec= of the unit."""
    lines = unit.read_text(encoding="utf-8").splitlines()
    return float(next(line for line in lines if line.startswith("WatchdogSec=")).partition("=")[2])


def growth_mb(samples: list[Sample]) -> float:
    """Resident memory at the end less that in the middle; medians of a tenth of the run each."""
    n = max(len(samples) // 10, 1)
    middle = len(samples) // 2
    later = statistics.median(sample.resident_mb for sample in samples[-n:])
    return later - statistics.median(sample.resident_mb for sample in samples[middle : middle + n])


def judged(
    data_dir: Path, outcome: Outcome, n_frames: int, samples: list[Sample], watchdog: Watchdog
) -> list[tuple[str, str, bool]]:
    """Each line: what, how much, and whether that is good enough."""
    warm = [sample for sample in samples if sample.n_frames >= _WARM_SHARE * n_frames]
    growth, wait_s = growth_mb(samples), patience_s()
    n_threads = {sample.n_threads for sample in warm}
    n_files = max(sample.n_files for sample in warm) - warm[0].n_files
    return [
        ("frames", f"{outcome.n_frames} of {n_frames}", outcome.n_frames == n_frames),
        ("face followed", f"{outcome.n_face_frames / n_frames:.2%}", outcome.n_face_frames > 0.99 * n_frames),
        (
            "memory",
            f"{warm[-1].resident_mb:.0f} MB, {growth:+.2f} over the second half",
            growth <= _GROWTH_MAX_MB,
        ),
        ("threads", f"{min(n_threads)} to {max(n_threads)}", len(n_threads) == 1),
        ("open files", f"{n_files:+d}", n_files <= 2),
        (
            "watchdog",
            f"fed at least every {watchdog.longest_s:.1f} s of {wait_s:.0f}",
            watchdog.longest_s < wait_s,
        ),
        *_of_log(data_dir, outcome),
    ]


def _of_log(data_dir: Path, outcome: Outcome) -> list[tuple[str, str, bool]]:
    with closing(sqlite3.connect(data_dir / DATABASE_NAME)) as connection:
        (integrity,) = connection.execute("PRAGMA integrity_check").fetchone()
        strangers = connection.execute("PRAGMA foreign_key_check").fetchall()
        n_lost = sum(connection.execute("SELECT n_lost_rows, n_lost_signal_frames FROM sessions").fetchone())
        (n_cues,) = connection.execute("SELECT count(*) FROM cues").fetchone()
    with LogReader(data_dir) as log:
        n_signals = log.n_signal_frames(log.resolve("latest"), 0)
    counted = outcome.n_micro + outcome.n_macro
    return [
        ("log", f"{integrity}, {len(strangers)} rows without a session", integrity == "ok" and not strangers),
        ("signals", f"{n_signals} frames of {outcome.n_face_frames}", n_signals == outcome.n_face_frames),
        ("cues", f"{n_cues} of {counted}, {n_lost} rows lost", n_cues == counted and not n_lost),
    ]


def main() -> int:
    """Run, print, judge."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=120.0, help="of the frames' own time (default: 120)")
    parser.add_argument(
        "--fps", type=float, default=120.0, help="frames per second of that time (default: 120)"
    )
    arguments = parser.parse_args()
    n_frames = round(arguments.minutes * 60 * arguments.fps)
    config = load_config(None, {"indicate": {"led": "none"}})
    with tempfile.TemporaryDirectory(prefix="microcue-soak-") as folder:
        data_dir = Path(folder) / "data"
        watchdog = Watchdog(str(Path(folder) / "notify"))
        ear = watchdog.listen()
        os.environ |= {"NOTIFY_SOCKET": watchdog.address, "WATCHDOG_USEC": str(round(patience_s() * 1e6))}
        source = SampledSource(steady_face(arguments.fps), arguments.fps, n_frames)
        source.samples, source.every = [], max(n_frames // _N_SAMPLES, 1)
        begun_s = time.monotonic()
        _, outcome = run_session(config, data_dir, source=source)
        took_s = time.monotonic() - begun_s
        ear.close()
        lines = judged(data_dir, outcome, n_frames, source.samples, watchdog)
    rows = [(what, found, "ok" if good else "FAILED") for what, found, good in lines]
    title = f"{arguments.minutes:g} minutes at {arguments.fps:g} fps, in {took_s / 60:.1f}"
    print(
        table_text(title, ("", "found", "verdict"), rows, {"": "", "found": "found", "verdict": ""}), end=""
    )
    return 0 if all(good for *_, good in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
