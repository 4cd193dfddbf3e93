"""Rows of the corpora's spreadsheets, wherever their header stands, with cells as they were meant."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from edge.errors import MissingExtra
from edge.evaluate.corpora.corpus import CorpusError

Cell: TypeAlias = "str | int | float | None"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table.

    Attributes
    ----------
    where : str
        File and row number, as a spreadsheet shows them.
    cells : dict of str to cell
        By column name in lower case without blanks.
    """

    where: str
    cells: dict[str, Cell]

    def text(self, *names: str) -> str:
        """The first of these columns that there is, as text; numbers without a fraction lose their point."""
        for name in names:
            if (value := self.cells.get(plain(name))) is not None:
                whole = isinstance(value, float) and value.is_integer()
                return str(int(value) if whole else value).strip()
        return ""

    def frame(self, *names: str) -> int | None:
        """The first of these columns as a frame number; None where there is none, such as "/" or "n/a"."""
        text = self.text(*names)
        try:
            return round(float(text))
        except ValueError:
            return None


def plain(name: object) -> str:
    """A column name for comparison: "Onset Frame" and "OnsetFrame" are the same."""
    return "".join(str(name).lower().split()).replace("_", "")


def the_table(root: Path, patterns: Sequence[str], corpus: str) -> Path:
    """The newest, by name, of the files that fit the first pattern that any fits; Excel's locks are none.

    Raises
    ------
    CorpusError
    """
    for pattern in patterns:
        if found := [path for path in root.rglob(pattern) if not path.name.startswith(("~$", "."))]:
            return max(found, key=lambda path: path.name)
    old = next((path for path in root.rglob("*.xls")), None)
    came = f"there is only {old.name}" if old is not None else "there is none"
    cure = "put the table that came with the corpus there, or name another --root"
    raise CorpusError(
        str(root),
        f"the table of {corpus} ({' or '.join(patterns)})",
        came,
        "save it as .xlsx" if old is not None else cure,
    )


def sheet(path: Path, name: str = "") -> list[list[Cell]]:
    """All cells of a sheet, or of the first; of a CSV, everything as text.

    Raises
    ------
    CorpusError, MissingExtra
    """
    if path.suffix.lower() == ".csv":
        return _csv_cells(path)
    try:
        from openpyxl import load_workbook
        from openpyxl.utils.exceptions import InvalidFileException
    except ImportError as error:
        raise MissingExtra("reading spreadsheets", "evaluate") from error
    from zipfile import BadZipFile

    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except (InvalidFileException, BadZipFile, KeyError, OSError) as error:
        raise CorpusError(
            str(path), "a spreadsheet", f"it cannot be read ({error})", "save it as .xlsx again"
        ) from error
    try:
        if name and name not in book.sheetnames:
            raise CorpusError(
                str(path),
                f"a sheet named {name}",
                f"it has {', '.join(book.sheetnames)}",
                "use the table as it was released",
            )
        chosen = book[name] if name else book[book.sheetnames[0]]
        return [[_meant(value) for value in row] for row in chosen.iter_rows(values_only=True)]
    finally:
        book.close()


def _csv_cells(path: Path) -> list[list[Cell]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return [[value.strip() or None for value in row] for row in csv.reader(file)]
    except OSError as error:
        raise CorpusError(str(path), "a table", str(error.strerror), "check the path") from error
    except UnicodeDecodeError as error:
        raise CorpusError(str(path), "text in UTF-8", "it is not", "save it as CSV (UTF-8)") from error


def _meant(value: object) -> Cell:
    return value if isinstance(value, int | float | None) else str(value)


def rows_below_header(path: Path, needed: Sequence[str], name: str = "") -> Iterator[Row]:
    """Rows below the first that names all needed columns; notes above it and empty rows are passed over.

    Raises
    ------
    CorpusError, MissingExtra
    """
    cells = sheet(path, name)
    wanted = {plain(column) for column in needed}
    headers = ([plain(cell) if cell is not None else "" for cell in line] for line in cells)
    number, header = next(((k, line) for k, line in enumerate(headers) if wanted <= set(line)), (-1, []))
    if number < 0:
        raise CorpusError(
            str(path),
            f"a row with the columns {', '.join(needed)}",
            "there is none",
            "use the table as it was released",
        )
    for below, line in enumerate(cells[number + 1 :], number + 2):
        if any(cell is not None for cell in line):
            named = {key: cell for key, cell in zip(header, line, strict=False) if key}
            yield Row(f"{path.name} row {below}", named)
