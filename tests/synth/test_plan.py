import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.anatomy import ACTION_UNITS
from edge.errors import EXIT_CONFIG, EXIT_INPUT_OUTPUT
from edge.synth.field import MOVEMENTS
from edge.synth.plan import (
    SIDES,
    Happening,
    Plan,
    PlanError,
    PlanMissing,
    SceneSettings,
    parse_plan,
    read_plan,
    write_plan,
)

HEADER = "event,onset_s,duration_s,rise_fraction,hold_fraction,movement,side,amplitude\n"


def times(low, high):
    return st.floats(low, high).map(lambda value: round(value, 4))


@st.composite
def happenings(draw):
    rise = draw(times(0, 1))
    common = {
        "onset_s": draw(times(0, 100)),
        "duration_s": draw(times(0.01, 5)),
        "rise_fraction": rise,
        "hold_fraction": draw(times(0, 1).filter(lambda hold: rise + hold <= 1)),
        "side": draw(st.sampled_from(SIDES)),
        "note": draw(st.sampled_from(["", "a, b", 'said "so"'])),
    }
    if draw(st.booleans()):
        movement = draw(st.sampled_from(sorted(ACTION_UNITS)))
        return Happening(event="movement", movement=movement, amplitude=draw(times(0, 300)), **common)
    return Happening(event="blink", amplitude=draw(times(0, 1)), **common)


@given(st.lists(happenings(), max_size=5), st.integers(0, 1000), times(1, 240))
def test_a_plan_written_and_read_is_the_same_plan(items, seed, fps):
    ordered = tuple(sorted(items, key=lambda h: h.onset_s))
    plan = Plan(ordered, SceneSettings(seed=seed, fps=fps))
    assert parse_plan(write_plan(plan)) == plan


def test_every_movement_of_the_anatomy_can_be_planned():
    assert set(MOVEMENTS) == set(ACTION_UNITS)


def test_settings_lines_set_the_scene_and_remarks_do_not():
    plan = parse_plan("# a remark = with words\n# fps=200\n# seed=4\n" + HEADER + "blink,1,0.2,,,,both,1\n")
    assert (plan.settings.fps, plan.settings.seed) == (200.0, 4)
    assert plan.duration_s == pytest.approx(2.2)


def test_a_blink_closes_faster_than_it_opens_unless_told_otherwise():
    blink = parse_plan(HEADER + "blink,1,0.275,,,,both,1\n").happenings[0]
    assert blink.apex_s - blink.onset_s == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("jump,1,1,,,,both,1", "line 2: 'jump' is not an event"),
        ("movement,1,1,,,frown,both,1", "line 2: 'frown' is not a movement"),
        ("movement,1,1,,,dimple,up,1", "'up' is not a side"),
        ("movement,x,1,,,dimple,both,1", "onset_s must be a number, but is 'x'"),
        ("movement,1,1,,,dimple,both,", "amplitude is empty"),
        ("movement,1,nan,,,dimple,both,1", "duration_s must be finite"),
        ("movement,1,0,,,dimple,both,1", "duration_s must be above 0"),
        ("movement,1,1,0.8,0.5,dimple,both,1", "together at most 1"),
        ("movement,1,1,,,dimple,both,900", "amplitude of a movement must lie in 0 to 400"),
        ("blink,1,1,,,,both,2", "amplitude of a blink must lie in 0 to 1"),
        ("blink,1,1,,,dimple,both,1", "a blink has no movement"),
        ("gaze,1,1,,,,,80", "amplitude of a gaze must lie in -50 to 50"),
        ("hand,1,1,,,,,1.5", "amplitude of a hand must lie in 0 to 1"),
        ("leave,1,1,,,,,", "amplitude is empty"),
        ("blink,1,1,,,,both,1,,,", "cells for 8 columns"),
    ],
)
def test_a_bad_row_is_named_by_its_line(row, message):
    with pytest.raises(PlanError, match=message) as caught:
        parse_plan(HEADER + row + "\n")
    assert caught.value.exit_code == EXIT_CONFIG


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected a header line"),
        ("event,when\n", "'when' is not a column"),
        ("event,onset_s,amplitude\n", "column duration_s is missing"),
        ("# colour=3\n" + HEADER, "line 1: colour is not a setting"),
        ("# fps=fast\n" + HEADER, "fps must be a number"),
        ("# width=1e9\n" + HEADER, "width must be a whole number"),
        ("# glasses=2\n" + HEADER, "glasses must lie in 0 to 1"),
        ("# duplicate_rate=1\n" + HEADER, "duplicate_rate must lie in 0 to 0.9"),
        ("# fps=0\n" + HEADER, "fps must lie in 1 to 1000"),
    ],
)
def test_a_bad_header_or_setting_is_refused(text, message):
    with pytest.raises(PlanError, match=message):
        parse_plan(text)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("movement,0.9,0.2,,,dimple,both,20", "line 4: the movement ends at 1.1 s, but the clip at 1 s"),
        ("blink,0.95,0.2,,,,both,1", "line 4: the blink ends at 1.15 s"),
        ("turn,1.5,2,,,,,5", "line 4: the turn starts at 1.5 s, but the clip at 1 s; raise duration_s"),
    ],
)
def test_what_the_clip_ends_before_is_refused_by_its_line(row, message):
    text = "# duration_s=1\n" + HEADER + "blink,0.1,0.2,,,,both,1\n" + row + "\n"
    with pytest.raises(PlanError, match=message):
        parse_plan(text)
    assert len(parse_plan(text.replace("duration_s=1", "duration_s=0")).happenings) == 2


def test_a_movement_may_last_to_the_very_end_and_a_turn_beyond_it():
    text = "# duration_s=0.3\n" + HEADER + "movement,0.1,0.2,,,dimple,both,20\nturn,0.2,4,,,,,5\n"
    assert parse_plan(text).duration_s == pytest.approx(0.3)


def test_drops_and_duplicates_need_no_amplitude():
    plan = parse_plan(HEADER + "drop,1,0.1,,,,,\nduplicate,2,0.1,,,,,\n")
    assert [(h.event, h.amplitude) for h in plan.happenings] == [("drop", 0.0), ("duplicate", 0.0)]


def test_a_missing_plan_and_one_that_is_no_text_are_told_apart(tmp_path):
    with pytest.raises(PlanMissing, match="cannot be read") as caught:
        read_plan(tmp_path / "none.csv")
    assert caught.value.exit_code == EXIT_INPUT_OUTPUT
    binary = tmp_path / "binary.csv"
    binary.write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(PlanError, match="UTF-8"):
        read_plan(binary)
