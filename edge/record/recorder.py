"""The log as the main loop sees it: takes events and traces, never waits for the disk."""

from __future__ import annotations

import logging
import math
import secrets
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path

from edge.config import RecordConfig
from edge.messages import Blink, Cue, Event, FaceFound, FaceLost, FrameReport, Gap, Mark, SessionInfo, Trace
from edge.record.errors import DatabaseDamaged
from edge.record.keeper import Keeper
from edge.record.lock import DataDirLock
from edge.record.people import consents_of, within_consent
from edge.record.picture_keeper import PictureKeeper
from edge.record.pictures import PicturesRefused, remove_unfinished
from edge.record.salvage import Salvage, set_aside, unsalvaged
from edge.record.schema import (
    DATABASE_NAME,
    make_data_dir,
    newest_session_key,
    open_for_writing,
    session_keys,
)
from edge.record.session import NEVER_NS, FaceBuffers, RecorderCounts, RunningSession
from edge.record.statements import SessionRows, Statement, incident
from edge.record.writer import Rows, Work, Writer

log = logging.getLogger(__name__)

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
# A file can be read faster than a slow card writes; it may wait, a camera may not.
_FILE_WAIT_S = 5.0
# Whoever ends a run waits so long for a salvage to finish; the next run goes on with it.
_SALVAGE_PATIENCE_S = 10.0


class Recorder:
    """Records sessions into `DATA/microcue.db`; make one with `Recorder.open`.

    `append`, `add_trace` and `saw_frame` are for the main loop: they copy and queue. A writer
    thread owns the database. What is not on disk yet is at most a second of signals, and a cue
    is committed at once.

    Attributes
    ----------
    pictures : PictureKeeper or None
        Wants pictures of the face where the settings and the participant's consent keep them.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        path: Path,
        lock: DataDirLock,
        config: RecordConfig,
        n_points: int,
    ) -> None:
        self._allowed = self._config = config
        self._n_points = n_points
        self._lock = lock
        self._session: RunningSession | None = None
        self._next_key = newest_session_key(connection, path) + 1
        self._n_lost_signal_frames_before = 0
        self._is_closed = False
        self._path = path
        self._salvage: Salvage | None = None
        self._keeper: Keeper | None = None
        self.pictures: PictureKeeper | None = None
        self.writer = Writer(connection, path, self._progress, self._renewed, lock.tell)

    @classmethod
    def open(cls, data_dir: Path, config: RecordConfig, n_points: int) -> Recorder:
        """Lock the data directory, open or make the log and start the writer.

        Parameters
        ----------
        data_dir : Path
            Made where it does not exist, for its owner only.
        config : RecordConfig
            Whether signals and point-light traces are kept.
        n_points : int
            Points in every `Trace.points`.

        Raises
        ------
        DataDirUnwritable, DataDirBusy, DiskFull, DatabaseDamaged, DatabaseForeign, DatabaseFromFuture
        """
        make_data_dir(data_dir)
        lock = DataDirLock(data_dir)
        try:
            remove_unfinished(data_dir)
            path = data_dir / DATABASE_NAME
            try:
                recorder = cls._on(path, lock, config, n_points)
            except DatabaseDamaged as damage:
                aside = set_aside(path)
                log.warning("%s was damaged and is now %s; its rows are carried over", path, aside.name)
                recorder = cls._on(path, lock, config, n_points)
                recorder.writer.put(Rows(incident("damaged", damage.detail)), math.inf)
            if unsalvaged(data_dir):
                recorder._begin_salvage()
            return recorder
        except BaseException:
            lock.release()
            raise

    @classmethod
    def _on(cls, path: Path, lock: DataDirLock, config: RecordConfig, n_points: int) -> Recorder:
        connection = open_for_writing(path)
        try:
            return cls(connection, path, lock, config, n_points)
        except BaseException:
            connection.close()
            raise

    @property
    def fault(self) -> str | None:
        """Why nothing can be written at the moment; None on a good day."""
        return self.writer.fault

    @property
    def session_id(self) -> str | None:
        """The running session."""
        return self._session.rows.session_id if self._session else None

    @property
    def counts(self) -> RecorderCounts:
        """What became of what was handed in."""
        running = self._session.n_lost_signal_frames if self._session else 0
        return RecorderCounts(
            n_committed_rows=self.writer.n_committed_rows,
            n_waiting=self.writer.n_waiting,
            n_lost_rows=self.writer.n_lost_rows,
            n_lost_signal_frames=self._n_lost_signal_frames_before + running,
            n_faults=self.writer.n_faults,
            n_lost_pictures=self.pictures.n_lost if self.pictures else 0,
        )

    def keep_within_consent(self, participant: str, is_required: bool) -> None:
        """Keep no more of the sessions to come than the participant agreed to; without it, no pictures.

        Parameters
        ----------
        participant : str
            A code, or "" for nobody named.
        is_required : bool
            Refuse where no consent is recorded.

        Raises
        ------
        ConsentMissing, ConsentWithdrawn, PicturesRefused, MissingExtra, KeyUnusable
        """
        consents = consents_of(self._path.parent, participant) if participant else []
        self._config = config = within_consent(self._allowed, consents, participant, is_required)
        if config.pictures:
            if not (keys := config.pictures_to.split()):
                raise PicturesRefused("no key is set there")
            self.pictures = PictureKeeper(self._path.parent, keys, participant, self._put)

    def start_session(
        self, info: SessionInfo, first_frame_ns: int, clock_offset_ns: int | None, synchronised: bool
    ) -> str:
        """Begin a session at its first frame.

        Parameters
        ----------
        info : SessionInfo
        first_frame_ns : int
            Sensor time of the first frame; every time in the log counts from it.
        clock_offset_ns : int or None
            Unix time minus sensor time; None where the frames are not of this moment (a file).
        synchronised : bool
            Whether the wall clock is known to be right.

        Returns
        -------
        str
            The session's id, "YYYYMMDD-HHMMSS-xxxx", UTC.
        """
        if self._session is not None:
            raise RuntimeError("the session before has not ended")
        now_ns = time.time_ns() if clock_offset_ns is None else first_frame_ns + clock_offset_ns
        moment = datetime.fromtimestamp(now_ns / 1e9, timezone.utc)
        session_id = f"{moment:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
        rows = SessionRows(self._next_key, session_id, first_frame_ns)
        self._next_key += 1
        n_points = self._n_points if self._config.traces else 0
        source = info.source
        self._session = RunningSession(rows, source.fps, source.live, n_points, self.writer.n_lost_rows)
        boot_id = _BOOT_ID.read_text().strip() if source.live and _BOOT_ID.exists() else ""
        self._session.opening = rows.start(info, boot_id)
        self.writer.put(Rows(*self._session.opening), math.inf)
        if clock_offset_ns is not None:
            self.add_clock_offset(first_frame_ns, clock_offset_ns, synchronised)
        if self.pictures is not None:
            self.pictures.start_session(rows, source.fps, source.live)
        if source.live:
            self.look_after()
        return session_id

    def look_after(self) -> None:
        """From now on watch the clock, back the log up, and delete what is to stay no longer."""
        if self._keeper is None:
            self._keeper = Keeper(
                self._path.parent, self._allowed, self._add_offset_of_running, self._put, self._running_key
            )

    def append(self, event: Event) -> None:
        """Queue one event of the running session; never waits for a camera's sake."""
        session = self._running()
        rows = session.rows
        if isinstance(event, Cue):
            session.n_of_kind[event.kind] += 1
            number = session.n_cues
            self._queue(Rows(*rows.cue(number, event, session.n_of_kind[event.kind])))
            face = self._face(session, event.face)
            face.await_points(number, event)
            self._hand_over_points(session, face, face.last_ns if face.is_followed else NEVER_NS)
            if self.pictures is not None:
                self.pictures.await_cue(number, event)
        elif isinstance(event, Blink):
            session.n_blinks += 1
            self._queue(Rows(*rows.blink(session.n_blinks, event)))
        elif isinstance(event, Gap):
            session.n_dropped_frames += event.n_missing
            self._queue(Rows(*rows.gap(event, session.n_dropped_frames)))
        elif isinstance(event, FrameReport):
            self._queue(Rows(rows.frame_report(event)))
        elif isinstance(event, FaceFound):
            self._queue(Rows(rows.face_found(event)))
        elif isinstance(event, FaceLost):
            self._let_go(session, self._face(session, event.face))
            self._queue(Rows(rows.face_lost(event)))
        elif isinstance(event, Mark):
            self._queue(Rows(rows.mark(event)))

    def add_trace(self, trace: Trace) -> None:
        """Copy one frame of one face into the running second and the point history."""
        session = self._running()
        face = self._face(session, trace.face)
        face.is_followed = True
        face.last_ns = session.last_ns = trace.timestamp_ns
        session.n_frames = trace.sequence + 1
        if face.history is not None:
            face.history.add(trace)
            if trace.timestamp_ns >= face.due_ns:
                self._hand_over_points(session, face, trace.timestamp_ns)
        if self._config.signals:
            wait_s = 0.0 if session.live else _FILE_WAIT_S
            if (block := session.add_signals(face, trace, wait_s)) is not None:
                self.writer.put(block, math.inf)

    def saw_frame(self, sequence: int, timestamp_ns: int) -> None:
        """Note how far the session is, also where no face is there to be traced."""
        session = self._running()
        session.last_ns = timestamp_ns
        session.n_frames = sequence + 1
        if self.pictures is not None:
            self.pictures.tick(timestamp_ns)

    def add_clock_offset(self, at_ns: int, offset_ns: int, synchronised: bool) -> None:
        """Store Unix time minus sensor time, at start and whenever the wall clock was set."""
        self._put(self._running().rows.clock_offset(at_ns, offset_ns, synchronised))

    def add_health(self, at_ns: int, name: str, value: float) -> None:
        """Store a reading of the machine, such as "fps"; from any thread, also when no session runs."""
        if (session := self._session) is not None:
            self.writer.put(Rows(session.rows.health(at_ns, name, value)), 0.0)

    def end_session(self, reason: str, n_frames: int) -> None:
        """End the running session: hand over what is in the buffers and say why it ended."""
        session = self._running()
        for face in session.faces.values():
            self._let_go(session, face)
        if self.pictures is not None:
            self.pictures.end_session()
        if (progress := self._progress()) is not None:
            self.writer.put(Rows(progress, session.rows.end(reason, n_frames)), math.inf)
        self._n_lost_signal_frames_before += session.n_lost_signal_frames
        self._session = None

    @contextmanager
    def closed_log(self) -> Iterator[None]:
        """Inside, between two sessions, the log is closed and nobody else's: only the directory is held."""
        if self._session is not None:
            raise RuntimeError("the session has not ended")
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            keeper.stop()
        self.writer.close()
        try:
            yield
        finally:
            connection = open_for_writing(self._path)
            self.writer = Writer(connection, self._path, self._progress, self._renewed, self._lock.tell)
            if keeper is not None:
                self.look_after()

    def flush(self, timeout_s: float) -> bool:
        """Wait until all that was handed in is on disk; not for the main loop."""
        return self.writer.flush(timeout_s)

    def close(self) -> None:
        """Write what is left and let the data directory go. Safe to call twice.

        Raises
        ------
        DiskFull, LogUnwritten
            Rows were lost; everything that was committed is safe.
        """
        if self._is_closed:
            return
        self._is_closed = True
        if self._session is not None:
            self.end_session("closed", self._session.n_frames)
        if self.pictures is not None:
            self.pictures.close()
        if self._keeper is not None:
            self._keeper.stop()
        if self._salvage is not None:
            self._salvage.stop(_SALVAGE_PATIENCE_S)
        try:
            self.writer.close()
        finally:
            self._lock.release()

    def _begin_salvage(self) -> None:
        if self._salvage is None:
            self._salvage = Salvage(self._path.parent, self._put_salvaged, self._session_keys)
        self._salvage.begin()

    def _put(self, statement: Statement) -> None:
        self.writer.put(Rows(statement), math.inf)

    def _running_key(self) -> int:
        return self._session.rows.session_key if self._session else 0

    def _add_offset_of_running(self, at_ns: int, offset_ns: int, synchronised: bool) -> None:
        """Called by the keeper, for whom a session may end at any moment."""
        if (session := self._session) is not None:
            self._put(session.rows.clock_offset(at_ns, offset_ns, synchronised))

    def _put_salvaged(self, statements: list[Statement], timeout_s: float) -> bool:
        self.writer.put(Rows(*statements), math.inf)
        return self.writer.flush(timeout_s)

    def _session_keys(self) -> dict[str, int]:
        self.writer.flush(_FILE_WAIT_S)
        return session_keys(self._path)

    def _renewed(self, damage: str) -> list[Statement]:
        """Called by the writer when it goes on in a fresh log."""
        self._begin_salvage()
        session = self._session
        return [incident("damaged", damage), *(session.opening if session else [])]

    def _running(self) -> RunningSession:
        if self._session is None:
            raise RuntimeError("no session has been started")
        return self._session

    def _queue(self, work: Work) -> None:
        self.writer.put(work, 0.0 if self._running().live else _FILE_WAIT_S)

    def _face(self, session: RunningSession, number: int) -> FaceBuffers:
        face = session.faces.get(number)
        if face is None:
            if (unseen := session.longest_unseen()) is not None:
                self._let_go(session, unseen)
            face = session.add_face(number, unseen)
        return face

    def _hand_over_points(self, session: RunningSession, face: FaceBuffers, now_ns: int) -> None:
        for points in face.points_due(session.rows, now_ns):
            self._queue(points)

    def _let_go(self, session: RunningSession, face: FaceBuffers) -> None:
        """The face is gone or the session ends: nothing more will come for what waits."""
        face.is_followed = False
        if face.block is not None:
            self.writer.put(face.block, math.inf)
            face.block = None
        self._hand_over_points(session, face, NEVER_NS)

    def _progress(self) -> Statement | None:
        """Called by the writer; reads numbers that the main loop sets."""
        session = self._session
        if session is None:
            return None
        n_lost_rows = self.writer.n_lost_rows - session.n_lost_rows_before
        return session.rows.progress(
            session.last_ns, session.n_frames, session.n_lost_signal_frames, n_lost_rows
        )
