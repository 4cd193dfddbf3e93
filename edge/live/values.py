"""What the main loop says as it goes: copied into memory that is there, and only while somebody looks."""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np

from edge.anatomy import N_CHANNELS
from edge.clock import boottime_ns
from edge.health.loop import LoopVitals
from edge.indicate.indicator import State
from edge.live.snapshot import N_FRAMES_MAX, Snapshot
from edge.messages import Blink, Cue, Event, FaceFound, FaceLost, SourceInfo, Trace

_N_EVENTS = 12
# the loop would have to go on for half the ring while one snapshot is copied
_RING = 2 * N_FRAMES_MAX


class LiveValues:
    """An indicator among the others, given the traces and the events too. One thread writes, one reads.

    Parameters
    ----------
    n_points : int
        Points in every `Trace.points`.

    Attributes
    ----------
    is_wanted : bool
        Whether somebody looks; the loop hands traces over only then.
    """

    def __init__(self, n_points: int) -> None:
        self.is_wanted = False
        self._state, self._n_marks = State.OFF, 0
        self._times_ns = np.zeros(_RING, np.int64)
        self._codes = np.zeros((_RING, N_CHANNELS), np.int16)
        self._points = np.zeros((n_points, 2), np.int16)
        self._face, self._n_traces, self._since = -1, 0, 0
        self._session: dict[str, Any] = {}
        self._vitals: LoopVitals | None = None
        self._counts = {"micro": 0, "macro": 0, "blinks": 0}
        self._events: deque[dict[str, Any]] = deque(maxlen=_N_EVENTS)
        self._n_events = 0

    def add_trace(self, trace: Trace) -> None:
        """Take in one frame of a face: of several, the one that was there first."""
        if self._face < 0:
            self._face = trace.face
        if trace.face != self._face:
            return
        place = self._n_traces % _RING
        self._times_ns[place] = trace.timestamp_ns
        self._codes[place] = trace.codes
        self._points[:] = trace.points
        self._n_traces += 1

    def show(self, state: State) -> None:
        """What the indicator shows."""
        self._state = state

    def cue(self, cue: Cue) -> None:
        """Nothing: cues come as events, also those that no indicator shows."""

    def marked(self) -> None:
        """The button was understood."""
        self._n_marks += 1

    def close(self) -> None:
        """Nothing to release."""

    def begin(self, session_id: str, info: SourceInfo, vitals: LoopVitals) -> None:
        """A session begins."""
        self.forget()
        self._session = {
            "session_id": session_id,
            "source": info.description[:200],
            "fps_promised": info.fps,
            "live": info.live,
        }
        self._vitals = vitals

    def end(self) -> None:
        """It is over: of who was watched nothing stays here."""
        self._vitals = None
        self.forget()
        self._session = {}

    def forget(self) -> None:
        """Clear all values of a person; on the main loop's thread, between two sessions."""
        self._face, self._since = -1, self._n_traces
        self._times_ns[:] = 0
        self._codes[:] = 0
        self._points[:] = 0
        self._counts = dict.fromkeys(self._counts, 0)
        self._events.clear()
        self._n_events = 0

    def want(self, is_wanted: bool) -> None:
        """Somebody begins to look, or looks no more; on the reading thread."""
        if is_wanted and not self.is_wanted:
            self._since = self._n_traces  # what stood there is of another moment
        self.is_wanted = is_wanted

    def hear(self, seconds: float, event: Event) -> None:
        """Take in what was logged, with its time since the session's first frame."""
        if isinstance(event, Cue):
            self._counts[event.kind] += 1
            said: dict[str, Any] = {
                "what": event.kind,
                "duration_ms": round(event.duration_ms, 1),
                "regions": "+".join(event.regions),
                "movements": "+".join(event.movements),
                "side": event.side,
                "amplitude_miod": round(event.amplitude_miod, 2),
                "expected_false_per_hour": event.expected_false_per_hour,
                "flags": [name for name in ("during_blink", "during_speech") if getattr(event, name)],
            }
        elif isinstance(event, Blink):
            self._counts["blinks"] += 1
            said = {"what": "blink"}
        elif isinstance(event, FaceFound | FaceLost):
            said = {"what": "face found" if isinstance(event, FaceFound) else "face lost"}
            if isinstance(event, FaceLost) and event.face == self._face:
                self._face = -1
        else:
            return
        self._n_events += 1
        self._events.append({"number": self._n_events, "at_s": round(seconds, 3), **said})

    def state(self) -> dict[str, Any]:
        """What is no array: state of the indicator, session, counts, last events; times in s and ns."""
        vitals = self._vitals
        return {
            "at_boottime_ns": boottime_ns(),
            "state": self._state.value,
            **self._session,
            "n_frames": vitals.n_frames if vitals is not None else 0,
            **{f"n_{name}": n for name, n in self._counts.items()},
            "n_button_marks": self._n_marks,
            "events": list(self._events),
        }

    def snapshot(self) -> Snapshot:
        """The last frames and the state, copied; for one other thread."""
        end = self._n_traces
        n = min(end - self._since, N_FRAMES_MAX)
        places = np.arange(end - n, end) % _RING
        times_ns, codes = self._times_ns[places], self._codes[places]
        if not 0 <= self._n_traces - end < _RING - N_FRAMES_MAX:  # overtaken, or cleared meanwhile
            times_ns, codes = times_ns[:0], codes[:0]
        points = self._points.copy() if len(times_ns) else self._points[:0]
        return Snapshot(0, self.state(), times_ns, codes, points)
