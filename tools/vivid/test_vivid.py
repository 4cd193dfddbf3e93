"""microcue's USB camera source on vivid, the kernel's camera that is none: `make test-vivid`.

Runs in the guest of `tools/vivid_camera.py`, as the first user of its kernel. vivid makes frames, and errors
when it is asked to through controls of its own. Rates say nothing, as the processor is emulated.
"""

# ruff: noqa: PT009, PT027 - the guest has unittest, and no pytest

from __future__ import annotations

import contextlib
import subprocess
import time
import unittest
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from linuxpy.video import device as v4l2

from edge.capture.errors import CameraAbsent, CameraAway, CameraBusy, CameraUnsuitable
from edge.capture.gaps import GapDetector
from edge.capture.v4l2 import DevicePatience, V4L2Source
from edge.capture.v4l2_device import CameraMode, LinuxpyDevice
from edge.capture.v4l2_finding import find_cameras
from edge.capture.v4l2_luma import raw_luma
from edge.clock import boottime_ns

NODE = "/dev/video0"
# one capture node with one input, a webcam; of its sizes the smallest
LOADED = ("n_devs=1", "node_types=0x1", "num_inputs=1", "input_types=0")
WIDTH, HEIGHT = 320, 180
SLOW = DevicePatience(first_frame_s=60.0, stall_s=30.0, away_s=60.0, look_again_s=0.2)
_READ_S = 60.0  # a busy machine emulates slowly
_NEXT_CONTROL = 0x80000000  # V4L2_CTRL_FLAG_NEXT_CTRL


def busybox(*words: str) -> None:
    """A program of the guest's shell."""
    subprocess.run(["/bin/busybox", *words], check=True)


def plug_in() -> None:
    """Load vivid, and wait for its node."""
    busybox("insmod", "/modules/vivid.ko", *LOADED)
    until_s = time.monotonic() + 10
    while not Path(NODE).exists() and time.monotonic() < until_s:
        time.sleep(0.05)


def set_vivid(name: str, value: int) -> None:
    """Set one of vivid's controls by the name that it has in the kernel, through a handle of its own."""
    with v4l2.Device(NODE) as handle:
        query = v4l2.raw.v4l2_queryctrl(id=_NEXT_CONTROL)
        while True:
            try:
                v4l2.ioctl(handle.fileno(), v4l2.IOC.QUERYCTRL, query)
            except OSError as error:
                raise LookupError(f"vivid has no control {name!r}") from error
            if query.name.decode() == name:
                v4l2.set_control(handle.fileno(), query.id, value)
                return
            query = v4l2.raw.v4l2_queryctrl(id=query.id | _NEXT_CONTROL)


@contextlib.contextmanager
def watched(**changes: object) -> Iterator[V4L2Source]:
    """The source on vivid's node, closed at the end."""
    wishes = {"width": WIDTH, "height": HEIGHT, "patience": SLOW}
    source = V4L2Source(NODE, **{**wishes, **changes})
    try:
        yield source
    finally:
        source.close()


def picture_in(pixel_format: str) -> np.ndarray:
    """The luma of one frame, as the source's own code takes it out."""
    device = LinuxpyDevice(NODE)
    try:
        granted = device.start(CameraMode(pixel_format, WIDTH, HEIGHT, 30.0), 30.0, 4)
        out = np.zeros((granted.height, granted.width), np.uint8)
        assert granted.pixel_format == pixel_format
        assert device.wait(_READ_S)
        buffer = device.take()
        raw_luma(granted).copy(buffer.data, out)
        buffer.data.release()
        device.give_back()
        return out
    finally:
        device.close()


class Vivid(unittest.TestCase):
    """A disconnected vivid is there again as soon as its last user has closed it."""

    @classmethod
    def setUpClass(cls) -> None:
        plug_in()

    def test_camera_is_listed_with_the_formats_that_can_be_used(self) -> None:
        (camera,) = find_cameras()
        self.assertEqual((camera.device, camera.name), (NODE, "vivid"))
        self.assertEqual({mode.pixel_format for mode in camera.modes}, {"GREY", "YUYV"})
        self.assertIn((WIDTH, HEIGHT), {(mode.width, mode.height) for mode in camera.modes})

    def test_frames_come_in_order_with_the_kernel_s_times(self) -> None:
        with watched() as source:
            self.assertEqual((source.info.width, source.info.height), (WIDTH, HEIGHT))
            self.assertEqual(source.info.timestamps, "sensor")
            frames = [
                (frame.sequence, frame.timestamp_ns) for frame in (source.read(_READ_S) for _ in range(10))
            ]
            self.assertEqual([sequence for sequence, _ in frames], list(range(10)))
            times_ns = np.array([timestamp_ns for _, timestamp_ns in frames])
            self.assertGreater(np.diff(times_ns).min(), 0)
            # vivid stamps the end of the exposure: nine tenths of a frame after it hands the frame out
            self.assertTrue(-1e9 / source.info.fps < boottime_ns() - times_ns[-1] < 60e9)
        # what the emulated processor was too slow for is counted and stands in the times
        gaps = GapDetector(source.info.fps)
        n_missing = sum(gap.n_missing for frame in frames if (gap := gaps.observe(*frame)) is not None)
        self.assertLessEqual(abs(n_missing - source.counts.n_lost), 2 + n_missing // 4)

    def test_grey_and_yuyv_show_the_same_luma(self) -> None:
        self.addCleanup(set_vivid, "OSD Text Mode", 0)
        set_vivid("OSD Text Mode", 2)  # no running clock in the picture
        grey, yuyv = picture_in("GREY"), picture_in("YUYV")
        self.assertEqual(grey.shape, (HEIGHT, WIDTH))
        self.assertGreater(np.ptp(grey), 100)  # bars
        # grey is made in full range of the same colours, YUYV in video range: the order is the same
        ranks = [np.unique(luma, return_inverse=True)[1].ravel() for luma in (grey, yuyv)]
        self.assertGreater(np.corrcoef(ranks)[0, 1], 0.99)

    def test_gain_is_held(self) -> None:
        with watched() as source:
            self.assertIn("gain_automatic", source._light.held)
            self.assertEqual(source._light.held["gain_automatic"], 0)
            self.assertEqual(source._light.refused, set())

    def test_dropped_buffers_are_counted_by_the_kernel_s_sequence(self) -> None:
        with watched() as source:
            before = source.read(_READ_S)
            n_lost = source.counts.n_lost
            self.addCleanup(set_vivid, "Percentage of Dropped Buffers", 0)
            set_vivid("Percentage of Dropped Buffers", 60)
            n_read = 0
            while source.counts.n_lost - n_lost <= 2:  # the first ones were in the ring already
                last, n_read = source.read(_READ_S), n_read + 1
                self.assertLess(n_read, 200)
            self.assertEqual(last.sequence, before.sequence + n_read)
            self.assertEqual(source.counts.n_corrupt, 0)

    def test_damaged_buffer_is_counted_and_not_delivered(self) -> None:
        with watched() as source:
            source.read(_READ_S)
            for _ in range(3):
                set_vivid("Inject V4L2_BUF_FLAG_ERROR", 1)
                source.read(_READ_S)
            for _ in range(5):
                source.read(_READ_S)
            self.assertGreaterEqual(source.counts.n_corrupt, 1)

    def test_stream_that_does_not_start_is_a_sentence(self) -> None:
        set_vivid("Inject VIDIOC_STREAMON Error", 1)
        with self.assertRaises(CameraUnsuitable) as caught, watched():
            pass
        self.assertIn("error", str(caught.exception))

    def test_camera_in_use_is_busy(self) -> None:
        with watched(), self.assertRaises(CameraBusy), watched():
            pass

    def test_camera_that_is_gone_is_waited_for_and_goes_on(self) -> None:
        with watched() as source:
            last = source.read(_READ_S)
            set_vivid("Disconnect", 1)
            while not source.counts.n_restarts:
                with contextlib.suppress(CameraAway):
                    frame = source.read(_READ_S)
            self.assertGreater(frame.timestamp_ns, last.timestamp_ns)
            self.assertEqual(source.counts.n_restarts, 1)
            self.assertEqual(source.read(_READ_S).sequence, frame.sequence + 1)

    def test_camera_that_stays_away_is_given_up(self) -> None:
        away = DevicePatience(first_frame_s=60.0, stall_s=30.0, away_s=1.0, look_again_s=0.2)
        with watched(patience=away, find=lambda _identity: None) as source:
            source.read(_READ_S)
            set_vivid("Disconnect", 1)
            with self.assertRaises(CameraAbsent) as caught:
                while True:
                    with contextlib.suppress(CameraAway):
                        source.read(1.0)
            self.assertIn("it was unplugged", str(caught.exception))
        self.assertEqual([camera.device for camera in find_cameras()], [NODE])

    def test_no_handle_is_left_of_a_camera_that_was_gone(self) -> None:
        with watched() as source:
            set_vivid("Disconnect", 1)
            while not source.counts.n_restarts:
                with contextlib.suppress(CameraAway):
                    source.read(_READ_S)
        busybox("rmmod", "vivid")  # refused while anything of it is open or mapped
        plug_in()
