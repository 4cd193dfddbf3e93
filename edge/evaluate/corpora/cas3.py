"""CAS(ME)³ part A: 30 frames a second; brief and lasting movements in tables of their own."""

from __future__ import annotations

from pathlib import Path

from edge.evaluate.corpora.corpus import Corpus, CorpusError
from edge.evaluate.corpora.reading import Label, Reading
from edge.evaluate.corpora.recordings import Recordings
from edge.evaluate.corpora.spreadsheet import Row, rows_below_header, the_table
from edge.messages import Kind

FPS = 30.0
_MICRO_FRAMES = range(2, 100)  # the publishers' own rule for rows that are wrong


def read(root: Path, open_offset_s: float = 0.0) -> Corpus:
    """Read it: `cas(me)3_part_A_*_label_*.xlsx` and `spNO.1/a/color/355.jpg` below `root`.

    The table of lasting movements may be missing: then only brief ones are counted.

    Raises
    ------
    CorpusError, MissingExtra
    """
    reading = Reading("CAS(ME)^3", Recordings(root), FPS, open_offset_s)
    brief = the_table(root, ("[cC][aA][sS]([mM][eE])3_part_A_ME_*.xlsx",), "CAS(ME)^3")
    for row in rows_below_header(brief, ("Subject", "Filename", "Onset", "Apex", "Offset"), "label"):
        _read_row(reading, row, row.text("Subject"), row.text("Filename"), "micro")
    kinds: tuple[Kind, ...] = ("micro",)
    try:
        lasting = the_table(root, ("[cC][aA][sS]([mM][eE])3_part_A_MaE_*.xlsx",), "CAS(ME)^3")
    except CorpusError:
        reading.remark(str(root), "no table of macro-expressions", "only micro cues are counted")
    else:
        kinds = ("micro", "macro")
        for row in rows_below_header(lasting, ("sub", "seq", "onset", "offset")):
            _read_row(reading, row, row.text("sub"), row.text("seq"), "macro")
    return reading.corpus(kinds, {"micro": 860})


def _read_row(reading: Reading, row: Row, subject: str, clip: str, kind: Kind) -> None:
    if not subject or not clip:
        reading.remark(row.where, "no subject and sequence", "passed over")
        return
    subject = subject.lower()  # spNO.1 and spNo.1 both occur
    name = f"{subject}/{clip.lower()}"
    places = reading.recordings
    reading.add_video(
        name, subject, places.find(subject, clip, "color") or places.find(subject, clip), row.where
    )
    onset, apex, offset = row.frame("onset"), row.frame("apex"), row.frame("offset")
    if kind == "micro" and onset is not None and offset is not None and offset > 0:
        n_frames = offset - onset + 1
        if n_frames not in _MICRO_FRAMES:
            reading.remark(row.where, f"{onset} to {offset} are {n_frames} frames", "left out, as published")
            return
    reading.add_label(name, Label(row.where, kind, onset, apex, offset))
