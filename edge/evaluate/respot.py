"""The spotter again over a session's stored signals: the same answer as live, where the settings are."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from edge.anatomy import CHANNELS
from edge.config import SpotConfig
from edge.errors import UsageError
from edge.messages import Blink, Cue
from edge.pipeline import SAME_PERSON_NS
from edge.record.errors import NoSignals
from edge.record.questions import SignalBlockRead
from edge.record.reading import LogReader
from edge.spot.spotter import Spotter


class OtherSignals(UsageError):
    """The stored signals are those of a version that measured others."""

    def __init__(self, session_id: str, n_stored: int) -> None:
        super().__init__(session_id, n_stored)
        self.session_id = session_id
        self.n_stored = n_stored

    def __str__(self) -> str:
        return (
            f"expected the {len(CHANNELS)} channels that this version measures in session {self.session_id}, "
            f"found {self.n_stored} of another version; respot with that one, or export --signals, which "
            "reads any"
        )


def respot(log: LogReader, session_id: str, config: SpotConfig) -> Iterator[Cue | Blink]:
    """What the spotter says to the stored signals, face by face, in the order of its decisions.

    A face that was lost and found again within five seconds keeps its baseline, as in a live session.

    Parameters
    ----------
    log : LogReader
    session_id : str
    config : SpotConfig

    Raises
    ------
    NoSignals
        The session's signals were not kept.
    OtherSignals
        They are not those that this version measures.
    BlockDamaged
    """
    faces = log.faces(session_id)
    if not faces:
        raise NoSignals(session_id)
    stored = log.channels(session_id)
    if list(stored.items()) != list(CHANNELS.items()):
        raise OtherSignals(session_id, len(stored))
    for face in faces:
        yield from _respot_face(log, session_id, face, config)


def _respot_face(log: LogReader, session_id: str, face: int, config: SpotConfig) -> Iterator[Cue | Blink]:
    first_ns, fps = log.first_frame_ns(session_id), log.nominal_fps(session_id)
    intervals = iter(log.face_intervals(session_id, face))
    interval = next(intervals, None)
    spotter = Spotter(config, fps)
    for block in log.signal_blocks(session_id, face):
        begin = 0
        while begin < len(block.frames):
            lost_frame = None if interval is None else interval[2]
            end = len(block.frames)
            if lost_frame is not None:
                end = int(np.searchsorted(block.frames, lost_frame, "right"))
            yield from _fed(spotter, block, begin, end, first_ns, face)
            if end < len(block.frames):
                assert interval is not None
                yield from spotter.flush()
                lost_ns, interval = interval[3], next(intervals, None)
                if interval is None or lost_ns is None or interval[1] - lost_ns > SAME_PERSON_NS:
                    spotter = Spotter(config, fps)
            begin = max(begin, end)
    yield from spotter.flush()


def _fed(
    spotter: Spotter, block: SignalBlockRead, begin: int, end: int, first_ns: int, face: int
) -> list[Cue | Blink]:
    if begin >= end:
        return []
    times_ns = block.times_ns[begin:end] + first_ns
    return spotter.steps(block.codes[begin:end], times_ns, block.frames[begin:end], face)
