"""Sensor time, wall time and what lies between them."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest

from edge import clock


def test_boot_time_goes_on():
    first = clock.boottime_ns()
    assert first <= time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    assert clock.boottime_ns() >= first


def test_boot_is_named_the_same_each_time():
    assert clock.boot_id() == clock.boot_id()
    assert len(clock.boot_id()) in (0, 36)


def test_unreadable_boot_name_is_empty(monkeypatch, tmp_path):
    monkeypatch.setattr(clock, "_BOOT_ID", tmp_path / "missing")
    assert clock.boot_id() == ""


@pytest.mark.parametrize("other", [time.CLOCK_MONOTONIC, time.CLOCK_REALTIME])
def test_offset_brings_another_clock_to_sensor_time(other):
    offset_ns = clock.offset_to_boottime_ns(other)
    before_ns = clock.boottime_ns()
    converted_ns = time.clock_gettime_ns(other) + offset_ns
    assert before_ns - 5_000_000 <= converted_ns <= clock.boottime_ns() + 5_000_000


def test_offset_is_that_of_the_tightest_reading(monkeypatch):
    # boot, other, boot; three times: widths of 100, 4 and 50 ns around a distance of 1000
    readings = iter([0, -1000 + 90, 100, 200, -1000 + 202, 204, 300, -1000 + 310, 350])

    def reading(clock_id):
        return next(readings)

    monkeypatch.setattr(clock.time, "clock_gettime_ns", reading)
    assert clock.offset_to_boottime_ns(time.CLOCK_REALTIME) == 1000


def test_clock_state_dates_a_sensor_timestamp():
    state = clock.clock_state()
    now_ns = clock.boottime_ns() + state.offset_ns
    assert now_ns == pytest.approx(time.time_ns(), abs=50_000_000)
    assert state.synchronised in (True, False, None)


@pytest.fixture
def c_library(monkeypatch):
    """A C library that has only what is put into it."""
    library = SimpleNamespace()

    def load(name, **options):
        return library

    monkeypatch.setattr(clock.ctypes, "CDLL", load)
    return library


@pytest.mark.parametrize(
    ("returned", "status", "expected"), [(0, 0, True), (5, 0, False), (0, 0x40, False), (-1, 0, None)]
)
def test_synchronisation_is_what_the_kernel_says(c_library, returned, status, expected):
    def adjtimex(reference):
        reference._obj.status = status
        return returned

    c_library.adjtimex = adjtimex
    assert clock.synchronised() is expected


def test_synchronisation_is_unknown_where_there_is_no_such_call(c_library):
    assert clock.synchronised() is None
