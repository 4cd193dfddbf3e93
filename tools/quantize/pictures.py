"""Calibration pictures: one public-domain portrait, turned into hundreds of luma crops.

Faces are moved, turned, sheared, mirrored, lit differently, blurred and made noisy, as cameras
do. One crop in nine shows no face: without those, the int8 presence is clipped at 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import av
import numpy as np
from numpy.typing import NDArray

from edge.kernels.crop import crop_luma
from edge.perceive.region import Region, crop_matrix

# in edge/synth/portrait.png, as the float models find it; a constant, so that what is built does not
# depend on what was built before
PORTRAIT_FACE = Region(centre_x_px=224.0, centre_y_px=123.0, size_px=160.0, angle_rad=0.05)
_NON_FACE_EVERY = 8


@dataclass(frozen=True)
class PictureInput:
    """A model's input: side in px, and what grey levels 0 and 255 become."""

    side_px: int
    low: float
    high: float


def face_crops(
    portrait: NDArray[np.uint8], picture: PictureInput, n_faces: int, seed: int
) -> NDArray[np.float32]:
    """Crops as the landmark model sees them, with non-faces between.

    Parameters
    ----------
    portrait : uint8 [shape=(512, 512)]

    Returns
    -------
    float32 [shape=(n_faces + n_faces // 8, side_px, side_px, 3)]
    """
    rng = np.random.default_rng(seed)
    return np.concatenate(list(_face_crops(rng, portrait, picture, n_faces)))


def _face_crops(
    rng: np.random.Generator, portrait: NDArray[np.uint8], picture: PictureInput, n_faces: int
) -> Iterator[NDArray[np.float32]]:
    for index in range(n_faces):
        moved = _moved(rng, shift=0.06, smallest=0.8, largest=1.25, turn_rad=0.25)
        yield _photographed(rng, _cut(portrait, moved, picture.side_px, rng.normal(0, 0.06, (2, 2))), picture)
        if index % _NON_FACE_EVERY == _NON_FACE_EVERY - 1:
            beside = _beside(rng)
            yield _photographed(rng, _cut(portrait, beside, picture.side_px, np.zeros((2, 2))), picture)


def scene_crops(
    portrait: NDArray[np.uint8], picture: PictureInput, n_scenes: int, seed: int
) -> NDArray[np.float32]:
    """Crops as the detector sees them: the face small or large, anywhere.

    Returns
    -------
    float32 [shape=(n_scenes, side_px, side_px, 3)]
    """
    rng = np.random.default_rng(seed)
    scenes = []
    for _ in range(n_scenes):
        moved = _moved(rng, shift=0.2, smallest=0.9, largest=4.0, turn_rad=0.2)
        scenes.append(_photographed(rng, _cut(portrait, moved, picture.side_px, np.zeros((2, 2))), picture))
    return np.concatenate(scenes)


def _moved(
    rng: np.random.Generator, shift: float, smallest: float, largest: float, turn_rad: float
) -> Region:
    face = PORTRAIT_FACE
    return Region(
        face.centre_x_px + rng.normal(0, shift) * face.size_px,
        face.centre_y_px + rng.normal(0, shift) * face.size_px,
        face.size_px * rng.uniform(smallest, largest),
        face.angle_rad + rng.normal(0, turn_rad),
    )


def _beside(rng: np.random.Generator) -> Region:
    face = PORTRAIT_FACE
    direction = rng.uniform(0, 2 * math.pi)
    return Region(
        face.centre_x_px + 1.2 * face.size_px * math.cos(direction),
        face.centre_y_px + 1.2 * face.size_px * math.sin(direction),
        face.size_px * rng.uniform(0.5, 1.5),
        face.angle_rad,
    )


def _cut(
    portrait: NDArray[np.uint8], region: Region, side_px: int, shear: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Grey levels of a crop whose map is sheared about the region's centre."""
    matrix = crop_matrix(region, side_px)
    middle = np.full(2, (side_px - 1) / 2)
    centre = matrix[:, :2] @ middle + matrix[:, 2]
    matrix[:, :2] = matrix[:, :2] @ (np.eye(2) + shear)
    matrix[:, 2] = centre - matrix[:, :2] @ middle
    out = np.empty((1, side_px, side_px, 3), np.float32)
    crop_luma(portrait, matrix, 0.0, 255.0, False, 8, out)
    return out[0, :, :, 0].astype(np.float64)


def _photographed(
    rng: np.random.Generator, levels: NDArray[np.float64], picture: PictureInput
) -> NDArray[np.float32]:
    """The crop under another light and through a worse camera; float32 [shape=(1, n, n, 3)]."""
    if rng.random() < 0.5:
        levels = levels[:, ::-1]
    gamma, gain, offset = rng.uniform(0.6, 1.6), rng.uniform(0.45, 1.35), rng.uniform(-25, 25)
    levels = 255 * (levels / 255) ** gamma * gain + offset
    if rng.random() < 0.4:
        levels = _blurred(levels, rng.uniform(0.4, 2.5))
    levels = np.clip(np.rint(levels + rng.normal(0, rng.uniform(0, 8), levels.shape)), 0, 255)
    scaled = (picture.low + (picture.high - picture.low) * levels / 255).astype(np.float32)
    return np.repeat(scaled[None, :, :, None], 3, axis=3)


def _blurred(levels: NDArray[np.float64], sigma_px: float) -> NDArray[np.float64]:
    reach = math.ceil(3 * sigma_px)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma_px) ** 2)
    kernel /= kernel.sum()
    for axis in (0, 1):
        padded = np.pad(
            levels, [(reach, reach) if axis == other else (0, 0) for other in (0, 1)], mode="edge"
        )
        levels = np.apply_along_axis(np.convolve, axis, padded, kernel, mode="valid")
    return levels


def read_luma(path: str) -> NDArray[np.uint8]:
    """A grey picture file; uint8 [shape=(height, width)]."""
    with av.open(path) as container:
        frame = next(container.decode(video=0))
        return np.ascontiguousarray(frame.reformat(format="gray").to_ndarray())
