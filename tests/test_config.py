"""Settings: what is read, what is refused and in which words."""

from __future__ import annotations

import os
import sys
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import edge.config
from edge.config import (
    Config,
    as_tables,
    changed,
    data_dir,
    found_file,
    load_config,
    with_overrides,
)
from edge.config_text import to_toml
from edge.errors import ConfigError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@pytest.fixture(autouse=True)
def machine(tmp_path, monkeypatch):
    """A machine without settings: the person's and the system's file may be made below it."""
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    monkeypatch.setattr(edge.config, "SYSTEM_FILE", tmp_path / "etc" / "microcue.toml")
    return tmp_path


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_without_a_file_every_setting_has_its_default():
    assert load_config() == Config()
    assert found_file() is None


def test_the_file_named_wins_over_the_person_s_and_that_over_the_system_s(machine):
    system = write(edge.config.SYSTEM_FILE, "[spot]\nlearning_s = 5\n[capture]\nfps = 100\n")
    assert load_config().spot.learning_s == 5.0
    own = write(machine / "xdg_config_home" / "microcue" / "microcue.toml", "[spot]\nlearning_s = 6\n")
    assert found_file() == own
    assert load_config().spot.learning_s == 6.0
    assert load_config().capture.fps == 0.0, "files are not merged"
    named = write(machine / "named.toml", "[spot]\nlearning_s = 7\n")
    assert load_config(named).spot.learning_s == 7.0
    assert load_config(system).capture.fps == 100.0


def test_overrides_win_over_the_file_and_none_means_not_given(machine):
    named = write(machine / "named.toml", "[capture]\nfps = 100\ncamera = 'demo'\n")
    config = load_config(named, {"capture": {"fps": 30, "camera": None}})
    assert (config.capture.fps, config.capture.camera) == (30.0, "demo")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[spott]\n", r"\[spott\] is not a section; did you mean spot\?"),
        ("[spot]\nmakro = true\n", r"spot.makro is not a setting; did you mean macro\?"),
        (
            "[spot]\nzzz = true\n",
            r"spot.zzz is not a setting; known: accepted_false_per_hour, learning_s, macro",
        ),
        ("spot = 3\n", r"expected the section \[spot\], found spot = 3"),
        ("[spot]\nmacro = 1\n", r"spot.macro expects true or false, found 1"),
        ("[capture]\nfps = true\n", r"capture.fps expects a number from 0 to 1000, found True"),
        ("[capture]\nfps = 'fast'\n", r"capture.fps expects a number from 0 to 1000, found 'fast'"),
        ("[capture]\nfps = nan\n", r"capture.fps expects a number from 0 to 1000, found nan"),
        ("[capture]\nfps = 1001\n", r"capture.fps expects a number from 0 to 1000, found 1001"),
        ("[capture]\nwidth = 640.0\n", r"capture.width expects a whole number from 16 to 8192, found 640.0"),
        ("[perceive]\nfaces = 0\n", r"perceive.faces expects a whole number from 1 to 4, found 0"),
        (
            "[perceive]\nruntime = 'onnx'\n",
            r"perceive.runtime expects one of auto, litert, tflite, found 'onnx'",
        ),
        ("[perceive]\ndetector = '../x'\n", r"perceive.detector expects .*, found '../x'"),
        ("[indicate]\nled = 'gpio:'\n", r"indicate.led expects auto, gpio:N.*, found 'gpio:'"),
        ("[session]\nparticipant = 'Anna M'\n", r"session.participant expects a code .*, found 'Anna M'"),
        ("[spot]\nmacro = \n", r"expected TOML, found: Invalid value \(at line 2, column 9\)"),
    ],
)
def test_a_wrong_file_is_refused_in_one_sentence_that_names_it(machine, text, sentence):
    named = write(machine / "named.toml", text)
    with pytest.raises(ConfigError, match=sentence) as caught:
        load_config(named)
    assert str(caught.value).startswith((f"{named}: ", f"expected a settings file at {named}"))
    assert caught.value.exit_code == 78
    assert "\n" not in str(caught.value)


def test_a_whole_number_is_accepted_for_a_number(machine):
    assert type(load_config(write(machine / "a.toml", "[spot]\nlearning_s = 4\n")).spot.learning_s) is float


def test_a_missing_file_is_refused_only_where_it_was_named(machine):
    with pytest.raises(ConfigError, match=r"gone.toml, found none that can be read \(No such file"):
        load_config(machine / "gone.toml")


def test_a_directory_is_no_settings_file(machine):
    with pytest.raises(ConfigError, match="Is a directory"):
        load_config(machine)


@pytest.mark.parametrize("line_ending", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_files_from_windows_editors_are_read(machine, mark, line_ending):
    named = machine / "windows.toml"
    named.write_bytes(mark + line_ending.join(["[capture]", "fps = 50", ""]).encode())
    assert load_config(named).capture.fps == 50.0


def test_text_that_is_not_utf_8_is_refused(machine):
    named = machine / "latin.toml"
    named.write_bytes(b"# gr\xfc\xdfe\n")
    with pytest.raises(ConfigError, match="expected UTF-8 text, found byte 4"):
        load_config(named)


def test_a_huge_file_is_refused_before_it_is_parsed(machine):
    named = machine / "huge.toml"
    named.write_bytes(b"#" * (edge.config.FILE_MAX_BYTES + 1))
    with pytest.raises(ConfigError, match="1000001"):
        load_config(named)


def test_the_printed_settings_read_back_the_same(machine):
    named = write(machine / "printed.toml", to_toml(as_tables(Config())))
    assert load_config(named) == Config()


@given(camera=st.text(min_size=1))
def test_any_text_survives_being_printed(camera):
    config = with_overrides(Config(), {"capture": {"camera": camera}})
    assert tomllib.loads(to_toml(as_tables(config)))["capture"]["camera"] == camera


@given(learning_s=st.floats(0.5, 60), width=st.integers(16, 8192), macro=st.booleans())
def test_numbers_survive_being_printed(learning_s, width, macro):
    overrides = {"spot": {"learning_s": learning_s, "macro": macro}, "capture": {"width": width}}
    config = with_overrides(Config(), overrides)
    assert with_overrides(Config(), tomllib.loads(to_toml(as_tables(config)))) == config


def test_changed_shows_only_what_differs():
    assert changed(Config()) == {}
    assert changed(with_overrides(Config(), {"spot": {"macro": False}})) == {"spot": {"macro": False}}


@pytest.mark.parametrize("section", [field.name for field in fields(Config)])
def test_every_setting_has_a_sentence_and_every_number_a_range(section):
    for item in fields(getattr(Config(), section)):
        default = getattr(getattr(Config(), section), item.name)
        assert len(item.metadata["doc"]) > 10
        if type(default) in (int, float):
            assert item.metadata["low"] <= default <= item.metadata["high"]


def test_every_default_passes_its_own_check():
    assert with_overrides(Config(), as_tables(Config())) == Config()


def test_the_log_lives_where_named_else_with_the_service_else_with_the_person(machine, monkeypatch):
    assert data_dir(Path("here")) == Path("here")
    assert data_dir() == machine / "xdg_data_home" / "microcue"
    monkeypatch.setenv("STATE_DIRECTORY", os.pathsep.join(["/var/lib/microcue", "/var/lib/other"]))
    assert data_dir() == Path("/var/lib/microcue")
    assert data_dir(Path("here")) == Path("here")
