"""`microcue install-service` and `uninstall-service`: start by itself, confined by systemd."""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from edge.commands.context import Context
from edge.errors import EXIT_INPUT_OUTPUT, EdgeError, UsageError

UNITS = (
    "microcue.service",
    "microcue-warmup.service",
    "microcue-maintenance.service",
    "microcue-maintenance.timer",
)
SYSUSERS = "microcue.sysusers.conf"
_SYSUSERS_PLACE = Path("etc/sysusers.d/microcue.conf")
_PACKAGE = Path(__file__).resolve().parents[1]
_EXAMPLES = """\
examples:
  microcue install-service --dry-run     what would be written and run
  sudo microcue install-service
  sudo microcue uninstall-service        the log stays; microcue forget deletes what is in it
"""
Run = Callable[[Sequence[str]], int]


class ServiceNotChanged(EdgeError):
    """A file cannot be written, or systemd refuses a step."""

    exit_code = EXIT_INPUT_OUTPUT

    def __init__(self, step: str, reason: str) -> None:
        super().__init__(step, reason)
        self.step = step
        self.reason = reason

    def __str__(self) -> str:
        return f"expected to {self.step}, but {self.reason}; run it with sudo, on a machine with systemd"


def register(subparsers: Any) -> None:
    """Add both commands to the command line."""
    for name, run, summary in (
        ("install-service", install, "start by itself, confined by systemd"),
        ("uninstall-service", uninstall, "remove the service; the log stays"),
    ):
        parser = subparsers.add_parser(
            name,
            help=summary,
            description=f"{summary[0].upper()}{summary[1:]}. docs/service.md says what it may touch.",
            epilog=_EXAMPLES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        parser.add_argument("--dry-run", action="store_true", help="print what would be done, and do nothing")
        parser.add_argument(
            "--root", type=Path, default=Path("/"), metavar="DIR", help="write below DIR and start nothing"
        )
        parser.set_defaults(run=run)


def install(args: argparse.Namespace, context: Context, call: Run = subprocess.call) -> int:
    """Write the units, make the user, compile the kernels, start."""
    files = service_files(program())
    steps = [
        ["systemd-sysusers", f"/{_SYSUSERS_PLACE}"],
        ["systemctl", "daemon-reload"],
        ["systemctl", "start", "microcue-warmup.service"],
        ["systemctl", "enable", "--now", "microcue.service", "microcue-maintenance.timer"],
    ]
    for path, text in files.items():
        context.print_text(f"write {args.root / path}" + (f":\n\n{text}" if args.dry_run else ""))
        if not args.dry_run:
            _write(args.root / path, text)
    _take(steps, args, context, call)
    return 0


def uninstall(args: argparse.Namespace, context: Context, call: Run = subprocess.call) -> int:
    """Stop, and remove what `install` wrote."""
    _take([["systemctl", "disable", "--now", *UNITS]], args, context, call)
    for path in service_files(program()):
        context.print_text(f"remove {args.root / path}")
        if not args.dry_run:
            try:
                (args.root / path).unlink(missing_ok=True)
            except OSError as error:
                raise ServiceNotChanged(f"remove {args.root / path}", str(error.strerror)) from error
    _take([["systemctl", "daemon-reload"]], args, context, call)
    context.print_text("The log stays in /var/lib/microcue; microcue forget deletes what is in it.")
    return 0


def program(executable: str = sys.executable) -> Path:
    """The command beside this Python, as the unit has to name it.

    Raises
    ------
    UsageError
        It is not there, or where the unit cannot reach it.
    """
    path = Path(executable).parent / "microcue"
    if not path.is_file():
        raise UsageError(f"expected the command {path}, found none; pip install microcue into this Python")
    if path.is_relative_to("/home") or path.is_relative_to("/root"):
        raise UsageError(
            f"expected microcue outside home directories, which a service cannot see, found {path}; "
            "install it in /opt/microcue: python3 -m venv --system-site-packages /opt/microcue"
        )
    return path


def service_files(command: Path) -> dict[Path, str]:
    """Every file of the service by its path below the root, with the command filled in."""
    source = units_directory()
    etc = Path("etc")
    files = {
        etc / "systemd/system" / name: (source / name)
        .read_text(encoding="utf-8")
        .replace("@MICROCUE@", str(command))
        for name in UNITS
    }
    files[_SYSUSERS_PLACE] = (source / SYSUSERS).read_text(encoding="utf-8")
    return files


def units_directory() -> Path:
    """Folder of the unit files: inside the package where installed, beside it in a checkout."""
    inside = _PACKAGE / "systemd"
    return inside if inside.is_dir() else _PACKAGE.parent / "firmware_config" / "systemd"


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ServiceNotChanged(f"write {path}", str(error.strerror)) from error


def _take(steps: Sequence[Sequence[str]], args: argparse.Namespace, context: Context, call: Run) -> None:
    for step in steps:
        context.print_text(f"run {shlex.join(step)}")
        if args.dry_run or args.root != Path("/"):
            continue
        try:
            code = call(step)
        except FileNotFoundError as error:
            raise ServiceNotChanged(f"run {step[0]}", "it is not installed") from error
        if code != 0:
            raise ServiceNotChanged(f"run {shlex.join(step)}", f"it ended with exit code {code}")
