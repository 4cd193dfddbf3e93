"""`microcue config`: the settings in use, as a file that can be saved and read back."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from edge.config import as_tables, changed
from edge.config_text import to_toml

if TYPE_CHECKING:
    from edge.commands.context import Context


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `config` to the command line."""
    parser = subparsers.add_parser(
        "config",
        help="print the settings in use",
        description="Prints every setting with its meaning and range, as a settings file.",
        epilog="example, for a file of your own:\n  mkdir -p ~/.config/microcue\n"
        "  microcue config > ~/.config/microcue/microcue.toml",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--changed", action="store_true", help="only what differs from the defaults")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, context: Context) -> int:
    """Print the settings as TOML, or as JSON."""
    tables = changed(context.config) if arguments.changed else as_tables(context.config)
    text = json.dumps(tables, indent=2, ensure_ascii=False) if context.json else to_toml(tables)
    if text:
        print(text)
    return 0
