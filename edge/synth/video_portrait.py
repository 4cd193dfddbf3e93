"""A video as portrait: planned movements added to a real face that moves by itself.

The video is read twice. The first time the landmark model finds the face in each frame; its answers,
smoothed over time without delay, carry the movement fields. The second time each frame in which
something is planned is warped; every other frame, and all of a frame outside the field, stays as it
is. There is no synthetic head pose: the head's real motion is the point.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.capture.errors import SourceEnded
from edge.capture.file import FileSource
from edge.config import PerceiveConfig
from edge.errors import EXIT_INPUT_OUTPUT, EdgeError
from edge.messages import Frame
from edge.perceive.finder import FaceFinder
from edge.synth.delivery import delivered, shown
from edge.synth.field import FaceFrame, movement_field
from edge.synth.lids import eye_box, eye_parameters
from edge.synth.motion import Script
from edge.synth.photometry import Sensor
from edge.synth.plan import Plan, PlanError
from edge.synth.scene import NODES_PER_IOD
from edge.synth.truth import TruthRow, truth_rows
from edge.synth.warper import Warper, coefficients

# the model's answer jitters by about 0.3 % of the inter-ocular distance; where a field lies need
# not be better than that, but must not shake
_SMOOTHING_S = 0.06
_READ_TIMEOUT_S = 10.0
_PLAYED = ("movement", "blink", "speech", "exposure", "drop", "duplicate")


class NoFaceInVideo(EdgeError):
    """No frame of the video shows a face."""

    exit_code = EXIT_INPUT_OUTPUT

    def __init__(self, path: str, n_frames: int) -> None:
        super().__init__(path, n_frames)
        self.path = path
        self.n_frames = n_frames

    def __str__(self) -> str:
        return (
            f"expected a face in the video {self.path} but found none in its {self.n_frames} frames;"
            " use one that shows a face from the front"
        )


class VideoPortrait:
    """A plan played on a video.

    Parameters
    ----------
    path : path
    plan : Plan
        Movements, blinks, speech, exposure, drops and duplicates; the rest is the video's.
    fps : float, Hz
        Read the video as if recorded at this rate; 0 keeps its own times.
    add_noise : bool
        Add the plan's sensor noise and flicker to what the video has.
    progress : callable, optional
        Called with the number of frames searched for the face so far.

    Attributes
    ----------
    n_frames : int
    has_face : bool [shape=(n_frames,)]
    fps : float, Hz
        Nominal rate of the video.

    Raises
    ------
    CaptureError
        The video cannot be read.
    NoFaceInVideo
    PlanError
        The plan asks for what only a drawn scene can show.
    """

    def __init__(
        self,
        path: str | Path,
        plan: Plan,
        fps: float = 0.0,
        add_noise: bool = False,
        progress: Callable[[int], None] | None = None,
    ) -> None:
        if refused := next((h for h in plan.happenings if h.event not in _PLAYED), None):
            keeps = "head motion" if refused.event in ("turn", "nod", "tilt") else "eyes and scene"
            raise PlanError(
                "plan", f"a video portrait keeps its own {keeps}, but a {refused.event} is planned"
            )
        self.path, self.plan = str(path), plan
        self._read_fps, self._add_noise = fps, add_noise
        self._script = Script(plan)
        self._sensor = Sensor(plan.settings, [h for h in plan.happenings if h.event == "exposure"])
        self._find_faces(progress)

    def _find_faces(self, progress: Callable[[int], None] | None) -> None:
        finder = FaceFinder(PerceiveConfig())
        found: list[NDArray[np.float64] | None] = []
        times_ns: list[int] = []
        for frame, rate in self._frames():
            faces = finder.find(frame.luma, frame.sequence, frame.timestamp_ns).faces
            found.append(np.asarray(faces[0].points, np.float64) if faces else None)
            times_ns.append(frame.timestamp_ns)
            self.fps = rate
            if progress is not None:
                progress(len(found))
        self.n_frames = len(found)
        self.has_face = np.array([points is not None for points in found])
        if not self.has_face.any():
            raise NoFaceInVideo(self.path, self.n_frames)
        self.times_s = (np.array(times_ns) - times_ns[0]) / 1e9
        blank = np.full((468, 3), np.nan)
        raw = np.stack([blank if points is None else points for points in found]).astype(np.float32)
        self.points = smoothed(raw, self.times_s, _SMOOTHING_S)

    def _frames(self) -> Iterator[tuple[Frame, float]]:
        source = FileSource(self.path, self._read_fps)
        try:
            while True:
                try:
                    frame = source.read(_READ_TIMEOUT_S)
                except SourceEnded:
                    return
                yield frame, source.info.fps
        finally:
            source.close()

    def delivered(self) -> NDArray[np.bool_]:
        """Which frames are not dropped by the plan [shape=(n_frames,)]."""
        return delivered(self.times_s, self.plan)

    def render(self) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        """All delivered frames in order: timestamp (ns) as in the video, and luma; borrowed."""
        keep = self.delivered()
        sources = np.nonzero(keep)[0][shown(self.times_s[keep], self.plan)]
        positions = np.cumsum(keep) - 1
        luma = np.empty((0, 0), np.uint8)
        for frame, _ in self._frames():
            if frame.sequence < self.n_frames and keep[frame.sequence]:
                if sources[positions[frame.sequence]] == frame.sequence:
                    luma = self._played(frame)
                yield frame.timestamp_ns, luma

    def truth(self) -> list[TruthRow]:
        """Movements and blinks that could be played: those with a face in each of their frames."""
        played = []
        for h in self.plan.happenings:
            within = (self.times_s >= h.onset_s) & (self.times_s <= h.offset_s)
            if within.any() and self.has_face[within].all() and h.offset_s <= self.times_s[-1]:
                played.append(h)
        return truth_rows(played, self.times_s[self.delivered()])

    def _played(self, frame: Frame) -> NDArray[np.uint8]:
        t_s = float(self.times_s[frame.sequence])
        moves = bool(np.any((self._script.moved_from_s < t_s) & (t_s < self._script.moved_to_s)))
        out = self._moved(frame, t_s) if moves and self.has_face[frame.sequence] else frame.luma
        light = self._sensor.light(t_s)
        if self._add_noise:
            exposed = np.empty_like(out)
            self._sensor.expose(out.astype(np.float32), frame.sequence, t_s, exposed)
            return exposed
        return out if light == 1.0 else np.clip(np.rint(out * light), 0, 255).astype(np.uint8)

    def _moved(self, frame: Frame, t_s: float) -> NDArray[np.uint8]:
        points = self.points[frame.sequence]
        face = FaceFrame.of(points)
        # in depth, so that a turned face is moved by as much of its own size as a frontal one
        iod_px = float(np.linalg.norm(points[263] - points[33]))
        height, width = frame.luma.shape
        step = max(3, round(face.iod_px / NODES_PER_IOD))
        shape = (height // step + 8, width // step + 8)
        rows, columns = np.mgrid[: shape[0], : shape[1]].astype(np.float64)
        x, y = (columns - 3) * step, (rows - 3) * step
        field = np.zeros((*shape, 4), np.float32)
        for (movement, side), amplitude_miod in self._script.amplitudes(t_s).items():
            unit = movement_field(face, movement, side, x, y)
            for axis in range(2):
                field[..., axis] += amplitude_miod * iod_px / 1000 * unit[axis]
        touched = np.hypot(field[..., 0], field[..., 1]) > 1e-3
        for axis in range(2):
            field[..., axis] = coefficients(field[..., axis])
        grid = np.array([-3 * step, -3 * step, step], np.float32)
        head = np.array([1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0], np.float32)
        warper = Warper(coefficients(frame.luma), np.zeros(2, np.float32), grid, shape, (height, width))
        warper.out[:] = frame.luma
        warper.solve(grid, field, head, np.array([0, 0, shape[1], shape[0]], np.int64))
        limits = np.array([width, height])
        if touched.any():
            near = np.array(
                [np.nonzero(touched.any(axis=0))[0][[0, -1]], np.nonzero(touched.any(axis=1))[0][[0, -1]]]
            )
            low, high = (near[:, 0] - 5) * step, (near[:, 1] - 1) * step
            warper.draw(np.array([*np.clip(low, 0, limits), *np.clip(high, 0, limits)], np.int64))
        for side in ("right", "left"):
            if (shut := self._script.closure(t_s, side)) > 0:
                eye = eye_parameters(face, side)
                x0, y0, x1, y1 = eye_box(eye)
                box = [*np.clip((x0 - 2, y0 - 2), 0, limits), *np.clip((x1 + 3, y1 + 3), 0, limits)]
                warper.draw_lid(np.array(box, np.int64), eye, shut)
        return np.asarray(np.clip(np.rint(warper.out), 0, 255), np.uint8)


def smoothed(
    values: NDArray[np.float32], times_s: NDArray[np.float64], sigma_s: float
) -> NDArray[np.float32]:
    """Gaussian mean over time around each frame, without delay; frames with NaN take no part.

    Parameters
    ----------
    values : float32 [shape=(n_frames, ...)]
    times_s : float64 [shape=(n_frames,)], s
        Ascending.
    sigma_s : float, s

    Returns
    -------
    float32 [shape=(n_frames, ...)]
        NaN where the frame itself is NaN.
    """
    out = np.full_like(values, np.nan)
    good: NDArray[np.bool_] = ~np.any(np.isnan(values.reshape(len(values), -1)), axis=1)
    for k in np.nonzero(good)[0]:
        first, last = np.searchsorted(times_s, [times_s[k] - 3 * sigma_s, times_s[k] + 3 * sigma_s])
        near = np.arange(first, max(last, k + 1))[good[first : max(last, k + 1)]]
        # as far before as after, so that the mean at an end does not lag behind a moving face
        reach = min(times_s[k] - times_s[near[0]], times_s[near[-1]] - times_s[k]) + 1e-9
        near = near[np.abs(times_s[near] - times_s[k]) <= reach]
        weight = np.exp(-0.5 * ((times_s[near] - times_s[k]) / sigma_s) ** 2)
        out[k] = np.tensordot(weight / weight.sum(), values[near], axes=1)
    return out
