"""docs/hardware.md says what its scripts compute."""

from __future__ import annotations

import math
import re
from pathlib import Path

import camera_table
import draw_wiring
import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "hardware.md").read_text(encoding="utf-8")


def test_table_of_cameras_is_the_one_that_is_computed():
    assert camera_table.with_table(PAGE) == PAGE


def test_face_is_as_wide_as_a_pinhole_shows_it():
    camera = {"lens_mm": 5.0, "pitch_um": 2.0}
    mode = {"crop": [1280, 960], "size": [1280, 960], "fps": 100.0}
    # 135 mm at 500 mm through 5 mm: 1.35 mm on the sensor, 675 of its pixels, two of which are one here
    assert camera_table.face_px(camera, mode, 50) == pytest.approx(337.5)
    assert camera_table.face_px(camera, mode, 100) == pytest.approx(337.5 / 2)
    half = math.radians(camera_table.angle_deg(camera, mode) / 2)
    assert 2 * 50 * math.tan(half) == pytest.approx(camera_table.seen_cm(camera, mode, 50))


@pytest.mark.parametrize(
    ("name", "field_of_view_deg"),
    # whole sensors, as raspberrypi.com gives their fields of view
    [("Camera Module 1", 53.5), ("Camera Module 2", 62.2), ("Camera Module 3", 66.0)],
)
def test_lens_and_pixels_give_the_makers_field_of_view(name, field_of_view_deg):
    (camera,) = (camera for camera in camera_table.cameras() if camera["name"] == name)
    width = {"ov5647": 2592, "imx219": 3280, "imx708": 4608}[camera["sensor"]]
    half_mm = width * camera["pitch_um"] / 2000
    assert 2 * math.degrees(math.atan(half_mm / camera["lens_mm"])) == pytest.approx(
        field_of_view_deg, rel=0.05
    )


def test_flicker_table_is_where_lamps_show():
    for fps, of_100, of_120 in re.findall(r"^\| (\d+) \| ([^|]*) \| ([^|]*) \|$", PAGE, re.MULTILINE):
        for lamp_hz, cell in ((100, of_100), (120, of_120)):
            shown_hz = abs(lamp_hz - round(lamp_hz / int(fps)) * int(fps))
            assert cell.startswith(f"{shown_hz} Hz" if shown_hz else "none"), (fps, cell)


def test_drawing_is_the_one_that_the_script_draws(tmp_path, monkeypatch):
    monkeypatch.setattr(draw_wiring, "OUTPUT", tmp_path / "wiring.svg")
    draw_wiring.main()
    assert (tmp_path / "wiring.svg").read_text() == (ROOT / "docs/images/wiring.svg").read_text()


def test_wired_pins_are_those_of_the_words_and_the_settings():
    pins = dict(re.findall(r"GPIO (\d+)\s*\(pin (\d+)\)", PAGE))
    assert {draw_wiring.NAMES[int(pin)] for pin in pins.values()} == {f"GPIO {number}" for number in pins}
    grounds = re.findall(r"ground\s*\(pin (\d+)\)", PAGE)
    assert {draw_wiring.NAMES[int(pin)] for pin in grounds} == {"GND"}
    assert set(re.findall(r'"gpio:(\d+)"', PAGE)) == set(pins)
