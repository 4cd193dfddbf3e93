"""Compiling ahead: every kernel, and none twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import edge.kernels
from edge.cli import main
from edge.warmup import kernel_modules, warm_up


def test_kernel_modules_names_every_file_of_kernels():
    folder = Path(edge.kernels.__file__).parent
    files = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    assert {name.rpartition(".")[2] for name in kernel_modules()} == files
    assert kernel_modules() == sorted(kernel_modules())


def test_warm_up_imports_each_module_and_says_how_long_it_took():
    timed = list(warm_up())
    assert [name for name, _ in timed] == kernel_modules()
    assert all(seconds >= 0 for _, seconds in timed)
    assert all(name in sys.modules for name in kernel_modules())


def test_warm_up_leaves_nothing_to_compile():
    """Every kernel is compiled when its module is imported: none waits for its first frame."""
    from numba.core.registry import CPUDispatcher

    list(warm_up())
    kernels = {
        f"{name}.{key}": value
        for name in kernel_modules()
        for key, value in vars(sys.modules[name]).items()
        # a leading underscore: called by the kernels of its file only, and compiled into them
        if isinstance(value, CPUDispatcher) and not key.startswith("_")
    }
    assert kernels
    assert [name for name, value in kernels.items() if not value.signatures] == []


def test_warm_up_fills_the_cache_that_a_second_process_reads(tmp_path):
    """In a fresh cache the smallest kernel module leaves index and code; the next import adds none."""
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    found = []
    for _ in range(2):
        subprocess.run([sys.executable, "-c", "import edge.kernels.sensor"], env=environment, check=True)
        found.append({path.name: path.stat().st_mtime_ns for path in tmp_path.rglob("*.nb?")})
    assert found[0]
    assert found[0] == found[1]


def test_warmup_command_lists_every_module(tmp_path, monkeypatch, capsys):
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    assert main(["warmup", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["module"] for row in rows] == kernel_modules()
    assert {type(row["seconds"]) for row in rows} == {float}
