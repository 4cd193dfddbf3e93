"""A recorder that keeps everything in lists: the log of tests and of measurements."""

from __future__ import annotations

from edge.errors import RecordError
from edge.messages import Event, FrameReport, SessionInfo, Trace


class MemoryRecorder:
    """Takes what `Recorder` takes; copies borrowed arrays. Plays a full disk where asked to.

    Parameters
    ----------
    fault : str, optional
        What `fault` says, as while a disk is full; may be set and taken back at any time.
    close_error : RecordError, optional
        Raised by `close`, as where rows could not be written.
    """

    def __init__(self, fault: str | None = None, close_error: RecordError | None = None) -> None:
        self.fault = fault
        self.close_error = close_error
        self.session_id: str | None = None
        self.sessions: list[tuple[SessionInfo, int, int | None, bool]] = []
        self.events: list[Event] = []
        self.frame_reports: list[FrameReport] = []
        self.traces: list[Trace] = []
        self.ends: list[tuple[str, int]] = []
        self.n_frames = 0
        self.last_ns = 0
        self.is_closed = False

    def start_session(
        self, info: SessionInfo, first_frame_ns: int, clock_offset_ns: int | None, synchronised: bool
    ) -> str:
        """Note the session; ids count up."""
        self.sessions.append((info, first_frame_ns, clock_offset_ns, synchronised))
        self.session_id = f"19700101-000000-{len(self.sessions):04x}"
        return self.session_id

    def append(self, event: Event) -> None:
        """Keep the event; what is said of frames is kept apart."""
        if isinstance(event, FrameReport):
            self.frame_reports.append(event)
        else:
            self.events.append(event)

    def add_trace(self, trace: Trace) -> None:
        """Keep a copy of the trace."""
        codes, points = trace.codes.copy(), trace.points.copy()
        self.traces.append(Trace(trace.face, trace.sequence, trace.timestamp_ns, codes, points))

    def saw_frame(self, sequence: int, timestamp_ns: int) -> None:
        """Note how far the session is."""
        self.n_frames = sequence + 1
        self.last_ns = timestamp_ns

    def end_session(self, reason: str, n_frames: int) -> None:
        """Note why and after how many frames."""
        self.ends.append((reason, n_frames))
        self.session_id = None

    def close(self) -> None:
        """Raise `close_error` where one was given."""
        self.is_closed = True
        if self.close_error is not None:
            raise self.close_error
