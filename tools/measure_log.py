"""How long a large log takes to answer, how much memory that needs, and how fast a log grows.

    python tools/measure_log.py --cues 10000000
    python tools/measure_log.py --record 120 --seconds 30
    python tools/measure_log.py --growth ~/.local/share/microcue

The first fills a log of its own with sessions of equal length and asks the command line, in processes of
their own, for what a person asks: `sessions`, `cues`, an export of one session. The second watches a rendered
person in conversation, who turns and nods, sways, speaks, blinks and moves, with encrypted pictures kept, and
says how many bytes an hour each kind of row takes; the third says so of a log that is there. Times belong to
the machine; the same questions to a log of one session stand beside them, so that what grows with the log can
be told from what a process costs.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

import numpy as np
from spotting.clips import Condition
from spotting.plans import turns_and_nods

from edge.capture.scripted import ScriptedSource
from edge.config import Config, RecordConfig, with_overrides
from edge.messages import Cue, FaceFound, Frame, FrameReport, SessionInfo, SourceInfo
from edge.record.backup import used_bytes
from edge.record.keys import age
from edge.record.people import add_consent
from edge.record.pictures import all_files, n_bytes
from edge.record.recorder import Recorder
from edge.record.schema import open_for_writing
from edge.synth.plan import Happening, Plan
from edge.synth.portrait import built_in_portrait
from edge.synth.scene import Scene

ROOT = Path(__file__).resolve().parents[1]
QUESTIONS = (
    ("sessions", "--limit", "20"),
    ("cues", "--limit", "20"),
    ("cues", "--json"),
    ("export", "latest", "--format", "csv", "--output", "OUTPUT"),
    ("export", "latest", "--format", "elan", "--output", "OUTPUT"),
    ("export", "latest", "--format", "parquet", "--output", "OUTPUT"),
)
# VmHWM is this process's own, where ru_maxrss begins with what its parent had
_ASKING = """
import sys, time
from edge.cli import main
code = main(sys.argv[1:])
lines = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(time.process_time(), lines["VmHWM"].split()[0], file=sys.stderr)
sys.exit(code)
"""
_GROWING = {
    "signals": "SELECT sum(length(frames) + length(times) + length(codes)) FROM signal_blocks",
    "traces": "SELECT sum(length(frames) + length(times) + length(points)) FROM point_lights",
    "reports of frames": "SELECT 100 * count(*) FROM frame_reports",
    "cues": "SELECT 250 * count(*) FROM cues",
}


def main() -> int:
    """Measure what was asked for and print it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cues", type=int, default=0, help="fill a log with so many")
    parser.add_argument("--sessions", type=int, default=1000, help="in so many sessions (default: 1000)")
    parser.add_argument("--record", type=float, metavar="FPS", help="watch a conversation at this rate")
    parser.add_argument("--seconds", type=float, default=30.0, help="of it (default: 30)")
    parser.add_argument("--growth", type=Path, help="bytes an hour of the log in this directory")
    arguments = parser.parse_args()
    if arguments.cues:
        with tempfile.TemporaryDirectory() as folder:
            compare(Path(folder), arguments.cues, arguments.sessions)
    if arguments.record:
        with tempfile.TemporaryDirectory() as folder:
            record(Path(folder), arguments.record, arguments.seconds)
            grow(Path(folder) / "microcue.db")
    if arguments.growth:
        grow(arguments.growth / "microcue.db")
    return 0


def compare(folder: Path, n_cues: int, n_sessions: int) -> None:
    """The same questions to a log of many sessions and to one of a single session."""
    small, large = folder / "small", folder / "large"
    fill(small, n_cues // n_sessions, 1)
    fill(large, n_cues // n_sessions, n_sessions)
    size = (large / "microcue.db").stat().st_size
    print(f"{n_cues} cues in {n_sessions} sessions, {size / 1e9:.2f} GB, {size / n_cues:.0f} bytes a cue")
    for question in QUESTIONS:
        one, many = (asked(data_dir, question, folder) for data_dir in (small, large))
        print(
            f"{' '.join(question):58} {many[0]:6.2f} s {many[1]:6.2f} s of CPU {many[2]:6.0f} MB   "
            f"(a log of one session: {one[0]:.2f} s, {one[1]:.2f} s of CPU, {one[2]:.0f} MB)"
        )


def fill(data_dir: Path, n_cues: int, n_sessions: int) -> None:
    """A log with so many equal sessions; the first is recorded, the others are copied row by row."""
    recorder = Recorder.open(data_dir, RecordConfig(), 4)
    source = SourceInfo("scripted", 640, 480, 120.0, "sensor", live=False)
    recorder.start_session(SessionInfo(source, "P01"), 0, 10**18, True)
    recorder.append(FaceFound(0, 0, 0))
    for report in range(n_cues * 36 // 1000):
        at_ns = (report + 1) * 10**10
        recorder.append(FrameReport(at_ns, 10**10, 1200, *(0,) * 7, 0.1, 120.0, None, None))
    for number in range(n_cues):
        onset_ns = number * 360_000_000
        times = (onset_ns, onset_ns + 10**8, onset_ns + 2 * 10**8)
        frames = tuple(time_ns * 120 // 10**9 for time_ns in times)
        measured = (8.3, ("mouth",), ("lip_corner_pull", "cheek_raise"), "both", 12.5, 6.25, 0.0125, 33.3)
        recorder.append(Cue(0, "micro", *times, *frames, *measured, 120.0, 0, False, False, "ok"))
    recorder.end_session("done", n_cues * 43)
    recorder.close()
    with closing(sqlite3.connect(data_dir / "microcue.db")) as connection, connection:
        for table in ("sessions", "clock_offsets", "face_intervals", "frame_reports", "cues"):
            names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            values = ["key" if name == "session_key" else name for name in names]
            values = ["session_id || '-' || key" if name == "session_id" else name for name in values]
            connection.execute(
                f"WITH RECURSIVE keys(key) AS (SELECT 2 UNION ALL SELECT key + 1 FROM keys WHERE key < ?) "
                f"INSERT INTO {table} ({', '.join(names)}) SELECT {', '.join(values)} FROM keys, {table} "
                "WHERE session_key = 1 AND key <= ?",
                (n_sessions, n_sessions),
            )


def asked(data_dir: Path, question: tuple[str, ...], folder: Path) -> tuple[float, float, float]:
    """Seconds, seconds of CPU and peak memory in MB of one command, the best of three."""
    words = [str(folder / "out") if word == "OUTPUT" else word for word in question]
    best = (float("inf"), 0.0, 0.0)
    for _ in range(3):
        start_s = time.perf_counter()
        command = [sys.executable, "-c", _ASKING, *words, "--data", str(data_dir)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
        *_, cpu_s, peak_kb = done.stderr.split()
        best = min(best, (time.perf_counter() - start_s, float(cpu_s), int(peak_kb) / 1024))
    return best


def record(data_dir: Path, fps: float, seconds: float) -> None:
    """Watch somebody who talks, as the log of a conversation would have it."""
    from edge.app import run_session

    rng = np.random.default_rng(1)
    happenings = turns_and_nods(rng, seconds)
    for begin_s in np.arange(4.0, seconds - 3.0, 4.0):
        happenings.append(Happening("blink", begin_s + 0.5, 0.2, 1.0))
        happenings.append(Happening("speech", begin_s + 1.0, 1.0, 60.0))
        movement = str(rng.choice(("inner_brow_raise", "lip_corner_pull", "brow_lower")))
        happenings.append(Happening("movement", begin_s + 2.5, 0.2, 30.0, movement=movement))
    settings = Condition(fps=fps, head="conversation").settings(seconds, 1)
    plan = Plan(tuple(sorted(happenings, key=lambda one: one.onset_s)), settings)
    rendered = Scene(plan, built_in_portrait()).render()
    frames = (Frame(number, at_ns, luma) for number, (at_ns, luma) in enumerate(rendered))
    info = SourceInfo("conversation, rendered", settings.width, settings.height, fps, "media", live=False)
    add_consent(data_dir, "P01", ("signals", "traces", "pictures"), "1")
    record = {"pictures": True, "pictures_to": str(age().x25519.Identity.generate().to_public())}
    sections = {"record": record, "session": {"participant": "P01"}, "indicate": {"led": "none"}}
    _, outcome = run_session(
        with_overrides(Config(), sections), data_dir, source=ScriptedSource(frames, info)
    )
    print(f"{outcome.n_frames} frames, a face in {outcome.n_face_frames}")


def empty_bytes() -> int:
    """What a log without a row takes."""
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(open_for_writing(Path(folder) / "microcue.db")) as connection,
    ):
        return used_bytes(connection)


def grow(path: Path) -> None:
    """Bytes an hour of watching, by kind of row."""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        (hours, n_frames) = connection.execute(
            "SELECT sum(last_ns) / 3.6e12, sum(n_frames) FROM sessions"
        ).fetchone()
        sizes = {name: connection.execute(sql).fetchone()[0] or 0 for name, sql in _GROWING.items()}
        sizes["log"] = used_bytes(connection) - empty_bytes()
        (n_cues,) = connection.execute("SELECT count(*) FROM cues").fetchone()
    fps = n_frames / (3600 * hours)
    rates = {name: round(size / hours / 1e6, 2) for name, size in sizes.items()}
    told = {"hours": round(hours, 4), "fps": round(fps, 1), "cues": n_cues, "megabytes_an_hour": rates}
    if files := all_files(path.parent):
        told["megabytes_of_pictures_a_cue"] = round(n_bytes(path.parent) / len(files) / 1e6, 2)
    print(json.dumps(told))


if __name__ == "__main__":
    sys.exit(main())
