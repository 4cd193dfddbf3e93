"""Pictures around cues on their way to the disk: cut out of the film, packed and encrypted on a thread.

One age file for each cue. What it holds is a tar archive of PNG files with a table, so that
`age -d -i lab.key 3.age | tar x` opens it too. Nothing readable is ever in a file.
"""

from __future__ import annotations

import logging
import os
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue

from edge.errors import RecordError
from edge.record.film import SIDE_MAX_PX, Film, Shot
from edge.record.keys import age, recipient
from edge.record.packed import LAST, Packed, entry
from edge.record.people import has_agreed_to_pictures
from edge.record.pictures import PART_SUFFIX, SUFFIX, folder_of
from edge.record.png import png_of
from edge.record.statements import SessionRows, Statement, incident

log = logging.getLogger(__name__)

TABLE_NAME = "frames.csv"
_HEADING = "file,frame,time_s,sensor_ns,left_px,top_px,side_px,step\n"
# Pictures are not what fills the disk: left free for the log, as beside a backup.
_SPARE_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Wanted:
    """The pictures around one cue.

    Attributes
    ----------
    rows : SessionRows
        Of the session, which also says where its first frame was.
    number, face : int
        Of the cue.
    span_ns : (int, int)
        First and last moment, sensor time.
    film : Film
    done : threading.Event
        Set when the film is needed no more.
    """

    rows: SessionRows
    number: int
    face: int
    span_ns: tuple[int, int]
    film: Film
    done: threading.Event = field(default_factory=threading.Event)


class PictureWriter:
    """A thread that writes what is `put`; make it, then `close` it.

    Parameters
    ----------
    data_dir : Path
    keys : sequence of str
        Public keys; each of their secret halves opens what is written.
    participant : str
        Whose consent is asked for again before each file takes its name.
    tell : callable
        Takes a row for the log where pictures were lost.

    Raises
    ------
    MissingExtra, KeyUnusable
    """

    def __init__(
        self, data_dir: Path, keys: Sequence[str], participant: str, tell: Callable[[Statement], None]
    ) -> None:
        self._data_dir = data_dir
        self._recipients = [recipient(key) for key in keys]
        self._participant = participant
        self._tell = tell
        self._queue: SimpleQueue[Wanted | Film | None] = SimpleQueue()
        self.n_written = 0
        self.n_lost = 0
        self._thread = threading.Thread(target=self._run, name="picture writer", daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether anybody writes."""
        return self._thread.is_alive()

    def put(self, wanted: Wanted) -> None:
        """Hand over; never waits."""
        self._queue.put(wanted)

    def wipe(self, film: Film) -> None:
        """Overwrite a film when all that was wanted of it is written."""
        self._queue.put(film)

    def close(self) -> None:
        """Write what is left and end the thread."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (work := self._queue.get()) is not None:
            if isinstance(work, Film):
                work.wipe()
                continue
            archive = _Archive(work)
            try:
                self._write(work, archive)
            except (RecordError, OSError, age().EncryptError) as error:
                log.warning("pictures of cue %d are lost: %s", work.number, error)
                archive.n_lost = len(archive.numbers)
                self._tell(incident("pictures lost", str(error)))
            finally:
                work.done.set()
            if archive.n_lost:
                self.n_lost += archive.n_lost
                at_ns = work.span_ns[1]
                self._tell(work.rows.health(at_ns, "lost_pictures", archive.n_lost))

    def _write(self, wanted: Wanted, archive: _Archive) -> None:
        if not archive.numbers:
            return
        self._require_room(len(archive.numbers))
        folder = folder_of(self._data_dir, wanted.rows.session_id)
        folder.parent.mkdir(mode=0o700, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        path = folder / f"{wanted.number}{SUFFIX}"
        part = path.with_suffix(PART_SUFFIX)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        try:
            with os.fdopen(os.open(part, flags, 0o600), "wb") as file:
                age().encrypt_io(Packed(archive.pieces()), file, self._recipients)
                file.flush()
                os.fsync(file.fileno())
            # asked when the file is there: a withdrawal after this moment finds it and deletes it
            if archive.n_packed and has_agreed_to_pictures(self._data_dir, self._participant):
                part.replace(path)
                self.n_written += archive.n_packed
        finally:
            part.unlink(missing_ok=True)
            with suppress(OSError):  # there are others, or a withdrawal removed it
                folder.rmdir()

    def _require_room(self, n_pictures: int) -> None:
        needed = n_pictures * SIDE_MAX_PX**2 + _SPARE_BYTES
        if (free := shutil.disk_usage(self._data_dir).free) < needed:
            raise OSError(f"{free / 1e6:.0f} MB are free, and {needed / 1e6:.0f} MB are kept for the log")


class _Archive:
    """The archive of one cue's pictures, one of them in memory at a time."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self.numbers = wanted.film.numbers(wanted.face, *wanted.span_ns)
        self.n_packed = 0
        self.n_lost = 0

    def pieces(self) -> Iterator[bytes]:
        """Pictures, then the table; counted as they are given."""
        wanted = self._wanted
        folder = f"{wanted.rows.session_id}-{wanted.number}"
        lines = [_HEADING]
        for number in self.numbers:
            shot = wanted.film.shot(number)
            if shot is None:
                self.n_lost += 1
                continue
            self.n_packed += 1
            name = f"{shot.sequence:08d}.png"
            lines.append(f"{name},{_line(shot, wanted.rows.first_frame_ns)}")
            yield entry(f"{folder}/{name}", png_of(shot.luma))
        yield entry(f"{folder}/{TABLE_NAME}", "".join(lines).encode("ascii"))
        yield LAST


def _line(shot: Shot, first_frame_ns: int) -> str:
    time_s = (shot.timestamp_ns - first_frame_ns) / 1e9
    place = f"{shot.left},{shot.top},{shot.side_px},{shot.step}"
    return f"{shot.sequence},{time_s:.6f},{shot.timestamp_ns},{place}\n"
