"""docs/reference/commands.md: every command as `--help` says it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from edge.cli import COMMANDS, build_parser
from reference.cells import code, table

_HEAD = """# Commands

Written from the program's own `--help` by `python tools/write_reference.py`; `microcue COMMAND --help`
says the same. What a command ends with is on the page [exit codes and errors](errors.md).
"""
_COMMON = "common options"


def page() -> str:
    """The whole page."""
    lines = [_HEAD]
    lines += table(
        ("command", "does"), ((f"[`{name}`](#{name})", item.summary) for name, item in COMMANDS.items())
    )
    lines += ["", "## Common to all", "", *_options(_parser("sessions"), common=True), ""]
    for name in COMMANDS:
        lines += _section(name, _parser(name))
    return "\n".join(lines)


def _parser(name: str) -> argparse.ArgumentParser:
    """A command's own parser."""
    actions = build_parser(name)._actions
    return next(action.choices[name] for action in actions if isinstance(action, argparse._SubParsersAction))


def _section(name: str, parser: argparse.ArgumentParser) -> Iterator[str]:
    yield from (f"## {name}", "", str(parser.description or COMMANDS[name].summary), "")
    options = list(_options(parser, common=False))
    if len(options) > 2:  # more than the headings
        yield from (*options, "")
    if parser.epilog:
        yield from ("```text", parser.epilog.strip(), "```", "")


def _options(parser: argparse.ArgumentParser, common: bool) -> list[str]:
    groups = [group for group in parser._action_groups if (group.title == _COMMON) is common]
    rows = [
        (code(_names(action)), _meaning(parser, action))
        for group in groups
        for action in group._group_actions
        if not isinstance(action, argparse._HelpAction) and action.help != argparse.SUPPRESS
    ]
    return table(("option", "means"), rows)


def _names(action: argparse.Action) -> str:
    """As a person types it, with what follows; argparse's own way of it differs between Pythons."""
    value = "" if action.nargs == 0 else _value(action)
    if not action.option_strings:
        return value
    return ", ".join(action.option_strings) + (f" {value}" if value else "")


def _value(action: argparse.Action) -> str:
    name = action.metavar or (
        "|".join(map(str, action.choices)) if action.choices is not None else action.dest.upper()
    )
    name = " ".join(name) if isinstance(name, tuple) else name
    return {"*": f"[{name} ...]", "+": f"{name} ...", "?": f"[{name}]"}.get(str(action.nargs), name)


def _meaning(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    return parser._get_formatter()._expand_help(action) if action.help else ""
