"""What is read of a process, on this one and on drawn ones."""

from __future__ import annotations

import mmap
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from edge.proof import process


def test_internet_socket_is_seen_and_a_local_one_is_not():
    # in a process of its own: a session in this one may have forbidden such sockets for good
    program = (
        "import socket; from edge.proof.process import internet_sockets as seen\n"
        "local = socket.socketpair(); before = seen()\n"
        "with socket.socket() as one:\n    one.bind(('127.0.0.1', 0)); one.listen(); print(before, seen())"
    )
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    before, _, during = printed.stdout.strip().partition(" ")
    assert before == "[]"
    assert during.endswith(" in tcp']")


def test_files_that_can_be_written_are_seen_and_others_are_not(tmp_path):
    (tmp_path / "read").write_text("here")
    with (tmp_path / "read").open(), (tmp_path / "written").open("w"), socket.socket(socket.AF_UNIX):
        seen = process.files_open_for_writing()
    assert str(tmp_path / "written") in seen
    assert str(tmp_path / "read") not in seen


def test_file_in_shared_memory_is_seen(tmp_path):
    path = tmp_path / "shared"
    path.write_bytes(bytes(4096))
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 4096):
        assert str(path) in process.files_mapped_for_writing()
    assert str(path) not in process.files_mapped_for_writing()


@pytest.mark.parametrize(
    ("name", "backing", "is_disk"),
    [("/dev/zram0", "none", False), ("/dev/zram0", "/dev/sda2", True), ("/dev/mmcblk0p3", "", True)],
)
def test_compressed_memory_is_no_disk_unless_a_disk_is_behind_it(tmp_path, name, backing, is_disk):
    (tmp_path / "swaps").write_text(f"Filename Type Size Used Priority\n{name} partition 1024 0 -2\n")
    if backing:
        folder = tmp_path / "sys" / "block" / Path(name).name
        folder.mkdir(parents=True)
        (folder / "backing_dev").write_text(f"{backing}\n")
    assert process.disk_swap(tmp_path / "swaps", tmp_path / "sys") == ([name] if is_disk else [])


def test_limit_of_swap_is_the_groups_own(tmp_path):
    (tmp_path / "cgroup").write_text("1:name=systemd:/x\n0::/system.slice/microcue.service\n")
    group = tmp_path / "groups" / "system.slice" / "microcue.service"
    group.mkdir(parents=True)
    assert process.swap_limit(tmp_path, tmp_path / "groups") == ""
    (group / "memory.swap.max").write_text("0\n")
    assert process.swap_limit(tmp_path, tmp_path / "groups") == "0"


def test_thread_without_a_filter_is_counted(tmp_path):
    for number, mode in ((1, 2), (2, 0), (3, 2)):
        (tmp_path / "task" / str(number)).mkdir(parents=True)
        (tmp_path / "task" / str(number) / "status").write_text(f"Name:\tx\nSeccomp:\t{mode}\n")
    assert process.n_unfiltered_threads(tmp_path) == 1


def test_crash_leaves_no_core():
    program = "from edge.proof.process import core_is_dumped; print(core_is_dumped())"
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert printed.stdout == "False\n"
