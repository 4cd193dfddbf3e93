"""What `--camera` may say."""

from __future__ import annotations

import pytest

from edge.capture.spec import CameraSpec, parse_camera
from edge.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "kind", "where"),
    [
        ("auto", "auto", ""),
        ("demo", "demo", ""),
        ("picamera2", "picamera2", "0"),
        ("picamera2:1", "picamera2", "1"),
        ("v4l2:/dev/video2", "v4l2", "/dev/video2"),
        ("v4l2:2", "v4l2", "/dev/video2"),
        ("/dev/video0", "v4l2", "/dev/video0"),
        ("gst:videotestsrc ! fdsink", "gst", "videotestsrc ! fdsink"),
        ("file:/a:b/clip.mkv", "file", "/a:b/clip.mkv"),
        ("file:gone.mkv", "file", "gone.mkv"),
    ],
)
def test_camera_setting_is_taken_apart(text, kind, where):
    assert parse_camera(text) == CameraSpec(kind, where)


def test_path_of_an_existing_folder_means_its_pictures(tmp_path):
    assert parse_camera(str(tmp_path)) == CameraSpec("file", str(tmp_path))


def test_path_of_an_existing_file_means_that_file(tmp_path):
    path = tmp_path / "clip.mkv"
    path.touch()
    assert parse_camera(str(path)) == CameraSpec("file", str(path))


@pytest.mark.parametrize(
    "text",
    ["", "webcam", "auto:1", "demo:x", "picamera2:left", "v4l2:", "v4l2:video0", "gst:", "file:", "gone.mkv"],
)
def test_nonsense_is_refused_with_the_forms(text):
    with pytest.raises(
        ConfigError, match=r"capture.camera expects auto, picamera2\[:N\], .*file:PATH or demo, found "
    ):
        parse_camera(text)
