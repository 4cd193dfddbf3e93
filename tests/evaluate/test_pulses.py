"""The timing of pulses: every cue decided is one pulse on the pin, timed after the pin has changed."""

from __future__ import annotations

import itertools

import gpiozero
import numpy as np
import pytest

from edge.commands.bench import in_words
from edge.config import Config
from edge.errors import IndicateError
from edge.evaluate import pulses
from edge.evaluate.pulses import PulseReport, TimedLight, measure_pulses
from edge.evaluate.speed import steady_face
from edge.indicate.patterns import DARK, WHITE
from edge.indicate.recorded import RecordedLight
from edge.record.reading import LogReader


def test_each_pulse_is_a_cue_that_went_through_the_loop_and_the_log(tmp_path, monkeypatch):
    lights = []

    class Kept(pulses.GpioLight):
        def __init__(self, pins):
            super().__init__(pins)
            lights.append(self)
            self.pin = self._leds[0].pin

    monkeypatch.setattr(pulses, "GpioLight", Kept)
    before = gpiozero.Device.pin_factory
    report = measure_pulses(Config(), steady_face(60.0, 320, 240, n=24), 60.0, 5, tmp_path)
    assert gpiozero.Device.pin_factory is before
    assert 5 <= report.n_pulses <= 6
    assert 0 < report.p50_ms <= report.p99_ms <= report.largest_ms
    levels = [state.state for state in lights[0].pin.states]
    assert sum(now > then for then, now in itertools.pairwise(levels)) == report.n_pulses
    with LogReader(tmp_path) as log:
        n_cues = len(list(log.cues(log.resolve("latest"))))
    assert report.n_pulses <= n_cues <= report.n_pulses + 1  # one may be decided and not yet shown


def test_pictures_without_a_face_time_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(pulses, "_FRAMES_PER_PULSE_MAX", 10)
    report = measure_pulses(Config(), np.zeros((4, 240, 320), np.uint8), 60.0, 3, tmp_path)
    assert report.n_pulses == 0
    assert "no face was followed" in in_words(report)


def test_a_light_is_timed_once_it_has_changed():
    class Slow(RecordedLight):
        def set(self, colour):
            super().set(colour)
            timed.decided_ns -= 7_000_000  # as if the pin had taken so long

    timed = TimedLight(Slow(lambda: 0))
    timed.is_idle = False
    timed.decided_ns = pulses.time.perf_counter_ns()
    timed.set(WHITE)
    assert timed.latency.largest_ns >= 7_000_000
    assert not timed.is_idle
    timed.set(DARK)
    assert (timed.is_idle, timed.latency.n) == (True, 1)


def test_a_pin_that_cannot_be_had_is_the_pin_s_own_sentence(tmp_path, monkeypatch):
    def refuse(setting):
        raise IndicateError(f"{setting} is in use")

    monkeypatch.setattr(pulses, "open_light", refuse)
    with pytest.raises(IndicateError, match="gpio:5 is in use"):
        measure_pulses(Config(), np.zeros((4, 240, 320), np.uint8), 60.0, 3, tmp_path, "gpio:5")


def test_bench_says_how_long_a_cue_takes_to_its_pin():
    assert in_words(None) == ""
    text = in_words(PulseReport("gpio:5", 500, 0.2, 1.25, 2.5))
    assert text == (
        "cue to pin: 0.20 ms in half of 500 cues, 1.25 ms at most in 99%, 2.50 ms in all; pins: gpio:5\n"
    )
