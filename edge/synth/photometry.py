"""Light and sensor of the scene: exposure steps, lamps on the mains, noise."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edge.kernels.sensor import expose
from edge.synth.plan import Happening, SceneSettings

_N_NORMALS = 1 << 18
# a quarter of the variance at mid grey is read noise, the rest grows with the light
_READ_SHARE = 0.25
_MID_GREY = 128.0


class Sensor:
    """Turns the scene's light into frames; each frame's noise depends on seed and index alone."""

    def __init__(self, settings: SceneSettings, exposures: Sequence[Happening] = ()) -> None:
        self._settings = settings
        self._exposures = tuple(exposures)
        variance = settings.noise_levels**2
        self._read_variance = np.float32(_READ_SHARE * variance)
        self._variance_per_level = np.float32((1 - _READ_SHARE) * variance / _MID_GREY)
        self._normals = np.random.default_rng([settings.seed, 11]).standard_normal(_N_NORMALS, np.float32)

    def light(self, t_s: float) -> float:
        """Relative brightness at a time."""
        light = 1.0
        for step in self._exposures:
            if step.onset_s <= t_s < step.offset_s:
                light *= 1.0 + step.amplitude
        # lamps light up twice in each period of the mains
        wave = math.sin(2 * math.pi * 2 * self._settings.mains_hz * t_s)
        return light * (1.0 + self._settings.flicker_depth * wave)

    def expose(self, scene: NDArray[np.float32], frame: int, t_s: float, out: NDArray[np.uint8]) -> None:
        """Write one frame.

        Parameters
        ----------
        scene : float32 [shape=(height, width)], grey levels at light 1
        frame : int
            Index at the nominal rate: seeds the noise.
        t_s : float, s
        out : uint8 [shape=(height, width)]
        """
        height, width = scene.shape
        rng = np.random.default_rng([self._settings.seed, 13, frame])
        starts = rng.integers(0, _N_NORMALS - width, height)
        light = np.float32(self.light(t_s))
        expose(scene, light, self._read_variance, self._variance_per_level, self._normals, starts, out)
