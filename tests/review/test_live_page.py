"""The live view: what it sends, to whom, and what its forms do to the run."""

from __future__ import annotations

import asyncio
import json
import re

import numpy as np
import pytest

from edge.anatomy import N_CHANNELS
from edge.clock import boottime_ns
from edge.health.loop import LoopVitals
from edge.health.state_file import StateFile
from edge.indicate.indicator import State
from edge.live.file import LiveFile, LiveReader
from edge.live.publisher import LivePublisher
from edge.live.values import LiveValues
from edge.live.wishes import WISH_NAME
from edge.messages import SourceInfo, Trace
from edge.record.lock import DataDirLock
from edge.review import viewer

INFO = SourceInfo("<b>camera</b>", 640, 480, 100.0, "sensor", True)


class PlayedRun:
    """A run's side of the channel, without a camera."""

    def __init__(self, data_dir):
        self.data_dir, self.n = data_dir, 0
        self.values = LiveValues(4)
        self.file = LiveFile({"RUNTIME_DIRECTORY": str(data_dir)})
        self.publisher = LivePublisher(self.values, self.file)
        self.lock, self.state = DataDirLock(data_dir), StateFile(data_dir)
        self.state.write({"live_file": str(self.file.path), "temperature_c": 51.0, "headroom_c": 30.0})
        self.values.begin("20260101-000000-abcd", INFO, LoopVitals())
        self.values.show(State.WATCHING)

    def watch(self, n_frames):
        """Frames that come while somebody looks, and the snapshot after them."""
        self.publisher.publish()
        for _ in range(n_frames):
            self.n += 1
            codes = np.full(N_CHANNELS, self.n, np.int16)
            points = np.full((4, 2), self.n, np.int16)
            self.values.add_trace(Trace(0, self.n, self.n * 10_000_000, codes, points))
        self.publisher.publish()

    def close(self):
        self.publisher.close()
        self.state.close()
        self.lock.release()


@pytest.fixture
def run(data_dir):
    """A run that shows itself."""
    played = PlayedRun(data_dir)
    yield played
    played.close()


@pytest.fixture
def looked(run):
    """Somebody else looks as well, so that the run goes on showing itself between two requests."""
    reader = LiveReader(run.data_dir)
    yield reader
    reader.close()


def test_values_after_a_frame_are_sent_once(browser, run, looked):
    run.watch(30)
    first = browser.get("/live.json").json()
    assert first["state"] == "watching"
    assert first["times_us"] == [10_000 * k for k in range(1, 31)]
    assert first["health"] == {"temperature_c": 51.0, "headroom_c": 30.0}
    run.watch(5)
    second = browser.get(f"/live.json?after={first['times_us'][-1]}").json()
    assert second["times_us"] == [10_000 * k for k in range(31, 36)]


def test_who_has_not_asked_for_a_while_looks_no_more(run, monkeypatch):
    monkeypatch.setattr(viewer, "_IDLE_S", 0.05)

    async def ask_and_wait():
        eyes = viewer.Viewer(run.data_dir)
        eyes.look(0)
        assert run.file.is_watched()
        while run.file.is_watched():
            await asyncio.sleep(0.02)

    asyncio.run(asyncio.wait_for(ask_and_wait(), 60))


def test_without_a_run_the_page_says_so(browser):
    assert browser.get("/live").status_code == 200
    assert browser.get("/live.json").json() == {"is_running": False, "state": None}


@pytest.mark.parametrize("after", ["-1", "x", "1e9", "9" * 30])
def test_a_time_that_is_none_is_refused(browser, after):
    assert browser.get(f"/live.json?after={after}").status_code == 400


@pytest.mark.parametrize("path", ["/live", "/live.json"])
def test_nothing_is_shown_without_a_link(stranger, run, looked, path):
    run.watch(3)
    answer = stranger.ask("GET", path, {"accept": "application/json"})
    assert answer.status_code == 401
    assert "20260101" not in answer.text


def test_forms_wish_a_pause_and_to_go_on(browser, data_dir):
    assert browser.post("/live/pause").status_code == 303
    assert json.loads((data_dir / WISH_NAME).read_text())["pause"] is True
    assert browser.post("/live/go-on").status_code == 303
    assert json.loads((data_dir / WISH_NAME).read_text())["pause"] is False


@pytest.mark.parametrize("action", ["pause", "go-on", "mark"])
def test_a_form_without_its_token_wishes_nothing(browser, data_dir, action):
    assert browser.post(f"/live/{action}", {"text": "x"}, token="wrong").status_code == 403
    assert not (data_dir / WISH_NAME).exists()


def test_a_mark_needs_words_and_a_running_session(browser):
    assert browser.post("/live/mark", {"text": " "}).status_code == 400
    answer = browser.post("/live/mark", {"text": "asked"})
    assert answer.status_code == 404
    assert "no session is being recorded" in answer.json()["error"]


def test_scripts_of_the_page_are_files_or_data(browser):
    page = browser.get("/live").text
    tags = re.findall(r"<script\b[^>]*>", page)
    assert tags
    assert [tag for tag in tags if 'src="/static/' not in tag and 'type="application/json"' not in tag] == []


def test_the_time_of_a_run_is_the_sensors(run, looked, browser):
    run.watch(2)
    told = browser.get("/live.json").json()
    assert abs(told["at_boottime_ns"] - boottime_ns()) < 60 * 10**9
    assert told["silent_s"] == 0 or told["silent_s"] > 3
