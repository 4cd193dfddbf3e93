"""The one place that imports a TFLite runtime.

LiteRT (`ai_edge_litert`) is the maintained name and has wheels for every Python we support;
`tflite_runtime` 2.14 is its older name, has none after Python 3.11, and was built against
numpy 1: under numpy 2 it imports and then fails when an interpreter is made, so that is
found out here, before it is imported.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edge.errors import ModelError

# in order of preference
_PACKAGES = {"litert": "ai_edge_litert", "tflite": "tflite_runtime"}


class RuntimeUnusable(ModelError):
    """No TFLite runtime can be used: not installed, or not with this numpy."""

    def __init__(self, runtime: str, reason: str, cure: str) -> None:
        super().__init__(runtime, reason, cure)
        self.runtime = runtime
        self.reason = reason
        self.cure = cure

    def __str__(self) -> str:
        return (
            f"cannot run the face models with perceive.runtime '{self.runtime}': {self.reason}; {self.cure}"
        )


class Interpreter(Protocol):
    """What is used of `Interpreter` in either runtime."""

    def allocate_tensors(self) -> None:
        """Make room; before anything else."""

    def get_input_details(self) -> list[dict[str, Any]]:
        """Index, name, shape and type of each input."""

    def get_output_details(self) -> list[dict[str, Any]]:
        """Index, name, shape and type of each output."""

    def set_tensor(self, tensor_index: int, value: NDArray[Any]) -> None:
        """Copy an input in."""

    def invoke(self) -> None:
        """Compute the outputs."""

    def get_tensor(self, tensor_index: int) -> NDArray[Any]:
        """A copy of a tensor."""


def installed_runtimes() -> tuple[str, ...]:
    """Runtimes that can be used here, best first: of "litert" and "tflite"."""
    return tuple(name for name in _PACKAGES if _reason_unusable(name) is None)


def load_interpreter(model: bytes, n_threads: int = 1, runtime: str = "auto") -> Interpreter:
    """Make an interpreter with its tensors allocated.

    Parameters
    ----------
    model : bytes
        Content of a .tflite file.
    n_threads : int, at least 1
    runtime : {"auto", "litert", "tflite"}
        "auto" takes the first one that is installed.

    Raises
    ------
    RuntimeUnusable
        None, or not the one asked for, is installed; or `tflite_runtime` meets numpy 2.
    """
    name = _choose(runtime)
    with _without_info_lines():
        module = import_module(f"{_PACKAGES[name]}.interpreter")
        interpreter: Interpreter = module.Interpreter(model_content=model, num_threads=n_threads)
        interpreter.allocate_tensors()
    return interpreter


def _choose(runtime: str) -> str:
    if runtime == "auto":
        usable = installed_runtimes()
        if usable:
            return usable[0]
        runtime = "tflite" if find_spec("tflite_runtime") else "litert"
    if runtime not in _PACKAGES:
        raise RuntimeUnusable(runtime, "no such runtime", f"choose one of auto, {', '.join(_PACKAGES)}")
    reason = _reason_unusable(runtime)
    if reason is not None:
        raise RuntimeUnusable(runtime, *reason)
    return runtime


def _reason_unusable(runtime: str) -> tuple[str, str] | None:
    """Why it cannot be used and what to do; None where it can."""
    package = _PACKAGES[runtime]
    if find_spec(package) is None:
        wanted = "ai-edge-litert" if runtime == "litert" else "'microcue[tflite]'"
        return f"the package {package} is not installed", f"pip install {wanted}"
    if runtime == "tflite" and int(np.__version__.split(".")[0]) >= 2:
        return (
            f"tflite_runtime needs numpy 1 and numpy {np.__version__} is installed",
            "pip install 'numpy<2', or use ai-edge-litert",
        )
    return None


@contextmanager
def _without_info_lines() -> Iterator[None]:
    """Hold back what native code writes to stderr, then pass on all but its "INFO:" lines.

    Both runtimes announce their delegate there ("INFO: Created TensorFlow Lite XNNPACK
    delegate for CPU.") and offer no switch in Python; warnings and errors must get through.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    held = os.memfd_create("microcue-stderr")
    os.dup2(held, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.lseek(held, 0, os.SEEK_SET)
        with os.fdopen(held, "rb") as lines:
            for line in lines:
                if not line.startswith(b"INFO:"):
                    os.write(2, line)
        os.close(kept)
