import math
from dataclasses import replace
from itertools import pairwise, product

import benchmark_spotting
import numpy as np
import pytest
from spotting import versus
from spotting.clips import HEADS, Clip, Condition
from spotting.loop import follow
from spotting.outcomes import (
    FalseCue,
    Outcome,
    Watched,
    errors,
    judge,
    poisson_limits,
    share_of_hits,
    together,
    wilson,
)
from spotting.peers.sweep import WatchedClip
from spotting.peers.watching import PeerCue
from spotting.plans import (
    AMPLITUDES_MIOD,
    CONDITIONS,
    DISTRACTORS,
    DURATIONS_MS,
    EVERY_MIOD,
    SIDES,
    curve_clip,
    distractor_clip,
    every_movement_clip,
    macro_clip,
    talking_clip,
    video_clip,
)
from spotting.recording import Recording, kept, watch
from spotting.tables import as_json, curve_table, distractor_table, is_barred, is_shortest, share
from spotting.versus import PeerRun

from edge.anatomy import ACTION_UNITS
from edge.config import Config
from edge.evaluate.score import Interval
from edge.evaluate.signals import Decided, spot
from edge.messages import Blink, Cue
from edge.spot.spotter import Spotter
from edge.synth.plan import Happening, Plan, parse_plan, write_plan

SMALL = Condition(fps=60.0, face_width_px=120.0)


@pytest.fixture(scope="module")
def clip():
    """Six quiet seconds, then a raised brow."""
    brow = Happening("movement", 6.5, 0.2, 20.0, movement="inner_brow_raise", side="both")
    return Clip("brow", "brows", Plan((brow,), SMALL.settings(8.0, 3)))


@pytest.fixture(scope="module")
def recording(clip):
    return watch(clip)


def cue(onset_s, offset_s, name="inner_brow_raise", side="both", **changes):
    middle_s = 0.5 * (onset_s + offset_s)
    times_ns = (round(onset_s * 1e9), round(middle_s * 1e9), round(offset_s * 1e9))
    plain = Cue(
        face=0, kind="micro", onset_ns=times_ns[0], apex_ns=times_ns[1], offset_ns=times_ns[2],
        onset_frame=0, apex_frame=0, offset_frame=0, duration_error_ms=8.0, regions=("brow",),
        movements=(name,), side=side, amplitude_miod=10.0, score=9.0, expected_false_per_hour=0.1,
        head_motion_miod_s=0.0, fps=120.0, dropped_frames=0, during_blink=False, during_speech=False,
        lighting="steady",
    )  # fmt: skip
    return replace(plain, **changes)


def recorded(truth, seconds=60.0):
    nothing = np.zeros(0, np.int64)
    return Recording(
        "clip", "group", 120.0, seconds, truth, np.zeros((0, 34), np.int16), nothing, nothing, []
    )


def planned(onset_s, offset_s, name="inner_brow_raise"):
    return Interval(onset_s, offset_s, "micro", name, "both", 10.0, apex_s=0.5 * (onset_s + offset_s))


@pytest.mark.parametrize("name", CONDITIONS)
def test_a_curve_clip_holds_every_amplitude_at_every_duration_once(name):
    plan = curve_clip(name, CONDITIONS[name], 5).plan
    movements = [h for h in plan.happenings if h.event == "movement"]
    cells = sorted((round(h.duration_s * 1e3), h.amplitude) for h in movements)
    assert cells == sorted((round(d), a) for d in DURATIONS_MS for a in AMPLITUDES_MIOD)
    assert all(one.offset_s + 1.0 < two.onset_s for one, two in pairwise(movements))


@pytest.mark.parametrize("name", DISTRACTORS)
def test_a_distractor_is_a_valid_plan_without_any_movement(name):
    plan = distractor_clip(name, 60.0, 2).plan
    assert len(parse_plan(write_plan(plan)).happenings) == len(plan.happenings)
    assert not [h for h in plan.happenings if h.event == "movement"]
    assert plan.duration_s == 60.0


def test_a_clip_holds_every_movement_on_every_side_in_each_size_once():
    plan = every_movement_clip(5).plan
    drawn = sorted((h.movement, h.side, h.amplitude) for h in plan.happenings)
    assert drawn == sorted(product(ACTION_UNITS, SIDES, EVERY_MIOD))
    assert all(one.offset_s + 1.0 < two.onset_s for one, two in pairwise(plan.happenings))


def test_the_other_clips_are_valid_plans_too():
    for clip in (macro_clip(1), talking_clip("a.png", "a", 60.0, 1), video_clip("b.mp4", "b", 60.0, 24.0, 1)):
        assert parse_plan(write_plan(clip.plan)).happenings
        assert all(h.offset_s < clip.plan.duration_s for h in clip.plan.happenings)


def test_seeds_give_other_plans_and_the_same_seed_the_same():
    first, again, other = (curve_clip("reference", Condition(), seed).plan for seed in (1, 1, 2))
    assert first == again
    assert first.happenings != other.happenings


def test_head_classes_are_ordered_by_how_much_they_move():
    still, sway, conversation = (HEADS[name]["sway_miod"] for name in ("still", "sway", "conversation"))
    assert still < sway < conversation


def test_a_cue_over_a_movement_is_found_and_its_errors_have_the_sign_of_cue_minus_truth():
    decided = [Decided(cue(1.01, 1.20), round(1.30 * 1e9))]
    (outcome,) = judge(recorded([planned(1.0, 1.25)]), decided).outcomes
    assert outcome.found
    assert outcome.onset_error_ms == pytest.approx(10.0)
    assert outcome.offset_error_ms == pytest.approx(-50.0)
    assert outcome.latency_ms == pytest.approx(50.0)
    assert outcome.named
    assert outcome.region_right


def test_cues_beside_every_movement_are_false_and_marked_ones_count_apart():
    decided = [
        Decided(cue(5.0, 5.2), 0),
        Decided(cue(9.0, 9.2, during_blink=True), 0),
        Decided(cue(20.0, 22.0, kind="macro"), 0),
    ]
    watched = judge(recorded([planned(1.0, 1.2)]), decided)
    assert [o.found for o in watched.outcomes] == [False]
    assert watched.false_per_minute(flagged=False) == pytest.approx(1.0)
    assert watched.false_per_minute(flagged=True) == pytest.approx(1.0)
    assert len(watched.false) == 3


def test_blinks_are_no_planned_movements():
    blink = Interval(1.0, 1.2, "blink", "", "both", 1000.0, apex_s=1.1)
    assert judge(recorded([blink]), []).outcomes == []


def test_recordings_of_one_group_add_up():
    parts = [judge(recorded([planned(1.0, 1.2)], 30.0), []), judge(recorded([], 60.0), [])]
    whole = together(parts)
    assert whole.minutes == pytest.approx(1.5)
    assert len(whole.outcomes) == 1
    assert whole.of("another").seconds == {}


def test_wilson_interval_of_known_shares():
    assert wilson(0, 10) == pytest.approx((0.0, 0.2775), abs=1e-3)
    assert wilson(5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-3)
    assert all(math.isnan(limit) for limit in wilson(0, 0))
    assert share(0, 0) == "–"


def test_errors_are_medians_of_absolute_values_and_latency_keeps_its_sign():
    outcomes = [
        Outcome("g", "m", "both", 10.0, 200.0, True, 0.9, error, 0.0, -error, -20.0)
        for error in (-3.0, 1.0, 2.0)
    ]
    table = errors(outcomes)
    assert table["onset_error_ms"][0] == pytest.approx(2.0)
    assert table["latency_ms"][0] == pytest.approx(-20.0)
    assert share_of_hits(outcomes) == 1.0


def test_the_bars_take_the_movements_they_name():
    def barred(duration_ms, amplitude):
        return Outcome("g", "m", "both", amplitude, duration_ms, True)

    assert is_barred(barred(100.0, 12.0))
    assert not is_barred(barred(67.0, 12.0))
    assert not is_barred(barred(100.0, 8.0))
    assert is_shortest(barred(67.0, 8.0))
    assert not is_shortest(barred(67.0, 6.0))


def test_tables_and_json_hold_what_was_counted():
    outcome = Outcome("reference", "jaw_drop", "both", 8.0, 100.0, False)
    false = FalseCue("reference", "reference-1", 3.0, "micro", "jaw_drop", False, 0.2, 5.0)
    watched = Watched([outcome], [false], {"reference": 60.0})
    assert "| 100 ms | – | – | – | 0.00 | – | – | – | – |" in curve_table(watched.outcomes)
    row = "| reference | 1.0 | 1 | 1.00 (0.03–5.57) | 0.00 | 0.00 |"
    assert row in distractor_table(watched, ["reference"])
    told = as_json(watched)["reference"]
    assert told["n_planned"] == 1
    assert told["iou_half_share"] is None
    assert told["cells"] == [{"duration_ms": 100, "amplitude_miod": 8.0, "n": 1, "n_found": 0}]


def test_a_rendered_movement_is_watched_spotted_and_found(recording):
    decided, blinks = spot(recording)
    watched = judge(recording, decided)
    assert [o.found for o in watched.outcomes] == [True]
    assert watched.outcomes[0].named
    assert blinks == []


def test_spotting_the_kept_signals_gives_the_cues_of_the_live_loop(clip, recording):
    opened = clip.open()
    frames = [(at_ns, luma.copy()) for at_ns, luma in opened.frames()]
    live = []

    class Listener:
        fault = None

        def append(self, event):
            if isinstance(event, Cue | Blink):
                live.append(event)

        def add_trace(self, trace):
            pass

        def saw_frame(self, sequence, timestamp_ns):
            pass

    config = Config()
    follow(frames, opened.fps, Listener(), lambda fps: Spotter(config.spot, fps))
    assert live == [one.cue for one in spot(recording)[0]]
    assert live


def test_a_recording_is_the_same_after_saving(recording, tmp_path):
    recording.save(tmp_path / "a.npz")
    again = Recording.load(tmp_path / "a.npz")
    assert again.truth == recording.truth
    assert again.news == recording.news
    assert np.array_equal(again.codes, recording.codes)


def test_signals_are_kept_for_the_same_clip_and_not_for_another(clip, recording, tmp_path, monkeypatch):
    n_watched = []
    monkeypatch.setattr("spotting.recording.watch", lambda c: n_watched.append(c.name) or recording)
    kept(clip, tmp_path)
    kept(clip, tmp_path)
    kept(replace(clip, plan=Plan((), clip.plan.settings)), tmp_path)
    assert n_watched == ["brow", "brow"]


def test_peers_are_compared_at_equal_false_cues():
    truth = [planned(1.0, 1.3), planned(5.0, 5.3)]
    sure = PeerCue(1.0, 1.15, 1.3, strength=3.0)
    unsure = PeerCue(5.0, 5.15, 5.3, strength=1.0)
    wrong = PeerCue(20.0, 20.1, 20.2, strength=2.0)
    runs = [
        PeerRun("ours", "clip", WatchedClip(truth, [sure, unsure], 60.0), 100, 0.1),
        PeerRun("flow", "clip", WatchedClip(truth, [sure, unsure, wrong], 60.0), 100, 1.0),
    ]
    rows = [line.split("|") for line in versus.peers_table(runs).splitlines() if "clip |" in line]
    ours, flow = rows[1], rows[2]
    assert [cell.strip() for cell in ours[3:7]] == ["1.00 (1.00)", "1.00 (1.00)", "1.00 (1.00)", "1.0"]
    assert [cell.strip() for cell in flow[3:7]] == ["0.50 (0.50)", "1.00 (1.00)", "1.00 (1.00)", "10.0"]
    assert versus.as_json(runs)[1]["curve"][-1]["false_per_minute"] == pytest.approx(1.0)


@pytest.mark.parametrize("group", versus.CONDITIONS)
def test_a_clip_for_the_peers_holds_every_size_and_duration_once(group):
    movements = [h for h in versus.peer_clip(group, 4).plan.happenings if h.event == "movement"]
    assert len({(h.duration_s, h.amplitude) for h in movements}) == len(movements) == 20


@pytest.mark.parametrize(
    ("count", "low", "high"), [(0, 0.0, 3.689), (1, 0.0253, 5.572), (6, 2.202, 13.06), (100, 81.36, 121.6)]
)
def test_limits_of_a_poisson_count_are_garwoods(count, low, high):
    assert poisson_limits(count) == pytest.approx((low, high), rel=1e-3, abs=1e-6)


def test_distractors_are_also_told_all_together():
    false = FalseCue("a", "a-1", 3.0, "micro", "brow_lower", False, 1.0, 5.0)
    watched = Watched([], [false], {"a": 60.0, "b": 180.0})
    assert "| all of them | 4.0 | 1 | 0.25 (0.01–1.39) | 0.00 | 0.00 |" in distractor_table(
        watched, ["a", "b"]
    )


def test_a_page_keeps_the_tables_of_parts_that_were_not_run(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("<!-- tables -->\n\nold\n\n<!-- end of tables -->\n<!-- peers --><!-- end of peers -->\n")
    benchmark_spotting.write_docs(page, {"tables": "", "peers": "new"}, tmp_path)
    assert page.read_text() == (
        "<!-- tables -->\n\nold\n\n<!-- end of tables -->\n<!-- peers -->\n\nnew\n\n<!-- end of peers -->\n"
    )
