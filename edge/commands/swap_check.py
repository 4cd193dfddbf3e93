"""What `microcue doctor` says of swap: whether a picture in memory could come to lie on a disk.

The unit forbids it for the watcher (`MemorySwapMax=0`), which systemd can only ask of a kernel that counts
memory by group. A Raspberry Pi's is told not to, by its own firmware, and systemd says nothing about it:
https://github.com/raspberrypi/linux/issues/6980.
"""

from __future__ import annotations

from pathlib import Path

from edge.commands.checks import Finding
from edge.proof.process import disk_swap


def check_swap(
    swaps: Path = Path("/proc/swaps"), sys_dir: Path = Path("/sys"), groups: Path = Path("/sys/fs/cgroup")
) -> Finding:
    """Whether memory can be swapped to a disk, and whether the unit can keep the watcher out of it."""
    areas = disk_swap(swaps, sys_dir)
    if not areas:
        return Finding("ok", "none on a disk")
    found = f"{', '.join(areas)} is on a disk"
    if memory_is_counted(groups):
        return Finding("ok", f"{found}; the service stays out of it (MemorySwapMax=0)")
    return Finding(
        "warn",
        f"{found}, and as this kernel counts no memory by group, MemorySwapMax=0 in the service does nothing",
        "a Raspberry Pi: add cgroup_enable=memory to /boot/firmware/cmdline.txt, restart; else swapoff -a",
    )


def memory_is_counted(groups: Path = Path("/sys/fs/cgroup")) -> bool:
    """Whether the kernel counts memory by group, as MemoryMax=, MemoryHigh= and MemorySwapMax= need it.

    Parameters
    ----------
    groups : Path
        Where the groups are mounted. `/proc/cgroups` would not do: since Linux 6.12 it may leave memory out
        that is counted.
    """
    try:
        return "memory" in (groups / "cgroup.controllers").read_text(encoding="ascii").split()
    except OSError:  # groups of the older kind, which know no limit of swap alone, or none
        return False
