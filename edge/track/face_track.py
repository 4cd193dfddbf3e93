"""One face, followed in every frame from the moment the landmark model first described it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from edge.anatomy import AUX_NAMES, N_AUX
from edge.config import TrackConfig
from edge.kernels.face import mean_level, own_movement
from edge.messages import Frame, Trace
from edge.track.coarse import CoarseFace, WorkPicture
from edge.track.eyes import EyeOpenings
from edge.track.head import Head
from edge.track.patches import FOLLOWED, SENSOR_VARIANCE, PatchSet
from edge.track.points import N_POINTS, N_RIGID, POINT_LANDMARKS, error_miod, reach_miod
from edge.track.shape import FaceShape, shape_of
from edge.track.signals import SignalBoard
from edge.track.trial import Trial

_QUALITY = AUX_NAMES.index("quality")
_SOUND_CORRELATION = 0.6  # what a rigid patch needs to tell the pose
_LIKENESS_S = 1.0
_LIT_IOD = 0.5  # half side of the square, nose bridge in the middle, whose light is told
_REACH_IOD = 0.09  # how far from its expected place a patch is looked for
_CLEAR_SHARE = 0.7  # of the rigid patches, or doubted ones tell the pose as well
_HOLD_SHARE = 0.5  # of the rigid patches: with fewer, the coarse search is asked
# How well a patch can be trusted beside its noise: in the pose a point is the head's only so well;
# within one signal neighbouring skin moves alike, and noise decides.
_SHAPE_ERROR_IOD = error_miod() / 1000.0
_SKIN_ERROR_IOD = 0.0004
_SLIPPED_IOD = 0.08  # landmarks this far from the patches: the patches are wrong
# The first landmarks are some frames old when they come, and a moving head has gone on: until an
# answer agrees this well, each one starts anew where the head's motion since has taken it.
_PLACED_IOD = 0.02
_PLACINGS_MAX = 3
_REFRESH_BELOW = 0.84  # smoothed correlation under which a template is taken anew
_REFRESHED_PER_FRAME = 3
_RETAKE_AFTER_S = 0.7  # a patch lost for so long may get a new template at its landmark


class FaceTrack:
    """Follows one face; `begin` first, then `follow` once per frame.

    Parameters
    ----------
    face : int
        Slot of the face.
    config : TrackConfig
    height, width : int, px
        Of the frames.
    """

    def __init__(self, face: int, config: TrackConfig, height: int, width: int) -> None:
        self.face = face
        self._picture = WorkPicture(height, width)
        self._coarse = CoarseFace()
        self._patches = PatchSet(N_POINTS, config.correlation_min, reach_miod())
        self._eyes = EyeOpenings()
        self._board = SignalBoard()
        self._aux = np.full(N_AUX, np.nan)
        self._valid = np.zeros(N_POINTS, np.uint8)
        self._weight: NDArray[np.float64] = np.zeros((N_POINTS, 3))
        self._key_place = np.zeros((N_POINTS, 2))
        self._key_found = np.zeros((N_POINTS, 2))
        self._key_followed = np.zeros(N_POINTS, np.bool_)
        self._trial = Trial(N_POINTS)
        self._head: Head | None = None
        self._rest = np.zeros((N_POINTS, 2))
        self._last_ns = 0
        self._dt_s = 0.0
        self._n_placings = 0
        self.n_restarts = 0

    @property
    def is_placed(self) -> bool:
        """Whether an answer has confirmed where the patches stand, or enough were tried."""
        return self._n_placings >= _PLACINGS_MAX

    @property
    def share(self) -> float:
        """Share of the rigid patches being followed."""
        return self._patches.rigid_share

    @property
    def place_px(self) -> tuple[float, float, float]:
        """The nose bridge's x and y in the frame, and how far apart the outer eye corners are."""
        head, factor = self._require_head(), self._picture.factor
        first_px = 0.5 * (factor - 1)  # the middle of the frame's pixels that made the first one here
        x, y = head.place[0].tolist()
        iod_px = head.shape.iod_px * math.exp(head.log_scale)
        return x * factor + first_px, y * factor + first_px, iod_px * factor

    def begin(self, frame: Frame, landmarks: NDArray[np.float32]) -> None:
        """Take this frame as the reference picture, with landmarks of a moment ago.

        Parameters
        ----------
        frame : Frame
        landmarks : float32 [shape=(468, 3)], px
        """
        mesh = landmarks.astype(np.float64)
        iod_px = float(np.hypot(*(mesh[263, :2] - mesh[33, :2])))
        mesh = self._picture.choose(iod_px, mesh)
        shape = shape_of(mesh)
        self._head = Head(shape)
        self._picture.box(self._head.place, shape.iod_px)
        luma = self._picture.of(frame.luma)
        patches = self._patches
        patches.position[:] = mesh[POINT_LANDMARKS, :2]
        for k in range(N_POINTS):
            patches.capture(luma, k, self._head.tangent[k])
        patches.movement[:] = np.nan
        patches.sum_up(N_RIGID, 0.0)
        self._eyes.forget()
        self._coarse.capture(luma, shape.centre, shape.iod_px)
        self._board.begin(shape)
        self._reweigh()
        self.remember_key_frame()
        self._last_ns = frame.timestamp_ns
        self.n_restarts += 1

    def follow(self, frame: Frame) -> Trace:
        """Find every patch in this frame and say what moved apart from the head."""
        head = self._require_head()
        dt_s = max((frame.timestamp_ns - self._last_ns) / 1e9, 0.0)
        self._last_ns = frame.timestamp_ns
        self._expect(head, dt_s)
        self._picture.box(head.place, head.shape.iod_px)
        luma = self._picture.of(frame.luma)
        held = self._find(luma, head)
        if not held:
            head.stay()
            held = self._search(luma, head)
        self._separate(head, held)
        self._refresh(luma, head, dt_s)
        self._look(luma, head, dt_s, held)
        if held:
            head.get_used(self._patches.position[:N_RIGID], self._patches.state[:N_RIGID], dt_s)
            head.learned.learn(self._patches.movement, self._board.before, dt_s)
        noise = float(self._patches.noise[0]) / SENSOR_VARIANCE
        self._board.advance(self._patches.movement, self._aux, dt_s, noise)
        return Trace(self.face, frame.sequence, frame.timestamp_ns, self._board.codes, self._board.points)

    def remember_key_frame(self) -> None:
        """Keep where everything is now, to compare with the landmark model's late answer."""
        head = self._require_head()
        self._key_place[:] = head.place[:N_POINTS]
        self._key_found[:] = self._patches.position
        np.equal(self._patches.state, FOLLOWED, out=self._key_followed)

    def reseat(self, frame: Frame, landmarks: NDArray[np.float32]) -> None:
        """Use an answer about the remembered key frame; nothing that is well followed moves.

        Patches lost for long are taken anew where the landmarks were, carried on by what the
        head did since. Only when the landmarks contradict the patches is all begun again.
        """
        head = self._require_head()
        mesh = self._picture.scaled(landmarks.astype(np.float64))
        target = mesh[POINT_LANDMARKS, :2]
        iod_px = head.shape.iod_px * math.exp(head.log_scale)
        rigid = self._key_followed[:N_RIGID]
        if np.count_nonzero(rigid) >= 0.3 * N_RIGID and self.share >= 0.3:
            off = (target - self._key_found)[:N_RIGID][rigid]
            apart, together = np.median(np.hypot(*off.T)), np.hypot(*np.median(off, axis=0))
            if apart < _SLIPPED_IOD * iod_px and (self.is_placed or together < _PLACED_IOD * iod_px):
                self._n_placings = _PLACINGS_MAX
                self._retake(frame, target, head)
                return
        since = head.place[:N_POINTS] - self._key_place if self.share >= 0.3 else 0.0
        moved = landmarks.copy()
        if not isinstance(since, float):
            moved[:, :2] += np.median(since, axis=0).astype(np.float32) * self._picture.factor
        n_placings = 0 if self.is_placed else self._n_placings + 1
        self.begin(frame, moved)
        self._n_placings = n_placings

    def _expect(self, head: Head, dt_s: float) -> None:
        """Guess where the head is by now: patches and what they are compared with go along."""
        patches = self._patches
        np.copyto(self._rest, head.place[:N_POINTS])
        head.predict(min(dt_s / self._dt_s, 2.0) if self._dt_s > 0 else 0.0)
        if dt_s > 0:
            self._dt_s = dt_s
        np.subtract(head.place[:N_POINTS], self._rest, out=self._rest)
        patches.position += self._rest
        patches.expect(head.place, 0.0, 0.0)
        patches.turn(head.tangent)

    def _find(self, luma: NDArray[np.uint8], head: Head) -> bool:
        """Follow all patches and fit the head; False where the head is not held."""
        patches = self._patches
        patches.follow(luma, _REACH_IOD * head.shape.iod_px)
        patches.straighten(head.tangent)
        # a lid or a finger over some patches must not tell the pose; where most are doubtful, as in a fast
        # turn or in compressed video, the few that are not would tell it worse than all
        if not any(
            patches.n_sound(_SOUND_CORRELATION, N_RIGID, doubts, self._valid) >= share * N_RIGID
            for doubts, share in ((True, _CLEAR_SHARE), (False, _HOLD_SHARE))
        ):
            return False
        return head.fit(patches.position[:N_RIGID], self._weight[:N_RIGID], self._valid[:N_RIGID])

    def _search(self, luma: NDArray[np.uint8], head: Head) -> bool:
        """Look for the whole face by its coarse picture, then try the patches again."""
        shift = self._coarse.find(luma, head.place[0], head.shape.iod_px)
        if shift is None:
            return False
        head.shift(*shift)
        self._patches.position[:] = head.place[:N_POINTS]
        return self._find(luma, head)

    def _separate(self, head: Head, held: bool) -> None:
        """Take the head's motion away and decide which patches to believe."""
        patches, shape = self._patches, head.shape
        if not held:
            head.stay()
            self._valid[:] = 0
        own_movement(
            patches.position,
            head.place,
            head.tangent,
            shape.iod_px,
            math.cos(shape.roll),
            math.sin(shape.roll),
            self._valid,
            patches.movement,
        )
        patches.judge(self._dt_s)

    def _refresh(self, luma: NDArray[np.uint8], head: Head, dt_s: float) -> None:
        """Take templates anew that no longer look like their patch; the place stays, so no step."""
        patches = self._patches
        patches.sum_up(N_RIGID, min(dt_s / _LIKENESS_S, 0.5))
        if patches.lowest_likeness >= _REFRESH_BELOW:
            return
        for k in np.argsort(patches.likeness)[:_REFRESHED_PER_FRAME]:
            if patches.likeness[k] < _REFRESH_BELOW and patches.state[k] == FOLLOWED:
                patches.capture(luma, int(k), head.tangent[k])
        self._reweigh()

    def _retake(self, frame: Frame, target: NDArray[np.float64], head: Head) -> None:
        """Give patches that were lost for long a new template at their landmark, if it stays there."""
        patches = self._patches
        since_px = head.place[:N_POINTS] - self._key_place
        n_frames = max(int(_RETAKE_AFTER_S / max(self._dt_s, 1e-3)), 2)
        luma = self._picture.of(frame.luma)
        self._trial.forget(patches.state == FOLLOWED)
        n_taken = 0
        for k in np.flatnonzero((patches.state != FOLLOWED) & (patches.lost_frames >= n_frames)):
            if self._trial.stands(int(k), luma, head.place[k], frame.timestamp_ns):
                patches.position[k] = head.place[k] if k < N_RIGID else target[k] + since_px[k]
                patches.capture(luma, int(k), head.tangent[k])
                n_taken += 1
        if n_taken:
            self._reweigh()
        if self.share > 0.8:
            self._coarse.capture(luma, head.place[0], head.shape.iod_px * math.exp(head.log_scale))

    def _look(self, luma: NDArray[np.uint8], head: Head, dt_s: float, held: bool) -> None:
        """Fill the channels beside the movement signals."""
        aux, patches = self._aux, self._patches
        if not held:
            aux[:] = math.nan
            aux[_QUALITY] = patches.share
            return
        shape = head.shape
        self._eyes.look(luma, head.place[N_POINTS:], head.tangent[N_POINTS:], shape.eye_axes, dt_s)
        yaw, pitch, roll = head.angles()
        miod = 1000.0 / shape.iod_px
        aux[:] = (
            self._eyes.closure[0],
            self._eyes.closure[1],
            yaw * 1e3,
            pitch * 1e3,
            roll * 1e3,
            head.place[0, 0] * miod,
            head.place[0, 1] * miod,
            1e3 * (head.log_scale + math.log(shape.iod_px / 100.0)),
            mean_level(luma, *head.place[0], _LIT_IOD * shape.iod_px * math.exp(head.log_scale)),
            patches.share,
        )

    def _reweigh(self) -> None:
        shape: FaceShape = self._require_head().shape
        self._weight = self._patches.information(_SHAPE_ERROR_IOD * shape.iod_px)
        self._board.weigh(self._patches.information(_SKIN_ERROR_IOD * shape.iod_px))

    def _require_head(self) -> Head:
        if self._head is None:
            raise RuntimeError("begin() comes before follow(): this face has no reference picture yet")
        return self._head
