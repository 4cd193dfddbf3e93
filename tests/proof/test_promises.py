"""Every promise can be seen to break, and a whole session on this machine keeps them."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from edge.cli import main
from edge.proof.promises import ProofFailed, observe, verdicts
from edge.proof.watched import Observation

KEPT = Observation(
    refused={"2": True, "10": True, "17": True},
    n_frames=192,
    n_face_frames=180,
    n_cues=1,
    n_written_bytes=600_000,
    n_noise_bytes=966_656,
    written=["/d/microcue.db", "/d/microcue.db-wal", "/d/microcue.db-shm", "/d/microcue.lock"],
    searched=2,
    is_dumpable=False,
    core_is_dumped=False,
)


def levels(seen):
    return {verdict.promise: verdict.level for verdict in verdicts(seen)}


def test_what_is_kept_passes():
    assert set(levels(KEPT).values()) == {"pass"}


@pytest.mark.parametrize(
    ("broken", "promise", "level"),
    [
        ({"n_face_frames": 0}, "a session was watched", "fail"),
        ({"n_cues": 0}, "a session was watched", "fail"),
        ({"refused": {"2": False, "10": True}}, "no internet socket can be opened", "fail"),
        ({"refused": {}}, "no internet socket can be opened", "fail"),
        ({"n_unfiltered_threads": 1}, "no internet socket can be opened", "fail"),
        ({"unconfined": "expected it; do this"}, "no internet socket can be opened", "fail"),
        ({"sockets": ["socket:[7] in tcp"]}, "none was opened", "fail"),
        ({"found": {"/d/microcue.db": "a picture file"}}, "no picture in a file", "fail"),
        ({"searched": 0}, "no picture in a file", "unknown"),
        ({"n_written_bytes": 966_656}, "too little written to hold a picture", "fail"),
        ({"n_written_bytes": -1}, "too little written to hold a picture", "unknown"),
        ({"written": [*KEPT.written, "/elsewhere/faces.npy"]}, "only the files listed are written", "fail"),
        (
            {"written": [*KEPT.written, "/run/user/1000/microcue-812.live"]},
            "only the files listed are written",
            "pass",
        ),
        (
            {"written": [*KEPT.written, "/run/user/1000/microcue-812.live.png"]},
            "only the files listed are written",
            "fail",
        ),
        ({"is_dumpable": True}, "no core dump", "fail"),
        ({"core_is_dumped": True}, "no core dump", "fail"),
        ({"disk_swap": ["/dev/mmcblk0p3"], "swap_limit": "max"}, "no picture in swap", "fail"),
        ({"disk_swap": ["/dev/mmcblk0p3"], "swapped_kb": 4}, "no picture in swap", "fail"),
        ({"disk_swap": ["/dev/mmcblk0p3"], "swap_limit": "0"}, "no picture in swap", "pass"),
    ],
)
def test_promise_that_is_broken_does_not_pass(broken, promise, level):
    found = levels(replace(KEPT, **broken))
    assert found.pop(promise) == level
    assert set(found.values()) == {"pass"}


PICTURED = replace(
    KEPT,
    keeps_pictures=True,
    n_picture_files=1,
    n_picture_bytes=2_000_000,
    written=[*KEPT.written, "/d/pictures/20260101-000000-abcd/1.part"],
)


def test_encrypted_pictures_are_kept_where_they_belong_and_nowhere_else():
    assert set(levels(PICTURED).values()) == {"pass"}
    assert levels(PICTURED)["pictures are encrypted"] == "pass"
    assert "pictures are encrypted" not in levels(KEPT)
    off = replace(PICTURED, keeps_pictures=False)
    assert levels(off)["only the files listed are written"] == "fail"
    elsewhere = replace(PICTURED, written=["/d/pictures/1.png"])
    assert levels(elsewhere)["only the files listed are written"] == "fail"


@pytest.mark.parametrize("broken", [{"plain_pictures": ["1.age"]}, {"n_picture_files": 0}])
def test_pictures_that_are_not_encrypted_break_the_promise(broken):
    assert levels(replace(PICTURED, **broken))["pictures are encrypted"] == "fail"


def test_a_session_with_pictures_keeps_the_promises_on_this_machine():
    found = levels(observe(keeps_pictures=True))
    found.pop("no picture in swap")  # belongs to the machine, not to microcue
    assert set(found.values()) == {"pass"}, found


def test_session_that_does_not_end_well_proves_nothing():
    with pytest.raises(ProofFailed, match="exit code 1"):
        observe(python="false")


def test_command_proves_it_here_and_its_exit_code_says_whether_all_hold(capsys, tmp_path):
    code = main(["privacy", "--prove", "--json", "--data", str(tmp_path / "untouched")])
    rows = {row["promise"]: row["level"] for row in json.loads(capsys.readouterr().out)}
    assert code == (0 if set(rows.values()) == {"pass"} else 1)
    swap = rows.pop("no picture in swap")  # belongs to the machine, not to microcue
    assert swap in ("pass", "fail")
    assert set(rows.values()) == {"pass"}, rows
    assert not (tmp_path / "untouched").exists()
