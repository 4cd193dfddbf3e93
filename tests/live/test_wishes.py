"""Wishes from elsewhere: heard once, and only while they are fresh."""

from __future__ import annotations

import json

import pytest

from edge.clock import boot_id, boottime_ns
from edge.live.errors import WishUnwritten
from edge.live.wishes import WISH_NAME, WishListener, wish_pause


@pytest.fixture
def heard():
    """What was wished, in order."""
    return []


def test_a_wish_is_heard_once(tmp_path, heard):
    listen = WishListener(tmp_path, heard.append)
    listen()
    wish_pause(tmp_path, True)
    assert (tmp_path / WISH_NAME).stat().st_mode & 0o777 == 0o600
    listen()
    listen()
    wish_pause(tmp_path, False)
    listen()
    assert heard == [True, False]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "wish",
    [
        {"pause": True, "at_boottime_ns": boottime_ns() - 60 * 10**9, "boot_id": boot_id()},
        {"pause": True, "at_boottime_ns": boottime_ns() + 10**12, "boot_id": boot_id()},
        {"pause": True, "at_boottime_ns": boottime_ns(), "boot_id": "another"},
        {"pause": "yes", "at_boottime_ns": boottime_ns(), "boot_id": boot_id()},
        {"at_boottime_ns": boottime_ns()},
        {"pause": True, "at_boottime_ns": "now", "boot_id": boot_id()},
        [],
    ],
)
def test_an_old_or_strange_wish_is_taken_away_and_not_followed(tmp_path, heard, wish):
    (tmp_path / WISH_NAME).write_text(json.dumps(wish))
    WishListener(tmp_path, heard.append)()
    assert heard == []
    assert not (tmp_path / WISH_NAME).exists()


@pytest.mark.parametrize("content", [b"", b"\xff", b"{", b"x" * 5000])
def test_what_is_no_wish_is_ignored(tmp_path, heard, content):
    (tmp_path / WISH_NAME).write_bytes(content)
    WishListener(tmp_path, heard.append)()
    assert heard == []


def test_a_wish_that_cannot_be_left_says_so(tmp_path):
    with pytest.raises(WishUnwritten, match="use the button"):
        wish_pause(tmp_path / "none", True)
