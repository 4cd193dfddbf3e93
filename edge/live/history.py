"""The last seconds of a run, put together from snapshots: what moved how far, step by step."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.anatomy import AUX_NAMES, N_CHANNELS, N_SIGNALS, REGIONS, SIGNALS, decode
from edge.live.snapshot import Snapshot

_CLOSURE = [N_SIGNALS + AUX_NAMES.index(name) for name in ("closure_right", "closure_left")]
_HEAD = [N_SIGNALS + AUX_NAMES.index(name) for name in ("yaw_mrad", "pitch_mrad", "roll_mrad")]
_MEMBERS = {
    (region, side): [k for k, one in enumerate(SIGNALS) if one.region == region and one.side == side]
    for region in REGIONS
    for side in ("right", "left")
}


class History:
    """Frames of the last `span_s`, as snapshots brought them; each frame once.

    Parameters
    ----------
    span_s : float

    Attributes
    ----------
    snapshot : Snapshot or None
        The newest.
    """

    def __init__(self, span_s: float) -> None:
        self.snapshot: Snapshot | None = None
        self._span_ns = round(span_s * 1e9)
        self._session = ""
        self._times_ns = np.zeros(0, np.int64)
        self._values = np.zeros((0, N_CHANNELS), np.float32)

    def add(self, snapshot: Snapshot) -> None:
        """Take in what is new; another session begins anew."""
        session = str(snapshot.state.get("session_id", ""))
        if session != self._session:
            self._session = session
            self._times_ns, self._values = self._times_ns[:0], self._values[:0]
        last_ns = int(self._times_ns[-1]) if len(self._times_ns) else 0
        is_new = snapshot.times_ns > last_ns
        times_ns = np.concatenate([self._times_ns, snapshot.times_ns[is_new]])
        values = np.concatenate([self._values, decode(snapshot.codes[is_new])])
        kept = times_ns > self._end_ns(snapshot, times_ns) - self._span_ns
        self._times_ns, self._values, self.snapshot = times_ns[kept], values[kept], snapshot

    @property
    def fps(self) -> float:
        """Frames with a face per second of the span that there is; 0 where there are too few to say."""
        if len(self._times_ns) < 3:
            return 0.0
        gaps_ns = np.diff(self._times_ns)
        return float(1e9 / np.median(gaps_ns))

    def movement(self, region: str, side: str, n_steps: int) -> NDArray[np.float64]:
        """How far the region's signals went from their median, the farthest of each step.

        Returns
        -------
        float64 [shape=(n_steps,)], miod
            NaN where no frame was.
        """
        return self._farthest(self._values[:, _MEMBERS[region, side]], n_steps)

    def head(self, n_steps: int) -> NDArray[np.float64]:
        """As `movement`, of yaw, pitch and roll, mrad."""
        return self._farthest(self._values[:, _HEAD], n_steps)

    def closure(self, n_steps: int) -> NDArray[np.float64]:
        """As `movement`: how far the lids were closed, 0 to 1."""
        return self._binned(self._values[:, _CLOSURE], n_steps)

    def newest(self) -> NDArray[np.float32]:
        """float32 [shape=(N_CHANNELS,)], unit by channel: the last frame's values; NaN without one."""
        return self._values[-1] if len(self._values) else np.full(N_CHANNELS, np.nan, np.float32)

    def _farthest(self, values: NDArray[np.float32], n_steps: int) -> NDArray[np.float64]:
        seen = ~np.isnan(values).all(axis=0)
        chosen = values[:, seen]
        return self._binned(np.abs(chosen - np.nanmedian(chosen, axis=0)) if len(chosen) else chosen, n_steps)

    def _binned(self, values: NDArray[np.float32], n_steps: int) -> NDArray[np.float64]:
        most = np.full(n_steps, -1.0)
        if len(values) and values.shape[1] and self.snapshot is not None:
            begin_ns = self._end_ns(self.snapshot, self._times_ns) - self._span_ns
            places = ((self._times_ns - begin_ns) * n_steps // self._span_ns).clip(0, n_steps - 1)
            np.maximum.at(most, places, np.nan_to_num(values, nan=-1.0).max(axis=1))
        return np.where(most < 0, np.nan, most)

    def _end_ns(self, snapshot: Snapshot, times_ns: NDArray[np.int64]) -> int:
        """Now; of a recording, whose frames are of another time, the newest frame's time."""
        newest_ns = int(times_ns[-1]) if len(times_ns) else 0
        if snapshot.state.get("live"):
            return max(newest_ns, int(snapshot.state.get("at_boottime_ns", 0)))
        return newest_ns
