"""Expose, then lock: what a Raspberry Pi camera does with its light, read from each frame's metadata.

The automatic exposure runs at most every 33 ms (libcamera, `controller_min_frame_duration_us`), so at
120 frames a second each of its steps is a jump in brightness every fourth frame, which looks like
a movement. It is left on until it has settled, then exposure, gain and white balance are held.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

_SETTLED_S, _HELD_S, _LIMIT_S = 0.25, 0.1, 2.0
_N_TRIES = 3
# sensors expose whole lines and gains come in steps: what is asked for is not what is reported
_NEAR_SHARE, _NEAR_US = 0.02, 40.0


class FrameMetadata:
    """The few values of a frame's metadata that are needed, without converting all of them to text.

    libcamera hands out a dictionary by control object; the objects are the same for every frame, so
    they are found once by their names.

    Attributes
    ----------
    timestamp_ns : int
        SensorTimestamp, CLOCK_BOOTTIME; 0 where there is none.
    exposure_us, frame_duration_us : int
    analogue_gain, digital_gain : float
    colour_gains : tuple of float or None
        None on a monochrome sensor.
    crop : libcamera Rectangle or None
        The part of the sensor that fills the picture.
    """

    __slots__ = (
        "_keys",
        "analogue_gain",
        "colour_gains",
        "crop",
        "digital_gain",
        "exposure_us",
        "frame_duration_us",
        "timestamp_ns",
    )
    _NAMES = (
        "SensorTimestamp",
        "ExposureTime",
        "AnalogueGain",
        "DigitalGain",
        "FrameDuration",
        "ColourGains",
        "ScalerCrop",
    )

    def __init__(self) -> None:
        self._keys: tuple[Any, ...] = (None,) * len(self._NAMES)
        self.timestamp_ns = self.exposure_us = self.frame_duration_us = 0
        self.analogue_gain = self.digital_gain = 0.0
        self.colour_gains: tuple[float, float] | None = None
        self.crop: Any = None

    def read(self, metadata: Mapping[Any, Any]) -> FrameMetadata:
        """Take over one frame's values; returns itself."""
        timestamp, exposure, analogue, digital, duration, colour, crop = self._keys
        if timestamp not in metadata:
            by_name = {key.name: key for key in metadata}
            self._keys = tuple(by_name.get(name) for name in self._NAMES)
            timestamp, exposure, analogue, digital, duration, colour, crop = self._keys
        self.timestamp_ns = metadata.get(timestamp, 0)
        self.exposure_us = metadata.get(exposure, 0)
        self.analogue_gain = metadata.get(analogue, 0.0)
        self.digital_gain = metadata.get(digital, 1.0)
        self.frame_duration_us = metadata.get(duration, 0)
        self.colour_gains = metadata.get(colour)
        self.crop = metadata.get(crop)
        return self


@dataclass(frozen=True, slots=True)
class Metering:
    """How many frames exposure must stand still before it is locked, and after, and at most."""

    settled_frames: int
    held_frames: int
    limit_frames: int

    @classmethod
    def at(cls, fps: float) -> Metering:
        """A quarter of a second, a tenth and two seconds."""
        return cls(*(max(2, round(fps * seconds)) for seconds in (_SETTLED_S, _HELD_S, _LIMIT_S)))


class ExposureLock:
    """Watches frames until exposure has settled, holds it, and notices when it changes all the same.

    Parameters
    ----------
    hold : callable
        Given the controls that hold exposure, gain and white balance.
    metering : Metering
    can_hold : bool
        False for a camera without exposure control: every frame passes, and nothing is verified.

    Attributes
    ----------
    held : dict
        Those controls; empty while exposure is automatic.
    verified : bool
        Whether frames came that show them.
    """

    def __init__(
        self, hold: Callable[[dict[str, Any]], None], metering: Metering, can_hold: bool = True
    ) -> None:
        self.held: dict[str, Any] = {}
        self.verified = False
        self._hold = hold
        self._metering = metering
        self._n_tries = 0
        self._n_frames = self._n_steady = 0
        self._last = (0, 0.0, 0.0)
        self._can_hold = can_hold
        self._ready = not can_hold

    def passes(self, frame: FrameMetadata) -> bool:
        """Whether this frame is exposed as all later ones will be.

        Controls take some frames to arrive, so they are looked for in the frames, and asked for
        again where they do not show. To be called from picamera2's callback only: it replaces its set
        of pending controls on that thread (`CompletedRequest.release`), and what another
        thread adds at that moment is lost.
        """
        if self._ready:
            return True
        self._note(frame)
        metering = self._metering
        if not self.held:
            if self._n_steady >= metering.settled_frames or self._n_frames >= metering.limit_frames:
                self._ask(frame)
            return False
        if self._n_steady >= metering.held_frames and self._near(frame):
            self._ready = self.verified = True
        elif self._n_frames >= max(metering.settled_frames, 4 * metering.held_frames, 8):
            if self._n_tries >= _N_TRIES:
                self._ready = True
            else:
                self._ask(frame)
        return self._ready

    def changed(self, frame: FrameMetadata) -> bool:
        """Whether exposure differs from the frame before, of frames that passed.

        Where it is no longer as held, it is asked for again, as after a camera's own restart.
        """
        is_new = self._note(frame)
        if not self._can_hold:
            return False
        if self._near(frame):
            self.verified = self.verified or self._n_steady >= self._metering.held_frames
        elif is_new and self._n_frames >= self._metering.settled_frames:
            self._ask(frame)
        return is_new

    def adjust(self, controls: dict[str, Any]) -> None:
        """Hold these too, or instead; called like `passes`."""
        self.held = {**self.held, **controls}
        self._n_frames = self._n_steady = 0
        self._hold(self.held)

    def _note(self, frame: FrameMetadata) -> bool:
        current = (frame.exposure_us, frame.analogue_gain, frame.digital_gain)
        is_new = current != self._last
        self._last = current
        self._n_steady = 1 if is_new else self._n_steady + 1
        self._n_frames += 1
        return is_new

    def _ask(self, frame: FrameMetadata) -> None:
        if not self.held:
            longest_us = frame.frame_duration_us or frame.exposure_us
            self.held = {
                "AeEnable": False,
                "ExposureTime": min(frame.exposure_us, longest_us),
                "AnalogueGain": frame.analogue_gain,
                "AwbEnable": False,
            }
            if frame.colour_gains is not None:
                self.held["ColourGains"] = frame.colour_gains
        self._n_tries += 1
        self._n_frames = self._n_steady = 0
        self._hold(self.held)

    def _near(self, frame: FrameMetadata) -> bool:
        exposure_us, gain = self.held["ExposureTime"], self.held["AnalogueGain"]
        return (
            abs(frame.exposure_us - exposure_us) <= max(_NEAR_SHARE * exposure_us, _NEAR_US)
            and abs(frame.analogue_gain - gain) <= _NEAR_SHARE * gain
        )
