"""Cues as files for other programs, row by row, so that a log of any size fits in memory."""

from __future__ import annotations

import csv
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from edge.errors import UsageError
from edge.record.cue_rows import CUE_COLUMNS, Row
from edge.record.errors import OutputUnwritable

# Gives back how many rows it wrote.
Format = Callable[[Iterable[Row], TextIO], int]


class FormatUnavailable(UsageError):
    """An export format that is planned and not there yet, or not known at all."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return f"the format {self.name!r} is not in this release; choose one of: {', '.join(FORMATS)}"


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


FORMATS: dict[str, Format] = {"csv": write_csv, "jsonl": write_jsonl}
PLANNED_FORMATS = ("parquet", "elan", "bids", "boris")


def find_format(name: str) -> Format:
    """The writer of a format; raises FormatUnavailable."""
    if name not in FORMATS:
        raise FormatUnavailable(name)
    return FORMATS[name]


@contextmanager
def output_file(output: str) -> Iterator[TextIO]:
    """A text file that appears under its name only when it is complete; "-" is standard output.

    Raises
    ------
    OutputUnwritable
        The file cannot be made or written; nothing is left behind.
    """
    if output == "-":
        yield sys.stdout
        return
    path = Path(output)
    if path.is_dir():
        raise OutputUnwritable(path, "it is a directory, and a file name is needed")
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    except OSError as error:
        raise OutputUnwritable(path, error.strerror or str(error)) from error
    part = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise OutputUnwritable(path, error.strerror or str(error)) from error
    finally:
        part.unlink(missing_ok=True)
