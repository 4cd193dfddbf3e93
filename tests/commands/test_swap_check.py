"""Swap: none, in memory, on a disk that the service stays out of, and on one that it cannot."""

from __future__ import annotations

import pytest

from edge.commands.swap_check import check_swap, memory_is_counted

COUNTED = "cpuset cpu io memory pids\n"
OFF = "cpuset cpu io pids\n"  # as with a Raspberry Pi's cgroup_disable=memory
ON_DISK = "Filename\tType\tSize\tUsed\tPriority\n/var/swap\tfile\t524284\t0\t-2\n"


@pytest.fixture
def machine(tmp_path):
    """Write what a kernel says; returns the arguments of the check."""

    def write(swaps, controllers):
        (tmp_path / "swaps").write_text(swaps)
        (tmp_path / "cgroup.controllers").write_text(controllers)
        return tmp_path / "swaps", tmp_path / "sys", tmp_path

    return write


@pytest.mark.parametrize("controllers", [COUNTED, OFF])
def test_no_swap_on_a_disk_is_well(machine, controllers):
    assert check_swap(*machine(ON_DISK.splitlines(keepends=True)[0], controllers)).level == "ok"


def test_swap_that_the_service_stays_out_of_is_well(machine):
    finding = check_swap(*machine(ON_DISK, COUNTED))
    assert finding.level == "ok"
    assert "MemorySwapMax=0" in finding.found


def test_swap_that_the_unit_cannot_forbid_is_told_with_what_to_do(machine):
    finding = check_swap(*machine(ON_DISK, OFF))
    assert finding.level == "warn"
    assert "/var/swap" in finding.found
    assert "does nothing" in finding.found
    assert "cgroup_enable=memory" in finding.fix


def test_groups_of_the_older_kind_limit_no_swap(tmp_path):
    assert not memory_is_counted(tmp_path)


def test_compressed_memory_with_a_file_behind_it_is_a_disk(machine, tmp_path):
    swaps = ON_DISK.replace("/var/swap\tfile", "/dev/zram0\tpartition")
    backing = tmp_path / "sys/block/zram0/backing_dev"
    backing.parent.mkdir(parents=True)
    backing.write_text("/dev/loop0\n")
    assert check_swap(*machine(swaps, OFF)).level == "warn"
    backing.write_text("none\n")
    assert check_swap(*machine(swaps, OFF)).level == "ok"
