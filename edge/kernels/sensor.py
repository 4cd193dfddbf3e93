"""What an image sensor makes of light: gain, noise that grows with light, eight bits."""

from __future__ import annotations

import numpy as np

from edge.kernels import njit

_F = np.float32


@njit(
    "void(float32[:, ::1], float32, float32, float32, float32[::1], int64[::1], uint8[:, ::1])",
    cache=True,
    nogil=True,
    fastmath=True,
)
def expose(scene, light, read_variance, variance_per_level, normals, starts, out):
    """Turn a picture in float grey levels into sensor values.

    Parameters
    ----------
    scene : float32 [shape=(height, width)], grey levels at light 1
    light : float32
        Brightness of the scene, relative.
    read_variance : float32, grey levels squared
        Noise that is there in the dark.
    variance_per_level : float32, grey levels
        Shot noise: variance = read_variance + variance_per_level * level.
    normals : float32 [shape=(n,)]
        Standard normal numbers, longer than the largest start plus the width.
    starts : int64 [shape=(height,)]
        Where in `normals` each row begins.
    out : uint8 [shape=(height, width)]
    """
    height, width = scene.shape
    for y in range(height):
        start = starts[y]
        for x in range(width):
            level = scene[y, x] * light
            variance = read_variance + variance_per_level * max(level, _F(0))
            value = level + np.sqrt(variance) * normals[start + x] + _F(0.5)
            out[y, x] = np.uint8(min(max(value, _F(0)), _F(255)))
