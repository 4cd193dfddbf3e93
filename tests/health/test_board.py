"""Readings of a board, from a folder that plays one, with the failures of real ones."""

from __future__ import annotations

import errno
import os
import struct
from pathlib import Path

import pytest

from edge.health.board import Board
from edge.health.firmware import throttled_word


def test_a_healthy_board_is_read(played):
    readings = played.board().read()
    assert (readings.temperature_c, readings.throttle_c) == (51.608, 80.0)
    assert readings.headroom_c == pytest.approx(28.392)
    assert (readings.throttled, readings.undervoltage, readings.was_undervolted) == (False, False, False)
    assert (readings.memory_available_mb, readings.process_mb, readings.disk_free_mb) == (
        2000.0,
        200.0,
        5000.0,
    )
    assert readings.card_wear_percent is None
    assert readings.n_unreadable == 0


def test_an_empty_machine_says_nothing_and_breaks_nothing(tmp_path):
    readings = Board(tmp_path, tmp_path / "none", lambda: None, lambda _: 1.0).read()
    assert readings.temperature_c is readings.headroom_c is readings.throttled is None
    assert readings.undervoltage is readings.memory_available_mb is readings.process_mb is None
    assert readings.n_unreadable == 0


@pytest.mark.parametrize("nonsense", ["", "warm\n", "5 1\n", "\x00\x00", "0x12\n"])
def test_nonsense_in_a_file_is_counted_and_taken_for_nothing(played, nonsense):
    played.put("sys/class/thermal/thermal_zone0/temp", nonsense)
    played.put("sys/class/hwmon/hwmon1/in0_lcrit_alarm", nonsense)
    played.put("proc/meminfo", nonsense)
    played.put("sys/block/mmcblk0/device/life_time", "worn\n")
    played.word = None
    readings = played.board().read()
    assert readings.temperature_c is readings.undervoltage is readings.memory_available_mb is None
    assert readings.card_wear_percent is None
    assert readings.n_unreadable == 3


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.EAGAIN, errno.ENODATA])
def test_a_file_that_refuses_is_counted_and_the_others_are_read(played, monkeypatch, number):
    read_text = Path.read_text

    def refusing(self, *args, **kwargs):
        if self.name in ("temp", "in0_lcrit_alarm"):
            raise OSError(number, os.strerror(number))
        return read_text(self, *args, **kwargs)

    monkeypatch.setattr(Path, "read_text", refusing)
    readings = played.board().read()
    assert readings.temperature_c is None
    assert readings.undervoltage is False  # the firmware still says so
    assert readings.memory_available_mb == 2000.0
    assert readings.n_unreadable == 2


@pytest.mark.parametrize("degrees", ["-256000", "0\n-", "999000"])
def test_a_zone_that_is_switched_off_is_no_temperature(played, degrees):
    played.put("sys/class/thermal/thermal_zone0/temp", degrees)
    assert played.board().read().temperature_c is None


def test_the_zone_nearest_to_its_own_limit_counts_and_a_constant_one_does_not(played):
    """As on a Jetson: a processor of 88 degrees that may have 99, a module of 60 that may have 65."""
    played.put("proc/device-tree/model", "NVIDIA Jetson Nano Developer Kit")
    played.heat(88)
    played.put("sys/class/thermal/thermal_zone0/trip_point_0_type", "passive\n")
    played.put("sys/class/thermal/thermal_zone0/trip_point_0_temp", "99000\n")
    played.put("sys/class/thermal/thermal_zone1/type", "AO-therm\n")
    played.put("sys/class/thermal/thermal_zone1/temp", "60000\n")
    played.put("sys/class/thermal/thermal_zone1/trip_point_0_type", "hot\n")
    played.put("sys/class/thermal/thermal_zone1/trip_point_0_temp", "65000\n")
    played.put("sys/class/thermal/thermal_zone2/type", "PMIC-Die\n")
    played.put("sys/class/thermal/thermal_zone2/temp", "100000\n")
    readings = played.board().read()
    assert (readings.temperature_c, readings.throttle_c) == (60.0, 65.0)


def test_a_fan_s_trip_points_are_no_limit(played):
    """As on a Pi 5: active ones for the fan, a critical one at 110."""
    for number, (kind, degrees) in enumerate([("active", 50000), ("active", 75000), ("critical", 110000)]):
        played.put(f"sys/class/thermal/thermal_zone0/trip_point_{number}_type", f"{kind}\n")
        played.put(f"sys/class/thermal/thermal_zone0/trip_point_{number}_temp", f"{degrees}\n")
    assert played.board().read().throttle_c == 80.0


@pytest.mark.parametrize(
    ("word", "throttled", "undervoltage", "was_undervolted"),
    [
        (0x50005, True, True, True),
        (0x50000, False, False, True),
        (0x20002, True, False, False),
        (0x8, True, False, False),
    ],
)
def test_the_firmware_s_word_is_understood(played, word, throttled, undervoltage, was_undervolted):
    played.word = word
    (played.root / "sys/class/hwmon/hwmon1/in0_lcrit_alarm").unlink()
    readings = played.board().read()
    assert (readings.throttled, readings.undervoltage) == (throttled, undervoltage)
    assert readings.was_undervolted is was_undervolted


def test_the_voltage_sensor_goes_before_the_firmware(played):
    played.put("sys/class/hwmon/hwmon1/in0_lcrit_alarm", "1\n")
    assert played.board().read().undervoltage is True


@pytest.mark.parametrize(("kind", "throttled"), [("cpufreq-cpu0", True), ("pwm-fan", None)])
def test_a_device_that_cools_by_slowing_a_processor_is_throttling(played, kind, throttled):
    played.word = None
    played.put("sys/class/thermal/cooling_device0/type", f"{kind}\n")
    played.put("sys/class/thermal/cooling_device0/cur_state", "2\n")
    assert played.board().read().throttled is throttled


@pytest.mark.parametrize(
    ("text", "percent"), [("0x01 0x03\n", 30.0), ("0x0b 0x01\n", 110.0), ("0x00 0x00\n", None)]
)
def test_wear_is_the_worse_of_two_tenths(played, text, percent):
    played.put("sys/block/mmcblk0/device/life_time", text)
    assert played.board().read().card_wear_percent == percent


def test_a_data_directory_that_is_gone_is_counted(tmp_path):
    readings = Board(tmp_path / "gone", tmp_path, lambda: None).read()
    assert readings.disk_free_mb is None
    assert readings.n_unreadable == 1


def test_the_mailbox_is_asked_as_the_firmware_wants_it(tmp_path):
    (tmp_path / "vcio").touch()
    asked = []

    def firmware(descriptor, request, message):
        asked.append((request, struct.unpack("=8I", message)))
        message[:] = struct.pack("=8I", 32, 0x80000000, 0x30046, 4, 0x80000004, 0x50005, 0, 0)

    assert throttled_word(tmp_path / "vcio", firmware) == 0x50005
    assert asked == [(0xC0086400, (32, 0, 0x30046, 4, 0, 0, 0, 0))]


def test_a_mailbox_that_is_missing_refuses_or_does_not_answer_says_nothing(tmp_path):
    def refuse(*_):
        raise PermissionError(errno.EPERM, "no")

    assert throttled_word(tmp_path / "vcio") is None
    (tmp_path / "vcio").touch()
    assert throttled_word(tmp_path / "vcio", refuse) is None
    assert throttled_word(tmp_path / "vcio", lambda *_: None) is None  # the word is still the question
