import csv

import numpy as np
import pytest

from edge.capture.errors import SourceEnded
from edge.capture.file import FileSource
from edge.synth.encode import ClipNotWritten, write_clip
from edge.synth.plan import Happening
from edge.synth.truth import TRUTH_COLUMNS, truth_path, truth_rows, write_truth

COLUMNS = (
    "event,kind,onset_s,apex_s,offset_s,onset_frame,apex_frame,offset_frame,duration_ms,movements,regions,side,"
    "amplitude_miod"
)


def read_back(path):
    source = FileSource(path)
    frames = []
    try:
        while True:
            frame = source.read(timeout_s=5.0)
            frames.append((frame.timestamp_ns, frame.luma.copy()))
    except SourceEnded:
        return frames, source.info
    finally:
        source.close()


@pytest.mark.parametrize(("duration_s", "kind"), [(0.5, "micro"), (0.51, "macro"), (0.04, "micro")])
def test_a_movement_is_micro_up_to_half_a_second(duration_s, kind):
    movement = Happening("movement", 0.2, duration_s, 20.0, movement="jaw_drop")
    (row,) = truth_rows([movement], np.arange(100) / 100)
    assert (row.kind, row.regions, row.movements) == (kind, "jaw", "jaw_drop")


def test_distractors_are_not_in_the_truth_and_rows_come_in_order_of_onset():
    happenings = [
        Happening("blink", 0.6, 0.2, 0.8),
        Happening("turn", 0.0, 1.0, 5.0),
        Happening("speech", 0.0, 1.0, 50.0),
        Happening("movement", 0.1, 0.2, 9.0, movement="nose_wrinkle", side="right"),
    ]
    rows = truth_rows(happenings, np.arange(100) / 100)
    assert [(r.event, r.kind, r.regions, r.amplitude_miod) for r in rows] == [
        (1, "micro", "nose", 9.0),
        (2, "blink", "eyes", 800.0),
    ]


def test_the_truth_file_has_the_agreed_columns(tmp_path):
    rows = truth_rows([Happening("movement", 0.1, 0.2, 9.0, movement="dimple")], np.arange(100) / 100)
    path = truth_path(tmp_path / "clip.mkv")
    write_truth(rows, path)
    assert path.name == "clip.truth.csv"
    lines = path.read_text().splitlines()
    assert lines[0] == COLUMNS == ",".join(TRUTH_COLUMNS)
    (row,) = csv.DictReader(lines)
    assert (row["onset_s"], row["apex_frame"], row["movements"]) == ("0.1", "20", "dimple")


@pytest.fixture
def frames(rng):
    """Half a second at 120 fps with some frames missing: (ns, uint8 [shape=(49, 66)]) each; an odd height."""
    kept = [k for k in range(60) if k not in (7, 8, 30)]
    smooth = np.add.outer(np.arange(49.0), np.arange(66.0)) + 60
    return [(round(k * 1e9 / 120), np.uint8(smooth + rng.normal(0, 2, smooth.shape))) for k in kept]


@pytest.mark.parametrize("lossless", [True, False])
def test_a_clip_read_back_has_its_frames_and_their_exact_times(frames, tmp_path, lossless):
    path = tmp_path / "clip.mkv"
    assert write_clip(frames, path, 120.0, lossless=lossless) == len(frames)
    found, info = read_back(path)
    assert info.fps == pytest.approx(120)
    assert [t for t, _ in found] == [t for t, _ in frames]
    for (_, luma), (_, expected) in zip(found, frames, strict=True):
        error = luma.astype(float) - expected
        assert np.sqrt(np.mean(error**2)) <= (0 if lossless else 3.5)
        assert abs(error.mean()) < 0.5


def test_black_and_white_survive_the_codec(tmp_path):
    luma = np.zeros((64, 64), np.uint8)
    luma[:, 32:] = 255
    write_clip([(0, luma), (10_000_000, luma)], tmp_path / "clip.mkv", 100.0)
    found, _ = read_back(tmp_path / "clip.mkv")
    assert np.abs(found[0][1].astype(int) - luma).max() <= 4


def test_a_place_that_cannot_be_written_is_named(frames, tmp_path):
    with pytest.raises(ClipNotWritten, match=r"nowhere/clip\.mkv.*No such file"):
        write_clip(frames, tmp_path / "nowhere" / "clip.mkv", 120.0)
