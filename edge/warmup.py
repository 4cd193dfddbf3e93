"""Compile every kernel into the cache, so that the first session starts at once."""

from __future__ import annotations

import importlib
import pkgutil
import time
from collections.abc import Iterator

import edge.kernels

# Kernels carry explicit signatures: importing a module compiles what its cache lacks.


def kernel_modules() -> list[str]:
    """Names of all kernel modules."""
    return sorted(f"edge.kernels.{module.name}" for module in pkgutil.iter_modules(edge.kernels.__path__))


def warm_up() -> Iterator[tuple[str, float]]:
    """Import all kernel modules one by one; yields each name and the seconds it took."""
    for name in kernel_modules():
        begun_s = time.perf_counter()
        importlib.import_module(name)
        yield name, time.perf_counter() - begun_s
