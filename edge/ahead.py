"""Kernels that were compiled ahead of time: finding the build, judging whether it fits, taking from it.

With them a session needs neither numba nor memory that is written and then run as code, so that
systemd's MemoryDenyWriteExecute= can hold. `edge.building` makes the build, from the same sources.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import json
import mmap
import os
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from types import ModuleType
from typing import Any

from edge.errors import EXIT_CONFIG, EdgeError

# a directory to look in instead, or "off"
VARIABLE = "MICROCUE_AHEAD"
OFF = "off"
FORMAT = 1  # of what `edge.building` writes; another number is another build
NAME = "kernels"  # of the extension module
_SOURCES = Path(__file__).parent / "kernels"
_BESIDE = Path(__file__).parent / "_ahead"
_FIX = "microcue warmup --ahead"


class KernelsAbsent(EdgeError):
    """Nothing was compiled ahead that fits, and this process may not run code that it writes."""

    exit_code = EXIT_CONFIG

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return (
            "expected kernels compiled ahead, since this process may not run code that it writes "
            f"(MemoryDenyWriteExecute), found {self.reason or 'none'}; run {_FIX}"
        )


@dataclass(frozen=True, slots=True)
class Build:
    """What was found where kernels compiled ahead would be.

    Attributes
    ----------
    path : Path
        Of the extension module, whether it exists or not.
    kernels : module or None
        None where there is no build, or one that does not fit.
    made : mapping
        How it was made; empty where that cannot be told.
    refusal : str
        Why a build that is there is not used; empty where it is, or where there is none.
    """

    path: Path
    kernels: ModuleType | None = None
    made: Mapping[str, Any] = field(default_factory=dict)
    refusal: str = ""


@functools.cache
def build() -> Build:
    """The build of this process, looked for once."""
    where = os.environ.get(VARIABLE, "")
    if where == OFF:
        return Build(directory() / file_name())
    return open_build(directory() / file_name())


def directory() -> Path:
    """Where a build is looked for: inside the package, or where the environment says."""
    where = os.environ.get(VARIABLE, "")
    return Path(where) if where and where != OFF else _BESIDE


def file_name() -> str:
    """Name of the build for this Python, such as `kernels.cpython-311-aarch64-linux-gnu.so`."""
    return NAME + EXTENSION_SUFFIXES[0]


def open_build(path: Path) -> Build:
    """Load a build and judge it; never raises for what is wrong with it."""
    if not path.is_file():
        return Build(path)
    spec = importlib.util.spec_from_file_location(NAME, path)
    assert spec is not None
    assert spec.loader is not None
    try:
        kernels = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(kernels)
        made = json.loads(kernels.MADE)
    except (ImportError, RuntimeError, AttributeError, ValueError) as error:  # numpy's, of another numpy
        return Build(path, refusal=_refusal(path, f"cannot be loaded ({error})"))
    if reason := misfit(made, source_digest(), platform.machine(), processor_features()):
        return Build(path, made=made, refusal=_refusal(path, reason))
    return Build(path, kernels, made)


def misfit(made: Mapping[str, Any], sources: str, machine: str, features: frozenset[str]) -> str:
    """Why a build must not be used here; empty where it may.

    Parameters
    ----------
    made : mapping
        What the build says of itself.
    sources : str
        `source_digest` of the kernels as they are now.
    machine : str
        As `platform.machine` has it.
    features : frozenset of str
        Of this processor.
    """
    if made.get("format") != FORMAT:
        return f"is of format {made.get('format')}, not {FORMAT}"
    if made["sources"] != sources:
        return "was made of other kernels than these"
    if made["machine"] != machine:
        return f"was made for {made['machine']}, not {machine}"
    if missing := sorted(set(made["features"]) - features):
        return f"needs a processor with {', '.join(missing)}"
    return ""


def source_digest(sources: Path = _SOURCES) -> str:
    """SHA-256 over names and contents of all files of kernels."""
    digest = hashlib.sha256()
    for path in sorted(sources.glob("*.py")):
        digest.update(f"{path.name}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def processor_features(cpuinfo: Path = Path("/proc/cpuinfo")) -> frozenset[str]:
    """What all cores can do, in Linux's names (`avx2`, `asimd`); empty where it does not say."""
    try:
        lines = cpuinfo.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return frozenset()
    parts = [line.partition(":") for line in lines]
    cores = [set(words.split()) for name, _, words in parts if name.strip() in ("flags", "Features")]
    return frozenset(set.intersection(*cores) if cores else ())


def kernel_name(module: str, name: str) -> str:
    """What a kernel is called in a build: `patch_follow_patches` for that of `edge.kernels.patch`."""
    return f"{module.rpartition('.')[2]}_{name}"


def taken(kernels: ModuleType, function: Callable[..., Any]) -> Callable[..., Any]:
    """The compiled kernel instead of the function it was compiled from.

    A name with a leading underscore is called by the kernels of its own file only, and is compiled into them.
    """
    name = function.__name__
    return function if name.startswith("_") else getattr(kernels, kernel_name(function.__module__, name))


def require_leave_to_compile(map_memory: Callable[[], mmap.mmap] | None = None) -> None:
    """Raise KernelsAbsent where the kernel refuses memory that is written and run; numba would crash.

    Parameters
    ----------
    map_memory : callable, optional
        Maps a page to write and to run, for tests of what happens where that is refused.
    """
    try:
        (map_memory or _map_code)().close()
    except OSError as error:
        raise KernelsAbsent(build().refusal) from error


def _map_code() -> mmap.mmap:
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    return mmap.mmap(-1, mmap.PAGESIZE, flags=flags, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)


def _refusal(path: Path, reason: str) -> str:
    return f"the kernels compiled ahead in {path.parent} are not used: {path.name} {reason}; run {_FIX}"
