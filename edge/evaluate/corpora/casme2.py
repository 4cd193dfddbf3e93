"""CASME II: 200 frames a second, one folder of pictures for each clip with one movement in it."""

from __future__ import annotations

from pathlib import Path

from edge.evaluate.corpora.corpus import Corpus
from edge.evaluate.corpora.reading import Label, Reading
from edge.evaluate.corpora.recordings import Recordings
from edge.evaluate.corpora.spreadsheet import rows_below_header, the_table

FPS = 200.0


def read(root: Path, open_offset_s: float = 0.0) -> Corpus:
    """Read it: `CASME2-coding-*.xlsx` and `sub01/EP02_01f/img46.jpg` below `root`.

    Raises
    ------
    CorpusError, MissingExtra
    """
    reading = Reading("CASME II", Recordings(root), FPS, open_offset_s)
    table = the_table(root, ("CASME2-coding*.xlsx", "CASME2*.xlsx"), "CASME II")
    for row in rows_below_header(table, ("Subject", "Filename", "OnsetFrame", "OffsetFrame")):
        folder, number = row.text("Filename"), row.frame("Subject")
        if not folder or number is None:
            reading.remark(row.where, "no subject and file name", "passed over")
            continue
        subject = f"sub{number:02d}"
        name = f"{subject}/{folder}"
        reading.add_video(name, subject, reading.recordings.find(subject, folder), row.where)
        if row.frame("ApexFrame") is None:
            reading.remark(row.where, f"apex {row.text('ApexFrame') or 'empty'!s}", "apex taken as unknown")
        frames = (row.frame("OnsetFrame"), row.frame("ApexFrame"), row.frame("OffsetFrame"))
        reading.add_label(name, Label(row.where, "micro", *frames))
    return reading.corpus(("micro",), {"micro": 255})
