"""Compile every kernel: into numba's cache, or ahead of time into a build that needs no numba."""

from __future__ import annotations

import importlib
import os
import pkgutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import edge.kernels
from edge import ahead
from edge.errors import EXIT_BUG, EdgeError

# Kernels carry explicit signatures: importing a module compiles what its cache lacks.


class BuildFailed(EdgeError):
    """Kernels could not be compiled ahead; the sentence is the build's own."""

    def __init__(self, exit_code: int, sentence: str) -> None:
        super().__init__(exit_code, sentence)
        self.exit_code = exit_code if exit_code > 0 else EXIT_BUG
        self.sentence = sentence

    def __str__(self) -> str:
        return self.sentence


def kernel_modules() -> list[str]:
    """Names of all kernel modules."""
    return sorted(f"edge.kernels.{module.name}" for module in pkgutil.iter_modules(edge.kernels.__path__))


def warm_up() -> Iterator[tuple[str, float]]:
    """Import all kernel modules one by one; yields each name and the seconds it took."""
    for name in kernel_modules():
        begun_s = time.perf_counter()
        importlib.import_module(name)
        yield name, time.perf_counter() - begun_s


def compile_ahead(path: Path, generic: bool = False) -> Iterator[tuple[str, float]]:
    """Build all kernels ahead of time; yields each step and the seconds it took.

    In a process of its own, since this one may have taken its kernels from the build before.

    Parameters
    ----------
    path : Path
        The build, replaced when the new one is complete.
    generic : bool
        For every processor of this architecture, rather than for the one at hand.

    Raises
    ------
    BuildFailed
    """
    environment = os.environ | {ahead.VARIABLE: ahead.OFF}
    if generic:  # numba's own settings
        environment |= {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}
    command = [sys.executable, "-m", "edge.building", str(path)]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        for line in child.stdout:
            step, _, seconds = line.rstrip("\n").partition("\t")
            yield step, float(seconds)
        said = child.stderr.read().strip()
    if child.returncode != 0:
        lines = said.splitlines() or [f"the build ended with exit code {child.returncode}"]
        raise BuildFailed(child.returncode, lines[-1])
