"""Sessions as a BIDS dataset: for each an `_events.tsv` with its `.json`, in the folder of its participant.

The Brain Imaging Data Structure, https://bids-specification.readthedocs.io, version 1.10: behavioural data
without a recording beside it are of the datatype `beh`. Labels are letters and digits alone.
"""

from __future__ import annotations

import heapq
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edge.record.cue_rows import CUE_COLUMNS
from edge.record.output import output_folder
from edge.record.selection import Selection

BIDS_VERSION = "1.10.0"
_NOT_KNOWN = "n/a"
_UNNAMED = "unnamed"
# `onset` and `duration` say the same in seconds, as BIDS asks
_LEFT_OUT = ("session_id", "kind", "onset_s")
_OWN_COLUMNS = tuple(name for name in CUE_COLUMNS if name not in _LEFT_OUT)
_UNITS = (
    ("_miod_s", "thousandths of the inter-ocular distance per second"),
    ("_miod", "thousandths of the inter-ocular distance"),
    ("_ns", "ns"),
    ("_ms", "ms"),
    ("_s", "s"),
    ("_hz", "Hz"),
    ("_percent", "%"),
)


def write_bids(selection: Selection, output: str) -> int:
    """Write a dataset into a new folder; gives the number of rows, marks not counted.

    Raises
    ------
    OutputNeeded, OutputUnwritable
    """
    n_rows = 0
    with output_folder(output, "bids") as folder:
        _write_json(folder / "dataset_description.json", _description())
        (folder / "README").write_text(_README, encoding="utf-8")
        subjects: dict[str, str] = {}
        selection.expect(selection.session_ids)
        for session in selection.sessions():
            subject = _label(session["participant"] or _UNNAMED, subjects)
            label = re.sub("[^A-Za-z0-9]", "", session["session_id"])
            place = folder / f"sub-{subject}" / f"ses-{label}" / "beh"
            place.mkdir(parents=True, exist_ok=True)
            stem = f"sub-{subject}_ses-{label}_task-microcue_events"
            n_rows += _write_events(place / f"{stem}.tsv", selection, session["session_id"])
            _write_json(place / f"{stem}.json", _sidecar(session))
        lines = ["participant_id\tcode\n", *(f"sub-{label}\t{code}\n" for code, label in subjects.items())]
        (folder / "participants.tsv").write_text("".join(lines), encoding="utf-8")
        _write_json(folder / "participants.json", {"code": {"Description": "The code in microcue's log"}})
    return n_rows


def _write_events(path: Path, selection: Selection, session_id: str) -> int:
    n_rows = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write("\t".join(("onset", "duration", "trial_type", *_OWN_COLUMNS)) + "\n")
        rows = heapq.merge(_cues(selection, session_id), _marks(selection, session_id))
        for _, _, trial_type, values in rows:
            n_rows += trial_type != "mark"
            file.write("\t".join(map(_cell, values)) + "\n")
    return n_rows


def _cues(selection: Selection, session_id: str) -> Iterator[tuple[float, int, str, list[Any]]]:
    for number, cue in enumerate(selection.cues(session_id)):
        duration_s = round(cue["offset_s"] - cue["onset_s"], 6)
        own = [cue[name] for name in _OWN_COLUMNS]
        yield cue["onset_s"], number, cue["kind"], [cue["onset_s"], duration_s, cue["kind"], *own]


def _marks(selection: Selection, session_id: str) -> Iterator[tuple[float, int, str, list[Any]]]:
    """A mark has its words in the column `note`, and no duration."""
    place = _OWN_COLUMNS.index("note")
    for number, (at_s, text) in enumerate(selection.log.marks(session_id)):
        own: list[Any] = [None] * len(_OWN_COLUMNS)
        own[place] = text
        yield at_s, -1 - number, "mark", [round(at_s, 6), 0, "mark", *own]


def _cell(value: Any) -> str:
    """Empty cells, tabs and ends of line are not allowed in these tables."""
    text = "" if value is None else re.sub(r"\s+", " ", str(value)).strip()
    return text or _NOT_KNOWN


def _label(code: str, subjects: dict[str, str]) -> str:
    """Letters and digits of a code, with a number where another code has the same."""
    if code not in subjects:
        bare = re.sub("[^A-Za-z0-9]", "", code) or _UNNAMED
        taken = set(subjects.values())
        candidates = (bare, *(f"{bare}x{number}" for number in range(2, len(taken) + 3)))
        subjects[code] = next(label for label in candidates if label not in taken)
    return subjects[code]


def _sidecar(session: dict[str, Any]) -> dict[str, Any]:
    columns: dict[str, Any] = {
        "onset": {"Description": "Begin of the movement, since the session's first frame", "Units": "s"},
        "duration": {"Description": "Onset to offset", "Units": "s"},
        "trial_type": {
            "Description": "What kind of row this is",
            "Levels": {
                "micro": "A candidate cue: a brief movement of up to 0.5 s",
                "macro": "A candidate cue: a movement of 0.5 to 4 s",
                "blink": "Both lids, or one, closed and opened again",
                "mark": "A context mark that a person set; its words are in the column note",
            },
        },
    }
    for name in _OWN_COLUMNS:
        units = next((unit for ending, unit in _UNITS if name.endswith(ending)), None)
        columns[name] = {"Description": f"Column {name} of microcue, as docs/cues.md explains it"}
        columns[name] |= {"Units": units} if units else {}
    return columns | {
        "TaskName": "microcue",
        "Source": str(session["source"]).rpartition("/")[2],
        "StartUTC": session["started_utc"] or _NOT_KNOWN,
        "FramesPerSecond": session["fps"] or _NOT_KNOWN,
    }


def _description() -> dict[str, Any]:
    return {
        "Name": "Candidate cues of brief facial movement",
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "raw",
        "GeneratedBy": [{"Name": "microcue"}],
    }


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


_README = """\
Candidate cues of brief facial movement, written by microcue.

A cue says that something on the face moved, when, which part and how far. It does not say why. Times
count from each session's first frame. `note` holds the words of a mark, and a person's remark to a cue.
"""
