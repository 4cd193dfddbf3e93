"""A session whose pictures nobody can mistake: a drawn face before noise that no coder can make smaller."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from edge.capture.scripted import ScriptedSource
from edge.config import Config, with_overrides
from edge.messages import Frame, SourceInfo
from edge.synth.plan import SceneSettings, parse_plan
from edge.synth.portrait import built_in_portrait
from edge.synth.scene import Scene

# one movement and one blink, so that everything a session can store is stored
_PLAN = """\
event,onset_s,duration_s,rise_fraction,hold_fraction,movement,side,amplitude
movement,4,0.3,0.5,0,inner_brow_raise,both,80
blink,5.2,0.2,,,,both,1
"""
_SCENE = SceneSettings(fps=30.0, width=512, height=512, face_width_px=250.0, noise_levels=4.0)
_HEIGHT_PX, _WIDTH_PX = 960, 1280
_LEFT_PX, _TOP_PX = 384, 224
_LEARNING_S = 2.0
_LOOK_EVERY_FRAMES = 30
_KEPT_EVERY_FRAMES = 15


class Canary:
    """Pictures of a face that moves once and blinks once, made anew with other noise each time.

    Attributes
    ----------
    pictures : list of uint8 [shape=(height, width)]
        Copies of some that were shown.
    n_noise_bytes : int
        Of one picture: bytes that are independent of each other and of everything else. Whatever holds
        one picture whole, in any coding, is at least as large.
    """

    def __init__(self) -> None:
        self.pictures: list[NDArray[np.uint8]] = []
        self._plan = parse_plan(_PLAN, "the canary's plan", _SCENE)
        noise = np.random.default_rng().integers(0, 256, (_HEIGHT_PX, _WIDTH_PX), np.uint8)
        self._picture = noise
        self.n_noise_bytes = noise.size - _SCENE.width * _SCENE.height

    def source(self, look: Callable[[], None]) -> ScriptedSource:
        """The session's camera; `look` is called while it runs, once a second of its own time."""
        info = SourceInfo("canary", _WIDTH_PX, _HEIGHT_PX, _SCENE.fps, "sensor", live=False)
        return ScriptedSource(self._frames(look), info)

    def _frames(self, look: Callable[[], None]) -> Iterator[Frame]:
        scene = Scene(self._plan, built_in_portrait())
        for sequence, (timestamp_ns, face) in enumerate(scene.render()):
            rows = slice(_TOP_PX, _TOP_PX + _SCENE.height)
            self._picture[rows, _LEFT_PX : _LEFT_PX + _SCENE.width] = face
            if sequence % _KEPT_EVERY_FRAMES == 0:
                self.pictures.append(self._picture.copy())
            if sequence % _LOOK_EVERY_FRAMES == _LOOK_EVERY_FRAMES - 1:
                look()
            yield Frame(sequence, timestamp_ns, self._picture)


def canary_settings(config: Config) -> Config:
    """The settings in use, with nobody's code, no light, and all that can be stored stored."""
    return with_overrides(
        config,
        {
            "indicate": {"led": "none"},
            "session": {"mode": "person", "participant": "", "consent_required": False, "button": ""},
            "spot": {"learning_s": _LEARNING_S},
            "record": {"signals": True, "traces": True},
        },
    )
