"""The command line from outside: help, exit codes, and one sentence for each failure."""

from __future__ import annotations

import argparse
import ast
import os
import re
import subprocess
import sys
import types
from pathlib import Path

import pytest

import edge.cli
from edge import __version__
from edge.cli import COMMANDS, Command, main
from edge.errors import ConfigError, DeviceAbsent, RecordError, UsageError


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """An empty home."""
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    return tmp_path


@pytest.fixture
def play(monkeypatch):
    """Make `microcue play` do what a test says, instead of a real command."""

    def install(action):
        module = types.ModuleType("edge.commands.play")

        def register(subparsers):
            parser = subparsers.add_parser("play")
            parser.add_argument("--loud", action="store_true")
            parser.set_defaults(run=action)

        module.register = register
        monkeypatch.setitem(sys.modules, "edge.commands.play", module)
        monkeypatch.setitem(COMMANDS, "play", Command("play", "plays"))

    return install


def failing(error):
    def run(arguments, context):
        raise error

    return run


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example_and_the_common_options(name, capsys):
    with pytest.raises(SystemExit) as caught:
        main([name, "--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    assert f"microcue {name}" in text.split("xample", 1)[1], "no example"
    for option in ("--config FILE", "--data DIR", "--json", "-v", "-q"):
        assert option in text


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_names_what_runs_it(name):
    parser = edge.cli.build_parser(name)
    subparsers = next(a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    assert callable(subparsers.choices[name].get_default("run"))


def test_help_lists_every_command(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    text = capsys.readouterr().out
    for name, command in COMMANDS.items():
        assert name in text
        assert command.summary in text


def test_the_version_is_the_package_s(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out.strip() == f"microcue {__version__}"


@pytest.mark.parametrize(
    "words", [[], ["nonsense"], ["config", "--nonsense"], ["--config"], ["config", "extra"]]
)
def test_a_wrong_command_line_is_usage(words, capsys):
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2
    assert "usage: microcue" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("expected this, found that; do so"), 2),
        (DeviceAbsent("expected this, found that; do so"), 69),
        (RecordError("expected this, found that; do so"), 74),
        (ConfigError("expected this, found that; do so"), 78),
    ],
)
def test_a_failure_is_one_sentence_and_its_exit_code(play, capsys, error, code):
    play(failing(error))
    assert main(["play"]) == code
    assert capsys.readouterr().err == "microcue: expected this, found that; do so\n"


def test_verbose_adds_the_traceback(play, capsys):
    play(failing(RecordError("expected this")))
    assert main(["play", "-v"]) == 74
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_what_nobody_foresaw_is_called_a_bug(play, capsys):
    play(failing(ZeroDivisionError("division by zero")))
    assert main(["play"]) == 70
    printed = capsys.readouterr().err
    assert printed.startswith("microcue: this is a bug in microcue (ZeroDivisionError: division by zero)")
    assert "Traceback" not in printed


def test_a_failure_of_the_system_is_input_output(play, capsys):
    play(failing(OSError(28, "No space left on device")))
    assert main(["play"]) == 74
    assert "No space left on device" in capsys.readouterr().err


def test_ctrl_c_is_quiet(play, capsys):
    play(failing(KeyboardInterrupt()))
    assert main(["play"]) == 130
    assert capsys.readouterr().err == ""


def test_the_command_gets_its_settings_and_place(play, home):
    seen = {}

    def run(arguments, context):
        seen.update(loud=arguments.loud, context=context)
        return 0

    play(run)
    (home / "a.toml").write_text("[spot]\nmacro = false\n")
    words = ["play", "--loud", "--config", str(home / "a.toml"), "--data", str(home / "d"), "--json", "-vv"]
    assert main(words) == 0
    assert seen["loud"]
    assert seen["context"].config.spot.macro is False
    assert (seen["context"].data_dir, seen["context"].json, seen["context"].verbosity) == (
        home / "d",
        True,
        2,
    )


def test_a_wrong_settings_file_ends_any_command_with_78(play, home, capsys):
    play(failing(AssertionError("must not run")))
    assert main(["play", "--config", str(home / "gone.toml")]) == 78
    assert "expected a settings file" in capsys.readouterr().err


def test_a_reader_that_has_had_enough_is_no_failure():
    script = f"{sys.executable} -m edge.cli config --json | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True, env=os.environ)
    assert done.stdout.strip() == "0"
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("words", "hints"),
    [
        (["sesions"], ["no command 'sesions'", "did you mean sessions?"]),
        (["zzz"], ["no command 'zzz'", "--help lists what there is"]),
        (["cues", "--blink-s"], ["usage: microcue cues ", "did you mean --blinks?"]),
        (["export", "--ouptut=x.csv"], ["usage: microcue export ", "did you mean --output?"]),
        (["cues", "one", "two"], ["usage: microcue cues ", "cues takes no 'two'\n"]),
        (["--json", "cues"], ["microcue cues --json"]),
    ],
)
def test_what_is_misspelt_is_answered_with_the_nearest(words, hints, capsys):
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2
    printed = capsys.readouterr().err
    assert [hint for hint in hints if hint not in printed] == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the device is Linux's")
@pytest.mark.parametrize("words", ["config", "config --json", "config --help", "--help"])
def test_a_full_disk_behind_standard_output_is_one_sentence(words):
    script = f"{sys.executable} -m edge.cli {words} > /dev/full"
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False, env=buffered)
    assert done.returncode == 74
    assert done.stderr.startswith("microcue: expected to read or write, the system says [Errno 28]")
    assert len(done.stderr.splitlines()) == 1


def test_a_closed_standard_output_is_no_bug():
    script = f"{sys.executable} -m edge.cli config >&-"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False, env=os.environ)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_command_that_a_message_names_exists():
    """In backquotes, or on a line of its own as the examples have it."""
    named = set()
    for path in Path(edge.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                named |= {
                    (word, path.name)
                    for word in re.findall(r"(?:`|^ +|see )microcue ([a-z][\w-]*)", node.value, re.MULTILINE)
                }
    assert len(named) > 10
    assert {(word, name) for word, name in named if word not in COMMANDS} == set()


def test_help_imports_nothing_heavy():
    script = (
        "import sys, edge.cli\n"
        "edge.cli.build_parser()\n"
        "heavy = {'numpy', 'numba', 'av', 'gpiozero', 'linuxpy', 'rich'} & set(sys.modules)\n"
        "sys.exit(', '.join(heavy) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
