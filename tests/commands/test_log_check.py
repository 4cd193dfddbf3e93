"""The doctor's line on the log, and `microcue backup`."""

import json
import os
import time

import pytest

from edge.cli import main
from edge.commands.log_check import check_log
from edge.config import RecordConfig
from edge.messages import Cue, SessionInfo, SourceInfo
from edge.record.lock import DataDirLock
from edge.record.recorder import Recorder
from edge.record.salvage import set_aside
from edge.record.schema import DATABASE_NAME


@pytest.fixture
def data_dir(tmp_path):
    """A log with one session."""
    recorder = Recorder.open(tmp_path, RecordConfig(), 4)
    source = SourceInfo("scripted", 640, 480, 120.0, "sensor", live=False)
    recorder.start_session(SessionInfo(source, "P01"), 0, None, False)
    recorder.append(make_cue())
    recorder.close()
    return tmp_path


def make_cue():
    times = (10**9, 11 * 10**8, 12 * 10**8, 120, 132, 144)
    return Cue(
        *(0, "micro", *times, 8.3, ("mouth",), ("lips_part",), "left", 2.0, 6.0, 0.1, 1.0, 120.0, 0),
        *(False, False, "ok"),
    )


def test_a_log_without_trouble_is_ok(data_dir):
    finding = check_log(data_dir, 24.0)
    assert (finding.level, finding.found.split(",")[0]) == ("ok", "1 session")


def test_what_a_run_cannot_write_is_a_failure_here_too(data_dir):
    lock = DataDirLock(data_dir)
    lock.tell("microcue.db cannot be written: the disk is full")
    finding = check_log(data_dir, 24.0)
    assert (finding.level, finding.exit_code) == ("fail", 74)
    assert "the disk is full" in finding.found
    lock.tell("")
    assert check_log(data_dir, 24.0).level == "ok"
    lock.release()


def test_sessions_says_what_a_run_cannot_write(data_dir, caplog):
    lock = DataDirLock(data_dir)
    lock.tell("microcue.db cannot be written: the disk is full")
    assert main(["sessions", "--data", str(data_dir)]) == 0
    lock.release()
    assert "the disk is full" in caplog.text


def test_a_damaged_log_is_said_until_its_rows_are_carried_over_and_lately_after(data_dir):
    set_aside(data_dir / DATABASE_NAME)
    Recorder.open(data_dir / "other", RecordConfig(), 4).close()
    (data_dir / "other" / DATABASE_NAME).rename(data_dir / DATABASE_NAME)
    assert "not carried over yet" in check_log(data_dir, 24.0).found
    Recorder.open(data_dir, RecordConfig(), 4).close()
    finding = check_log(data_dir, 24.0)
    assert finding.level == "warn"
    assert "salvaged lately: " in finding.found
    assert "not carried over" not in finding.found


def test_backup_makes_one_and_doctor_says_when_it_grew_old(data_dir, capsys):
    assert main(["backup", "--json", "--data", str(data_dir)]) == 0
    path = json.loads(capsys.readouterr().out)["backup"]
    assert check_log(data_dir, 24.0).level == "ok"
    old_s = time.time() - 5 * 24 * 3600
    os.utime(path, (old_s, old_s))
    finding = check_log(data_dir, 24.0)
    assert (finding.level, "5 days old" in finding.found) == ("warn", True)
    assert check_log(data_dir, 0.0).level == "ok"


def test_backup_without_a_log_is_a_sentence(tmp_path, capsys):
    assert main(["backup", "--data", str(tmp_path)]) == 74
    assert "cannot be read" in capsys.readouterr().err
