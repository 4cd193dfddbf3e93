"""Before a session: find the face, look closer where that is wanted, expose for it, and hold all that.

Runs on a thread of its own, which sees single frames and asks for controls; the camera's thread only copies a
frame when one is wanted, and passes controls on. Every step is looked for in the frames, since controls are
clamped, arrive late, or are ignored.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from edge.capture.picamera2_exposure import FrameMetadata
from edge.capture.picamera2_metering import (
    Exposure,
    ExposureLimits,
    FaceLight,
    face_light,
    next_exposure,
)
from edge.capture.picamera2_view import Box, FindFace, Luma, Orientation, Rectangle, crop_to_face
from edge.errors import EdgeError

log = logging.getLogger(__name__)

_N_ROUNDS = 8
_GROWN = 1.05  # a face that a closer look does not enlarge is another one, or the look did not come


@dataclass(frozen=True, slots=True)
class FramingPatience:
    """How long frames wait for a face, how often it is looked for after, how late a control may be."""

    search_s: float = 2.0
    again_s: float = 0.5
    applied_s: float = 0.7


class Look(NamedTuple):
    """One frame, copied, and how it was taken."""

    luma: Luma
    exposure: Exposure
    crop: Rectangle | None


class Viewfinder:
    """Hands single frames from the camera's thread to another, and controls the other way.

    Parameters
    ----------
    height, width : int, px
        Of the upright picture.
    """

    def __init__(self, height: int, width: int) -> None:
        self._luma = np.zeros((height, width), np.uint8)
        self._taken = FrameMetadata()
        self._wanted = False
        self._there = threading.Event()
        self._asked: deque[dict[str, Any]] = deque()
        self.closed = threading.Event()

    def show(self, luma: Luma, frame: FrameMetadata) -> None:
        """Camera's thread: a frame; copied where one is wanted."""
        if self._wanted:
            self._wanted = False
            np.copyto(self._luma, luma)
            self._taken.exposure_us, self._taken.analogue_gain = frame.exposure_us, frame.analogue_gain
            self._taken.crop = frame.crop
            self._there.set()

    def asked(self) -> dict[str, Any] | None:
        """Camera's thread: controls to pass on, or None."""
        return self._asked.popleft() if self._asked else None

    def ask(self, controls: dict[str, Any]) -> None:
        """Have these controls passed on with the next frame."""
        self._asked.append(controls)

    def look(self) -> Look | None:
        """The next frame; None where there will be none. Its luma is good until the next look."""
        self._there.clear()
        self._wanted = True
        while not self._there.wait(0.1):
            if self.closed.is_set():
                return None
        taken = self._taken
        crop = taken.crop and Rectangle(taken.crop.x, taken.crop.y, taken.crop.width, taken.crop.height)
        return Look(self._luma, Exposure(taken.exposure_us, taken.analogue_gain), crop)


class FaceFraming:
    """Points a camera at the face it sees, once.

    Parameters
    ----------
    viewfinder : Viewfinder
    find_face : callable
        Given luma, the box of the largest face or None. Called from this thread only.
    limits : ExposureLimits
    zoom : None, or orientation and sensor pixels per pixel
        Look closer at the face, as far as the sensor's mode allows.
    meters : bool
        Expose for the face.
    path : str
        Of the camera, for messages.

    Attributes
    ----------
    holds_back : bool
        Frames are not to be delivered yet.
    zoom : float
        How much closer than the sensor's mode.
    light : FaceLight or None
        The face's, as metered; None while none was.
    """

    def __init__(
        self,
        viewfinder: Viewfinder,
        find_face: FindFace,
        limits: ExposureLimits,
        zoom: tuple[Orientation, float] | None = None,
        meters: bool = True,
        path: str = "camera",
        patience: FramingPatience | None = None,
    ) -> None:
        self.viewfinder = viewfinder
        self.holds_back = True
        self.zoom = 1.0
        self.light: FaceLight | None = None
        self._find_face = find_face
        self._limits = limits
        self._zoom_wish = zoom
        self._meters = meters
        self._path = path
        self._patience = patience if patience is not None else FramingPatience()
        self._thread = threading.Thread(target=self._run, name="face framing", daemon=True)

    def start(self) -> FaceFraming:
        """Begin; returns itself."""
        self._thread.start()
        return self

    def close(self) -> None:
        """End, wherever it is."""
        self.viewfinder.closed.set()
        if self._thread.ident is not None:
            self._thread.join()

    def summary(self) -> str:
        """For the session's description of its camera."""
        zoom = f", zoom {self.zoom:.1f}" if self.zoom > 1 else ""
        metered = f"face at {self.light.level:.0f} of 255" if self.light is not None else "no face metered"
        return f"{zoom}, {metered}"

    def _run(self) -> None:
        try:
            box = self._search(self._patience.search_s)
            if box is not None and self._zoom_wish is not None:
                box = self._look_closer(box, *self._zoom_wish)
            if self._meters:
                self._meter_whoever_comes(box)
        except EdgeError as error:  # the models: whoever follows the face will say it again
            log.warning("%s: light is held for the whole picture, since %s", self._path, error)
        finally:
            self.holds_back = False

    def _meter_whoever_comes(self, box: Box | None) -> None:
        """Meter the face that was found; without one let frames go, and meter the first that comes."""
        if box is None and not self.viewfinder.closed.is_set():
            log.warning(
                "%s: no face was seen for %.1f s; light is held for the whole picture until one is",
                *(self._path, self._patience.search_s),
            )
            self.holds_back = False
            box = self._search(None)
        if box is not None:
            self._meter(box)

    def _search(self, limit_s: float | None) -> Box | None:
        """Until there is a face, or the time is up, or the camera is closed."""
        until_s = None if limit_s is None else time.monotonic() + limit_s
        while until_s is None or time.monotonic() < until_s:
            look = self.viewfinder.look()
            if look is None:
                return None
            if (box := self._find_face(look.luma)) is not None:
                return box
            if until_s is None and self.viewfinder.closed.wait(self._patience.again_s):
                return None
        return None

    def _await(self, shows: Callable[[Look], bool]) -> Look | None:
        """The first frame that shows what was asked for, or None after some time."""
        until_s = time.monotonic() + self._patience.applied_s
        while time.monotonic() < until_s:
            look = self.viewfinder.look()
            if look is None or shows(look):
                return look
        return None

    def _look_closer(self, box: Box, orientation: Orientation, sensor_px_per_pixel: float) -> Box | None:
        """Crop the sensor to the face; back to all of it where the face is not in the crop."""
        look = self.viewfinder.look()
        if look is None:
            return None
        if look.crop is None:
            return self._without_crop(box)
        seen, (height, width) = look.crop, look.luma.shape
        picture = (height, width) if orientation.on_its_side else (width, height)
        crop = crop_to_face(orientation.on_sensor(box, width, height), picture, seen, sensor_px_per_pixel)
        if crop is None:
            return box
        self.viewfinder.ask({"ScalerCrop": tuple(crop)})
        closer = self._await(lambda look: look.crop != seen)
        if closer is None or closer.crop is None:
            log.warning(
                "%s: the sensor cannot be cropped to the face; the picture stays as it is", self._path
            )
            return box
        found = self._find_face(closer.luma)
        if found is not None and found[3] - found[1] >= _GROWN * (box[3] - box[1]):
            self.zoom = seen.height / closer.crop.height
            return found
        log.warning("%s: the face is not where the crop looks; back to the whole picture", self._path)
        self.viewfinder.ask({"ScalerCrop": tuple(seen)})
        back = self._await(lambda look: look.crop == seen)
        return self._find_face(back.luma) if back is not None else None

    def _without_crop(self, box: Box) -> Box:
        log.warning("%s: the sensor cannot be cropped to the face; the picture stays as it is", self._path)
        return box

    def _meter(self, box: Box) -> None:
        """Step towards a well lit face; each step is judged by a frame that was taken with it."""
        for _ in range(_N_ROUNDS):
            look = self.viewfinder.look()
            if look is None:
                return
            box = self._find_face(look.luma) or box
            self.light = light = face_light(look.luma, box)
            wanted = next_exposure(light, look.exposure, self._limits)
            if light.is_good:
                return
            if wanted.is_like(look.exposure) or not self._apply(wanted, look.exposure):
                break
        dark = "dark" if light.level < 128 else "bright"
        log.warning(
            "%s: the face is too %s (%.0f of 255) and the camera can do no more; change the light",
            *(self._path, dark, light.level),
        )

    def _apply(self, wanted: Exposure, before: Exposure) -> bool:
        """Ask for an exposure and wait for it; what is clamped is the new limit. False where nothing came."""
        self._hold(wanted)
        if self._await(lambda look: look.exposure.shows(wanted, before)) is not None:
            return True
        look = self.viewfinder.look()
        came = look.exposure if look is not None else before
        self._hold(came)
        self._limits = self._limits.narrowed(wanted, came)
        return not came.is_like(before)

    def _hold(self, exposure: Exposure) -> None:
        self.viewfinder.ask({"ExposureTime": round(exposure.time_us), "AnalogueGain": exposure.gain})
