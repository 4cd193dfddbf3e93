"""The C around a kernel: what is checked before it is called, and what comes back."""

from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest
from numba import types

from edge.building.objects import Kernel
from edge.building.wrappers import SignatureUnknown, source, wrapper
from edge.errors import EXIT_CONFIG
from edge.warmup import BuildFailed, compile_ahead

LUMA = types.Array(types.uint8, 2, "C", readonly=True)


def kernel(*arguments, result=types.none, releases_gil=True):
    compiled = SimpleNamespace(fndesc=SimpleNamespace(llvm_func_name="_ZN4take"), signature="() -> none")
    return Kernel("light_take", arguments, result, releases_gil, True, compiled)


def test_arrays_are_checked_and_passed_with_shape_and_strides():
    text = wrapper(kernel(LUMA, types.float32[::1]))
    assert 'array_of("light_take", 1, given[0], NPY_UINT8, "uint8", 2, 0)' in text
    assert 'array_of("light_take", 2, given[1], NPY_FLOAT32, "float32", 1, 1)' in text
    assert "ARRAY_HEAD(a1), PyArray_DIM(a1, 0), PyArray_STRIDE(a1, 0)" in text
    assert "extern int32_t kernel_light_take(void *, const raised **, ARRAY_TYPES, int64_t, int64_t," in text
    assert '__asm__("_ZN4take");' in text


def test_numbers_are_passed_in_the_kernels_own_width():
    text = wrapper(kernel(types.float32, types.int64, types.uint8, types.boolean))
    assert "kernel_light_take(&result, &error, (float)a0, (int64_t)a1, (uint8_t)a2, (uint8_t)a3)" in text
    assert "given[2], 0, UINT8_MAX" in text


@pytest.mark.parametrize(
    ("result", "returned"),
    [
        (types.none, "Py_NewRef(Py_None)"),
        (types.boolean, "PyBool_FromLong(result[0])"),
        (types.int64, 'Py_BuildValue("L", (long long)result[0])'),
        (types.UniTuple(types.float64, 2), 'Py_BuildValue("(dd)", (double)result[0], (double)result[1])'),
    ],
)
def test_results_become_python_objects(result, returned):
    assert f"return {returned};" in wrapper(kernel(result=result))


@pytest.mark.parametrize("releases_gil", [True, False])
def test_threads_go_on_where_the_kernel_lets_them(releases_gil):
    assert ("Py_BEGIN_ALLOW_THREADS" in wrapper(kernel(releases_gil=releases_gil))) is releases_gil


@pytest.mark.parametrize("odd", [types.complex128, types.Array(types.float32, 1, "A"), types.unicode_type])
def test_type_that_has_no_rule_is_refused(odd):
    with pytest.raises(SignatureUnknown, match="expected light_take to take C-contiguous arrays"):
        wrapper(kernel(odd))
    with pytest.raises(SignatureUnknown):
        wrapper(kernel(result=odd))


def test_what_a_build_says_of_itself_survives_as_a_c_string():
    text = source([kernel()], '{"kernels": {"a": "Array(uint8, \'C\')"}}')
    assert r'"MADE", "{\"kernels\": {\"a\": \"Array(uint8, ' in text
    assert '{"light_take", (PyCFunction)(void (*)(void))call_light_take, METH_FASTCALL, NULL},' in text


def test_machine_without_a_compiler_is_told_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setenv("CC", str(tmp_path / "no-compiler"))
    with pytest.raises(BuildFailed, match=r"expected the C compiler .*no-compiler") as caught:
        list(compile_ahead(tmp_path / "kernels.so"))
    assert caught.value.exit_code == EXIT_CONFIG
    assert not (tmp_path / "kernels.so").exists()


def test_generic_without_ahead_is_a_usage_error(tmp_path):
    command = [sys.executable, "-m", "edge.cli", "warmup", "--generic"]
    ended = subprocess.run(command, env=os.environ, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "expected --generic with --ahead" in ended.stderr
