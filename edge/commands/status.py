"""`microcue status`: how the run that goes on now is, from what it leaves beside its log."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from edge.clock import boot_id, boottime_ns
from edge.errors import EXIT_DONE, EXIT_NOT_READY
from edge.health.relief import Relief
from edge.health.state_file import read_state
from edge.record.lock import fault_of_run, is_held, pid_of_run

if TYPE_CHECKING:
    from edge.commands.context import Context

_EXAMPLES = """\
examples:
  microcue status
  microcue status --json | jq .temperature_c
  sudo microcue status --data /var/lib/microcue      of the service

Exits 0 while a run goes on, and 1 where there is none or it has said nothing for a while. Times are of
the last seconds; `frame to log` is from the sensor's timestamp until all stages had the frame.
"""
_N_TICKS_SILENT = 6


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `status` to the command line."""
    parser = subparsers.add_parser(
        "status",
        help="how the running session is",
        description="How the running session is: frames, delays, heat, power, memory, disk.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)


def run(_arguments: argparse.Namespace, context: Context) -> int:
    """Print it, and say by the exit code whether a run goes on."""
    state = status_of(context)
    if context.json:
        print(json.dumps(state, indent=2, ensure_ascii=False))
    elif "tick_s" in state and not state["silent_s"]:
        context.print_table(f"Run of process {state['pid']}", ("", "now"), list(rows_of(state)))
    else:
        context.print_text(_nothing(state, context))
    return EXIT_DONE if state["running"] and not state["silent_s"] else EXIT_NOT_READY


def status_of(context: Context) -> dict[str, Any]:
    """What the run left, with `running`, its process, its fault, and `silent_s` where it fell silent."""
    data_dir = context.data_dir
    running = is_held(data_dir)
    state: dict[str, Any] = {"running": running, "pid": pid_of_run(data_dir), "silent_s": None}
    left = read_state(data_dir) if running else None
    if left is None or left.get("boot_id") != boot_id() or left.get("pid") != state["pid"]:
        return state | {"phase": "starting" if running else "none", "fault": fault_of_run(data_dir)}
    state |= left
    age_s = (boottime_ns() - int(left["at_boottime_ns"])) / 1e9
    if age_s > _N_TICKS_SILENT * float(left["tick_s"]):
        state["silent_s"] = round(age_s, 1)
    state["fault"] = fault_of_run(data_dir) or left.get("fault", "")
    return state


def health_line(context: Context) -> str:
    """What matters of the board and the loop, in one line; empty where nothing is known."""
    rows = dict(rows_of(status_of(context)))
    names = ("fault", "drops", "doing", "temperature", "power", "disk")
    return "; ".join(f"{name} {rows[name]}" for name in names if rows.get(name))


def rows_of(state: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What people see, line by line; what is not known is left out."""
    yield "state", str(state["phase"])
    if state.get("fault"):
        yield "fault", str(state["fault"])
    if "session_id" in state:
        yield "session", f"{state['session_id']}, {state['source']}"
        yield from _rows_of_session(state)
    yield from _rows_of_board(state)


def _rows_of_session(state: dict[str, Any]) -> Iterator[tuple[str, str]]:
    promised = f" of {state['fps_promised']:.1f} promised" if state["fps_promised"] else ""
    yield "frames", f"{state['fps']:.1f} a second{promised}; {state['busy_share']:.0%} of the time is used"
    lost = [
        f"{state[name]} {word}"
        for name, word in (("n_missing", "missing"), ("n_lost", "lost"), ("n_left_out", "left out"))
        if state[name]
    ]
    yield "drops", ", ".join(lost) or "none"
    relief = Relief(state["relief"])
    why = f", since it is {state['relief_why']}" if state["relief_why"] else ""
    yield "doing", relief.words + why
    for name, label in (("frame_to_log_ms", "frame to log"), ("cue_to_pin_ms", "cue to pin")):
        if state[name] is not None:
            half_ms, most_ms, largest_ms = state[name]
            yield label, f"{half_ms:.1f} ms in half, {most_ms:.1f} in 99 %, {largest_ms:.1f} at most"
    if state["key_frame_ms"] is not None:
        yield "key frames", f"answered within {state['key_frame_ms']:.0f} ms"
    lost_rows = f", {state['rows_lost']} lost" if state["rows_lost"] else ""
    yield "log", f"{state['rows_waiting']} rows waiting{lost_rows}"
    if state["n_indicator_refusals"]:
        yield "indicator", f"refused {state['n_indicator_refusals']} times"
    if state["threads_revived"]:
        yield "threads", f"{state['threads_revived']} started again"


def _rows_of_board(state: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if state.get("temperature_c") is not None:
        slowed = ", slowed down" if state["throttled"] else ""
        limit = f", {state['headroom_c']:.0f} below the limit{slowed}"
        yield "temperature", f"{state['temperature_c']:.0f} °C{limit}"
    if state.get("undervoltage") is not None:
        yield "power", "undervoltage" if state["undervoltage"] else "ok"
    if state.get("memory_available_mb") is not None:
        own = f"; {state['process_mb']:.0f} MB its own" if state["process_mb"] is not None else ""
        yield "memory", f"{state['memory_available_mb']:.0f} MB available{own}"
    if state.get("disk_free_mb") is not None:
        yield "disk", f"{state['disk_free_mb'] / 1024:.1f} GB free"
    if state.get("card_wear_percent") is not None:
        yield "card", f"at most {state['card_wear_percent']:.0f} % worn"


def _nothing(state: dict[str, Any], context: Context) -> str:
    if not state["running"]:
        return f"Nothing is running in {context.data_dir}; start with `microcue run`."
    if state["silent_s"]:
        return (
            f"Process {state['pid']} holds {context.data_dir}, and has said nothing for "
            f"{state['silent_s']:.0f} s; if it does not go on, end it and start again."
        )
    return f"Process {state['pid']} has just started."
