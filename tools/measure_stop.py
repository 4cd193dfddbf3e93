"""How long a run takes to end after SIGTERM: the bar is one second.

    python tools/measure_stop.py
    python tools/measure_stop.py --times 20 --camera v4l2:/dev/video0

Starts `microcue run` again and again, waits until it watches (it says so as it does to systemd), lets
it watch for a second, sends SIGTERM and waits for its end. Exits 1 where the slowest took longer.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_BAR_S = 1.0
_START_S = 300.0


def stop_once(camera: str, folder: Path) -> tuple[float, int]:
    """Seconds from SIGTERM to the end of the process, and its exit code."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        address = folder / "notify"
        ear.bind(str(address))
        ear.settimeout(_START_S)
        command = [
            sys.executable,
            "-m",
            "edge.cli",
            "run",
            "--camera",
            camera,
            "--realtime",
            "--led",
            "none",
            "-q",
        ]
        environment = os.environ | {"NOTIFY_SOCKET": str(address)}
        with subprocess.Popen([*command, "--data", str(folder / "data")], env=environment) as child:
            while b"READY=1" not in ear.recv(4096):
                pass
            time.sleep(1.0)
            begun_s = time.monotonic()
            child.send_signal(signal.SIGTERM)
            code = child.wait(_START_S)
            return time.monotonic() - begun_s, code


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--times", type=int, default=10, help="runs (default: 10)")
    parser.add_argument(
        "--camera", default="demo", help="as microcue run takes it (default: demo, at its own pace)"
    )
    arguments = parser.parse_args()
    took_s = []
    for _ in range(arguments.times):
        with tempfile.TemporaryDirectory(prefix="microcue-stop-") as folder:
            seconds, code = stop_once(arguments.camera, Path(folder))
        if code != 0:
            print(f"expected a run to end with 0, found {code}", file=sys.stderr)
            return 1
        took_s.append(seconds)
    took_s.sort()
    verdict = "ok" if took_s[-1] <= _BAR_S else "too slow"
    print(
        f"{len(took_s)} runs: {took_s[len(took_s) // 2]:.2f} s in half, {took_s[-1]:.2f} s at most: {verdict}"
    )
    return 0 if took_s[-1] <= _BAR_S else 1


if __name__ == "__main__":
    sys.exit(main())
