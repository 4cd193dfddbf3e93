"""The V4L2 source against a device that plays frames, losses, silence, damage and refusal."""

from __future__ import annotations

import errno
import os
import pickle
import sys
import threading
import time
from fractions import Fraction

import av
import numpy as np
import pytest

from edge.capture.errors import (
    CameraAbsent,
    CameraAway,
    CameraBusy,
    CameraDenied,
    CameraSilent,
    CameraThreadFailed,
    CameraUnsuitable,
    FrameTimeout,
    SourceClosed,
    StreamDamaged,
)
from edge.capture.gaps import GapDetector
from edge.capture.v4l2 import DevicePatience, V4L2Source
from edge.capture.v4l2_device import CameraMode
from edge.capture.v4l2_finding import choose_mode, find_cameras
from edge.capture.v4l2_luma import BufferDamaged, MjpegLuma, PackedLuma
from edge.capture.v4l2_standin import Picture, Silence, StandInDevice, StandInLight, yuyv_bytes
from edge.errors import EXIT_BUG, EXIT_DEVICE_ABSENT, EXIT_INPUT_OUTPUT, MissingExtra

INTERVAL_NS = 8_333_333
GREY = CameraMode("GREY", 64, 48, 120.0)


def kernel_error(number):
    return OSError(number, os.strerror(number))


UNPLUGGED = kernel_error(errno.ENODEV)


@pytest.fixture
def grey(bars):
    """Maker of grey buffers: `grey(3, 4)` has the kernel's sequence numbers 3 and 4."""

    def make(*sequences, **changes):
        pictures = bars(max(sequences) + 1)
        return [Picture(pictures[k].tobytes(), k, 10**9 + k * INTERVAL_NS, **changes) for k in sequences]

    return make


@pytest.fixture
def open_source():
    """Opens a source on a script; closes it after the test."""
    opened = []

    def make(script, modes=(GREY,), **wishes):
        source = V4L2Source(StandInDevice(script, modes), 64, 48, **wishes)
        opened.append(source)
        return source

    yield make
    for source in opened:
        source.close()


def jpeg(luma):
    """One picture as an MJPG camera sends it."""
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.height, encoder.width = luma.shape
    encoder.pix_fmt, encoder.time_base = "yuvj422p", Fraction(1, 30)
    encoder.options = {"qscale": "2"}
    frame = av.VideoFrame.from_ndarray(luma, "gray").reformat(format="yuvj422p")
    frame.pts = 0
    return b"".join(bytes(packet) for packet in encoder.encode(frame) + encoder.encode(None))


def test_skipped_sequence_numbers_are_counted_and_show_as_a_gap(open_source, grey, play):
    source = open_source([*grey(0, 1, 2, 6, 7), UNPLUGGED])
    gaps = GapDetector(source.info.fps)
    found = [gaps.observe(frame.sequence, frame.timestamp_ns) for frame in play(source)]
    assert [gap.n_missing for gap in found if gap is not None] == [3]
    assert (source.counts.n_frames, source.counts.n_lost) == (5, 3)


def test_restarted_sequence_is_no_loss(open_source, grey, play):
    source = open_source([*grey(5, 6, 0, 1), UNPLUGGED])
    assert sum(1 for _ in play(source)) == 4
    assert source.counts.n_lost == 0


def test_late_reader_gets_the_newest_frames_and_the_count_of_the_others(open_source, grey, play):
    source = open_source([*grey(*range(30)), UNPLUGGED])
    source._thread.join()  # the camera is done before anything is read
    sequences = [frame.timestamp_ns for frame in play(source)]
    assert source.counts.n_frames == 15  # an eighth of a second
    assert source.counts.n_lost == 15
    assert np.diff(sequences).tolist() == [INTERVAL_NS] * 14


def test_silence_times_out_and_reading_goes_on_after_it(open_source, grey):
    source = open_source([*grey(0), Silence(3), *grey(1), UNPLUGGED])
    assert source.read(1.0).sequence == 0
    with pytest.raises(FrameTimeout, match=r"no frame for 0.02 s after frame 0; check the camera's cable"):
        source.read(0.02)
    assert source.read(5.0).sequence == 1


def test_unplugging_is_told_after_the_frames_before_it(open_source, grey):
    source = open_source([*grey(0, 1), UNPLUGGED])
    assert [source.read(5.0).sequence for _ in range(2)] == [0, 1]
    with pytest.raises(CameraAbsent, match="it was unplugged") as caught:
        source.read(5.0)
    assert caught.value.exit_code == EXIT_DEVICE_ABSENT


def test_damaged_buffers_are_counted_and_passed_over(open_source, grey, play):
    short = Picture(b"too short", 1, 10**9)
    source = open_source([*grey(0), short, *grey(2, damaged=True), *grey(3), UNPLUGGED])
    assert [frame.sequence for frame in play(source)] == [0, 1]
    assert (source.counts.n_corrupt, source.counts.n_lost) == (2, 2)


def test_nothing_but_damage_is_fatal(open_source, grey):
    source = open_source([*grey(0), *grey(*range(1, 40), damaged=True)])
    assert source.read(5.0).sequence == 0
    with pytest.raises(StreamDamaged, match="30 packets were damaged; check cable"):
        source.read(5.0)


@pytest.mark.parametrize(
    ("number", "kind", "sentence", "exit_code"),
    [
        (errno.EBUSY, CameraBusy, "another program is using it", EXIT_INPUT_OUTPUT),
        (errno.EACCES, CameraDenied, "group `video`", EXIT_INPUT_OUTPUT),
        (errno.ENODEV, CameraAbsent, "but there is none", EXIT_DEVICE_ABSENT),
        (errno.EIO, CameraUnsuitable, "Input/output error", EXIT_INPUT_OUTPUT),
    ],
)
def test_refusal_is_explained_and_the_device_released(number, kind, sentence, exit_code):
    device = StandInDevice([], [GREY], refusal=kernel_error(number))
    with pytest.raises(kind, match=sentence) as caught:
        V4L2Source(device)
    assert caught.value.exit_code == exit_code
    assert device.n_closed == 1


def test_camera_without_a_usable_format_is_unsuitable():
    device = StandInDevice([], [])
    with pytest.raises(CameraUnsuitable, match="expected one of GREY, YUYV, MJPG"):
        V4L2Source(device)
    assert device.n_closed == 1


def test_other_format_granted_than_asked_is_unsuitable(grey):
    device = StandInDevice(grey(0), [GREY], granted=CameraMode("H264", 64, 48, 30.0))
    with pytest.raises(CameraUnsuitable, match=r"expected GREY .* gives H264"):
        V4L2Source(device)


def test_granted_size_and_rate_are_what_info_says(grey):
    granted = CameraMode("GREY", 64, 48, 30.0)
    source = V4L2Source(StandInDevice([*grey(0), UNPLUGGED], [CameraMode("GREY", 64, 48, 120)], granted))
    assert (source.info.fps, source.info.width, source.info.height, source.info.live) == (30.0, 64, 48, True)
    source.close()


def test_camera_that_never_sends_times_out_at_the_start():
    device = StandInDevice([Silence(9)], [GREY])
    with pytest.raises(FrameTimeout, match="since it was opened"):
        V4L2Source(device, patience=DevicePatience(first_frame_s=0.01))
    assert device.n_closed == 1


def test_missing_node_is_absent(tmp_path):
    with pytest.raises(CameraAbsent, match="but there is none; plug it in"):
        V4L2Source(str(tmp_path / "video0"))


def test_plain_file_is_no_camera(tmp_path):
    (tmp_path / "video0").write_bytes(b"no camera")
    with pytest.raises(CameraUnsuitable, match="Inappropriate ioctl"):
        V4L2Source(str(tmp_path / "video0"))


def test_kernel_time_becomes_boot_time(open_source, grey):
    source = open_source(grey(0))
    to_boottime_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME) - time.monotonic_ns()
    assert source.info.timestamps == "sensor"
    assert source.read(5.0).timestamp_ns - 10**9 == pytest.approx(to_boottime_ns, abs=5_000_000)


def test_camera_without_kernel_time_gets_arrival_times_and_says_so(open_source, grey):
    before_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    source = open_source(grey(0, monotonic=False))
    assert source.info.timestamps == "arrival"
    assert before_ns <= source.read(5.0).timestamp_ns <= time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def test_motion_jpeg_is_decoded_to_luma(bars):
    row, column = np.mgrid[0:48, 0:64]
    pictures = [(60 + 2 * row + column + 5 * k).astype(np.uint8) for k in range(4)]
    buffers = [Picture(jpeg(luma), k, 10**9 + k) for k, luma in enumerate(pictures)]
    broken = Picture(b"\xff\xd8 not a picture", 4, 10**9 + 4)
    source = V4L2Source(
        StandInDevice([*buffers, broken, UNPLUGGED], [CameraMode("MJPG", 64, 48, 30)]), 64, 48
    )
    for luma in pictures:
        assert np.abs(source.read(5.0).luma.astype(int) - luma).max() <= 6
    with pytest.raises(CameraAbsent):
        source.read(5.0)
    assert source.counts.n_corrupt == 1
    source.close()


@pytest.mark.parametrize("pixel_format", ["GREY", "YUYV"])
@pytest.mark.parametrize("padding", [0, 32])
def test_padding_between_rows_is_left_out(bars, pixel_format, padding):
    luma = bars(1)[0]
    packed = luma if pixel_format == "GREY" else np.frombuffer(yuyv_bytes(luma), np.uint8).reshape(48, -1)
    padded = np.pad(packed, ((0, 0), (0, padding)), constant_values=7)
    data = padded.tobytes()[: padded.size - padding]  # drivers leave out the last row's
    out = np.empty((48, 64), np.uint8)
    PackedLuma(CameraMode(pixel_format, 64, 48, 30, padded.shape[1])).copy(memoryview(data), out)
    np.testing.assert_array_equal(out, luma)


def test_close_stops_the_thread_and_releases_the_device_once(open_source, grey):
    source = open_source(grey(0))
    device = source._device
    source.close()
    source.close()
    assert device.n_closed == 1
    assert not any(thread.name == "camera" and thread.is_alive() for thread in threading.enumerate())
    with pytest.raises(SourceClosed):
        source.read(0.0)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_bug_in_the_camera_thread_is_told_as_one(open_source, grey):
    source = open_source([*grey(0), Picture("text where bytes belong", 1, 10**9)])
    assert source.read(5.0).sequence == 0
    with pytest.raises(CameraThreadFailed, match="failed by a bug") as caught:
        source.read(5.0)
    assert caught.value.exit_code == EXIT_BUG


YUYV_30 = CameraMode("YUYV", 640, 480, 30.0)
MJPG_120 = CameraMode("MJPG", 640, 480, 120.1)
GREY_120 = CameraMode("GREY", 640, 480, 120.1)
HD_60 = CameraMode("MJPG", 1280, 720, 60.0)


@pytest.mark.parametrize(
    ("modes", "fps", "chosen"),
    [
        ([YUYV_30, MJPG_120, HD_60], 0.0, MJPG_120),
        ([YUYV_30, MJPG_120], 30.0, YUYV_30),
        ([YUYV_30, MJPG_120], 120.0, MJPG_120),
        ([YUYV_30, MJPG_120, GREY_120], 0.0, GREY_120),
        ([HD_60], 120.0, HD_60),
        ([], 0.0, None),
    ],
)
def test_mode_is_chosen_by_size_then_rate_then_cost(modes, fps, chosen):
    assert choose_mode(modes, 640, 480, fps) == chosen


def test_cameras_of_this_machine_are_listed_or_there_are_none():
    for camera in find_cameras():
        assert camera.device.startswith("/dev/video")
        assert camera.modes


# ---- stalls and unplugging -------------------------------------------------------------------

QUICK = DevicePatience(stall_s=0.04, away_s=0.5, look_again_s=0.01, poll_s=0.01, n_restarts=2)


def test_stalled_camera_is_started_again_in_the_same_mode(grey, play):
    device = StandInDevice([*grey(0, 1), Silence(6), *grey(0, 1), UNPLUGGED], [GREY])
    source = V4L2Source(device, 64, 48, 100.0, patience=QUICK)
    assert sum(1 for _ in play(source)) == 4
    (first, first_fps), (again, again_fps) = device.asked
    assert (first.pixel_format, first.width, first.height) == (again.pixel_format, again.width, again.height)
    assert first_fps == again_fps == 100.0
    assert (source.counts.n_restarts, source.counts.n_lost) == (1, 0)
    source.close()


def test_camera_that_stays_silent_is_given_up(grey):
    source = V4L2Source(StandInDevice([*grey(0), Silence(500)], [GREY]), 64, 48, patience=QUICK)
    assert source.read(5.0).sequence == 0
    with pytest.raises(CameraSilent, match="restarted 2 times"):
        source.read(5.0)
    source.close()


@pytest.fixture
def replugged(grey):
    """A source on a camera that is unplugged, and comes back as another node after some looks."""

    def make(*later, looks=5, asleep=(), **changes):
        light = StandInLight()
        first = StandInDevice([*grey(*range(300)), UNPLUGGED], [GREY], light=light)
        waiting = [
            StandInDevice(
                script,
                [GREY],
                path=f"/dev/video{8 + k}",
                light=StandInLight(),
                refusal=kernel_error(errno.EIO) if k in asleep else None,
                **changes,
            )
            for k, script in enumerate(later)
        ]
        made = [first, *waiting]
        n_looks = 0

        def find(identity):
            nonlocal n_looks
            n_looks += 1
            assert identity == first.identity
            return waiting.pop(0) if waiting and n_looks % looks == 0 else None

        return V4L2Source(first, 64, 48, patience=QUICK, find=find), made

    return make


def test_unplugged_camera_is_waited_for_and_goes_on_in_the_same_light(replugged, grey, play):
    source, (first, second) = replugged([*grey(0, 1, 2), UNPLUGGED])
    frames = [frame.sequence for frame in patiently(source)]
    assert frames == list(range(len(frames)))
    assert source.counts.n_restarts == 1
    assert (first.n_closed, second.asked) == (1, first.asked)
    assert second.light.values["auto_exposure"] == 1
    exposure = second.light.values["exposure_time_absolute"]
    assert exposure == first.light.values["exposure_time_absolute"]
    source.close()


def patiently(source):
    """Frames to the end; a camera that is away is waited for, and so is a busy machine."""
    while True:
        try:
            yield source.read(0.02)
        except (CameraAway, FrameTimeout):
            continue
        except CameraAbsent:
            return


def test_absence_is_said_while_it_lasts_and_is_final_after_the_wait(replugged):
    source, _ = replugged()
    assert list(patiently(source))
    with pytest.raises(CameraAbsent, match="it was unplugged"):
        source.read(0.05)
    away = CameraAway(0.5, 7, "/dev/video0", 60.0)
    assert str(pickle.loads(pickle.dumps(away))) == str(away)
    assert "plug it in again within 60 s and the session goes on" in str(away)
    source.close()


def test_camera_that_comes_back_asleep_is_tried_again(replugged, grey):
    source, made = replugged([], [*grey(0), UNPLUGGED], looks=2, asleep=(0,))
    frames = list(patiently(source))
    assert frames[-1].sequence == len(frames) - 1
    assert made[1].n_closed == 1
    assert made[2].asked == made[0].asked
    source.close()


def test_closing_does_not_wait_for_a_camera_that_is_away(grey):
    patience = DevicePatience(away_s=1000.0, look_again_s=1000.0, poll_s=0.01)
    source = V4L2Source(
        StandInDevice([*grey(0), UNPLUGGED], [GREY]), 64, 48, patience=patience, find=lambda _: None
    )
    source.read(5.0)
    while not source._delivery.away_patience_s:
        time.sleep(0.001)
    with pytest.raises(CameraAway):
        source.read(0.01)
    source.close()
    assert not source._thread.is_alive()


def test_another_size_after_a_restart_is_refused(grey):
    device = StandInDevice([*grey(0), Silence(99)], [GREY])
    source = V4L2Source(device, 64, 48, patience=QUICK)
    source.read(5.0)
    device._granted = CameraMode("GREY", 32, 24, 120.0)
    with pytest.raises(CameraUnsuitable, match=r"expected 64x48 GREY .* gives 32x24 GREY"):
        source.read(5.0)
    source.close()


@pytest.mark.parametrize("change", ["without tables", "cut", "larger", "padded"])
def test_motion_jpeg_as_cameras_send_it(bars, change):
    luma = bars(1)[0]
    whole = jpeg(luma)
    changed = {
        "without tables": without_tables(whole),
        "cut": whole[: len(whole) // 2],
        "larger": jpeg(np.tile(luma, (2, 2))),
        "padded": whole + bytes(500),
    }[change]
    out = np.zeros((48, 64), np.uint8)
    copier = MjpegLuma(CameraMode("MJPG", 64, 48, 30.0))
    if change in ("cut", "larger"):
        with pytest.raises(BufferDamaged):
            copier.copy(memoryview(changed), out)
    else:
        copier.copy(memoryview(changed), out)
        assert np.abs(out.astype(int) - luma).mean() < 6


def without_tables(picture):
    """Without its Huffman tables, as most UVC cameras send theirs."""
    kept, at = bytearray(picture[:2]), 2
    while picture[at + 1] != 0xDA:
        length = 2 + int.from_bytes(picture[at + 2 : at + 4], "big")
        if picture[at + 1] != 0xC4:
            kept += picture[at : at + length]
        at += length
    return bytes(kept + picture[at:])


def test_motion_jpeg_without_its_decoder_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "simplejpeg", None)
    with pytest.raises(MissingExtra, match=r"microcue\[usb\]"):
        MjpegLuma(CameraMode("MJPG", 64, 48, 30.0))
