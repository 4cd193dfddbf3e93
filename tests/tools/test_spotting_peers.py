"""The peers' arithmetic, without OpenCV and MediaPipe."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from spotting.peers import flow, flow_events, flow_regions, lucas_kanade, mesh, mesh_signals, sweep, watching
from spotting.peers.flow_events import Rise

from edge.anatomy import AUX_NAMES, LOST, N_SIGNALS, SIGNAL_NAMES, decode
from edge.config import SpotConfig
from edge.evaluate.score import Interval
from edge.synth.portrait import built_in_portrait

RATE_HZ = 30.0


@pytest.fixture
def rng():
    """Random numbers, the same in every run."""
    return np.random.default_rng(7)


@pytest.fixture(scope="module")
def face():
    """A frontal mesh [shape=(468, 3)], px."""
    return built_in_portrait().points.astype(np.float64)


def hump(n, apex, half, height):
    """A raised cosine [shape=(n,)], px."""
    s = (np.arange(n) - apex) / half
    return np.where(np.abs(s) < 1, height * (0.5 + 0.5 * np.cos(np.pi * s)), 0.0)


# ---- where the flow recipe looks -------------------------------------------------------------


def test_every_point_of_dlib_that_is_looked_at_has_its_own_mesh_point():
    table = flow_regions.MESH_OF_DLIB
    assert sorted(table) == list(range(17, 68))
    assert len(set(table.values())) == len(table)
    assert all(0 <= index < 468 for index in table.values())
    used = {k for region in flow_regions.FLOW_REGIONS for k in region.points} | set(flow_regions.NOSE_POINTS)
    assert used <= set(table)


def test_the_mesh_points_lie_where_dlibs_would(face):
    at = {k: face[index, :2] for k, index in flow_regions.MESH_OF_DLIB.items()}
    for run in (range(17, 27), range(31, 36), (36, 37, 38, 39, 42, 43, 44, 45), range(48, 55)):
        x = [at[k][0] for k in run]
        assert x == sorted(x), "dlib counts these from the picture's left to its right"
    assert at[27][1] < at[28][1] < at[29][1] < at[30][1] < at[33][1] < at[51][1] < at[62][1] < at[57][1]
    assert max(at[k][1] for k in range(17, 27)) < min(at[k][1] for k in range(36, 48))


def test_curves_have_their_own_names_and_the_sides_of_the_person(face):
    regions = flow_regions.FLOW_REGIONS
    assert len({region.name for region in regions}) == len(regions) == 16
    for region in regions:
        x = np.mean([face[flow_regions.MESH_OF_DLIB[k], 0] for k in region.points])
        if region.side != "both":
            assert (x < face[168, 0]) == (region.side == "right"), region.name


def test_the_square_is_four_inner_corner_distances_wide_and_holds_every_box(face):
    square = flow_regions.square_around(face)
    inner_px = np.hypot(*(face[362, :2] - face[133, :2]))
    assert square.side == pytest.approx(4 * inner_px, abs=1)
    boxes = flow_regions.boxes_of(face, square)
    assert len(boxes) == len(flow_regions.FLOW_REGIONS) + 1
    for rows, columns in boxes:
        assert 0 < rows.start < rows.stop < flow_regions.CROP_PX
        assert 0 < columns.start < columns.stop < flow_regions.CROP_PX
    rows, columns = boxes[0]  # one point: 10 px to each side of it
    assert rows.stop - rows.start == columns.stop - columns.start == 21


def test_a_box_inside_another_cuts_the_same_pixels():
    picture = np.arange(256 * 256).reshape(256, 256)
    boxes = [(slice(40, 60), slice(70, 95)), (slice(100, 120), slice(3, 20))]
    outer = flow.around(boxes, 16)
    assert outer == (slice(24, 136), slice(0, 111))
    for box in boxes:
        assert (picture[outer][flow.inside(box, outer)] == picture[box]).all()


# ---- low-pass, peaks, valleys -----------------------------------------------------------------


def test_the_low_pass_keeps_what_is_slow_and_removes_what_is_fast():
    t_s = np.arange(200) / RATE_HZ
    slow, fast = np.cos(2 * np.pi * 3.0 * t_s), np.cos(2 * np.pi * 9.0 * t_s)
    passed = flow_events.low_passed(2.0 + slow + fast, RATE_HZ, 5.0)
    assert np.abs(passed - 2.0 - slow)[10:-10].max() < 0.05


def test_the_low_pass_is_the_sum_of_the_slow_cosines(rng):
    n = 37
    curve = rng.normal(size=n)
    k = np.arange(n)
    expected = np.zeros(n)  # the mirrored curve's spectrum is a cosine series
    for order in range(n):
        if order * RATE_HZ / (2 * n) <= 5.0:
            wave = np.cos(np.pi * order * (k + 0.5) / n)
            expected += wave * (curve @ wave) * (1 if order == 0 else 2) / n
    np.testing.assert_allclose(flow_events.low_passed(curve, RATE_HZ, 5.0), expected, atol=1e-12)


@pytest.mark.parametrize(("height_px", "strength"), [(1.8, 1.0), (3.6, 2.0), (0.9, 0.5)])
def test_a_rise_is_as_strong_as_it_passes_the_published_threshold(height_px, strength):
    (rise,) = flow_events.rises_of(hump(200, 80, 12, height_px), RATE_HZ, 1.8)
    assert rise.apex == 80
    assert rise.strength == pytest.approx(min(strength, height_px / flow_events.RISE_LEAST_PX))
    assert 68 <= rise.onset < 80 < rise.offset <= 92


def test_what_is_far_too_low_or_flat_is_no_rise():
    assert flow_events.rises_of(np.zeros(200), RATE_HZ, 1.8) == []
    assert flow_events.rises_of(hump(200, 80, 12, 0.2), RATE_HZ, 1.8) == []
    assert flow_events.peaks_of(np.arange(50.0)) == []


def test_a_border_lies_at_a_third_of_the_height_when_little_is_left_below():
    curve = hump(200, 80, 20, 0.9)  # a third of it is 0.3 px
    onset = flow_events.border(curve, 80, -1, RATE_HZ)
    assert curve[onset] <= 0.3 < curve[onset + 1]
    assert flow_events.border(curve, 80, 1, RATE_HZ) == 160 - onset


def test_a_border_goes_on_down_while_more_than_three_tenths_of_a_pixel_are_left():
    curve = hump(200, 80, 20, 6.0)
    onset = flow_events.border(curve, 80, -1, RATE_HZ)
    assert curve[onset] <= 0.3 < curve[onset + 1]


def test_a_border_stops_at_the_first_local_minimum():
    curve = hump(200, 80, 10, 6.0)
    curve[:75] = 6.0  # falls from a plateau into a notch before the peak
    curve[74] = curve[75] - 0.5
    assert flow_events.border(curve, 80, -1, RATE_HZ) == 74


def test_two_humps_in_a_long_interval_are_cut_at_the_valley():
    curve = hump(200, 60, 12, 4.0) + hump(200, 80, 12, 3.0)
    whole = Rise(50, 60, 92, 2.0)
    first, second = flow_events.split(curve, whole, RATE_HZ)
    assert (first.onset, first.apex, second.apex, second.offset) == (50, 60, 80, 92)
    assert first.offset == second.onset == 60 + int(np.argmin(curve[60:81]))
    assert first.strength == 2.0 > second.strength > 0
    assert flow_events.split(curve, Rise(55, 60, 68, 2.0), RATE_HZ) == [Rise(55, 60, 68, 2.0)]
    shallow = hump(200, 60, 12, 4.0) + hump(200, 70, 12, 4.0)
    assert flow_events.split(shallow, Rise(48, 60, 82, 2.0), RATE_HZ) == [Rise(48, 60, 82, 2.0)]


def test_neighbouring_apices_and_overlaps_are_joined_and_others_are_not():
    near = [Rise(10, 15, 16, 1.0), Rise(16, 17, 25, 2.0)]
    assert flow_events.joined(near) == [Rise(10, 17, 25, 2.0)]
    apart = [Rise(10, 15, 20, 1.0), Rise(20, 25, 30, 2.0)]
    assert flow_events.joined(apart) == apart


# ---- events, blocks, cues ---------------------------------------------------------------------


def test_regions_that_move_together_are_one_event():
    lead, companion = Rise(100, 110, 120, 3.0, 1), Rise(110, 115, 130, 2.5, 4)
    weak, apart = Rise(95, 111, 140, 1.0, 5), Rise(127, 135, 150, 2.0, 6)
    events = flow_events.merged([weak, apart, companion, lead])
    assert [len(event) for event in events] == [3, 1]
    top = events[0][0]
    assert (top.onset, top.offset, top.region) == (100, 130, 1), "a much weaker one moves no border"


@given(
    st.lists(
        st.builds(
            lambda onset, up, down, strength: Rise(onset, onset + up, onset + up + down, strength),
            st.integers(0, 300),
            st.integers(1, 30),
            st.integers(1, 30),
            st.floats(0.3, 9.0),
        ),
        max_size=25,
    )
)
def test_merging_loses_no_rise_and_leads_with_the_strongest(rises):
    events = flow_events.merged(rises)
    assert sum(len(event) for event in events) == len(rises)
    for event in events:
        assert event[0].strength == max(rise.strength for rise in event)


def test_events_that_are_too_short_or_too_long_are_dropped():
    events = [[Rise(0, 5, n - 1, 1.0)] for n in (11, 12, 200, 201)]
    kept = flow_events.lasting(events, RATE_HZ, 0.4)
    assert [event[0].offset + 1 for event in kept] == [12, 200]


@pytest.mark.parametrize(("fps", "step"), [(25, 1), (30, 1), (60, 2), (100, 3), (120, 4), (200, 7)])
def test_frames_are_left_out_down_to_about_thirty_a_second(fps, step):
    assert flow.step_of(fps) == step


class CountingBlock:
    """Stands for a block and counts its samples."""

    def __init__(self, first):
        self.first, self.samples = first, []

    def add(self, luma):
        self.samples.append(luma)

    @property
    def is_full(self):
        return len(self.samples) >= flow.BLOCK_SAMPLES


def test_blocks_of_two_hundred_begin_every_hundred_samples():
    blocks = flow.Blocks(lambda sample, _luma: CountingBlock(sample))
    full = [block for number in range(450) if (block := blocks.add(number)) is not None]
    assert [(b.first, b.samples[0], b.samples[-1]) for b in full] == [
        (0, 0, 199),
        (100, 100, 299),
        (200, 200, 399),
    ]
    assert (blocks.rest().first, blocks.rest().samples[-1]) == (300, 449)


def test_a_block_waits_for_a_face():
    blocks = flow.Blocks(lambda sample, _luma: CountingBlock(sample) if sample >= 30 else None)
    assert [blocks.add(number) for number in range(30)] == [None] * 30
    for number in range(30, 140):
        blocks.add(number)
    assert blocks.rest().first == 30
    assert len(blocks.rest().samples) == 110
    assert flow.Blocks(lambda _sample, _luma: None).rest() is None


def test_the_strongest_vectors_make_the_mean():
    vectors = np.zeros((10, 10, 2), np.float32)
    vectors[2, 3:8] = (3.0, -4.0)
    np.testing.assert_allclose(flow.strongest_mean(vectors, 0.05), (3.0, -4.0))
    np.testing.assert_allclose(flow.strongest_mean(vectors, 0.10), (1.5, -2.0))


def test_events_become_cues_in_order_of_time():
    times_s = [k / RATE_HZ for k in range(300)]
    events = [[Rise(200, 210, 260, 2.0, 8)], [Rise(30, 36, 42, 1.5, 0)]]
    first, second = flow.cues_of(events, times_s)
    assert (first.kind, first.side, first.region, first.apex_s) == ("micro", "right", "brow", 36 / RATE_HZ)
    assert (second.kind, second.region, second.strength) == ("macro", "mouth", 2.0)


# ---- the mesh ---------------------------------------------------------------------------------


def turned(angles_rad):
    """Rotation matrix [shape=(3, 3)]: roll after yaw after pitch."""
    pitch, yaw, roll = angles_rad
    c, s = np.cos, np.sin
    about_x = np.array([[1, 0, 0], [0, c(pitch), -s(pitch)], [0, s(pitch), c(pitch)]])
    about_y = np.array([[c(yaw), 0, s(yaw)], [0, 1, 0], [-s(yaw), 0, c(yaw)]])
    about_z = np.array([[c(roll), -s(roll), 0], [s(roll), c(roll), 0], [0, 0, 1]])
    return about_z @ about_y @ about_x


@given(st.tuples(*[st.floats(-0.5, 0.5)] * 3), st.floats(0.5, 2.0))
def test_a_similarity_is_found_again(angles_rad, scale):
    points = np.random.default_rng(3).normal(size=(20, 3))
    moved = points @ turned(angles_rad).T * scale + (3.0, -2.0, 1.0)
    turn, shift, back = mesh_signals.similarity(moved, points)
    assert back == pytest.approx(1 / scale)
    np.testing.assert_allclose(back * moved @ turn.T + shift, points, atol=1e-9)
    np.testing.assert_allclose(turn.T, turned(angles_rad), atol=1e-9)


def test_head_motion_alone_moves_no_signal(face):
    signals = mesh_signals.MeshSignals()
    signals.advance(face, 100.0)
    for angles_rad in ((0.1, 0.0, 0.0), (0.0, -0.2, 0.05), (0.1, 0.2, -0.1)):
        values = decode(signals.advance(face @ turned(angles_rad).T * 1.1 + (8.0, -5.0, 0.0), 100.0))
        assert np.abs(values[:N_SIGNALS]).max() < 0.05
        pitch, yaw, roll = angles_rad
        assert values[CHANNELS["log_scale_permille"]] == pytest.approx(1e3 * np.log(1.1), abs=0.2)
        if pitch == 0.0 and roll == 0.0:
            assert abs(values[CHANNELS["yaw_mrad"]]) == pytest.approx(abs(1e3 * yaw), abs=0.2)


CHANNELS = {name: N_SIGNALS + k for k, name in enumerate(AUX_NAMES)}


def test_a_raised_brow_is_told_in_thousandths_of_the_eye_distance(face):
    signals = mesh_signals.MeshSignals()
    signals.advance(face, 100.0)
    line = face[263, :2] - face[33, :2]
    up = np.array([line[1], -line[0]]) / 1000.0  # one miod upwards in the tilted face
    moved = face.copy()
    moved[[107, 55, 66], :2] += 12.0 * up
    values = decode(signals.advance(moved, 100.0))
    assert values[SIGNAL_NAMES.index("inner_brow_right")] == pytest.approx(12.0, abs=0.05)
    assert abs(values[SIGNAL_NAMES.index("inner_brow_left")]) < 0.05


def test_shut_lids_are_closure_and_half_shut_ones_less(face):
    def with_lids(share):
        moved = face.copy()
        for up, low, _, _ in mesh_signals._LIDS:
            moved[up] = moved[low] + (1.0 - share) * (face[up] - face[low])
        return moved

    signals = mesh_signals.MeshSignals()
    closure = [decode(signals.advance(with_lids(s), 100.0))[N_SIGNALS] for s in (0.0, 0.3, 0.8, 0.0)]
    assert closure == pytest.approx([0.0, 0.5, 1.0, 0.0], abs=0.01)


def test_no_face_is_told_as_lost(face):
    signals = mesh_signals.MeshSignals()
    assert signals.advance(np.full((468, 3), np.nan), 100.0) is None
    signals.advance(face, 100.0)
    assert (signals.advance(np.full((468, 3), np.nan), 100.0) == LOST).all()


FAKE_MEDIAPIPE = """
from types import SimpleNamespace as Names


class FaceMesh:
    def __init__(self, static_image_mode, max_num_faces, refine_landmarks):
        assert not static_image_mode and max_num_faces == 1 and not refine_landmarks

    def process(self, picture):
        print("a remark")
        assert picture.shape[2] == 3
        level = picture.max() / 100.0
        points = [Names(x=level, y=k / 468, z=-0.5) for k in range(468)]
        return Names(multi_face_landmarks=[Names(landmark=points)] if level else None)


solutions = Names(face_mesh=Names(FaceMesh=FaceMesh))
"""


def test_landmarks_come_back_through_the_pipe_in_pixels(tmp_path, monkeypatch):
    (tmp_path / "mediapipe.py").write_text(FAKE_MEDIAPIPE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    process = mesh.MeshProcess(sys.executable, 60, 80)
    try:
        for level in (50, 0, 25):
            points = process.landmarks(np.full((60, 80), level, np.uint8))
            if level:
                np.testing.assert_allclose(points[:, 0], 0.8 * level)
                np.testing.assert_allclose(points[:, 1], 60 * np.arange(468) / 468, rtol=1e-6)
                np.testing.assert_allclose(points[:, 2], -40.0)
            else:
                assert np.isnan(points).all()
        assert process.cpu_s >= 0.0
    finally:
        process.close()


def test_a_mesh_that_does_not_start_is_told(tmp_path, monkeypatch):
    (tmp_path / "mediapipe.py").write_text("raise ImportError")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    process = mesh.MeshProcess(sys.executable, 60, 80)
    with pytest.raises(mesh.MeshEnded, match="MediaPipe"):
        process.landmarks(np.zeros((60, 80), np.uint8))
    process.close()


# ---- Lucas-Kanade, strength -------------------------------------------------------------------


@given(st.lists(st.tuples(st.floats(0, 319), st.floats(0, 239)), min_size=1, max_size=8))
def test_the_part_given_to_lucas_kanade_holds_all_points_and_lies_in_the_picture(points):
    x0, y0, x1, y1 = lucas_kanade.box_around(np.array(points), 240, 320)
    assert 0 <= x0 < x1 <= 320
    assert 0 <= y0 < y1 <= 240
    assert x0 % 4 == y0 % 4 == 0
    assert min(x1 - x0, y1 - y0) >= 48
    for x, y in points:
        assert x0 <= x <= x1
        assert y0 <= y <= y1


def test_a_patch_is_sampled_between_the_pixels(rng):
    luma = rng.integers(0, 256, (50, 60)).astype(np.uint8)
    patch = np.zeros((16, 16), np.float32)
    lucas_kanade.sample_patch(luma, 30.3, 20.6, patch)
    expected = np.zeros((16, 16))
    for j in range(16):
        for i in range(16):
            x, y = 30.3 + i - 7.5, 20.6 + j - 7.5
            ix, iy = int(x), int(y)
            corner = luma[iy : iy + 2, ix : ix + 2].astype(float)
            expected[j, i] = np.array([1 - y + iy, y - iy]) @ corner @ np.array([1 - x + ix, x - ix])
    np.testing.assert_allclose(patch, expected - expected.mean(), atol=1e-3)


def test_likeness_is_the_correlation_and_nothing_on_flat_skin(rng):
    one, other = rng.normal(size=(2, 16, 16)).astype(np.float32)
    other += one
    one, other = one - one.mean(), other - other.mean()
    expected = np.corrcoef(one.ravel(), other.ravel())[0, 1]
    assert lucas_kanade.correlation_of(one, other) == pytest.approx(expected, abs=1e-5)
    assert lucas_kanade.correlation_of(one, np.zeros((16, 16), np.float32)) == 0.0


def test_strength_grows_with_certainty_and_at_the_floor_with_the_score():
    assert watching.strength_of(0.01) == pytest.approx(2.0)
    assert watching.strength_of(0.001) > watching.strength_of(0.01) > watching.strength_of(10.0)
    assert watching.strength_of(0.002, 90.0) > watching.strength_of(0.002, 12.0)
    assert np.isfinite(watching.strength_of(0.0))


def test_a_permissive_spotter_differs_in_nothing_else():
    config = SpotConfig(learning_s=4.0, macro=False)
    changed = watching.permissive(config)
    assert changed.accepted_false_per_hour > config.accepted_false_per_hour
    assert (changed.learning_s, changed.macro) == (4.0, False)


def test_a_cue_keeps_its_times_words_and_flag():
    cue = SimpleNamespace(
        onset_ns=1_000_000_000,
        apex_ns=1_100_000_000,
        offset_ns=1_250_000_000,
        expected_false_per_hour=0.1,
        score=8.0,
        movements=("inner_brow_raise", "lips_part"),
        side="both",
        regions=("brow", "mouth"),
        kind="micro",
        during_blink=False,
        during_speech=True,
    )
    peer_cue = watching.cue_of(cue)
    assert (peer_cue.onset_s, peer_cue.apex_s, peer_cue.offset_s) == (1.0, 1.1, 1.25)
    assert (peer_cue.name, peer_cue.region) == ("inner_brow_raise+lips_part", "brow+mouth")
    assert peer_cue.flagged


# ---- the sweep --------------------------------------------------------------------------------


@pytest.fixture
def watched_clip():
    """A minute with two movements and a blink; five cues."""
    truth = [
        Interval(10.0, 10.3, "micro", "inner_brow_raise"),
        Interval(20.0, 20.3, "micro", "chin_raise"),
        Interval(30.0, 30.2, "blink", ""),
    ]
    cues = [
        watching.PeerCue(10.02, 10.15, 10.3, 3.0),
        watching.PeerCue(30.0, 30.1, 30.2, 2.0, flagged=True),
        watching.PeerCue(40.0, 40.1, 40.2, 1.0),
        watching.PeerCue(20.25, 20.3, 20.5, 0.5),
        watching.PeerCue(1.0, 1.1, 1.2, 0.2),
    ]
    return sweep.WatchedClip(truth, cues, 60.0)


def test_a_lower_bar_gives_recall_for_false_cues(watched_clip):
    points = sweep.curve([watched_clip])
    assert [point.strength for point in points] == [3.0, 2.0, 1.0, 0.5, 0.2]
    assert [point.recall for point in points] == [0.5, 0.5, 0.5, 1.0, 1.0]
    assert [point.n_false for point in points] == [0, 0, 1, 1, 1], "flagged and early ones do not count"
    assert points[-1].recall_hit == 0.5
    assert points[-1].false_per_minute == 1.0


def test_a_long_cue_that_only_touches_a_movement_is_false():
    truth = [Interval(10.0, 10.3, "micro", "chin_raise")]
    touching = watching.PeerCue(9.0, 9.5, 10.1, 1.0)
    (point,) = sweep.curve([sweep.WatchedClip(truth, [touching], 60.0)])
    assert (point.recall, point.n_false) == (0.0, 1)


def test_recall_is_compared_at_an_equal_rate_of_false_cues(watched_clip):
    points = sweep.curve([watched_clip, watched_clip])
    assert sweep.best_within(points, 0.0).recall == 0.5
    assert sweep.best_within(points, 1.0).recall == 1.0
    assert sweep.best_within([], 1.0).recall == 0.0
