"""The doctor's look through the camera: the rate really reached, lost and repeated frames, light, flicker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edge.capture.errors import SourceEnded
from edge.capture.gaps import GapDetector
from edge.capture.source import FrameSource
from edge.capture.spec import parse_camera
from edge.commands.checks import Finding
from edge.config import CaptureConfig, Config
from edge.errors import DeviceAbsent, MissingExtra

SECONDS = 2.0
_READ_S = 3.0
_THIN = 8  # every eighth row and column tells light and repeated frames
_DARK, _BRIGHT = 50.0, 210.0  # of 255, the mean: below and above it skin has little texture left
_MAINS_HZ = (100.0, 120.0)  # lamps flicker at twice the mains' 50 or 60 Hz
_FLICKER_GREY = 0.3  # amplitude of the mean, grey levels
_FLICKER_OVER_NOISE = 6.0


@dataclass(slots=True)
class Look:
    """What some seconds of frames showed.

    Attributes
    ----------
    n_repeated : int
        Frames with exactly the pixels of the one before; sensor noise makes that impossible for a new one.
    levels : list of float
        Mean of each frame.
    """

    gaps: GapDetector
    n_repeated: int = 0
    levels: list[float] = field(default_factory=list)


def look_at(source: FrameSource, seconds: float = SECONDS) -> Look:
    """Read for so long, in the frames' own time, or to the end."""
    look = Look(GapDetector(source.info.fps))
    first_ns: int | None = None
    previous: NDArray[np.uint8] | None = None
    while True:
        try:
            frame = source.read(_READ_S)
        except SourceEnded:
            return look
        first_ns = frame.timestamp_ns if first_ns is None else first_ns
        look.gaps.observe(frame.sequence, frame.timestamp_ns)
        thin = frame.luma[::_THIN, ::_THIN].copy()
        look.n_repeated += previous is not None and np.array_equal(thin, previous)
        look.levels.append(float(thin.mean()))
        previous = thin
        if frame.timestamp_ns - first_ns >= seconds * 1e9:
            return look


def flicker_hz(levels: NDArray[np.float64], fps: float) -> tuple[float, float] | None:
    """Where a lamp's flicker shows: the lamp's frequency and that of the beat with the frame rate.

    Parameters
    ----------
    levels : float64 [shape=(n_frames,)], grey levels
        Mean of each frame, at an even rate.
    fps : float, Hz

    Returns
    -------
    lamp_hz, beat_hz, or None where there is no such line in the spectrum.

    Notes
    -----
    Sampled at `fps`, light that varies with f shows at the distance of f to the nearest multiple of `fps`.
    A beat below 1 Hz is not told from a lamp that is being dimmed, and passes for none.
    """
    n = len(levels)
    if n < 32 or fps <= 0:
        return None
    ramp = np.linspace(-1.0, 1.0, n)
    drift = np.polynomial.Polynomial.fit(ramp, levels, 2)
    window = np.hanning(n)
    amplitudes = 2.0 * np.abs(np.fft.rfft((levels - drift(ramp)) * window)) / window.sum()
    frequencies = np.fft.rfftfreq(n, 1.0 / fps)
    noise = float(np.median(amplitudes))
    strongest: tuple[float, float, float] | None = None
    for lamp_hz in _MAINS_HZ:
        beat_hz = abs(lamp_hz - fps * round(lamp_hz / fps))
        near = np.abs(frequencies - beat_hz) <= 2.0 * fps / n
        if beat_hz < 1.0 or not near.any():
            continue
        peak = float(amplitudes[near].max())
        if peak > max(_FLICKER_GREY, _FLICKER_OVER_NOISE * noise) and peak > (strongest or (0.0,))[0]:
            strongest = (peak, lamp_hz, beat_hz)
    return strongest[1:] if strongest is not None else None


def check_frames(
    config: Config, open_camera: Callable[[CaptureConfig], FrameSource] | None = None
) -> Finding:
    """Look through the camera for two seconds; a recording is not looked at."""
    if parse_camera(config.capture.camera).kind in ("file", "demo"):
        return Finding("ok", "a recording; its own times count")
    if open_camera is None:
        from edge.app import open_source

        open_camera = open_source
    try:
        source = open_camera(config.capture)
    except (DeviceAbsent, MissingExtra):  # the line above says so
        return Finding("unknown", "no camera to look through")
    try:
        look = look_at(source)
    finally:
        source.close()
    return _judged(look, source)


def _judged(look: Look, source: FrameSource) -> Finding:
    gaps, levels = look.gaps, np.array(look.levels)
    light = float(levels.mean()) if len(levels) else 0.0
    asked_fps = source.info.fps
    of = f" of {asked_fps:.1f}" if asked_fps else ""
    found = (
        f"{gaps.fps:.1f} frames/s{of}, {source.info.timestamps} times, jitter {gaps.jitter_ms:.2f} ms, "
        f"{gaps.n_missing} missing, {look.n_repeated} repeated, light {light:.0f} of 255"
    )
    flicker = flicker_hz(levels, gaps.sensor_fps)
    if asked_fps and gaps.fps < 0.9 * asked_fps:
        return Finding("warn", found, "more light (cameras slow down in the dark), or another size or --fps")
    if gaps.n_missing > 0.01 * gaps.n_frames:
        return Finding("warn", found, "close other programs, or ask for fewer frames with --fps")
    if look.n_repeated > 0.01 * gaps.n_frames:
        return Finding("warn", found, "the camera repeats frames: ask for a rate it really has")
    if not _DARK <= light <= _BRIGHT:
        return Finding("warn", found, "more light from the front" if light < _DARK else "less light")
    if flicker is not None:
        found += f", flicker of {flicker[0]:.0f} Hz light shows at {flicker[1]:.1f} Hz"
        return Finding("warn", found, "daylight or a lamp on direct current; or a rate that divides it")
    return Finding("ok", found)
