"""The pieces a followed face is made of: points, shape, head, coarse picture, patches, eyes, signals."""

from __future__ import annotations

import numpy as np
import pytest

from edge.anatomy import AUX_NAMES, CHANNEL_QUANTA, LOST, N_AUX, N_CHANNELS, N_SIGNALS, SIGNALS, decode
from edge.config import TrackConfig
from edge.messages import FaceLandmarks, Frame, KeyFrameAnswer
from edge.synth.pose import HeadPose
from edge.track.coarse import CoarseFace, WorkPicture
from edge.track.eyes import EyeOpenings
from edge.track.face_track import FaceTrack
from edge.track.head import Head
from edge.track.patches import FOLLOWED, NONE, PatchSet
from edge.track.patches import LOST as PATCH_LOST
from edge.track.points import (
    EYE_CORNERS,
    N_POINTS,
    N_RIGID,
    OUTER_CORNERS,
    POINT_LANDMARKS,
    RIGID_LANDMARKS,
    reach_miod,
    signal_members,
)
from edge.track.shape import CAMERA_DISTANCE_IOD, shape_of
from edge.track.signals import SignalBoard
from edge.track.tracker import Tracker

# ---- points ----------------------------------------------------------------------------------


def test_points_hold_every_landmark_of_every_signal_once():
    assert len(set(POINT_LANDMARKS.tolist())) == N_POINTS
    assert {k for signal in SIGNALS for k in signal.landmarks} <= set(POINT_LANDMARKS.tolist())
    assert POINT_LANDMARKS.min() >= 0
    assert POINT_LANDMARKS.max() < 468


def test_rigid_points_come_first_and_belong_to_no_signal():
    assert tuple(POINT_LANDMARKS[:N_RIGID]) == RIGID_LANDMARKS
    assert set(OUTER_CORNERS) <= set(RIGID_LANDMARKS)
    assert not set(RIGID_LANDMARKS) & {k for signal in SIGNALS for k in signal.landmarks}


def test_signal_members_name_the_landmarks_of_the_anatomy():
    start, member, direction = signal_members()
    assert start.dtype == member.dtype == np.int32
    assert len(start) == N_SIGNALS + 1
    assert (start[0], start[-1]) == (0, len(member))
    for number, signal in enumerate(SIGNALS):
        mine = slice(start[number], start[number + 1])
        assert tuple(POINT_LANDMARKS[member[mine]]) == signal.landmarks
        np.testing.assert_array_equal(direction[mine], [signal.direction] * len(signal.landmarks))
    np.testing.assert_allclose(np.hypot(*direction.T), 1.0)


def test_reach_lets_a_jaw_move_further_than_a_lid_and_rigid_points_least():
    reach = dict(zip(POINT_LANDMARKS.tolist(), reach_miod(), strict=True))
    assert reach[171] > reach[61] > reach[107] > reach[159] > reach[168]
    assert np.unique(reach_miod()[:N_RIGID]).size == 1


# ---- shape and head --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def mesh(swaying):
    """float64 [shape=(468, 3)], px: the portrait at rest."""
    return swaying.scene.canvas.points.copy()


@pytest.fixture
def shape(mesh):
    """The still face of the portrait."""
    return shape_of(mesh)


def test_shape_lies_where_the_landmarks_are(mesh, shape):
    seen = (
        shape.points[:, :2] * (shape.distance_px / (shape.distance_px + shape.points[:, 2:])) + shape.centre
    )
    np.testing.assert_allclose(seen[:N_POINTS], mesh[POINT_LANDMARKS, :2], atol=1e-9)
    eyes = [(mesh[a, :2] + mesh[b, :2]) / 2 for a, b in EYE_CORNERS]
    np.testing.assert_allclose(seen[N_POINTS:], eyes, atol=1e-9)


def test_shape_keeps_the_depth_of_the_mesh_from_the_nose_bridge(mesh, shape):
    depth = mesh[POINT_LANDMARKS, 2] - mesh[168, 2]
    assert np.abs(shape.points[:N_POINTS, 2] - depth).mean() < 0.05 * shape.iod_px  # a plane smooths it
    tip = POINT_LANDMARKS.tolist().index(5)
    ear = POINT_LANDMARKS.tolist().index(234)
    assert shape.points[tip, 2] < 0 < shape.points[ear, 2]  # nose towards the camera, ear away


def test_shape_measures_by_the_outer_eye_corners(mesh, shape):
    line = mesh[OUTER_CORNERS[1], :2] - mesh[OUTER_CORNERS[0], :2]
    assert shape.iod_px == pytest.approx(np.hypot(*line))
    assert shape.distance_px == pytest.approx(CAMERA_DISTANCE_IOD * shape.iod_px)
    assert np.tan(shape.roll) == pytest.approx(line[1] / line[0])


def bent(mesh, roundness):
    """The mesh on a tilted sheet that recedes with the square of the way from the bridge, and its slope."""
    shape = shape_of(mesh)
    line = np.array([np.cos(shape.roll), np.sin(shape.roll)])
    across = (mesh[:, :2] - mesh[168, :2]) @ line / shape.iod_px
    out = mesh.copy()
    out[:, 2] = 0.3 * mesh[:, 0] - 0.2 * mesh[:, 1] + 7 + roundness * shape.iod_px * across**2
    return out, np.array([0.3, -0.2]) + 2 * roundness * across[POINT_LANDMARKS, None] * line


def test_shape_of_a_bent_sheet_has_its_slope_everywhere(mesh):
    sheet, slope = bent(mesh, 1.1)
    assert np.abs(shape_of(sheet).slope[:N_POINTS] - slope).mean() < 0.05


@pytest.mark.parametrize(("roundness", "taken"), [(0.0, 1.0), (0.6, 1.0), (2.0, 1.25)])
def test_shape_takes_a_face_that_is_too_flat_or_too_round_for_the_nearest_believable(mesh, roundness, taken):
    shape, wanted = shape_of(bent(mesh, roundness)[0]), shape_of(bent(mesh, taken)[0])
    np.testing.assert_allclose(shape.points, wanted.points, atol=1e-6)


def test_shape_eye_axes_span_the_opening(shape):
    for right_x, right_y, down_x, down_y in shape.eye_axes:
        assert right_x > 0
        assert down_y > 0
        assert right_x * down_x + right_y * down_y == pytest.approx(0, abs=1e-9)
        assert 0.1 < np.hypot(right_x, right_y) / shape.iod_px < 0.2


def test_head_at_the_reference_puts_points_where_the_landmarks_are(mesh, shape):
    head = Head(shape)
    np.testing.assert_allclose(head.place[:N_POINTS], mesh[POINT_LANDMARKS, :2], atol=1e-9)
    np.testing.assert_allclose(head.tangent, np.tile([1, 0, 0, 1.0], (N_POINTS + 2, 1)), atol=1e-9)
    assert head.angles() == (shape.yaw, shape.pitch, shape.roll)
    assert head.log_scale == 0


def everything(head):
    """Weights and marks with which every rigid point counts."""
    return np.tile([1.0, 0.0, 1.0], (N_RIGID, 1)), np.ones(N_RIGID, np.uint8)


@pytest.mark.parametrize(
    "pose",
    [HeadPose(yaw_deg=3), HeadPose(pitch_deg=-3), HeadPose(roll_deg=4), HeadPose(shift_px=(6, -4, -20))],
)
def test_head_fits_the_scene_turned_by_another_camera_model(swaying, mesh, shape, pose):
    """The synthesis turns about an axis between the ears; the tracker about the nose bridge."""
    from edge.kernels.warp import forward_points

    scene, head = swaying.scene, Head(shape)
    points = np.empty((len(POINT_LANDMARKS), 2), np.float32)
    start = np.ascontiguousarray(mesh[POINT_LANDMARKS, :2], np.float32)
    forward_points(start, scene._grid, scene._still, scene.camera.head_parameters(pose), points)
    for _ in range(5):
        assert head.fit(np.ascontiguousarray(points[:N_RIGID], np.float64), *everything(head))
    off_miod = 1000 * np.hypot(*(head.place[:N_POINTS] - points).T) / shape.iod_px
    assert np.median(off_miod) < 3
    assert off_miod.max() < 12


def test_head_keeps_its_pose_where_too_few_points_are_valid(shape):
    head = Head(shape)
    before = head.place.copy()
    weight, valid = everything(head)
    valid[3:] = 0
    assert not head.fit(before[:N_RIGID] + 3.0, weight, valid)
    np.testing.assert_array_equal(head.place, before)


def test_head_refuses_a_scale_that_no_head_reaches(shape):
    """Everything seen in one spot would be a head twenty times as far away."""
    head = Head(shape)
    before = head.place.copy()
    seen = shape.centre + 0.01 * (before[:N_RIGID] - shape.centre)
    for _ in range(10):
        head.fit(np.ascontiguousarray(seen), *everything(head))
    assert abs(head.log_scale) <= 1.5
    assert np.isfinite(head.place).all()


def test_head_is_expected_to_go_on_as_it_did(shape):
    head = Head(shape)
    start = head.place.copy()
    for shift in (2.0, 4.0):
        head.predict(1.0)
        assert head.fit(start[:N_RIGID] + np.array([shift, -shift / 2]), *everything(head))
    head.predict(1.0)
    np.testing.assert_allclose((head.place - start).mean(axis=0), (6.0, -3.0), atol=0.1)
    head.stay()
    np.testing.assert_allclose((head.place - start).mean(axis=0), (4.0, -2.0), atol=0.1)


def test_head_forgets_what_patches_were_off_when_they_are_no_longer_believed(shape):
    """Learned within 2 s, forgotten over 20: it settles at 10/11 of 2 px; a third is left after 20 s."""
    head = Head(shape)
    seen, believed = head.place[:N_RIGID] + 2.0, np.ones(N_RIGID, np.uint8)
    for _ in range(1500):
        head.get_used(seen, believed, 0.01)
    np.testing.assert_allclose(head._habit, 2.0 * 10 / 11, rtol=0.01)
    for _ in range(2000):
        head.get_used(seen, np.zeros_like(believed), 0.01)
    np.testing.assert_allclose(head._habit, 2.0 * 10 / 11 * np.exp(-1), rtol=0.01)


def test_head_shift_moves_all_points_alike(shape):
    head = Head(shape)
    before = head.place.copy()
    head.shift(10.0, -4.0)
    moved = head.place - before
    np.testing.assert_allclose(moved.mean(axis=0), (10, -4), atol=1.5)  # nearer points go further
    np.testing.assert_allclose(moved[0], (10, -4), atol=0.1)  # the nose bridge, at depth 0


# ---- coarse ----------------------------------------------------------------------------------


def test_work_picture_is_the_frame_itself_for_an_ordinary_face(mesh):
    picture, luma = WorkPicture(240, 320), np.zeros((240, 320), np.uint8)
    assert picture.choose(100.0, mesh) is mesh
    assert picture.of(luma) is luma


@pytest.mark.parametrize(("iod_px", "factor"), [(240.0, 1), (241.0, 2), (480.0, 2), (500.0, 3)])
def test_work_picture_keeps_the_face_under_240_px_between_the_eyes(mesh, iod_px, factor):
    picture = WorkPicture(500, 700)
    picture.choose(iod_px, mesh)
    assert picture.factor == factor


def test_work_picture_halves_places_about_pixel_centres(mesh, rng):
    """The mean of pixels 0 and 1 is pixel 0 of the small picture: place 0.5 becomes 0."""
    picture = WorkPicture(100, 120)
    small_mesh = picture.choose(300.0, np.array([[0.5, 2.5, 8.0]] * 468))
    np.testing.assert_allclose(small_mesh[0], (0, 1, 4))
    luma = rng.integers(0, 256, (100, 120), np.uint8)
    picture.box(np.array([[30.0, 25.0]]), 300.0)
    means = luma.reshape(50, 2, 60, 2).astype(float).mean(axis=(1, 3))
    np.testing.assert_array_equal(picture.of(luma), np.floor(means + 0.5))


@pytest.mark.parametrize("shift", [(0, 0), (15, -9), (-40, 3), (0, 38)], ids=str)
def test_coarse_face_finds_how_far_the_face_went(swaying, mesh, shape, shift):
    coarse, luma = CoarseFace(), swaying.frames[0].luma
    coarse.capture(luma, mesh[168, :2], shape.iod_px)
    found = coarse.find(np.roll(luma, shift[::-1], (0, 1)), mesh[168, :2], shape.iod_px)
    np.testing.assert_allclose(found, shift, atol=4)  # a coarse pixel is four


def test_coarse_face_finds_nothing_without_a_face_or_a_capture(swaying, mesh, shape, rng):
    coarse, luma = CoarseFace(), swaying.frames[0].luma
    assert coarse.find(luma, mesh[168, :2], shape.iod_px) is None
    coarse.capture(luma, mesh[168, :2], shape.iod_px)
    for other in (np.zeros_like(luma), rng.integers(0, 256, luma.shape, np.uint8)):
        assert coarse.find(other, mesh[168, :2], shape.iod_px) is None


def test_coarse_face_knows_no_template_at_the_border(swaying, shape):
    coarse, luma = CoarseFace(), swaying.frames[0].luma
    coarse.capture(luma, np.array([3.0, 3.0]), shape.iod_px)
    assert coarse.find(luma, np.array([3.0, 3.0]), shape.iod_px) is None


def test_coarse_face_may_begin_in_the_first_column_and_row(rng):
    coarse, luma = CoarseFace(), rng.integers(0, 256, (240, 320), np.uint8)
    centre = np.array([49.5, 49.5])  # of the 13th of coarse pixels of four: the template begins at the first
    coarse.capture(luma, centre, 80.0)
    np.testing.assert_allclose(coarse.find(luma, centre, 80.0), (0, 0), atol=4)


# ---- patches ---------------------------------------------------------------------------------


@pytest.fixture
def patches(swaying, mesh):
    """All patches of the portrait, captured where its landmarks are."""
    patches = PatchSet(N_POINTS, 0.7, reach_miod())
    patches.position[:] = swaying.scene.true_points(0.0)[POINT_LANDMARKS]
    for k in range(N_POINTS):
        assert patches.capture(swaying.frames[0].luma, k, np.array([1.0, 0, 0, 1]))
    return patches


def test_patches_find_themselves_in_their_own_picture(swaying, patches):
    before = patches.position.copy()
    patches.follow(swaying.frames[0].luma, 5.0)
    np.testing.assert_allclose(patches.position, before, atol=0.1)  # bicubic template, bilinear picture
    assert patches.correlation.min() > 0.99


def test_patches_taken_anew_forget_how_the_old_template_fared(swaying, patches):
    patches.likeness[3], patches.lost_frames[3], patches.state[3] = 0.2, 90, PATCH_LOST
    place = patches.position[3].copy()
    assert patches.capture(swaying.frames[0].luma, 3, np.array([1.0, 0, 0, 1]))
    assert (patches.likeness[3], patches.lost_frames[3], patches.state[3]) == (1.0, 0, FOLLOWED)
    np.testing.assert_array_equal(patches.position[3], place)


def test_patches_beside_the_picture_have_no_template(swaying, patches):
    patches.position[5] = (-3.0, 10.0)
    assert not patches.capture(swaying.frames[0].luma, 5, np.array([1.0, 0, 0, 1]))
    assert patches.state[5] == NONE
    assert np.all(patches.information(0.2)[5] == 0)


def test_patches_are_judged_and_summed_up(patches, swaying):
    valid = np.zeros(N_POINTS, np.uint8)
    patches.follow(swaying.frames[0].luma, 5.0)
    assert patches.n_sound(0.6, N_RIGID, True, valid) == N_RIGID
    patches.movement[:] = 0.0
    patches.movement[0] = 1e6
    patches.correlation[1] = 0.1
    patches.judge(1.0 / 120.0)
    assert patches.state[:3].tolist() == [PATCH_LOST, PATCH_LOST, FOLLOWED]
    assert np.isnan(patches.movement[:2]).all()
    patches.sum_up(N_RIGID, 0.1)
    assert patches.share == pytest.approx((N_POINTS - 2) / N_POINTS)
    assert patches.rigid_share == pytest.approx((N_RIGID - 2) / N_RIGID)


def test_patches_know_less_along_an_edge_than_across_it(patches):
    """The information is what noise and shape error leave: never above the shape's alone."""
    xx, xy, yy = patches.information(0.2).T
    assert np.all(xx * yy - xy * xy > 0)
    assert np.all(xx <= 1 / 0.2**2 + 1e-9)
    assert np.all(yy <= 1 / 0.2**2 + 1e-9)
    sharp = patches.information(0.0).T
    assert np.all(sharp[0] * sharp[2] > xx * yy)


def test_patches_render_again_only_what_the_head_turned(patches):
    upright = np.tile([1.0, 0.0, 0.0, 1.0], (N_POINTS, 1))
    assert patches.turn(upright) == 0
    upright[4, 1] = 0.05
    assert patches.turn(upright) == 1
    assert patches.turn(upright) == 0


# ---- eyes and signals ------------------------------------------------------------------------


def test_eye_openings_are_unknown_until_they_are_looked_at():
    assert np.isnan(EyeOpenings().closure).all()


def test_eye_openings_learn_anew_after_forgetting(swaying, shape):
    eyes, head = EyeOpenings(), Head(shape)
    place, tangent = head.place[N_POINTS:], head.tangent[N_POINTS:]
    upside_down = np.ascontiguousarray(swaying.frames[0].luma[::-1])
    eyes.look(swaying.frames[0].luma, place, tangent, shape.eye_axes, 0.01)
    np.testing.assert_allclose(eyes.closure, 0, atol=1e-5)
    eyes.look(upside_down, place, tangent, shape.eye_axes, 0.01)
    assert eyes.closure.min() > 0.3
    eyes.forget()
    eyes.look(upside_down, place, tangent, shape.eye_axes, 0.01)
    np.testing.assert_allclose(eyes.closure, 0, atol=1e-5)


@pytest.fixture
def board(shape):
    """A signal board that has begun on the portrait, all patches weighing alike."""
    board = SignalBoard()
    board.begin(shape)
    board.weigh(np.tile([1.0, 0.0, 1.0], (N_POINTS, 1)))
    return board


def test_signal_board_means_the_members_of_each_signal(board, rng):
    aux = 0.3 * np.arange(N_AUX)
    still, moved = np.zeros((N_POINTS, 2)), rng.normal(scale=20, size=(N_POINTS, 2))
    for movement in (still, still, moved):
        board.advance(movement, aux, 0.0, 1.0)
    values = decode(board.codes)
    place = {int(index): k for k, index in enumerate(POINT_LANDMARKS)}
    for number, signal in enumerate(SIGNALS):
        along = [moved[place[index]] @ signal.direction for index in signal.landmarks]
        assert values[number] == pytest.approx(np.mean(along), abs=0.02)
    np.testing.assert_allclose(values[N_SIGNALS:], aux, atol=CHANNEL_QUANTA[N_SIGNALS:].max() / 2)


def test_signal_board_says_lost_where_nothing_is_known(board):
    board.advance(np.full((N_POINTS, 2), np.nan), np.full(N_AUX, np.nan), 0.01, 1.0)
    assert board.codes.shape == (N_CHANNELS,)
    assert np.all(board.codes == LOST)
    assert np.all(board.points == LOST)


def test_signal_board_puts_points_at_rest_plus_movement(board, shape):
    board.advance(np.zeros((N_POINTS, 2)), np.zeros(N_AUX), 0.01, 1.0)
    rest = board.points.copy()
    board.advance(np.tile([30.0, -10.0], (N_POINTS, 1)), np.zeros(N_AUX), 0.01, 1.0)
    np.testing.assert_array_equal(board.points - rest, np.tile([300, -100], (N_POINTS, 1)))
    corners = [POINT_LANDMARKS.tolist().index(k) for k in OUTER_CORNERS]
    across = np.diff(rest[corners].astype(float), axis=0)[0] / 10
    assert across[0] == pytest.approx(1000, rel=0.15)  # one inter-ocular distance
    assert across[1] == pytest.approx(0, abs=30)  # and upright


def test_signal_board_starts_again_without_a_step(board, shape):
    board.advance(np.zeros((N_POINTS, 2)), np.zeros(N_AUX), 0.01, 1.0)
    board.begin(shape)
    board.advance(np.full((N_POINTS, 2), 50.0), np.zeros(N_AUX), 0.01, 1.0)
    assert np.all(board.codes[:N_SIGNALS] == LOST)
    board.advance(np.full((N_POINTS, 2), 50.0), np.zeros(N_AUX), 0.01, 1.0)
    np.testing.assert_array_equal(board.codes[:N_SIGNALS], 0)


def test_a_patch_that_jumps_alone_soon_says_nothing(board, shape, rng, monkeypatch):
    """Of three patches of a brow one jumps by 15 miod there and back, as across the rim of glasses."""
    jumping = POINT_LANDMARKS.tolist().index(66)
    inward = next(k for k, s in enumerate(SIGNALS) if s.name == "brow_inward_right")
    board.weigh(np.tile([1e4, 0.0, 1e4], (N_POINTS, 1)))

    def follow():
        told = []
        for frame in range(1200):
            skin = 8.0 * np.sin(0.02 * frame)
            movement = rng.normal(scale=0.2, size=(N_POINTS, 2))
            movement[jumping, 0] += 15.0 * (frame // 20 % 2)
            movement[:, 0] += skin
            board.advance(movement, np.zeros(N_AUX), 1 / 120, 1.0)
            told.append(float(decode(board.codes)[inward]) - skin)
        return np.reshape(told, (-1, 20)).mean(axis=1)[2:]

    learned = follow()
    assert np.abs(np.diff(learned))[-20:].max() < 0.5
    assert np.ptp(learned) < 2.5  # nothing of the skin's own movement is lost
    monkeypatch.setattr("edge.track.signals._UNLIKE_S", np.inf)
    board.begin(shape)
    assert np.abs(np.diff(follow())).max() > 4.0


# ---- whole, at its edges ---------------------------------------------------------------------


def test_face_track_wants_to_begin_before_it_follows():
    with pytest.raises(RuntimeError, match="begin"):
        FaceTrack(0, TrackConfig(), 240, 320).follow(Frame(0, 0, np.zeros((240, 320), np.uint8)))


@pytest.mark.parametrize("size", [(16, 16), (1, 1), (240, 20)], ids=str)
def test_tracker_takes_landmarks_beside_a_picture_too_small_for_patches(mesh, size):
    tracker, frame = Tracker(TrackConfig(), *size), Frame(0, 0, np.zeros(size, np.uint8))
    faces = (FaceLandmarks(0, mesh.astype(np.float32), 1.0),)
    for k in range(3):
        frame = Frame(k, k * 10_000_000, np.zeros(size, np.uint8))
        tracker.reseat(KeyFrameAnswer(k, 0, faces), frame)
        traces = tracker.follow(frame)
    assert np.all(traces[0].codes[:N_SIGNALS] == LOST)
    assert decode(traces[0].codes)[N_SIGNALS + AUX_NAMES.index("quality")] == 0


def test_tracker_follows_nobody_until_the_model_answers():
    tracker, frame = Tracker(TrackConfig(), 240, 320), Frame(0, 0, np.zeros((240, 320), np.uint8))
    assert tracker.follow(frame) == ()
    assert tracker.wants_key_frame(frame)
    assert tracker.coverage == 0
    tracker.reseat(KeyFrameAnswer(0, 0, ()), frame)
    assert tracker.n_faces == 0
    assert tracker.take_news() == []


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e30, -1e30])
def test_tracker_survives_landmarks_that_are_no_places(swaying, value):
    tracker = Tracker(TrackConfig(), 240, 320)
    good, bad = swaying.landmarks(0), np.full((468, 3), value, np.float32)
    for k, points in enumerate((good, bad, good, good)):
        frame = swaying.frames[k]
        tracker.follow(frame)
        tracker.remember_key_frame(frame)
        tracker.reseat(KeyFrameAnswer(k, 0, (FaceLandmarks(0, points, 1.0),)), frame)
    (trace,) = tracker.follow(swaying.frames[4])
    assert decode(trace.codes)[N_SIGNALS + AUX_NAMES.index("quality")] == 1.0


def test_tracker_takes_a_repeated_timestamp(swaying):
    tracker = Tracker(TrackConfig(), 240, 320)
    faces = (FaceLandmarks(0, swaying.landmarks(0), 1.0),)
    tracker.reseat(KeyFrameAnswer(0, 0, faces), swaying.frames[0])
    for _ in range(3):
        (trace,) = tracker.follow(Frame(1, 0, swaying.frames[1].luma))
    assert np.all(trace.codes[:N_SIGNALS] != LOST)


@pytest.mark.parametrize("larger", [1, 5])
def test_tracker_says_where_the_nose_bridge_is_in_the_frame(swaying, larger):
    """Also for a face so large that a smaller picture is made, whose pixels lie between the frame's."""
    luma = np.repeat(np.repeat(swaying.frames[0].luma, larger, axis=0), larger, axis=1)
    points = swaying.landmarks(0)
    half = np.array([0.5, 0.5, 0.0])
    points = (points + half) * larger - half
    frame = Frame(0, 0, luma)
    tracker = Tracker(TrackConfig(), *luma.shape)
    tracker.reseat(KeyFrameAnswer(0, 0, (FaceLandmarks(0, points.astype(np.float32), 1.0),)), frame)
    x, y, iod_px = tracker.place_px(0)
    assert (x, y) == pytest.approx(tuple(points[168, :2]), abs=0.1)
    corners = points[list(OUTER_CORNERS), :2]
    assert iod_px == pytest.approx(np.hypot(*(corners[0] - corners[1])), rel=0.02)
