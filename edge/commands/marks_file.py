"""Marks from a file: seconds and words, as a table that any program writes."""

from __future__ import annotations

import csv
import math
from pathlib import Path

from edge.errors import UsageError

# what other programs call the words of an event: BIDS, BORIS, ELAN and spreadsheets
_TEXT_HEADINGS = ("text", "mark", "trial_type", "behavior", "label", "annotation", "value")
_FILE_MAX_BYTES = 10_000_000


class MarksFileUnreadable(UsageError):
    """The file of marks is not what it should be."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return (
            "--marks expects a table of seconds and words, separated by tabs or commas, and "
            f"{self.path} {self.reason}; write it as in: 12.5,first question"
        )


def read_marks(path: Path) -> list[tuple[float, str]]:
    """Marks in order of time: seconds since the session's first frame, and words.

    The first column is the time. The words are in the column that a heading names (text, trial_type
    and the like, so that a BIDS events file will do), else in the second.

    Raises
    ------
    MarksFileUnreadable
        Names the line.
    """
    try:
        if path.stat().st_size > _FILE_MAX_BYTES:
            raise MarksFileUnreadable(path, f"is larger than {_FILE_MAX_BYTES // 10**6} MB")
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise MarksFileUnreadable(path, f"cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise MarksFileUnreadable(path, "is no UTF-8 text") from error
    if not lines:
        return []
    delimiter = "\t" if "\t" in lines[0] else ","
    rows = list(csv.reader(lines, delimiter=delimiter))
    column, first = 1, 0
    if rows[0] and _seconds(rows[0][0]) is None:
        headings = [cell.strip().lower() for cell in rows[0]]
        column = next((headings.index(name) for name in _TEXT_HEADINGS if name in headings), 1)
        first = 1
    marks = []
    for number, row in enumerate(rows[first:], first + 1):
        if not "".join(row).strip():
            continue
        at_s = _seconds(row[0])
        if at_s is None or len(row) <= column:
            raise MarksFileUnreadable(path, f"has in line {number}: {delimiter.join(row)[:60]!r}")
        marks.append((at_s, row[column].strip()))
    return sorted(marks)


def _seconds(text: str) -> float | None:
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and 0 <= seconds < 1e9 else None
