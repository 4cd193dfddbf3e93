"""What Argus, the camera service of a Jetson, says while a pipeline starts: the sensor's modes, and refusals.

`nvarguscamerasrc` prints both as text for people, on standard output, in lines such as
"GST_ARGUS: 1280 x 720 FR = 120.000005 fps Duration = 8333333 ; ..."; in some locales with a decimal
comma (JetsonHacksNano/CSI-Camera issue 13, LI-AR0234CS-STEREO-GMSL2 issue 4). Not run on a Jetson.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_MODE = re.compile(r"GST_ARGUS:\s*(\d+)\s*x\s*(\d+)\s+FR\s*=\s*(\d+[.,]?\d*)\s*fps")
_CHOSEN = re.compile(r"Camera mode\s*=\s*(\d+)")
# "Invalid Exposure Time Range Input": what was asked for is not done, and exposure is left to itself
_REFUSED = re.compile(r"GST_ARGUS:\s*(Invalid .*)")


@dataclass(frozen=True, slots=True)
class ArgusMode:
    """One way to read a sensor out: its size in px, and the highest rate there in Hz."""

    width: int
    height: int
    fps: float


def modes_in(text: str) -> list[ArgusMode]:
    """The sensor's modes, in Argus's own order, by which `sensor-mode=` counts them."""
    return [
        ArgusMode(int(width), int(height), float(fps.replace(",", ".")))
        for width, height, fps in _MODE.findall(text)
    ]


def chosen_in(text: str) -> ArgusMode | None:
    """The mode that Argus runs; None where it does not say."""
    modes, said = modes_in(text), _CHOSEN.findall(text)
    return modes[int(said[-1])] if said and int(said[-1]) < len(modes) else None


def refusals_in(text: str) -> list[str]:
    """Settings of the pipeline that Argus does not carry out, in its words, each once."""
    return list(dict.fromkeys(words.strip() for words in _REFUSED.findall(text)))
