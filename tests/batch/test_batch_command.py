"""`microcue batch`: which videos, into which tables, and what it says where some cannot be watched."""

from __future__ import annotations

import csv
import json
import sys

import pytest
from pyarrow import parquet

from edge.batch.tables import ROW_COLUMNS, VIDEO_COLUMNS
from edge.cli import main
from edge.config_text import to_toml
from edge.errors import EXIT_CONFIG, EXIT_DONE, EXIT_INPUT_OUTPUT, EXIT_USAGE
from edge.record.cue_rows import CUE_COLUMNS


@pytest.fixture
def settings(tmp_path):
    """A settings file under which two movements in five seconds are found."""
    path = tmp_path / "settings.toml"
    path.write_text(to_toml({"spot": {"learning_s": 1.0, "accepted_false_per_hour": 60.0}}))
    return str(path)


def test_videos_of_a_list_come_as_two_tables_and_a_second_time_from_what_is_kept(
    video, settings, tmp_path, capsys, monkeypatch
):
    named = tmp_path / "videos.txt"
    named.write_text(f"{video}\n\n{tmp_path / 'absent.mkv'}\n")
    command = ["batch", "--list", str(named), "--config", settings, "--workers", "1", "--blinks"]
    output = tmp_path / "out"
    assert main([*command, "--output", str(output)]) == EXIT_INPUT_OUTPUT
    told = capsys.readouterr()
    assert "rows of 1 videos written" in told.out
    assert "expected to watch 2 videos, 1 could not be" in told.err
    rows = parquet.read_table(output / "cues.parquet")
    assert tuple(rows.schema.names) == ROW_COLUMNS == ("video", *CUE_COLUMNS)
    assert set(rows["kind"].to_pylist()) == {"micro", "blink"}
    about = parquet.read_table(output / "videos.parquet").to_pylist()
    assert tuple(about[0]) == VIDEO_COLUMNS
    assert [(row["n_frames"], row["n_micro"] >= 2, bool(row["error"])) for row in about] == [
        (300, True, False),
        (0, False, True),
    ]
    monkeypatch.setattr("edge.batch.watcher.Watcher.watch", lambda *_: pytest.fail("it is done already"))
    named.write_text(f"{video}\n")
    assert main([*command, "--output", str(output), "--format", "csv", "--json"]) == EXIT_DONE
    assert json.loads(capsys.readouterr().out) == {
        "output": str(output), "n_videos": 1, "n_failed": 0, "n_cues": len(rows)
    }  # fmt: skip
    with (output / "cues.csv").open(newline="") as file:
        written = [float(row["onset_s"]) for row in csv.DictReader(file)]
    assert written == rows["onset_s"].to_pylist()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "expected videos, found none"),
        (["--list", "/nowhere/list.txt"], "--list expected a file of paths"),
        (["a.mkv", "--workers", "0"], "'0' should be a whole number from 1"),
    ],
)
def test_what_does_not_go_together_is_a_usage_error(words, sentence, tmp_path, capsys):
    try:
        code = main(["batch", *words, "--output", str(tmp_path / "out")])
    except SystemExit as ended:
        code = ended.code
    assert code == EXIT_USAGE
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize("table", [{"consent_required": True}, {"mode": "kiosk"}])
def test_where_consent_is_asked_for_nobody_is_watched_in_a_batch(table, tmp_path, capsys):
    path = tmp_path / "settings.toml"
    path.write_text(to_toml({"session": table}))
    assert main(["batch", "a.mkv", "--config", str(path), "--output", str(tmp_path / "out")]) == EXIT_USAGE
    assert "which batch cannot know of" in capsys.readouterr().err


def test_a_machine_without_pyarrow_is_told_before_the_work(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert main(["batch", "a.mkv", "--output", str(tmp_path / "out")]) == EXIT_CONFIG
    assert "microcue[batch]" in capsys.readouterr().err
