"""A log with one session to review, and browsers to ask for pages with."""

from __future__ import annotations

import asyncio
import re
import shutil
from urllib.parse import urlencode

import httpx
import numpy as np
import pytest

from edge.anatomy import N_CHANNELS
from edge.config import RecordConfig
from edge.messages import Blink, Cue, FaceFound, Gap, Mark, SessionInfo, SourceInfo, Trace
from edge.record.reading import LogReader
from edge.record.recorder import Recorder
from edge.review.site import build_site
from edge.track.points import N_POINTS

FPS = 50.0
N_FRAMES = 2000
N_CUES = 24
HOST = "127.0.0.1:8341"
MARK_TEXT = "<script>alert('mark')</script>"
_MOVEMENTS = ("inner_brow_raise", "lip_corner_pull", "jaw_drop")


def frame_ns(frame):
    return 10**12 + round(frame * 1e9 / FPS)


def make_cue(number, onset_frame):
    return Cue(
        face=0,
        kind="micro" if number % 6 else "macro",
        onset_ns=frame_ns(onset_frame),
        apex_ns=frame_ns(onset_frame + 5),
        offset_ns=frame_ns(onset_frame + (10 if number % 6 else 40)),
        onset_frame=onset_frame,
        apex_frame=onset_frame + 5,
        offset_frame=onset_frame + (10 if number % 6 else 40),
        duration_error_ms=20.0,
        regions=("brow",),
        movements=(_MOVEMENTS[number % 3], "brow_lower"),
        side=("left", "right", "both")[number % 3],
        amplitude_miod=10.0 + number / 7,
        score=9.0,
        expected_false_per_hour=0.01 * (number + 1),
        head_motion_miod_s=30.0,
        fps=FPS,
        dropped_frames=0,
        during_blink=False,
        during_speech=number % 5 == 0,
        lighting="ok",
    )


def record_session(data_dir, n_frames=N_FRAMES, n_cues=N_CUES):
    """One session of 40 s, written by the recorder that a run uses; gives its id."""
    rng = np.random.default_rng(3)
    codes = rng.normal(scale=20, size=(500, N_CHANNELS)).round().astype(np.int16)
    points = rng.integers(-30, 30, (500, N_POINTS, 2)).astype(np.int16)
    points += rng.integers(-800, 800, (N_POINTS, 2)).astype(np.int16)
    recorder = Recorder.open(data_dir, RecordConfig(), N_POINTS)
    info = SessionInfo(
        SourceInfo("scripted", 640, 480, FPS, "sensor", True), "P01", "0.1.0", {}, {"spot": {}}
    )
    session_id = recorder.start_session(info, frame_ns(0), 1_700_000_000 * 10**9, True)
    recorder.append(FaceFound(0, 0, frame_ns(0)))
    onsets = np.linspace(100, n_frames - 150, n_cues).astype(int).tolist()
    for frame in range(n_frames):
        recorder.add_trace(Trace(0, frame, frame_ns(frame), codes[frame % 500], points[frame % 500]))
        if frame - 60 in onsets:
            recorder.append(make_cue(onsets.index(frame - 60), frame - 60))
    recorder.append(Blink(0, frame_ns(300), frame_ns(305), frame_ns(310), "both"))
    recorder.append(Mark(frame_ns(1000), MARK_TEXT))
    recorder.append(Gap(700, frame_ns(700), 3))
    recorder.add_health(frame_ns(500), "temperature_c", 51.5)
    recorder.saw_frame(n_frames - 1, frame_ns(n_frames - 1))
    recorder.end_session("the file ended", n_frames)
    recorder.close()
    return session_id


class Browser:
    """Asks the application itself, with a browser's headers and cookies; no socket is opened."""

    def __init__(self, app, origin=f"http://{HOST}"):
        self._transport = httpx.ASGITransport(app=app)
        self._origin = origin
        self.cookies = httpx.Cookies()
        self.form_token = ""

    def ask(self, method, path, headers=None, content=None, follow=False):
        async def once():
            async with httpx.AsyncClient(
                transport=self._transport,
                base_url=self._origin,
                cookies=self.cookies,
                follow_redirects=follow,
            ) as client:
                answer = await client.request(method, path, headers=headers, content=content)
                self.cookies = client.cookies
                return answer

        return asyncio.run(once())

    def get(self, path, **headers):
        return self.ask("GET", path, {"accept": "text/html"} | headers)

    def post(self, path, fields=(), accept="application/json", token=None, origin=None, **headers):
        form = [*dict(fields).items()] if isinstance(fields, dict) else list(fields)
        form.append(("form_token", self.form_token if token is None else token))
        sent = {"origin": origin or self._origin, "accept": accept}
        sent["content-type"] = "application/x-www-form-urlencoded"
        return self.ask("POST", path, sent | headers, urlencode(form))

    def come_in(self, door, reviewer="R1"):
        answer = self.get(f"/login?token={door.link_token(reviewer)}")
        assert answer.status_code == 303
        self.form_token = re.search(r'data-form-token="([^"]+)"', self.get("/").text)[1]
        return self


@pytest.fixture(scope="session")
def recorded(tmp_path_factory):
    """A data directory with one session; copied before it is changed."""
    folder = tmp_path_factory.mktemp("recorded")
    record_session(folder)
    return folder


@pytest.fixture
def one_more_cue():
    """For a session that goes on."""
    return make_cue(0, 100)


@pytest.fixture(scope="session")
def recorded_session():
    """Records a session of other size."""
    return record_session


@pytest.fixture
def data_dir(recorded, tmp_path):
    """A data directory of the test's own with one session."""
    shutil.copytree(recorded, tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def session_id(data_dir):
    """The session's id."""
    with LogReader(data_dir) as log:
        return log.resolve("latest")


@pytest.fixture
def site(data_dir):
    """Application and door."""
    return build_site(data_dir, [HOST, "localhost:8341"])


@pytest.fixture
def stranger(site):
    """A browser that has no link."""
    return Browser(site[0])


@pytest.fixture
def browser_of():
    """Makes a browser for an application of the test's own."""
    return Browser


@pytest.fixture
def browser(site):
    """A browser that came in as reviewer R1."""
    return Browser(site[0]).come_in(site[1])


@pytest.fixture
def second_browser(site):
    """A browser that came in as reviewer R2."""
    return Browser(site[0]).come_in(site[1], "R2")


@pytest.fixture
def protected(data_dir):
    """A browser at a page that other machines reach, with a password."""
    app, _ = build_site(data_dir, ["rig:8341"], "https", "correct horse battery")
    return Browser(app, "https://rig:8341")


@pytest.fixture
def running(tmp_path):
    """Data directory, session, its recorder, and a function that records a further second with a cue."""
    data_dir = tmp_path / "running"
    recorder = Recorder.open(data_dir, RecordConfig(), N_POINTS)
    info = SessionInfo(SourceInfo("scripted", 640, 480, FPS, "sensor", True), "", "0.1.0", {}, {})
    session_id = recorder.start_session(info, frame_ns(0), 1_700_000_000 * 10**9, True)
    seconds = iter(range(1000))

    def add_second():
        first = int(next(seconds) * FPS)
        for frame in range(first, first + int(FPS)):
            codes, points = np.zeros(N_CHANNELS, np.int16), np.zeros((N_POINTS, 2), np.int16)
            recorder.add_trace(Trace(0, frame, frame_ns(frame), codes, points))
        recorder.append(make_cue(1, first))
        assert recorder.flush(10.0)

    yield data_dir, session_id, recorder, add_second
    recorder.close()
