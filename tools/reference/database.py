"""docs/reference/database.md and its diagram: the tables of `microcue.db` as its migrations make them."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from edge.record.migrations import MIGRATIONS
from reference.cells import code, table

_HEAD = """# The database

`microcue.db` is an SQLite file ([log.md](../log.md) says how it is kept safe). This page is written by
`python tools/write_reference.py` from the tables as a new log has them, format {format}. Every program
that reads SQLite can read it, also while a run goes on:

```sh
sqlite3 -readonly microcue.db "SELECT number, kind, onset_ns / 1e9, movements FROM cues"
```

Please write to it by `microcue` alone. Columns only come, and never change their meaning; a program that
names the columns it wants goes on working. For scripts the exports are simpler ([cues.md](../cues.md)).

- `…_ns`: nanoseconds of the sensor's clock since the session's first frame. `…_unix_ns`: nanoseconds since
  1970, UTC.
- `…_miod`: thousandths of the distance between the outer eye corners. `n_…`: counts.
- `number`: of a cue or blink within its session. `face`: from 0.
- Cues and blinks have the meaning of the [export's columns](../cues.md#the-columns-of-an-export).

![Tables and what refers to what](../images/database.svg)
"""
# one line each; tests/tools/test_reference.py holds this to the tables there are
MEANINGS = {
    "participants": "codes of people; never a name",
    "sessions": "one for each time somebody was watched: source, settings as JSON, how it ended, counts",
    "versions": "of microcue and of each model, by session",
    "clock_offsets": "what to add to sensor time for wall time, and whether the clock was set",
    "cues": "candidate cues as they were spotted live",
    "blinks": "closed and opened lids",
    "marks": "what a person marked, in time",
    "gaps": "frames that the sensor made and nobody received",
    "face_intervals": "from when to when a face was followed",
    "health": "what was wrong or changed with board and loop (docs/health.md)",
    "point_lights": "tracked points around a cue, compressed",
    "signal_blocks": "movement signals, a second to a block, compressed (docs/decisions/0003)",
    "incidents": "what befell the log itself",
    "frame_reports": "what some seconds of frames were like",
    "consents": "what a participant agreed to, when, and to which text",
    "analyses": "runs of `microcue respot`, with their settings",
    "analysis_cues": "what such a run spotted",
    "reviews": "every decision of every reviewer; the last of all stands in `cues.review`",
}


class Column(NamedTuple):
    """One column of a table."""

    name: str
    type: str
    is_key: bool
    may_be_null: bool


class Table(NamedTuple):
    """One table; `refers_to` are tables."""

    name: str
    columns: tuple[Column, ...]
    refers_to: tuple[str, ...]


def tables() -> list[Table]:
    """The tables of a new log, in the order in which they came to be."""
    connection = sqlite3.connect(":memory:")
    for step in MIGRATIONS:
        connection.executescript(step)
    names = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    found = []
    for name in names:
        columns = tuple(
            Column(column, kind, bool(key), not not_null and not key)
            for _, column, kind, not_null, _, key in connection.execute(f"PRAGMA table_info({name})")
        )
        referred = {row[2] for row in connection.execute(f"PRAGMA foreign_key_list({name})")}
        found.append(Table(name, columns, tuple(sorted(referred))))
    connection.close()
    return found


def page() -> str:
    """The whole page."""
    lines = [_HEAD.format(format=len(MIGRATIONS))]
    for item in tables():
        refers = f" Refers to {', '.join(code(name) for name in item.refers_to)}." if item.refers_to else ""
        rows = (
            (code(column.name), column.type, "key" if column.is_key else "or null" * column.may_be_null)
            for column in item.columns
        )
        lines += [f"## {item.name}", "", f"{MEANINGS[item.name].capitalize()}.{refers}", ""]
        lines += [*table(("column", "type", ""), rows), ""]
    return "\n".join(lines)


_COLUMNS, _WIDTH, _LINE, _GAP = 4, 226, 15, 24
_MOST = 9  # columns shown of a table; the page has them all


def diagram() -> str:
    """The same as a picture: keys and the first columns of each table."""
    placed, heights = [], [40.0] * _COLUMNS
    for item in sorted(tables(), key=lambda item: (item.name != "sessions", item.name != "participants")):
        shown = [*(f"{column.name}{' •' * column.is_key}" for column in item.columns[:_MOST])]
        if len(item.columns) > _MOST:
            shown.append(f"and {len(item.columns) - _MOST} more")
        lane = heights.index(min(heights))
        left, top = 20 + lane * (_WIDTH + _GAP), heights[lane]
        placed += _box(item, shown, left, top)
        heights[lane] += 34 + _LINE * len(shown) + _GAP
    width, height = 20 + _COLUMNS * (_WIDTH + _GAP), round(max(heights))
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}' "
        "font-family=\"'DejaVu Sans', Verdana, sans-serif\" font-size='11'>\n"
        "<title>The tables of microcue.db</title>\n"
        f"<rect width='{width}' height='{height}' fill='white'/>\n"
        "<text x='20' y='24' fill='#222'>• key, → refers to that table</text>\n"
        + "\n".join(placed)
        + "\n</svg>\n"
    )


def _box(item: Table, shown: list[str], left: float, top: float) -> list[str]:
    height = 34 + _LINE * len(shown)
    fill = "#1f5f8b" if item.name in ("sessions", "participants") else "#5b7083"
    refers = f"  → {', '.join(item.refers_to)}" if item.refers_to else ""
    parts = [
        f"<rect x='{left}' y='{top:g}' width='{_WIDTH}' height='{height}' fill='#f6f8fa' stroke='{fill}'/>",
        f"<rect x='{left}' y='{top:g}' width='{_WIDTH}' height='22' fill='{fill}'/>",
        f"<text x='{left + 8}' y='{top + 15:g}' fill='white'><tspan font-weight='bold'>{item.name}</tspan>"
        f"<tspan font-size='9'>{refers}</tspan></text>",
    ]
    for line, text in enumerate(shown):
        y = top + 38 + _LINE * line
        parts.append(f"<text x='{left + 8}' y='{y:g}' fill='#222'>{text}</text>")
    return parts
