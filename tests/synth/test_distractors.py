"""What is not a movement but may be taken for one: gaze, hands, glasses, leaving, knocks, repeats."""

import numpy as np
import pytest

from edge.synth.gaze import gaze_miod, saccade_s
from edge.synth.plan import Happening

APEX_S = 0.5


def lasting(event, amplitude, **rest):
    return Happening(event, 0.0, 1.0, amplitude, **rest)


def changed(scene, rest, t_s=APEX_S, by=1.0):
    """Pixels that differ by more than `by` grey levels [shape=(height, width)]."""
    return np.abs(scene.light_picture(t_s) - rest.light_picture(t_s)) > by


def dark_middle(picture, scene, eye):
    """Mean place of what is dark between the corners of one eye, px."""
    points = scene.canvas.points
    (x0, y0), (x1, y1) = points[list(eye), :2].min(axis=0), points[list(eye), :2].max(axis=0)
    half = 0.05 * scene.iod_px
    rows, columns = np.mgrid[round((y0 + y1) / 2 - half) : round((y0 + y1) / 2 + half), round(x0) : round(x1)]
    light = picture[rows, columns]
    weight = np.maximum(np.percentile(light, 40) - light, 0)
    return np.array([(weight * columns).sum(), (weight * rows).sum()]) / weight.sum()


EYES = {"right": (33, 133), "left": (362, 263)}


@pytest.mark.parametrize("amplitude", [-40.0, 25.0, 40.0])
def test_a_gaze_moves_both_irises_by_its_amplitude_and_no_skin(scene_of, amplitude):
    scene, rest = scene_of(lasting("gaze", amplitude)), scene_of()
    for eye in EYES.values():
        moved = dark_middle(scene.light_picture(APEX_S), scene, eye) - dark_middle(
            rest.light_picture(APEX_S), rest, eye
        )
        # the corners and the lashes are dark too and stay, which holds the mean back
        assert 0.55 < moved[0] / (amplitude / 1000 * scene.iod_px) < 1.2
    rows, columns = np.nonzero(changed(scene, rest))
    points = rest.canvas.points
    for low, high in ((33, 133), (362, 263)):
        inside = (columns > points[low, 0]) & (columns < points[high, 0])
        assert inside.any()
    inside_any = [
        (columns > points[a, 0] - 1) & (columns < points[b, 0] + 1) for a, b in ((33, 133), (362, 263))
    ]
    assert np.all(inside_any[0] | inside_any[1])
    assert rows.min() > points[[159, 386], 1].min() - 3
    assert rows.max() < points[[145, 374], 1].max() + 3
    np.testing.assert_array_equal(scene.true_points(APEX_S), rest.true_points(APEX_S))


def test_the_upper_lid_goes_with_a_gaze_up_and_down(scene_of):
    up, down = scene_of(lasting("gaze_up", 20.0)), scene_of(lasting("gaze_up", -20.0))
    lid = [159, 386]
    assert np.all(up.true_points(APEX_S, lid)[:, 1] < up.canvas.points[lid, 1] - 0.010 * up.iod_px)
    rest = scene_of()
    x, y = np.rint(rest.canvas.points[159, :2]).astype(int)
    below = slice(y + 1, y + 1 + max(1, round(0.015 * rest.iod_px)))
    # lid and lashes have come down over what was iris: skin is brighter
    assert not np.allclose(down.light_picture(APEX_S)[below, x], rest.light_picture(APEX_S)[below, x], atol=5)


def test_a_saccade_lasts_as_the_main_sequence_says_and_the_gaze_is_held():
    look = Happening("gaze", 1.0, 0.5, 40.0)
    assert 0.06 < saccade_s(40.0) < 0.08
    assert 0.02 < saccade_s(4.0) < 0.03
    assert gaze_miod(1.0, [look]) == 0
    assert gaze_miod(1.0 + 0.5 * saccade_s(40.0), [look]) == pytest.approx(20)
    assert [gaze_miod(t, [look]) for t in (1.08, 1.25, 1.42)] == pytest.approx([40, 40, 40])
    assert gaze_miod(1.501, [look]) == 0


@pytest.mark.parametrize("side", ["both", "left", "right"])
@pytest.mark.parametrize("share", [0.2, 0.6])
def test_a_hand_covers_the_planned_share_of_the_face_from_its_side(scene_of, side, share):
    rest, scene = scene_of(), scene_of(lasting("hand", share, side=side))
    rows, columns = np.nonzero(changed(scene, rest, by=6.0))
    low, high = rest.face.points.min(axis=0), rest.face.points.max(axis=0)
    covered = {
        "both": (high[1] - rows.min()) / (high[1] - low[1]),
        "left": (high[0] - columns.min()) / (high[0] - low[0]),
        "right": (columns.max() - low[0]) / (high[0] - low[0]),
    }[side]
    assert covered == pytest.approx(share, abs=0.04)
    assert not changed(scene, rest, t_s=0.0, by=0.0).any()


def test_after_a_hand_has_gone_the_background_is_as_it_was(scene_of):
    rest, scene = scene_of(), scene_of(Happening("hand", 0.1, 0.4, 0.8))
    assert changed(scene, rest, 0.3).any()
    np.testing.assert_array_equal(scene.light_picture(0.6), rest.light_picture(0.6))


def test_glasses_turn_with_the_head_and_do_not_follow_the_skin(scene_of):
    raise_brows = lasting("movement", 60.0, movement="brow_lower")
    bare, worn = scene_of(raise_brows), scene_of(raise_brows, glasses=1)
    still, worn_still = scene_of(), scene_of(glasses=1)
    frames, frames_still = changed(worn, bare, by=25.0), changed(worn_still, still, by=25.0)
    assert 0.005 < frames_still.mean() < 0.1
    assert np.mean(frames & frames_still) > 0.8 * frames_still.mean()
    turned = changed(scene_of(lasting("turn", 10.0), glasses=1), scene_of(lasting("turn", 10.0)), by=25.0)
    # the frames stand half an eye distance before the axis of the turn
    shift = np.nonzero(turned)[1].mean() - np.nonzero(frames_still)[1].mean()
    assert 0.05 < shift / still.iod_px < 0.25


def glints_middle(scene, rest):
    rows, columns = np.nonzero(changed(scene, rest, by=40.0))
    return np.array([columns.mean(), rows.mean()])


def test_glints_saturate_stay_within_the_lenses_and_run_against_the_turn(scene_of):
    glint = lasting("glint", 250.0)
    rest, scene = scene_of(), scene_of(glint)
    assert scene.frame(int(APEX_S * scene.settings.fps)).max() == 255
    turn = lasting("turn", 4.0)
    seen = glints_middle(scene_of(glint, turn), scene_of(turn)) - glints_middle(scene, rest)
    between_eyes = [168]
    head = scene_of(turn).true_points(APEX_S, between_eyes) - rest.true_points(APEX_S, between_eyes)
    assert head[0, 0] > 0
    assert seen[0] < head[0, 0] - 0.05 * rest.iod_px
    assert not changed(scene_of(lasting("glint", 0.0)), rest, by=0.0).any()


def test_the_truth_slides_away_with_the_person_and_the_background_stays(scene_of):
    leave = Happening("leave", 0.1, 0.8, 2500.0, 0.2, 0.6)
    scene, rest = scene_of(leave), scene_of()
    gone = scene.true_points(APEX_S) - rest.true_points(APEX_S)
    np.testing.assert_allclose(gone, [[2.5 * scene.iod_px, 0.0]] * 468, atol=0.01)
    picture = scene.light_picture(APEX_S).copy()
    np.testing.assert_allclose(picture[:60, :10], rest.light_picture(APEX_S)[:60, :10], atol=0.5)
    nose = np.rint(rest.canvas.points[4, :2]).astype(int)
    around = np.s_[nose[1] - 20 : nose[1] + 20, nose[0] - 20 : nose[0] + 20]
    assert picture[around].std() < 0.3 * rest.light_picture(APEX_S)[around].std()
    np.testing.assert_array_equal(scene.light_picture(0.95), rest.light_picture(0.95))


def test_a_person_who_slides_a_little_is_drawn_where_the_truth_says(scene_of):
    scene, rest = scene_of(lasting("leave", 50.0)), scene_of()
    shift = scene.true_points(APEX_S, [1]) - rest.true_points(APEX_S, [1])
    assert shift[0] == pytest.approx([0.05 * scene.iod_px, 0.0], abs=0.01)
    shifted_px = scene.picture_shift_px(APEX_S)[0]
    x, y = np.rint(rest.canvas.points[4, :2]).astype(int)
    line = rest.light_picture(APEX_S)[y, x - 30 : x + 31].copy()
    seen = np.interp(
        np.arange(x - 20, x + 21) + shifted_px, np.arange(320), scene.light_picture(APEX_S)[y].astype(float)
    )
    assert np.abs(seen - line[10:-10]).max() < 4


def test_a_knock_shakes_everything_and_dies_away(scene_of):
    knock = Happening("knock", 0.2, 0.3, 40.0)
    scene, rest = scene_of(knock), scene_of()
    times_s = np.arange(0.2, 0.5, 0.001)
    shifts = np.array([np.hypot(*scene.picture_shift_px(t)) for t in times_s]) / scene.iod_px * 1000
    assert 30 < shifts.max() < 45
    assert shifts[:80].max() > 4 * shifts[-80:].max()
    swings = np.array([scene.picture_shift_px(t)[1] for t in times_s])
    crossings = np.sum(swings[1:] * swings[:-1] < 0)
    assert 2 * 8 * 0.3 - 2 <= crossings <= 2 * 15 * 0.3 + 1
    t_s = float(times_s[shifts.argmax()])
    corner = np.s_[5:40, 5:40]
    shift = np.array(scene.picture_shift_px(t_s))
    np.testing.assert_allclose(
        scene.true_points(t_s) - rest.true_points(t_s), np.tile(shift, (468, 1)), atol=0.01
    )
    before, after = rest.light_picture(t_s)[corner].astype(float), scene.light_picture(t_s).astype(float)
    v, u = np.mgrid[corner].astype(float)
    x, y = u + shift[0], v + shift[1]
    k, j = np.floor(x).astype(int), np.floor(y).astype(int)
    f, g = x - k, y - j
    top = after[j, k] * (1 - f) + after[j, k + 1] * f
    seen = top * (1 - g) + (after[j + 1, k] * (1 - f) + after[j + 1, k + 1] * f) * g
    # the background has moved as far as the truth says, and not by chance
    assert np.abs(seen - before).mean() < 0.25 * np.abs(after[corner] - before).mean()
    np.testing.assert_array_equal(scene.light_picture(0.6), rest.light_picture(0.6))


def test_during_duplicates_every_second_frame_shows_the_one_before_it_again(scene_of):
    scene = scene_of(Happening("duplicate", 0.2, 0.2, 0.0), fps=50.0, duration_s=0.6, noise_levels=2.0)
    played = list(scene.render())
    assert [t for t, _ in played] == [scene.timestamp_ns(k) for k in range(30)]
    again = [k for k in range(1, 30) if np.array_equal(played[k][1], played[k - 1][1])]
    assert again == [11, 13, 15, 17, 19]
    np.testing.assert_array_equal(played[12][1], scene.frame(12))


def test_a_rate_of_duplicates_repeats_that_share_of_the_frames(scene_of):
    scene = scene_of(fps=100.0, duration_s=20.0, duplicate_rate=0.1, drop_rate=0.05)
    shown, delivered = scene.shown_frames(), scene.delivered_frames()
    assert np.mean(shown != delivered) == pytest.approx(0.1, abs=0.02)
    assert np.all(np.diff(shown) >= 0)
    assert np.isin(shown, delivered).all()


def test_distractors_are_the_same_whatever_the_threads(scene_of):
    happenings = [
        Happening("hand", 0.1, 0.2, 0.5),
        Happening("knock", 0.2, 0.3, 30.0),
        Happening("leave", 0.4, 0.3, 800.0),
        Happening("gaze", 0.1, 0.6, 30.0),
        Happening("glint", 0.3, 0.3, 200.0),
        Happening("duplicate", 0.3, 0.2, 0.0),
    ]
    settings = {"fps": 30.0, "sway_miod": 20.0, "noise_levels": 2.0, "glasses": 1}
    one = list(scene_of(*happenings, **settings).render(n_threads=1))
    two = list(scene_of(*happenings, **settings).render(n_threads=2))
    for (t1, a), (t2, b) in zip(one, two, strict=True):
        assert t1 == t2
        np.testing.assert_array_equal(a, b)
