"""The command line: picks the command, reads the settings, turns failures into exit codes.

Only the module of the command that was asked for is imported, so `microcue --help` does not
wait for numba or a camera library.
"""

from __future__ import annotations

import argparse
import difflib
import importlib
import logging
import os
import sys
import traceback
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from edge import __version__
from edge.errors import EXIT_BUG, EXIT_DONE, EXIT_INPUT_OUTPUT, EdgeError

EXIT_INTERRUPTED = 130

EXAMPLES = """\
examples:
  microcue demo                       the built-in clip, watched and scored
  microcue run --camera file:my.mp4   a recording, frame by frame
  microcue cues latest                what was noticed
"""


class Command(NamedTuple):
    """Where a command lives, and its line in `microcue --help`."""

    module: str
    summary: str


COMMANDS = {
    "run": Command("run", "watch with the camera, or through a file"),
    "batch": Command("batch", "watch many recordings, on this machine or a cluster"),
    "demo": Command("demo", "watch the built-in clip and score the result"),
    "aim": Command("aim", "point the camera, with advice"),
    "doctor": Command("doctor", "check this machine, one line each, with the fix"),
    "status": Command("status", "how the running session is"),
    "live": Command("live", "look at the run that goes on, in a terminal"),
    "cameras": Command("cameras", "list the cameras and their modes"),
    "sessions": Command("log", "list what was logged"),
    "cues": Command("log", "list the candidate cues of a session"),
    "respot": Command("respot", "spot a session again, with other settings"),
    "compare": Command("respot", "what another analysis found otherwise"),
    "review": Command("review", "look at sessions in a browser: replay, keep or dismiss"),
    "practice": Command("practice", "practise seeing brief movements, with known ones"),
    "report": Command("report", "a session as one self-contained HTML file"),
    "export": Command("export", "write cues for the tools you already use"),
    "mark": Command("mark", "put a context mark into the running session"),
    "note": Command("mark", "write a remark to a session or a cue"),
    "consent": Command("consent", "record what a participant agreed to"),
    "keep": Command("forget", "exempt a session from being deleted by itself"),
    "forget": Command("forget", "delete a session or a person for good"),
    "privacy": Command("privacy", "what is stored, where, and until when"),
    "key": Command("bundle", "make a key that bundles are encrypted to"),
    "bundle": Command("bundle", "write sessions as one encrypted file"),
    "unbundle": Command("bundle", "open an encrypted file of sessions"),
    "collect": Command("bundle", "merge many devices' sessions into DuckDB"),
    "pictures": Command("pictures", "list encrypted pictures, or open them in the lab"),
    "backup": Command("backup", "copy the log, checked"),
    "synth": Command("synth", "make a clip with known movements from a photograph"),
    "evaluate": Command("evaluate", "score against an annotated corpus"),
    "bench": Command("bench", "measure the speed of this machine, stage by stage"),
    "warmup": Command("warmup", "compile the kernels into the cache"),
    "light": Command("light", "show what the light says"),
    "first-boot": Command("first_boot", "take in the settings on the card"),
    "update": Command("update", "take the next version from a stick, or the one before"),
    "install-service": Command("service", "start by itself, confined by systemd"),
    "uninstall-service": Command("service", "remove the service; the log stays"),
    "config": Command("config", "print the settings in use"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0, 1, 2, 69, 70, 74, 78 or 130."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        return _run(words)
    except EdgeError as error:
        return _failed(words, error.exit_code, str(error))
    except KeyboardInterrupt:  # `run` ends its session on the signal; elsewhere it lands here
        _abandon_output()
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        _abandon_output()  # whoever read us (`| head`) has had enough
        return EXIT_DONE
    except OSError as error:
        sentence = f"expected to read or write, the system says {error}; check space and permissions"
        return _failed(words, EXIT_INPUT_OUTPUT, sentence)
    except MemoryError as error:
        sentence = (
            f"expected memory, the system gave none ({error}); end other programs, see `microcue doctor`, "
            "or use smaller pictures"
        )
        return _failed(words, EXIT_INPUT_OUTPUT, sentence)
    except Exception as error:  # noqa: BLE001  # the supervisor: whatever nobody foresaw ends here, as a bug
        sentence = (
            f"this is a bug in microcue ({type(error).__name__}: {error}); "
            "please report it with what the same command prints with -v"
        )
        return _failed(words, EXIT_BUG, sentence)


def build_parser(asked: str | None = None) -> argparse.ArgumentParser:
    """The parser with every command listed, and the one `asked` for complete.

    Parameters
    ----------
    asked : str, optional
        A name in `COMMANDS`; its module is imported and registers its own options.
    """
    parser = argparse.ArgumentParser(
        prog="microcue",
        description="Notices brief facial movements on this device and logs them as candidate cues. "
        "It never says what they mean.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"microcue {__version__}")
    subparsers = parser.add_subparsers(
        title="commands", metavar="COMMAND", dest="command", required=True, help="microcue COMMAND --help"
    )
    wanted = COMMANDS[asked].module if asked is not None else None
    if wanted is not None:
        importlib.import_module(f"edge.commands.{wanted}").register(subparsers)
    for name, command in COMMANDS.items():
        if command.module != wanted:
            subparsers.add_parser(name, help=command.summary)
    for name in subparsers.choices:
        _add_common_options(subparsers.choices[name])
    return parser


def _run(words: list[str]) -> int:
    asked = words[0] if words and words[0] in COMMANDS else None
    arguments = _parsed(build_parser(asked), words)
    # after parsing, so that --help and a usage error need none of it
    from edge.commands.context import Context
    from edge.config import data_dir, load_config

    logging.basicConfig(level=_log_level(arguments.verbosity), format="microcue: %(message)s")
    context = Context(
        config=load_config(arguments.config),
        data_dir=data_dir(arguments.data),
        json=arguments.json,
        verbosity=arguments.verbosity,
    )
    code: int = arguments.run(arguments, context)
    _flush()
    return code


def _parsed(parser: argparse.ArgumentParser, words: list[str]) -> argparse.Namespace:
    """As `parse_args`, with the command's own usage and the nearest name where one is misspelt."""
    first = words[0] if words else ""
    if first.startswith("-") and first not in ("-h", "--help", "--version"):
        parser.error(f"expected a command before {first}, as in: microcue cues {first}")
    if first and not first.startswith("-") and first not in COMMANDS:
        parser.error(f"there is no command {first!r}{_nearest(first, COMMANDS)}")
    try:
        arguments, unknown = parser.parse_known_args(words)
    except SystemExit:  # --help, or what was wrong
        _flush()
        raise
    if unknown:
        subparsers = next(a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
        command = subparsers.choices[first]
        name = unknown[0].partition("=")[0]
        near = _nearest(name, command._option_string_actions) if name.startswith("-") else ""
        command.error(f"{first} takes no {unknown[0]!r}{near}")
    return arguments


def _nearest(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]}?" if near else "; --help lists what there is"


def _flush() -> None:
    """Now and not at exit, where nobody could explain a full disk or a reader who has gone."""
    if sys.stdout is not None:  # closed by whoever started us
        sys.stdout.flush()


def _abandon_output() -> None:
    """Drop what standard output still holds, where it takes no more: the last flush must not complain."""
    try:
        _flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _add_common_options(parser: argparse.ArgumentParser) -> None:
    common = parser.add_argument_group("common options")
    common.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="settings file (TOML; default: ~/.config/microcue/microcue.toml)",
    )
    common.add_argument(
        "--data", type=Path, metavar="DIR", help="where the log is kept (default: ~/.local/share/microcue)"
    )
    common.add_argument("--json", action="store_true", help="print for programs instead of people")
    common.add_argument(
        "-v", "--verbose", action="count", default=0, dest="verbosity", help="say more; twice: more"
    )
    common.add_argument("-q", "--quiet", action="store_const", const=-1, dest="verbosity", help="only errors")


def _log_level(verbosity: int) -> int:
    return {-1: logging.ERROR, 0: logging.WARNING, 1: logging.INFO}.get(verbosity, logging.DEBUG)


def _failed(words: Sequence[str], exit_code: int, sentence: str) -> int:
    _abandon_output()
    print(f"microcue: {sentence}", file=sys.stderr)
    # asked of the words, since parsing itself may be what failed
    if any(word == "--verbose" or (word[:1] == "-" and set(word[1:]) == {"v"}) for word in words):
        traceback.print_exc()
    return exit_code


if __name__ == "__main__":
    sys.exit(main())
