"""Ends a recording in every rough way a process can meet, and looks at what its log still holds.

    python tools/torture_log.py --kills 300

Three parts, each in a directory of its own, with a recording at 120 frames a second:

kills    `kill -9` at random moments, all into one log, which each next run opens again
errors   writes, syncs or truncations fail for six seconds (`strace -e inject`), as on a failing card
full     a file system of 6 MB fills up, and gets space back while the recording goes on

After each, every cue that was acknowledged has to be there, of the signals before the last of them at most a
second may be missing, and the database has to pass its own check. Needs strace, and root for the last part.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RECORD = ROOT / "tools" / "power_loss" / "record.py"
FPS = 120
# of the calls made while it lasts
FAILURES = (
    "pwrite64:error=EIO:when=1+7",
    "pwrite64:error=ENOSPC:when=3+4",
    "pwrite64:error=EIO",
    "fdatasync:error=EIO:when=1+3",
    "fdatasync:error=EIO",
    "ftruncate:error=EIO",
)
_START_PATIENCE_S = 60.0
_SILENCE_S = 4.0


def main() -> int:
    """Run the parts that are asked for and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=300, help="how many (default: 300)")
    parser.add_argument("--seed", type=int, default=1, help="of the moments")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    needed = [name for name in ("strace", "mount") if shutil.which(name) is None]
    if needed or os.geteuid() != 0:
        print(f"torture_log: expected strace and root, missing: {needed or 'root'}", file=sys.stderr)
        return 69
    with tempfile.TemporaryDirectory() as folder:
        results = [killed(Path(folder) / "kills", arguments.kills, random.Random(arguments.seed))]
        results += [with_failures(Path(folder) / f"errors{n}", failure) for n, failure in enumerate(FAILURES)]
        results.append(filled_up(Path(folder) / "full"))
    for result in results if not arguments.json else ():
        print("  ".join(f"{name} {value}" for name, value in result.items()))
    if arguments.json:
        print(json.dumps(results, indent=2))
    return 0 if all(is_good(result) for result in results) else 1


def killed(data_dir: Path, n_kills: int, moment: random.Random) -> dict[str, object]:
    """`kill -9` at random moments of as many sessions."""
    acknowledged: list[list[int]] = []
    for number in range(n_kills):
        with recording(data_dir) as child:
            frames = child.frames_until(time.monotonic() + _START_PATIENCE_S, n_frames=1)
            frames += child.frames_until(time.monotonic() + moment.uniform(0.0, 1.5))
            child.end()
            acknowledged.append(frames + child.rest())
        print(f"\rkills: {number + 1} of {n_kills}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return {"part": f"{n_kills} kills", **examined(data_dir, acknowledged)}


def with_failures(data_dir: Path, failure: str) -> dict[str, object]:
    """Six seconds of recording in which system calls fail, and four in which they work again."""
    with recording(data_dir) as child:
        frames = child.frames_until(time.monotonic() + _START_PATIENCE_S, n_frames=4)
        tracer = ["strace", "-qq", "-f", "-p", str(child.pid), "-e", f"inject={failure}", "-o", "/dev/null"]
        with subprocess.Popen(tracer) as strace:
            frames += child.frames_until(time.monotonic() + 6.0)
            strace.terminate()
        after = child.frames_until(time.monotonic() + 4.0)
        child.end()
        frames += after + child.rest()
    return {"part": failure, "n_acknowledged_after": len(after), **examined(data_dir, [frames])}


def filled_up(data_dir: Path) -> dict[str, object]:
    """A small file system fills up; half of it is freed while the recording goes on."""
    data_dir.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(data_dir)], check=True)
    try:
        (data_dir / "ballast").write_bytes(bytes(5 * 2**20))
        with recording(data_dir) as child:
            frames = child.frames_until(time.monotonic() + _START_PATIENCE_S, n_frames=1)
            while more := child.frames_until(time.monotonic() + _SILENCE_S):
                frames += more
            (data_dir / "ballast").unlink()
            after = child.frames_until(time.monotonic() + 6.0)
            child.end()
            frames += after + child.rest()
        return {"part": "full tmpfs", "n_acknowledged_after": len(after), **examined(data_dir, [frames])}
    finally:
        subprocess.run(["umount", str(data_dir)], check=True)


class Child:
    """A recording in a process of its own."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self.pid = process.pid
        self._pending = b""
        assert process.stdout is not None
        os.set_blocking(process.stdout.fileno(), False)

    def frames_until(self, until_s: float, n_frames: int = sys.maxsize) -> list[int]:
        """Frames of the cues acknowledged until then."""
        frames: list[int] = []
        while time.monotonic() < until_s and len(frames) < n_frames and self._process.poll() is None:
            frames += self._read()
            time.sleep(0.002)
        return frames

    def end(self) -> None:
        """Kill it."""
        self._process.kill()
        self._process.wait()

    def rest(self) -> list[int]:
        """What it said between the last look and its death; a line that was cut does not count."""
        return self._read()

    def _read(self) -> list[int]:
        assert self._process.stdout is not None
        self._pending += self._process.stdout.read() or b""
        *lines, self._pending = self._pending.split(b"\n")
        return [int(line.split()[2]) for line in lines if line.startswith(b"ACK ")]


@contextmanager
def recording(data_dir: Path) -> Iterator[Child]:
    """A recording that begins."""
    command = [sys.executable, str(RECORD), str(data_dir), "FULL"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as process:
        try:
            yield Child(process)
        finally:
            process.kill()


def examined(data_dir: Path, acknowledged: list[list[int]]) -> dict[str, object]:
    """What the log has of what was acknowledged, session by session."""
    n_lost = worst_frames = 0
    with closing(sqlite3.connect(data_dir / "microcue.db")) as connection:
        (verdict,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
        keys = [row[0] for row in connection.execute("SELECT session_key FROM sessions ORDER BY session_key")]
        for key, frames in zip(keys, acknowledged, strict=True):
            cues = connection.execute("SELECT offset_frame FROM cues WHERE session_key = ?", (key,))
            n_lost += len(set(frames) - {row[0] for row in cues})
            sql = "SELECT coalesce(max(first_frame + n_frames), 0) FROM signal_blocks WHERE session_key = ?"
            (n_frames,) = connection.execute(sql, (key,)).fetchone()
            worst_frames = max(worst_frames, frames[-1] + 1 - n_frames if frames else 0)
    return {
        "n_acknowledged": sum(map(len, acknowledged)),
        "n_lost_cues": n_lost,
        "most_missing_frames": worst_frames,
        "integrity": verdict.splitlines()[-1],
    }


def is_good(result: dict[str, object]) -> bool:
    """Nothing acknowledged is lost, at most a second of signals, and the log is whole."""
    missing = result["most_missing_frames"]
    held = result["n_lost_cues"] == 0 and isinstance(missing, int) and missing <= FPS
    goes_on = result.get("n_acknowledged_after", 1) != 0
    return held and goes_on and result["integrity"] == "ok" and bool(result["n_acknowledged"])


if __name__ == "__main__":
    sys.exit(main())
