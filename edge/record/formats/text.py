"""Cues as CSV and as JSON Lines, row by row, so that a log of any size fits in memory."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from typing import TextIO

from edge.record.cue_rows import CUE_COLUMNS, Row


def write_csv(rows: Iterable[Row], file: TextIO) -> int:
    """Comma-separated with a header (RFC 4180, lines end in a newline); what is not known is empty."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(CUE_COLUMNS)
    n_rows = 0
    for row in rows:
        writer.writerow(row)
        n_rows += 1
    return n_rows


def write_jsonl(rows: Iterable[Row], file: TextIO) -> int:
    """One JSON object a line; what is not known is null."""
    n_rows = 0
    for row in rows:
        file.write(json.dumps(dict(zip(CUE_COLUMNS, row, strict=True)), ensure_ascii=False) + "\n")
        n_rows += 1
    return n_rows
