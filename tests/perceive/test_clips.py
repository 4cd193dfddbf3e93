"""Real clips, where there are some: a folder named by MICROCUE_CLIPS."""

import os
from pathlib import Path

import av
import numpy as np
import pytest

from edge.perceive.finder import FaceFinder

CLIPS = Path(os.environ.get("MICROCUE_CLIPS", ""))
KEY_FRAME_EVERY = 5


def answers_of(name, config):
    """The finder's answer on every fifth frame, with its media time in seconds."""
    path = CLIPS / name
    if not os.environ.get("MICROCUE_CLIPS") or not path.is_file():
        pytest.skip(f"MICROCUE_CLIPS names no folder with {name}")
    finder = FaceFinder(config)
    with av.open(str(path)) as container:
        for sequence, frame in enumerate(container.decode(video=0)):
            if sequence % KEY_FRAME_EVERY == 0:
                plane = frame.planes[0]
                rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
                luma = np.ascontiguousarray(rows[: frame.height, : frame.width])
                yield frame.time, finder.find(luma, sequence, int(frame.time * 1e9))


def test_a_face_that_enters_late_is_held_from_then_on_and_a_cartoon_is_not(config):
    held = [(time_s, bool(answer.faces)) for time_s, answer in answers_of("late-face.mov", config)]
    first_s = next(time_s for time_s, face in held if face)
    assert 3.5 < first_s < 4.5
    assert all(face == (time_s >= first_s) for time_s, face in held)


def test_a_conversation_is_held_throughout(config):
    held = [bool(answer.faces) for _, answer in answers_of("conversation.mp4", config)]
    assert len(held) > 900
    assert all(held)


def test_a_face_is_held_behind_hands(config):
    held = [bool(answer.faces) for _, answer in answers_of("acted-occlusion.mp4", config)]
    assert np.mean(held) > 0.95
