"""What is left after a kill, on a full disk and while the disk fails."""

import os
import random
import sqlite3
import subprocess
import time
from contextlib import closing

import numpy as np
import pytest

from edge.record import writer
from edge.record.errors import DiskFull, LogUnwritten
from edge.record.reading import SESSION_COLUMNS, LogReader
from edge.record.schema import DATABASE_NAME, connect_writer

RECORD_UNTIL_KILLED = """
import sys, time
from conftest import Scene
scene = Scene()
recorder = scene.open(sys.argv[1])
session_id = scene.start(recorder)
recorder.append(scene.found(0))
start_s = time.monotonic()
frame = 0
while True:
    recorder.add_trace(scene.trace(frame))
    if frame % 7 == 3:
        recorder.append(scene.cue(frame - 3, frame))
        if recorder.flush(10.0):
            print(session_id, recorder.counts.n_committed_rows, frame, flush=True)
    frame += 1
"""
# A file-size limit makes every larger write fail with EFBIG: an I/O error, without root.
RECORD_UNDER_LIMIT = """
import resource, sys, time
from conftest import Scene
scene = Scene()
recorder = scene.open(sys.argv[1])
scene.start(recorder)
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
frame = 0
while recorder.fault is None and frame < 120 * 600:
    recorder.add_trace(scene.trace(frame))
    frame += 1
    if frame % 120 == 0:
        recorder.append(scene.cue(frame - 12, frame))
        recorder.flush(0.5)
print(recorder.fault, flush=True)
recorder.append(scene.cue(frame, frame + 12))
if sys.argv[2] == "recovers":
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    print(recorder.flush(20.0), recorder.fault, flush=True)
else:
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))  # a new -wal file would have room
recorder.end_session("done", frame)
try:
    recorder.close()
except Exception as error:
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    print(type(error).__name__, error.exit_code, str(error))
print(frame, recorder.counts.n_faults)
"""


def check_integrity(data_dir):
    with closing(sqlite3.connect(data_dir / DATABASE_NAME)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


def test_a_kill_at_any_moment_loses_no_acknowledged_cue(data_dir, python):
    moment = random.Random(20240501)
    acknowledged = {}
    for _ in range(6):
        process = python(RECORD_UNTIL_KILLED, data_dir)
        lines = [process.stdout.readline()]
        time.sleep(moment.uniform(0.0, 0.3))
        process.kill()
        lines += process.stdout.read().splitlines()
        # the last line may have been cut by the kill
        complete = [line.split() for line in lines if len(line.split()) == 3][:-1]
        session_id = lines[0].split()[0]
        acknowledged[session_id] = [int(frame) for _, _, frame in complete]
    with LogReader(data_dir) as log:
        for session_id, frames in acknowledged.items():
            stored = {row[10] for row in log.cues(session_id)}
            assert stored.issuperset(frames)
        rows = list(log.sessions())
    assert {row[1] for row in rows} == {"interrupted"}
    assert all(row[5] > 0 for row in rows if acknowledged[row[0]])
    check_integrity(data_dir)


def test_a_kill_loses_at_most_a_second_of_signals(data_dir, python, scene):
    process = python(RECORD_UNTIL_KILLED, data_dir)
    frame = 0
    while frame < 500:
        *_, frame = map(int, process.stdout.readline().split()[1:])
    process.kill()
    with LogReader(data_dir) as log:
        (session_id,) = log.session_ids()
        frames = np.concatenate([block.frames for block in log.signal_blocks(session_id, 0)])
    np.testing.assert_array_equal(frames, np.arange(len(frames)))
    assert len(frames) >= frame + 1 - scene.fps


@pytest.mark.parametrize("outcome", ["recovers", "stays"])
def test_an_io_error_is_seen_and_left_again(data_dir, python, outcome):
    process = python(RECORD_UNDER_LIMIT, data_dir, outcome)
    lines, _ = process.communicate(timeout=60)
    fault, *rest = lines.splitlines()
    assert "disk I/O error" in fault
    n_frames, n_faults = map(int, rest[-1].split())
    assert n_faults == 1
    with LogReader(data_dir) as log:
        (row,) = log.sessions()
        session_id, n_cues = row[0], log.n_cues(row[0])
        blocks = list(log.signal_blocks(session_id, 0))
    if outcome == "recovers":
        assert rest[0] == "True None"
        assert row[1] == "finished"
        assert n_cues == n_frames // 120 + 1
        assert sum(len(block.frames) for block in blocks) == n_frames
    else:
        assert rest[0].startswith("LogUnwritten 74 ")
        assert "what was logged before is safe" in rest[0]
        assert row[1] == "interrupted"
        assert blocks
    check_integrity(data_dir)


def full_disk(n_pages):
    """Connections whose database may not grow beyond `n_pages`: SQLite says that the disk is full."""

    def connect(path):
        connection = connect_writer(path)
        connection.execute(f"PRAGMA max_page_count={n_pages()}")
        return connection

    return connect


@pytest.fixture
def limited(monkeypatch, scene, data_dir):
    """A recorder whose disk is full after `pages[0]` pages; the number may be changed."""
    pages = [60]
    recorder = scene.open(data_dir)
    monkeypatch.setattr(writer, "connect_writer", full_disk(lambda: pages[0]))
    monkeypatch.setattr(writer, "_RETRY_S", 0.01)
    # the connection it opened with knows no limit: make the first commit lose it
    recorder.writer._failed(sqlite3.OperationalError("database or disk is full"))
    yield recorder, pages
    recorder._lock.release()


def fill(scene, recorder, n_seconds=60):
    for frame in range(n_seconds * 120):
        recorder.add_trace(scene.trace(frame))
        if frame % 600 == 599:
            recorder.append(scene.cue(frame - 12, frame))
            recorder.flush(0.05)


def test_a_full_disk_is_said_and_what_fits_memory_is_written_when_space_returns(limited, scene, data_dir):
    recorder, pages = limited
    session_id = scene.start(recorder)
    fill(scene, recorder)
    assert "is full" in recorder.fault
    pages[0] = 100_000
    assert recorder.flush(20.0)
    assert recorder.fault is None
    recorder.end_session("done", 7200)
    recorder.close()
    with LogReader(data_dir) as log:
        assert len(list(log.cues(session_id))) == log.n_cues(session_id) == 12
        assert sum(len(block.frames) for block in log.signal_blocks(session_id, 0)) == 7200
    check_integrity(data_dir)


def test_a_disk_that_stays_full_ends_in_a_sentence_and_an_intact_log(limited, scene, data_dir):
    recorder, _ = limited
    scene.start(recorder)
    fill(scene, recorder)
    with pytest.raises(DiskFull, match=r"is full, so \d+ rows could not be written") as caught:
        recorder.close()
    assert caught.value.exit_code == 74
    with LogReader(data_dir) as log:
        (row,) = log.sessions()
        assert row[1] == "interrupted"
    check_integrity(data_dir)


def test_memory_is_bounded_while_the_disk_is_full_and_cues_outlast_signals(
    limited, scene, data_dir, monkeypatch
):
    recorder, pages = limited
    monkeypatch.setattr(writer, "_HELD_MAX_BYTES", 100_000)
    session_id = scene.start(recorder)
    fill(scene, recorder, n_seconds=120)
    assert recorder.counts.n_lost_rows > 0
    assert recorder.counts.n_waiting < 100
    pages[0] = 100_000
    assert recorder.flush(20.0)
    recorder.end_session("done", 120 * 120)
    with pytest.raises(LogUnwritten, match="the disk is full"):
        recorder.close()
    with LogReader(data_dir) as log:
        assert len(list(log.cues(session_id))) == 24
        (row,) = log.sessions()
    assert row[SESSION_COLUMNS.index("n_lost_rows")] == recorder.counts.n_lost_rows


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 1 MB of its own; needs root."""
    path = tmp_path / "small"
    path.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(path)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("a file system can only be mounted by root")
    yield path
    subprocess.run(["umount", str(path)], check=True)


def test_a_disk_that_fills_up_loses_nothing_that_was_committed(small_disk, scene):
    recorder = scene.open(small_disk)
    session_id = scene.start(recorder)
    n_acknowledged = 0
    for frame in range(240 * 120):
        recorder.add_trace(scene.trace(frame))
        if frame % 240 == 239 and recorder.fault is None:
            recorder.append(scene.cue(frame - 12, frame))
            n_acknowledged += recorder.flush(1.0)
    assert "is full" in recorder.fault
    with pytest.raises(DiskFull):
        recorder.close()
    with LogReader(small_disk) as log:
        assert n_acknowledged > 5
        assert len(list(log.cues(session_id))) >= n_acknowledged
    check_integrity(small_disk)


def test_a_disk_that_is_full_from_the_start_is_refused(small_disk, scene):
    (small_disk / "ballast").write_bytes(b"")
    with (small_disk / "ballast").open("wb") as ballast, pytest.raises(OSError, match="No space left"):
        ballast.write(bytes(2 * 2**20))
    with pytest.raises(DiskFull, match="nothing can be written"):
        scene.open(small_disk)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_bug_in_the_writer_is_seen(scene, recorder, data_dir):
    class Bug:
        def statements(self):
            raise TypeError("a bug")

    scene.start(recorder)
    recorder.writer.put(Bug(), 0.0)
    recorder.flush(0.5)
    assert recorder.fault == "the log writer stopped on a bug"
    recorder.append(scene.cue(1, 2))
    with pytest.raises(LogUnwritten, match="stopped on a bug"):
        recorder.close()
    with LogReader(data_dir) as log:
        assert log.n_cues(log.resolve("latest")) == 1


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_writer_whose_thread_died_goes_on_in_another_with_all_that_was_handed_in(
    scene, recorder, monkeypatch
):
    scene.start(recorder)
    assert recorder.flush(20)
    assert recorder.writer.is_alive

    def bug():
        raise MemoryError

    monkeypatch.setattr(recorder.writer, "_progress", bug)
    recorder.append(scene.cue(1, 2))
    recorder.writer._thread.join(20)
    assert not recorder.writer.is_alive
    recorder.append(scene.cue(3, 4))
    monkeypatch.undo()
    recorder.writer.revive()
    assert recorder.flush(20)
    assert recorder.fault is None
    assert recorder.counts.n_lost_rows == 0
    recorder.close()
    with LogReader(recorder._path.parent) as log:
        assert log.n_cues(log.resolve("latest")) == 2
