"""A finished build: everything is in it, nothing of numba, and wrong arguments are told apart."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
import types
from pathlib import Path

import numpy as np
import pytest

from edge import ahead
from edge.kernels import face, light, pulse, sensor
from edge.warmup import kernel_modules

IMPORTED = """
import importlib, json, sys
from edge.warmup import kernel_modules
for name in [*kernel_modules(), "edge.app", "edge.synth.demo"]:
    importlib.import_module(name)
plain = [f"{name}.{key}" for name in kernel_modules() for key, value in vars(sys.modules[name]).items()
         if callable(value) and getattr(value, "__module__", "") == name and key[0] != "_"]
print(json.dumps([plain, [name for name in sys.modules if name.split(".")[0] in ("numba", "llvmlite")]]))
"""


@pytest.fixture
def luma():
    """uint8 [shape=(24, 32)], every pixel its own level."""
    return np.arange(24 * 32, dtype=np.uint8).reshape(24, 32)


def test_build_is_in_use():
    assert ahead.build().kernels is not None, ahead.build().refusal or f"none in {ahead.build().path}"


def test_every_kernel_comes_from_the_build_and_numba_from_nowhere():
    printed = subprocess.run([sys.executable, "-c", IMPORTED], capture_output=True, text=True, check=True)
    interpreted, of_numba = json.loads(printed.stdout)
    assert interpreted == []
    assert of_numba == []
    assert isinstance(pulse.scan, types.BuiltinFunctionType)


def test_library_has_no_relocation_in_its_code_and_no_stack_that_runs():
    """Either would need what MemoryDenyWriteExecute= refuses."""
    listed = subprocess.run(
        ["readelf", "-dlW", str(ahead.build().path)], capture_output=True, text=True, check=True
    ).stdout
    assert "TEXTREL" not in listed
    assert [line.split()[6] for line in listed.splitlines() if "GNU_STACK" in line] == ["RW"]


def test_argument_of_another_kind_is_refused_with_its_place(luma):
    small = np.zeros((12, 16), np.uint8)
    face.shrink(luma, 2, 0, 0, 16, 12, small)
    wrong = [
        (luma.astype(np.float32), small, "argument 1 a C-contiguous array of uint8 with 2 dimensions"),
        (luma[:, ::2], small, "argument 1"),
        (luma[0], small, "argument 1"),
        (luma.tolist(), small, "got another list"),
        (luma, small.view(np.int8), "argument 7 a writable C-contiguous array of uint8"),
    ]
    for picture, out, words in wrong:
        with pytest.raises(TypeError, match=words):
            face.shrink(picture, 2, 0, 0, 16, 12, out)
    with pytest.raises(TypeError, match="expected 7 arguments, got 2"):
        face.shrink(luma, 2)
    with pytest.raises(TypeError):
        face.shrink(luma, 2.5, 0, 0, 16, 12, small)


def test_picture_that_may_not_be_written_is_read_but_never_written(luma):
    small = np.zeros((12, 16), np.uint8)
    luma.flags.writeable = small.flags.writeable = False
    assert face.mean_level(luma, 10.0, 10.0, 3.0) > 0
    with pytest.raises(TypeError, match="argument 7 a writable"):
        face.shrink(luma, 2, 0, 0, 16, 12, small)


def test_what_a_kernel_raises_is_raised(luma):
    with pytest.raises(ZeroDivisionError):
        face.shrink(luma, 0, 0, 0, 16, 12, np.zeros((12, 16), np.uint8))


def test_numbers_of_numpy_and_of_python_are_taken_alike(luma):
    plain = face.mean_level(luma, 10.0, 11.0, 3.0)
    assert face.mean_level(luma, np.float32(10), np.int64(11), 3) == plain


def test_pair_comes_back_as_a_tuple(luma):
    thin, levels = np.zeros((6, 8), np.uint8), np.zeros(6, np.float32)
    result = light.take_levels(luma, 4, 4, thin, levels)
    assert isinstance(result, tuple)
    assert [type(value) for value in result] == [float, float]


def test_other_threads_go_on_while_a_kernel_runs():
    """One that held the interpreter would keep the frames of a camera waiting."""
    n_turns, done = [0], threading.Event()

    def count():
        while not done.is_set():
            n_turns[0] += 1
            time.sleep(0)  # lets go

    side = 1500
    scene, normals = np.ones((side, side), np.float32), np.zeros(side, np.float32)
    starts, out = np.zeros(side, np.int64), np.empty((side, side), np.uint8)
    thread = threading.Thread(target=count)
    interval_s = sys.getswitchinterval()
    sys.setswitchinterval(1e3)  # only who lets go is interrupted
    try:
        thread.start()
        before = n_turns[0]
        sensor.expose(scene, 1.0, 0.0, 0.0, normals, starts, out)
        after = n_turns[0]
    finally:
        done.set()
        sys.setswitchinterval(interval_s)
        thread.join()
    assert after > before


def test_signatures_are_in_the_build():
    made = ahead.build().made
    assert len(made["kernels"]) >= 50
    assert {name.partition("_")[0] for name in made["kernels"]} >= {
        name.rpartition(".")[2].partition("_")[0] for name in kernel_modules()
    }
    assert Path(ahead.build().path).stat().st_size < 2_000_000
