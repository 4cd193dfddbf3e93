"""`microcue respot` and `microcue compare`: other settings on the same signals, and what that changes."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, fields
from typing import Any

from edge.commands.context import Context
from edge.config import SpotConfig, with_overrides
from edge.errors import ConfigError, UsageError
from edge.record.cue_rows import CUE_COLUMNS
from edge.record.reading import LogReader

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_RESPOT_EXAMPLE = """\
examples:
  microcue respot latest --set accepted_false_per_hour=20
  microcue respot latest --set learning_s=5 --set macro=false
  microcue compare latest

Runs the spotter again over the stored signals. What was spotted live stays as it is; the new cues are an
analysis with a number of its own (`microcue cues latest --analysis 1`). With the same settings and the
same version it finds the same cues.
"""
_COMPARE_EXAMPLE = """\
examples:
  microcue compare latest          what was spotted live, and the newest analysis
  microcue compare latest 1 2      two analyses
  microcue compare latest --json
"""
_COLUMNS = ("change", "onset_s", "kind", "movements", "side", "one_ms", "other_ms", "one_miod", "other_miod")
_HEADINGS = ("change", "at", "kind", "movements", "side", "ms", "ms then", "miod", "miod then")


def register(subparsers: Any) -> None:
    """Add both commands to the command line."""
    respot = subparsers.add_parser(
        "respot",
        help="spot a session again, with other settings",
        description="Run the spotter again over a session's stored signals, with other settings.",
        epilog=_RESPOT_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    respot.add_argument(
        "session", metavar="SESSION", nargs="?", default="latest", help="which session (default: latest)"
    )
    respot.add_argument(
        "--set",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        dest="changes",
        help=f"a setting of [spot]: {', '.join(item.name for item in fields(SpotConfig))}",
    )
    respot.set_defaults(run=run_respot)
    compare = subparsers.add_parser(
        "compare",
        help="what another analysis found otherwise",
        description="What two analyses of a session found: the same, otherwise, or one of them nothing.",
        epilog=_COMPARE_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    compare.add_argument(
        "session", metavar="SESSION", nargs="?", default="latest", help="which session (default: latest)"
    )
    compare.add_argument("one", metavar="A", nargs="?", type=int, default=0, help="default: 0, spotted live")
    compare.add_argument("other", metavar="B", nargs="?", type=int, help="default: the newest analysis")
    compare.set_defaults(run=run_compare)


def run_respot(args: argparse.Namespace, context: Context) -> int:
    """Spot again, store, and say how many cues there are now."""
    from edge import __version__
    from edge.evaluate.respot import respot
    from edge.record.analyses import store_analysis

    config = _with_changes(context.config.spot, args.changes, context)
    with LogReader(context.data_dir) as log:
        session_id = log.resolve(args.session)
        events = list(respot(log, session_id, config))
        n_live = log.n_cues(session_id)
    number = store_analysis(context.data_dir, session_id, __version__, asdict(config), events)
    with LogReader(context.data_dir) as log:
        made = log.analyses(session_id)[-1]
    if context.json:
        counts = {"n_micro": made.n_micro, "n_macro": made.n_macro, "n_blinks": made.n_blinks}
        print(json.dumps({"session_id": session_id, "analysis": number, **counts}))
    context.print_text(
        f"Analysis {number} of session {session_id}: {made.n_micro} micro and {made.n_macro} macro cues, "
        f"{made.n_blinks} blinks; {n_live} cues were spotted live."
    )
    return 0


def run_compare(args: argparse.Namespace, context: Context) -> int:
    """Pair the cues and print what changed."""
    from edge.evaluate.compare import compare

    with LogReader(context.data_dir) as log:
        session_id = log.resolve(args.session)
        known = [one.number for one in log.analyses(session_id)]
        other = args.other if args.other is not None else max(known, default=0)
        if args.one == other:
            raise UsageError(
                f"compare expects two analyses, and {other} is one; make another with `microcue respot`"
            )
        rows = [
            [dict(zip(CUE_COLUMNS, row, strict=True)) for row in log.cues(session_id, analysis=number)]
            for number in (args.one, other)
        ]
    pairs = list(compare(*rows))
    changes = [pair.change for pair in pairs]
    changed = [_row(pair) for pair in pairs if context.json or pair.change != "same"]
    if context.json or changed:
        title = f"Session {session_id}: analysis {args.one} and analysis {other}"
        context.print_table(title, _COLUMNS, changed, dict(zip(_COLUMNS, _HEADINGS, strict=True)))
    told = ", ".join(f"{changes.count(change)} {change}" for change in ("same", "changed", "gone", "new"))
    context.print_text(f"{told}, from analysis {args.one} to analysis {other}.")
    return 0


def _row(pair: Any) -> tuple[object, ...]:
    shown = pair.other if pair.one is None else pair.one
    return (
        *(pair.change, round(pair.onset_s, 3), shown["kind"]),
        *(str(shown["movements"]).replace("_", " ").replace("+", "\n"), shown["side"]),
        *(None if row is None else round(row["duration_ms"]) for row in (pair.one, pair.other)),
        *(None if row is None else row["amplitude_miod"] for row in (pair.one, pair.other)),
    )


def _with_changes(config: SpotConfig, changes: list[str], context: Context) -> SpotConfig:
    for change in changes:
        name, equals, text = change.partition("=")
        try:
            value = tomllib.loads(f"value = {text}")["value"] if equals else None
            if value is None:
                raise UsageError(f"--set expects KEY=VALUE, found {change!r}; as in learning_s=5")
            config = with_overrides(context.config, {"spot": asdict(config) | {name.strip(): value}}).spot
        except tomllib.TOMLDecodeError as error:
            raise UsageError(f"--set {change!r}: {text!r} is no number, true or false") from error
        except ConfigError as error:
            raise UsageError(f"--set {str(error).removeprefix('spot.')}") from error
    return config
