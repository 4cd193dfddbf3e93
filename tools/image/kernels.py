"""The kernels for the board's kind of processor, compiled here: `warmup --ahead --generic`, crosswise.

    NUMBA_CPU_NAME=generic NUMBA_CPU_FEATURES= python -m image.kernels FILE

An emulated processor would compile for half an hour what this one does in a minute. Numba's own steps are
taken with LLVM told another processor, and nothing of what they give is run here; the C part goes through
Debian's cross compiler. It has to be run by the version of Python that the board has.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm
import numpy as np
from numba.core import caching, codegen, compiler_lock, cpu

from image.tree import MACHINE

TRIPLE = f"{MACHINE}-unknown-linux-gnu"
COMPILER = f"{MACHINE}-linux-gnu-gcc"


def main() -> int:
    """Compile what the command line names."""
    compile_crosswise(Path(sys.argv[1]))
    return 0


def compile_crosswise(path: Path) -> None:
    """All kernels into one extension module of another architecture."""
    aim_elsewhere()
    from edge.building import build, objects, wrappers
    from edge.warmup import kernel_modules

    kernels = [kernel for name in kernel_modules() for kernel in objects.kernels_of(name)]
    called = [kernel for kernel in kernels if kernel.is_called]
    made: dict[str, Any] = {**build.description(called), "machine": MACHINE}
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / "wrappers.c"]
        files[0].write_text(wrappers.source(called, json.dumps(made)), encoding="ascii")
        for kernel in kernels:
            files.append(Path(folder) / f"{kernel.name}.o")
            with compiler_lock.global_compiler_lock:  # numba optimises it now that it is asked for
                files[-1].write_bytes(objects.object_file(kernel))
        beside = Path(build.__file__).parent
        included = [f"-I{place}" for place in (build.find_headers(), np.get_include(), beside)]
        words = [COMPILER, *build._COMPILING, *included, *map(str, files), *build._LINKING, "-o", str(path)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"image-test: {COMPILER} says: {done.stderr[-2000:]}")


def aim_elsewhere() -> None:
    """Have numba compile for another processor; what would run or keep the outcome here is left out."""
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    replace: Callable[[Any, str, Any], None] = setattr
    replace(codegen.ll, "get_process_triple", lambda: TRIPLE)
    # never called; another one each time, since numba tells its own overloads apart by it: with one for all,
    # max() is compiled as min()
    replace(cpu.CPUContext, "get_executable", lambda *_: [].append)
    replace(codegen.JITCodeLibrary, "get_pointer_to_function", lambda *_: 0)
    replace(caching.FunctionCache, "load_overload", lambda *_: None)
    replace(caching.FunctionCache, "save_overload", lambda *_: None)


if __name__ == "__main__":
    sys.exit(main())
