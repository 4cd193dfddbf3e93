"""`microcue doctor`: what this machine has and lacks, one line each, with the fix."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

from edge.commands import checks
from edge.commands.checks import Finding, examined
from edge.commands.frames_check import check_frames
from edge.commands.inference_check import check_inference
from edge.commands.log_check import check_log
from edge.commands.swap_check import check_swap
from edge.errors import UsageError
from edge.health.board import Board

if TYPE_CHECKING:
    from edge.commands.context import Context


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `doctor` to the command line."""
    parser = subparsers.add_parser(
        "doctor",
        help="check this machine, one line each, with the fix",
        description="Checks what microcue needs. Exits 0 when nothing fails, else with the first "
        "failure's code; warnings and what cannot be known here are no failures.",
        epilog="examples:\n  microcue doctor\n  microcue doctor --only inference",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--no-camera", action="store_true", help="do not look for a camera")
    parser.add_argument("--only", metavar="CHECK", help="this check alone, by its name in the table")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Examine everything, print it, and say by the exit code whether something fails."""
    lines = checks_of(context)
    if arguments.no_camera:
        del lines["camera"], lines["frames"]
    if arguments.only is not None:
        if arguments.only not in lines:
            raise UsageError(f"--only expects one of {', '.join(lines)}, found {arguments.only!r}")
        lines = {arguments.only: lines[arguments.only]}
    from rich.console import Console

    findings = {}
    # kernels that were never compiled take a minute; the line goes away again, and only a terminal has it
    with Console(stderr=True).status("examining ...") as status:
        for name, check in lines.items():
            status.update(f"examining {name} ...")
            findings[name] = examined(check)
    context.print_table(
        "This machine",
        ("check", "level", "found", "fix"),
        [(name, finding.level, finding.found, finding.fix) for name, finding in findings.items()],
        {"level": "", "check": "check", "found": "found", "fix": "what to do"},
    )
    return next((finding.exit_code for finding in findings.values() if finding.level == "fail"), 0)


def checks_of(context: Context) -> dict[str, Callable[[], Finding]]:
    """Every check by its name, in the order people read them."""
    config, data_dir = context.config, context.data_dir
    board = cache(Board(data_dir).read)
    return {
        "python": checks.check_python,
        "packages": checks.check_packages,
        "runtime": lambda: checks.check_runtime(config),
        "models": lambda: checks.check_models(config),
        "inference": lambda: check_inference(config),
        "kernels": checks.check_kernels,
        "sandbox": checks.check_sandbox,  # before a camera is opened, and for good
        "camera": lambda: checks.check_camera(config),
        "frames": lambda: check_frames(config),
        "led": lambda: checks.check_led(config),
        "clock": checks.check_clock,
        "disk": lambda: checks.check_disk(data_dir),
        "log": lambda: check_log(data_dir, config.record.backup_hours),
        "temperature": lambda: checks.check_temperature(board()),
        "power": lambda: checks.check_power(board()),
        "memory": lambda: checks.check_memory(board()),
        "card": lambda: checks.check_card(board()),
        "swap": check_swap,
        "core dumps": checks.check_core_dumps,
    }
