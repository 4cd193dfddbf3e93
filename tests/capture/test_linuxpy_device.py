"""The linuxpy adapter on the real linuxpy, over a kernel played in Python.

The node is an ordinary file that holds the buffers, so opening, mapping and closing are real; only
the ioctl calls are answered here.
"""

from __future__ import annotations

import errno
import mmap
import os
from collections import deque

import numpy as np
import pytest

from edge.capture.errors import CameraUnsuitable
from edge.capture.v4l2 import V4L2Source
from edge.capture.v4l2_device import CONTROL_IDS, CameraMode, ControlRange, DeviceIdentity, LinuxpyDevice

v4l2 = pytest.importorskip("linuxpy.video.device")

WIDTH, HEIGHT, PADDING = 64, 48, 32
N_BUFFERS = 4
RATES_HZ = {"GREY": (60, 120), "YUYV": (30,), "H264": (30,)}
FLAGS = v4l2.BufferFlag.TIMESTAMP_MONOTONIC


class PlayedKernel:
    """A UVC camera with GREY at 60 and 120 Hz and YUYV at 30, and an H264 that is of no use."""

    BUFFER_BYTES = -(-HEIGHT * (2 * WIDTH + PADDING) // mmap.PAGESIZE) * mmap.PAGESIZE

    def __init__(self, node):
        self.node = node
        self.node.write_bytes(bytes(N_BUFFERS * self.BUFFER_BYTES))
        self.capabilities = v4l2.Capability.VIDEO_CAPTURE | v4l2.Capability.STREAMING
        self.pixel_format, self.fps = "GREY", 30
        self.queued = deque()
        self.streaming = False
        self.n_filled = 0
        self.failing = None
        self.controls = {"auto_exposure": 3, "exposure_time_absolute": 157}

    def ioctl(self, fd, request, argument):
        """Answer one call by its name; a call that this camera does not know is ENOTTY."""
        name = v4l2.IOC(request).name
        if self.failing == name:
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
        answer = getattr(self, name.lower(), None)
        if answer is None:
            raise OSError(errno.ENOTTY, os.strerror(errno.ENOTTY))
        answer(argument)
        return argument

    @staticmethod
    def nth(items, index):
        if index >= len(items):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        return items[index]

    def querycap(self, caps):
        caps.driver, caps.card, caps.bus_info = b"played", b"Played camera", b"usb-1"
        caps.capabilities = caps.device_caps = self.capabilities

    def control_name(self, identifier):
        names = {number: name for name, number in CONTROL_IDS.items()}
        return self.nth([name for name in self.controls if name == names[identifier]], 0)

    def queryctrl(self, query):
        name = self.control_name(query.id)
        query.minimum, query.maximum, query.step = (0, 3, 1) if name == "auto_exposure" else (1, 5000, 1)

    def g_ctrl(self, control):
        control.value = self.controls[self.control_name(control.id)]

    def s_ctrl(self, control):
        self.controls[self.control_name(control.id)] = control.value

    def enum_fmt(self, description):
        name = self.nth(list(RATES_HZ), description.index)
        description.pixelformat = v4l2.raw.v4l2_fourcc(*name)

    def enum_framesizes(self, size):
        self.nth([0], size.index)
        size.type = v4l2.FrameSizeType.DISCRETE
        size.m1.discrete.width, size.m1.discrete.height = WIDTH, HEIGHT

    def enum_frameintervals(self, interval):
        rates = RATES_HZ[v4l2.human_pixel_format(interval.pixel_format)]
        interval.type = v4l2.FrameIntervalType.DISCRETE
        interval.discrete.numerator = 1
        interval.discrete.denominator = self.nth(rates, interval.index)

    def s_fmt(self, wish):
        self.pixel_format = v4l2.human_pixel_format(wish.fmt.pix.pixelformat)
        self.g_fmt(wish)

    def g_fmt(self, granted):
        pix = granted.fmt.pix
        pix.width, pix.height = WIDTH, HEIGHT
        pix.pixelformat = v4l2.raw.v4l2_fourcc(*self.pixel_format)
        pix.bytesperline = WIDTH * (2 if self.pixel_format == "YUYV" else 1) + PADDING
        pix.sizeimage = pix.bytesperline * HEIGHT

    def s_parm(self, wish):
        interval = wish.parm.capture.timeperframe
        self.fps = interval.denominator // interval.numerator

    def g_parm(self, granted):
        interval = granted.parm.capture.timeperframe
        interval.numerator, interval.denominator = 1, self.fps

    def reqbufs(self, request):
        assert request.count in (0, N_BUFFERS)

    def querybuf(self, buffer):
        buffer.length = self.BUFFER_BYTES
        buffer.m.offset = buffer.index * self.BUFFER_BYTES

    def qbuf(self, buffer):
        assert buffer.index not in self.queued
        self.queued.append(buffer.index)

    def streamon(self, kind):
        self.streaming = True

    def streamoff(self, kind):
        self.streaming = False

    def dqbuf(self, buffer):
        """Fill the oldest queued buffer: luma is the row number plus the frame number."""
        assert self.streaming
        if not self.queued:
            raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        buffer.index = self.queued.popleft()
        buffer.sequence, buffer.flags = self.n_filled, FLAGS
        buffer.timestamp.secs, buffer.timestamp.usecs = 50, 8333 * self.n_filled
        buffer.bytesused = HEIGHT * (WIDTH + PADDING)
        rows = np.full((HEIGHT, WIDTH + PADDING), 255, np.uint8)
        rows[:, :WIDTH] = np.arange(HEIGHT)[:, None] + self.n_filled
        with self.node.open("rb+") as file:
            file.seek(buffer.index * self.BUFFER_BYTES)
            file.write(rows.tobytes())
        self.n_filled += 1


@pytest.fixture
def kernel(tmp_path, monkeypatch):
    """The played kernel behind linuxpy; its node is a file."""
    played = PlayedKernel(tmp_path / "video7")
    monkeypatch.setattr(v4l2, "ioctl", played.ioctl)
    return played


def test_modes_are_the_usable_ones(kernel):
    device = LinuxpyDevice(str(kernel.node))
    assert device.name == "Played camera"
    assert sorted((mode.pixel_format, mode.fps) for mode in device.modes(640, 480)) == [
        ("GREY", 60.0),
        ("GREY", 120.0),
        ("YUYV", 30.0),
    ]
    device.close()
    device.close()


def test_device_streams_through_mapped_buffers_more_often_than_it_has_them(kernel):
    device = LinuxpyDevice(str(kernel.node))
    granted = device.start(CameraMode("GREY", WIDTH, HEIGHT, 120.0), 120.0, N_BUFFERS)
    assert granted == CameraMode("GREY", WIDTH, HEIGHT, 120.0, WIDTH + PADDING)
    for k in range(3 * N_BUFFERS):
        assert device.wait(1.0)
        buffer = device.take()
        assert (buffer.sequence, buffer.timestamp_ns) == (k, 50_000_000_000 + k * 8_333_000)
        assert (buffer.monotonic, buffer.damaged) == (True, False)
        assert buffer.data[0] == k
        assert buffer.data[HEIGHT * (WIDTH + PADDING) - PADDING - 1] == HEIGHT - 1 + k
        buffer.data.release()
        device.give_back()
    assert len(kernel.queued) == N_BUFFERS
    device.close()
    assert not kernel.streaming


def test_source_reads_the_best_mode_of_a_real_node(kernel):
    source = V4L2Source(str(kernel.node), WIDTH, HEIGHT)
    assert (source.info.fps, source.info.timestamps) == (120.0, "sensor")
    described = f"v4l2:{kernel.node} Played camera GREY, exposure held at 8.3 ms"
    assert source.info.description == described
    luma = source.read(5.0).luma
    assert np.all(np.diff(luma, axis=0) == 1)  # modulo 256
    assert np.all(luma == luma[:, :1])
    source.close()


def test_controls_are_those_the_camera_has(kernel):
    device = LinuxpyDevice(str(kernel.node))
    assert device.controls() == {
        "auto_exposure": ControlRange(0, 3),
        "exposure_time_absolute": ControlRange(1, 5000),
    }
    device.set_control("exposure_time_absolute", 83)
    assert device.get_control("exposure_time_absolute") == kernel.controls["exposure_time_absolute"] == 83
    with pytest.raises(OSError, match="Invalid argument"):
        device.set_control("gain", 3)
    device.close()


def test_identity_is_the_name_and_the_socket(kernel):
    device = LinuxpyDevice(str(kernel.node))
    assert device.identity == DeviceIdentity("Played camera", "usb-1")
    device.close()


def test_stream_may_be_started_again(kernel):
    device = LinuxpyDevice(str(kernel.node))
    mode = CameraMode("GREY", WIDTH, HEIGHT, 120.0)
    for _ in range(2):
        kernel.queued.clear()
        device.start(mode, 120.0, N_BUFFERS)
        assert device.wait(1.0)
        device.take().data.release()
        device.stop()
        assert not kernel.streaming
    device.close()


def test_camera_that_only_plays_out_is_unsuitable(kernel):
    kernel.capabilities = v4l2.Capability.VIDEO_OUTPUT
    with pytest.raises(CameraUnsuitable, match="expected one of GREY, YUYV, MJPG"):
        V4L2Source(str(kernel.node))


def test_unplugged_device_closes_without_complaint(kernel):
    device = LinuxpyDevice(str(kernel.node))
    device.start(CameraMode("GREY", WIDTH, HEIGHT, 120.0), 120.0, N_BUFFERS)
    kernel.failing = "STREAMOFF"
    device.close()
    device.close()
