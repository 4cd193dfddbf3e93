"""The same signals give the same cues, bit for bit, however and whenever they come."""

from __future__ import annotations

import dataclasses
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.config import SpotConfig
from edge.messages import Blink, Cue
from edge.spot import Spotter
from edge.spot.simulated import SimulatedFace

BROWS = ("inner_brow_right", "inner_brow_left")
CORNERS = ("mouth_corner_up_right", "mouth_corner_up_left")
CONFIG = SpotConfig(accepted_false_per_hour=600.0)


def eventful(seed=31):
    """Half a minute with everything in it: codes, timestamps, sequences."""
    face = SimulatedFace(36.0, seed=seed, noise_miod=0.8)
    for onset_s in (6.0, 12.0, 20.0):
        face.add_movement(BROWS, onset_s, 0.2, 10.0)
    for onset_s in (8.0, 15.0, 16.0, 24.0):
        face.add_blink(onset_s)
    face.add_speech(26.0, 28.0)
    face.add_turn(18.0, 0.5, 100.0)
    face.add_movement(CORNERS, 30.0, 1.2, 40.0)
    face.lose(CORNERS, 22.0, 22.3)
    face.drop_frames(0.02)
    return face.codes(), face.timestamps_ns, np.arange(len(face.timestamps_ns))


@pytest.fixture(scope="module")
def recording():
    """One recording, and what a spotter makes of it frame by frame."""
    codes, timestamps_ns, sequences = eventful()
    events = run(codes, timestamps_ns, sequences, range(len(codes)))
    assert {type(event) for event in events} == {Cue, Blink}
    assert len({event.kind for event in events if isinstance(event, Cue)}) == 2
    return codes, timestamps_ns, sequences, events


def run(codes, timestamps_ns, sequences, cuts):
    """All events of a new spotter, fed in pieces that end before each of the cuts."""
    spotter = Spotter(CONFIG, 120.0)
    edges = sorted({0, *cuts, len(codes)})
    events = []
    for begin, end in pairwise(edges):
        part = slice(begin, end)
        events += spotter.steps(codes[part], timestamps_ns[part], sequences[part])
    return [*events, *spotter.flush()]


@settings(max_examples=8, deadline=None)
@given(st.sets(st.integers(1, 4200), max_size=40))
def test_any_chunking_gives_the_same_events(recording, cuts):
    codes, timestamps_ns, sequences, expected = recording
    inside = [cut for cut in cuts if cut < len(codes)]
    assert run(codes, timestamps_ns, sequences, inside) == expected


@pytest.mark.parametrize("seconds", [1, 86_400 * 400])
def test_a_later_start_moves_the_times_and_nothing_else(recording, seconds):
    codes, timestamps_ns, sequences, expected = recording
    shift_ns, n_before = seconds * 10**9, 12_345
    got = run(codes, timestamps_ns + shift_ns, sequences + n_before, [])
    moved = [moved_by(event, shift_ns, n_before) for event in expected]
    assert got == moved


def moved_by(event, shift_ns, n_before):
    """The event as it would have been at another time."""
    changes = {
        field.name: value + (shift_ns if field.name.endswith("_ns") else n_before)
        for field in dataclasses.fields(event)
        if field.name.endswith(("_ns", "_frame")) and (value := getattr(event, field.name)) is not None
    }
    return dataclasses.replace(event, **changes)


def test_four_faces_are_as_four_alone():
    faces = [eventful(seed) for seed in (41, 42, 43, 44)]
    alone = [run(codes, times, sequences, []) for codes, times, sequences in faces]
    spotters = [Spotter(CONFIG, 120.0) for _ in faces]
    together = [[] for _ in faces]
    for frame in range(max(len(codes) for codes, _, _ in faces)):
        for spotter, events, (codes, times, sequences) in zip(spotters, together, faces, strict=True):
            part = slice(frame, frame + 1)
            events += spotter.steps(codes[part], times[part], sequences[part])
    for spotter, events in zip(spotters, together, strict=True):
        events += spotter.flush()
    assert together == alone
    assert len({len(events) for events in alone}) > 1
