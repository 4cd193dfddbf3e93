"""`microcue cameras`: every mode of every camera, and what to do where there is none."""

from __future__ import annotations

import json

import pytest

from edge.capture.errors import CameraBusy
from edge.capture.gstreamer_standin import command
from edge.capture.picamera2 import RibbonCamera, ribbon_modes
from edge.capture.picamera2_mode import ModeCache
from edge.capture.picamera2_scene import Scene
from edge.capture.picamera2_standin import stand_in_library
from edge.capture.v4l2_device import CameraMode
from edge.capture.v4l2_finding import CameraFound
from edge.cli import main
from edge.commands.cameras import camera_rows
from edge.errors import MissingExtra

RIBBON = RibbonCamera("picamera2:0", "imx219")
USB = CameraFound("/dev/video0", "UVC Camera", (CameraMode("GREY", 640, 480, 120.1),))


@pytest.fixture
def modes_of(tmp_path):
    """Reads the modes of the stand-in camera."""
    return lambda device: ribbon_modes(
        device, stand_in_library(Scene([])), ModeCache(tmp_path / "modes.json")
    )


def no_linuxpy():
    raise MissingExtra("a USB camera", "usb")


@pytest.fixture
def attached(monkeypatch, modes_of):
    """A machine with both kinds of camera."""
    monkeypatch.setattr("edge.capture.picamera2.find_ribbon_cameras", lambda: [RIBBON])
    monkeypatch.setattr("edge.capture.picamera2.ribbon_modes", modes_of)
    monkeypatch.setattr("edge.capture.v4l2_finding.find_cameras", lambda: [USB])


def test_every_mode_of_every_camera_is_a_row(attached, capsys):
    assert main(["cameras", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [(row["camera"], row["width"], row["format"], row["fps"], row["view"]) for row in rows] == [
        ("picamera2:0", 640, "10 bit", 206.65, 0.39),
        ("picamera2:0", 1640, "10 bit", 41.85, 1.0),
        ("picamera2:0", 1920, "10 bit", 47.57, 0.585),
        ("v4l2:/dev/video0", 640, "GREY", 120.1, None),
    ]


def test_people_see_the_view_as_a_share(attached, capsys):
    assert main(["cameras"]) == 0
    out = capsys.readouterr().out
    assert "206.7" in out or "206.6" in out
    assert "39%" in out


def test_machine_without_a_camera_says_what_to_do(monkeypatch, capsys):
    monkeypatch.setattr("edge.capture.picamera2.find_ribbon_cameras", list)
    monkeypatch.setattr("edge.capture.v4l2_finding.find_cameras", list)
    assert main(["cameras"]) == 69
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "expected a camera, but no camera is attached; plug in" in captured.err


def test_busy_camera_is_listed_as_such():
    def busy(device):
        raise CameraBusy(device)

    (row,) = camera_rows(lambda: [RIBBON], busy, list)
    assert row[0] == "picamera2:0"
    assert row[4] == "expected picamera2:0 to be free, but another program is using it"


def test_ribbon_cameras_are_listed_without_the_package_for_usb_ones(modes_of):
    assert len(list(camera_rows(lambda: [RIBBON], modes_of, no_linuxpy))) == 3
    with pytest.raises(MissingExtra):
        list(camera_rows(list, modes_of, no_linuxpy))


def test_pipeline_is_listed_by_what_argus_says_of_its_sensor(monkeypatch, tmp_path, capsys):
    pictures = tmp_path / "pictures.grey"
    pictures.write_bytes(bytes(64 * 48))
    life = {"pictures": str(pictures), "size": (64, 48), "interval_ns": 10**7, "start_ns": 0}
    said = "GST_ARGUS: 3280 x 2464 FR = 21.000000 fps\nGST_ARGUS: 1280 x 720 FR = 59.999999 fps Duration"
    lives = [{**life, "numbers": [0] * 30, "pace_s": 0.05, "prints": said}]
    monkeypatch.setattr(
        "edge.capture.gstreamer.command_of", lambda _pipeline: command(tmp_path / "play.json", lives)
    )
    monkeypatch.setattr("edge.capture.picamera2.find_ribbon_cameras", list)
    monkeypatch.setattr("edge.capture.v4l2_finding.find_cameras", list)
    assert main(["cameras", "--camera", "gst:nvarguscamerasrc", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [(row["name"], row["width"], row["fps"]) for row in rows] == [
        ("sensor-mode=0", 3280, 21.0),
        ("sensor-mode=1", 1280, 60.0),
    ]
