"""Events of a video as the rows that an export has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edge.batch.result import CueRow
from edge.messages import Blink, Cue, Event
from edge.record.cue_rows import CUE_COLUMNS, blink_row, cue_row
from edge.record.statements import SessionRows

_REVIEW, _NOTE = "unreviewed", ""


def cue_rows(key: str, first_ns: int, events: Sequence[Event]) -> list[CueRow]:
    """`CUE_COLUMNS` of every cue by name, in order of onset; `key` stands for the session.

    Numbers are in the order of decisions, as in the log.
    """
    session = SessionRows(0, key, first_ns)
    cues = [event for event in events if isinstance(event, Cue)]
    rows = []
    for number, cue in enumerate(cues, 1):
        rows.append(cue_row(key, first_ns, None, (*session.cue_values(number, cue), _REVIEW, _NOTE)))
    return [_named(row) for row in sorted(rows, key=_onset)]


def blink_rows(key: str, first_ns: int, events: Sequence[Event]) -> list[CueRow]:
    """The same of blinks."""
    blinks = [event for event in events if isinstance(event, Blink)]
    rows = []
    for number, blink in enumerate(blinks, 1):
        times_ns = (time_ns - first_ns for time_ns in (blink.onset_ns, blink.apex_ns, blink.offset_ns))
        rows.append(blink_row(key, first_ns, None, (number, int(blink.face), *times_ns, blink.side)))
    return [_named(row) for row in sorted(rows, key=_onset)]


def _onset(row: tuple[Any, ...]) -> Any:
    return row[CUE_COLUMNS.index("onset_s")]


def _named(row: tuple[Any, ...]) -> CueRow:
    return dict(zip(CUE_COLUMNS, row, strict=True))
