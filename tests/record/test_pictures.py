"""Pictures around cues: the face alone, in memory until they are encrypted, and gone with the session."""

import csv
import io
import json
import tarfile

import av
import numpy as np
import pyrage
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from edge.cli import main
from edge.config import RecordConfig
from edge.errors import ConfigError
from edge.messages import Frame
from edge.proof.search import PictureSearch
from edge.record import picture_writer, retention
from edge.record.errors import BundleRefused
from edge.record.film import SIDE_MAX_PX, Film
from edge.record.forget import forget, sessions_of
from edge.record.people import add_consent, withdraw_consent
from edge.record.picture_reader import open_pictures
from edge.record.pictures import PicturesRefused, all_files, files_of
from edge.record.png import png_of
from edge.record.recorder import Recorder

CODE = "KESTREL-0042"
FPS = 120.0
_FRAMES_S = 3


@pytest.fixture(scope="module")
def identity():
    return pyrage.x25519.Identity.generate()


@pytest.fixture
def key_file(identity, tmp_path):
    path = tmp_path / "lab.key"
    path.write_text(f"{identity}\n")
    return path


@pytest.fixture(scope="module")
def lumas():
    """Frames of noise, which no coder makes smaller and nobody mistakes for anything else."""
    return np.random.default_rng(5).integers(0, 256, (24, 240, 320), np.uint8)


def open_recorder(data_dir, scene, identity, code=CODE, keys=None):
    config = RecordConfig(pictures=True, pictures_to=str(identity.to_public()) if keys is None else keys)
    recorder = Recorder.open(data_dir, config, scene.n_points)
    try:
        recorder.keep_within_consent(code, is_required=False)
    except BaseException:
        recorder.close()
        raise
    return recorder


def record(recorder, scene, lumas, n_cues=1, code=CODE):
    """A few seconds with a face of 40 px between the eyes; the cues end one and a half seconds in."""
    info = scene.info(live=False, participant=code)
    session_id = recorder.start_session(info, scene.first_frame_ns, 10**18, True)
    for number in range(_FRAMES_S * int(FPS)):
        frame = Frame(number, scene.frame_ns(number), lumas[number % len(lumas)])
        recorder.saw_frame(number, frame.timestamp_ns)
        recorder.add_trace(scene.trace(number))
        recorder.pictures.add(0, frame, (160.0, 110.0, 40.0))
        if number == 180:
            for extra in range(n_cues):
                recorder.append(scene.cue(160 + extra, 172 + extra))
    recorder.end_session("done", _FRAMES_S * int(FPS))
    return session_id


@pytest.fixture
def session_id(data_dir, scene, identity, lumas):
    """A session with pictures of two cues, in a log with a consent to them."""
    add_consent(data_dir, CODE, ("signals", "traces", "pictures"), "1")
    recorder = open_recorder(data_dir, scene, identity)
    session_id = record(recorder, scene, lumas, n_cues=2)
    recorder.close()
    return session_id


def pixels(png):
    with av.open(io.BytesIO(png), format="png_pipe") as container:
        return next(container.decode(video=0)).to_ndarray(format="gray")


@settings(max_examples=25)
@given(
    arrays.arrays(
        np.uint8,
        arrays.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=40),
    )
)
def test_a_foreign_reader_sees_the_same_pixels_in_the_png(luma):
    assert np.array_equal(pixels(png_of(luma)), luma)


@settings(max_examples=25)
@given(
    place=st.tuples(*(st.floats(-500, 1500) for _ in range(2)), st.floats(0.1, 2000)),
    shape=st.tuples(st.integers(16, 700), st.integers(16, 700)),
)
def test_what_is_cut_out_lies_in_the_frame_and_fits(place, shape):
    film = Film(1.0)
    frame = Frame(3, 10, np.arange(shape[0] * shape[1], dtype=np.uint32).astype(np.uint8).reshape(shape))
    film.add(0, frame, place)
    for number in film.numbers(0, 0, 20):
        shot = film.shot(number)
        assert 1 <= shot.luma.shape[0] <= SIDE_MAX_PX
        reach = slice(shot.top, shot.top + shot.side_px, shot.step)
        across = slice(shot.left, shot.left + shot.side_px, shot.step)
        assert np.array_equal(shot.luma, frame.luma[reach, across])


def test_no_more_than_the_face_is_cut_out_and_it_stands_still_while_the_face_nearly_does():
    film = Film(100.0)
    luma = np.zeros((480, 640), np.uint8)
    for number in range(40):
        film.add(0, Frame(number, number, luma), (300.0 + number / 4, 200.0, 100.0))
    shots = [film.shot(number) for number in film.numbers(0, 0, 100)]
    assert {shot.side_px for shot in shots} == {240}  # 2.4 times the distance of the eye corners
    assert len({shot.left for shot in shots}) == 1
    film.add(0, Frame(40, 40, luma), (340.0, 200.0, 100.0))
    assert film.shot(40).left == shots[0].left + 40


def test_pictures_that_were_overwritten_are_none():
    film = Film(1.0)
    luma = np.zeros((64, 64), np.uint8)
    for number in range(30):
        film.add(0, Frame(number, number, luma), (32.0, 32.0, 20.0))
    there = film.numbers(0, 0, 100)
    assert there[-1] == 29
    assert film.shot(there[0]) is not None
    assert film.shot(there[0] - 1) is None
    assert film.numbers(1, 0, 100) == []


def test_the_lab_gets_each_cue_s_pictures_to_the_pixel(data_dir, session_id, identity, lumas, tmp_path):
    first, second = files_of(data_dir, session_id)
    assert (first.name, second.name) == ("1.age", "2.age")
    assert open_pictures(first, [identity], tmp_path / "lab") == 12 + 2 * 120 + 1
    folder = tmp_path / "lab" / f"{session_id}-1"
    with (folder / "frames.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["frame"]) for row in rows] == list(range(40, 293))
    for row in rows[::40]:
        top, left, side = (int(row[name]) for name in ("top_px", "left_px", "side_px"))
        expected = lumas[int(row["frame"]) % len(lumas)][top : top + side, left : left + side]
        assert np.array_equal(pixels((folder / row["file"]).read_bytes()), expected)
    assert float(rows[0]["time_s"]) == pytest.approx(40 / FPS, abs=1e-6)


def test_a_file_of_pictures_is_an_age_file_with_a_tar_archive(data_dir, session_id, identity):
    file = files_of(data_dir, session_id)[0]
    assert file.read_bytes().startswith(b"age-encryption.org/v1\n")
    with tarfile.open(fileobj=io.BytesIO(pyrage.decrypt(file.read_bytes(), [identity]))) as archive:
        names = archive.getnames()
    assert len(names) == 254
    assert names[-1] == f"{session_id}-1/frames.csv"


def test_no_file_of_the_device_holds_a_row_of_a_picture(data_dir, session_id, lumas):
    search = PictureSearch(lumas)
    assert search.found_in(lumas[3, :100].tobytes())
    assert search.found_in(png_of(lumas[3]))
    files = [path for path in data_dir.rglob("*") if path.is_file()]
    assert len(all_files(data_dir)) == 2
    assert {path.name: search.found_in_file(path) for path in files if search.found_in_file(path)} == {}
    assert all(path.stat().st_mode & 0o077 == 0 for path in all_files(data_dir))
    assert list(data_dir.rglob("*.part")) == []


@pytest.mark.parametrize(
    ("agreed", "code", "keys", "found"),
    [
        (None, CODE, None, f"none of {CODE} is recorded"),
        (None, "", None, "no participant is named"),
        (("signals", "traces"), CODE, None, "signals and traces only"),
        (("pictures",), CODE, "", "no key is set"),
    ],
)
def test_pictures_are_refused_without_a_consent_to_them_or_a_key(
    data_dir, scene, identity, agreed, code, keys, found
):
    if agreed is not None:
        add_consent(data_dir, code, agreed, "1")
    with pytest.raises(PicturesRefused, match=found) as refusal:
        open_recorder(data_dir, scene, identity, code, keys)
    assert isinstance(refusal.value, ConfigError)


def test_a_recorder_that_nobody_asked_for_consent_keeps_no_pictures(data_dir, scene, identity):
    config = RecordConfig(pictures=True, pictures_to=str(identity.to_public()))
    recorder = Recorder.open(data_dir, config, scene.n_points)
    assert recorder.pictures is None
    recorder.close()


def test_what_is_forgotten_takes_its_pictures_along(data_dir, session_id):
    content = files_of(data_dir, session_id)[0].read_bytes()
    middle = content[len(content) // 2 :][:24]
    done = forget(data_dir, sessions_of(data_dir, CODE), [CODE])
    assert done.n_pictures == 2
    assert [path for path in data_dir.rglob("*") if session_id in path.name] == []
    assert [path for path in data_dir.rglob("*") if path.is_file() and middle in path.read_bytes()] == []


def test_a_withdrawal_deletes_pictures_and_nothing_else(data_dir, session_id):
    log_before = (data_dir / "microcue.db").stat().st_size
    assert withdraw_consent(data_dir, CODE) == (1, 2)
    assert all_files(data_dir) == []
    assert (data_dir / "microcue.db").stat().st_size >= log_before
    assert sessions_of(data_dir, CODE) == [session_id]


def test_a_withdrawal_while_pictures_are_made_leaves_none(data_dir, scene, identity, lumas, monkeypatch):
    add_consent(data_dir, CODE, ("pictures",), "1")
    recorder = open_recorder(data_dir, scene, identity)
    asked = picture_writer.has_agreed_to_pictures

    def withdrawn_at_the_last_moment(where, code):
        withdraw_consent(where, code)
        return asked(where, code)

    monkeypatch.setattr(picture_writer, "has_agreed_to_pictures", withdrawn_at_the_last_moment)
    record(recorder, scene, lumas)
    recorder.close()
    assert list((data_dir / "pictures").rglob("*")) == []


def test_retention_takes_pictures_and_counts_them(data_dir, session_id, monkeypatch):
    config = RecordConfig(keep_gb=1e-3)  # less than the pictures, more than the log
    assert sum(path.stat().st_size for path in all_files(data_dir)) > 1e6
    assert [one.session_id for one in retention.apply_retention(data_dir, config, 0, True)] == [session_id]
    assert all_files(data_dir) == []


def test_pictures_without_a_session_go_after_a_while(data_dir, session_id, monkeypatch):
    stray = data_dir / "pictures" / "20200101-000000-abcd"
    stray.mkdir()
    (stray / "1.age").write_bytes(b"age-encryption.org/v1\n")
    retention.apply_retention(data_dir, RecordConfig(), 0, True)
    assert stray.exists()
    monkeypatch.setattr(retention, "SALVAGED_DAYS", -1.0)
    retention.apply_retention(data_dir, RecordConfig(), 0, True)
    assert not stray.exists()
    assert len(files_of(data_dir, session_id)) == 2


def test_a_disk_without_room_costs_pictures_and_says_so(data_dir, scene, identity, lumas, monkeypatch):
    add_consent(data_dir, CODE, ("signals", "pictures"), "1")
    monkeypatch.setattr(picture_writer, "_SPARE_BYTES", 2**60)
    recorder = open_recorder(data_dir, scene, identity)
    record(recorder, scene, lumas)
    recorder.pictures.close()
    assert recorder.counts.n_lost_pictures == 253
    recorder.flush(10.0)
    assert recorder.counts.n_lost_rows == 0
    assert all_files(data_dir) == []
    recorder.pictures = None
    recorder.close()


def test_the_frame_path_never_waits_for_a_writer_that_is_slow(data_dir, scene, identity, lumas, monkeypatch):
    """A camera's frames go on; what the film has overwritten meanwhile is counted."""
    add_consent(data_dir, CODE, ("pictures",), "1")
    recorder = open_recorder(data_dir, scene, identity)
    info = scene.info(live=True, participant=CODE, fps=1.0)  # a film of ten frames
    recorder.start_session(info, scene.first_frame_ns, 10**18, True)
    film = recorder.pictures._film
    shot, n_frames = film.shot, 40

    def add(number):
        frame = Frame(number, scene.frame_ns(number), lumas[0])
        film.add(0, frame, (160.0, 110.0, 40.0))

    def slow_shot(number):
        for later in range(n_frames, n_frames + 20):
            add(later)
        return shot(number)

    monkeypatch.setattr(Film, "shot", lambda _film, number: slow_shot(number))
    for number in range(n_frames):
        add(number)
    recorder.append(scene.cue(20, 36))
    recorder.end_session("done", n_frames)
    recorder.pictures.close()
    assert recorder.counts.n_lost_pictures == 10
    recorder.pictures = None
    recorder.close()


def test_half_a_file_of_a_run_that_was_killed_is_cleared_away(data_dir, session_id, scene):
    part = files_of(data_dir, session_id)[0].with_suffix(".part")
    part.write_bytes(b"age")
    scene.open(data_dir).close()
    assert not part.exists()


@pytest.mark.parametrize("harm", ["cut", "altered", "another key"])
def test_pictures_that_do_not_open_are_refused(data_dir, session_id, identity, tmp_path, harm):
    file = files_of(data_dir, session_id)[0]
    content = bytearray(file.read_bytes())
    if harm == "altered":
        content[len(content) // 2] ^= 1
    file.write_bytes(content[:-1000] if harm == "cut" else content)
    key = pyrage.x25519.Identity.generate() if harm == "another key" else identity
    with pytest.raises(BundleRefused, match="cannot be opened"):
        open_pictures(file, [key], tmp_path / "lab")
    assert not (tmp_path / "lab").exists()


def test_an_archive_that_leads_elsewhere_is_refused(identity, tmp_path):
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("../outside/1.png"))
    file = tmp_path / "1.age"
    file.write_bytes(pyrage.encrypt(plain.getvalue(), [identity.to_public()]))
    with pytest.raises(BundleRefused, match="no pictures"):
        open_pictures(file, [identity], tmp_path / "lab")


def test_bundles_take_pictures_along_and_the_lab_opens_them(
    data_dir, session_id, identity, key_file, tmp_path, capsys
):
    bundle, lab, opened = tmp_path / "rig.age", tmp_path / "lab", tmp_path / "opened"
    words = ["bundle", "--to", str(identity.to_public()), "--output", str(bundle), "--data", str(data_dir)]
    assert main(words) == 0
    assert main(["unbundle", str(bundle), "--key", str(key_file), "--into", str(lab)]) == 0
    there, here = ([path.read_bytes() for path in all_files(place)] for place in (data_dir, lab))
    assert there == here
    assert [path.name for path in lab.iterdir() if path.name.startswith(".")] == []
    capsys.readouterr()
    command = ["pictures", "--data", str(lab), "--key", str(key_file), "--output", str(opened), "--json"]
    assert main(command) == 0
    assert json.loads(capsys.readouterr().out)["n_pictures"] == len(list(opened.rglob("*.png"))) == 506
    assert main(command) == 74  # never into a folder that is there


def test_the_device_lists_pictures_and_says_until_when(data_dir, session_id, capsys):
    assert main(["pictures", "--data", str(data_dir), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [(row["session_id"], row["cue"]) for row in rows] == [(session_id, 1), (session_id, 2)]
    assert main(["privacy", "--data", str(data_dir), "--json"]) == 0
    told = {row["what"]: row for row in json.loads(capsys.readouterr().out)}
    assert told["cues with encrypted pictures"]["n"] == 2
