"""Cues and signals as Parquet, in groups of rows, so that a log of any size fits in memory."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from edge.anatomy import LOST
from edge.errors import MissingExtra
from edge.record.cue_rows import CUE_COLUMNS
from edge.record.output import output_path
from edge.record.selection import Selection

if TYPE_CHECKING:
    import pyarrow

_N_GROUP_ROWS = 20_000
_N_GROUP_BLOCKS = 60
_TEXTS = {
    *("cue_id", "session_id", "kind", "duration_band", "onset_utc", "regions", "movements", "side"),
    *("lighting", "review", "note"),
}
_WHOLE = {
    *("face", "onset_frame", "apex_frame", "offset_frame", "fast_onset", "dropped_frames", "during_blink"),
    *("during_speech", "repeated_frames", "exposure_changes", "onset_sensor_ns"),
}


def write_parquet(selection: Selection, output: str) -> int:
    """Write the rows with their types: text, int64, double; gives their number.

    Raises
    ------
    MissingExtra
        pyarrow is not installed.
    OutputNeeded, OutputUnwritable
    """
    pa, parquet = pyarrow_modules()
    schema = pa.schema([(name, type_of(pa, name)) for name in CUE_COLUMNS])
    n_rows = 0
    with output_path(output, "parquet") as path, parquet.ParquetWriter(path, schema) as writer:
        rows = iter(selection.rows())
        while group := list(islice(rows, _N_GROUP_ROWS)):
            columns = zip(*group, strict=True)
            arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
            n_rows += len(group)
    return n_rows


def write_signals_parquet(selection: Selection, output: str) -> int:
    """Write every stored frame of every face: numbers, times and 32-bit signals; gives their number.

    The columns are session_id, face, frame, time_s (since the session's first frame), sensor_ns, and one for
    each signal, in its own unit; null where the patch was lost. All sessions have to have the same signals.

    Raises
    ------
    MissingExtra, OutputNeeded, OutputUnwritable, BlockDamaged
    """
    pa, parquet = pyarrow_modules()
    names = list(dict.fromkeys(name for one in selection.session_ids for name in selection.log.channels(one)))
    fixed = [("session_id", pa.string()), ("face", pa.int64()), ("frame", pa.int64())]
    fixed += [("time_s", pa.float64()), ("sensor_ns", pa.int64())]
    schema = pa.schema([*fixed, *((name, pa.float32()) for name in names)])
    n_frames = 0
    with output_path(output, "parquet") as path, parquet.ParquetWriter(path, schema) as writer:
        tables = _signal_tables(pa, schema, selection)
        while group := list(islice(tables, _N_GROUP_BLOCKS)):
            table = pa.concat_tables(group)
            writer.write_table(table)
            n_frames += len(table)
    return n_frames


def _signal_tables(pa: Any, schema: pyarrow.Schema, selection: Selection) -> Iterator[pyarrow.Table]:
    """One small table for each stored block."""
    log = selection.log
    for session_id in selection.session_ids:
        first_ns, quanta = log.first_frame_ns(session_id), log.channels(session_id)
        for face in log.faces(session_id):
            for block in selection.signal_blocks(session_id, face):
                n = len(block.frames)
                known = {
                    "session_id": pa.array([session_id] * n),
                    "face": pa.array(np.full(n, face)),
                    "frame": pa.array(block.frames),
                    "time_s": pa.array(block.times_ns / 1e9),
                    "sensor_ns": pa.array(block.times_ns + first_ns),
                }
                for index, (name, quantum) in enumerate(quanta.items()):
                    codes = block.codes[:, index]
                    known[name] = pa.array((codes * quantum).astype(np.float32), mask=codes == LOST)
                empty = pa.nulls(n, pa.float32())
                arrays = [known.get(field.name, empty).cast(field.type) for field in schema]
                yield pa.Table.from_arrays(arrays, schema=schema)


def type_of(pa: Any, name: str) -> Any:
    """The type of a column of `CUE_COLUMNS`; a number for any other name."""
    return pa.string() if name in _TEXTS else pa.int64() if name in _WHOLE else pa.float64()


def pyarrow_modules(what: str = "the format parquet", extra: str = "parquet") -> tuple[Any, Any]:
    """pyarrow and pyarrow.parquet; raises MissingExtra with the words given where they are not installed."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise MissingExtra(what, extra) from error
    return pa, parquet
