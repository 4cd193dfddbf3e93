"""The C that lets Python call compiled kernels, generated from their signatures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numba import types

from edge import ahead
from edge.building.objects import Kernel
from edge.errors import EXIT_BUG, EdgeError

# C types of numba's scalars, by their names
_WHOLE = {
    "uint8": ("uint8_t", "0", "UINT8_MAX"),
    "int16": ("int16_t", "INT16_MIN", "INT16_MAX"),
    "int32": ("int32_t", "INT32_MIN", "INT32_MAX"),
    "uint32": ("uint32_t", "0", "UINT32_MAX"),
    "int64": ("int64_t", "INT64_MIN", "INT64_MAX"),
}
_FLOATING = {"float32": "float", "float64": "double"}
_WRAPPER = """\
extern int32_t kernel_{name}({types}) __asm__("{symbol}");

static PyObject *call_{name}(PyObject *self, PyObject *const *given, Py_ssize_t n_given)
{{
    (void)self;
    if (!is_complete("{name}", n_given, {n}))
        return NULL;
{taken}
    {result_type} result{result_shape} = {{0}};
    const raised *error = NULL;
    int32_t status;
{before}    status = kernel_{name}({passed});
{after}    if (status != 0)
        return failed("{name}", status, error);
    return {returned};
}}
"""
_MODULE = """\
static PyMethodDef methods[] = {{
{methods}
    {{NULL, NULL, 0, NULL}},
}};

static struct PyModuleDef definition = {{
    PyModuleDef_HEAD_INIT, .m_name = "{name}", .m_size = -1, .m_methods = methods,
}};

PyMODINIT_FUNC PyInit_{name}(void)
{{
    import_array();
    PyObject *module = PyModule_Create(&definition);
    if (module != NULL && PyModule_AddStringConstant(module, "MADE", {made}) < 0)
        Py_CLEAR(module);
    return module;
}}
"""


class SignatureUnknown(EdgeError):
    """A kernel takes or returns a type that nobody has needed before."""

    exit_code = EXIT_BUG

    def __init__(self, kernel: str, type_name: str) -> None:
        super().__init__(kernel, type_name)
        self.kernel = kernel
        self.type_name = type_name

    def __str__(self) -> str:
        return (
            f"expected {self.kernel} to take C-contiguous arrays and plain numbers, found {self.type_name}; "
            "change its signature, or teach edge/building/wrappers.py the type"
        )


def source(kernels: Sequence[Kernel], made: str) -> str:
    """The whole C file.

    Parameters
    ----------
    kernels : sequence of Kernel
    made : str
        How the build was made, as ASCII JSON.
    """
    wrappers = "\n".join(wrapper(kernel) for kernel in kernels)
    methods = "\n".join(
        f'    {{"{kernel.name}", (PyCFunction)(void (*)(void))call_{kernel.name}, METH_FASTCALL, NULL}},'
        for kernel in kernels
    )
    quoted = '"' + made.replace("\\", "\\\\").replace('"', '\\"') + '"'
    module = _MODULE.format(methods=methods, name=ahead.NAME, made=quoted)
    return f'#include "kernels.c"\n\n{wrappers}\n{module}'


def wrapper(kernel: Kernel) -> str:
    """One C function: takes Python's arguments, calls the kernel, returns what it returns."""
    arguments = [_argument(kernel.name, place, argument) for place, argument in enumerate(kernel.arguments)]
    result_type, result_shape, returned = _result(kernel)
    return _WRAPPER.format(
        symbol=kernel.symbol,
        name=kernel.name,
        n=len(arguments),
        types=", ".join(["void *", "const raised **", *(types for types, _, _ in arguments)]),
        taken="\n".join(taken for _, taken, _ in arguments),
        result_type=result_type,
        result_shape=result_shape,
        passed=", ".join(["&result", "&error", *(passed for _, _, passed in arguments)]),
        before="    Py_BEGIN_ALLOW_THREADS\n" if kernel.releases_gil else "",
        after="    Py_END_ALLOW_THREADS\n" if kernel.releases_gil else "",
        returned=returned,
    )


def _argument(kernel: str, place: int, argument: Any) -> tuple[str, str, str]:
    """How the kernel declares an argument, how the wrapper takes it, and how it is passed on."""
    at, name = f"given[{place}]", f"a{place}"
    if isinstance(argument, types.Array) and argument.layout == "C":
        dtype, n = str(argument.dtype), argument.ndim
        taken = (
            f'    PyArrayObject *{name} = array_of("{kernel}", {place + 1}, {at}, NPY_{dtype.upper()},'
            f' "{dtype}", {n}, {int(argument.mutable)});\n    if ({name} == NULL)\n        return NULL;'
        )
        shape = [f"PyArray_DIM({name}, {k})" for k in range(n)]
        strides = [f"PyArray_STRIDE({name}, {k})" for k in range(n)]
        passed = ", ".join([f"ARRAY_HEAD({name})", *shape, *strides])
        return ", ".join(["ARRAY_TYPES", *["int64_t"] * (2 * n)]), taken, passed
    scalar = str(argument)
    refused = " && PyErr_Occurred())\n        return NULL;"
    if isinstance(argument, types.Boolean):
        taken = f"    int {name} = PyObject_IsTrue({at});\n    if ({name} < 0)\n        return NULL;"
        return "uint8_t", taken, f"(uint8_t){name}"
    if scalar in _FLOATING:
        taken = f"    double {name} = PyFloat_AsDouble({at});\n    if ({name} == -1.0{refused}"
        return _FLOATING[scalar], taken, f"({_FLOATING[scalar]}){name}"
    if scalar in _WHOLE:
        c_type, low, high = _WHOLE[scalar]
        taken = (
            f'    int64_t {name} = whole_of("{kernel}", {place + 1}, {at}, {low}, {high});\n'
            f"    if ({name} == -1{refused}"
        )
        return c_type, taken, f"({c_type}){name}"
    raise SignatureUnknown(kernel, scalar)


def _result(kernel: Kernel) -> tuple[str, str, str]:
    """C type and shape of what the kernel writes its result to, and the Python object made of it."""
    result = kernel.result
    if isinstance(result, types.NoneType):
        return "void *", "[1]", "Py_NewRef(Py_None)"
    if isinstance(result, types.Boolean):
        return "uint8_t", "[1]", "PyBool_FromLong(result[0])"
    n = result.count if isinstance(result, types.UniTuple) else 1
    scalar = str(result.dtype if isinstance(result, types.UniTuple) else result)
    if scalar in _FLOATING:
        c_type, code, widest = _FLOATING[scalar], "d", "double"
    elif scalar in _WHOLE:
        c_type, code, widest = _WHOLE[scalar][0], "L", "long long"
    else:
        raise SignatureUnknown(kernel.name, scalar)
    form = f"({code * n})" if isinstance(result, types.UniTuple) else code
    items = ", ".join(f"({widest})result[{k}]" for k in range(n))
    return c_type, f"[{n}]", f'Py_BuildValue("{form}", {items})'
