import numpy as np
import pytest

from edge.perceive.runtime import installed_runtimes
from edge.synth.encode import write_clip
from edge.synth.plan import Happening, Plan, PlanError, SceneSettings
from edge.synth.video_portrait import NoFaceInVideo, VideoPortrait, smoothed

needs_runtime = pytest.mark.skipif(not installed_runtimes(), reason="no TFLite runtime is installed")


@pytest.fixture(scope="module")
def video(scene_of, tmp_path_factory):
    """A face that sways, 0.6 s at 20 fps, as a lossless file; and its frames."""
    scene = scene_of(fps=20.0, duration_s=0.6, sway_miod=20.0, sway_hz=2.0, noise_levels=1.0)
    frames = list(scene.render())
    path = tmp_path_factory.mktemp("video") / "face.mkv"
    write_clip(frames, path, 20.0, lossless=True)
    return path, frames, scene


def raised(amplitude=60.0):
    return Happening("movement", 0.11, 0.3, amplitude, movement="inner_brow_raise")


@needs_runtime
def test_planned_movements_are_added_and_all_other_frames_stay_as_they_are(video):
    path, frames, scene = video
    portrait = VideoPortrait(path, Plan((raised(),)))
    played = [(t, luma.copy()) for t, luma in portrait.render()]
    assert [t for t, _ in played] == [t for t, _ in frames]
    changed = [
        k for k, ((_, a), (_, b)) in enumerate(zip(played, frames, strict=True)) if not np.array_equal(a, b)
    ]
    assert changed == [3, 4, 5, 6, 7, 8]
    brow = scene.true_points(frames[5][0] / 1e9, [107, 336]).mean(axis=0).round().astype(int)
    difference = np.abs(played[5][1].astype(int) - frames[5][1])
    assert difference[brow[1] - 8 : brow[1] + 8, brow[0] - 25 : brow[0] + 25].max() > 20
    chin = round(float(scene.true_points(0.25, [17])[0, 1]))
    assert difference[chin:].max() == 0


@needs_runtime
def test_the_added_movement_has_the_planned_size(video):
    path, frames, scene = video
    played = [luma.copy() for _, luma in VideoPortrait(path, Plan((raised(40.0),))).render()]
    k = 5  # the frame nearest to the apex
    t_s = frames[k][0] / 1e9
    x, y = scene.true_points(t_s, [107])[0]
    share = 0.5 - 0.5 * np.cos(2 * np.pi * (t_s - 0.11) / 0.3)
    expected_px = share * 0.040 * scene.iod_px
    rows = np.arange(round(y) - 6, round(y) + 7)
    before = frames[k][1][:, round(x) - 4 : round(x) + 5].astype(float)
    after = played[k][:, round(x) - 4 : round(x) + 5].astype(float)
    shifts = np.arange(0, 8, 0.05)
    costs = [
        np.mean(
            [
                (np.interp(rows + s, np.arange(len(before)), before[:, c]) - after[rows, c]) ** 2
                for c in range(9)
            ]
        )
        for s in shifts
    ]
    assert shifts[int(np.argmin(costs))] == pytest.approx(expected_px, abs=0.6)


@needs_runtime
def test_truth_leaves_out_what_the_video_cannot_show(video):
    path, _, _ = video
    late = Happening("movement", 5.0, 0.3, 20.0, movement="dimple")
    rows = VideoPortrait(path, Plan((raised(), late))).truth()
    assert [row.movements for row in rows] == ["inner_brow_raise"]


@needs_runtime
def test_dropped_frames_are_absent_and_light_steps_are_played(video):
    path, frames, _ = video
    plan = Plan((Happening("drop", 0.24, 0.12, 0.0), Happening("exposure", 0.0, 0.1, 0.2)))
    played = [(t, luma.copy()) for t, luma in VideoPortrait(path, plan).render()]
    assert [t for t, _ in played] == [t for k, (t, _) in enumerate(frames) if k not in (5, 6, 7)]
    assert played[0][1].mean() == pytest.approx(frames[0][1].mean() * 1.2, rel=0.02)


def test_a_planned_turn_is_refused(video):
    with pytest.raises(PlanError, match="keeps its own head motion, but a nod"):
        VideoPortrait(video[0], Plan((Happening("nod", 0, 1, 5.0),), SceneSettings()))
    with pytest.raises(PlanError, match="keeps its own eyes and scene, but a hand"):
        VideoPortrait(video[0], Plan((Happening("hand", 0, 1, 0.5),), SceneSettings()))


@needs_runtime
def test_duplicates_show_the_video_frame_before_again(video):
    path, frames, _ = video
    plan = Plan((Happening("duplicate", 0.1, 0.3, 0.0),))
    played = [(t, luma.copy()) for t, luma in VideoPortrait(path, plan).render()]
    assert [t for t, _ in played] == [t for t, _ in frames]
    sources = [0, 1, 2, 2, 4, 4, 6, 6, 8, 9, 10, 11]
    for (_, luma), source in zip(played, sources, strict=True):
        np.testing.assert_array_equal(luma, frames[source][1])


@needs_runtime
def test_a_video_without_a_face_is_refused(tmp_path):
    grey = np.full((120, 160), 128, np.uint8)
    write_clip([(k * 50_000_000, grey) for k in range(3)], tmp_path / "grey.mkv", 20.0)
    with pytest.raises(NoFaceInVideo, match="none in its 3 frames"):
        VideoPortrait(tmp_path / "grey.mkv", Plan(()))


def test_smoothing_has_no_delay_and_skips_what_is_missing():
    times_s = np.arange(40) / 25
    line = (3 * times_s)[:, None].astype(np.float32) + np.array([0.0, 10.0], np.float32)
    line[10] = np.nan
    out = smoothed(line, times_s, 0.06)
    assert np.isnan(out[10]).all()
    good = np.setdiff1d(np.arange(40), [8, 9, 10, 11, 12, 6, 7, 13, 14])
    np.testing.assert_allclose(out[good], line[good], atol=1e-4)
    noisy = np.random.default_rng(1).normal(size=(400, 1)).astype(np.float32)
    assert smoothed(noisy, np.arange(400) / 100, 0.06).std() < 0.4
