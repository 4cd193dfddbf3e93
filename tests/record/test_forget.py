"""What is forgotten is gone from every file; what retention takes is what its rules say."""

import os
import shutil
import sqlite3
import time
from contextlib import closing
from dataclasses import replace

import pytest

from edge.config import RecordConfig
from edge.record import retention
from edge.record.backup import back_up, backups
from edge.record.errors import NotForgotten, SalvagePending, SessionRunning
from edge.record.forget import forget, participants, sessions_of
from edge.record.reading import LogReader
from edge.record.retention import apply_retention
from edge.record.salvage import set_aside
from edge.record.schema import DATABASE_NAME

CODES = ("KESTREL-0042", "KESTREL-0043")


def record_sessions(scene, data_dir, codes=CODES, n_seconds=20, alike=False):
    """One session for each code, with cues, signals and traces; the last one may be left running."""
    recorder = scene.open(data_dir)
    ids = []
    for n, code in enumerate(codes):
        offset_ns = (1_700_000_000 + 86400 * n) * 10**9
        info = scene.info(participant=code)
        ids.append(recorder.start_session(info, scene.first_frame_ns, offset_ns, True))
        recorder.append(scene.found(0))
        for frame in range(n_seconds * 120):
            # other bytes in each session, so that they can be told apart; not where one file is watched twice
            trace, factor = scene.trace(frame), 1 if alike else n + 1
            recorder.add_trace(replace(trace, codes=trace.codes * factor, points=trace.points * factor))
            if frame % 120 == 119:
                recorder.append(scene.cue(frame - 12, frame))
        recorder.end_session("done", n_seconds * 120)
    recorder.flush(30.0)
    return recorder, ids


@pytest.fixture
def ids(scene, data_dir):
    """Two finished sessions of two people, and a backup of them."""
    recorder, ids = record_sessions(scene, data_dir)
    recorder.close()
    back_up(data_dir)
    return ids


def blobs_of(data_dir, session_id):
    """Every signal and trace of a session, as stored."""
    sql = "SELECT {} FROM {} JOIN sessions USING (session_key) WHERE session_id = ?"
    with closing(sqlite3.connect(data_dir / DATABASE_NAME)) as connection:
        codes = connection.execute(sql.format("codes", "signal_blocks"), (session_id,)).fetchall()
        points = connection.execute(sql.format("points", "point_lights"), (session_id,)).fetchall()
    return [row[0] for row in codes + points]


def files_with(data_dir, sample):
    return [path for path in data_dir.rglob("*") if path.is_file() and sample in path.read_bytes()]


def samples(blobs):
    """24 bytes from several places of each: what a page may have kept of it."""
    return {blob[at : at + 24] for blob in blobs for at in range(30, len(blob) - 24, 400)}


def test_a_person_is_gone_from_every_byte_of_every_file(ids, data_dir):
    gone = samples(blobs_of(data_dir, ids[0]))
    assert all(files_with(data_dir, sample) for sample in gone)
    assert len(files_with(data_dir, CODES[0].encode())) == 2  # log and backup
    done = forget(data_dir, sessions_of(data_dir, CODES[0]), [CODES[0]])
    assert (done.n_sessions, done.has_backup) == (1, True)
    assert done.n_rows > 60
    assert files_with(data_dir, CODES[0].encode()) == []
    assert files_with(data_dir, ids[0].encode()) == []
    assert [sample for sample in gone if files_with(data_dir, sample)] == []
    # the other one is whole, in the log and in its backup
    assert participants(data_dir) == [CODES[1]]
    assert len(files_with(data_dir, CODES[1].encode())) == 2
    with LogReader(data_dir) as log:
        assert log.session_ids() == [ids[1]]
        assert len(list(log.cues(ids[1]))) == 20
        assert sum(len(block.frames) for block in log.signal_blocks(ids[1], 0)) == 2400


def test_one_of_two_sessions_of_the_same_recording_is_forgotten(scene, data_dir):
    recorder, ids = record_sessions(scene, data_dir, n_seconds=5, alike=True)
    recorder.close()
    stays = blobs_of(data_dir, ids[1])
    assert blobs_of(data_dir, ids[0]) == stays
    done = forget(data_dir, [ids[0]])
    assert done.n_searched == 1  # its name alone: its bytes are the other's as well
    assert files_with(data_dir, ids[0].encode()) == []
    assert blobs_of(data_dir, ids[1]) == stays


def test_a_session_is_forgotten_while_another_is_recorded(scene, data_dir, ids):
    gone = samples(blobs_of(data_dir, ids[0]))
    recorder = scene.open(data_dir)
    running = scene.start(recorder)
    recorder.append(scene.cue(10, 20))
    assert recorder.flush(10.0)
    forget(data_dir, [ids[0]])
    recorder.append(scene.cue(30, 40))
    assert recorder.flush(10.0)
    assert recorder.fault is None
    assert [sample for sample in gone if files_with(data_dir, sample)] == []
    with pytest.raises(SessionRunning, match="end that run first"):
        forget(data_dir, [running])
    recorder.close()
    with LogReader(data_dir) as log:
        assert len(list(log.cues(running))) == 2


def test_what_a_reader_holds_back_is_said_and_cleared_away_by_the_next_run(data_dir, ids, scene, monkeypatch):
    monkeypatch.setattr("edge.record.erase._CHECKPOINT_PATIENCE_S", 0.2)
    with LogReader(data_dir) as log:
        rows = log.cues(ids[0])
        next(rows)  # a read transaction that stands open
        with pytest.raises(NotForgotten, match="end what reads the log"):
            forget(data_dir, [ids[0]])
        rows.close()
    assert files_with(data_dir, ids[0].encode()) != []
    scene.open(data_dir).close()
    assert files_with(data_dir, ids[0].encode()) == []


def test_a_salvaged_log_goes_too_and_one_that_waits_is_refused(data_dir, ids, scene):
    set_aside(data_dir / DATABASE_NAME)
    with pytest.raises(SalvagePending, match="nothing was deleted"):
        forget(data_dir, [ids[0]])
    scene.open(data_dir).close()
    assert len(list(data_dir.glob("*.salvaged"))) == 1
    forget(data_dir, [ids[0]], [CODES[0]])
    assert files_with(data_dir, CODES[0].encode()) == []
    assert list(data_dir.glob("*.salvaged*")) == []


def test_a_backup_that_finds_no_room_is_deleted_rather_than_left(data_dir, ids, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9 - 10**6, 10**6))
    assert not forget(data_dir, [ids[0]]).has_backup
    assert backups(data_dir) == []


@pytest.fixture
def three(scene, data_dir):
    """Three sessions on three days, from 2023-11-14 on."""
    recorder, ids = record_sessions(scene, data_dir, ("P1", "P2", "P3"), n_seconds=5)
    recorder.close()
    return ids


def left(data_dir):
    with LogReader(data_dir) as log:
        return log.session_ids()


def days_since(day):
    """Such an age that sessions up to the end of that day of the three are older."""
    return (time.time() - 1_700_000_000 - 5000) / 86400 - day - 0.5


@pytest.mark.parametrize(
    ("config", "n_left"),
    [
        (RecordConfig, 3),
        (lambda: RecordConfig(keep_days=days_since(-1)), 3),
        (lambda: RecordConfig(keep_days=days_since(0)), 2),
        (lambda: RecordConfig(keep_days=days_since(1)), 1),
        (lambda: RecordConfig(keep_days=days_since(2)), 0),
        (lambda: RecordConfig(keep_sessions=3), 3),
        (lambda: RecordConfig(keep_sessions=1), 1),
        (lambda: RecordConfig(keep_gb=1.0), 3),
        (lambda: RecordConfig(keep_gb=1e-9), 0),
    ],
)
def test_each_rule_takes_the_oldest(three, data_dir, config, n_left):
    removed = apply_retention(data_dir, config(), 0, is_clock_right=True)
    assert left(data_dir) == three[3 - n_left :]
    assert [one.session_id for one in removed] == three[: 3 - n_left]


def test_space_is_freed_only_as_far_as_it_has_to_be(three, data_dir):
    with closing(sqlite3.connect(data_dir / DATABASE_NAME)) as connection:
        used = retention.used_bytes(connection)
    apply_retention(data_dir, RecordConfig(keep_gb=(used - 1) / 1e9), 0, is_clock_right=True)
    assert left(data_dir) == three[1:]


def test_a_kept_session_and_the_running_one_stay(three, data_dir):
    with closing(sqlite3.connect(data_dir / DATABASE_NAME)) as connection, connection:
        connection.execute("UPDATE sessions SET kept = 1 WHERE session_id = ?", (three[0],))
    apply_retention(data_dir, RecordConfig(keep_gb=1e-9), 3, is_clock_right=True)
    assert left(data_dir) == [three[0], three[2]]


def test_nothing_is_too_old_while_the_clock_may_be_wrong(three, data_dir):
    apply_retention(data_dir, RecordConfig(keep_days=1.0), 0, is_clock_right=False)
    assert left(data_dir) == three
    apply_retention(data_dir, RecordConfig(keep_sessions=2), 0, is_clock_right=False)
    assert left(data_dir) == three[1:]


def test_what_retention_took_is_gone_from_the_backup_too(ids, data_dir):
    apply_retention(data_dir, RecordConfig(keep_sessions=1), 0, is_clock_right=True)
    assert files_with(data_dir, ids[0].encode()) == []
    assert len(backups(data_dir)) == 1


def test_an_old_salvaged_log_is_removed(data_dir, ids):
    old, new = (data_dir / f"microcue-{n}.salvaged" for n in (1, 2))
    for path, days in ((old, 31), (new, 29)):
        path.write_bytes(b"x")
        moment = time.time() - days * 86400
        os.utime(path, (moment, moment))
    apply_retention(data_dir, RecordConfig(), 0, is_clock_right=True)
    assert [path.exists() for path in (old, new)] == [False, True]
