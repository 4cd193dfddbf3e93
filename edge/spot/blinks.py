"""Blinks: both lids, or one, closing and opening again."""

from __future__ import annotations

from collections import deque

import numpy as np

from edge.anatomy import N_SIGNALS
from edge.kernels import flanks
from edge.messages import Blink, Side
from edge.spot.bank import PulseBank
from edge.spot.context import CLOSURES, closure
from edge.spot.leaks import BlinkLeak

HEIGHT_FIRST = 0.25  # of full closure, before this person's own blinks are known
HEIGHT_SHARE = 0.4  # of the person's usual blink
HEIGHT_LIMITS = (0.15, 0.35)
NOISE_SIGMA = 8.0
LONGEST_S = 0.6  # endogenous blinks end within 0.5 s (Stern, Walrath & Goldstein 1984)
SHORTEST_S = 0.04
ONE_SIDED = 2.5
LEAK_EDGE_S = 0.03  # skin begins to move before the lid is seen to, and is back after it


class BlinkSpotter:
    """Reads the bank's closure channels; learns how far this person's lids come down.

    Parameters
    ----------
    face : int
    """

    def __init__(self, face: int, bank: PulseBank) -> None:
        self.recent: deque[Blink] = deque(maxlen=8)
        self.n_blinks = 0
        self.height = HEIGHT_FIRST
        self.leak = BlinkLeak()
        self._face = face
        self._heights: deque[float] = deque(maxlen=15)
        self._bank = bank
        self._waiting: tuple[int, int, float] | None = None
        self._scratch = np.zeros(bank.n_kept)
        self._found = np.zeros(flanks.N_FLANKS)
        bank.blinks_from(self.height)

    def take(self) -> None:
        """Wait for the blink that the bank has just closed to end."""
        self._waiting = self._bank.blink()

    @property
    def waits(self) -> bool:
        """Whether a blink has not opened again yet."""
        return self._waiting is not None

    def ready(self, at_end: bool = False) -> Blink | None:
        """The blink, once its opening has been seen."""
        if self._waiting is None:
            return None
        bank = self._bank
        scale, sample, expected = self._waiting
        centre, width = bank.centre(scale, sample), bank.n_core[scale]
        first = max(centre - 2 * width - 8, bank.first_kept)
        values = closure(bank, first, bank.n_seen - 1)
        smooth = self._scratch[: len(values)]
        outcome = flanks.find_flanks(values, centre - first, width, expected, smooth, self._found)
        may_return = bank.n_seen - centre < LONGEST_S * bank.rate_hz
        if outcome == flanks.NOT_RETURNED and may_return and not at_end:
            return None
        self._waiting = None
        if outcome != flanks.FOUND:
            return None
        return self._judge(first)

    def _judge(self, first: int) -> Blink | None:
        bank = self._bank
        onset, apex, offset, height = (float(self._found[k]) for k in range(4))
        kept = closure(bank, bank.first_kept, bank.n_seen - 1)
        noise = float(np.nanmedian(np.abs(np.diff(kept)))) if len(kept) > 1 else 0.0
        lasted_s = (offset - onset) / bank.rate_hz
        if not SHORTEST_S <= lasted_s <= LONGEST_S or height < max(0.8 * self.height, NOISE_SIGMA * noise):
            return None
        apex_ns = bank.time_ns(first + apex)
        if self.recent and apex_ns <= self.recent[-1].offset_ns:
            return None
        blink = Blink(
            face=self._face,
            onset_ns=bank.time_ns(first + onset),
            apex_ns=apex_ns,
            offset_ns=bank.time_ns(first + offset),
            side=self._side(first + onset, first + apex),
        )
        self.recent.append(blink)
        self.n_blinks += 1
        self._learn(height)
        self._learn_leak(first + onset, first + offset, height)
        return blink

    def _side(self, onset: float, apex: float) -> Side:
        rows = self._bank.window(max(int(onset), self._bank.first_kept), round(apex), CLOSURES)
        right, left = (float(change) for change in rows[-1] - rows[0])
        if right > ONE_SIDED * max(left, 0.0) or np.isnan(left):
            return "right"
        if left > ONE_SIDED * max(right, 0.0) or np.isnan(right):
            return "left"
        return "both"

    def _learn_leak(self, onset: float, offset: float, height: float) -> None:
        bank = self._bank
        edge = round(LEAK_EDGE_S * bank.rate_hz)
        begin = max(int(onset) - edge, bank.first_kept)
        end = min(round(offset) + edge, bank.n_seen - 1)
        self.leak.learn(bank.window(begin, end, range(N_SIGNALS)), height)

    def _learn(self, height: float) -> None:
        self._heights.append(height)
        usual = float(np.median(self._heights))
        if len(self._heights) >= 3:
            self.height = min(max(HEIGHT_SHARE * usual, HEIGHT_LIMITS[0]), HEIGHT_LIMITS[1])
            self._bank.blinks_from(self.height)
