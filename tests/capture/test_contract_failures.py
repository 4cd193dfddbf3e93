"""What every source promises when things go wrong: eight troubles, played to four kinds of source.

A file is a source too: where a camera loses frames it waits; it stalls at its own pace, and is never busy.
"""

from __future__ import annotations

import errno
import os
from abc import ABC, abstractmethod
from pathlib import Path

import numpy as np
import pytest

from edge.capture.errors import (
    CameraBusy,
    CameraDenied,
    CameraUnsuitable,
    FileMissing,
    FrameTimeout,
    NotAVideo,
    SourceEnded,
)
from edge.capture.file import FileSource
from edge.capture.gaps import GapDetector
from edge.capture.gstreamer import GStreamerSource, PipelinePatience
from edge.capture.gstreamer_standin import command
from edge.capture.picamera2 import Patience, Picamera2Source
from edge.capture.picamera2_exposure import Metering
from edge.capture.picamera2_mode import ModeCache
from edge.capture.picamera2_scene import Scene, Shot, Stall
from edge.capture.picamera2_standin import stand_in_library
from edge.capture.v4l2 import DevicePatience, V4L2Source
from edge.capture.v4l2_device import CameraMode
from edge.capture.v4l2_standin import Picture, Silence, StandInDevice
from edge.errors import DeviceAbsent, EdgeError

FPS = 120
INTERVAL_NS = 8_340_000  # whole ticks of a pipeline, whole microseconds of a sensor
N = 30
AT_THE_END = (SourceEnded, DeviceAbsent)


class Troubled(ABC):
    """One kind of source, and how each trouble is played to it. `live` ones lose what is not read in time."""

    live = True
    denied: type[EdgeError] = CameraDenied
    unsuitable: type[EdgeError] = CameraUnsuitable

    def __init__(self, pictures, folder, write_video):
        self.pictures, self.folder, self.write_video = pictures, folder, write_video
        self.n_opened = 0

    @abstractmethod
    def playing(self, numbers):
        """A source that plays these pictures of the thirty, then ends or is unplugged."""

    @abstractmethod
    def stalling(self):
        """A source that plays pictures 0 and 1, is silent for a while, and goes on with picture 20."""

    @abstractmethod
    def restarting(self):
        """A source that dies after pictures 0 and 1, comes back by itself, and plays 20 and 21."""

    @abstractmethod
    def in_another_format(self):
        """Opens what holds no usable picture."""

    @abstractmethod
    def denied_to_us(self):
        """Opens what this user may not read."""

    @abstractmethod
    def in_use(self):
        """Opens what another program is using."""

    def wait_until_played(self, source):
        """Return when the camera has nothing more to give, though nobody read."""
        source._thread.join()


class File(Troubled):
    live = False
    denied, unsuitable = FileMissing, NotAVideo

    def clip(self, numbers):
        self.n_opened += 1
        pictures = [self.pictures[k] for k in numbers]
        return self.write_video(pictures, f"clip{self.n_opened}.mkv", ticks=list(numbers), fps=FPS)

    def playing(self, numbers):
        return FileSource(self.clip(numbers))

    def stalling(self):
        return FileSource(self.clip([0, 1, 20]), realtime=True)

    def restarting(self):
        """A file does not die; it is read again from its beginning."""
        path = self.clip([0, 1, 20, 21])
        with FileSource(path) as first:
            first.read(1.0)
        return FileSource(path)

    def in_another_format(self):
        path = self.folder / "notes.mp4"
        path.write_text("a few words\n" * 100)
        return FileSource(path)

    def denied_to_us(self):
        path = self.clip([0])
        path.chmod(0)
        os.seteuid(65534 if os.geteuid() == 0 else os.geteuid())
        try:
            return FileSource(path)
        finally:
            os.seteuid(os.getuid())

    def in_use(self):
        path = self.clip(range(N))
        self.other = FileSource(path)
        self.other.read(1.0)
        return FileSource(path)

    def wait_until_played(self, source):
        """A file waits for its reader."""


class GStreamer(Troubled):
    def life(self, *numbers, **changes):
        path = self.folder / "pictures.grey"
        path.write_bytes(np.array(self.pictures).tobytes())
        life = {"pictures": str(path), "size": (64, 48), "interval_ns": INTERVAL_NS, "start_ns": 10**9}
        return {**life, "numbers": list(numbers), **changes}

    def opened(self, *lives, **patience):
        self.n_opened += 1
        quick = {"first_frame_s": 20.0, "stall_s": 5.0, "settle_s": 0.0, "again_s": 0.01} | patience
        script = command(self.folder / f"play{self.n_opened}.json", lives)
        return GStreamerSource("standin", PipelinePatience(**quick), script)

    def playing(self, numbers):
        return self.opened(self.life(*numbers))

    def stalling(self):
        return self.opened(self.life(0, 1, silent_s=0.5, exit_code=1), self.life(20))

    def restarting(self):
        return self.opened(self.life(0, 1, exit_code=1), self.life(20, 21))

    def in_another_format(self):
        return self.opened({"raw": b"\xff\xd8\xff\xe0".hex()})

    def denied_to_us(self):
        return self.opened({"says": "system error: Permission denied", "exit_code": 1})

    def in_use(self):
        return self.opened({"says": "ERROR: Device '/dev/video0' is busy", "exit_code": 1})


class Picamera2(Troubled):
    def opened(self, steps, **changes):
        self.n_opened += 1
        patience = Patience(first_frame_s=2.0, stall_s=0.3, poll_s=0.02, n_restarts=1)
        self.scene = Scene(steps, **changes)
        cache = ModeCache(self.folder / f"modes{self.n_opened}.json")
        wishes = {"cache": cache, "metering": Metering(3, 2, 50), "patience": patience}
        return Picamera2Source(0, 64, 48, FPS, library=stand_in_library(self.scene), **wishes)

    def shots(self, *numbers):
        return [Shot(self.pictures[k], 10**9 + k * INTERVAL_NS) for k in numbers]

    def refused(self, message):
        refusal = RuntimeError("Camera __init__ sequence did not complete.")
        refusal.__cause__ = RuntimeError(message)
        return self.opened([], refusals={"__init__": [refusal]})

    def playing(self, numbers):
        return self.opened(self.shots(*numbers))

    def stalling(self):
        return self.opened([*self.shots(0, 1), Stall(), *self.shots(20)])

    def restarting(self):
        return self.opened([*self.shots(0, 1), Stall(), *self.shots(20, 21)])

    def in_another_format(self):
        return self.opened([], modes=[{"format": "MJPEG"}])

    def denied_to_us(self):
        return self.refused("Failed to acquire camera: Permission denied")

    def in_use(self):
        return self.refused("Failed to acquire camera: Device or resource busy")

    def wait_until_played(self, source):
        while source._delivery.failure is None:
            source._delivery.ring._something_ready.wait(0.01)


class Usb(Troubled):
    mode = CameraMode("GREY", 64, 48, FPS)

    def opened(self, *steps, **changes):
        patience = DevicePatience(stall_s=0.3, poll_s=0.02)
        return V4L2Source(StandInDevice(steps, [self.mode], **changes), 64, 48, FPS, patience=patience)

    def shots(self, *numbers):
        return [Picture(self.pictures[k].tobytes(), k, 10**9 + k * INTERVAL_NS) for k in numbers]

    def playing(self, numbers):
        return self.opened(*self.shots(*numbers), self.error(errno.ENODEV))

    @staticmethod
    def error(number):
        return OSError(number, os.strerror(number))

    def stalling(self):
        return self.opened(*self.shots(0, 1), Silence(10), *self.shots(20), self.error(errno.ENODEV))

    def restarting(self):
        return self.opened(*self.shots(0, 1), Silence(18), *self.shots(20, 21), self.error(errno.ENODEV))

    def in_another_format(self):
        return self.opened(*self.shots(0), granted=CameraMode("H264", 64, 48, 30.0))

    def denied_to_us(self):
        return self.opened(refusal=self.error(errno.EACCES))

    def in_use(self):
        return self.opened(refusal=self.error(errno.EBUSY))


@pytest.fixture(params=[File, GStreamer, Picamera2, Usb])
def troubled(request, bars, tmp_path, write_video):
    """Each kind of source, on the same thirty pictures."""
    return request.param(bars(N), tmp_path, write_video)


@pytest.fixture
def closing():
    """Closes what was opened."""
    opened = []

    def note(source):
        opened.append(source)
        return source

    yield note
    for source in opened:
        source.close()


def test_late_consumer_gets_the_newest_and_the_count_of_the_rest(troubled, closing, play):
    source = closing(troubled.playing(range(N)))
    troubled.wait_until_played(source)
    lumas = [frame.luma.copy() for frame in play(source)]
    counts = source.counts
    assert counts.n_frames + counts.n_lost == N
    assert (counts.n_lost > 0) == troubled.live
    np.testing.assert_array_equal(lumas[-1], troubled.pictures[-1])


def test_lost_frames_leave_a_gap_of_their_number(troubled, closing, play):
    source = closing(troubled.playing([0, 1, 2, 6, 7]))
    gaps = GapDetector(source.info.fps)
    found = [gaps.observe(frame.sequence, frame.timestamp_ns) for frame in play(source)]
    assert [(gap.sequence, gap.n_missing) for gap in found if gap is not None] == [(3, 3)]
    # whether a file's frames were ever recorded, only its times can tell
    assert source.counts.n_lost == (3 if troubled.live else 0)


def test_stall_times_out_with_a_sentence_and_reading_goes_on_after_it(troubled, closing):
    source = closing(troubled.stalling())
    for sequence in (0, 1):
        assert source.read(20.0).sequence == sequence
    with pytest.raises(FrameTimeout, match=r"no frame for 0.05 s after frame 1; check the camera's cable"):
        source.read(0.05)
    frame = source.read(20.0)
    assert frame.sequence == 2
    np.testing.assert_array_equal(frame.luma, troubled.pictures[20])


def test_restart_goes_on_counting_and_is_counted(troubled, closing, play):
    source = closing(troubled.restarting())
    frames = [(frame.sequence, frame.timestamp_ns, frame.luma.copy()) for frame in play(source)]
    sequences, timestamps, lumas = zip(*frames, strict=True)
    assert list(sequences) == [0, 1, 2, 3]
    assert np.all(np.diff(timestamps) > 0)
    np.testing.assert_array_equal(lumas, [troubled.pictures[k] for k in (0, 1, 20, 21)])
    assert (source.counts.n_restarts >= 1) == troubled.live


def test_disconnect_is_told_after_the_frames_before_it_and_told_again(troubled, closing):
    source = closing(troubled.playing([0, 1]))
    assert [source.read(20.0).sequence for _ in range(2)] == [0, 1]
    sentences = set()
    for _ in range(2):
        with pytest.raises(AT_THE_END) as caught:
            source.read(20.0)
        sentences.add(str(caught.value))
    assert len(sentences) == 1


def test_wrong_format_is_refused_with_what_was_expected(troubled):
    with pytest.raises(troubled.unsuitable, match=r"expected .* but it"):
        troubled.in_another_format()


def test_denied_permission_is_called_by_its_name(troubled):
    with pytest.raises(troubled.denied, match=r"[Pp]ermission"):
        troubled.denied_to_us()


def test_busy_device_is_called_so_and_a_file_is_never_busy(troubled, closing, play):
    if troubled.live:
        with pytest.raises(CameraBusy, match="another program is using it; close that program first"):
            troubled.in_use()
    else:
        source = closing(troubled.in_use())
        assert sum(1 for _ in play(source)) == N
        troubled.other.close()


def test_file_that_is_cut_while_it_is_read_ends_and_is_no_longer_than_it_is(bars, write_video, play):
    path: Path = write_video(bars(N), fps=FPS)
    source = FileSource(path)
    source.read(1.0)
    os.truncate(path, path.stat().st_size // 2)
    n = 1 + sum(1 for _ in play(source))
    source.close()
    assert n < N or source.counts.n_corrupt == 0
