"""What the recorder holds in memory for the running session: its counts and its faces' buffers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from edge.messages import Cue, Trace
from edge.record.buffers import (
    HISTORY_S,
    TRACE_MARGIN_NS,
    BlockPool,
    PointHistory,
    PointLights,
    SignalBlock,
    frames_in,
)
from edge.record.statements import SessionRows, Statement

# Faces come and go under new numbers: so many keep a history, the one longest unseen makes room.
_N_FACES_MAX = 4
NEVER_NS = 2**63 - 1


@dataclass(frozen=True, slots=True)
class RecorderCounts:
    """What became of what was handed in; all zero but the first on a good day."""

    n_committed_rows: int
    n_waiting: int
    n_lost_rows: int
    n_lost_signal_frames: int
    n_faults: int
    n_lost_pictures: int = 0


class FaceBuffers:
    """The running second and the last seconds of one face."""

    def __init__(self, number: int, history: PointHistory | None) -> None:
        self.number = number
        self.history = history
        self.block: SignalBlock | None = None
        self.last_ns = 0
        self.is_followed = True
        self.due_ns = NEVER_NS
        self._awaited: list[tuple[int, int, int]] = []  # until_ns, from_ns, cue number

    def await_points(self, cue_number: int, cue: Cue) -> None:
        """Points from 1 s before the cue's onset to 1 s after its offset are wanted."""
        if self.history is not None:
            until_ns = cue.offset_ns + TRACE_MARGIN_NS
            self._awaited.append((until_ns, cue.onset_ns - TRACE_MARGIN_NS, cue_number))
            self.due_ns = min(self.due_ns, until_ns)

    def points_due(self, rows: SessionRows, now_ns: int) -> Iterator[PointLights]:
        """The traces that are complete by `now_ns`; all of them at `NEVER_NS`."""
        if self.history is None or now_ns < self.due_ns:
            return
        due = [wanted for wanted in self._awaited if wanted[0] <= now_ns]
        self._awaited = [wanted for wanted in self._awaited if wanted[0] > now_ns]
        self.due_ns = min((until_ns for until_ns, _, _ in self._awaited), default=NEVER_NS)
        for until_ns, from_ns, cue_number in due:
            yield PointLights(rows, cue_number, self.history, (from_ns, until_ns))


class RunningSession:
    """One session from its first frame to its end.

    Parameters
    ----------
    rows : SessionRows
    fps : float
        Nominal rate, 0 where unknown; sizes the buffers.
    live : bool
        A camera, which cannot wait.
    n_points : int
        Points in every trace; 0 keeps no point history.
    n_lost_rows_before : int
        What the run had lost when the session began.
    """

    def __init__(
        self, rows: SessionRows, fps: float, live: bool, n_points: int, n_lost_rows_before: int
    ) -> None:
        self.rows = rows
        self.opening: list[Statement] = []  # what a fresh log begins with
        self.live = live
        self.pool = BlockPool(frames_in(1.0, fps))
        self.faces: dict[int, FaceBuffers] = {}
        self.last_ns = rows.first_frame_ns
        self.n_frames = 0
        self.n_of_kind = {"micro": 0, "macro": 0}
        self.n_blinks = 0
        self.n_dropped_frames = 0
        self.n_lost_rows_before = n_lost_rows_before
        self.n_lost_signal_frames = 0
        self._n_points = n_points
        self._n_history_frames = frames_in(HISTORY_S, fps)

    @property
    def n_cues(self) -> int:
        """Cues so far; the last one's number."""
        return sum(self.n_of_kind.values())

    def longest_unseen(self) -> FaceBuffers | None:
        """The face whose buffers the next new one takes over; None while there is room."""
        if len(self.faces) < _N_FACES_MAX:
            return None
        return min(self.faces.values(), key=lambda face: face.last_ns)

    def add_face(self, number: int, instead_of: FaceBuffers | None) -> FaceBuffers:
        """Buffers for a new face, or those of a face that is given up."""
        history = None
        if instead_of is not None:
            history = instead_of.history
            del self.faces[instead_of.number]
            if history is not None:
                history.clear()
        elif self._n_points:
            history = PointHistory(self._n_history_frames, self._n_points)
        face = self.faces[number] = FaceBuffers(number, history)
        return face

    def add_signals(self, face: FaceBuffers, trace: Trace, wait_s: float) -> SignalBlock | None:
        """Copy one frame's signals; the block, once it is complete."""
        block = face.block
        if block is None:
            block = self.pool.take(wait_s)
            if block is None:
                self.n_lost_signal_frames += 1
                return None
            block.face = trace.face
            block.rows = self.rows
            face.block = block
        if not block.add(trace):
            return None
        face.block = None
        return block
