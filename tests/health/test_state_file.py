"""The file beside the log that says how a run is."""

from __future__ import annotations

import os

import pytest

from edge.health.state_file import STATE_NAME, StateFile, read_state


def test_what_is_written_last_is_read_and_the_size_stays(tmp_path):
    file = StateFile(tmp_path)
    file.write({"fps": 120.0, "words": "ü" * 500})
    size = (tmp_path / STATE_NAME).stat().st_size
    file.write({"fps": 60.0})
    assert read_state(tmp_path) == {"fps": 60.0}
    assert (tmp_path / STATE_NAME).stat().st_size == size
    assert (tmp_path / STATE_NAME).stat().st_mode & 0o777 == 0o600


def test_a_run_that_has_ended_leaves_no_state(tmp_path):
    file = StateFile(tmp_path)
    file.write({})
    file.close()
    file.close()
    assert list(tmp_path.iterdir()) == []
    assert read_state(tmp_path) is None


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[1]", b"\x00" * 4096])
def test_what_cannot_be_understood_is_no_state(tmp_path, content):
    (tmp_path / STATE_NAME).write_bytes(content)
    assert read_state(tmp_path) is None


def test_a_state_that_cannot_be_written_is_counted_and_nothing_else(tmp_path):
    file = StateFile(tmp_path / "none")
    file.write({"fps": 1.0})
    assert file.n_refused == 1
    full = StateFile(tmp_path)
    full.write({"much": "x" * 5000})
    assert full.n_refused == 1
    full.close()


def test_a_full_disk_is_counted(tmp_path, monkeypatch):
    file = StateFile(tmp_path)
    file.write({"fps": 1.0})

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    file.write({"fps": 2.0})
    assert file.n_refused == 1
    monkeypatch.undo()
    assert read_state(tmp_path) == {"fps": 1.0}
    file.close()
