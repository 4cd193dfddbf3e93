"""The page's look at a run that goes on: one reader for all browsers, closed when none asks any more."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from edge.clock import boottime_ns
from edge.health.state_file import read_state
from edge.live.errors import NothingToSee
from edge.live.file import LiveReader
from edge.live.snapshot import Snapshot
from edge.record.lock import is_held
from edge.review.replay import packed

_IDLE_S = 4.0
_SILENT_NS = 3_000_000_000
_HEALTH = (
    *("temperature_c", "headroom_c", "throttled", "undervoltage", "disk_free_mb", "relief"),
    *("n_missing", "n_lost", "n_left_out", "fault"),
)


class Viewer:
    """Reads what a run shows; while nobody asks it does not look, so that the run writes nothing.

    Parameters
    ----------
    data_dir : Path
    """

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._reader: LiveReader | None = None
        self._closing: asyncio.TimerHandle | None = None

    def look(self, after_us: int) -> dict[str, Any]:
        """What is new since a frame's time; on the server's event loop, which closes the reader later.

        Parameters
        ----------
        after_us : int
            Sensor time of the newest frame that is known; 0 for none.

        Returns
        -------
        dict
            For JSON: `is_running`, and where it is true the run's state, `health`, and of the frames after it
            `times_us`, `codes` and the newest `points`, both little-endian int16 as base64.
        """
        snapshot = self._snapshot()
        if snapshot is None:
            return {"is_running": is_held(self._data_dir), "state": None}
        after = snapshot.times_ns // 1000 > after_us
        age_ns = boottime_ns() - int(snapshot.state.get("at_boottime_ns", 0))
        return {
            "is_running": True,
            **snapshot.state,
            "silent_s": round(age_ns / 1e9, 1) if age_ns > _SILENT_NS else 0,
            "health": self._health(),
            "times_us": (snapshot.times_ns[after] // 1000).tolist(),
            "codes": packed(snapshot.codes[after]),
            "points": packed(snapshot.points),
        }

    def close(self) -> None:
        """Look no more. Safe to call twice."""
        if self._closing is not None:
            self._closing.cancel()
            self._closing = None
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def state(self) -> str | None:
        """What the run's light says; None where no run shows itself."""
        snapshot = self._snapshot()
        return str(snapshot.state["state"]) if snapshot is not None else None

    def _snapshot(self) -> Snapshot | None:
        if self._closing is not None:
            self._closing.cancel()
        self._closing = asyncio.get_running_loop().call_later(_IDLE_S, self.close)
        if self._reader is not None and self._reader.has_ended:
            self._reader.close()
            self._reader = None
        if self._reader is None:
            try:
                self._reader = LiveReader(self._data_dir)
            except NothingToSee:
                return None
        return self._reader.read()

    def _health(self) -> dict[str, Any]:
        state = read_state(self._data_dir) or {}
        return {name: state[name] for name in _HEALTH if state.get(name) is not None}
