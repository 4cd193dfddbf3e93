"""What `aim` shows: a table that is drawn again and again on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from edge.commands.context import Context
from edge.messages import SourceInfo

if TYPE_CHECKING:
    from rich.console import Group

    from edge.commands.framing import Line
    from edge.perceive.face_picture import FacePicture

Show = Callable[["list[Line]", "FacePicture | None"], None]
_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red", "unknown": "dim"}
_SKETCH_COLUMNS = 28


@contextmanager
def display_for(context: Context, info: SourceInfo) -> Iterator[Show]:
    """A way to show lines: none with --json or -q, a table on a terminal, else lines of text."""
    if context.json or context.verbosity < 0:
        yield lambda _lines, _face: None
    elif sys.stdout.isatty():
        from rich.console import Console
        from rich.live import Live

        with Live(console=Console(highlight=False), auto_refresh=False) as live:
            yield lambda lines, face: live.update(drawn(lines, face, info), refresh=True)
    else:
        yield PlainLines()


class PlainLines:
    """One line of text whenever something has changed in kind, so that a log file stays short."""

    def __init__(self) -> None:
        self._last: tuple[tuple[str, str], ...] = ()

    def __call__(self, lines: list[Line], face: FacePicture | None) -> None:  # noqa: ARG002 - as others
        """Print what there is to do, or that there is nothing."""
        now = tuple((line.level, line.advice.partition(",")[0]) for line in lines)
        if now == self._last:
            return
        self._last = now
        told = [f"{line.name} ({line.found}): {line.advice}" for line in lines if line.advice]
        print(
            "; ".join(told) if told else "ready: " + "; ".join(line.found for line in lines[1:]), flush=True
        )


def drawn(lines: list[Line], face: FacePicture | None, info: SourceInfo) -> Group:
    """Where the face is in the picture, and the lines below it."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    for overflow in ("fold", "fold", "fold", "fold"):
        table.add_column(overflow=overflow)  # type: ignore[arg-type]
    for line in lines:
        mark = Text(line.level if line.level != "unknown" else "-", style=_COLOURS[line.level])
        table.add_row(mark, line.name, Text(line.found), Text(line.advice, style=_COLOURS[line.level]))
    bad = [line for line in lines if line.level == "fail"]
    verdict = Text(f"not yet: {bad[0].name}", style="red") if bad else Text("ready", style="green")
    return Group(Text(sketch(face, info)), table, verdict, Text("Ctrl-C ends", style="dim"))


def sketch(face: FacePicture | None, info: SourceInfo) -> str:
    """The picture's frame and the face's place in it; characters are twice as high as wide."""
    n_columns = _SKETCH_COLUMNS
    n_rows = max(3, round(n_columns * info.height / info.width / 2))
    rows = [[" "] * n_columns for _ in range(n_rows)]
    if face is not None:
        centre_x = (face.left_px + info.width - 1 - face.right_px) / 2 / info.width * n_columns
        centre_y = (face.top_px + info.height - 1 - face.bottom_px) / 2 / info.height * n_rows
        half_x = max(face.width_px / info.width * n_columns / 2, 0.5)
        half_y = max((info.height - 1 - face.bottom_px - face.top_px) / info.height * n_rows / 2, 0.5)
        for row in range(n_rows):
            for column in range(n_columns):
                inside = ((column + 0.5 - centre_x) / half_x) ** 2 + ((row + 0.5 - centre_y) / half_y) ** 2
                rows[row][column] = "o" if inside <= 1.0 else " "
    edge = "+" + "-" * n_columns + "+"
    return "\n".join([edge, *(f"|{''.join(row)}|" for row in rows), edge])
