"""Cues of two machines: the same, stopped earlier, moved, missing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "tools/installer/compare_cues.py"


def cue(onset_frame, amplitude_miod=20.0, side="both"):
    return {
        "movements": "inner_brow_raise",
        "side": side,
        "kind": "movement",
        "onset_s": onset_frame / 120,
        "onset_frame": onset_frame,
        "apex_frame": onset_frame + 10,
        "offset_frame": onset_frame + 20,
        "amplitude_miod": amplitude_miod,
    }


@pytest.fixture
def compared(tmp_path):
    """Run the program on two lists of cues: its exit code and what it prints."""

    def run(seen, expected):
        files = [tmp_path / "seen.json", tmp_path / "expected.json"]
        for file, cues in zip(files, (seen, expected), strict=True):
            file.write_text(json.dumps(cues))
        done = subprocess.run(
            [sys.executable, str(SCRIPT), *map(str, files)], capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout

    return run


def test_what_was_stopped_earlier_agrees_as_far_as_it_goes(compared):
    code, said = compared([cue(600), cue(900, 12.25)], [cue(600), cue(900, 12.0), cue(1200)])
    assert code == 0
    assert "0.2500 miod" in said


@pytest.mark.parametrize("other", [cue(901), cue(900, side="left")])
def test_cue_that_moved_is_named(compared, other):
    code, said = compared([cue(600), other], [cue(600), cue(900)])
    assert code == 1
    assert "at 7.50 s" in said


def test_no_cue_at_all_is_no_agreement(compared):
    assert compared([], [cue(600)])[0] == 1
    assert compared([cue(600), cue(900)], [cue(600)])[0] == 1
