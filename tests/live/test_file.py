"""The file that a run shows itself in: whole at any moment, empty while nobody looks."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from edge.anatomy import N_CHANNELS
from edge.health.state_file import StateFile
from edge.live import file as live_file
from edge.live.errors import NothingToSee
from edge.live.file import LiveFile, LiveReader, memory_dirs
from edge.live.snapshot import N_FRAMES_MAX, SLOT_BYTES, Snapshot, packed, unpacked


def snapshot_of(number, n_frames=N_FRAMES_MAX):
    """Every number in it is the same, so that two that are mixed can be told."""
    return Snapshot(
        number,
        {"number": number, "words": "x" * (number % 3000)},
        np.full(n_frames, number, np.int64),
        np.full((n_frames, N_CHANNELS), number % 30000, np.int16),
        np.full((90, 2), number % 30000, np.int16),
    )


def holds_one(snapshot):
    number = snapshot.state["number"]
    arrays = (snapshot.codes, snapshot.points)
    return (snapshot.times_ns == number).all() and all((one == number % 30000).all() for one in arrays)


def test_a_snapshot_comes_back_as_it_was():
    sent = snapshot_of(1234)
    got = unpacked(packed(sent))
    assert got.number == 1234
    assert got.state == sent.state
    for name in ("times_ns", "codes", "points"):
        np.testing.assert_array_equal(getattr(got, name), getattr(sent, name))


@pytest.mark.parametrize("n_old", [9, 12, 20, 24, 100, 5_000, 15_000])
def test_a_slot_that_is_half_written_is_not_read(n_old):
    old, new = packed(snapshot_of(1)), packed(snapshot_of(2, 200))
    assert unpacked(new[:n_old] + old[n_old:]) is None
    assert unpacked(b"\0" * SLOT_BYTES) is None
    assert unpacked(new[:n_old]) is None


def test_more_than_fits_is_refused_and_counted(file):
    one = snapshot_of(1)
    much = Snapshot(1, {"words": "x" * SLOT_BYTES}, one.times_ns, one.codes, one.points)
    with pytest.raises(ValueError, match="bytes of"):
        packed(much)
    file.write(much)
    assert file.n_refused == 1


def test_a_reader_beside_a_writer_sees_whole_snapshots_in_order(file, tmp_path):
    """The writer goes as fast as it can, thousands of times a second instead of twenty."""
    reader, is_over = LiveReader(tmp_path), threading.Event()

    def write():
        number = 0
        while not is_over.is_set():
            number += 1
            file.write(snapshot_of(number))

    writer = threading.Thread(target=write)
    writer.start()
    seen = []
    try:
        while len(seen) < 400:
            if (got := reader.read()) is not None:
                assert holds_one(got)
                seen.append(got.number)
    finally:
        is_over.set()
        writer.join()
        reader.close()
    assert seen == sorted(seen)
    assert seen[-1] > 50


def test_the_run_sees_who_looks_and_that_they_have_gone(file, tmp_path):
    assert not file.is_watched()
    one, other = LiveReader(tmp_path), LiveReader(tmp_path)
    assert file.is_watched()
    one.close()
    assert file.is_watched()
    other.close()
    other.close()
    assert not file.is_watched()


def test_a_reader_that_was_killed_looks_no_more(file, tmp_path):
    words = (
        "import os, pathlib, signal; from edge.live.file import LiveReader; "
        f"reader = LiveReader(pathlib.Path({str(tmp_path)!r})); os.kill(os.getpid(), signal.SIGKILL)"
    )
    ended = subprocess.run([sys.executable, "-c", words], check=False)
    assert ended.returncode == -9
    assert not file.is_watched()


def test_a_file_that_was_cleared_holds_nothing(file, tmp_path):
    reader = LiveReader(tmp_path)
    file.write(snapshot_of(1))
    assert reader.read() is not None
    file.clear()
    assert reader.read() is None
    assert file.path.stat().st_size == 0
    assert not reader.has_ended
    file.close()
    file.close()
    assert reader.has_ended
    reader.close()


def test_the_file_is_for_its_owner_alone_and_for_nobody_afterwards(file):
    assert file.path.stat().st_mode & 0o777 == 0o600
    file.close()
    assert not file.path.exists()


def test_a_link_that_somebody_put_there_is_not_followed(tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("theirs")
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / f"microcue-{os.getpid()}.live").symlink_to(victim)
    live = LiveFile({"RUNTIME_DIRECTORY": str(folder)})
    live.write(snapshot_of(1))
    live.close()
    assert victim.read_text() == "theirs"


def test_what_a_killed_run_left_is_swept_and_a_living_one_is_not(tmp_path):
    dead = subprocess.Popen(["true"])
    dead.wait()
    left, living = tmp_path / f"microcue-{dead.pid}.live", tmp_path / f"microcue-{os.getppid()}.live"
    others = tmp_path / "microcue-notes.live"
    for path in (left, living, others):
        path.write_text("values")
    LiveFile({"RUNTIME_DIRECTORY": str(tmp_path)}).close()
    assert not left.exists()
    assert living.exists()
    assert others.exists()


def test_a_services_directory_comes_before_a_logins_and_disks_are_none(tmp_path, monkeypatch):
    run, user = tmp_path / "run", tmp_path / "user"
    run.mkdir()
    user.mkdir()
    monkeypatch.setattr(live_file, "_SHARED_MEMORY", tmp_path / "none")
    environ = {"RUNTIME_DIRECTORY": f"{run}:/elsewhere", "XDG_RUNTIME_DIR": str(user)}
    assert memory_dirs(environ) == [run, user]
    assert memory_dirs({}) == []


def test_without_a_directory_in_memory_nothing_is_shown_and_nobody_fails(tmp_path, monkeypatch):
    monkeypatch.setattr(live_file, "_SHARED_MEMORY", tmp_path / "none")
    live = LiveFile({})
    assert live.path is None
    assert not live.is_watched()
    live.clear()
    live.close()
    state = StateFile(tmp_path)
    state.write({"live_file": ""})
    with pytest.raises(NothingToSee, match="no directory in memory"):
        LiveReader(tmp_path)
    state.close()


def test_a_reader_says_that_no_run_goes_on(tmp_path):
    with pytest.raises(NothingToSee, match="none goes on there"):
        LiveReader(tmp_path)
    state = StateFile(tmp_path)
    state.write({"live_file": str(tmp_path / "gone.live")})
    with pytest.raises(NothingToSee, match="No such file"):
        LiveReader(tmp_path)
    state.close()
