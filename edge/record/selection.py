"""What is to be exported: some sessions of a log, read row by row, as often as a format needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from edge.record.cue_rows import CUE_COLUMNS, Row
from edge.record.reading import SESSION_COLUMNS, LogReader

Watched = Callable[[Iterator[Row], int], Iterator[Row]]


def unwatched(rows: Iterator[Row], n_rows: int) -> Iterator[Row]:  # noqa: ARG001 - as a progress bar is called
    """The rows as they are, with no bar."""
    return rows


@dataclass(frozen=True, slots=True)
class Selection:
    """Some sessions of a log.

    Attributes
    ----------
    log : LogReader
    session_ids : tuple of str
    blinks : bool
        Whether blinks are among the rows.
    watched : callable
        Passes rows on and may draw a bar; given how many there will be.
    """

    log: LogReader
    session_ids: tuple[str, ...]
    blinks: bool = False
    watched: Watched = unwatched

    @property
    def n_rows(self) -> int:
        """How many rows there are."""
        return sum(self.log.n_cues(session_id, self.blinks) for session_id in self.session_ids)

    def rows(self) -> Iterator[Row]:
        """Rows of `CUE_COLUMNS` of all sessions; session by session, each in order of onset."""
        return self.watched(
            (row for session_id in self.session_ids for row in self.log.cues(session_id, blinks=self.blinks)),
            self.n_rows,
        )

    def cues(self, session_id: str) -> Iterator[dict[str, Any]]:
        """The rows of one session by the names of their columns."""
        for row in self.log.cues(session_id, blinks=self.blinks):
            yield dict(zip(CUE_COLUMNS, row, strict=True))

    def sessions(self) -> Iterator[dict[str, Any]]:
        """`SESSION_COLUMNS` of each session by name."""
        for row in self.log.sessions():
            session = dict(zip(SESSION_COLUMNS, row, strict=True))
            if session["session_id"] in self.session_ids:
                yield session


class Lanes:
    """Puts what overlaps beside each other: for programs that allow nothing to overlap in one place."""

    def __init__(self) -> None:
        self._until: dict[str, list[float]] = {}

    def lane(self, name: str, onset: float, offset: float) -> str:
        """The name itself where it is free, else with a number: "micro (2)". Onsets have to ascend."""
        lanes = self._until.setdefault(name, [])
        number = next((n for n, until in enumerate(lanes) if until <= onset), len(lanes))
        lanes[number : number + 1] = [offset]
        return name if number == 0 else f"{name} ({number + 1})"
