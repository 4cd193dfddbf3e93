"""SAMM: 200 frames a second, a folder for each of 159 brief movements, numbered as the session was."""

from __future__ import annotations

from pathlib import Path

from edge.evaluate.corpora.corpus import Corpus
from edge.evaluate.corpora.reading import Label, Reading
from edge.evaluate.corpora.recordings import Recordings
from edge.evaluate.corpora.spreadsheet import rows_below_header, the_table

FPS = 200.0
_SHEET = "MICRO_ONLY"


def read(root: Path, open_offset_s: float = 0.0) -> Corpus:
    """Read it: `SAMM_Micro_FACS_Codes_v2.xlsx` and `006/006_1_2/006_05562.jpg` below `root`.

    Frame numbers count in the original session: picture 5562 is the first of its folder. They are not
    those of SAMM Long Videos.

    Raises
    ------
    CorpusError, MissingExtra
    """
    reading = Reading("SAMM", Recordings(root), FPS, open_offset_s)
    table = the_table(root, ("SAMM_Micro_FACS_Codes*.xlsx",), "SAMM")
    for row in rows_below_header(table, ("Subject", "Filename", "Onset Frame", "Offset Frame"), _SHEET):
        name = row.text("Filename")
        if not name:
            reading.remark(row.where, "no file name", "passed over")
            continue
        subject = name.partition("_")[0].zfill(3)
        reading.add_video(name, subject, reading.recordings.find(subject, name), row.where)
        frames = (row.frame("Onset Frame"), row.frame("Apex Frame"), row.frame("Offset Frame"))
        reading.add_label(name, Label(row.where, "micro", *frames))
    return reading.corpus(("micro",), {"micro": 159})
