"""`microcue live`: the run that goes on now, in a terminal: traces, state, last cues; keys mark and pause."""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from typing import TYPE_CHECKING, Any

from edge.anatomy import CHANNEL_NAMES
from edge.clock import boottime_ns
from edge.commands.context import Context
from edge.commands.keys import Keys, reading_keys
from edge.commands.live_display import Screen, drawn, lines_of, plain_line
from edge.errors import EXIT_DONE, EdgeError
from edge.live.errors import NothingToSee
from edge.live.file import LiveReader
from edge.live.history import History
from edge.live.wishes import wish_pause
from edge.record.lock import is_held

if TYPE_CHECKING:
    from collections.abc import Callable

_EXAMPLES = """\
examples:
  microcue live
  ssh rig3 sudo microcue live --data /var/lib/microcue      of a service, from a desk
  microcue live --window 20
  microcue live --json --duration 5 | jq .state             a line each second

keys:
  m   type the words of a mark; it counts from the moment m was pressed
  p   pause: the camera is closed, nobody is watched; p again goes on with a new baseline
  q   look no more; the run goes on

Shows how far each region went from where it has been lately, each side apart, and says never what it
means. Exits 69 where no run goes on, 0 when it ends or you quit.
"""
_DRAW_S = 0.125
_LOOK_UP_S = 2.0
_FIRST_S, _TELL_S = 0.5, 1.0
_SILENT_NS = 3_000_000_000
_MARK_MAX = 200


def register(subparsers: Any) -> None:
    """Add `live` to the command line."""
    parser = subparsers.add_parser(
        "live",
        help="look at the run that goes on, in a terminal",
        description="Shows the run that goes on now: traces by region, state of the light, rate, last cues.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    from edge.commands.session import seconds

    parser.add_argument(
        "--window", type=seconds, metavar="S", default=8.0, help="seconds that are shown (default: 8)"
    )
    parser.add_argument("--duration", type=seconds, metavar="S", help="end after so many seconds")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, context: Context) -> int:
    """Look until the run ends, the time is up or somebody quits."""
    if not is_held(context.data_dir):
        raise NothingToSee(context.data_dir, "none goes on there")
    reader = LiveReader(context.data_dir)
    try:
        look = Look(context, reader, args.window)
        until_s = time.monotonic() + (args.duration or float("inf"))
        if context.json or not sys.stdout.isatty():
            _in_lines(look, until_s)
        else:
            _on_a_terminal(look, until_s)
    finally:
        reader.close()
    if look.has_ended:
        context.print_text("The run has ended.")
    return EXIT_DONE


class Look:
    """One who looks at a run: what is seen, and what the keys do.

    Parameters
    ----------
    context : Context
    reader : LiveReader
    window_s : float

    Attributes
    ----------
    screen : Screen
    has_ended, has_quit : bool
        The run has; the one who looks has.
    """

    def __init__(self, context: Context, reader: LiveReader, window_s: float) -> None:
        self.context, self._reader = context, reader
        self.screen = Screen(History(window_s))
        self.has_ended = self.has_quit = False
        self._looked_up_s = float("-inf")
        self._mark_ns = 0

    @property
    def is_over(self) -> bool:
        """Whether there is no more to look at."""
        return self.has_ended or self.has_quit

    def see(self) -> None:
        """Take in what the run shows now."""
        self.has_ended = self._reader.has_ended
        history = self.screen.history
        if (snapshot := self._reader.read()) is not None:
            history.add(snapshot)
            age_ns = boottime_ns() - int(snapshot.state["at_boottime_ns"])
            self.screen.silent_s = age_ns / 1e9 if age_ns > _SILENT_NS else 0.0
        if time.monotonic() - self._looked_up_s > _LOOK_UP_S:
            self._looked_up_s = time.monotonic()
            self._look_up()

    def press(self, keys: str) -> None:
        """Do what keys ask for, in order."""
        for key in keys:
            if self.screen.typed is not None:
                self._type(key)
            elif key == "m":
                self.screen.typed, self._mark_ns = "", boottime_ns()
            elif key == "p":
                self._do(self._pause)
            elif key in ("q", "\x04"):
                self.has_quit = True

    def _type(self, key: str) -> None:
        typed = self.screen.typed or ""
        if key in ("\r", "\n"):
            self.screen.typed = None
            if typed.strip():
                self._do(lambda: self._mark(typed.strip()))
        elif key == "\x1b":
            self.screen.typed = None
        elif key in ("\x7f", "\b"):
            self.screen.typed = typed[:-1]
        elif key.isprintable():
            self.screen.typed = (typed + key)[:_MARK_MAX]

    def _do(self, what: Callable[[], str]) -> None:
        try:
            self.screen.said = what()
        except EdgeError as error:  # said on the screen; looking goes on
            self.screen.said = str(error)

    def _mark(self, text: str) -> str:
        from edge.record.annotate import mark_now

        _, at_s = mark_now(self.context.data_dir, text, self._mark_ns)
        self._looked_up_s = float("-inf")
        return f"marked at {at_s:.1f} s"

    def _pause(self) -> str:
        snapshot = self.screen.history.snapshot
        is_paused = snapshot is not None and snapshot.state.get("state") == "paused"
        wish_pause(self.context.data_dir, not is_paused)
        return "asked to go on" if is_paused else "asked to pause: the camera closes"

    def _look_up(self) -> None:
        """What changes slowly: marks and health, from the log and the state file."""
        from edge.commands.status import health_line
        from edge.record.reading import LogReader

        self.screen.health = health_line(self.context)
        snapshot = self.screen.history.snapshot
        session_id = snapshot.state.get("session_id") if snapshot is not None else None
        if session_id is None:
            self.screen.marks = []
            return
        try:
            with LogReader(self.context.data_dir) as log:
                self.screen.marks = [(at_s, text) for at_s, text in log.marks(session_id)]
        except EdgeError as error:  # the log may be busy or gone; what is live is still shown
            self.screen.said = str(error)


def _in_lines(look: Look, until_s: float) -> None:
    """A line each second, for a pipe; with --json all values of the newest frame."""
    due_s = time.monotonic() + _FIRST_S
    while not look.is_over and time.monotonic() < until_s:
        Keys().typed(_DRAW_S)
        look.see()
        if time.monotonic() < due_s or look.screen.history.snapshot is None:
            continue
        due_s += _TELL_S
        if look.context.json:
            print(json.dumps(_as_json(look.screen.history)), flush=True)
        else:
            print(plain_line(look.screen), flush=True)


def _as_json(history: History) -> dict[str, Any]:
    assert history.snapshot is not None
    newest = zip(CHANNEL_NAMES, history.newest().tolist(), strict=True)
    values = {name: None if math.isnan(value) else round(value, 4) for name, value in newest}
    return {**history.snapshot.state, "fps": round(history.fps, 2), "values": values}


def _on_a_terminal(look: Look, until_s: float) -> None:
    from rich.console import Console
    from rich.live import Live

    has_blocks = "utf" in (sys.stdout.encoding or "").lower()
    console = Console(highlight=False)
    with reading_keys() as keys, Live(console=console, screen=True, auto_refresh=False) as live:
        while not look.is_over and time.monotonic() < until_s:
            look.press(keys.typed(_DRAW_S))
            look.see()
            width, height = console.size
            live.update(drawn(lines_of(look.screen, width, height, has_blocks)), refresh=True)
