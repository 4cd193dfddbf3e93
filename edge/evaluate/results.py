"""Everything that is said of a corpus, as plain values: for the tables, for JSON, for files."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from edge.errors import MissingExtra
from edge.evaluate.bootstrap import f1_interval
from edge.evaluate.boundaries import boundary_errors
from edge.evaluate.corpora.corpus import Corpus, LabelledVideo
from edge.evaluate.intervals import iou_table, matched
from edge.evaluate.published import SCORERS, as_scored_by
from edge.evaluate.tally import IOU_LEVELS, Protocol, Tally, WatchedVideo, by_subject, overall

Values = dict[str, Any]
ROWS = ("micro", "macro", "overall")


def counts_of(counted: Tally) -> Values:
    """A tally with its shares; None where one is undefined, which JSON can say."""
    return {
        "n_true": counted.n_true,
        "n_false": counted.n_false,
        "n_missed": counted.n_missed,
        "precision": _known(counted.precision),
        "recall": _known(counted.recall),
        "f1": counted.f1,
        "false_per_minute": _known(counted.false_per_minute),
    }


def results(corpus: Corpus, videos: Sequence[WatchedVideo], iou_least: float = 0.5) -> Values:
    """Score a corpus.

    Parameters
    ----------
    corpus : Corpus
    videos : sequence of WatchedVideo
        Cues of kinds that the corpus does not label are left out.
    iou_least : float in (0, 1]
        For everything but the table of levels.
    """
    scored = [_labelled_kinds(video, corpus) for video in videos]
    unmarked = [
        replace(video, cues=tuple(cue for cue in video.cues if not cue.is_flagged)) for video in scored
    ]
    rows = [kind for kind in ROWS if kind in corpus.kinds or kind == "overall"]
    people = {name: overall(group, iou_least) for name, group in by_subject(scored).items()}
    return {
        "corpus": corpus.name,
        "n_videos": len(videos),
        "n_subjects": len(people),
        "minutes": sum(video.minutes for video in videos),
        "iou_least": iou_least,
        "scores": _scores(scored, iou_least, rows, people),
        "scores_unmarked": {
            name: counts_of(counted) for name, counted in overall(unmarked, iou_least).items() if name in rows
        },
        "by_iou": {
            f"{level:g}": {name: counts_of(overall(scored, level)[name]) for name in rows}
            for level in IOU_LEVELS
        },
        "boundaries": {
            name: {key: _known(value) for key, value in asdict(spread).items()}
            for name, spread in boundary_errors(scored, Protocol(iou_least)).items()
        },
        "by_subject": {name: counts_of(counted["overall"]) for name, counted in people.items()},
        "published": published(scored, iou_least, rows),
        "remarks": [asdict(remark) for remark in corpus.remarks],
    }


def _scores(
    videos: Sequence[WatchedVideo], iou_least: float, rows: Sequence[str], people: dict[str, dict[str, Tally]]
) -> Values:
    counted = overall(videos, iou_least)
    return {
        name: counts_of(counted[name])
        | {
            "f1_95": [_known(v) for v in f1_interval({who: part[name] for who, part in people.items()})],
        }
        for name in rows
    }


def published(videos: Sequence[WatchedVideo], iou_least: float, rows: Sequence[str]) -> Values:
    """F1 as each published scorer has it, and how far that is from the protocol's."""
    right = as_scored_by("megc", videos, iou_least)
    return {
        name: {
            "slip": SCORERS[name].slip,
            **{row: {"f1": counted[row].f1, "difference": counted[row].f1 - right[row].f1} for row in rows},
        }
        for name, counted in ((name, as_scored_by(name, videos, iou_least)) for name in SCORERS)
    }


def _labelled_kinds(video: WatchedVideo, corpus: Corpus) -> WatchedVideo:
    return replace(video, cues=tuple(cue for cue in video.cues if cue.kind in corpus.kinds))


def _known(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value


EVENT_COLUMNS = (
    *("video", "subject", "kind", "onset_frame", "apex_frame", "offset_frame", "iou", "cue_onset_frame"),
    "cue_offset_frame",
)
CUE_COLUMNS = (
    *("video", "subject", "kind", "onset_frame", "apex_frame", "offset_frame", "is_flagged", "latency_s"),
    *("strength", "meets"),
)


def event_rows(videos: Iterable[WatchedVideo], iou_least: float) -> list[tuple[Any, ...]]:
    """Every event with the cue that meets it, both in frames from 0; of the same kind only."""
    rows: list[tuple[Any, ...]] = []
    for video in videos:
        for kind in ("micro", "macro"):
            one = Protocol(iou_least, kind)
            events, cues = one.chosen(video.events), one.chosen(video.cues)
            table = iou_table(events, cues)
            cue_of = dict(matched(table, iou_least))
            for number, event in enumerate(events):
                at = cue_of.get(number)
                met: tuple[Any, ...] = (None,) * 3
                if at is not None:
                    met = (float(table[number, at]), cues[at].onset_frame, cues[at].offset_frame)
                frames = (event.onset_frame, event.apex_frame, event.offset_frame)
                rows.append((video.name, video.subject, kind, *frames, *met))
    return rows


def cue_rows(videos: Iterable[WatchedVideo], iou_least: float) -> list[tuple[Any, ...]]:
    """Every cue, and whether it meets an event of its kind."""
    rows: list[tuple[Any, ...]] = []
    for video in videos:
        for kind in ("micro", "macro"):
            one = Protocol(iou_least, kind)
            events, cues = one.chosen(video.events), one.chosen(video.cues)
            meeting = {at for _, at in matched(iou_table(events, cues), iou_least)}
            for at, cue in enumerate(cues):
                frames = (cue.onset_frame, cue.apex_frame, cue.offset_frame)
                said = (cue.is_flagged, _known(cue.latency_s), cue.strength)
                rows.append((video.name, video.subject, kind, *frames, *said, at in meeting))
    return rows


def write_table(path: Path, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Write rows as CSV and, where pyarrow is installed, as Parquet beside it."""
    with path.with_suffix(".csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise MissingExtra("writing Parquet", "evaluate") from error
    arrays = {name: [row[at] for row in rows] for at, name in enumerate(columns)}
    parquet.write_table(pyarrow.table(arrays), path.with_suffix(".parquet"))


def write_json(path: Path, values: Values) -> None:
    """Write it, indented."""
    path.write_text(json.dumps(values, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def write_submission(path: Path, labelled: Sequence[LabelledVideo], videos: Sequence[WatchedVideo]) -> int:
    """Micro cues as the challenges take them, `subject,video,onset,offset`; how many.

    Frames are those of the corpus: numbers of pictures. No emotion is written, since cues name none.
    """
    first = {video.name: video.first_number for video in labelled}
    rows = [
        (v.subject, v.name.rpartition("/")[2], c.onset_frame + first[v.name], c.offset_frame + first[v.name])
        for v in videos
        for c in v.cues
        if c.kind == "micro"
    ]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("subject", "video", "onset", "offset"))
        writer.writerows(rows)
    return len(rows)
