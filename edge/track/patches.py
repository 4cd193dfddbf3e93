"""The patches of one face: where each was found, how well, and the template it is compared with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.kernels import patch_state, template
from edge.kernels.lean import correct_lean
from edge.kernels.patch import follow_patches

NONE, FOLLOWED, LOST = 0, 1, 2

# A template is rendered again when the head's turn would displace its rim (8 px from the
# middle) by more than a sixth of a pixel; what it still is off, `straighten` takes away.
_STALE_PER_PX = 0.02
_RENDERED_PER_FRAME = 30  # all in three frames: at 100 degrees a second no template is older
_REGAIN_CORRELATION = 0.85
_N_ITERATIONS = 8
SENSOR_VARIANCE = 4.0  # grey levels squared, until the patches have told theirs


class PatchSet:
    """State of `n` patches; arrays are updated in place and may be read freely between calls.

    Attributes
    ----------
    position : float64 [shape=(n, 2)], px
        Expected place before `follow`, found place after it.
    state : uint8 [shape=(n,)]
        NONE, FOLLOWED or LOST.
    correlation : float32 [shape=(n,)]
    covariance : float64 [shape=(n, 3)], px² per grey level squared
        xx, xy, yy of each template's place, for sensor noise of variance 1.
    noise : float64 [shape=(1,)], grey levels squared
        What a fit typically leaves unexplained: the sensor's noise, learned while patches are judged.
    movement : float64 [shape=(n, 2)], miod
        Apart from the head; NaN where not followed. Filled by the owner.
    """

    def __init__(self, n: int, correlation_min: float, reach_miod: NDArray[np.float64]) -> None:
        self._keep = correlation_min
        self._reach_miod = reach_miod
        self._source = np.zeros((n, template.SOURCE, template.SOURCE), np.float32)
        self._centre = np.zeros((n, 2))
        self._scratch = np.zeros(template.SCRATCH)
        self._basis = np.zeros((n, 3, template.PATCH, template.PATCH), np.float32)
        self._projector = np.zeros((n, 3, 3))
        self.covariance = np.zeros((n, 3))
        self._blur = np.zeros((n, 2, 4))
        self._level = np.zeros((n, 2))
        self._tangent_then = np.tile(np.array([1.0, 0.0, 0.0, 1.0]), (n, 1))
        self._rendered_for = self._tangent_then.copy()
        self._lean = np.zeros((n, 2, 4))
        self._lean_for = np.full((n, 4), np.nan)
        self.position = np.zeros((n, 2))
        self.state = np.zeros(n, np.uint8)
        self.correlation = np.full(n, -2.0, np.float32)
        self.variance = np.full(n, SENSOR_VARIANCE, np.float32)
        self._usual = np.full(n, -1.0)
        self.noise = np.array([SENSOR_VARIANCE])
        self.movement = np.full((n, 2), np.nan)
        self.lost_frames = np.zeros(n, np.int32)
        self.likeness = np.ones(n, np.float32)
        self._sums = np.array([1.0, 0.0, 0.0])
        self._upright = np.eye(2)

    def capture(self, luma: NDArray[np.uint8], k: int, tangent: NDArray[np.float64]) -> bool:
        """Take a new template of patch `k` where it stands now; False where it cannot be followed.

        The place stays what it was, so a refreshed template puts no step into any signal.
        """
        x, y = self.position[k]
        taken = template.capture_source(luma, x, y, self._source[k], self._centre[k])
        self._tangent_then[k] = tangent
        self._rendered_for[k] = (1.0, 0.0, 0.0, 1.0)
        self._lean_for[k] = np.nan
        taken = taken and template.render_template(
            self._source[k],
            self._centre[k],
            self._upright,
            self.noise[0],
            self._scratch,
            self._basis[k],
            self._projector[k],
            self.covariance[k],
            self._blur[k],
            self._level[k],
        )
        self.state[k] = FOLLOWED if taken else NONE
        self.lost_frames[k] = 0
        self.likeness[k] = 1.0
        self._usual[k] = -1.0
        return bool(taken)

    def expect(self, place: NDArray[np.float64], dx_px: float, dy_px: float) -> None:
        """Say where the patches should be now: moved on with the head, lost ones at rest.

        Parameters
        ----------
        place : float64 [shape=(at least n, 2)], px
            Where the head's last pose puts each point.
        dx_px, dy_px : float
            How far the head goes in a frame.
        """
        patch_state.expect_patches(self.position, self.state, place, dx_px, dy_px)

    def follow(self, luma: NDArray[np.uint8], reach_px: float) -> None:
        """Find every patch that has a template, from its expected `position`."""
        follow_patches(
            luma,
            self._basis,
            self._projector,
            self._blur,
            self._level,
            self.state,
            _N_ITERATIONS,
            reach_px,
            self.position,
            self.correlation,
            self.variance,
        )
        samples = template.PATCH * template.PATCH
        patch_state.allow_for_noise(self._level, samples * self.noise[0], self.correlation)

    def n_sound(self, correlation_min: float, n_first: int, doubts: bool, valid: NDArray[np.uint8]) -> int:
        """Mark in `valid` the patches that match so well; returns how many of the first ones do.

        With `doubts`, those whose residual could hide a shift are left out.
        """
        n: int = patch_state.sound_patches(
            self.correlation,
            self.variance,
            self.covariance,
            self._usual,
            correlation_min,
            n_first,
            doubts,
            valid,
        )
        return n

    def sum_up(self, n_rigid: int, gain: float) -> None:
        """Smooth the correlations and count; read `share` and `rigid_share` after it."""
        patch_state.sum_up_patches(self.correlation, self.state, n_rigid, gain, self.likeness, self._sums)

    @property
    def lowest_likeness(self) -> float:
        """Lowest smoothed correlation of a followed patch."""
        return float(self._sums[0])

    @property
    def share(self) -> float:
        """Share of all patches being followed."""
        return float(self._sums[1])

    @property
    def rigid_share(self) -> float:
        """Share of the rigid patches being followed."""
        return float(self._sums[2])

    def judge(self, dt_s: float) -> None:
        """Update `state` from correlation and `movement`, `dt_s` after the frame before.

        What is not followed becomes NaN.
        """
        patch_state.judge_patches(
            self.correlation,
            self.variance,
            self.covariance,
            self._usual,
            self.noise,
            self.movement,
            self._reach_miod,
            self._keep,
            _REGAIN_CORRELATION,
            dt_s,
            self.state,
            self.lost_frames,
        )

    def turn(self, tangent: NDArray[np.float64]) -> int:
        """Render templates again where the head's turn asks for it; returns how many."""
        rendered: int = template.render_stale(
            self._source,
            self._centre,
            self._tangent_then,
            tangent,
            self._rendered_for,
            _STALE_PER_PX,
            _RENDERED_PER_FRAME,
            self.state,
            self.noise[0],
            self._scratch,
            self._basis,
            self._projector,
            self.covariance,
            self._blur,
            self._level,
        )
        return rendered

    def straighten(self, tangent: NDArray[np.float64]) -> None:
        """Take away what templates that are not quite of today's pose do to the found places."""
        correct_lean(
            self._basis,
            self._projector,
            self._tangent_then,
            tangent,
            self._rendered_for,
            self.state,
            self._level,
            self._lean_for,
            self.noise[0],
            self._lean,
            self.position,
            self.variance,
        )

    def information(
        self, model_error_px: float | NDArray[np.float64], noise_variance: float = SENSOR_VARIANCE
    ) -> NDArray[np.float64]:
        """How much each patch's place is worth: inverse covariance (xx, xy, yy), 1/px².

        The covariance is what sensor noise allows (the Cramér–Rao bound of the template's own
        gradients) plus `model_error_px` squared, so that one sharp patch cannot outvote a face
        whose shape is known only so well. Patches without a template count nothing.
        """
        error = model_error_px * model_error_px
        xx = self.covariance[:, 0] * noise_variance + error
        yy = self.covariance[:, 2] * noise_variance + error
        xy = self.covariance[:, 1] * noise_variance
        determinant = xx * yy - xy * xy
        answer = np.column_stack([yy, -xy, xx]) / determinant[:, None]
        answer[self.state == NONE] = 0.0
        return np.ascontiguousarray(answer)
