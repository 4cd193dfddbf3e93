"""What the kernel says of this process: its sockets, files, threads, and what would become of its memory."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import stat
from pathlib import Path

from edge.service import forbid_core_dumps

_PR_GET_DUMPABLE = 3  # linux/prctl.h
# every table of sockets that can reach another machine; absent where the kernel has no such protocol
_INTERNET_TABLES = (
    "tcp",
    "tcp6",
    "udp",
    "udp6",
    "udplite",
    "udplite6",
    "raw",
    "raw6",
    "icmp",
    "icmp6",
    "packet",
)
_ACCESS_MODE = os.O_RDONLY | os.O_WRONLY | os.O_RDWR


def internet_sockets(process: Path = Path("/proc/self")) -> list[str]:
    """Sockets of the process that stand in one of the kernel's internet tables, as `socket:[N] in tcp`."""
    own = {target for _, target in _descriptors(process) if target.startswith("socket:[")}
    found = []
    for table in _INTERNET_TABLES:
        try:
            text = (process / "net" / table).read_text(encoding="ascii", errors="replace")
        except OSError:
            continue
        words = set(text.split())
        found += [f"{target} in {table}" for target in own if target[len("socket:[") : -1] in words]
    return sorted(found)


def files_open_for_writing(process: Path = Path("/proc/self")) -> set[str]:
    """Paths of ordinary files that can be written to now, deleted ones included."""
    paths = set()
    for number, target in _descriptors(process):
        try:
            is_file = stat.S_ISREG((process / "fd" / number).stat().st_mode)
            lines = (process / "fdinfo" / number).read_text(encoding="ascii").splitlines()
        except OSError:  # closed meanwhile
            continue
        flags = next((int(line.split()[1], 8) for line in lines if line.startswith("flags:")), 0)
        if is_file and flags & _ACCESS_MODE != os.O_RDONLY:
            paths.add(target)
    return paths


def files_mapped_for_writing(process: Path = Path("/proc/self")) -> set[str]:
    """Paths of ordinary files that memory is shared with: what is written there needs no call."""
    paths = set()
    for line in (process / "maps").read_text(encoding="utf-8", errors="replace").splitlines():
        parts = line.split(maxsplit=5)
        is_shared = len(parts) == 6 and parts[1].startswith("rw") and parts[1].endswith("s")
        if is_shared and not parts[5].startswith(("/dev/", "/memfd:", "anon_inode:", "[")):
            paths.add(parts[5])
    return paths


def n_unfiltered_threads(process: Path = Path("/proc/self")) -> int:
    """Threads that no seccomp filter binds."""
    statuses = (path.read_text(encoding="utf-8", errors="replace") for path in process.glob("task/*/status"))
    return sum("Seccomp:\t2\n" not in status for status in statuses)


def swapped_kb(process: Path = Path("/proc/self")) -> int:
    """Memory of the process that is swapped out, kB."""
    for line in (process / "status").read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith("VmSwap:"):
            return int(line.split()[1])
    return 0


def disk_swap(swaps: Path = Path("/proc/swaps"), sys_dir: Path = Path("/sys")) -> list[str]:
    """Swap areas that end on a disk; compressed memory (zram) without a disk behind it is none."""
    areas = []
    for line in swaps.read_text(encoding="utf-8").splitlines()[1:]:
        area = line.split()[0]
        try:
            backing = sys_dir / "block" / Path(area).name / "backing_dev"
            is_memory = backing.read_text(encoding="utf-8").strip() == "none"
        except OSError:
            is_memory = Path(area).name.startswith("zram")  # built without a way to the disk
        if not is_memory:
            areas.append(area)
    return areas


def swap_limit(process: Path = Path("/proc/self"), cgroups: Path = Path("/sys/fs/cgroup")) -> str:
    """The cgroup's limit as written, such as "0" or "max"; empty where it cannot be told."""
    for line in (process / "cgroup").read_text(encoding="utf-8").splitlines():
        number, _, rest = line.partition(":")
        if number == "0":
            try:
                place = cgroups / rest.lstrip(":").lstrip("/") / "memory.swap.max"
                return place.read_text(encoding="ascii").strip()
            except OSError:
                return ""
    return ""


def core_is_dumped() -> bool:
    """Let a child of this process crash after `forbid_core_dumps`; whether the kernel wrote its memory."""
    child = os.fork()
    if child == 0:
        forbid_core_dumps()
        signal.signal(signal.SIGSEGV, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGSEGV)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WCOREDUMP(status) or not os.WIFSIGNALED(status)


def is_dumpable() -> bool:
    """Whether the kernel would write a core file of this process, or let another of its user read it."""
    dumpable = ctypes.CDLL(None).prctl(_PR_GET_DUMPABLE, 0, 0, 0, 0) != 0
    return bool(dumpable or resource.getrlimit(resource.RLIMIT_CORE)[0] != 0)


def _descriptors(process: Path) -> list[tuple[str, str]]:
    found = []
    for path in (process / "fd").iterdir():
        try:
            found.append((path.name, str(path.readlink())))
        except OSError:  # the one that listed the directory
            continue
    return found
