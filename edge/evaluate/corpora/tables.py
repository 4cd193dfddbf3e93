"""Corpora of one's own: clips of `microcue synth`, and any recordings with a CSV of events."""

from __future__ import annotations

import csv
from pathlib import Path

from edge.errors import RecordError
from edge.evaluate.corpora.corpus import Corpus, CorpusError, LabelledVideo, Remark, sorted_videos
from edge.evaluate.corpora.reading import Label, Reading
from edge.evaluate.corpora.recordings import Recordings
from edge.evaluate.corpora.spreadsheet import rows_below_header
from edge.evaluate.intervals import FrameInterval
from edge.messages import Kind

_TRUTH = ".truth.csv"


def read_synth(root: Path, open_offset_s: float = 0.0) -> Corpus:  # noqa: ARG001 - every reader's
    """Clips with CLIP.truth.csv beside them, as `microcue synth` writes both; a clip is its own subject.

    Raises
    ------
    CorpusError
    """
    recordings = Recordings(root)
    videos: list[LabelledVideo] = []
    remarks: list[Remark] = []
    lost: list[str] = []
    for table in sorted(root.rglob(f"*{_TRUTH}")):
        stem = table.name.removesuffix(_TRUTH)
        found = [path for path in recordings.find(stem) if path.parent == table.parent]
        if not found:
            remarks.append(Remark(table.name, "no clip beside it", "left out"))
            lost.append(stem)
            continue
        name = str(table.relative_to(root)).removesuffix(_TRUTH)
        videos.append(LabelledVideo(name, name, found[0], 0.0, _truth(table), 0))
    if not videos:
        raise CorpusError(
            str(root), f"clips with CLIP{_TRUTH}", "there are none", "make some with microcue synth"
        )
    return Corpus("synth", sorted_videos(videos), tuple(remarks), not_found=tuple(lost))


def _truth(table: Path) -> tuple[FrameInterval, ...]:
    try:
        with table.open(newline="", encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if row["kind"] in ("micro", "macro")]
            return tuple(
                FrameInterval(
                    int(row["onset_frame"]),
                    int(row["offset_frame"]),
                    "micro" if row["kind"] == "micro" else "macro",
                    int(row["apex_frame"]),
                )
                for row in rows
            )
    except (OSError, KeyError, ValueError) as error:
        raise RecordError(
            f"expected the columns of microcue synth in {table}, but {error} is missing or no number;"
            " make it anew"
        ) from error


def read_csv(table: Path, root: Path, fps: float, first_frame: int, open_offset_s: float = 0.0) -> Corpus:
    """A CSV with `video,onset,offset,kind` and, if known, `subject` and `apex`, all in frames.

    Parameters
    ----------
    table : Path
    root : Path
        Where the videos lie, which the table names by path or by name.
    fps : float, Hz
        0 takes a video file's own times.
    first_frame : int
        What the table calls the first frame of a video file, 0 or 1. Pictures are called by their numbers.

    Raises
    ------
    CorpusError
    """
    reading = Reading(table.name, Recordings(root), fps, open_offset_s)
    for row in rows_below_header(table, ("video", "onset", "offset", "kind")):
        video, kind = row.text("video"), row.text("kind").lower()
        tail = Path(video).with_suffix("").parts if Path(video).suffix else Path(video).parts
        if not video:
            reading.remark(row.where, "no video", "passed over")
            continue
        found = reading.recordings.find(*tail)
        first = None if found and found[0].is_dir() else first_frame
        reading.add_video(video, row.text("subject") or video, found, row.where, first)
        if kind == "none":  # a video without an event
            continue
        if kind not in ("micro", "macro"):
            reading.remark(row.where, f"kind {kind or 'empty'}", "left out; micro, macro or none")
            continue
        kept: Kind = "micro" if kind == "micro" else "macro"
        frames = (row.frame("onset"), row.frame("apex"), row.frame("offset"))
        reading.add_label(video, Label(row.where, kept, *frames))
    return reading.corpus(("micro", "macro"), {})
