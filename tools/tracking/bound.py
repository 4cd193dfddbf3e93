"""Noise of a found place against the Cramér–Rao bound of the patch's own gradients."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.kernels.patch import HALF, PATCH
from tracking.faces import Camera, MovedFace, find, patches_on

_STEP_PX = 0.05  # of the numerical derivative; the picture is a cubic spline, so 1e-3 of it is error


def cut(levels: NDArray[np.floating], place: NDArray[np.float64]) -> NDArray[np.float64]:
    """The 16 x 16 pixels nearest to a place, flat."""
    left, top = (round(float(v) - HALF) for v in place)
    return levels[top : top + PATCH, left : left + PATCH].astype(np.float64).ravel()


def bounds_px(face: MovedFace, camera: Camera, places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Least covariance of a place that any unbiased estimate from one frame can have.

    The frame is offset + gain * scene(place - d) + noise of known variance, and the scene is known.
    Fisher's information of (offset, gain, dx, dy) is the sum over pixels of the derivatives' outer
    product, over the variance; the block of its inverse that belongs to d is the bound (Robinson &
    Milanfar 2004, IEEE Transactions on Image Processing 13(9), with light as nuisance).

    Returns
    -------
    float64 [shape=(n, 2, 2)], px²
    """
    h = _STEP_PX
    levels = face.levels()
    slope_x = (face.levels(h, 0).astype(np.float64) - face.levels(-h, 0)) / (2 * h)
    slope_y = (face.levels(0, h).astype(np.float64) - face.levels(0, -h)) / (2 * h)
    bounds = np.full((len(places), 2, 2), np.nan)
    for k, place in enumerate(places):
        t = cut(levels, place)
        design = np.column_stack([np.ones(t.size), t, cut(slope_x, place), cut(slope_y, place)])
        information = design.T @ (design / camera.variance(t)[:, None])
        if np.linalg.cond(information) < 1e12:
            bounds[k] = np.linalg.inv(information)[2:, 2:]
    return bounds


def measure_noise(
    face_width_px: float, noise_levels: float, n_templates: int = 6, n_frames: int = 24, seed: int = 1
) -> dict[str, float]:
    """Spread of each patch's place over frames, and over templates, in units of its bound.

    What the frames scatter around a template's own mean is the frame noise; what those means scatter
    is the noise of the template, which stays the same from frame to frame and moves nothing. Frames
    are moved by random fractions of a pixel, as a face never stands on the grid.
    """
    face, camera = MovedFace(face_width_px), Camera(noise_levels, seed)
    bounds = bounds_px(face, camera, face.points)
    rng = np.random.default_rng(seed)
    errors = np.full((n_templates, n_frames, len(bounds), 2), np.nan)
    for i in range(n_templates):
        patches = patches_on(camera.shoot(face.levels()), face.points, noise_levels)
        for j in range(n_frames):
            shift = rng.uniform(-0.5, 0.5, 2)
            start = face.points + shift + rng.normal(scale=0.05, size=face.points.shape)
            found = find(patches, camera.shoot(face.levels(*shift)), start)
            errors[i, j] = found - face.points - shift
    kept = np.isfinite(errors).all(axis=(0, 1, 3)) & np.isfinite(bounds[:, 0, 0])
    errors, bounds = errors[:, :, kept], bounds[kept]
    least = np.sqrt(bounds[:, 0, 0] + bounds[:, 1, 1])
    own = errors.mean(axis=1)
    frame = np.sqrt(errors.var(axis=1, ddof=1).mean(axis=0).sum(axis=-1)) / least
    template = np.sqrt(own.var(axis=0, ddof=1).sum(axis=-1)) / least
    return {
        "face_width_px": face_width_px,
        "noise_levels": noise_levels,
        "n_patches": int(kept.sum()),
        "bound_median_px": float(np.median(least / np.sqrt(2))),
        "frame_median": float(np.median(frame)),
        "frame_p95": float(np.percentile(frame, 95)),
        "template_median": float(np.median(template)),
        "template_p95": float(np.percentile(template, 95)),
    }
