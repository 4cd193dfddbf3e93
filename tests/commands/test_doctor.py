"""The doctor: each check plays its failures, and the whole says what to do."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest

from edge import ahead
from edge.capture.picamera2 import RibbonCamera
from edge.cli import main
from edge.commands import checks
from edge.commands.inference_check import check_inference
from edge.commands.log_check import check_log
from edge.config import Config, with_overrides
from edge.errors import DeviceAbsent, MissingExtra, ModelError
from edge.health.board import BoardReadings
from edge.perceive.models import models_directory
from edge.record.schema import open_for_writing


@pytest.fixture
def settings():
    """Build settings from overrides of one section."""
    return lambda section, **table: with_overrides(Config(), {section: table})


def camera(device="/dev/video0", fps=120.0):
    mode = SimpleNamespace(pixel_format="GREY", width=640, height=480, fps=fps)
    return SimpleNamespace(device=device, name="UVC Camera", modes=(mode,))


@pytest.mark.parametrize(
    ("version", "bits", "level"),
    [
        ((3, 10, 0), 64, "ok"),
        ((3, 13, 9), 64, "ok"),
        ((3, 9, 18), 64, "fail"),
        ((3, 14, 0), 64, "fail"),
        ((3, 12, 1), 32, "fail"),
    ],
)
def test_python_is_supported_or_not(version, bits, level):
    finding = checks.check_python(version, bits)
    assert finding.level == level
    assert bool(finding.fix) == (level == "fail")


def test_packages_that_are_missing_are_named():
    def version_of(name):
        if name in ("av", "rich"):
            raise metadata.PackageNotFoundError(name)
        return "1.0"

    finding = checks.check_packages(version_of)
    assert (finding.level, finding.found, finding.fix) == ("fail", "missing: av, rich", "pip install av rich")
    assert checks.check_packages().level == "ok"


@pytest.mark.parametrize(
    ("wanted", "usable", "level"),
    [
        ("auto", ("litert",), "ok"),
        ("auto", (), "fail"),
        ("tflite", ("litert",), "fail"),
        ("tflite", ("litert", "tflite"), "ok"),
    ],
)
def test_the_runtime_asked_for_must_be_usable(settings, wanted, usable, level):
    assert checks.check_runtime(settings("perceive", runtime=wanted), lambda: usable).level == level


def test_models_are_verified(settings, tmp_path):
    assert checks.check_models(Config()).level == "ok"
    shutil.copytree(models_directory(), tmp_path / "models")
    altered = tmp_path / "models" / f"{Config().perceive.landmarks}.tflite"
    altered.write_bytes(altered.read_bytes()[:-1] + b"\x00\x01")
    finding = checks.examined(lambda: checks.check_models(Config(), tmp_path / "models"))
    assert (finding.level, finding.exit_code) == ("fail", 74)
    assert altered.name in finding.found
    missing = checks.examined(lambda: checks.check_models(Config(), tmp_path))
    assert missing.level == "fail"


def test_kernels_are_compiled_and_cached():
    finding = checks.check_kernels()
    assert finding.level == "ok"
    assert int(finding.found.split()[0]) >= 10


def test_kernels_compiled_ahead_are_counted_and_a_refused_build_is_a_warning():
    kernels = SimpleNamespace(patch_follow=len, pulse_scan=len, MADE="{}")
    build = ahead.Build(Path("/opt/kernels.so"), kernels, {"processor": "cortex-a53", "numba": "0.68.1"})
    found = checks.check_kernels(build=build).found
    assert found == "2 kernels, compiled ahead for cortex-a53 with numba 0.68.1: /opt/kernels.so"
    finding = checks.check_kernels(build=ahead.Build(Path("/k.so"), refusal="kernels of old; run this"))
    assert finding.level == "warn"
    assert finding.found.startswith("kernels of old; instead: ")
    assert finding.fix == "run this"


@pytest.mark.parametrize(
    ("wanted", "cameras", "nodes", "level", "words"),
    [
        ("auto", [camera()], [], "ok", "UVC Camera (/dev/video0), 640x480 GREY, 120 frames/s"),
        ("auto", [camera(fps=0.0)], [], "ok", "rate unstated"),
        ("auto", [], [], "warn", "none found"),
        ("auto", [], ["video0"], "warn", "none usable among video0"),
        ("v4l2:/dev/video0", [camera()], [], "ok", "UVC Camera"),
        ("v4l2:/dev/video7", [camera()], [], "fail", "v4l2:/dev/video7, which is no usable camera"),
    ],
)
def test_the_camera_is_found_or_not(settings, tmp_path, wanted, cameras, nodes, level, words):
    for node in nodes:
        (tmp_path / node).touch()
    finding = checks.check_camera(settings("capture", camera=wanted), lambda: cameras, tmp_path, list)
    assert finding.level == level
    assert words in finding.found
    assert finding.exit_code == (69 if level == "fail" else 0)


@pytest.mark.parametrize(
    ("wanted", "level", "words"),
    [
        ("auto", "ok", "imx708 (picamera2:0)"),
        ("picamera2", "ok", "imx708 (picamera2:0)"),
        ("picamera2:1", "fail", "capture.camera is picamera2:1, which is no usable camera"),
    ],
)
def test_a_ribbon_camera_needs_no_package_for_usb_ones(settings, tmp_path, wanted, level, words):
    def no_linuxpy():
        raise MissingExtra("a USB camera", "usb")

    config = settings("capture", camera=wanted)
    ribbon = [RibbonCamera("picamera2:0", "imx708")]
    finding = checks.check_camera(config, no_linuxpy, tmp_path, lambda: ribbon)
    assert (finding.level, finding.found) == (level, words)
    with pytest.raises(MissingExtra):
        checks.check_camera(config, no_linuxpy, tmp_path, list)


@pytest.mark.parametrize(
    ("led", "factory", "level", "words"),
    [
        ("auto", "", "ok", "shown in the terminal"),
        ("auto", "LGPIOFactory", "ok", "LGPIOFactory"),
        ("gpio:17", "LGPIOFactory", "ok", "LGPIOFactory"),
        ("gpio:17", "", "fail", "no pins"),
        ("rgb:1,2,3", "", "fail", "no pins"),
        ("none", "", "ok", "none"),
    ],
)
def test_the_led_has_pins_where_it_needs_them(settings, led, factory, level, words):
    finding = checks.check_led(settings("indicate", led=led), lambda: factory)
    assert (finding.level, finding.exit_code) == (level, 69 if level == "fail" else 0)
    assert words in finding.found


@pytest.mark.parametrize(("state", "level"), [(True, "ok"), (False, "warn"), (None, "unknown")])
def test_the_clock_is_set_or_not_or_unknown(state, level):
    assert checks.check_clock(lambda: state).level == level


@pytest.mark.parametrize(("free", "level"), [(5e9, "ok"), (5e8, "warn"), (1e7, "fail")])
def test_the_disk_has_room(tmp_path, free, level):
    finding = checks.check_disk(tmp_path / "not" / "yet" / "made", lambda _: int(free))
    assert (finding.level, finding.exit_code) == (level, 74 if level == "fail" else 0)
    assert not list(tmp_path.iterdir()), "the doctor makes nothing"


def test_a_file_in_the_place_of_the_data_directory_fails(tmp_path):
    (tmp_path / "data").touch()
    assert checks.check_disk(tmp_path / "data").level == "fail"


def test_a_directory_that_cannot_be_written_to_fails(tmp_path, monkeypatch):
    def refuse(dir):  # noqa: A002 - as tempfile names it
        raise PermissionError(13, os.strerror(13))

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    finding = checks.check_disk(tmp_path)
    assert (finding.level, finding.exit_code) == ("fail", 74)
    assert "Permission denied" in finding.found


def test_the_log_is_read_and_its_sessions_counted(tmp_path):
    assert check_log(tmp_path, 24.0).found.startswith("none yet")
    open_for_writing(tmp_path / "microcue.db").close()
    assert check_log(tmp_path, 24.0).found.startswith("0 sessions, ")


def test_a_log_of_an_older_version_is_no_failure(tmp_path):
    with closing(open_for_writing(tmp_path / "microcue.db")) as older:
        older.execute("PRAGMA user_version=1")
    finding = check_log(tmp_path, 24.0)
    assert (finding.level, finding.fix) == ("warn", "`microcue run` converts it as it starts")


def test_a_damaged_or_foreign_log_fails(tmp_path):
    (tmp_path / "microcue.db").write_bytes(b"no database at all" * 400)
    damaged = checks.examined(lambda: check_log(tmp_path, 24.0))
    assert (damaged.level, damaged.exit_code) == ("fail", 74)
    (tmp_path / "microcue.db").unlink()
    with closing(sqlite3.connect(tmp_path / "microcue.db")) as foreign, foreign:
        foreign.execute("CREATE TABLE recipes (name TEXT)")
    assert checks.examined(lambda: check_log(tmp_path, 24.0)).level == "fail"


@pytest.mark.parametrize(
    ("readings", "level", "words"),
    [
        (BoardReadings(), "unknown", "no sensor"),
        (BoardReadings(throttled=True), "warn", "slowed down now"),
        (BoardReadings(temperature_c=61.2, throttle_c=80.0), "ok", "61 °C, slowed down from 80 °C"),
        (BoardReadings(temperature_c=76.0, throttle_c=80.0), "warn", "a run does less"),
        (BoardReadings(temperature_c=81.0, throttle_c=80.0), "warn", "slowed down now"),
        (BoardReadings(temperature_c=60.0, throttle_c=80.0, throttled=True), "warn", "slowed down now"),
    ],
)
def test_the_temperature_is_judged_by_its_distance_to_the_limit(readings, level, words):
    finding = checks.check_temperature(readings)
    assert finding.level == level
    assert words in finding.found


@pytest.mark.parametrize(
    ("readings", "level", "found"),
    [
        (BoardReadings(), "unknown", "not known here"),
        (BoardReadings(undervoltage=False), "ok", "no undervoltage"),
        (BoardReadings(undervoltage=False, was_undervolted=True), "warn", "undervoltage since the start"),
        (BoardReadings(undervoltage=True), "warn", "undervoltage now"),
    ],
)
def test_the_supply_is_judged(readings, level, found):
    finding = checks.check_power(readings)
    assert (finding.level, finding.found) == (level, found)


@pytest.mark.parametrize(
    ("memory_mb", "wear_percent", "levels"),
    [(None, None, ("unknown", "unknown")), (150.0, 90.0, ("warn", "warn")), (900.0, 20.0, ("ok", "ok"))],
)
def test_memory_and_wear_are_judged(memory_mb, wear_percent, levels):
    readings = BoardReadings(memory_available_mb=memory_mb, card_wear_percent=wear_percent)
    assert (checks.check_memory(readings).level, checks.check_card(readings).level) == levels


@pytest.mark.parametrize(("took", "level"), [(True, "ok"), (False, "warn")])
def test_core_dumps_can_be_forbidden_or_not(took, level):
    assert checks.check_core_dumps(lambda: took).level == level


def test_a_failure_with_a_sentence_becomes_a_line_with_its_fix():
    def absent():
        raise DeviceAbsent("expected a camera, found none; plug one in")

    finding = checks.examined(absent)
    assert finding == checks.Finding("fail", "expected a camera, found none", "plug one in", 69)


@pytest.fixture
def calm(monkeypatch, tmp_path):
    """A machine of which the tests decide what is wrong, in its own home."""
    monkeypatch.setattr(checks, "check_core_dumps", lambda: checks.Finding("ok", "forbidden"))
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    return tmp_path


def test_doctor_prints_a_line_for_each_check_and_exits_0_where_nothing_fails(calm, capsys):
    assert main(["doctor", "--json", "--no-camera"]) == 0
    lines = json.loads(capsys.readouterr().out)
    assert [line["check"] for line in lines][:4] == ["python", "packages", "runtime", "models"]
    assert "camera" not in {line["check"] for line in lines}
    assert {line["level"] for line in lines} <= {"ok", "warn", "unknown"}


def test_doctor_exits_with_the_first_failure_s_code(calm, monkeypatch, capsys):
    def altered(config):
        raise ModelError("x.tflite: expected SHA-256 aa, found bb; reinstall microcue")

    monkeypatch.setattr(checks, "check_models", altered)
    monkeypatch.setattr(checks, "check_led", lambda _: checks.Finding("fail", "no pins", "fix", 69))
    assert main(["doctor", "--no-camera"]) == 74
    printed = capsys.readouterr().out
    assert "expected SHA-256 aa, found bb" in printed
    assert "reinstall microcue" in printed


def ended(returncode, stdout="", stderr=""):
    """A child process that ended so, as `subprocess.run` tells it."""
    return lambda *_words, **_options: SimpleNamespace(returncode=returncode, stdout=stdout, stderr=stderr)


def test_models_find_a_known_face_in_a_process_of_their_own():
    finding = check_inference(Config())
    assert (finding.level, finding.exit_code) == ("ok", 0)


def test_kernels_that_are_wrong_outside_the_picture_are_noticed():
    """What a compiler had made of them once: only a crop that reaches beyond an edge was wrong."""
    broken = """
import numpy as np
from edge.perceive import landmarks
crop = landmarks.crop_luma
def crop_wrongly(luma, matrix, *rest):
    n = rest[-1].shape[1] - 1
    corners = matrix[:, :2] @ [[0, n, 0, n], [0, 0, n, n]] + matrix[:, 2:]
    inside = (corners >= 0).all() and (corners < [[luma.shape[1]], [luma.shape[0]]]).all()
    crop(luma if inside else np.flipud(luma).copy(), matrix, *rest)
landmarks.crop_luma = crop_wrongly
"""

    def run(words, check, **options):
        program, flag, code, *rest = words
        return subprocess.run([program, flag, broken + code, *rest], check=check, **options)

    finding = check_inference(Config(), run)
    assert (finding.level, finding.exit_code) == ("fail", 78)


@pytest.mark.parametrize(
    ("child", "said"),
    [
        (ended(-11), "ended with SIGSEGV"),
        (ended(1, stderr="Traceback\nImportError: no module"), "ImportError: no module"),
        (ended(0, stdout="0.4\n"), "40.0% of its width"),
        (ended(0, stdout="nan\n"), "nan% of its width"),
    ],
)
def test_runtime_that_crashes_or_is_wrong_is_a_failure_with_the_other_one_as_the_fix(child, said):
    finding = check_inference(Config(), child)
    assert (finding.level, finding.exit_code) == ("fail", 78)
    assert said in finding.found
    assert "tflite" in finding.fix


def test_one_check_alone_is_asked_by_its_name(capsys):
    assert main(["doctor", "--only", "python", "--json"]) == 0
    assert [row["check"] for row in json.loads(capsys.readouterr().out)] == ["python"]
    assert main(["doctor", "--only", "pythn"]) == 2
    assert "one of python, packages" in capsys.readouterr().err
