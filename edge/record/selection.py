"""What is to be exported: some sessions of a log, read row by row, as often as a format needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from edge.record.cue_rows import CUE_COLUMNS, Row
from edge.record.questions import SignalBlockRead
from edge.record.reading import SESSION_COLUMNS, LogReader


class Bar(Protocol):
    """What somebody who waits may be shown."""

    def expect(self, n: int) -> None:
        """So many more rows or frames will be read."""

    def advance(self, n: int = 1) -> None:
        """So many were read."""


class NoBar:
    """Nobody waits."""

    def expect(self, n: int) -> None:
        """Nothing."""

    def advance(self, n: int = 1) -> None:
        """Nothing."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Some sessions of a log.

    Attributes
    ----------
    log : LogReader
    session_ids : tuple of str
    blinks : bool
        Whether blinks are among the rows.
    bar : Bar
        Told of every row and frame that is read.
    """

    log: LogReader
    session_ids: tuple[str, ...]
    blinks: bool = False
    bar: Bar = field(default_factory=NoBar)

    def rows(self) -> Iterator[Row]:
        """Rows of `CUE_COLUMNS` of all sessions; session by session, each in order of onset."""
        self.expect(self.session_ids)
        for session_id in self.session_ids:
            yield from self._read(session_id)

    def expect(self, session_ids: Iterable[str], n_times: int = 1) -> None:
        """Say beforehand how often the rows of sessions will be read by `cues`."""
        self.bar.expect(n_times * sum(self.log.n_cues(one, self.blinks) for one in session_ids))

    def cues(self, session_id: str) -> Iterator[dict[str, Any]]:
        """The rows of one session by the names of their columns."""
        for row in self._read(session_id):
            yield dict(zip(CUE_COLUMNS, row, strict=True))

    def signal_blocks(self, session_id: str, face: int) -> Iterator[SignalBlockRead]:
        """The face's stored signals, in order of time; raises BlockDamaged at a damaged one."""
        self.bar.expect(self.log.n_signal_frames(session_id, face))
        for block in self.log.signal_blocks(session_id, face):
            yield block
            self.bar.advance(len(block.frames))

    def _read(self, session_id: str) -> Iterator[Row]:
        for row in self.log.cues(session_id, blinks=self.blinks):
            yield row
            self.bar.advance()

    def sessions(self) -> Iterator[dict[str, Any]]:
        """`SESSION_COLUMNS` of each session by name."""
        for session_id in self.session_ids:
            yield dict(zip(SESSION_COLUMNS, self.log.session(session_id), strict=True))


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
