"""A photograph brought to life: one frame at any time, and the truth about what moved.

Order of things, as in front of a real camera: the skin moves (movement fields), lids close, the
head turns and sways in perspective, glasses and hands come before it, light falls, the sensor adds
its noise.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from edge.kernels.warp import forward_points
from edge.synth.delivery import delivered, shown
from edge.synth.field import FaceFrame, movement_field
from edge.synth.gaze import iris_parameters, lid_follows
from edge.synth.glasses import Glasses
from edge.synth.hand import Hand, skin_level
from edge.synth.leaving import Backdrop
from edge.synth.lids import eye_box, eye_parameters
from edge.synth.motion import Knock, Script, Sway, profile
from edge.synth.photometry import Sensor
from edge.synth.plan import Happening, Plan
from edge.synth.portrait import Portrait, depth_surface, head_share, place_portrait
from edge.synth.pose import CAMERA_DISTANCE_IOD, PIVOT_DEPTH_IOD, Camera, HeadPose
from edge.synth.truth import TruthRow, truth_rows
from edge.synth.warper import Warper, coefficients

# nodes every 1/19 of the inter-ocular distance hold a Gaussian of 0.05 to within 0.01 of its
# height, and the widest movements to 1e-5
NODES_PER_IOD = 19


class Scene:
    """One planned clip of one portrait.

    Parameters
    ----------
    plan : Plan
    portrait : Portrait
    distance_iod : float
        How far the camera stands, in the distance between the outer eye corners.

    Attributes
    ----------
    n_open_nodes : int
        Most nodes of any frame so far at which the map folds, so that the truth is not exact there;
        0 within the turns that a plan allows.
    """

    def __init__(self, plan: Plan, portrait: Portrait, distance_iod: float = CAMERA_DISTANCE_IOD) -> None:
        self.plan = plan
        self.settings = settings = plan.settings
        canvas = place_portrait(portrait, settings.width, settings.height, settings.face_width_px)
        self.canvas = canvas
        self.face = FaceFrame.of(canvas.points)
        self.iod_px = self.face.iod_px
        self.camera = Camera(
            settings.width / 2,
            settings.height / 2,
            distance_iod * self.iod_px,
            PIVOT_DEPTH_IOD * self.iod_px,
        )
        self._lay_grid()
        self._still = self._still_field()
        self._fields: dict[tuple[str, str], NDArray[np.float32]] = {}
        self._eyes = {side: eye_parameters(self.face, side) for side in ("right", "left")}
        self.script = Script(plan)
        self._turns = [self._planned(event) for event in ("turn", "nod", "tilt")]
        self._sway = Sway.draw(settings, np.random.default_rng([settings.seed, 5]))
        self.sensor = Sensor(settings, self._planned("exposure"))
        self._local = threading.local()
        self.n_open_nodes = 0
        self._prepare_distractors()

    def _planned(self, event: str) -> list[Happening]:
        return [h for h in self.plan.happenings if h.event == event]

    def _prepare_distractors(self) -> None:
        settings, canvas = self.settings, self.canvas
        where = (canvas.coefficients, canvas.origin_px)
        self._irises = {side: iris_parameters(self.face, eye, *where) for side, eye in self._eyes.items()}
        self._glasses = Glasses(canvas.points, self.camera)
        self._glints, self._leaves = self._planned("glint"), self._planned("leave")
        rng = np.random.default_rng([settings.seed, 19])
        self._knocks = [Knock.draw(h, rng) for h in self._planned("knock")]
        self._hands = self._planned("hand")
        if self._hands:
            shape = (settings.height, settings.width)
            self._hand = Hand(self.face, skin_level(self.face, *where), shape, settings.seed)
        if self._leaves:
            self._backdrop = Backdrop(self.face, self._warper().out.copy())

    def _lay_grid(self) -> None:
        step = max(3, round(self.iod_px / NODES_PER_IOD))
        margin = -int(self.canvas.origin_px[0]) // step + 3
        n_columns = self.settings.width // step + 2 + 2 * margin
        n_rows = self.settings.height // step + 2 + 2 * margin
        self._grid = np.array([-margin * step, -margin * step, step], np.float32)
        rows, columns = np.mgrid[:n_rows, :n_columns].astype(np.float64)
        self._x, self._y = (columns - margin) * step, (rows - margin) * step
        pad = 3
        self._nodes = np.array(
            [margin - pad, margin - pad, n_columns - margin + pad, n_rows - margin + pad], np.int64
        )
        self._inner_grid = np.array([-pad * step, -pad * step, step], np.float32)

    def _still_field(self) -> NDArray[np.float32]:
        field = np.zeros((*self._x.shape, 4), np.float32)
        share = head_share(self.face, self._x, self._y)
        field[..., 2] = coefficients(depth_surface(self.canvas.points, self.face, self._x, self._y))
        field[..., 3] = coefficients(share)
        ys, xs = np.nonzero(share > 0)
        step, width, height = int(self._grid[2]), self.settings.width, self.settings.height
        reach = 2 * step  # the rim itself keeps its place, so that what moves stays within it
        x0, y0 = int(self._x[0, xs.min()]) - reach, int(self._y[ys.min(), 0]) - reach
        x1, y1 = int(self._x[0, xs.max()]) + reach, int(self._y[ys.max(), 0]) + reach
        self._box = np.array([max(x0, 0), max(y0, 0), min(x1, width), min(y1, height)], np.int64)
        return field

    # ---- what is true at a time -------------------------------------------------------------

    def head_pose(self, t_s: float) -> HeadPose:
        """The head's true pose at a time."""
        sway = self._sway.at(t_s)
        turns = [
            sway[3 + axis] + sum(h.amplitude * profile(t_s, h) for h in turns)
            for axis, turns in enumerate(self._turns)
        ]
        x, y, z = sway[:3] * self.iod_px / 1000
        return HeadPose(turns[0], turns[1], turns[2], (float(x), float(y), float(z)))

    def picture_shift_px(self, t_s: float) -> tuple[float, float]:
        """By how much everything is shifted in the picture, x and y: knocks, and a person who slides away."""
        x = sum(h.amplitude * profile(t_s, h) for h in self._leaves)
        y = 0.0
        for knock in self._knocks:
            swing = knock.at(t_s)
            x, y = x + swing[0], y + swing[1]
        return x * self.iod_px / 1000, y * self.iod_px / 1000

    def _head_at(self, t_s: float) -> NDArray[np.float32]:
        return self.camera.head_parameters(self.head_pose(t_s), self.picture_shift_px(t_s))

    def true_points(self, t_s: float, landmarks: Sequence[int] | None = None) -> NDArray[np.float64]:
        """Where landmarks truly are in the frame at a time [shape=(n, 2)], px: movement, then pose.

        Lids and irises are not in it: they are drawn over the eye without moving a field.
        """
        chosen = slice(None) if landmarks is None else list(landmarks)
        return self.true_places(t_s, self.canvas.points[chosen, :2])

    def true_places(self, t_s: float, places: NDArray[np.floating]) -> NDArray[np.float64]:
        """Where any neutral places [shape=(n, 2)], px, are seen at a time."""
        start = np.ascontiguousarray(places, np.float32)
        out = np.empty_like(start)
        forward_points(start, self._grid, self._field_at(t_s), self._head_at(t_s), out)
        return out.astype(np.float64)

    def _field_at(self, t_s: float) -> NDArray[np.float32]:
        field: NDArray[np.float32] = self._still.copy()
        for (movement, side), amplitude_miod in self.script.amplitudes(t_s).items():
            size_px = np.float32(amplitude_miod * self.iod_px / 1000)
            unit = self._unit_field(movement, side)
            field[..., 0] += size_px * unit[0]
            field[..., 1] += size_px * unit[1]
        return field

    def _unit_field(self, movement: str, side: str) -> NDArray[np.float32]:
        key = (movement, side)
        if key not in self._fields:
            samples = movement_field(self.face, movement, side, self._x, self._y)
            self._fields[key] = np.stack([coefficients(axis) for axis in samples])
        return self._fields[key]

    # ---- frames -----------------------------------------------------------------------------

    @property
    def n_frames(self) -> int:
        """Frames at the nominal rate, dropped ones included."""
        return max(1, round(self.plan.duration_s * self.settings.fps))

    def delivered_frames(self) -> NDArray[np.int64]:
        """Indices at the nominal rate of the frames that are delivered."""
        index = np.arange(self.n_frames)
        return np.asarray(index[delivered(index / self.settings.fps, self.plan)], np.int64)

    def shown_frames(self) -> NDArray[np.int64]:
        """Index of the frame whose picture each delivered frame shows: its own, or a repeated one's."""
        frames = self.delivered_frames()
        return np.asarray(frames[shown(frames / self.settings.fps, self.plan)], np.int64)

    def truth(self) -> list[TruthRow]:
        """Movements and blinks, with the delivered frames nearest to their times."""
        return truth_rows(self.plan.happenings, self.delivered_frames() / self.settings.fps)

    def timestamp_ns(self, frame: int) -> int:
        """Time of the frame with this nominal index, from the clip's first."""
        return round(frame * 1_000_000_000 / self.settings.fps)

    def light_picture(self, t_s: float) -> NDArray[np.float32]:
        """The scene at a time before light and sensor [shape=(height, width)], grey levels; borrowed."""
        warper = self._warper()
        shift_px = self.picture_shift_px(t_s)
        is_shifted = shift_px != (0.0, 0.0)
        if self._local.is_background_hidden:
            warper.out[:] = self._local.rest
        self._local.is_background_hidden = is_shifted
        n_open = warper.solve(self._grid, self._field_at(t_s), self._head_at(t_s), self._nodes)
        self.n_open_nodes = max(self.n_open_nodes, n_open)
        warper.draw(warper.everywhere if is_shifted else self._box)
        self._draw_eyes(t_s, warper)
        self._draw_glasses(t_s, shift_px, warper.out)
        if any(h.onset_s < t_s < h.offset_s for h in self._leaves):
            self._backdrop.put_behind(shift_px, warper.out)
        for h in self._hands:
            if h.onset_s < t_s < h.offset_s:
                self._hand.draw(t_s, h, warper.out)
                self._local.is_background_hidden = True
        return warper.out

    def _draw_eyes(self, t_s: float, warper: Warper) -> None:
        right_px, up_px = (miod * self.iod_px / 1000 for miod in self.script.gaze(t_s))
        for side, eye in self._eyes.items():
            shut = self.script.closure(t_s, side)
            if not (shut or right_px or up_px):
                continue
            box = self._seen_box(t_s, eye_box(eye))
            if right_px or up_px:
                warper.draw_gaze(box, eye, self._irises[side], np.array([right_px, -up_px], np.float32))
                shut = max(shut, lid_follows(eye, -up_px))
            if shut > 0:
                warper.draw_lid(box, eye, shut)

    def _draw_glasses(self, t_s: float, shift_px: tuple[float, float], out: NDArray[np.float32]) -> None:
        if self.settings.glasses:
            self._glasses.draw(self.head_pose(t_s), shift_px, out)
        level = sum(h.amplitude * profile(t_s, h) for h in self._glints)
        if level > 0:
            self._glasses.glint(self.head_pose(t_s), shift_px, level, out)

    def _seen_box(self, t_s: float, neutral: tuple[float, float, float, float]) -> NDArray[np.int64]:
        """The pixels in which a neutral rectangle is seen, cut to the picture."""
        x0, y0, x1, y1 = neutral
        seen = self.true_places(t_s, np.array([(x0, y0), (x1, y0), (x0, y1), (x1, y1)]))
        size = np.array([self.settings.width, self.settings.height])
        low = np.clip(np.floor(seen.min(axis=0)) - 1, 0, size)
        high = np.clip(np.ceil(seen.max(axis=0)) + 2, 0, size)
        return np.array([*low, *high], np.int64)

    def frame(self, index: int) -> NDArray[np.uint8]:
        """The frame with this nominal index, as the sensor gives it [shape=(height, width)]."""
        t_s = index / self.settings.fps
        out = np.empty((self.settings.height, self.settings.width), np.uint8)
        self.sensor.expose(self.light_picture(t_s), index, t_s, out)
        return out

    def render(self, n_threads: int = 2) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        """All delivered frames in order: timestamp (ns) and luma [shape=(height, width)].

        The pictures do not depend on `n_threads`.
        """
        sources = [int(k) for k in self.shown_frames()]
        pictures = list(dict.fromkeys(sources))
        n_ahead = 4 * n_threads
        with ThreadPoolExecutor(n_threads) as pool:
            waiting = {k: pool.submit(self.frame, k) for k in pictures[:n_ahead]}
            later = iter(pictures[n_ahead:])
            shown_now, luma = -1, np.empty((0, 0), np.uint8)
            for index, source in zip(self.delivered_frames(), sources, strict=True):
                if source != shown_now:
                    shown_now, luma = source, waiting.pop(source).result()
                    if (following := next(later, None)) is not None:
                        waiting[following] = pool.submit(self.frame, following)
                yield self.timestamp_ns(int(index)), luma

    def _warper(self) -> Warper:
        """This thread's own. The background does not move, so that it is drawn once, at rest."""
        if not hasattr(self._local, "warper"):
            c0, r0, c1, r1 = (int(node) for node in self._nodes)
            shape = (self.settings.height, self.settings.width)
            picture, origin_px = self.canvas.coefficients, self.canvas.origin_px
            warper = Warper(picture, origin_px, self._inner_grid, (r1 - r0, c1 - c0), shape)
            warper.draw(warper.everywhere)
            self._local.warper, self._local.rest = warper, warper.out.copy()
            self._local.is_background_hidden = False
        chosen: Warper = self._local.warper
        return chosen


def render(plan: Plan, portrait: Portrait, n_threads: int = 2) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """All delivered frames of a planned clip; see `Scene.render`."""
    return Scene(plan, portrait).render(n_threads)
