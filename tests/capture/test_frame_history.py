"""What frames were like: repeated, stepping, flickering, uneven; and nothing of it where they are fine."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from edge.capture.frame_history import FrameHistory
from edge.capture.source import SourceCounts
from edge.kernels.light import find_lines, take_levels
from edge.messages import Frame

HEIGHT, WIDTH = 120, 160


def reference_levels(luma, steps, n_strips):
    """Means of strips of the thin grid, in float64."""
    (row_step, column_step), (height, width) = steps, luma.shape
    thin = luma[row_step // 2 :: row_step, column_step // 2 :: column_step]
    thin = thin[: height // row_step, : width // column_step]
    edges = [strip * len(thin) // n_strips for strip in range(n_strips + 1)]
    return np.array([thin[a:b].astype(np.float64).mean() for a, b in pairwise(edges)]), thin


@pytest.mark.parametrize("steps", [(1, 1), (2, 8), (15, 8), (9, 7)])
def test_levels_match_their_definition(steps):
    rng = np.random.default_rng(3)
    first, second = rng.integers(0, 256, (2, HEIGHT, WIDTH)).astype(np.uint8)
    second[::2] = first[::2]
    thin = np.zeros((HEIGHT // steps[0], WIDTH // steps[1]), np.uint8)
    levels = np.zeros(5, np.float32)
    for luma, before in ((first, np.zeros_like(first)), (second, first)):
        level, share_new = take_levels(luma, *steps, thin, levels)
        expected, seen = reference_levels(luma, steps, 5)
        np.testing.assert_allclose(levels, expected, rtol=1e-6)
        np.testing.assert_array_equal(thin, seen)
        assert level == pytest.approx(seen.mean())
        assert share_new == pytest.approx(np.mean(seen != reference_levels(before, steps, 5)[1]))


def reference_amplitude(levels, shown_hz, fps):
    """Of a line over the newest frames: least squares with a sine, level, slope and bend, Hann-weighted."""
    k = np.arange(len(levels))
    weight = np.sqrt(0.5 - 0.5 * np.cos(2 * np.pi * (k + 0.5) / len(k)))
    phase = 2 * np.pi * shown_hz / fps * k
    columns = np.stack([np.cos(phase), np.sin(phase), np.ones(len(k)), k, k**2], axis=1)
    fit, *_ = np.linalg.lstsq(columns * weight[:, None], levels * weight[:, None], rcond=None)
    return np.sqrt(np.mean(fit[0] ** 2 + fit[1] ** 2))


@pytest.mark.parametrize(
    ("lamp_hz", "fps"), [(100, 120.0), (120, 100.0), (100, 90.0), (120, 200.0), (100, 59.9)]
)
@pytest.mark.parametrize("end", [300, 731])
def test_lines_match_a_fit_wherever_the_ring_begins(lamp_hz, fps, end):
    rng = np.random.default_rng(5)
    k = np.arange(end)
    phases = np.linspace(0, 2 * np.pi, 8, endpoint=False)  # a rolling shutter: no two strips alike
    light = 100 + 0.05 * k[:, None] + 1.5 * np.sin(2 * np.pi * lamp_hz * k[:, None] / fps + phases)
    light += rng.normal(0, 0.05, light.shape)
    history = np.zeros((400, 8), np.float32)
    history[k % 400] = light
    out, window = np.zeros((2, 3)), np.zeros((240, 8))
    find_lines(history, end, fps, np.array([100.0, 120.0]), window, np.zeros((2, 8)), np.zeros(24), out)
    shown_hz, amplitude, beside = out[0 if lamp_hz == 100 else 1]
    assert shown_hz == pytest.approx(abs(lamp_hz - fps * round(lamp_hz / fps)))
    assert amplitude == pytest.approx(reference_amplitude(light[-240:], shown_hz, fps), rel=0.02)
    assert amplitude == pytest.approx(1.5, rel=0.05)
    assert 0 < beside < 0.05


class Room:
    """Frames of a grey room: `light(seconds)` its level in each row, noise of a fair sensor."""

    def __init__(self, fps=120.0, light=lambda _: 120.0):
        self.fps, self.light = fps, light
        self.history = FrameHistory(HEIGHT, WIDTH, fps)
        self.counts = SourceCounts()
        self.noise = np.random.default_rng(2)
        self.luma = np.zeros((HEIGHT, WIDTH), np.uint8)
        self.n = 0

    def see(self, numbers, repeats=(), jitter_ns=0):
        """Frames at these intervals; the report that came, or None."""
        last = None
        for number in numbers:
            if number not in repeats:
                level = np.broadcast_to(self.light(number / self.fps), (HEIGHT,))[:, None]
                self.luma = self.noise.normal(level, 2.0, (HEIGHT, WIDTH)).clip(0, 255).astype(np.uint8)
            at_ns = round(number * 1e9 / self.fps + self.noise.uniform(-jitter_ns, jitter_ns))
            self.history.observe(Frame(self.n, at_ns, self.luma), self.counts)
            self.n += 1
            last = self.history.report(at_ns, self.counts) or last
        return last

    def around(self, first, last):
        return self.history.around(round(first * 1e9 / self.fps), round(last * 1e9 / self.fps))


def test_good_frames_are_nothing_to_speak_of():
    report = Room().see(range(361))
    assert (report.n_frames, report.n_missing, report.n_repeated, report.n_light_steps) == (361, 0, 0, 0)
    assert report.fps == pytest.approx(120.0)
    assert report.jitter_ms < 0.001
    assert report.light_level == pytest.approx(119.5, abs=0.1)
    assert (report.lamp_hz, report.flicker_hz) == (None, None)


def test_reports_come_after_three_seconds_then_every_ten_and_when_asked():
    room = Room()
    assert room.see(range(360)) is None
    assert room.see([360]).n_frames == 361
    assert room.see(range(361, 1560)) is None
    assert room.see([1560]).n_frames == 1200
    assert room.history.report(1560 * 8333333, room.counts, at_once=True) is None  # nothing new
    room.see([1561])
    assert room.history.report(1561 * 8333333, room.counts, at_once=True).n_frames == 1


def test_missing_and_repeated_frames_are_counted():
    numbers = [k for k in range(361) if k not in (100, 101, 200)]
    report = Room().see(numbers, repeats=(50, 51, 300))
    assert (report.n_frames, report.n_missing, report.n_repeated) == (358, 3, 3)


def test_jitter_is_what_it_is():
    report = Room().see(range(365), jitter_ns=300_000)
    # of an interval between two uniform times: sqrt(2 / 3) of the half width
    assert report.jitter_ms == pytest.approx(0.3 * np.sqrt(2 / 3), rel=0.15)


@pytest.mark.parametrize(
    ("lamp_hz", "fps", "shown_hz"), [(100, 120, 20), (120, 100, 20), (100, 200, None), (120, 119.5, None)]
)
def test_flicker_is_named_unless_it_stands_still(lamp_hz, fps, shown_hz):
    report = Room(fps, lambda t: 120 + 2 * np.sin(2 * np.pi * lamp_hz * t)).see(range(round(3 * fps) + 2))
    assert report.flicker_hz == (None if shown_hz is None else pytest.approx(shown_hz, abs=0.01))
    assert report.lamp_hz == (None if shown_hz is None else lamp_hz)


def test_flicker_is_seen_through_a_rolling_shutter_that_averages_it_away():
    rows_s = np.arange(HEIGHT) / HEIGHT * 0.010  # a whole period of the lamp from first row to last
    report = Room(light=lambda t: 120 + 3 * np.sin(2 * np.pi * 100 * (t + rows_s))).see(range(361))
    assert (report.lamp_hz, report.flicker_hz) == (100.0, pytest.approx(20.0))


@pytest.mark.parametrize("seed", range(12))
def test_a_head_that_moves_is_no_lamp(seed):
    rng = np.random.default_rng(seed)
    walk = np.cumsum(rng.normal(0, 0.3, (900, 8)), axis=0)  # strips that brighten and darken apart
    room = Room(118.0, lambda t: np.repeat(120 + walk[round(t * 118.0)], HEIGHT // 8))
    assert room.see(range(355)).lamp_hz is None  # 120 Hz would show at 2 Hz, where movement is


def test_a_step_of_light_is_counted_and_stands_beside_the_movement_it_falls_into():
    room = Room(light=lambda t: 120.0 if t < 1 else 108.0)
    report = room.see(range(361))
    assert report.n_light_steps == 1
    assert room.around(100, 110).light_step_percent == pytest.approx(10.0, rel=0.1)  # just after it
    assert room.around(200, 210).light_step_percent < 1.0


def test_what_the_source_counts_is_told_once():
    room = Room()
    room.counts.n_lost, room.counts.n_exposure_changes = 2, 1
    first = room.see(range(361))
    room.counts.n_exposure_changes, room.counts.n_restarts = 3, 1
    second = room.see(range(361, 1600))
    assert (first.n_lost, first.n_exposure_changes, first.n_restarts) == (2, 1, 0)
    assert (second.n_lost, second.n_exposure_changes, second.n_restarts) == (0, 2, 1)
    assert room.around(355, 365).n_exposure_changes == 2
    assert room.around(500, 520).n_exposure_changes == 0


def test_conditions_count_within_their_margin_only():
    room = Room()
    room.see(range(361), repeats=(90, 100, 110, 125, 150))
    assert room.around(100, 110).n_repeated == 3  # 12 frames before and after belong to it
    assert room.around(300, 320).n_repeated == 0


def test_frames_of_long_ago_are_not_known():
    room = Room(60.0)
    room.see(range(60 * 20))
    assert room.around(100, 110) is None
    assert room.around(60 * 19, 60 * 19 + 10) is not None


def test_first_frame_repeats_nothing_even_where_it_is_black():
    history = FrameHistory(HEIGHT, WIDTH, 120.0)
    history.observe(Frame(0, 0, np.zeros((HEIGHT, WIDTH), np.uint8)), SourceCounts())
    assert history.n_repeated == 0


@pytest.mark.parametrize("shape", [(1, 1), (3, 500), (4320, 7)])
def test_pictures_of_any_size_are_looked_at(shape):
    history = FrameHistory(*shape, 0.0)
    for k in range(5):
        history.observe(Frame(k, k * 10**7, np.full(shape, 10 * k, np.uint8)), SourceCounts())
    report = history.report(4 * 10**7, SourceCounts(), at_once=True)
    assert report.light_level == pytest.approx(20.0)
