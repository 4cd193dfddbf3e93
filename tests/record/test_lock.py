import os
import pickle
import subprocess
import sys

import pytest

from edge.record.errors import DataDirBusy, DataDirUnwritable
from edge.record.lock import DataDirLock, fault_of_run, is_held

HOLD = """
import sys
from pathlib import Path
from edge.record.lock import DataDirLock
lock = DataDirLock(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the data directory."""
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"held\n"
        yield process
        process.kill()


def test_a_second_process_is_refused_and_told_who_holds_it(tmp_path, holder):
    with pytest.raises(DataDirBusy, match=f"process {holder.pid} already does"):
        DataDirLock(tmp_path)
    assert is_held(tmp_path)


def test_the_lock_of_a_killed_process_is_free(tmp_path, holder):
    holder.kill()
    holder.wait()
    assert not is_held(tmp_path)
    DataDirLock(tmp_path).release()


def test_a_second_lock_in_the_same_process_is_refused(tmp_path):
    lock = DataDirLock(tmp_path)
    with pytest.raises(DataDirBusy, match=f"process {os.getpid()}"):
        DataDirLock(tmp_path)
    lock.release()
    lock.release()
    DataDirLock(tmp_path).release()


def test_a_directory_that_is_not_there_cannot_be_locked(tmp_path):
    with pytest.raises(DataDirUnwritable, match="No such file"):
        DataDirLock(tmp_path / "absent")
    assert not is_held(tmp_path / "absent")


def test_the_error_survives_pickling(tmp_path):
    error = DataDirBusy(tmp_path, 12)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_other_processes_are_told_what_is_wrong_while_it_is(tmp_path):
    lock = DataDirLock(tmp_path)
    assert fault_of_run(tmp_path) == ""
    lock.tell("the disk is full; " + "ö" * 600)
    assert fault_of_run(tmp_path).startswith("the disk is full; öö")
    with pytest.raises(DataDirBusy, match=f"process {os.getpid()}"):
        DataDirLock(tmp_path)
    lock.tell("")
    assert fault_of_run(tmp_path) == ""
    lock.tell("left behind")
    lock.release()
    assert fault_of_run(tmp_path) == ""
