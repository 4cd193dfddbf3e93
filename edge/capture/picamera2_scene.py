"""What a stand-in Raspberry Pi camera plays: a script of frames and mishaps, and what was done to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from edge.capture.picamera2_room import Room


@dataclass(frozen=True, slots=True)
class Shot:
    """A frame: its luma [shape=(height, width)], when, and the exposure if it is not the one asked for."""

    luma: NDArray[np.uint8]
    timestamp_ns: int
    exposure_us: int = 0


@dataclass(frozen=True, slots=True)
class Startup:
    """A frame that libcamera marks as not yet good; no callback sees it."""


@dataclass(frozen=True, slots=True)
class Stall:
    """Silence until the camera is started again."""


@dataclass(frozen=True, slots=True)
class Unmappable:
    """A frame whose buffer cannot be mapped."""

    timestamp_ns: int


@dataclass(frozen=True, slots=True)
class Live:
    """A frame of the scene's room, as cropped and exposed at that moment; one each millisecond."""

    timestamp_ns: int


Step: TypeAlias = Shot | Startup | Stall | Unmappable | Live


IMX219_MODES: tuple[dict[str, Any], ...] = (
    {"size": (640, 480), "bit_depth": 10, "fps": 206.65, "crop_limits": (1000, 752, 1280, 960)},
    {"size": (1640, 1232), "bit_depth": 10, "fps": 41.85, "crop_limits": (0, 0, 3280, 2464)},
    {"size": (1920, 1080), "bit_depth": 10, "fps": 47.57, "crop_limits": (680, 692, 1920, 1080)},
)


@dataclass
class Scene:
    """What one camera will play, and what was done to it.

    Parameters
    ----------
    script : iterable of steps
        Starts with the first frame that is taken under locked exposure, which is the second after it
        was asked for; until then the scene is grey while exposure settles. At its end the camera is
        silent.
    padding : int
        Bytes between rows.
    modes, missing_controls, model
        What the camera says of itself.
    room : Room, optional
        For `Live` frames; the camera sees it while metering, too.
    ignored_controls : frozenset of str
        Accepted and without effect.
    clamps : mapping of control name to (lowest, highest)
        Narrower than what the camera says of itself.
    control_delay : int, frames
        From a request to the sensor obeying it.
    refusals : mapping of method name to exceptions
        Raised by the next calls of that method, in order.

    Attributes
    ----------
    history : list of (str, tuple)
        Every call with its arguments.
    """

    script: Iterable[Step]
    padding: int = 0
    modes: Sequence[Mapping[str, Any]] = IMX219_MODES
    missing_controls: frozenset[str] = frozenset()
    model: str = "imx219"
    cameras: int = 1
    room: Room | None = None
    ignored_controls: frozenset[str] = frozenset()
    clamps: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    control_delay: int = 2
    refusals: Mapping[str, list[BaseException]] = field(default_factory=dict)
    history: list[tuple[str, tuple[Any, ...]]] = field(default_factory=list)

    def note(self, method: str, *arguments: Any) -> None:
        """Keep a call; raise what is due."""
        self.history.append((method, arguments))
        if self.refusals.get(method):
            raise self.refusals[method].pop(0)

    def calls(self, method: str) -> list[tuple[Any, ...]]:
        """The arguments of every call of a method."""
        return [arguments for name, arguments in self.history if name == method]
