"""The Raspberry Pi source on the real picamera2 and libcamera's virtual camera: `make test-picamera2`.

The pace is that of the clock in `camera.py`, so that rates and jitter say nothing about a board. `make test`
does not collect it, as it needs the root that `enter.sh` makes.
"""

from __future__ import annotations

import csv
import hashlib
import inspect
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import av
import numpy as np
import pytest

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parents[1]
sys.path.insert(0, str(HERE))

import camera  # noqa: E402 - beside this file

FPS = 100
# long enough for every movement and short of the clip's end, where the camera begins anew
WATCHED_S = 14.0
KEPT = Path("/opt/cache/virtual-camera")
SIGNATURES = json.loads(
    (CHECKOUT / "tests" / "capture" / "picamera2_signatures.json").read_text(encoding="utf-8")
)["signatures"]


def microcue(*words: str, through: tuple[str, ...] = ()) -> str:
    """Run a command in a process of its own; its standard output."""
    program = [sys.executable, *through] if through else [sys.executable, "-c", _CLI]
    done = subprocess.run([*program, *words], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


_CLI = "import sys; from edge.cli import main; sys.exit(main(sys.argv[1:]))"


@pytest.fixture(scope="session")
def pictures() -> Path:
    """A folder of numbered JPEG pictures: the plan beside this file, drawn once and kept."""
    plan = HERE / "plan.csv"
    drawn_by = [plan, *sorted((CHECKOUT / "edge" / "synth").glob("*.py"))]
    name = hashlib.sha256(b"".join(path.read_bytes() for path in drawn_by)).hexdigest()[:12]
    folder = KEPT / name
    if not folder.is_dir():
        clip, unfinished = KEPT / "clip.mkv", KEPT / "unfinished"
        unfinished.mkdir(parents=True, exist_ok=True)
        microcue("synth", "--plan", str(plan), "--output", str(clip), "-q")
        write_pictures(clip, unfinished)
        unfinished.rename(folder)
    return folder


def write_pictures(clip: Path, folder: Path) -> None:
    """Every frame as a grey JPEG, the only format that the virtual camera reads."""
    from PIL import Image

    with av.open(str(clip)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            Image.fromarray(frame.to_ndarray(format="gray")).save(folder / f"{number:06d}.jpg", quality=100)


@pytest.fixture(scope="session")
def library(pictures):
    """picamera2 on the virtual camera; libcamera reads the pictures once for a process."""
    camera.describe_camera(pictures, FPS)
    virtual = camera.virtual_picamera2(FPS)
    from libcamera import Transform
    from picamera2 import MappedArray

    from edge.capture.picamera2_device import Picamera2Library

    return Picamera2Library(virtual, MappedArray, Transform)


@pytest.fixture
def open_source(library, tmp_path):
    """Opens the product's source on it; closes it after the test."""
    from edge.capture.picamera2 import Patience, Picamera2Source
    from edge.capture.picamera2_mode import ModeCache

    opened = []

    def make() -> Picamera2Source:
        source = Picamera2Source(
            *(0, 640, 480, FPS),
            library=library,
            cache=ModeCache(tmp_path / "modes.json"),
            patience=Patience(stall_s=0.5),
        )
        opened.append(source)
        return source

    yield make
    for source in opened:
        source.close()


@pytest.mark.parametrize("name", sorted(name for name, kept in SIGNATURES.items() if kept != "attribute"))
@pytest.mark.usefixtures("library")
def test_installed_picamera2_has_the_signatures_of_the_table(name):
    import picamera2
    import picamera2.request

    owner, method = name.split(".")
    found = inspect.getattr_static(
        getattr(picamera2, owner, None) or getattr(picamera2.request, owner), method
    )
    function = found.fget if isinstance(found, property) else getattr(found, "__func__", found)
    parameters = inspect.signature(function).parameters
    required = [name for name, one in parameters.items() if one.default is inspect.Parameter.empty]
    assert (list(parameters), required) == (SIGNATURES[name]["parameters"], SIGNATURES[name]["required"])


def test_pictures_come_in_order_and_unharmed(open_source, pictures):
    source = open_source()
    frames = [source.read(2.0).luma.copy() for _ in range(150)]
    kept = [av.open(str(path)) for path in sorted(pictures.iterdir())[:300]]
    known = np.array([next(one.decode(video=0)).to_ndarray(format="gray") for one in kept], np.int16)
    numbers, errors = [], []
    for luma in frames:
        thin = np.abs(known[:, ::8, ::8] - luma[::8, ::8].astype(np.int16)).mean((1, 2))
        numbers.append(int(thin.argmin()))
        errors.append(np.abs(known[numbers[-1]] - luma.astype(np.int16)).mean())
    n_lost = source.counts.n_lost
    assert (
        max(errors) < 1.0
    )  # grey levels: libcamera decodes with a quicker transform; the next picture is 2 away
    steps = np.diff(numbers)
    assert (steps >= 1).all()  # none twice, none late
    assert (steps - 1).sum() <= n_lost  # and what is missing is known
    assert source.counts.n_corrupt == 0


def read_to_the_end(source):
    while True:
        source.read(2.0)


def test_times_are_the_sensor_s_and_rise(open_source):
    source = open_source()
    times = [source.read(2.0).timestamp_ns for _ in range(50)]
    assert min(np.diff(times)) > 0
    assert 0 <= time.clock_gettime_ns(time.CLOCK_BOOTTIME) - times[-1] < 10**9


def test_camera_without_exposure_control_is_said_to_be_unlocked(open_source, caplog):
    open_source()
    assert "exposure could not be locked" in caplog.text


def test_camera_in_use_is_busy(open_source):
    from edge.capture.errors import CameraBusy

    open_source()
    with pytest.raises(CameraBusy, match="another program is using it"):
        open_source()


def test_silent_camera_is_started_again_and_goes_on(open_source):
    source = open_source()
    for _ in range(20):
        last = source.read(2.0)
    last_ns, last_sequence = last.timestamp_ns, last.sequence
    source._device._camera.camera.fall_silent()
    while (frame := source.read(5.0)).timestamp_ns < last_ns + 400_000_000:
        last_sequence = frame.sequence
    assert frame.sequence == last_sequence + 1
    assert source.counts.n_restarts == 1
    assert source.counts.n_lost >= 40  # 0.4 s at 100 a second


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_bug_in_the_callback_ends_the_session_and_frees_the_camera(open_source, monkeypatch):
    from edge.capture.errors import CameraThreadFailed

    source = open_source()
    source.read(2.0)
    monkeypatch.setattr(source, "_accept", lambda _request: 1 // 0)
    with pytest.raises(CameraThreadFailed):
        read_to_the_end(source)
    began_s = time.monotonic()
    source.close()
    assert time.monotonic() - began_s < 5.0  # picamera2's own `stop` would wait for ever
    assert open_source().read(2.0).sequence == 0


def cues_of(folder: Path) -> list[dict[str, str]]:
    """The exported cues that chance would not give, in order of onset."""
    table = folder / "cues.csv"
    microcue("export", "latest", "--format", "csv", "--output", str(table), "--data", str(folder), "-q")
    with table.open(encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if float(row["expected_false_per_hour"]) < 0.1]
    return sorted(rows, key=lambda row: float(row["onset_s"]))


def test_clip_gives_the_same_cues_as_from_its_file(pictures, tmp_path):
    plain = ("--led", "none", "--config", os.devnull)
    through_file, through_camera = tmp_path / "file", tmp_path / "camera"
    from_file = f"file:{pictures}"
    microcue("run", "--camera", from_file, "--fps", str(FPS), "--data", str(through_file), *plain)
    told = microcue(
        *(str(pictures), str(FPS), "run", "--camera", "picamera2", "--data", str(through_camera)),
        *("--duration", str(WATCHED_S), *plain),
        through=(str(HERE / "camera.py"),),
    )
    print(told)
    expected, seen = cues_of(through_file), cues_of(through_camera)
    with (HERE / "plan.csv").open(encoding="utf-8") as plan:
        planned = [line.split(",")[5] for line in plan if line.startswith("movement,")]
    what = [(cue["kind"], cue["side"], cue["movements"].split("+")[0]) for cue in expected]
    assert [movement for _, _, movement in what] == planned
    assert [(cue["kind"], cue["side"], cue["movements"].split("+")[0]) for cue in seen] == what
    # the camera's clip begins some time before its session does
    late_s = statistics.median(
        float(one["onset_s"]) - float(other["onset_s"]) for one, other in zip(expected, seen, strict=True)
    )
    for one, other in zip(expected, seen, strict=True):
        assert float(other["onset_s"]) + late_s == pytest.approx(float(one["onset_s"]), abs=0.04)
        assert float(other["duration_ms"]) == pytest.approx(float(one["duration_ms"]), abs=40)
        assert float(other["amplitude_miod"]) == pytest.approx(float(one["amplitude_miod"]), rel=0.15)
