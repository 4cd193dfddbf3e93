import numpy as np
import pytest

from edge.synth.field import MOVEMENTS, FaceFrame, movement_field
from edge.synth.plan import Happening
from edge.synth.pose import HeadPose

APEX_S = 0.5
# textured places spread over the face
SEEN = [33, 133, 362, 263, 168, 107, 336, 70, 300, 61, 291, 48, 278, 98, 327, 84, 314, 6, 197]


def at_apex(event, amplitude, **rest):
    return Happening(event, 0.0, 1.0, amplitude, **rest)


def moved(amplitude, movement="inner_brow_raise", side="both"):
    return at_apex("movement", amplitude, movement=movement, side=side)


def sampled(picture, x, y, lobes=6):
    """Windowed-sinc sampling in plain numpy: shares nothing with the kernels."""
    k, j = np.floor(x).astype(int), np.floor(y).astype(int)
    near = np.arange(1 - lobes, lobes + 1)
    wx = np.sinc((x - k)[..., None] - near) * np.sinc(((x - k)[..., None] - near) / lobes)
    wy = np.sinc((y - j)[..., None] - near) * np.sinc(((y - j)[..., None] - near) / lobes)
    around = picture[(j[..., None] + near)[..., :, None], (k[..., None] + near)[..., None, :]]
    total = np.einsum("...i,...ij,...j->...", wy, around, wx)
    return total / (wx.sum(axis=-1) * wy.sum(axis=-1))


def misplaced(still, scene, landmarks, radius=6):
    """How far each landmark's patch is drawn from where the truth puts every point of it [shape=(n, 2)], px.

    Brightness at the true places of a patch, less its brightness at rest, as the shift that explains
    it best: one step of least squares, since what is left is small.
    """
    before = still.light_picture(APEX_S).astype(float)
    after = scene.light_picture(APEX_S).astype(float)
    v, u = np.mgrid[-radius : radius + 1, -radius : radius + 1].astype(float)
    out = []
    for x, y in still.true_points(APEX_S, landmarks):
        neutral = np.stack([(x + u).ravel(), (y + v).ravel()], axis=1)
        seen = scene.true_places(APEX_S, neutral).T
        error = sampled(after, *seen) - sampled(before, *neutral.T)
        gx = sampled(after, seen[0] + 0.5, seen[1]) - sampled(after, seen[0] - 0.5, seen[1])
        gy = sampled(after, seen[0], seen[1] + 0.5) - sampled(after, seen[0], seen[1] - 0.5)
        out.append(np.linalg.lstsq(np.stack([gx, gy], axis=1), error, rcond=None)[0])
    return np.array(out)


@pytest.mark.parametrize(
    "happenings",
    [
        (moved(25, "inner_brow_raise"),),
        (moved(40, "lip_corner_pull"), moved(25, "nose_wrinkle", "left")),
        (at_apex("turn", 6.0), at_apex("nod", -4.0), at_apex("tilt", 3.0)),
        (at_apex("turn", -6.0), moved(30, "brow_lower")),
    ],
)
def test_the_picture_is_drawn_where_the_truth_says_to_a_hundredth_of_a_pixel(scene_of, happenings):
    scene = scene_of(*happenings, sway_miod=8.0)
    shift = scene.true_points(APEX_S, SEEN) - scene_of().true_points(APEX_S, SEEN)
    assert np.abs(shift).max() > 1
    errors = misplaced(scene_of(), scene, SEEN)
    assert np.abs(errors).max() < 0.02
    assert np.sqrt(np.mean(errors**2)) < 0.008


def test_the_measure_above_sees_a_shift_of_a_twentieth_of_a_pixel(scene_of):
    shifted = scene_of()
    honest = shifted.true_places
    shifted.true_places = lambda t_s, places: honest(t_s, places) + np.array([0.05, 0.0])
    errors = misplaced(scene_of(), shifted, SEEN)
    np.testing.assert_allclose(errors[:, 0], 0.05, atol=0.015)


def test_a_turn_is_a_rotation_in_depth_seen_in_perspective(scene_of):
    scene = scene_of(at_apex("turn", 9.0), at_apex("nod", 4.0), at_apex("tilt", -5.0))
    pose = scene.head_pose(APEX_S)
    assert pose == HeadPose(9.0, 4.0, -5.0, (0.0, 0.0, 0.0))
    inner = [168, 6, 197, 195, 5, 4, 1, 48, 278, 50, 280, 107, 336]
    points = scene.canvas.points[inner]
    camera = scene.camera
    flat = points[:, :2] - (camera.centre_x_px, camera.centre_y_px)
    body = np.c_[flat * (1 + points[:, 2:] / camera.distance_px), points[:, 2] - camera.pivot_depth_px]
    turned = body @ pose.rotation().T + (0, 0, camera.pivot_depth_px)
    seen = turned[:, :2] * camera.distance_px / (camera.distance_px + turned[:, 2:])
    expected = seen + np.array([camera.centre_x_px, camera.centre_y_px])
    # the surface is a smoothed mesh, so that a landmark's own depth differs a little from it
    assert np.abs(scene.true_points(APEX_S, inner) - expected).max() < 0.015 * scene.iod_px


def test_positive_angles_turn_the_nose_right_and_down_and_the_head_clockwise(scene_of):
    nose, brow, chin = 4, 10, 152
    rest = scene_of().true_points(APEX_S)
    assert scene_of(at_apex("turn", 10.0)).true_points(APEX_S)[nose, 0] > rest[nose, 0] + 2
    assert scene_of(at_apex("nod", 10.0)).true_points(APEX_S)[nose, 1] > rest[nose, 1] + 2
    tilted = scene_of(at_apex("tilt", 10.0)).true_points(APEX_S)
    assert tilted[brow, 0] > rest[brow, 0] + 2
    assert tilted[chin, 0] < rest[chin, 0] - 2


def test_the_background_stays_when_the_head_turns(scene_of):
    rest = scene_of().light_picture(APEX_S).copy()
    turned = scene_of(at_apex("turn", 12.0)).light_picture(APEX_S)
    edge = np.s_[:, :4]
    np.testing.assert_allclose(turned[edge], rest[edge], atol=0.05)
    assert np.abs(turned - rest).max() > 20


def test_movement_comes_before_the_turn(scene_of):
    quarter = scene_of(at_apex("tilt", 20.0))
    both = scene_of(at_apex("tilt", 20.0), moved(40))
    step = both.true_points(APEX_S, [107, 336]) - quarter.true_points(APEX_S, [107, 336])
    upright = scene_of(moved(40)).true_points(APEX_S, [107, 336]) - scene_of().true_points(APEX_S, [107, 336])
    turned = upright @ HeadPose(roll_deg=20.0).rotation()[:2, :2].T
    # the nearer brow is drawn a little larger in perspective
    np.testing.assert_allclose(step, turned, rtol=0.1, atol=0.1)


@pytest.mark.parametrize("movement", sorted(MOVEMENTS))
def test_a_movement_has_its_amplitude_its_side_and_still_eye_corners(scene_of, movement):
    scene = scene_of()
    face = FaceFrame.of(scene.canvas.points)
    y, x = np.mgrid[0:240:2.0, 0:320:2.0]
    fields = {side: movement_field(face, movement, side, x, y) for side in ("left", "right", "both")}
    np.testing.assert_allclose(fields["left"] + fields["right"], fields["both"], atol=1e-6)
    assert np.hypot(*fields["both"]).max() == pytest.approx(1.0, abs=1e-5)
    far_left = x > face.middle[0] + 0.25 * face.iod_px  # the person's left is at the picture's right
    assert np.abs(fields["right"][:, far_left]).max() < 0.03
    moved_points = scene_of(moved(100, movement)).true_points(APEX_S) - scene.true_points(APEX_S)
    size_miod = np.hypot(*moved_points.T) / scene.iod_px * 1000
    assert 80 < size_miod.max() < 112
    assert size_miod[[33, 133, 362, 263, 168, 6]].max() < 12


def test_a_blink_covers_the_iris_and_opens_again(scene_of):
    scene = scene_of(at_apex("blink", 1.0, side="right"), blink_leak_miod=0.0)
    rest = scene_of()
    eyes = {side: np.round(rest.canvas.points[list(pair), :2].mean(axis=0)).astype(int)
            for side, pair in {"right": (159, 145), "left": (386, 374)}.items()}  # fmt: skip

    def patch(picture, side):
        x, y = eyes[side]
        return picture[y - 2 : y + 3, x - 4 : x + 5].copy()

    opened, closed = rest.light_picture(0.0).copy(), scene.light_picture(APEX_S).copy()
    # the shut lid is skin: brighter than pupil and iris, and far more even
    assert patch(closed, "right").mean() > patch(opened, "right").mean() + 20
    np.testing.assert_allclose(patch(closed, "left"), patch(opened, "left"), atol=0.5)
    np.testing.assert_allclose(scene.light_picture(0.0), opened, atol=0.05)


def test_half_a_blink_hides_the_upper_half_and_leaves_the_lower_as_it_was(scene_of):
    rest = scene_of().light_picture(APEX_S).copy()
    scene = scene_of(at_apex("blink", 0.5), blink_leak_miod=0.0)
    scene.script._leak_miod = 0.0
    half = scene.light_picture(APEX_S)
    points = scene.canvas.points
    x = round(float(points[[159, 145], 0].mean()))
    top, bottom = points[159, 1], points[145, 1]
    upper = round(float(top + 0.25 * (bottom - top)))
    assert abs(half[upper, x] - rest[upper, x]) > 8
    # below the margin the eye is covered or not, never squeezed: only the lower lid's small rise shows
    shift = scene.true_points(APEX_S, [145]) - points[[145], :2]
    assert np.abs(shift).max() < 0.01 * scene.iod_px


def test_frames_are_the_same_whatever_the_threads_order_and_run(scene_of):
    happenings = (at_apex("movement", 30, movement="dimple"), at_apex("speech", 50), at_apex("blink", 1))
    settings = {"fps": 20.0, "sway_miod": 20.0, "noise_levels": 3.0, "drop_rate": 0.1, "seed": 9}
    one = list(scene_of(*happenings, **settings).render(n_threads=1))
    two = list(scene_of(*happenings, **settings).render(n_threads=2))
    assert [t for t, _ in one] == [t for t, _ in two]
    for (_, a), (_, b) in zip(one, two, strict=True):
        np.testing.assert_array_equal(a, b)
    scene = scene_of(*happenings, **settings)
    last = int(scene.delivered_frames()[-1])
    np.testing.assert_array_equal(scene.frame(last), one[-1][1])
    other = next(iter(scene_of(*happenings, **{**settings, "seed": 10}).render()))[1]
    assert not np.array_equal(other, one[0][1])


def test_dropped_frames_are_absent_and_the_others_keep_their_times(scene_of):
    scene = scene_of(Happening("drop", 0.29, 0.12, 0.0), fps=100.0, duration_s=1.0)
    times_ns = [t for t, _ in scene.render()]
    assert len(times_ns) == 100 - 12
    assert times_ns == [k * 10_000_000 for k in range(100) if not 29 <= k < 41]


def test_truth_counts_delivered_frames(scene_of):
    drop = Happening("drop", 0.1, 0.1, 0.0)
    scene = scene_of(drop, Happening("movement", 0.3, 0.2, 20.0, 0.25, 0.5, "dimple", "left"), fps=100.0)
    (row,) = scene.truth()
    assert (row.kind, row.side, row.movements, row.regions) == ("micro", "left", "dimple", "mouth")
    assert (row.onset_s, row.apex_s, row.offset_s) == pytest.approx((0.3, 0.4, 0.5))
    assert (row.onset_frame, row.apex_frame, row.offset_frame) == (20, 30, 40)
    assert row.duration_ms == pytest.approx(200)


def test_a_face_near_the_border_is_still_drawn_without_folds(scene_of):
    scene = scene_of(at_apex("turn", 15.0), at_apex("nod", -12.0), face_width_px=200.0)
    assert scene.n_open_nodes == 0
    picture = scene.light_picture(APEX_S)
    assert np.isfinite(picture).all()
    assert scene.n_open_nodes == 0
