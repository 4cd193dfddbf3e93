"""Results as two tables: every cue of every video, and every video."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, fields
from itertools import islice
from pathlib import Path
from typing import Any

from edge.batch.result import VideoResult
from edge.record.cue_rows import CUE_COLUMNS
from edge.record.formats.parquet import pyarrow_modules, type_of
from edge.record.output import output_file, output_path

FORMATS = ("parquet", "csv")
ROW_COLUMNS = ("video", *CUE_COLUMNS)
VIDEO_COLUMNS = tuple(field.name for field in fields(VideoResult) if field.name not in ("cues", "blinks"))
VIDEO_COLUMNS += ("n_micro", "n_macro", "n_blinks")
_TEXTS = {"video", "key", "error"}
_N_GROUP_ROWS = 20_000

Row = dict[str, Any]


def check_format(name: str) -> None:
    """Raise MissingExtra where the format cannot be written: before the work rather than after it."""
    if name == "parquet":
        pyarrow_modules("a table as parquet (--format csv needs none)", "batch")


def rows_of(result: VideoResult, blinks: bool) -> list[Row]:
    """Cues, and blinks where they are asked for, in order of onset."""
    rows = [*result.cues, *(result.blinks if blinks else ())]
    return [
        {"video": result.video, **row} for row in sorted(rows, key=lambda row: float(row["onset_s"] or 0))
    ]


def video_row(result: VideoResult) -> Row:
    """The video without its cues, and how many there are."""
    row = asdict(result)
    for kind in ("micro", "macro"):
        row[f"n_{kind}"] = sum(cue["kind"] == kind for cue in result.cues)
    row["n_blinks"] = len(row.pop("blinks"))
    del row["cues"]
    return row


def write_table(path: Path, columns: Sequence[str], rows: Iterable[Row], format_name: str) -> int:
    """Write rows, in groups, to a file that appears when it is complete; gives their number.

    Raises
    ------
    OutputUnwritable
    """
    if format_name == "csv":
        with output_file(str(path)) as file:
            writer = csv.DictWriter(file, columns, lineterminator="\n")
            writer.writeheader()
            return sum(bool(writer.writerow(row)) for row in rows)
    pa, parquet = pyarrow_modules()
    types = {name: _type(pa, name) for name in columns}
    schema = pa.schema(list(types.items()))
    n_rows = 0
    with output_path(str(path), "parquet") as part, parquet.ParquetWriter(part, schema) as writer:
        for group in _groups(rows):
            writer.write_table(pa.Table.from_pylist(group, schema))
            n_rows += len(group)
    return n_rows


def _groups(rows: Iterable[Row]) -> Iterator[list[Row]]:
    waiting = iter(rows)
    while group := list(islice(waiting, _N_GROUP_ROWS)):
        yield group


def _type(pa: Any, name: str) -> Any:
    if name in _TEXTS:
        return pa.string()
    if name in CUE_COLUMNS and name != "fps":
        return type_of(pa, name)
    return pa.bool_() if name == "has_learned" else pa.int64() if name.startswith("n_") else pa.float64()
