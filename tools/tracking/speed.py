"""Cost of following patches, as ratios against OpenCV's Lucas–Kanade in the same run."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from edge.track.patches import FOLLOWED, PatchSet
from tracking.faces import Camera, MovedFace, patches_on

# what ends an iteration, in both: this many, or a step this short
_N_ITERATIONS, _STOP_PX = 8, 0.12
_N_PAIRS, _N_CALLS = 40, 10
_PREDICTION_PX = 0.05  # how far off the place is that a frame starts from


def cpu_ns(call: Callable[[], object]) -> float:
    """CPU time of one call, mean over a few."""
    began = time.process_time_ns()
    for _ in range(_N_CALLS):
        call()
    return (time.process_time_ns() - began) / _N_CALLS


def interleaved(ours: Callable[[], object], theirs: Callable[[], object]) -> dict[str, float]:
    """How many times as long theirs takes: median and quartiles of the ratio over pairs of runs."""
    ours(), theirs()
    ratios = np.array([cpu_ns(theirs) / cpu_ns(ours) for _ in range(_N_PAIRS)])
    low, middle, high = np.percentile(ratios, [25, 50, 75])
    return {"ratio": float(middle), "quartile_low": float(low), "quartile_high": float(high)}


class Case:
    """One pair of frames with points on it, for both trackers."""

    def __init__(self, face_width_px: float = 200.0, width: int = 640, height: int = 480, n_faces: int = 1):
        face, camera = MovedFace(face_width_px, width, height), Camera(2.0)
        self.before, self.after = camera.shoot(face.levels()), camera.shoot(face.levels(0.3, -0.2))
        first = patches_on(self.before, face.points)
        sound = first.state == FOLLOWED
        self.points = face.points[sound]
        rng = np.random.default_rng(4)
        self.start = (
            face.points + np.array([0.3, -0.2]) + rng.normal(scale=_PREDICTION_PX, size=face.points.shape)
        )
        self._faces = [first] + [patches_on(self.before, face.points) for _ in range(n_faces - 1)]
        self._begin = self.start[sound].astype(np.float32).reshape(-1, 1, 2)
        self._from = self.points.astype(np.float32).reshape(-1, 1, 2)

    def ours(self, shift_px: float = 0.0, n_points: int | None = None) -> Callable[[], None]:
        """Follow, starting `shift_px` further off; only the first points where asked."""

        def follow(patches: PatchSet) -> None:
            patches.position[:] = self.start
            patches.position[:, 0] += shift_px
            patches.follow(self.after, 1e3)

        if n_points is not None:
            for patches in self._faces:
                patches.state[n_points:] = 0
        return lambda: [follow(patches) for patches in self._faces] and None

    def theirs(self, max_level: int, n_times: int = 1) -> Callable[[], object]:
        """calcOpticalFlowPyrLK on the same points, window, stop criteria and first guess; one thread."""
        import cv2

        cv2.setNumThreads(1)
        stop = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, _N_ITERATIONS, _STOP_PX)
        points, begin = np.tile(self._from, (n_times, 1, 1)), np.tile(self._begin, (n_times, 1, 1))
        return lambda: cv2.calcOpticalFlowPyrLK(
            self.before,
            self.after,
            points,
            begin.copy(),
            winSize=(16, 16),
            maxLevel=max_level,
            criteria=stop,
            flags=cv2.OPTFLOW_USE_INITIAL_FLOW,
        )


def against_opencv() -> list[dict[str, object]]:
    """Ratios as it is called, and of the cost of one more point, which leaves out what is per picture.

    OpenCV builds pyramid and derivatives of the whole picture in each call, and its Python interface takes
    none that were built beforehand. Its cost per point is therefore the slope between n and 5 n points.
    """
    rows: list[dict[str, object]] = []
    case = Case()
    for name, level in (("no pyramid", 0), ("3 levels", 3)):
        rows.append({"against": name, "what": "whole call", **interleaved(case.ours(), case.theirs(level))})
        more, few, ours = case.theirs(level, 5), case.theirs(level), case.ours()
        ratios = [(cpu_ns(more) - cpu_ns(few)) / 4 / cpu_ns(ours) for _ in range(_N_PAIRS)]
        low, middle, high = (float(v) for v in np.percentile(ratios, [25, 50, 75]))
        row = {"ratio": middle, "quartile_low": low, "quartile_high": high}
        rows.append({"against": name, "what": "pictures prepared", **row})
    return rows


def cost_table() -> list[dict[str, object]]:
    """Our cost against what varies, each as a ratio to the plain case run between."""
    plain = Case()
    cases: dict[str, Callable[[], object]] = {
        "half the points": Case().ours(n_points=len(plain.start) // 2),
        "2 faces": Case(n_faces=2).ours(),
        "4 faces": Case(n_faces=4).ours(),
        "picture 320 x 240": Case(width=320, height=240).ours(),
        "picture 1920 x 1080": Case(width=1920, height=1080).ours(),
        "start 0.25 px further off": plain.ours(0.25),
        "start 0.5 px further off": plain.ours(0.5),
        "start 1 px further off": plain.ours(1.0),
        "start 2 px further off": plain.ours(2.0),
    }
    reference = plain.ours()
    return [{"case": name, **interleaved(reference, call)} for name, call in cases.items()]


def n_iterations_used(case: Case, shift_px: float) -> float:
    """Mean number of samplings a patch takes: the fewest that give the same answer as eight."""
    from edge.kernels.patch import follow_patches

    patches = case._faces[0]

    def found(n: int) -> NDArray[np.float64]:
        patches.position[:] = case.start
        patches.position[:, 0] += shift_px
        follow_patches(
            case.after,
            patches._basis,
            patches._projector,
            patches._blur,
            patches._level,
            patches.state,
            n,
            1e3,
            patches.position,
            patches.correlation,
            patches.variance,
        )
        return patches.position.copy()

    answers = np.array([found(n) for n in range(1, _N_ITERATIONS + 1)])
    same = np.all(answers == answers[-1], axis=2)
    return float(np.mean(np.argmax(same, axis=0) + 1))
