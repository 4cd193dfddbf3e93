"""The build itself: compile, wrap, link, and put it where sessions look for it."""

from __future__ import annotations

import json
import os
import platform
import shlex
import shutil
import subprocess
import sysconfig
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import llvmlite.binding
import numba
import numpy as np

from edge import __version__, ahead
from edge.building.objects import Kernel, kernels_of, object_file, processor
from edge.building.wrappers import source
from edge.errors import EXIT_CONFIG, EXIT_INPUT_OUTPUT, EdgeError
from edge.warmup import warm_up

GENERIC = "generic"  # LLVM's name of what every processor of an architecture can do
_HERE = Path(__file__).parent
# hidden: numba's own runtime has functions of the same names. Text relocations and a stack that can be
# run would both need what MemoryDenyWriteExecute= forbids.
_COMPILING = (
    "-O2",
    "-fPIC",
    "-fvisibility=hidden",
    "-Wall",
    "-Wextra",
    "-Werror=implicit-function-declaration",
)
_LINKING = ("-shared", "-Wl,-z,text", "-Wl,-z,noexecstack", "-Wl,-z,relro", "-Wl,-z,now", "-lm")


class CompilerAbsent(EdgeError):
    """No C compiler, or no headers of Python."""

    exit_code = EXIT_CONFIG

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(what, fix)
        self.what = what
        self.fix = fix

    def __str__(self) -> str:
        return f"expected {self.what} to compile kernels ahead, found none; {self.fix}"


class NotBuilt(EdgeError):
    """The compiler refuses, what it made does not load, or it cannot be written."""

    exit_code = EXIT_INPUT_OUTPUT

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"expected to build {self.path}, but {self.reason}"


def build(path: Path) -> Iterator[tuple[str, float]]:
    """Compile all kernels into one extension module; yields each step and the seconds it took.

    Parameters
    ----------
    path : Path
        Replaced at once when the new build is complete and loads; until then it stays as it is.

    Raises
    ------
    CompilerAbsent, NotBuilt
    """
    compiler, include = find_compiler(), find_headers()
    _require_passes()
    kernels: list[Kernel] = []
    for name, seconds in warm_up():
        kernels += kernels_of(name)
        yield name, seconds
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for kernel in kernels:
            paths.append(Path(folder) / f"{kernel.name}.o")
            paths[-1].write_bytes(object_file(kernel))
        called = [kernel for kernel in kernels if kernel.is_called]
        wrappers = Path(folder) / "wrappers.c"
        wrappers.write_text(source(called, json.dumps(description(called))), encoding="ascii")
        included = [f"-I{place}" for place in (include, np.get_include(), _HERE)]
        begun_s = time.perf_counter()
        _link([*compiler, *_COMPILING, *included, str(wrappers), *map(str, paths), *_LINKING], path)
        yield "linking", time.perf_counter() - begun_s


def description(kernels: Sequence[Kernel]) -> dict[str, object]:
    """What a build says of itself: what has to fit (`ahead.misfit`), and what people may want to know."""
    cpu = processor()
    return {
        "format": ahead.FORMAT,
        "sources": ahead.source_digest(),
        "machine": platform.machine(),
        "features": [] if cpu == GENERIC else sorted(ahead.processor_features()),
        "processor": cpu,
        "microcue": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "numba": numba.__version__,
        "llvmlite": llvmlite.__version__,
        "kernels": {kernel.name: kernel.signature for kernel in kernels},
    }


def find_compiler() -> list[str]:
    """The C compiler: $CC, or cc."""
    words = shlex.split(os.environ.get("CC", "")) or ["cc"]
    if shutil.which(words[0]) is None:
        raise CompilerAbsent(f"the C compiler {words[0]}", "sudo apt install gcc libc6-dev")
    return words


def find_headers() -> Path:
    """Directory of Python.h."""
    include = Path(sysconfig.get_path("include"))
    if not (include / "Python.h").is_file():
        raise CompilerAbsent(f"{include / 'Python.h'}", "sudo apt install python3-dev")
    return include


def _require_passes() -> None:
    if not hasattr(llvmlite.binding.ModulePassManager, "add_global_dead_code_eliminate_pass"):
        raise CompilerAbsent("llvmlite 0.45 or later", "pip install --upgrade numba")


def _link(command: Sequence[str], path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".new") as folder:
            new = Path(folder) / path.name
            ended = subprocess.run([*command, "-o", str(new)], capture_output=True, text=True, check=False)
            if ended.returncode != 0:
                raise NotBuilt(path, f"{command[0]} says: {ended.stderr.strip() or ended.returncode}")
            if refusal := ahead.open_build(new).refusal:
                raise NotBuilt(path, f"what was built does not load: {refusal}")
            new.chmod(0o755)  # read by the service's own user, whoever built it
            new.replace(path)
            path.parent.chmod(0o755)
    except OSError as error:
        raise NotBuilt(path, f"{error.strerror}; run it as the user who installed microcue") from error
