"""What every command is given besides its own arguments, and how it prints."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.commands.table import table_text
from edge.config import Config


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
        drop_first: Sequence[str] = (),
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
        drop_first : sequence of str, optional
            Columns a narrow terminal does without first; after these, those on the right.
        """
        if self.json:
            _print_json(columns, rows)
        else:
            headings = shown or {name: name for name in columns}
            _start_line()
            sys.stdout.write(table_text(title, columns, rows, headings, drop_first))

    def print_text(self, text: str) -> None:
        """Print a sentence for people; silent with `--json` and `-q`."""
        if not self.json and self.verbosity >= 0:
            _start_line()
            print(text)


def _start_line() -> None:
    if sys.stdout.isatty():
        sys.stdout.write("\r\x1b[K")  # over the ^C that the terminal itself shows


def _print_json(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    separator = "[\n"
    for row in rows:
        record = dict(zip(columns, row, strict=True))
        sys.stdout.write(separator + json.dumps(record, ensure_ascii=False))
        separator = ",\n"
    sys.stdout.write("[]\n" if separator == "[\n" else "\n]\n")
