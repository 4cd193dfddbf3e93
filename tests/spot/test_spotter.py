"""The spotter on simulated faces: finds what moved, leaves alone what did not."""

from __future__ import annotations

import dataclasses
import pickle

import numpy as np
import pytest

from edge.anatomy import LOST, N_CHANNELS, SIGNAL_NAMES
from edge.config import SpotConfig
from edge.messages import Cue, Trace
from edge.spot import Spotter
from edge.spot.band import Beside
from edge.spot.rigid import rigid_patterns
from edge.spot.simulated import SimulatedFace

BROWS = ("inner_brow_right", "inner_brow_left")
CORNERS = ("mouth_corner_up_right", "mouth_corner_up_left")


def overlap(cue, onset_s, offset_s):
    """Intersection over union of a cue and the truth."""
    begin, end = cue.onset_ns / 1e9, cue.offset_ns / 1e9
    shared = max(0.0, min(end, offset_s) - max(begin, onset_s))
    return shared / (max(end, offset_s) - min(begin, onset_s))


def micro(cues):
    """Only the micro cues."""
    return [cue for cue in cues if cue.kind == "micro"]


@pytest.mark.parametrize("fps", [60.0, 120.0, 200.0])
@pytest.mark.parametrize("duration_ms", [67, 100, 200, 300, 450])
def test_movements_of_a_typical_size_are_found_whole(watch, fps, duration_ms):
    face = SimulatedFace(35.0, fps=fps, seed=duration_ms)
    onsets_s = np.arange(8.0, 34.0, 3.0)
    for onset_s in onsets_s:
        face.add_movement(BROWS, onset_s, duration_ms / 1e3, 12.0)
    _, cues, _ = watch(face)
    for onset_s in onsets_s:
        best = max(overlap(cue, onset_s, onset_s + duration_ms / 1e3) for cue in cues)
        assert best >= 0.5
    assert len(cues) <= len(onsets_s) + 1


def test_forty_milliseconds_are_found_at_two_hundred_frames_a_second(watch):
    face = SimulatedFace(35.0, fps=200.0, seed=4)
    onsets_s = np.arange(8.0, 34.0, 3.0)
    for onset_s in onsets_s:
        face.add_movement(("outer_brow_left",), onset_s, 0.04, 8.0)
    _, cues, _ = watch(face)
    found = [any(overlap(cue, onset_s, onset_s + 0.04) >= 0.5 for cue in cues) for onset_s in onsets_s]
    assert np.mean(found) >= 0.9


def test_a_cue_says_what_moved_and_where(watch):
    face = SimulatedFace(20.0, seed=3)
    face.add_movement(("mouth_corner_up_left",), 12.0, 0.2, 15.0)
    face.add_movement(BROWS, 16.0, 0.3, -15.0)
    _, cues, _ = watch(face)
    smile, frown = micro(cues)
    assert (smile.regions, smile.movements, smile.side) == (("mouth",), ("lip_corner_pull",), "left")
    assert (frown.regions, frown.movements, frown.side) == (("brow",), ("brow_lower",), "both")
    assert smile.amplitude_miod == pytest.approx(15.0, abs=2.0)
    assert smile.onset_ns / 1e9 == pytest.approx(12.0, abs=0.02)
    assert smile.apex_ns / 1e9 == pytest.approx(12.1, abs=0.02)
    assert smile.offset_ns / 1e9 == pytest.approx(12.2, abs=0.02)
    assert (smile.onset_frame, smile.offset_frame) == pytest.approx((1440, 1464), abs=2)
    assert smile.duration_error_ms == pytest.approx(1000.0 / 120.0, rel=1e-3)
    assert smile.fps == pytest.approx(120.0, rel=1e-3)
    assert smile.score > 5.0
    assert 0.0 < smile.expected_false_per_hour <= SpotConfig().accepted_false_per_hour
    assert smile.lighting == "ok"
    assert not smile.during_blink
    assert not smile.during_speech
    assert pickle.loads(pickle.dumps(smile)) == smile


def test_a_quick_rise_is_found_because_its_slow_fall_is_waited_for(watch):
    """Its score is highest long before it is over; a band that does not wait finds half of these."""
    face = SimulatedFace(60.0, seed=72)
    onsets_s = np.arange(10.0, 58.0, 3.0)
    for onset_s in onsets_s:
        face.add_movement(BROWS, onset_s, 0.25, 15.0, rise=0.08)
    _, cues, _ = watch(face)
    found = [any(overlap(cue, onset_s, onset_s + 0.25) >= 0.5 for cue in cues) for onset_s in onsets_s]
    assert np.mean(found) >= 0.9


def test_a_cue_is_decided_soon_after_its_offset():
    face = SimulatedFace(40.0, seed=8)
    onsets_s = np.arange(8.0, 38.0, 3.0)
    for onset_s in onsets_s:
        face.add_movement(BROWS, onset_s, 0.2, 15.0)
    spotter = Spotter(SpotConfig(), 120.0)
    delays_s = [
        (trace.timestamp_ns - event.offset_ns) / 1e9
        for trace in face.traces()
        for event in spotter.step(trace)
        if isinstance(event, Cue)
    ]
    assert len(delays_s) >= len(onsets_s)
    assert np.median(delays_s) < 0.12


def test_blocks_and_single_frames_give_the_same_events():
    face = SimulatedFace(30.0, seed=5, noise_miod=0.8)
    for onset_s in (8.0, 12.0, 20.0):
        face.add_movement(BROWS, onset_s, 0.2, 10.0)
    face.add_blink(15.0)
    face.drop_frames(0.02)
    one_by_one, block_wise = (Spotter(SpotConfig(accepted_false_per_hour=600.0), 120.0) for _ in range(2))
    expected = [event for trace in face.traces() for event in one_by_one.step(trace)]
    codes, sequences = face.codes(), np.arange(len(face.timestamps_ns))
    got = []
    for start in range(0, len(codes), 117):
        part = slice(start, start + 117)
        got += block_wise.steps(codes[part], face.timestamps_ns[part], sequences[part])
    assert len(expected) >= 4
    assert got == expected


def test_what_is_quiet_stays_quiet(watch):
    n_cues = 0
    for seed in (1, 2):
        face = SimulatedFace(300.0, seed=seed)
        _, cues, _ = watch(face)
        n_cues += len(cues)
    # ten minutes at the accepted 6 an hour: one expected, more than five once in a thousand runs
    assert n_cues <= 5


def test_the_false_rate_follows_what_is_accepted(watch):
    face = SimulatedFace(400.0, seed=11, sway_miod=4.0, noise_miod=0.7)
    counts = {}
    for accepted in (6.0, 600.0):
        _, cues, _ = watch(face, SpotConfig(accepted_false_per_hour=accepted))
        counts[accepted] = len(cues)
    # 600 an hour in 400 s are 67
    assert 20 <= counts[600.0] <= 135
    assert counts[6.0] <= 5


@pytest.mark.parametrize("over_s", [0.01, 0.05, 0.3, 1.0])
def test_what_does_not_come_back_is_no_cue(watch, over_s):
    face = SimulatedFace(60.0, seed=6)
    for count, at_s in enumerate(np.arange(8.0, 56.0, 4.0)):
        face.add_step(BROWS + CORNERS, at_s, 30.0 if count % 2 else -30.0, over_s)
    _, cues, _ = watch(face)
    assert len(micro(cues)) <= 1


def test_a_long_movement_is_one_macro_cue_and_no_micro(watch):
    face = SimulatedFace(60.0, seed=7)
    for onset_s in (25.0, 40.0):
        face.add_movement(CORNERS, onset_s, 1.5, 40.0)
    _, cues, _ = watch(face)
    assert not micro(cues)
    assert len(cues) == 2
    assert overlap(cues[0], 25.0, 26.5) > 0.7
    _, without, _ = watch(face, SpotConfig(macro=False))
    assert without == []


def test_a_flash_before_a_smile_is_two_cues(watch):
    face = SimulatedFace(50.0, seed=9)
    face.add_movement(CORNERS, 30.0, 0.2, -15.0)
    face.add_movement(CORNERS, 30.4, 1.6, 40.0)
    _, cues, _ = watch(face)
    assert sorted(cue.kind for cue in cues) == ["macro", "micro"]


def test_blinks_are_counted_and_are_no_cues(watch):
    face = SimulatedFace(60.0, seed=10)
    onsets_s = np.arange(4.0, 58.0, 3.0)
    for onset_s in onsets_s:
        face.add_blink(onset_s)
    spotter, cues, blinks = watch(face)
    assert len(blinks) == len(onsets_s) == spotter.n_blinks
    for blink, onset_s in zip(blinks, onsets_s, strict=True):
        assert blink.onset_ns / 1e9 == pytest.approx(onset_s, abs=0.03)
        assert blink.side == "both"
    assert not [cue for cue in cues if not cue.during_blink]


def test_a_movement_with_a_blink_is_found_and_flagged(watch):
    face = SimulatedFace(40.0, seed=12)
    for onset_s in (10.0, 20.0, 30.0):
        face.add_blink(onset_s)
        face.add_movement(BROWS, onset_s + 0.05, 0.25, 25.0)
    face.add_movement(BROWS, 35.0, 0.25, 25.0)
    _, cues, _ = watch(face)
    flags = [cue.during_blink for cue in micro(cues) if "brow" in cue.regions]
    assert flags == [True, True, True, False]


def test_a_gaze_shift_is_no_blink(watch):
    face = SimulatedFace(40.0, seed=13)
    for count, at_s in enumerate(np.arange(8.0, 36.0, 4.0)):
        face.add_step(("closure_right", "closure_left"), at_s, 0.35 if count % 2 == 0 else -0.35)
    _, _, blinks = watch(face)
    assert blinks == []


def test_speech_is_flagged_from_its_second_syllables_on(watch):
    face = SimulatedFace(60.0, seed=14)
    face.add_speech(20.0, 40.0)
    face.add_movement(BROWS, 30.0, 0.2, 20.0)
    spotter, cues, _ = watch(face)
    unflagged = [cue for cue in micro(cues) if not cue.during_speech]
    assert all(cue.apex_ns / 1e9 < 21.5 for cue in unflagged)
    assert len(unflagged) <= 3
    brow = [cue for cue in micro(cues) if cue.regions == ("brow",)]
    assert len(brow) == 1
    assert brow[0].during_speech
    assert not spotter.speech_active


def test_head_turns_make_no_cue_and_are_told(watch):
    face = SimulatedFace(60.0, seed=15)
    for count, at_s in enumerate(np.arange(8.0, 56.0, 4.0)):
        face.add_turn(at_s, 0.4, 150.0 if count % 2 == 0 else -150.0)
    face.add_movement(BROWS, 8.1, 0.3, 60.0)
    _, cues, _ = watch(face)
    assert [cue for cue in micro(cues) if cue.apex_ns / 1e9 > 9.0] == []
    assert micro(cues)[0].head_motion_miod_s > 150.0


def test_lost_patches_make_no_cue_and_other_signals_go_on(watch):
    face = SimulatedFace(40.0, seed=16)
    for at_s in np.arange(6.0, 38.0, 2.0):
        face.lose(CORNERS, at_s, at_s + 0.2)
    face.add_movement(BROWS, 22.05, 0.2, 15.0)
    _, cues, _ = watch(face)
    assert [cue.regions for cue in cues] == [("brow",)]


def test_a_lost_face_makes_no_cue_when_it_returns(watch):
    face = SimulatedFace(30.0, seed=17)
    lost = (face.time_s > 12.0) & (face.time_s < 14.0)
    face.values[lost] = np.nan
    face.values[face.time_s >= 14.0, :24] += 40.0
    _, cues, _ = watch(face)
    assert cues == []


def test_dropped_frames_are_bridged_and_counted(watch):
    face = SimulatedFace(40.0, seed=18)
    for onset_s in (10.0, 20.0, 30.0):
        face.add_movement(BROWS, onset_s, 0.3, 15.0)
    face.drop_frames(0.1)
    spotter, cues, _ = watch(face)
    found = micro(cues)
    assert len(found) == 3
    assert spotter.n_missing == 40 * 120 - len(face.timestamps_ns)
    for cue in found:
        inside = (face.timestamps_ns >= cue.onset_ns) & (face.timestamps_ns <= cue.offset_ns)
        missing = (cue.offset_ns - cue.onset_ns) * 120e-9 - inside.sum()
        assert cue.dropped_frames == pytest.approx(missing, abs=1.5)


def test_long_gaps_make_no_cue(watch):
    face = SimulatedFace(60.0, seed=19)
    face.drop_frames(0.05, run=12)
    _, cues, _ = watch(face)
    assert len(cues) <= 1


def test_an_unknown_frame_rate_is_learned_from_the_timestamps():
    face = SimulatedFace(30.0, fps=100.0, seed=20)
    face.add_movement(BROWS, 20.0, 0.2, 15.0)
    spotter = Spotter(SpotConfig(), 0.0)
    assert spotter.learning
    assert spotter.shortest_observable_ms == float("inf")
    cues = [event for trace in face.traces() for event in spotter.step(trace)]
    assert spotter.fps == pytest.approx(100.0, rel=0.01)
    assert [cue.regions for cue in cues] == [("brow",)]


def test_a_wrong_promise_of_frame_rate_is_corrected():
    face = SimulatedFace(30.0, fps=60.0, seed=21)
    spotter = Spotter(SpotConfig(), 120.0)
    for trace in face.traces():
        spotter.step(trace)
    assert spotter.fps == pytest.approx(60.0, rel=0.01)


@pytest.mark.parametrize(("fps", "limit_ms"), [(200.0, 16.0), (80.0, 40.0), (30.0, 107.0)])
def test_the_shortest_observable_movement_is_told(fps, limit_ms):
    assert Spotter(SpotConfig(), fps).shortest_observable_ms == pytest.approx(limit_ms, rel=0.01)


def test_learning_ends_and_its_figures_can_be_asked_for(watch):
    face = SimulatedFace(20.0, seed=22)
    spotter = Spotter(SpotConfig(learning_s=3.0), 120.0)
    states = []
    for trace in face.traces():
        assert spotter.step(trace) == ()
        states.append(spotter.learning)
    assert states.index(False) == pytest.approx(3.0 * 120, abs=12)
    assert 3.5 <= spotter.threshold_score < 8.0
    assert spotter.baseline_quality == 1.0
    assert set(spotter.noise_miod.values())
    assert 0.1 < np.median(list(spotter.noise_miod.values())) < 1.0


@pytest.mark.parametrize(
    ("level", "step", "expected"), [(120.0, 0.0, "ok"), (25.0, 0.0, "low"), (120.0, 12.0, "changing")]
)
def test_the_light_is_told(watch, level, step, expected):
    face = SimulatedFace(20.0, seed=23)
    face.add("light_levels", np.full(len(face.time_s), level - 120.0))
    face.add_step(("light_levels",), 15.1, step, 0.02)
    face.add_movement(BROWS, 15.0, 0.2, 25.0)
    _, cues, _ = watch(face)
    assert [cue.lighting for cue in micro(cues)] == [expected]


def test_flickering_light_is_told(watch):
    face = SimulatedFace(20.0, seed=24)
    face.add("light_levels", 3.0 * np.sin(2 * np.pi * 20.0 * face.time_s))
    face.add_movement(BROWS, 15.0, 0.2, 25.0)
    _, cues, _ = watch(face)
    assert [cue.lighting for cue in micro(cues)] == ["flicker"]


def test_extreme_and_repeated_frames_do_no_harm():
    spotter = Spotter(SpotConfig(), 120.0)
    rng = np.random.default_rng(25)
    points = np.zeros((0, 2), np.int16)
    for sequence in range(1200):
        kind = sequence // 300
        codes = np.full(N_CHANNELS, (LOST, 32767, -32767, 0)[kind], np.int16)
        if kind == 3:
            codes[:] = rng.integers(-32768, 32768, N_CHANNELS)
        timestamp_ns = (sequence - sequence % 3) * 8_333_333
        spotter.step(Trace(0, sequence, timestamp_ns, codes, points))
    assert np.isfinite(spotter.fps)


def test_two_faces_with_two_spotters_do_not_meet():
    moving, still = SimulatedFace(20.0, seed=26), SimulatedFace(20.0, seed=27)
    moving.add_movement(BROWS, 15.0, 0.2, 15.0)
    spotters = Spotter(SpotConfig(), 120.0), Spotter(SpotConfig(), 120.0)
    events = []
    for first, second in zip(moving.traces(0), still.traces(1), strict=True):
        events.extend(spotters[0].step(first))
        events.extend(spotters[1].step(second))
    assert [dataclasses.astuple(event)[0] for event in events] == [0]


@pytest.mark.parametrize("second", [15.0, -15.0])
def test_there_and_back_twice_is_two_cues_that_belong_together(watch, second):
    face = SimulatedFace(40.0, seed=28)
    face.add_movement(BROWS, 20.0, 0.25, 15.0)
    face.add_movement(BROWS, 20.35, 0.25, second)
    face.add_movement(BROWS, 30.0, 0.25, 15.0)
    _, cues, _ = watch(face)
    first, again, later = micro(cues)
    assert (first.related_onset_ns, later.related_onset_ns) == (None, None)
    assert again.related_onset_ns == first.onset_ns


def test_the_second_of_two_flashes_a_quarter_of_a_second_apart_is_found(watch):
    """The refractory period must end before it: at twice its length every second one is lost."""
    face = SimulatedFace(40.0, seed=5)
    firsts_s = np.arange(8.0, 38.0, 2.0)
    for onset_s in firsts_s:
        face.add_movement(BROWS, onset_s, 0.08, 20.0)
        face.add_movement(BROWS, onset_s + 0.25, 0.08, 20.0)
    _, cues, _ = watch(face)
    seconds_s = firsts_s + 0.25
    found = [any(onset_s < cue.apex_ns / 1e9 < onset_s + 0.08 for cue in cues) for onset_s in seconds_s]
    assert np.mean(found) >= 0.9


def test_a_flash_that_a_smile_covers_belongs_to_it(watch):
    face = SimulatedFace(50.0, seed=9)
    face.add_movement(CORNERS, 30.0, 0.2, -15.0)
    face.add_movement(CORNERS, 30.25, 1.6, 40.0)
    _, cues, _ = watch(face)
    flash, smile = cues
    assert (flash.kind, smile.kind) == ("micro", "macro")
    assert flash.related_onset_ns is None
    assert smile.related_onset_ns == flash.onset_ns


def test_a_faint_brow_during_a_blink_is_found_and_flagged(watch):
    n_found = 0
    face = SimulatedFace(110.0, fps=200.0, seed=29)
    onsets_s = np.arange(10.0, 108.0, 3.0)
    for count, onset_s in enumerate(onsets_s):
        face.add_blink(onset_s)
        if count % 3 == 2:
            face.add_movement(("outer_brow_right", "outer_brow_left"), onset_s + 0.03, 0.25, 12.0)
    _, cues, _ = watch(face)
    for onset_s in onsets_s[2::3]:
        near = [cue for cue in micro(cues) if overlap(cue, onset_s + 0.03, onset_s + 0.28) > 0.5]
        n_found += any(cue.during_blink and "brow" in cue.regions for cue in near)
    assert n_found >= 0.9 * len(onsets_s[2::3])


def test_a_corner_that_the_jaw_pulls_along_waits_for_the_next_syllable(watch):
    """The first syllable of speech is marked as speech whichever signal stands out most."""
    face = SimulatedFace(40.0, seed=9)
    for begin_s in (12.0, 22.0, 32.0):
        for syllable in range(5):
            names = ("mouth_corner_up_right", "mouth_corner_up_left")
            face.add_movement(names, begin_s + 0.25 * syllable, 0.22, -40.0)
            face.add_movement(("chin_right", "chin_left"), begin_s + 0.25 * syllable, 0.22, -30.0)
    _, cues, _ = watch(face)
    assert micro(cues)
    assert all(cue.during_speech for cue in micro(cues))


def test_what_blinks_pull_along_does_not_raise_the_bar_for_the_rest(watch, monkeypatch):
    def blinking():
        face = SimulatedFace(150.0, seed=31)
        for onset_s in np.arange(10.0, 148.0, 1.3):
            face.add_blink(onset_s)
            face.add_movement(("inner_brow_right",), onset_s, 0.2, face.rng.normal(scale=5.0))
        return face

    def bar(face):
        """Of brows and eyes, on their own."""
        return watch(face)[0]._micro.rates[0][0].threshold(2.7)

    quiet, apart = bar(SimulatedFace(150.0, seed=31)), bar(blinking())
    monkeypatch.setattr(Spotter, "_beside", lambda *_: Beside())
    together = bar(blinking())
    assert apart < quiet + 0.5 < together


def test_a_whole_face_that_stands_off_as_a_head_would_is_no_movement(watch):
    face = SimulatedFace(40.0, seed=32, noise_miod=0.3, shared_noise_miod=0.0)
    missed_of_pose = 4.0 * rigid_patterns()[:, [1, 2, 4]].sum(axis=1)
    for name, size in zip(SIGNAL_NAMES, missed_of_pose, strict=True):
        for onset_s in (15.0, 25.0):
            face.add_movement((name,), onset_s, 0.15, size)
    face.add_movement(BROWS, 32.0, 0.15, 4.0)
    _, cues, _ = watch(face)
    assert [round(cue.onset_ns / 1e9) for cue in micro(cues)] == [32]
