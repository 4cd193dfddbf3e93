"""A session's report: one HTML file without server, network or script, with the export's own numbers."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
from markupsafe import Markup

from edge import __version__
from edge.record.cue_rows import CUE_COLUMNS
from edge.record.reading import SESSION_COLUMNS
from edge.record.timeline import TimelineReader
from edge.review.library import flags_of
from edge.review.replay import cue_signals
from edge.review.shown import FILTERS

# the rest of a longer list stands in the export
N_CUES_MAX = 1000
_N_DRAWN = 40
_HERE = Path(__file__).parent
_TABLE = (
    *("cue_id", "kind", "onset_s", "duration_ms", "duration_error_ms", "movements", "side", "amplitude_miod"),
    *("expected_false_per_hour", "head_motion_miod_s", "during_blink", "during_speech", "lighting"),
    *("review", "note"),
)
_N_BARS = 120


def report_html(log: TimelineReader, session_id: str) -> str:
    """The whole report as one text.

    Parameters
    ----------
    log : TimelineReader
    session_id : str
        As `resolve` gives it.

    Raises
    ------
    SessionUnknown, LogUnreadable, DatabaseDamaged, BlockDamaged
    """
    session = next(
        dict(zip(SESSION_COLUMNS, row, strict=True)) for row in log.sessions() if row[0] == session_id
    )
    cues = [dict(zip(CUE_COLUMNS, row, strict=True)) for row in log.cues(session_id)]
    marks = list(log.marks(session_id))
    duration_s = float(session["duration_s"] or 0.0)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(FILTERS)
    return environment.get_template("report.html").render(
        session=session,
        style=Markup((_HERE / "templates" / "report.css").read_text(encoding="utf-8")),
        made_utc=datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        version=__version__,
        columns=_TABLE,
        rows=[[as_text(cue[name]) for name in _TABLE] for cue in cues[:N_CUES_MAX]],
        n_cues=len(cues),
        n_listed=min(len(cues), N_CUES_MAX),
        n_by_review=Counter(cue["review"] for cue in cues),
        n_flagged=sum(bool(flags_of(cue)) for cue in cues),
        movements=_movements(cues),
        bars=_bars(cues, duration_s),
        marks=marks,
        marks_at=[(round(at_s / max(duration_s, 1e-9) * 1000, 1), text) for at_s, text in marks],
        drawn=[_drawn(log, cue) for cue in _strongest(cues)],
        recorded=log.recorded_with(session_id),
        settings=json.dumps(log.recorded_with(session_id).settings, indent=1, sort_keys=True),
        health=log.health(session_id),
    )


def as_text(value: str | float | None) -> str:
    """As the export's CSV has it."""
    return "" if value is None else str(value)


def _movements(cues: list[dict[str, Any]]) -> list[tuple[str, int, int]]:
    """Leading movement, micro cues and macro cues, most frequent first."""
    counts = Counter((cue["movements"].partition("+")[0], cue["kind"]) for cue in cues)
    names = sorted({name for name, _ in counts})
    rows = [(name, counts[name, "micro"], counts[name, "macro"]) for name in names]
    return sorted(rows, key=lambda row: (-row[1] - row[2], row[0]))


def _bars(cues: list[dict[str, Any]], duration_s: float) -> list[tuple[int, int, float]]:
    """Place, number of cues and height of each bar of the session's overview that has any."""
    counts = Counter(min(int(cue["onset_s"] / max(duration_s, 1e-9) * _N_BARS), _N_BARS - 1) for cue in cues)
    most = max(counts.values(), default=1)
    return [(place, n, round(60 * n / most, 1)) for place, n in sorted(counts.items())]


def _strongest(cues: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that chance makes least often and nobody dismissed, in order of onset."""
    standing = [cue for cue in cues if cue["review"] != "dismissed"]
    standing.sort(key=lambda cue: (bool(flags_of(cue)), cue["expected_false_per_hour"] or 1e9))
    return sorted(standing[:_N_DRAWN], key=lambda cue: cue["onset_s"])


def _drawn(log: TimelineReader, cue: dict[str, Any]) -> dict[str, Any]:
    """One cue's leading signal as the points of a line, 300 by 60, with its onset and offset."""
    drawn: dict[str, Any] = {"cue": cue, "lines": [], "onset": 0.0, "apex": 0.0, "offset": 0.0, "most": 0.0}
    found = cue_signals(log, cue)
    if found is None:
        return drawn
    times_s, miod = found.times_s, found.miod[:, found.leading[:1]]
    span = max(times_s[-1] - times_s[0], 1e-9)
    most = max(float(np.abs(miod[np.isfinite(miod)]).max(initial=0.0)), 2.0)
    for column in miod.T:
        points = [
            f"{300 * (at - times_s[0]) / span:.1f},{30 - 26 * value / most:.1f}"
            for at, value in zip(times_s, column, strict=True)
            if np.isfinite(value)
        ]
        drawn["lines"].append(" ".join(points[:: max(1, len(points) // 400)]))
    for name in ("onset", "apex", "offset"):
        drawn[name] = round(300 * (cue[f"{name}_s"] - times_s[0]) / span, 1)
    return drawn | {"most": most}
