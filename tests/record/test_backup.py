"""A backup is whole, checked, and made while a run writes."""

import os
import shutil
import sqlite3
import time
from contextlib import closing

import pytest

from edge.config import RecordConfig
from edge.record import backup
from edge.record.backup import back_up, backups, is_due
from edge.record.errors import BackupFailed
from edge.record.keeper import tidied
from edge.record.reading import LogReader
from edge.record.schema import DATABASE_NAME


@pytest.fixture
def running(scene, recorder):
    """A recorder in the middle of a session with a cue and three seconds of signals."""
    scene.start(recorder)
    recorder.append(scene.found(0))
    for frame in range(360):
        recorder.add_trace(scene.trace(frame))
    recorder.append(scene.cue(100, 112))
    assert recorder.flush(10.0)
    return recorder


def rows(path, table):
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()


def test_a_backup_has_what_the_log_has_also_while_it_is_written_to(running, data_dir):
    copy = back_up(data_dir)
    for table in ("sessions", "cues", "signal_blocks", "clock_offsets"):
        assert rows(copy, table) == rows(data_dir / DATABASE_NAME, table) != []
    assert copy.stat().st_mode & 0o077 == 0
    assert copy.parent.stat().st_mode & 0o077 == 0


def test_a_backup_is_a_log_that_can_be_read_and_recorded_into(running, data_dir, tmp_path, scene):
    running.end_session("done", 360)
    running.flush(10.0)
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(back_up(data_dir), other / DATABASE_NAME)
    recorder = scene.open(other)
    scene.start(recorder)
    recorder.close()
    with LogReader(other) as log:
        assert len(log.session_ids()) == 2


def test_a_new_backup_takes_the_place_of_the_old_one(running, data_dir, monkeypatch):
    first = back_up(data_dir)
    moved = first.rename(first.with_name("microcue-20200101-000000.db"))
    assert backups(data_dir) == [moved]
    second = back_up(data_dir)
    assert backups(data_dir) == [second]
    assert sorted(path.name for path in second.parent.iterdir()) == [second.name]


def test_a_copy_that_is_not_right_never_counts_and_the_old_one_stays(running, data_dir, monkeypatch):
    old = back_up(data_dir).rename(data_dir / backup.BACKUP_DIR / "microcue-20200101-000000.db")

    def damaged_after_writing(path):
        if path.suffix == ".part":
            with path.open("r+b") as file:
                file.seek(4096 * 3)
                file.write(os.urandom(4096 * 6))

    monkeypatch.setattr(backup, "_sync", damaged_after_writing)
    with pytest.raises(BackupFailed, match="older backups are still there"):
        back_up(data_dir)
    assert [path.name for path in old.parent.iterdir()] == [old.name]


def test_no_backup_is_begun_where_it_would_fill_the_disk(running, data_dir, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9 - 10**6, 10**6))
    with pytest.raises(BackupFailed, match="1 MB are free"):
        back_up(data_dir)
    (statement,) = tidied(data_dir, RecordConfig(), 0, True)
    assert statement.values[1] == "backup failed"
    assert list((data_dir / backup.BACKUP_DIR).iterdir()) == []


def test_what_a_kill_left_behind_is_cleared_away(running, data_dir):
    folder = data_dir / backup.BACKUP_DIR
    folder.mkdir()
    (folder / "microcue-20200101-000000.part").write_bytes(b"half")
    assert list(folder.iterdir()) != [back_up(data_dir)]
    assert [path.suffix for path in folder.iterdir()] == [".db"]


def test_a_backup_is_due_when_there_is_none_an_old_one_or_one_from_the_future(running, data_dir):
    assert is_due(data_dir, 24.0)
    copy = back_up(data_dir)
    assert not is_due(data_dir, 24.0)
    for hours, due in ((-23.9, False), (-24.1, True), (5.0, True)):
        moment = time.time() + hours * 3600
        os.utime(copy, (moment, moment))
        assert is_due(data_dir, 24.0) == due
    assert not is_due(data_dir, 0.0)
    assert not is_due(data_dir / "absent", 24.0)


def test_tidying_makes_the_backup_that_is_due(running, data_dir):
    assert tidied(data_dir, RecordConfig(backup_hours=0.0), 0, True) == []
    assert backups(data_dir) == []
    assert tidied(data_dir, RecordConfig(), 0, True) == []
    assert len(backups(data_dir)) == 1
