"""What is left of an error when there is no noise: bias against sub-pixel phase, step and distance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tracking.faces import Camera, MovedFace, find, patches_on

# rounding to grey levels is averaged away, by a little noise in template and frame
_N_SHOTS = 10


def errors_at(
    face: MovedFace, camera: Camera, shift: tuple[float, float], start: tuple[float, float]
) -> NDArray[np.float64]:
    """Mean error of every patch [shape=(n, 2)], px; looked for `start` px away from its template."""
    rest, moved = face.levels(), face.levels(*shift)
    found = [
        find(
            patches_on(camera.shoot(rest), face.points, camera.noise_levels),
            camera.shoot(moved),
            face.points + start,
        )
        for _ in range(_N_SHOTS)
    ]
    return np.mean(found, axis=0) - face.points - shift


def measure_bias(face_width_px: float, noise_levels: float = 0.5, n_phases: int = 8) -> dict[str, object]:
    """Bias over sub-pixel phase near the template, for steps to 2 px, and 15 px away from it."""
    face, camera = MovedFace(face_width_px), Camera(noise_levels)
    phases = np.arange(n_phases) / n_phases
    by_phase = np.array([errors_at(face, camera, (p, 0.0), (p, 0.0)) for p in phases])
    steps = [(0.5, -0.25), (1.0, 0.0), (-1.25, 1.25), (2.0, 0.0), (1.4, -1.4), (0.0, -1.9)]
    of_steps = np.array([errors_at(face, camera, s, (0.0, 0.0)) for s in steps])
    far = [(15.0, 0.0), (14.3, -4.6), (-10.6, 10.6), (0.25, -14.75)]
    of_far = np.array([errors_at(face, camera, s, (np.trunc(s[0]), np.trunc(s[1]))) for s in far])
    return {
        "face_width_px": face_width_px,
        "phases": phases.tolist(),
        "rms_by_phase_px": _rms(by_phase, axis=(1, 2)).tolist(),
        "mean_by_phase_px": np.nanmean(by_phase[..., 0], axis=1).tolist(),
        "worst_phase_rms_px": float(_rms(by_phase, axis=(1, 2)).max()),
        "steps": _summary(of_steps),
        "far": _summary(of_far),
    }


def _rms(errors: NDArray[np.float64], axis: tuple[int, ...] | None = None) -> NDArray[np.float64]:
    return np.sqrt(np.nanmean(errors**2, axis=axis))


def _summary(errors: NDArray[np.float64]) -> dict[str, float]:
    size = np.hypot(errors[..., 0], errors[..., 1])
    size = size[np.isfinite(size)]
    return {
        "mean_px": float(np.abs(np.nanmean(errors, axis=(0, 1))).max()),
        "rms_px": float(_rms(errors)),
        "median_px": float(np.median(size)),
        "p95_px": float(np.percentile(size, 95)),
        "lost_share": float(1 - size.size / errors[..., 0].size),
    }
