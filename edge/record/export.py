"""Which formats there are, for cues and for signals; each writes a `Selection` and counts its rows."""

from __future__ import annotations

from collections.abc import Callable

from edge.record.formats.bids import write_bids
from edge.record.formats.boris import write_boris
from edge.record.formats.elan import write_elan
from edge.record.formats.npz import write_signals_npz
from edge.record.formats.parquet import write_parquet, write_signals_parquet
from edge.record.formats.text import write_csv, write_jsonl
from edge.record.output import output_file
from edge.record.selection import Selection

Format = Callable[[Selection, str], int]


def _write_csv(selection: Selection, output: str) -> int:
    with output_file(output) as file:
        return write_csv(selection.rows(), file)


def _write_jsonl(selection: Selection, output: str) -> int:
    with output_file(output) as file:
        return write_jsonl(selection.rows(), file)


FORMATS: dict[str, Format] = {
    "csv": _write_csv,
    "jsonl": _write_jsonl,
    "parquet": write_parquet,
    "elan": write_elan,
    "bids": write_bids,
    "boris": write_boris,
}
SIGNAL_FORMATS: dict[str, Format] = {"parquet": write_signals_parquet, "npz": write_signals_npz}
