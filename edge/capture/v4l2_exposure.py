"""Expose, then lock: what a USB camera does with its light, through the kernel's controls.

Automatic exposure changes the picture's light in steps, which look like movements; and where it may lower
the frame rate, it does so in a dim room. It is left on until the picture's light stands still, then exposure,
gain, white balance and focus are held. Cheap cameras report an exposure that they do not use: where
the picture is not as bright under the held one, exposure and gain are set by the picture itself.
"""

from __future__ import annotations

import contextlib
import statistics
from collections import deque
from collections.abc import Callable

from edge.capture.v4l2_device import ControlRange, VideoDevice

_MANUAL, _AUTOMATIC = 1, (3, 0)  # V4L2_EXPOSURE_MANUAL; _APERTURE_PRIORITY, which UVC has, or _AUTO
_START_S, _SETTLED_S, _LIMIT_S = 0.2, 0.25, 2.0
_STEADY_SHARE, _STEADY_LEVELS = 0.01, 0.5
_ARRIVES_FRAMES = 6  # from setting a control to a frame that shows it; three to five were seen on UVC cameras
_NEAR_SHARE = 0.1
_N_CORRECTIONS = 5
_UNIT_S = 1e-4  # of exposure_time_absolute
# what another program may switch on again; uvcvideo answers for these from memory, without asking the camera
_SWITCHES = ("auto_exposure", "gain_automatic", "white_balance_automatic", "exposure_dynamic_framerate")
_LOCKED_OFF = ("gain_automatic", "white_balance_automatic", "focus_automatic_continuous")
_KEPT = ("gain", "white_balance_temperature")


class LightLock:
    """Holds a camera's exposure.

    Parameters
    ----------
    device : VideoDevice
        Streaming.
    fps : float, Hz
        As granted; no exposure may be longer than a frame. 0 where it is not known.
    mains_hz : int
        50 or 60 where lamps flicker with it; 0 where that is not known.

    Attributes
    ----------
    held : dict
        Controls and their values; empty where the camera has none to hold.
    refused : set of str
        Controls that the camera has, and did not let be set.
    """

    def __init__(self, device: VideoDevice, fps: float, mains_hz: int) -> None:
        self._device, self._fps, self._mains_hz = device, fps, mains_hz
        self._ranges = dict(device.controls())
        self.held: dict[str, int] = {}
        self.refused: set[str] = set()

    def meter(self, next_level: Callable[[], float]) -> None:
        """Let the automatic settle, then hold what it came to.

        Parameters
        ----------
        next_level : callable
            Takes the next frame and gives the mean of its luma.
        """
        if not self._ranges.keys() & {"auto_exposure", "exposure_time_absolute", *_LOCKED_OFF, *_KEPT}:
            self._steady_the_rate()
            return
        self._steady_the_rate()
        for value in _AUTOMATIC:
            if self._set("auto_exposure", value):
                break
        self.refused.discard("auto_exposure")
        for name in _LOCKED_OFF:
            self._set(name, 1)
        wanted_level = self._settled(next_level)
        self._hold_what_is()
        self.hold(self._device)
        self._correct(next_level, wanted_level)

    def bring_to(self, next_level: Callable[[], float], level: float) -> None:
        """Change what is held until frames are that bright; nothing where exposure is not held."""
        if "exposure_time_absolute" in self.held:
            self._correct(next_level, level)

    def hold(self, device: VideoDevice) -> None:
        """Set all that is held, on this camera or on the same one plugged in again."""
        self._device = device
        for name, value in self.held.items():
            self._set(name, value)

    def has_drifted(self) -> bool:
        """Whether another program has switched an automatic on again; costs no word to the camera."""
        for name in _SWITCHES:
            if name in self.held and name not in self.refused:
                with contextlib.suppress(OSError):
                    if self._device.get_control(name) != self.held[name]:
                        return True
        return False

    def text(self) -> str:
        """What is held, for people."""
        exposure = self.held.get("exposure_time_absolute")
        if exposure is None or "exposure_time_absolute" in self.refused or "auto_exposure" in self.refused:
            return "exposure as the camera has it"
        gain = f", gain {self.held['gain']}" if "gain" in self.held else ""
        return f"exposure held at {exposure * _UNIT_S * 1e3:.1f} ms{gain}"

    def _steady_the_rate(self) -> None:
        """No exposure that lowers the rate, and no anti-flicker whose half period of the mains is longer."""
        self._set("exposure_dynamic_framerate", 0)
        self._set("backlight_compensation", 0)
        half_period_fits = bool(self._mains_hz) and self._fps <= 2 * self._mains_hz
        if half_period_fits:
            self._set("power_line_frequency", 1 if self._mains_hz == 50 else 2)
        elif self._mains_hz or self._fps > 100:
            self._set("power_line_frequency", 0)

    def _settled(self, next_level: Callable[[], float]) -> float:
        """The level at which the picture comes to rest, or has come to after two seconds."""
        fps = self._fps or 30.0
        levels: deque[float] = deque(maxlen=max(3, round(_SETTLED_S * fps)))
        for k in range(max(8, round(_LIMIT_S * fps))):
            levels.append(next_level())
            steady = max(levels) - min(levels) <= max(_STEADY_SHARE * levels[-1], _STEADY_LEVELS)
            if k > _START_S * fps and len(levels) == levels.maxlen and steady:
                break
        return statistics.fmean(levels)

    def _hold_what_is(self) -> None:
        held: dict[str, int] = {"auto_exposure": _MANUAL} if "auto_exposure" in self._ranges else {}
        if "exposure_time_absolute" in self._ranges:
            with contextlib.suppress(OSError):
                held["exposure_time_absolute"] = self._exposure(
                    self._device.get_control("exposure_time_absolute")
                )
        held |= {name: 0 for name in _LOCKED_OFF if name in self._ranges}
        for name in _KEPT:
            if name in self._ranges:
                with contextlib.suppress(OSError):
                    held[name] = self._device.get_control(name)
        if "exposure_dynamic_framerate" in self._ranges:
            held["exposure_dynamic_framerate"] = 0
        self.held = held

    def _exposure(self, units: float) -> int:
        """An exposure that the camera allows and a frame has time for."""
        longest = 1 / (self._fps * _UNIT_S) if self._fps else float("inf")
        return self._ranges["exposure_time_absolute"].nearest(min(units, longest))

    def _correct(self, next_level: Callable[[], float], wanted_level: float) -> None:
        """Bring the picture back to its brightness: first by exposure, then by gain."""
        for _ in range(_N_CORRECTIONS):
            for _ in range(_ARRIVES_FRAMES):
                next_level()
            level = statistics.fmean(next_level() for _ in range(4))
            ratio = max(wanted_level, 1.0) / max(level, 1.0)
            if abs(ratio - 1) <= _NEAR_SHARE or not (
                self._change("exposure_time_absolute", ratio) or self._change("gain", ratio)
            ):
                return

    def _change(self, name: str, ratio: float) -> bool:
        """Multiply a held value; False where that changes nothing."""
        if name not in self.held or name in self.refused:
            return False
        before = self.held[name]
        if name == "gain":
            # its scale is the maker's own, and may begin at zero
            room: ControlRange = self._ranges[name]
            wanted = room.nearest((before + 0.05 * room.maximum) * ratio - 0.05 * room.maximum)
        else:
            wanted = self._exposure(before * ratio)
        if wanted == before or not self._set(name, wanted):
            return False
        self.held[name] = wanted
        return True

    def _set(self, name: str, value: int) -> bool:
        if name not in self._ranges:
            return False
        try:
            self._device.set_control(name, value)
        except OSError:
            self.refused.add(name)
            return False
        self.refused.discard(name)
        return True
