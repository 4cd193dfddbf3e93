"""`microcue install-service` and `uninstall-service`: start by itself, confined by systemd."""

from __future__ import annotations

import argparse
import contextlib
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from edge.commands.context import Context
from edge.errors import EXIT_INPUT_OUTPUT, EdgeError, UsageError
from edge.firmware.card import FIRST_BOOT_NAME, find_card
from edge.firmware.errors import FirmwareError
from edge.firmware.first_boot import apply_boot_files, offer_card, remove_boot_files, take_back_card
from edge.firmware.manifest import AHEAD, APPLIANCE, CARD, REVIEW, SERVICE, Installed, installed
from edge.firmware.slots import HOME

_UNITS_PLACE = Path("etc/systemd/system")
_SYSTEMD_RUNS = Path("/run/systemd/system")  # as sd_booted(3) tells it
_SYSTEMS_FOLDERS = {"system", "systemd", "sysusers.d", "tmpfiles.d", "sysctl.d", "rules.d", "sshd_config.d"}
_EXAMPLES = """\
examples:
  microcue install-service --dry-run     what would be written and run
  sudo microcue install-service
  sudo microcue install-service --appliance    a machine that does nothing else: see firmware_config/README.md
  sudo microcue install-service --ahead  with kernels compiled ahead: less memory, less allowed
  sudo microcue install-service --review with the review page on 127.0.0.1:8341
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
        if run is install:
            parser.add_argument(
                "--appliance",
                action="store_true",
                help="also what makes a whole machine of it: firewall, journal in memory, watchdog, settings "
                "on the card",
            )
            parser.add_argument(
                "--card",
                action="store_true",
                help="with --appliance, on a card of its own: the log on a partition of its own, all else "
                "read-only from the next start on",
            )
            parser.add_argument(
                "--ahead",
                action=argparse.BooleanOptionalAction,
                help="compile the kernels ahead, then forbid the watcher memory that is written and run "
                "(default: as installed before)",
            )
            parser.add_argument(
                "--review",
                action="store_true",
                help="also the review page, started by a visit, in a network of its own without a way out",
            )
        parser.set_defaults(run=run)


def install(args: argparse.Namespace, context: Context, call: Run = subprocess.call) -> int:
    """Compile ahead where asked to, write the units, make the user, compile the kernels, start."""
    command = program()
    ahead = [AHEAD] if _compiled_ahead(command, args, context, call) else []
    review = [REVIEW] if _has_review(args) else []
    if args.card and not args.appliance:
        raise UsageError("--card expects --appliance: nothing else on the machine could write any more")
    machine = [*([APPLIANCE] if args.appliance else []), *([CARD] if args.card else [])]
    chosen = installed([SERVICE, *machine, *ahead, *review])
    for file in chosen:
        path, text = args.root / file.target, file.text(command)
        context.print_text(f"write {path}" + (f":\n\n{text}" if args.dry_run else ""))
        if not args.dry_run:
            _write(path, text)
    told = _prepare_card(args, context) if args.appliance else ""
    _take(_first_steps(chosen), args, context, call)
    if told:
        context.print_text(told)
    return 0


def _prepare_card(args: argparse.Namespace, context: Context) -> str:
    """Change what a Raspberry Pi's card holds; what its owner should know before the next start."""
    offered: list[Path] = []

    def prepare(boot: Path) -> None:
        apply_boot_files(boot, "auto", wifi=False)
        offered.extend(offer_card(boot, args.root))

    _change_boot_files(args, context, prepare)
    where = f"; edit {' and '.join(map(str, offered))} before that" if offered else ""
    return f"From the next start on there is no SSH and no Wi-Fi unless {FIRST_BOOT_NAME} asks for it{where}."


def _compiled_ahead(command: Path, args: argparse.Namespace, context: Context, call: Run) -> bool:
    """Compile ahead where it is wanted; whether the watcher can do without a compiler now.

    Before anything is written: one that must not compile and has nothing compiled could not start.
    """
    before = [file for file in installed([AHEAD]) if (args.root / file.target).exists()]
    if before if args.ahead is None else args.ahead:
        try:
            _take([[str(command), "warmup", "--ahead"]], args, context, call)
        except ServiceNotChanged as error:
            if args.ahead:
                raise
            context.print_text(f"{error}. Numba compiles the kernels instead.")  # as in an update
        else:
            return True
    _remove_files(before, args, context)
    return False


def _has_review(args: argparse.Namespace) -> bool:
    """Whether the review page is wanted, or was there before."""
    return args.review or any((args.root / file.target).exists() for file in installed([REVIEW]))


def _first_steps(chosen: Sequence[Installed]) -> list[list[str]]:
    at_once = [file.target.name for file in chosen if file.enable and file.set in (SERVICE, REVIEW)]
    later = [file.target.name for file in chosen if file.enable and file.set in (APPLIANCE, CARD)]
    return [
        ["systemd-sysusers", "/etc/sysusers.d/microcue.conf"],
        ["systemd-tmpfiles", "--create", "/etc/tmpfiles.d/microcue.conf"],
        ["systemctl", "daemon-reload"],
        ["systemctl", "start", "microcue-warmup.service"],
        ["systemctl", "enable", "--now", *at_once],
        # from the next start on: a firewall under somebody's SSH session would end it
        *([["systemctl", "enable", *later]] if later else []),
    ]


def uninstall(args: argparse.Namespace, context: Context, call: Run = subprocess.call) -> int:
    """Stop, and remove what `install` wrote."""
    present = [file for file in installed() if args.dry_run or (args.root / file.target).exists()]
    units = [file.target.name for file in present if file.target.parent == _UNITS_PLACE]
    if units:
        _take([["systemctl", "disable", "--now", *units]], args, context, call)
    _remove_files(present, args, context)
    _change_boot_files(args, context, _leave_card)
    _take([["systemctl", "daemon-reload"]], args, context, call)
    context.print_text("The log stays in /var/lib/microcue; microcue forget deletes what is in it.")
    return 0


def _leave_card(boot: Path) -> None:
    remove_boot_files(boot)
    take_back_card(boot)


def _change_boot_files(args: argparse.Namespace, context: Context, change: Callable[[Path], None]) -> None:
    """On a Raspberry Pi; other boards have no such files."""
    try:
        boot = find_card(args.root)
    except FirmwareError:
        context.print_text("no Raspberry Pi's card here: no config.txt and cmdline.txt to change")
        return
    context.print_text(
        f"change {boot / 'config.txt'} and {boot / 'cmdline.txt'}, and the two files beside them"
    )
    if not args.dry_run:
        change(boot)


def program(executable: str = sys.executable) -> Path:
    """The command beside this Python, as the unit has to name it.

    Raises
    ------
    UsageError
        It is not there, or where the unit cannot reach it.
    """
    path = Path(executable).parent / "microcue"
    if HOME.is_symlink() and (HOME / "bin" / "microcue").resolve() == path.resolve():
        path = HOME / "bin" / "microcue"  # by the link, which an update changes
    if not path.is_file():
        raise UsageError(f"expected the command {path}, found none; pip install microcue into this Python")
    if path.is_relative_to("/home") or path.is_relative_to("/root"):
        raise UsageError(
            f"expected microcue outside home directories, which a service cannot see, found {path}; "
            "install it in /opt/microcue: python3 -m venv --system-site-packages /opt/microcue"
        )
    return path


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ServiceNotChanged(f"write {path}", str(error.strerror)) from error


def _remove_files(files: Sequence[Installed], args: argparse.Namespace, context: Context) -> None:
    for file in files:
        context.print_text(f"remove {args.root / file.target}")
        if not args.dry_run:
            _remove(args.root, file.target)


def _remove(root: Path, target: Path) -> None:
    """The file, and the folder that it leaves empty, where the system does not bring it."""
    try:
        (root / target).unlink(missing_ok=True)
    except OSError as error:
        raise ServiceNotChanged(f"remove {root / target}", str(error.strerror)) from error
    if target.parent.name not in _SYSTEMS_FOLDERS:
        with contextlib.suppress(OSError):  # somebody's own file is in it
            (root / target.parent).rmdir()


def _before_systemd_runs(steps: Sequence[Sequence[str]]) -> Iterator[list[str]]:
    """What can be done while an image is made: a unit is enabled by a link, and starts with the machine."""
    for program_, *words in steps:
        if program_ != "systemctl":
            yield [program_, *words]
        elif words[0] in ("enable", "disable"):
            yield [program_, *(word for word in words if word != "--now")]


def _take(steps: Sequence[Sequence[str]], args: argparse.Namespace, context: Context, call: Run) -> None:
    for step in steps if _SYSTEMD_RUNS.is_dir() or args.dry_run else _before_systemd_runs(steps):
        context.print_text(f"run {shlex.join(step)}")
        if args.dry_run or args.root != Path("/"):
            continue
        try:
            code = call(step)
        except FileNotFoundError as error:
            raise ServiceNotChanged(f"run {step[0]}", "it is not installed") from error
        if code != 0:
            raise ServiceNotChanged(f"run {shlex.join(step)}", f"it ended with exit code {code}")
