"""SAMM Long Videos: 147 recordings at 200 frames a second with brief and lasting movements."""

from __future__ import annotations

import re
from pathlib import Path

from edge.evaluate.corpora.corpus import Corpus
from edge.evaluate.corpora.reading import Label, Reading
from edge.evaluate.corpora.recordings import Recordings
from edge.evaluate.corpora.spreadsheet import Row, rows_below_header, the_table
from edge.messages import Kind

FPS = 200.0
EXPECTED = {"micro": 159, "macro": 343}  # 502 in all
_VIDEO = re.compile(r"(\d{3})_\d+")


def read(root: Path, open_offset_s: float = 0.0) -> Corpus:
    """Read it: `SAMM_LongVideos_V*_Release.xlsx` and `006_1/006_1_0001.jpg` below `root`.

    Raises
    ------
    CorpusError, MissingExtra
    """
    reading = Reading("SAMM Long Videos", Recordings(root), FPS, open_offset_s)
    table = the_table(root, ("SAMM_LongVideos_V*.xlsx",), "SAMM Long Videos")
    for row in rows_below_header(table, ("Subject", "Filename", "Onset", "Apex", "Offset", "Type")):
        _read_row(reading, row)
    for path in reading.recordings.all():
        name = path.name if path.is_dir() else path.stem
        if path not in reading.known_paths() and (named := _VIDEO.fullmatch(name)):
            reading.add_unlabelled(name, named[1], path)
    return reading.corpus(("micro", "macro"), EXPECTED)


def _read_row(reading: Reading, row: Row) -> None:
    event, kind = row.text("Filename"), row.text("Type").lower()
    video = event.rpartition("_")[0]
    if not _VIDEO.fullmatch(video):
        reading.remark(row.where, f"file name {event or 'empty'}", "passed over")
        return
    if not kind.startswith(("micro", "macro")):
        reading.remark(row.where, f"type {kind or 'empty'}", "left out, neither macro nor micro")
        return
    reading.add_video(video, video[:3], reading.recordings.find(video), row.where)
    onset, apex, offset = row.frame("Onset"), row.frame("Apex"), row.frame("Offset")
    if apex is not None and apex < 0:
        reading.remark(row.where, f"apex {apex}: not labelled", "apex taken as unknown")
        apex = None
    length = row.frame("Duration")
    if onset and offset and length is not None and length != offset - onset + 1:
        said = f"duration {length}, but {onset} to {offset} are {offset - onset + 1} frames"
        reading.remark(row.where, said, "onset and offset count")
    kept: Kind = "micro" if kind.startswith("micro") else "macro"
    reading.add_label(video, Label(row.where, kept, onset, apex, offset))
