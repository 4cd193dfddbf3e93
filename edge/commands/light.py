"""`microcue light`: play what the light says: to learn it, to check a wiring, to tell of a fault."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from edge.commands.context import Context
from edge.config import with_overrides
from edge.indicate.indicator import State
from edge.indicate.opening import open_indicator
from edge.service import StopRequest

_EXAMPLES = """\
examples:
  microcue light                    every pattern for five seconds, with its name
  microcue light fault              one, until Ctrl-C
  microcue light watching --led gpio:17 --duration 10

docs/led.md says what each means. While a session runs it holds the pins, and this is refused.
"""
_EACH_S = 5.0
_STEP_S = 0.1


def register(subparsers: Any) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "light",
        help="show what the light says",
        description="Play the light's patterns.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    names = [state.name.lower().replace("_", "-") for state in State]
    parser.add_argument("pattern", nargs="?", choices=names, metavar="PATTERN", help=", ".join(names))
    parser.add_argument("--led", metavar="LED", help="as indicate.led in the settings")
    parser.add_argument("--duration", type=float, metavar="S", help="seconds of each pattern")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, context: Context) -> int:
    """Play one pattern, or all in turn."""
    config = with_overrides(context.config, {"indicate": {"led": args.led}}).indicate
    # neither a beep nor a pulse into somebody's EEG
    indicator = open_indicator(replace(config, buzzer="", marker="", quiet_hours=""))
    try:
        for state, duration_s in _programme(args):
            context.print_text(f"{state.value}" + ("" if duration_s else " (Ctrl-C ends)"))
            indicator.show(state)
            with StopRequest(duration_s) as stop:
                while not stop.wait(_STEP_S):
                    pass
            if stop.reason.startswith("SIG"):
                break
    finally:
        indicator.close()
    return 0


def _programme(args: argparse.Namespace) -> Iterator[tuple[State, float]]:
    if args.pattern:
        yield State[args.pattern.upper().replace("-", "_")], args.duration or 0.0
        return
    for state in State:
        yield state, args.duration or _EACH_S
