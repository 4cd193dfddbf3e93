"""Every call of a whole session that makes a socket or writes, as the kernel saw it (strace).

    make test-strace

A session is watched three times: as this machine is, in a namespace without a network, and in one that has
a network and a route out of it. Each time no internet socket may be asked for, and no single write to a
file may be large enough for a picture. Before each, a program that does both is traced and has to be
caught, and with a network its packet has to leave: otherwise the trace proves nothing. A picture
written in small pieces is what `microcue privacy --prove` looks for.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCAL_FAMILIES = {"AF_UNIX", "AF_LOCAL", "AF_NETLINK"}
# one bit for each pixel of the demo's 640x480: less than any coding of a noisy picture takes
PICTURE_BYTES = 640 * 480 // 8
_WRITES = "write,writev,pwrite64,pwritev,pwritev2"
_COPIES = "sendfile,splice,copy_file_range"
_CALLS = f"socket,socketpair,{_WRITES},{_COPIES},mmap,io_uring_setup"
_LINE = re.compile(r"^(?:\d+ +)?(?P<name>\w+)\((?P<arguments>.*)\) += (?P<result>-?\d+|0x[0-9a-f]+)")
_DESCRIPTOR = re.compile(r"\d+<(?P<what>[^>]*)>")
_WITH_NETWORK = (
    "{ ip link add out0 type dummy || ip link add out0 type veth peer name far0 && ip link set far0 up; } "
    "2>/dev/null; ip link set lo up && ip addr add 192.0.2.2/24 dev out0 && ip link set out0 up && "
    'ip route add default via 192.0.2.1 && exec "$@"'
)
# 192.0.2.0/24 and 198.51.100.0/24 are for documentation and belong to nobody (RFC 5737)
_CAUGHT = """
import pathlib, socket, sys
pathlib.Path(sys.argv[1]).write_bytes(bytes(10**6))
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
    try:
        print(out.sendto(b"hello", ("198.51.100.1", 9)))
    except OSError as error:
        print(error)
"""


@dataclass(slots=True)
class Traced:
    """What the calls of one program come to.

    Attributes
    ----------
    sockets : dict of str to int
        Each family asked for, and how often.
    large : list of str
        Writes to files, and maps of them, that could hold a picture.
    n_written_bytes : int
        To files, in all.
    largest_write_bytes : int
    """

    sockets: dict[str, int] = field(default_factory=dict)
    large: list[str] = field(default_factory=list)
    n_calls: int = 0
    n_written_bytes: int = 0
    largest_write_bytes: int = 0

    @property
    def foreign(self) -> list[str]:
        """Families that could leave the machine."""
        return sorted(set(self.sockets) - LOCAL_FAMILIES)

    def read(self, lines: Iterator[str]) -> None:
        """Take in the trace of one thread."""
        for line in lines:
            if (call := _LINE.match(line)) is not None:
                self.n_calls += 1
                self._count(call["name"], call["arguments"], int(call["result"], 0), line.strip())

    def _count(self, name: str, arguments: str, result: int, line: str) -> None:
        if name in ("socket", "socketpair"):
            family = arguments.partition(",")[0]
            self.sockets[family] = self.sockets.get(family, 0) + 1
        elif name == "io_uring_setup" and result >= 0:
            self.large.append(line)  # whatever goes through it, nobody sees here
        elif name == "mmap":
            if "PROT_WRITE" in arguments and "MAP_SHARED" in arguments and _is_file(arguments):
                n_bytes = int(arguments.split(", ")[1])
                self._judge(n_bytes, line)
        elif _is_file(arguments) and result > 0:
            self.n_written_bytes += result
            self.largest_write_bytes = max(self.largest_write_bytes, result)
            self._judge(result, line)

    def _judge(self, n_bytes: int, line: str) -> None:
        if n_bytes >= PICTURE_BYTES:
            self.large.append(line)


def _is_file(arguments: str) -> bool:
    """Whether a call goes to a file that a disk may keep."""
    places = [found["what"] for found in _DESCRIPTOR.finditer(arguments)]
    return any(place.startswith("/") and not place.startswith(("/dev/", "/proc/")) for place in places)


def traced(command: list[str], namespace: list[str]) -> tuple[Traced, str]:
    """Run a command under strace; what it did, and its last words."""
    with tempfile.TemporaryDirectory() as folder:
        strace = ["strace", "-ff", "-qq", "-y", "-s", "0", "-e", f"trace={_CALLS}", "-e", "signal=none"]
        full = [*namespace, *strace, "-o", f"{folder}/trace", *command]
        ended = subprocess.run(full, capture_output=True, text=True, check=False)
        if ended.returncode != 0:
            sys.exit(f"microcue: expected the traced program to end well, it said: {ended.stderr[-500:]}")
        seen = Traced()
        for path in Path(folder).iterdir():
            with path.open(encoding="utf-8", errors="replace") as lines:
                seen.read(lines)
    return seen, ended.stdout.strip()


def main() -> int:
    """Trace everything and say what was seen; 1 where a promise is broken."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--duration", default="12", help="of each session, s of its own time (default: 12)")
    arguments = parser.parse_args()
    if missing := [name for name in ("strace", "unshare", "ip") if shutil.which(name) is None]:
        sys.exit(f"microcue: {missing[0]} is not installed: apt install strace util-linux iproute2")
    own = [] if os.geteuid() == 0 else ["--map-root-user"]
    namespaces = {
        "as this machine is": [],
        "without a network": ["unshare", *own, "--net"],
        "with a network": ["unshare", *own, "--net", "sh", "-c", _WITH_NETWORK, "sh"],
    }
    session = [sys.executable, "-m", "edge.cli", "run", "--camera", "demo", "--led", "none", "--quiet"]
    session += ["--duration", arguments.duration]
    with tempfile.TemporaryDirectory() as folder:
        # what is compiled and drawn at a first start is no session's
        subprocess.run([*session, "--data", f"{folder}/first"], check=True, stdout=subprocess.DEVNULL)
        kept = [
            _is_kept(name, prefix, session, Path(folder) / str(number))
            for number, (name, prefix) in enumerate(namespaces.items())
        ]
    return 0 if all(kept) else 1


def _is_kept(name: str, prefix: list[str], session: list[str], folder: Path) -> bool:
    folder.mkdir()
    caught, said = traced([sys.executable, "-c", _CAUGHT, f"{folder}/large"], prefix)
    if caught.foreign != ["AF_INET"] or len(caught.large) != 1:
        sys.exit(f"microcue: expected the trace to show a socket and a large write, it shows {caught}")
    if name == "with a network" and said != "5":
        sys.exit(f"microcue: expected a network to send to, the system says: {said}")
    seen, _ = traced([*session, "--data", f"{folder}/data"], prefix)
    is_kept = not seen.foreign and not seen.large and seen.n_written_bytes > 0
    sockets = ", ".join(f"{n} {family}" for family, n in sorted(seen.sockets.items())) or "none"
    print(
        f"{'pass' if is_kept else 'FAIL'}  {name}: {seen.n_calls} calls; sockets: {sockets}; "
        f"{seen.n_written_bytes} bytes to files, at most {seen.largest_write_bytes} at once, "
        f"of {PICTURE_BYTES} for a picture (a sent packet there: {said})"
    )
    for line in seen.large:
        print(f"      {line}")
    return is_kept


if __name__ == "__main__":
    sys.exit(main())
