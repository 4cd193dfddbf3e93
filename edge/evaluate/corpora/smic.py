"""SMIC: HS at 100 frames a second, VIS and NIR at 25; frames are the camera's own counters, no apex."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from edge.evaluate.corpora.corpus import Corpus
from edge.evaluate.corpora.reading import Label, Reading
from edge.evaluate.corpora.recordings import Recordings, numbers_of
from edge.evaluate.corpora.spreadsheet import Row, rows_below_header, the_table

FPS = {"HS": 100.0, "VIS": 25.0, "NIR": 25.0}
_EVENTS = (("OnsetF", "OffsetF"), ("Onset2F", "Offset2F"), ("Onset3F", "Offset3F"))


def read(part: str, root: Path, open_offset_s: float = 0.0) -> Corpus:
    """Read one part: `SMIC-HS-E_annotation*.xlsx` and `s20/s20_ne_01/image1758….jpg` below `root`.

    Parameters
    ----------
    part : str
        HS, VIS or NIR; "HS-long" for the long recordings, read by the same layout.

    Raises
    ------
    CorpusError, MissingExtra
    """
    camera = part.partition("-")[0]
    reading = Reading(f"SMIC-{part}", Recordings(root), FPS[camera], open_offset_s)
    patterns: tuple[str, ...] = (f"SMIC-{camera}-E*annotation*.xlsx", f"SMIC*{camera}*.xlsx")
    if part.endswith("long"):
        patterns = ("SMIC*[lL]ong*.xlsx",)
    table = the_table(root, patterns, f"SMIC-{part}")
    for row in rows_below_header(table, ("Subject", "Filename", "OnsetF", "OffsetF", "FirstF")):
        _read_row(reading, row)
    return reading.corpus(("micro",), {})


def _read_row(reading: Reading, row: Row) -> None:
    name, first = row.text("Filename"), row.frame("FirstF")
    if not name or first is None or row.frame("OnsetF") is None:
        reading.remark(row.where, "text, or no frame numbers", "passed over")
        return
    subject = f"s{row.text('Subject').lower().removeprefix('s').zfill(2)}"
    found = reading.recordings.find(subject, name) or reading.recordings.find(name)
    reading.add_video(name, subject, found, row.where, first)
    if found and found[0].is_dir() and (begins := numbers_of(found[0]).first) not in (first, 1, 0):
        reading.remark(row.where, f"FirstF {first}, but the first picture is {begins}", "FirstF counts")
    for onset, offset in _EVENTS:
        if row.frame(onset):
            reading.add_label(name, Label(row.where, "micro", row.frame(onset), None, row.frame(offset)))


read_hs = partial(read, "HS")
read_vis = partial(read, "VIS")
read_nir = partial(read, "NIR")
read_hs_long = partial(read, "HS-long")
