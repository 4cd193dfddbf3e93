"""Tables for people: numbers and names stay whole, texts fold, columns that find no room are named."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence

# A pipe has no width: wide enough that nothing folds.
_PIPE_WIDTH_COLUMNS = 400
_UNKNOWN_TERMINAL_COLUMNS = 80
# A longer word, such as a path, may be broken anywhere; "interrupted" has 11.
_WHOLE_WORD_COLUMNS = 12
# Also "83±8", "<0.01", "97%" and "01:20".
_NUMBER = re.compile(r"[-+<±%.:e\d]*")


class _Column:
    """One column: its texts, and how narrow and how wide it may be."""

    def __init__(self, name: str, heading: str, cells: list[str], is_first: bool) -> None:
        self.name = name
        self.heading = heading
        self.cells = cells
        self.is_number = all(_NUMBER.fullmatch(cell) for cell in cells)
        whole = 10**6 if is_first or self.is_number else _WHOLE_WORD_COLUMNS
        lines = [line for text in (heading, *cells) for line in text.splitlines()]
        words = [word for line in lines for word in line.split()]
        self.width_max = max(map(_width, lines), default=1)
        self.width = max((min(_width(word), whole) for word in words), default=1)


def table_text(
    title: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    shown: Mapping[str, str],
    drop_first: Sequence[str] = (),
) -> str:
    """A table that fits the terminal, or COLUMNS where that is set.

    The first column names the row: it is never broken and never left out. Numbers are never
    broken. What still finds no room is left out and named below the table.

    Parameters
    ----------
    title : str
    columns : sequence of str
        Names of the values in each row.
    rows : iterable of sequences
    shown : mapping of column name to heading
        Which columns, in this order.
    drop_first : sequence of str
        Left out first where there is no room for all; then the others from the right.
    """
    held = [[_cell(value) for value in row] for row in rows]
    laid_out = [
        _Column(name, heading, [row[columns.index(name)] for row in held], position == 0)
        for position, (name, heading) in enumerate(shown.items())
    ]
    room = _room()
    dropped = _drop(laid_out, drop_first, room)
    _widen(laid_out, room)
    note = f"Left out in {room} columns: {', '.join(dropped)}; --json has them.\n" if dropped else ""
    return f"{title}\n{_drawn(laid_out, room)}{note}"


def _room() -> int:
    fallback = _UNKNOWN_TERMINAL_COLUMNS if sys.stdout.isatty() else _PIPE_WIDTH_COLUMNS
    return shutil.get_terminal_size((fallback, 24)).columns


def _drop(laid_out: list[_Column], drop_first: Sequence[str], room: int) -> list[str]:
    """Take columns out until the narrowest table fits; their headings in the order they had."""
    headings = [column.heading for column in laid_out]
    order = [column for name in drop_first for column in laid_out if column.name == name]
    order += [column for column in reversed(laid_out[1:]) if column not in order]
    for column in order:
        if _needed(laid_out) <= room:
            break
        laid_out.remove(column)
    left = {column.heading for column in laid_out}
    return [heading for heading in headings if heading not in left]


def _widen(laid_out: list[_Column], room: int) -> None:
    """Share what room is left, a character at a time, with the column whose texts fold most."""
    for _ in range(room - _needed(laid_out)):
        column = max(laid_out, key=lambda one: one.width_max / one.width)
        if column.width >= column.width_max:
            return
        column.width += 1


def _needed(laid_out: list[_Column]) -> int:
    return sum(column.width + 1 for column in laid_out) - 1


def _drawn(laid_out: list[_Column], room: int) -> str:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    # the box puts one space between columns, the padding a second where there is room for it
    spare = room - _needed(laid_out)
    padding = 1 if spare >= len(laid_out) - 1 else 0
    console = Console(width=max(room, _needed(laid_out)), highlight=False)
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 0, 0, padding))
    for column in laid_out:
        justify = "right" if column.is_number else "left"
        # Text, not str: brackets in a note are not markup
        heading = Text(column.heading)
        table.add_column(heading, justify=justify, overflow="fold", width=column.width)  # type: ignore[arg-type]
    for cells in zip(*(column.cells for column in laid_out), strict=True):
        table.add_row(*map(Text, cells))
    with console.capture() as capture:
        console.print(table)
    return "".join(f"{line.rstrip()}\n" for line in capture.get().splitlines())


def _width(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(text)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value)
