"""`microcue config`: what it prints can be saved and read back."""

from __future__ import annotations

import json

import pytest

from edge.cli import main
from edge.config import Config, as_tables, load_config


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """An empty home."""
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    return tmp_path


@pytest.fixture
def settings_file(home):
    """A file with one setting that differs from its default and one that does not."""
    path = home / "some.toml"
    path.write_text("[capture]\nfps = 90\nwidth = 640\n", encoding="utf-8")
    return path


def test_config_prints_a_file_that_reads_back(home, settings_file, capsys):
    assert main(["config", "--config", str(settings_file)]) == 0
    saved = home / "saved.toml"
    saved.write_text(capsys.readouterr().out, encoding="utf-8")
    assert load_config(saved) == load_config(settings_file)


def test_config_prints_the_meaning_and_the_range_of_each_setting(capsys):
    main(["config"])
    lines = capsys.readouterr().out.splitlines()
    above = lines[lines.index("width = 640") - 1]
    assert above == "# picture width asked of a camera, px; a whole number from 16 to 8192"


def test_changed_prints_only_what_differs(settings_file, capsys):
    main(["config", "--changed", "--config", str(settings_file)])
    lines = [line for line in capsys.readouterr().out.splitlines() if not line.startswith("#")]
    assert lines == ["[capture]", "fps = 90.0"]


def test_json_has_the_same_values(capsys):
    main(["config", "--json"])
    assert json.loads(capsys.readouterr().out) == as_tables(Config())


def test_changed_json_is_json_even_where_nothing_differs(capsys):
    main(["config", "--changed", "--json"])
    assert json.loads(capsys.readouterr().out) == {}
