"""What the stages hand to each other, from frame to cue. Data only.

Arrays inside `Frame` and `Trace` are borrowed: they are valid until the next `read` or
`follow`, and whoever needs them longer copies them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Kind = Literal["micro", "macro"]
Side = Literal["left", "right", "both"]
Lighting = Literal["ok", "low", "flicker", "changing"]


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture, luma only.

    Attributes
    ----------
    sequence : int
        Frames delivered before this one in the session; counts from 0.
    timestamp_ns : int
        Sensor time (CLOCK_BOOTTIME), or media time where a file is read.
    luma : uint8 [shape=(height, width)], C-contiguous, borrowed
    """

    sequence: int
    timestamp_ns: int
    luma: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What a source delivers: for the session row and for people.

    `fps` is the nominal rate, 0 where it is unknown; `timestamps` says where they come from:
    "sensor", "media" (a file), "stated" (a file read as if recorded at `--fps`), "pipeline" (what
    GStreamer stamped) or "arrival".
    `duration_s` is how long the source will be, 0 where nobody knows.
    """

    description: str
    width: int
    height: int
    fps: float
    timestamps: str
    live: bool
    duration_s: float = 0.0


@dataclass(frozen=True, slots=True)
class FaceLandmarks:
    """The landmark model's answer for one face.

    Attributes
    ----------
    points : float32 [shape=(468, 3)], px
        x, y in the picture; z in the same unit, negative towards the camera, 0 about the
        middle of the head.
    presence : float in [0, 1]
    """

    face: int
    points: NDArray[np.float32]
    presence: float


@dataclass(frozen=True, slots=True)
class KeyFrameAnswer:
    """All faces found on one key frame; it arrives some frames after it. May be empty."""

    sequence: int
    timestamp_ns: int
    faces: tuple[FaceLandmarks, ...]


@dataclass(frozen=True, slots=True)
class Trace:
    """What one frame says about one face, after the head's own motion is taken away.

    Attributes
    ----------
    codes : int16 [shape=(N_CHANNELS,)], borrowed
        See `anatomy.CHANNEL_NAMES` and `anatomy.CHANNEL_QUANTA`; `anatomy.LOST` where lost.
    points : int16 [shape=(n_points, 2)], tenths of a miod, borrowed
        Tracked points in the upright, still face; `anatomy.LOST` where lost.
    """

    face: int
    sequence: int
    timestamp_ns: int
    codes: NDArray[np.int16]
    points: NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Gap:
    """Frames that the sensor made and nobody received, before frame `sequence`."""

    sequence: int
    timestamp_ns: int
    n_missing: int


@dataclass(frozen=True, slots=True)
class FrameConditions:
    """What the frames around a cue were like, from 0.1 s before its onset to 0.1 s after its offset.

    Attributes
    ----------
    n_repeated : int
        Frames with exactly the pixels of the one before.
    jitter_ms : float
        Root mean square deviation of single-frame intervals from the sensor's.
    n_exposure_changes : int
        Changes of a locked exposure that the source reported.
    light_level : float, grey levels (0-255)
        Mean of the whole picture.
    light_step_percent : float
        Largest change of that from one frame to the next.
    flicker_hz : float or None
        Where lamps' flicker beat with the frame rate at that time; None where no flicker was seen.
    """

    n_repeated: int
    jitter_ms: float
    n_exposure_changes: int
    light_level: float
    light_step_percent: float
    flicker_hz: float | None


@dataclass(frozen=True, slots=True)
class FrameReport:
    """What the frames of some seconds were like, `timestamp_ns` being the last one's.

    Attributes
    ----------
    span_ns : int
        Since the report before, or one interval before the first frame.
    n_frames, n_missing, n_repeated : int
        Received; missing by the timestamps; with exactly the pixels of the one before.
    n_lost, n_corrupt, n_restarts, n_exposure_changes : int
        What the source counted meanwhile.
    n_light_steps : int
        Frames whose light differs from the one before by more than 2 %.
    jitter_ms : float
        Root mean square deviation of single-frame intervals from the sensor's.
    light_level : float, grey levels (0-255)
        Mean of the whole picture.
    lamp_hz, flicker_hz : float or None
        A lamp's flicker (100 or 120 Hz), and where it shows at this frame rate; None where none was seen.
    """

    timestamp_ns: int
    span_ns: int
    n_frames: int
    n_missing: int
    n_repeated: int
    n_lost: int
    n_corrupt: int
    n_restarts: int
    n_exposure_changes: int
    n_light_steps: int
    jitter_ms: float
    light_level: float
    lamp_hz: float | None
    flicker_hz: float | None

    @property
    def fps(self) -> float:
        """Frames received per second."""
        return self.n_frames * 1e9 / self.span_ns if self.span_ns else 0.0


@dataclass(frozen=True, slots=True)
class Cue:
    """One candidate cue: something moved, briefly. Times are sensor nanoseconds.

    `related_onset_ns` is the onset of an earlier decided cue that this one followed, preceded or
    overlapped in the same region, within `spot.spotter.RELATED_NS`: a movement there and back
    twice, or a brief one that runs into a lasting one. None where there is no such cue. `frames` is
    added where the cue is logged, by whoever saw them.
    """

    face: int
    kind: Kind
    onset_ns: int
    apex_ns: int
    offset_ns: int
    onset_frame: int
    apex_frame: int
    offset_frame: int
    duration_error_ms: float
    regions: tuple[str, ...]
    movements: tuple[str, ...]
    side: Side
    amplitude_miod: float
    score: float
    expected_false_per_hour: float
    head_motion_miod_s: float
    fps: float
    dropped_frames: int
    during_blink: bool
    during_speech: bool
    lighting: Lighting
    related_onset_ns: int | None = None
    frames: FrameConditions | None = field(default=None, compare=False)  # not what the cue is

    @property
    def duration_ms(self) -> float:
        """Onset to offset, ms."""
        return (self.offset_ns - self.onset_ns) / 1e6

    @property
    def fast_onset(self) -> bool:
        """Onset to apex within 260 ms: the definition by onset (Yan et al. 2013)."""
        return self.apex_ns - self.onset_ns <= 260_000_000

    @property
    def duration_band(self) -> str:
        """Which published duration limits the cue meets."""
        for limit_ms, name in ((67.0, "<=67 ms"), (200.0, "67-200 ms"), (500.0, "200-500 ms")):
            if self.duration_ms <= limit_ms:
                return name
        return "0.5-4 s"


@dataclass(frozen=True, slots=True)
class Blink:
    """Both eyes, or one, closed and opened again."""

    face: int
    onset_ns: int
    apex_ns: int
    offset_ns: int
    side: Side


@dataclass(frozen=True, slots=True)
class FaceFound:
    """A face is being followed from this frame on."""

    face: int
    sequence: int
    timestamp_ns: int


@dataclass(frozen=True, slots=True)
class FaceLost:
    """A face that was being followed is gone."""

    face: int
    sequence: int
    timestamp_ns: int


@dataclass(frozen=True, slots=True)
class Mark:
    """A note in time, set by a person."""

    timestamp_ns: int
    text: str


Event: TypeAlias = Cue | Blink | Gap | FaceFound | FaceLost | Mark | FrameReport


@dataclass(slots=True)
class SessionInfo:
    """What is known of a session before its first frame."""

    source: SourceInfo
    participant: str = ""
    software_version: str = ""
    models: dict[str, str] = field(default_factory=dict)
    settings: dict[str, object] = field(default_factory=dict)
