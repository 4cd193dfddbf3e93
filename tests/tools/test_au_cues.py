"""Action units of other programs made into cues: their tables, and peaks that are known."""

from __future__ import annotations

import csv
import sys

import au_cues
import numpy as np
import pytest

FPS = 100.0


def bump(n, at, width, height):
    """A raised cosine, `width` frames from foot to foot."""
    t = np.arange(n) - at
    return np.where(np.abs(t) < width / 2, 0.5 * height * (1 + np.cos(2 * np.pi * t / width)), 0.0)


@pytest.fixture
def unit():
    """1200 frames: a micro movement about 400, a macro one about 800, and nothing else."""
    return 1.0 + bump(1200, 400, 60, 2.0) + bump(1200, 800, 300, 2.0)


def write(path, columns, rows):
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)


def test_peaks_become_cues_with_feet_and_kind(unit):
    cues = list(au_cues.cues_of(np.arange(1, 1201), unit[:, None], FPS, 0.5))
    assert [cue.kind for cue in cues] == ["micro", "macro"]
    assert [cue.apex for cue in cues] == pytest.approx([401, 801], abs=2)
    # a raised cosine is above a third of its height for 0.61 of its width
    assert cues[0].offset - cues[0].onset + 1 == pytest.approx(0.61 * 60, abs=4)


def test_openface_names_have_blanks_and_lids_do_not_count(tmp_path, unit):
    lids = bump(1200, 200, 30, 4.0)
    rows = [(k + 1, 0, 0.98, 1, f"{unit[k]:.4f}", f"{lids[k]:.4f}", 1) for k in range(1200)]
    table = tmp_path / "006_1.csv"
    write(table, ["frame", " face_id", " confidence", " success", " AU01_r", " AU45_r", " AU01_c"], rows)
    frames, units, scale = au_cues.read_units(table)
    assert (units.shape, scale, frames[0]) == ((1200, 1), 5.0, 1)
    assert [cue.kind for cue in au_cues.cues_of(frames, units, FPS, 0.1 * scale)] == ["micro", "macro"]


def test_frames_without_a_face_make_no_cue(tmp_path, unit):
    rows = [(k, int(not 350 < k < 450), unit[k]) for k in range(1200)]
    table = tmp_path / "a.csv"
    write(table, ["frame", "success", "AU12_r"], rows)
    frames, units, scale = au_cues.read_units(table)
    assert [cue.kind for cue in au_cues.cues_of(frames, units, FPS, 0.1 * scale)] == ["macro"]


def test_py_feat_tables_give_what_evaluate_reads(tmp_path, unit, monkeypatch):
    table, out = tmp_path / "clip.csv", tmp_path / "theirs.csv"
    write(table, ["FaceRectX", "AU01", "AU43", "frame"], [(9, unit[k] / 5, 0.0, k) for k in range(1200)])
    monkeypatch.setattr(sys, "argv", ["au_cues.py", "--fps", "100", "--out", str(out), str(table)])
    assert au_cues.main() == 0
    with out.open() as file:
        assert [(row["video"], row["kind"]) for row in csv.DictReader(file)] == [
            ("clip", "micro"),
            ("clip", "macro"),
        ]


def test_a_table_without_action_units_is_told(tmp_path):
    table = tmp_path / "a.csv"
    write(table, ["frame", "x"], [(1, 2)])
    with pytest.raises(SystemExit, match="AU01"):
        au_cues.read_units(table)
