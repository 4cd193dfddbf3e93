"""Every kernel as numba compiled it, and its machine code as an object file."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import llvmlite.binding as llvm
from numba.core.registry import CPUDispatcher, cpu_target

from edge import ahead
from edge.errors import EXIT_BUG, EdgeError

# what kernels.c has of numba's runtime; anything else of it, or of Python, a kernel may not call
PROVIDED = frozenset({"NRT_MemInfo_call_dtor", "numba_attempt_nocopy_reshape"})
_SHARED = (llvm.Linkage.external, llvm.Linkage.linkonce_odr, llvm.Linkage.weak_odr)
_FOREIGN = ("NRT_", "numba_", "Py", "_Py")


class KernelNotPlain(EdgeError):
    """A kernel calls what only numba's runtime has: it allocates, or builds Python objects."""

    exit_code = EXIT_BUG

    def __init__(self, kernel: str, calls: tuple[str, ...]) -> None:
        super().__init__(kernel, calls)
        self.kernel = kernel
        self.calls = calls

    def __str__(self) -> str:
        return (
            f"expected {self.kernel} to work on what it is given, found that it calls "
            f"{', '.join(self.calls)}; write the loop out, without arrays or lists of its own"
        )


@dataclass(frozen=True, slots=True)
class Kernel:
    """One compiled kernel.

    Attributes
    ----------
    name : str
        In the build; `ahead.kernel_name`.
    arguments : tuple of numba types
    result : numba type
    releases_gil : bool
    is_called : bool
        From Python, rather than by the kernels of its file alone.
    compiled : object
        Numba's result of compiling it.
    """

    name: str
    arguments: tuple[Any, ...]
    result: Any
    releases_gil: bool
    is_called: bool
    compiled: Any

    @property
    def symbol(self) -> str:
        """Of its machine code: numba's, by which other kernels call it too."""
        return str(self.compiled.fndesc.llvm_func_name)

    @property
    def signature(self) -> str:
        """Types of arguments and result, as numba writes them."""
        return str(self.compiled.signature)


def kernels_of(module_name: str) -> Iterator[Kernel]:
    """Import one module of kernels, which compiles them, and yield all that have code of their own."""
    importlib.import_module(module_name)
    for name, value in vars(sys.modules[module_name]).items():
        own = isinstance(value, CPUDispatcher) and value.py_func.__module__ == module_name
        for arguments, compiled in value.overloads.items() if own else ():
            yield Kernel(
                ahead.kernel_name(module_name, name),
                tuple(arguments),
                compiled.signature.return_type,
                bool(value.targetoptions.get("nogil")),
                not name.startswith("_"),
                compiled,
            )


def processor() -> str:
    """The processor that numba compiles for, in LLVM's name; `generic` for any of its architecture."""
    return cpu_target.target_context.codegen().magic_tuple()[1]


def object_file(kernel: Kernel) -> bytes:
    """Machine code of a kernel, to be linked into a shared library.

    It is the code that the cache of numba holds, but for where it finds its constants: numba compiles
    to run at a fixed place, and a library has none.
    """
    triple, cpu, features = cpu_target.target_context.codegen().magic_tuple()
    machine = llvm.Target.from_triple(triple).create_target_machine(
        cpu=cpu, features=features, opt=3, reloc="pic", codemodel="default"
    )
    module = kernel.compiled.library._get_module_for_linking().clone()
    _keep_only(module, kernel, machine)
    calls = {function.name for function in module.functions if function.is_declaration} - PROVIDED
    if foreign := sorted(name for name in calls if name.startswith(_FOREIGN)):
        raise KernelNotPlain(kernel.name, tuple(foreign))
    return machine.emit_object(module)


def _keep_only(module: Any, kernel: Kernel, machine: Any) -> None:
    """Drop numba's wrapper for Python and all that only it calls.

    The code of a kernel brings that of the kernels it calls, optimised once more with it. Where they are
    called and not written into it, the one of their own has to be taken, as numba does when it loads them:
    sums of reordered floats differ. So that one is strong, and the others stay weak.
    """
    for function in module.functions:
        if not function.is_declaration and function.linkage in _SHARED:
            function.linkage = "external" if function.name == kernel.symbol else "linkonce_odr"
            function.visibility = "hidden"
    for variable in module.global_variables:
        if not variable.is_declaration:
            variable.linkage = "internal"
    passes = llvm.create_new_module_pass_manager()
    passes.add_global_dead_code_eliminate_pass()
    passes.run(module, llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options()))
    module.verify()
