"""Sessions as ELAN annotation documents (.eaf, format 3.0), one for each.

The schema is https://www.mpi.nl/tools/elan/EAFv3.0.xsd. Annotations of one tier must not overlap there, so
that overlapping cues stand in tiers beside each other. Times are whole milliseconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, TextIO
from xml.sax.saxutils import escape, quoteattr

from edge.record.output import output_folder, output_path
from edge.record.selection import Lanes, Selection

# a mark is a moment, and an annotation needs a length: enough to be seen and clicked
_MARK_MS = 100
_MARKS = "marks"
# XML 1.0 has no way to write these at all
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_MIME_TYPES = {".mp4": "video/mp4", ".mpg": "video/mpeg", ".mpeg": "video/mpeg", ".mov": "video/quicktime"}


@dataclass(frozen=True, slots=True)
class _Annotation:
    tier: str
    onset_ms: int
    offset_ms: int
    text: str


def write_elan(selection: Selection, output: str) -> int:
    """Write one document, or a folder of them where there are several sessions; gives the number of rows.

    Raises
    ------
    OutputNeeded, OutputUnwritable
    """
    sessions = list(selection.sessions())
    selection.expect(selection.session_ids)
    if len(sessions) == 1:
        with output_path(output, "elan") as path:
            return _write_document(selection, sessions[0], path)
    n_rows = 0
    with output_folder(output, "elan") as folder:
        for session in sessions:
            n_rows += _write_document(selection, session, folder / f"{session['session_id']}.eaf")
    return n_rows


def _write_document(selection: Selection, session: dict[str, Any], path: Path) -> int:
    """The rows are read once for their times, and once for each tier: none is held."""
    session_id = session["session_id"]
    media_ms = round(selection.log.first_frame_ns(session_id) / 1e6) if _is_recording(session) else 0
    tiers: dict[str, int] = {}
    with path.open("w", encoding="utf-8") as file:
        _write_head(file, session)
        file.write("    <TIME_ORDER>\n")
        for number, annotation in enumerate(_annotations(selection, session_id, media_ms)):
            tiers[annotation.tier] = tiers.get(annotation.tier, 0) + 1
            for slot, time_ms in enumerate((annotation.onset_ms, annotation.offset_ms), 2 * number + 1):
                file.write(f'        <TIME_SLOT TIME_SLOT_ID="ts{slot}" TIME_VALUE="{time_ms}"/>\n')
        file.write("    </TIME_ORDER>\n")
        selection.expect([session_id], len(tiers))
        for tier in sorted(tiers):
            _write_tier(file, tier, session, _annotations(selection, session_id, media_ms))
        file.write(
            '    <LINGUISTIC_TYPE GRAPHIC_REFERENCES="false" LINGUISTIC_TYPE_ID="microcue" '
            'TIME_ALIGNABLE="true"/>\n</ANNOTATION_DOCUMENT>\n'
        )
    return sum(n_rows for tier, n_rows in tiers.items() if not tier.startswith(_MARKS))


def _annotations(selection: Selection, session_id: str, media_ms: int) -> Iterator[_Annotation]:
    """Cues, then marks; the same each time."""
    lanes = Lanes()
    for cue in selection.cues(session_id):
        onset_ms, offset_ms = (round(cue[name] * 1000) for name in ("onset_s", "offset_s"))
        offset_ms = max(offset_ms, onset_ms + 1)
        name = f"{cue['kind']} face {cue['face']}" if cue["face"] else cue["kind"]
        tier = lanes.lane(name, onset_ms, offset_ms)
        yield _Annotation(tier, media_ms + onset_ms, media_ms + offset_ms, _text(cue))
    for at_s, text in selection.log.marks(session_id):
        at_ms = round(at_s * 1000)
        tier = lanes.lane(_MARKS, at_ms, at_ms + _MARK_MS)
        yield _Annotation(tier, media_ms + at_ms, media_ms + at_ms + _MARK_MS, text)


def _text(cue: dict[str, Any]) -> str:
    """What stands in the annotation: movements, side, size, and the id to find the rest by."""
    size = "" if cue["amplitude_miod"] is None else f"; {cue['amplitude_miod']} miod"
    return f"{cue['movements']}; {cue['side']}{size}; {cue['cue_id']}"


def _write_head(file: TextIO, session: dict[str, Any]) -> None:
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    file.write(
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<ANNOTATION_DOCUMENT AUTHOR="microcue" DATE="{now}" '
        'FORMAT="3.0" VERSION="3.0" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        'xsi:noNamespaceSchemaLocation="http://www.mpi.nl/tools/elan/EAFv3.0.xsd">\n'
        '    <HEADER MEDIA_FILE="" TIME_UNITS="milliseconds">\n'
    )
    if _is_recording(session):
        media = Path(str(session["source"]).removeprefix("file:"))
        kind = _MIME_TYPES.get(media.suffix.lower(), "unknown")
        url, relative = quoteattr(media.absolute().as_uri()), quoteattr(f"./{media.name}")
        file.write(
            f'        <MEDIA_DESCRIPTOR MEDIA_URL={url} MIME_TYPE="{kind}" RELATIVE_MEDIA_URL={relative}/>\n'
        )
    file.write(f'        <PROPERTY NAME="microcue session">{escape(session["session_id"])}</PROPERTY>\n')
    file.write("    </HEADER>\n")


def _write_tier(file: TextIO, tier: str, session: dict[str, Any], annotations: Iterator[_Annotation]) -> None:
    participant = quoteattr(session["participant"] or "")
    file.write(
        f'    <TIER LINGUISTIC_TYPE_REF="microcue" PARTICIPANT={participant} TIER_ID={quoteattr(tier)}>\n'
    )
    for number, annotation in enumerate(annotations):
        if annotation.tier == tier:
            text = escape(_UNWRITABLE.sub("", annotation.text))
            file.write(
                f'        <ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a{number + 1}" '
                f'TIME_SLOT_REF1="ts{2 * number + 1}" TIME_SLOT_REF2="ts{2 * number + 2}">'
                f"<ANNOTATION_VALUE>{text}</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>\n"
            )
    file.write("    </TIER>\n")


def _is_recording(session: dict[str, Any]) -> bool:
    return session["timestamps"] == "media" and str(session["source"]).startswith("file:")
