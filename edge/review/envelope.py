"""A session's signals at any zoom: least and greatest value in each bin, from blocks read as they are needed.

An hour at 200 frames a second is 25 million values. The whole session is looked at once, by a thread that
rests half of the time, coarse before fine, and kept at sixteen bins a second and at one: 33 MB for four
hours. A view of more than a minute is made of those; a shorter one of its frames, which stay at hand for
the next.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.anatomy import LOST
from edge.errors import EdgeError
from edge.record.questions import SignalBlockRead
from edge.record.timeline import BlockPlace, TimelineReader

BINS_PER_BLOCK = 16
_EXACT_BLOCKS_MAX = 60
# decoded ones: two views beside each other, 4 MB at 200 frames a second
_N_HELD_MAX = 256
# a block is put where its middle is: a quarter of a bin off at most
_COARSE_BLOCKS_PER_BIN = 2
_STRIDES = (64, 16, 4, 1)
# so many more are read while somebody waits for them
_READ_AT_ONCE_MAX = 120
# Of reading after a view: the browser draws it then, on the same processors, and the next key may follow. A
# page that waits for the rest asks every half second.
_REST_S = 0.2
_ABOVE_ALL = np.int16(32767)
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class View:
    """Signals between two times.

    Attributes
    ----------
    low, high : int16 [shape=(n_bins, n_channels)]
        Codes as they are stored; LOST where nothing was followed, or is not read yet.
    share_read : float in [0, 1]
        Of the blocks in view; the rest is being read.
    """

    low: NDArray[np.int16]
    high: NDArray[np.int16]
    share_read: float


class Envelope:
    """Bins of one face's signals in one session.

    Parameters
    ----------
    open_log : callable
        Gives a reader of the log; called in the thread that uses it.
    session_id : str
    face : int
    n_channels : int
    """

    def __init__(
        self, open_log: Callable[[], TimelineReader], session_id: str, face: int, n_channels: int
    ) -> None:
        self._open_log = open_log
        self._session_id, self._face, self._n_channels = session_id, face, n_channels
        self._blocks: list[BlockPlace] = []
        self._times = np.zeros((0, 2), np.int64)
        self._low = np.zeros((0, BINS_PER_BLOCK, n_channels), np.int16)
        self._high = np.zeros((0, BINS_PER_BLOCK, n_channels), np.int16)
        self._is_read = np.zeros(0, bool)
        self._coarse = np.zeros((0, 2, n_channels), np.int16)
        self._held: dict[int, SignalBlockRead] = {}
        self._lock = threading.Lock()
        self._in_view = (0, 0)
        self._may_read = threading.Event()
        self._n_asking = 0
        self._rests_until_s = 0.0
        self._reader: threading.Thread | None = None
        self._stop = threading.Event()

    def close(self) -> None:
        """Read no further."""
        self._stop.set()
        self._may_read.set()

    def view(self, log: TimelineReader, from_ns: int, to_ns: int, n_bins: int) -> View:
        """Signals between two times since the session's first frame.

        Raises
        ------
        BlockDamaged, DatabaseDamaged, LogUnreadable
        """
        with self._reader_resting():
            self._take_new_blocks(log)
            begin = int(np.searchsorted(self._times[:, 1], from_ns, "left"))
            end = int(np.searchsorted(self._times[:, 0], to_ns, "right"))
            if end <= begin:
                return self._nothing(n_bins)
            if end - begin <= _EXACT_BLOCKS_MAX:
                return self._exact(log, begin, end, from_ns, to_ns, n_bins)
            self._read_in_view(log, begin, end)
            return self._approximate(begin, end, from_ns, to_ns, n_bins)

    def _approximate(self, begin: int, end: int, from_ns: int, to_ns: int, n_bins: int) -> View:
        spans = self._times[begin:end]
        is_coarse = end - begin >= _COARSE_BLOCKS_PER_BIN * n_bins
        n = 1 if is_coarse else BINS_PER_BLOCK
        steps = (np.arange(n) + 0.5) / n
        times = spans[:, :1] + steps * (spans[:, 1:] - spans[:, :1])
        with self._lock:  # the reader's thread goes on: one moment for all three
            known = self._is_read[begin:end].copy()
            if is_coarse:
                low, high = self._coarse[begin:end][known].swapaxes(0, 1)
            else:
                low = self._low[begin:end][known].reshape(-1, self._n_channels)
                high = self._high[begin:end][known].reshape(-1, self._n_channels)
        bins = _bins(times[known].ravel(), from_ns, to_ns, n_bins)
        return View(*_gathered(bins, low, high, n_bins), float(known.mean()))

    def _exact(
        self, log: TimelineReader, begin: int, end: int, from_ns: int, to_ns: int, n_bins: int
    ) -> View:
        blocks = self._decoded(log, [one.first_frame for one in self._blocks[begin:end]])
        if not blocks:
            return self._nothing(n_bins)
        values = np.concatenate([block.codes for block in blocks])
        bins = _bins(np.concatenate([block.times_ns for block in blocks]), from_ns, to_ns, n_bins)
        return View(*_gathered(bins, values, values, n_bins), 1.0)

    def _nothing(self, n_bins: int) -> View:
        empty = np.full((n_bins, self._n_channels), LOST, np.int16)
        return View(empty, empty.copy(), 1.0)

    def _decoded(self, log: TimelineReader, wanted: list[int]) -> list[SignalBlockRead]:
        """Blocks by their first frames; those of the views before are at hand."""
        with self._lock:
            found = {first: self._held[first] for first in wanted if first in self._held}
        missing = [first for first in wanted if first not in found]
        if missing:
            read = log.blocks_within(self._session_id, self._face, missing[0], missing[-1])
            found |= {int(block.frames[0]): block for block in read if len(block.frames)}
        with self._lock:
            for first in wanted:
                if first in found:
                    self._held.pop(first, None)
                    self._held[first] = found[first]  # the newest is last
            while len(self._held) > _N_HELD_MAX:
                del self._held[next(iter(self._held))]
        return [found[first] for first in wanted if first in found]

    def _take_new_blocks(self, log: TimelineReader) -> None:
        """A session that is being recorded grows."""
        after = self._blocks[-1].first_frame if self._blocks else -1
        found = log.blocks(self._session_id, self._face, after)
        with self._lock:
            # two who look at once find the same ones
            newest = self._blocks[-1].first_frame if self._blocks else -1
            fresh = [one for one in found if one.first_frame > newest]
            if not fresh:
                return
            self._blocks += fresh
            self._times = np.array([(one.first_ns, one.last_ns) for one in self._blocks], np.int64)
            room = (len(fresh), BINS_PER_BLOCK, self._n_channels)
            self._low = np.concatenate([self._low, np.full(room, LOST, np.int16)])
            self._high = np.concatenate([self._high, np.full(room, LOST, np.int16)])
            self._is_read = np.concatenate([self._is_read, np.zeros(len(fresh), bool)])
            lost = np.full((len(fresh), 2, self._n_channels), LOST, np.int16)
            self._coarse = np.concatenate([self._coarse, lost])

    @contextmanager
    def _reader_resting(self) -> Iterator[None]:
        """Whoever looks comes first: the two would wait for each other's turn at every row."""
        with self._lock:
            self._n_asking += 1
            self._may_read.clear()
        try:
            yield
        finally:
            with self._lock:
                self._n_asking -= 1
                self._rests_until_s = time.monotonic() + _REST_S
                if not self._n_asking:
                    self._may_read.set()

    def _read_in_view(self, log: TimelineReader, begin: int, end: int) -> None:
        """Read what is in view, at once where that is soon done, and have the rest read."""
        self._in_view = (begin, end)
        unread = np.flatnonzero(~self._is_read[begin:end]) + begin
        if len(unread) <= _READ_AT_ONCE_MAX:
            for k in unread:
                self._read_block(log, int(k))
        with self._lock:
            if self._is_read.all() or (self._reader is not None and self._reader.is_alive()):
                return
            self._reader = threading.Thread(target=self._read_all, name="envelope", daemon=True)
            self._reader.start()

    def _read_all(self) -> None:
        try:
            with self._open_log() as log:
                while (k := self._next_unread()) is not None:
                    self._may_read.wait()
                    if self._stop.wait(max(self._rests_until_s - time.monotonic(), 0.0)):
                        return
                    begun_s = time.thread_time()
                    self._read_block(log, k)
                    # half of one processor; a thread of low priority would keep the interpreter's lock for
                    # as long as others than this process are busy
                    self._stop.wait(time.thread_time() - begun_s)
        except EdgeError as error:
            logger.warning("reading signals stopped: %s", error)

    def _next_unread(self) -> int | None:
        """Of what is in view first, coarse before fine; None where all is read."""
        with self._lock:
            for begin, end in (self._in_view, (0, len(self._blocks))):
                for stride in _STRIDES:
                    unread = np.flatnonzero(~self._is_read[begin:end:stride])
                    if len(unread):
                        return begin + stride * int(unread[0])
        return None

    def _read_block(self, log: TimelineReader, k: int) -> None:
        block = log.block(self._session_id, self._face, self._blocks[k].first_frame)
        if block is None or not len(block.codes):
            low = high = np.full((BINS_PER_BLOCK, self._n_channels), LOST, np.int16)
        else:
            bins = np.arange(len(block.codes)) * BINS_PER_BLOCK // len(block.codes)
            low, high = _gathered(bins, block.codes, block.codes, BINS_PER_BLOCK)
        all_low, all_high = _gathered(np.zeros(BINS_PER_BLOCK, np.int64), low, high, 1)
        with self._lock:
            self._low[k], self._high[k], self._is_read[k] = low, high, True
            self._coarse[k] = all_low[0], all_high[0]


def _bins(
    times_ns: NDArray[np.floating | np.integer], from_ns: int, to_ns: int, n_bins: int
) -> NDArray[np.int64]:
    """Which bin each time falls into; outside ones get -1 or n_bins."""
    found = np.floor((times_ns - from_ns) * (n_bins / max(to_ns - from_ns, 1))).astype(np.int64)
    return np.clip(found, -1, n_bins)


def _gathered(
    bins: NDArray[np.int64], low: NDArray[np.int16], high: NDArray[np.int16], n_bins: int
) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    """Least and greatest of all that falls into a bin; LOST where nothing does. `bins` ascend."""
    least = np.full((n_bins, low.shape[1]), LOST, np.int16)
    greatest = np.full((n_bins, low.shape[1]), LOST, np.int16)
    inside = slice(int(np.searchsorted(bins, 0)), int(np.searchsorted(bins, n_bins)))
    if inside.start < inside.stop:
        present, starts = np.unique(bins[inside], return_index=True)
        held = low[inside]
        least[present] = np.minimum.reduceat(np.where(held == LOST, _ABOVE_ALL, held), starts, axis=0)
        greatest[present] = np.maximum.reduceat(high[inside], starts, axis=0)
        least[greatest == LOST] = LOST
    return least, greatest
