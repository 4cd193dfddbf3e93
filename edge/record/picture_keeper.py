"""Pictures while a session goes on: a film, and which parts of it are waited for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from edge.messages import Cue, Frame
from edge.record.buffers import TRACE_MARGIN_NS
from edge.record.film import Film
from edge.record.picture_writer import PictureWriter, Wanted
from edge.record.session import NEVER_NS
from edge.record.statements import SessionRows, Statement

_LOOK_S = 1.0


class PictureKeeper:
    """Keeps pictures from 1 s before each cue's onset to 1 s after its offset, encrypted.

    All but `start_session` and `close` are for the frame path: they copy and queue.

    Parameters
    ----------
    data_dir : Path
    keys : sequence of str
        Public keys they are encrypted to.
    participant : str
        Who agreed to it.
    tell : callable
        Takes a row for the log where pictures were lost.

    Raises
    ------
    MissingExtra, KeyUnusable
    """

    def __init__(
        self, data_dir: Path, keys: Sequence[str], participant: str, tell: Callable[[Statement], None]
    ) -> None:
        self._writer = PictureWriter(data_dir, keys, participant, tell)
        self._film: Film | None = None
        self._rows: SessionRows | None = None
        self._live = True
        self._awaited: list[tuple[int, int, int, int]] = []  # until_ns, from_ns, cue number, face
        self._due_ns = NEVER_NS

    @property
    def n_written(self) -> int:
        """Pictures on the disk."""
        return self._writer.n_written

    @property
    def n_lost(self) -> int:
        """Pictures that were wanted and could not be kept: no room, or the disk too slow."""
        return self._writer.n_lost

    def start_session(self, rows: SessionRows, fps: float, live: bool) -> None:
        """Make room for the session's pictures."""
        self._film = Film(fps)
        self._rows = rows
        self._live = live

    def add(self, face: int, frame: Frame, place_px: tuple[float, float, float]) -> None:
        """Copy the face's part of a frame; `place_px` as `Film.add` takes it."""
        if self._film is not None:
            self._film.add(face, frame, place_px)

    def await_cue(self, number: int, cue: Cue) -> None:
        """Pictures around this cue are wanted, when its last second is over."""
        until_ns = cue.offset_ns + TRACE_MARGIN_NS
        self._awaited.append((until_ns, cue.onset_ns - TRACE_MARGIN_NS, number, cue.face))
        self._due_ns = min(self._due_ns, until_ns)

    def tick(self, now_ns: int) -> None:
        """Hand over what is complete. A file waits until it is written, a camera never."""
        if now_ns <= self._due_ns or self._film is None or self._rows is None:
            return
        due = [one for one in self._awaited if one[0] < now_ns]
        self._awaited = [one for one in self._awaited if one[0] >= now_ns]
        self._due_ns = min((until_ns for until_ns, *_ in self._awaited), default=NEVER_NS)
        for until_ns, from_ns, number, face in due:
            wanted = Wanted(self._rows, number, face, (from_ns, until_ns), self._film)
            self._writer.put(wanted)
            while not (self._live or wanted.done.wait(_LOOK_S)) and self._writer.is_alive:
                pass

    def end_session(self) -> None:
        """No more frames come: hand over what is there, and have the film overwritten then."""
        self.tick(NEVER_NS)
        if self._film is not None:
            self._writer.wipe(self._film)
        self._film = self._rows = None

    def close(self) -> None:
        """Wait until all is written."""
        self._writer.close()
