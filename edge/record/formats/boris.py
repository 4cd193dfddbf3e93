"""Sessions as observations of a BORIS project (.boris, JSON, format 7.0): state events, begin and end.

BORIS pairs begin and end by subject, behaviour and modifier, so that two cues of the same movement that
overlap are given different behaviours. https://www.boris.unito.it/user_guide/
"""

from __future__ import annotations

import heapq
import json
import re
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any, TextIO

from edge.record.output import output_path
from edge.record.selection import Lanes, Selection

_MARK = "mark"
_SIDES = ("left", "right", "both")


def write_boris(selection: Selection, output: str) -> int:
    """Write one project with an observation for each session; gives the number of rows.

    Raises
    ------
    OutputNeeded, OutputUnwritable
    """
    sessions = list(selection.sessions())
    selection.expect(selection.session_ids, 2)
    with output_path(output, "boris") as path, path.open("w", encoding="utf-8") as file:
        head = json.dumps(_project(selection, sessions), ensure_ascii=False, indent=1)
        file.write(head.removesuffix("\n}") + ',\n "observations": {')
        n_rows = 0
        for number, session in enumerate(sessions):
            file.write("," * (number > 0))
            n_rows += _write_observation(file, selection, session)
        file.write("\n }\n}\n")
    return n_rows


def _project(selection: Selection, sessions: list[dict[str, Any]]) -> dict[str, Any]:
    behaviours = {_MARK: "Point event"}
    subjects: dict[str, None] = {}
    for session in sessions:
        for _, event in _events(selection, session):
            behaviours.setdefault(event[2], "State event")
            subjects.setdefault(event[1])
    return {
        "time_format": "hh:mm:ss",
        "project_date": f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%S}",
        "project_name": "microcue",
        "project_description": "Candidate cues: something moved, briefly. What it meant is not known.",
        "project_format_version": "7.0",
        "subjects_conf": {
            str(number): {"key": "", "name": name, "description": ""}
            for number, name in enumerate(filter(None, subjects))
        },
        "behaviors_conf": {
            str(number): _behaviour(code, kind) for number, (code, kind) in enumerate(behaviours.items())
        },
        "behavioral_categories": [],
        "independent_variables": {},
        "coding_map": {},
        "behaviors_coding_map": [],
        "converters": {},
    }


def _behaviour(code: str, kind: str) -> dict[str, Any]:
    side = {"name": "side", "description": "", "type": 0, "values": list(_SIDES)}
    return {
        "type": kind,
        "key": "",
        "code": code,
        "description": "",
        "color": "",
        "category": "",
        "modifiers": {} if kind == "Point event" else {"0": side},
        "excluded": "",
        "coding map": "",
    }


def _write_observation(file: TextIO, selection: Selection, session: dict[str, Any]) -> int:
    is_media = session["timestamps"] == "media" and str(session["source"]).startswith("file:")
    path = str(session["source"]).removeprefix("file:")
    length_s, fps = session["duration_s"], session["fps"] or session["nominal_fps"] or 0
    observation = {
        "file": {"1": [path], **{str(player): [] for player in range(2, 9)}} if is_media else {},
        "type": "MEDIA" if is_media else "LIVE",
        "date": (session["started_utc"] or "1970-01-01T00:00:00Z")[:19],
        "description": session["note"],
        "time offset": 0.0,
        "observation time interval": [0, 0],
        "independent_variables": {},
        "media_info": {"length": {path: length_s}, "fps": {path: fps}} if is_media else {},
    }
    text = json.dumps(observation, ensure_ascii=False).removesuffix("}")
    file.write(f'\n  {json.dumps(session["session_id"])}: {text}, "events": [')
    n_rows = 0
    for number, (is_begin, event) in enumerate(_events(selection, session)):
        shown = json.dumps(event if is_media else event[:5], ensure_ascii=False)
        file.write("," * (number > 0) + f"\n   {shown}")
        n_rows += is_begin
    file.write("\n  ]}")
    return n_rows


def _events(selection: Selection, session: dict[str, Any]) -> Iterator[tuple[bool, list[Any]]]:
    """Begins, ends and marks in order of time; never more than the cues that are open are held."""
    cues = _cue_events(selection, session)
    subject = session["participant"] or ""
    marks = (
        (at_s, 0, (False, [round(at_s, 6), subject, _MARK, "", text, -1]))
        for at_s, text in selection.log.marks(session["session_id"])
    )
    for _, _, event in heapq.merge(cues, marks, key=lambda one: one[:2]):
        yield event


def _cue_events(
    selection: Selection, session: dict[str, Any]
) -> Iterator[tuple[float, int, tuple[bool, list[Any]]]]:
    lanes = Lanes()
    open_ends: list[tuple[float, int, list[Any]]] = []
    for number, cue in enumerate(selection.cues(session["session_id"]), 1):
        while open_ends and open_ends[0][0] <= cue["onset_s"]:
            offset_s, order, event = heapq.heappop(open_ends)
            yield offset_s, order, (False, event)
        subject = session["participant"] or ""
        subject += f" face {cue['face']}" if cue["face"] else ""
        code = f"{cue['kind']} {cue['movements'].partition('+')[0].replace('_', ' ')}"
        lane = lanes.lane(f"{subject}|{code}|{cue['side']}", cue["onset_s"], cue["offset_s"])
        code += re.sub(r".*?(?: \((\d+)\))?$", r" \1", lane).rstrip()
        size = "" if cue["amplitude_miod"] is None else f" {cue['amplitude_miod']} miod"
        comment = f"{cue['cue_id']}{size} {cue['movements']}"
        for name, is_begin in (("onset", True), ("offset", False)):
            frame = -1 if cue[f"{name}_frame"] is None else cue[f"{name}_frame"]
            event = [cue[f"{name}_s"], subject.strip(), code, cue["side"], comment, frame]
            if is_begin:
                yield cue["onset_s"], number, (True, event)
            else:
                heapq.heappush(open_ends, (cue["offset_s"], number, event))
    while open_ends:
        offset_s, order, event = heapq.heappop(open_ends)
        yield offset_s, order, (False, event)
