"""What every command is given besides its own arguments, and how it prints."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.config import Config

# A pipe has no width: wide enough that nothing is cut, since rich never pads to it.
_PIPE_WIDTH_COLUMNS = 400
# A session id has 20.
_SHORT_COLUMNS = 20
# Also "83±8", "<0.01", "97%" and "01:20".
_NUMBER = re.compile(r"[-+<±%.:e\d]*")


@dataclass(frozen=True, slots=True)
class Context:
    """Common options, already read.

    Attributes
    ----------
    config : Config
        Effective settings.
    data_dir : Path
        Holds `microcue.db`; may not exist yet.
    json : bool
        Print for programs, not for people.
    verbosity : int
        -1 quiet, 0 normal, 1 and more verbose.
    """

    config: Config
    data_dir: Path
    json: bool = False
    verbosity: int = 0

    def print_table(
        self,
        title: str,
        columns: Sequence[str],
        rows: Iterable[Sequence[object]],
        shown: Mapping[str, str] | None = None,
    ) -> None:
        """Print rows as a table for people, or as a JSON array of objects with `--json`.

        Parameters
        ----------
        title : str
            Above the table; not part of the JSON.
        columns : sequence of str
            Names of the values in each row, as in the JSON.
        rows : iterable of sequences
            Taken one by one; with `--json` never more than one is held.
        shown : mapping of column name to heading, optional
            Which columns a person sees, in this order; all under their own names if left out.
        """
        if self.json:
            _print_json(columns, rows)
        else:
            _print_table(title, columns, rows, shown or {name: name for name in columns})

    def print_text(self, text: str) -> None:
        """Print a sentence for people; silent with `--json` and `-q`."""
        if not self.json and self.verbosity >= 0:
            print(text)


def _print_json(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    separator = "[\n"
    for row in rows:
        record = dict(zip(columns, row, strict=True))
        sys.stdout.write(separator + json.dumps(record, ensure_ascii=False))
        separator = ",\n"
    sys.stdout.write("[]\n" if separator == "[\n" else "\n]\n")


def _print_table(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], shown: Mapping[str, str]
) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH_COLUMNS, highlight=False)
    table = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, 0, 0, 1),
    )
    picked = [columns.index(name) for name in shown]
    held = [[row[index] for index in picked] for row in rows]
    for position, heading in enumerate(shown.values()):
        values = [row[position] for row in held]
        is_number = all(_NUMBER.fullmatch(_cell(value)) for value in values)
        # short ones stay whole on a narrow terminal, the long ones make room
        is_short = all(len(line) <= _SHORT_COLUMNS for value in values for line in _cell(value).splitlines())
        table.add_column(heading, justify="right" if is_number else "left", overflow="fold", no_wrap=is_short)
    for row in held:
        # Text, not str: brackets in a note are not markup
        table.add_row(*(Text(_cell(value)) for value in row))
    console.print(table)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value)
