"""What systemd hears of a session, and when it hears nothing."""

from __future__ import annotations

import os
import socket

import pytest

from edge.errors import ConfigError
from edge.supervision import SignsOfLife, Supervised, notify, watchdog_wait_s

SERVICE = {"NOTIFY_SOCKET": "/run/systemd/notify"}


@pytest.fixture
def sent():
    """Messages for systemd, in order."""
    return []


def supervised(sent, n_frames=lambda: 0, environ=SERVICE):
    def send(message):
        sent.append(message)
        return True

    return Supervised(n_frames, lambda: "watching", environ, send)


def test_session_is_ready_when_it_watches_and_stopping_when_it_ends(sent):
    with supervised(sent):
        assert [message.split("\n")[0] for message in sent] == ["READY=1"]
    assert [message.split("\n")[0] for message in sent] == ["READY=1", "STOPPING=1"]


def test_stopping_is_said_when_a_session_breaks(sent):
    with pytest.raises(KeyError), supervised(sent):
        raise KeyError
    assert sent[-1].startswith("STOPPING=1")


def test_without_systemd_nothing_is_sent(sent):
    with supervised(sent, environ={}):
        pass
    assert sent == []


def test_watchdog_is_fed_only_while_frames_pass_all_stages(sent):
    counts = iter([10, 20, 20, 20, 21])
    session = supervised(sent, lambda: next(counts))
    assert [session.report() for _ in range(5)] == [True, True, False, False, True]
    assert [message.split("\n")[0] for message in sent] == ["WATCHDOG=1"] * 3


def test_status_tells_a_closed_camera_from_a_watched_person():
    signs = SignsOfLife()
    signs.add()
    assert (signs.n, signs.text()) == (1, "waiting, the camera is closed, 0 frames")
    signs.add_frame()
    assert (signs.n, signs.text()) == (2, "watching, 1 frames")
    signs.add()
    assert signs.text() == "waiting, the camera is closed, 1 frames"


def test_watchdog_is_fed_by_a_thread_of_its_own(sent):
    frames = iter(range(1, 10**9))
    with supervised(sent, lambda: next(frames), {**SERVICE, "WATCHDOG_USEC": "4000"}) as session:
        while sum(message.startswith("WATCHDOG=1") for message in sent) < 3:
            session._ended.wait(0.001)
    assert not session._thread.is_alive()


def test_watchdog_of_another_process_is_not_ours():
    assert watchdog_wait_s({"WATCHDOG_USEC": "5000000", "WATCHDOG_PID": str(os.getpid())}) == 5.0
    assert watchdog_wait_s({"WATCHDOG_USEC": "5000000", "WATCHDOG_PID": str(os.getpid() + 1)}) == 0.0
    assert watchdog_wait_s({}) == 0.0
    with pytest.raises(ConfigError, match="WATCHDOG_USEC"):
        watchdog_wait_s({"WATCHDOG_USEC": "soon"})


def test_message_goes_through_the_socket_that_systemd_names(tmp_path, monkeypatch):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        if not notify("READY=1\nSTATUS=watching"):
            assert "libsystemd" in os.popen("ldconfig -p").read(), "this machine has no systemd to tell"
        else:
            assert systemd.recv(100) == b"READY=1\nSTATUS=watching"


def test_systemd_that_is_gone_is_said_in_the_log(tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
    assert not notify("READY=1")
    assert "systemd" in caplog.text
