"""What the pages show, out of the log: sessions, cues with one reviewer's decisions, and time lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edge.record.cue_rows import CUE_COLUMNS, Row
from edge.record.errors import CueUnknown
from edge.record.reading import SESSION_COLUMNS
from edge.record.reviews import Decision, decisions
from edge.record.timeline import TimelineReader
from edge.review.envelope import Envelope, View

_N_ENVELOPES_MAX = 2
# a head in conversation goes beyond it about a tenth of the time
FAST_HEAD_MIOD_S = 420.0


@dataclass(frozen=True, slots=True)
class CueFilter:
    """Which cues of a session are shown.

    Attributes
    ----------
    kind, movement, side : str
        Empty for all.
    review : str
        "open" hides dismissed ones, "all" hides none, otherwise one of `reviews.VERDICTS`.
    plain_only : bool
        Only those without a flag: no blink, speech, fast head or unsteady light.
    """

    kind: str = ""
    movement: str = ""
    side: str = ""
    review: str = "open"
    plain_only: bool = False

    def shows(self, cue: dict[str, Any]) -> bool:
        """Whether the filter lets a cue through."""
        return (
            self.kind in ("", cue["kind"])
            and (not self.movement or self.movement in cue["movements"].split("+"))
            and self.side in ("", cue["side"])
            and not (self.plain_only and cue["flags"])
            and (
                self.review == "all"
                or (self.review == "open" and cue["verdict"] != "dismissed")
                or self.review == cue["verdict"]
            )
        )


@dataclass(slots=True)
class Library:
    """The log of a data directory as the pages ask for it; every reader is closed after its question."""

    data_dir: Path
    _envelopes: dict[tuple[str, int], Envelope] = field(default_factory=dict)
    _newest_rows: tuple[str, list[Row]] = ("", [])

    @contextmanager
    def open(self) -> Iterator[TimelineReader]:
        """A reader for one question."""
        with TimelineReader(self.data_dir) as log:
            yield log

    def sessions(self) -> list[dict[str, Any]]:
        """All sessions by the names of `SESSION_COLUMNS`, newest first."""
        with self.open() as log:
            return [dict(zip(SESSION_COLUMNS, row, strict=True)) for row in log.sessions()][::-1]

    def session(self, name: str) -> dict[str, Any]:
        """One session by its id, or "latest"; raises SessionUnknown, NoSessions."""
        with self.open() as log:
            return dict(zip(SESSION_COLUMNS, log.session(log.resolve(name)), strict=True))

    def cues(self, session_id: str, reviewer: str) -> list[dict[str, Any]]:
        """All cues of a session in order of onset, each with what the reviewer made of it."""
        decided = decisions(self.data_dir, session_id, reviewer)
        rows = (dict(zip(CUE_COLUMNS, row, strict=True)) for row in self._cue_rows(session_id))
        with self.open() as log:
            notes = log.cue_notes(session_id)
        cues = [_for_reviewer(cue, decided) for cue in rows]
        return [cue | {"note": notes.get(cue["number"], "")} for cue in cues]

    def n_reviewed(self, session_id: str, reviewer: str) -> int:
        """How many cues of a session the reviewer has decided on."""
        return len(decisions(self.data_dir, session_id, reviewer))

    def cue(self, session_id: str, number: int, reviewer: str) -> dict[str, Any]:
        """One cue; raises CueUnknown."""
        cue_id = f"{session_id}-{number:04d}"
        decided = decisions(self.data_dir, session_id, reviewer)
        with self.open() as log:
            row = next((row for row in log.cues(session_id) if row[0] == cue_id), None)
        if row is None:
            raise CueUnknown(cue_id)
        return _for_reviewer(dict(zip(CUE_COLUMNS, row, strict=True)), decided)

    def view(self, session_id: str, face: int, from_s: float, to_s: float, n_bins: int) -> View:
        """Signals between two times, as `Envelope.view`."""
        key = (session_id, face)
        with self.open() as log:
            envelope = self._envelopes.pop(key, None) or Envelope(
                self._opener(), session_id, face, len(log.channels(session_id))
            )
            self._envelopes[key] = envelope  # the newest is last
            while len(self._envelopes) > _N_ENVELOPES_MAX:
                self._envelopes.pop(next(iter(self._envelopes))).close()
            return envelope.view(log, round(from_s * 1e9), round(to_s * 1e9), n_bins)

    def close(self) -> None:
        """Read nothing further."""
        for envelope in self._envelopes.values():
            envelope.close()

    def _cue_rows(self, session_id: str) -> list[Row]:
        """Rows of a session's cues, kept for the next page: once written only note and review change.

        Two thousand take a tenth of a second to build, and 2 MB.
        """
        with self.open() as log:
            of_session, rows = self._newest_rows
            if of_session != session_id or len(rows) != log.n_cues(session_id):
                rows = list(log.cues(session_id))
                self._newest_rows = session_id, rows
        return rows

    def _opener(self) -> Callable[[], TimelineReader]:
        data_dir = self.data_dir
        return lambda: TimelineReader(data_dir)


def _for_reviewer(cue: dict[str, Any], decided: dict[int, Decision]) -> dict[str, Any]:
    number = int(cue["cue_id"].rpartition("-")[2])
    decision = decided.get(number)
    return cue | {
        "number": number,
        "flags": flags_of(cue),
        "verdict": decision.verdict if decision else "unreviewed",
        "reason": decision.reason if decision else "",
    }


def flags_of(cue: dict[str, Any]) -> list[str]:
    """What else went on during a cue: blink, speech, head, or the state of the light."""
    flags = [name for name in ("blink", "speech") if cue[f"during_{name}"]]
    if (cue["head_motion_miod_s"] or 0.0) > FAST_HEAD_MIOD_S:
        flags.append("head")
    if cue["lighting"] not in (None, "ok"):
        flags.append(f"light_{cue['lighting']}")
    if cue["dropped_frames"]:
        flags.append("dropped")
    return flags
