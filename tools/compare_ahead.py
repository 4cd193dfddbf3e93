"""One session with kernels compiled ahead beside the same with numba: the log, memory, the start, speed.

Both watch the demo clip, in processes of their own. With kernels compiled ahead the process is under the
rules that systemd's MemoryDenyWriteExecute= puts into the kernel, and must not import numba. What both
logged has to be the same to the last bit; `make test-ahead` makes the build and calls this.

    MICROCUE_AHEAD=build/ahead python tools/compare_ahead.py --rounds 5
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

from edge import ahead

# what every session has of its own: when it was, and what it ran on
_OWN_TABLES = {"sessions", "versions", "clock_offsets", "participants", "incidents", "health"}
SESSION = """
import json, resource, sys
from edge.cli import main
if sys.argv[3] == "denied":
    from ahead_rules import deny_write_execute
    deny_write_execute()
import edge.app, edge.synth.demo
started = resource.getrusage(resource.RUSAGE_SELF)
code = main(["run", "--camera", "file:" + sys.argv[1], "--data", sys.argv[2], "--led", "none", "--json"])
maps = [line.split() for line in open("/proc/self/maps")]
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(json.dumps({
    "code": code,
    "start_cpu_s": started.ru_utime + started.ru_stime,
    "compilers": [name for name in ("numba", "llvmlite") if name in sys.modules],
    "n_writable_code": sum("w" in words[1] and "x" in words[1] for words in maps),
    "rss_mb": int(status["VmRSS"].split()[0]) / 1e3,
    "peak_mb": int(status["VmHWM"].split()[0]) / 1e3,
}), file=sys.stderr)
"""
DEMO = "from edge.synth.demo import demo_clip; print(demo_clip()[0])"
SIGNATURES = """
import json
from edge.building.objects import kernels_of
from edge.warmup import kernel_modules
print(json.dumps({k.name: k.signature for name in kernel_modules() for k in kernels_of(name) if k.is_called}))
"""


def main() -> int:
    """Run both sides, say what differs, and exit 1 where something does that must not."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clip", type=Path, help="watch this file instead of the demo clip")
    parser.add_argument("--rounds", type=int, default=1, help="of `microcue bench` (default: 1)")
    parser.add_argument("--frames", type=int, default=3600, help="of each (default: 3600)")
    arguments = parser.parse_args()
    build = ahead.build()
    if build.kernels is None:
        parser.error(build.refusal or f"expected a build in {build.path.parent}; run microcue warmup --ahead")
    faults = drift(build)
    clip = arguments.clip or Path(printed(DEMO).strip())
    with tempfile.TemporaryDirectory() as folder:
        numba, compiled = (Path(folder) / name for name in ("numba", "ahead"))
        first = session(clip, numba, ahead.OFF, "")
        second = session(clip, compiled, str(build.path.parent), "denied")
        faults += differences(logged(numba), logged(compiled))
        faults += [f"{name} was imported" for name in second["compilers"]]
        faults += ["there is memory that is written and run"] * bool(second["n_writable_code"])
    figures = {"rss_mb": "MB at the end", "peak_mb": "MB at most", "start_cpu_s": "s of CPU until it watches"}
    for name, unit in figures.items():
        before, after = first[name], second[name]
        print(f"{unit}: {before:.2f} with numba's cache, {after:.2f} ahead, ratio {after / before:.2f}")
    for fault in faults:
        print(f"differs: {fault}")
    print(speed(arguments.rounds, arguments.frames, str(build.path.parent)))
    print("the same session, without a compiler" if not faults else f"{len(faults)} differences")
    return 1 if faults else 0


def drift(build: ahead.Build) -> list[str]:
    """Kernels whose signature in the build is not the one that `microcue warmup` compiles."""
    wanted = json.loads(printed(SIGNATURES, ahead.OFF))
    made = build.made["kernels"]
    names = sorted(wanted.keys() | made)
    return [f"signature of {name}" for name in names if wanted.get(name) != made.get(name)]


def session(clip: Path, data: Path, where: str, rules: str) -> dict[str, Any]:
    """Watch the clip in a process of its own; what it says of itself."""
    command = [sys.executable, "-c", SESSION, str(clip), str(data), rules]
    ended = subprocess.run(command, env=environment(where), capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        raise SystemExit(f"with {ahead.VARIABLE}={where} it ended with {ended.returncode}: {ended.stderr}")
    said: dict[str, Any] = json.loads(ended.stderr.splitlines()[-1])
    return said


def logged(data: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every table that a session fills, with times since its first frame."""
    with closing(sqlite3.connect(data / "microcue.db")) as base:
        ((begun_ns,),) = base.execute("SELECT first_frame_ns FROM sessions")
        names = [name for (name,) in base.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        tables = {}
        for name in sorted(set(names) - _OWN_TABLES):
            cursor = base.execute(f"SELECT * FROM {name}")
            times = [column[0].endswith("_ns") for column in cursor.description]
            tables[name] = [
                tuple(v - begun_ns if t and v else v for v, t in zip(row, times, strict=True))
                for row in cursor
            ]
    return tables


def differences(one: dict[str, list[Any]], other: dict[str, list[Any]]) -> list[str]:
    """Tables that are not the same, with how many rows are; and whether there was anything to compare."""
    found = [
        f"{name}: {sum(row in other[name] for row in rows)} of {len(rows)} rows are the same"
        for name, rows in one.items()
        if rows != other[name]
    ]
    print("compared: " + ", ".join(f"{len(rows)} {name}" for name, rows in one.items() if rows))
    return found if one["signal_blocks"] and one["cues"] else [*found, "nothing was logged"]


def speed(n_rounds: int, n_frames: int, where: str) -> str:
    """CPU time of the main thread for a frame, on both sides in turn."""
    spent: dict[str, list[float]] = {ahead.OFF: [], where: []}
    code = "import sys; from edge.cli import main; sys.exit(main(sys.argv[1:]))"
    for _ in range(n_rounds):
        for side, values in spent.items():
            options = ("--json", "--pulses", "0", "--frames", str(n_frames))
            report = json.loads(printed(code, side, "bench", *options))
            values.append(sum(row["cpu_us"] for row in report["stages"]))
    if not n_rounds:
        return "speed: not measured"
    before, after = (statistics.median(values) for values in spent.values())
    return f"us of CPU a frame: {before:.0f} with numba, {after:.0f} ahead, ratio {after / before:.3f}"


def printed(code: str, where: str = "", *arguments: str) -> str:
    """What a Python of its own prints."""
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(
        command, env=environment(where), stdout=subprocess.PIPE, text=True, check=True
    ).stdout


def environment(where: str) -> dict[str, str]:
    """This one, with kernels from `where`, or as they are where it is empty."""
    path = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    return os.environ | {"PYTHONPATH": path} | ({ahead.VARIABLE: where} if where else {})


if __name__ == "__main__":
    sys.exit(main())
