"""What the test of a card's image concludes from what it saw; the board itself runs in `make image-test`."""

import json

import pytest
from emulated_board import archive, archive_end, kernel_modules
from image.cues import EXACT, MEASURED, differences, disagreements, main
from image.pins import Change, changes_inside, levels_outside, n_cue_pulses
from image.steps import finding


def cue(**changed):
    """A cue as `microcue cues --json` gives it, as far as it is compared."""
    plain = dict.fromkeys(EXACT, "as it was") | dict.fromkeys(MEASURED, 10.0) | {"duration_error_ms": 8.0}
    return {**plain, **changed}


def chip(*levels, line=4):
    """QEMU's trace of a line that takes these levels."""
    words = "pl061_set_output /machine/unattached/device[9] setting output"
    return "".join(f"{words} {line} to {level}\n" for level in levels)


def kernel(*levels, gpio=508):
    """The kernel's trace of a line that takes these levels, a tenth of a second apart."""
    return "".join(
        f"       indicator-201     [001] .....    41.{tenth}00000: gpio_value: {gpio} set {level}\n"
        for tenth, level in enumerate(levels)
    )


def test_same_cues_have_no_disagreement_however_large_their_measured_values_differ():
    assert disagreements([cue()], [cue(amplitude_miod=99.0)]) == []


@pytest.mark.parametrize("column", ["onset_frame", "apex_frame", "offset_frame", "regions", "side"])
def test_other_time_place_or_side_is_a_disagreement_that_names_it(column):
    (said,) = disagreements([cue(), cue()], [cue(), cue(**{column: "else"})])
    assert said == f"cue 2: expected {column} as it was, found else"


@pytest.mark.parametrize(("column", "near"), [("onset_s", 10.0079), ("duration_ms", 2.1)])
def test_times_between_frames_agree_within_the_error_that_the_cue_claims(column, near):
    assert disagreements([cue()], [cue(**{column: near})]) == []
    beyond = near + 0.2 * (near - 10.0)
    (said,) = disagreements([cue()], [cue(**{column: beyond})])
    assert said == f"cue 1: expected {column} 10.0 within 8.0 ms, found {beyond}"
    assert disagreements([cue()], [cue(**{column: float("nan")})])


def test_missing_cue_is_a_disagreement():
    assert disagreements([cue(), cue()], [cue()]) == ["expected 2 cues, found 1"]


def test_largest_difference_of_each_measured_column_is_told():
    found = differences([cue(), cue()], [cue(score=10.5), cue(score=8.0)])
    assert {one.column: one.largest for one in found} == dict.fromkeys(MEASURED, 0.0) | {"score": 2.0}


@pytest.mark.parametrize(
    ("here", "there", "code", "said"),
    [
        ([cue()], [cue(score=12.0)], 0, "largest difference of score: 2 (10 and 12)"),
        ([cue()], [cue(side="left")], 1, "cue 1: expected side as it was, found left"),
        ([], [], 1, "expected a cue, found none"),
    ],
)
def test_files_of_two_machines_are_compared(tmp_path, capsys, here, there, code, said):
    files = [tmp_path / "here.json", tmp_path / "there.json"]
    for file, cues in zip(files, (here, there), strict=True):
        file.write_text(json.dumps(cues))
    assert main([str(file) for file in files]) == code
    assert said in capsys.readouterr().out


def test_pin_outside_has_the_levels_of_its_own_line_once_each():
    assert levels_outside(4, chip(0, 0, 1) + chip(1, 0, line=5) + "other\n" + chip(0)) == [0, 1, 0]


def test_pin_inside_changes_where_its_level_does_and_other_lines_are_left_out():
    trace = kernel(0, 0, 1) + kernel(1, 0, gpio=509) + "some other line\n"
    assert changes_inside(508, trace) == [Change(41.0, 0), Change(41.2, 1)]


def test_pulse_of_a_cue_is_told_from_learning_and_watching():
    assert n_cue_pulses(changes_inside(508, kernel(1, 1, 1, 1, 0))) == 1
    assert n_cue_pulses(changes_inside(508, kernel(1, 1, 1, 1, 1, 0))) == 0
    assert n_cue_pulses(changes_inside(508, kernel(1, 0))) == 0


def test_pin_that_stays_lit_told_no_cue():
    assert n_cue_pulses(changes_inside(508, kernel(0, 0, 1, 1, 1, 1))) == 0


def test_check_of_the_board_is_told_by_what_it_found():
    said = '[\n{"check": "log", "level": "ok", "found": "3 sessions, 0.2 MB", "fix": ""}\n]'
    assert finding(said) == "3 sessions, 0.2 MB"


@pytest.mark.parametrize("said", ["", "command not found", "[]", "[3]", "{}"])
def test_board_that_says_no_check_is_quoted(said):
    assert finding(said) == said


def test_modules_come_behind_those_they_need(tmp_path):
    folder = tmp_path / "lib/modules/6.1/kernel"
    folder.mkdir(parents=True)
    for name, needed in {"vfat": "fat", "fat": "", "softdog": "", "unneeded": ""}.items():
        (folder / f"{name}.ko").write_bytes(
            b"\x7fELF\0license=GPL\0depends=" + needed.encode() + b"\0name=x\0"
        )
    order = kernel_modules(tmp_path, "6.1", ["vfat", "softdog", "built_in"])
    assert [file.stem for file in order] == ["fat", "vfat", "softdog"]


def test_archive_has_every_file_at_a_multiple_of_four_bytes_and_an_end():
    content = archive([("init", 0o100755, b"#!/bin/sh\n")])
    assert content.startswith(b"070701")
    assert b"init\0" in content
    assert len(content) % 4 == 0
    assert b"TRAILER!!!" in archive_end()
