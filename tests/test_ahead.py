"""Kernels compiled ahead: which build is used, which is refused, and what happens without one."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import edge.kernels
from edge import ahead
from edge.errors import EXIT_CONFIG

MADE = {"format": ahead.FORMAT, "sources": "abc", "machine": "aarch64", "features": ["asimd", "fp"]}
ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def compiled(monkeypatch):
    """A build that fits, with one kernel."""
    kernels = SimpleNamespace(patch_follow=lambda: "compiled")
    monkeypatch.setattr(ahead, "build", lambda: ahead.Build(Path("kernels.so"), kernels, MADE))
    return kernels


def function(name, module="edge.kernels.patch"):
    def own():
        return "interpreted"

    own.__name__, own.__module__ = name, module
    return own


@pytest.mark.parametrize(
    ("made", "here", "reason"),
    [
        ({}, {}, ""),
        ({"features": []}, {"features": frozenset()}, ""),  # for any processor
        ({}, {"features": frozenset({"asimd", "fp", "crc32"})}, ""),
        ({"format": 0}, {}, f"is of format 0, not {ahead.FORMAT}"),
        ({}, {"sources": "abd"}, "was made of other kernels than these"),
        ({}, {"machine": "x86_64"}, "was made for aarch64, not x86_64"),
        ({}, {"features": frozenset({"fp"})}, "needs a processor with asimd"),
    ],
)
def test_build_is_used_only_where_it_fits(made, here, reason):
    here = {"sources": "abc", "machine": "aarch64", "features": frozenset({"asimd", "fp"})} | here
    assert ahead.misfit(MADE | made, **here) == reason


def test_digest_is_of_names_and_contents(tmp_path):
    seen = []
    for name, text in (("a.py", "x = 1"), ("a.py", "x = 2"), ("b.py", "x = 2"), ("b.txt", "x")):
        (tmp_path / name).write_text(text)
        seen.append(ahead.source_digest(tmp_path))
    assert seen[0] != seen[1] != seen[2]
    assert seen[2] == seen[3]


@pytest.mark.parametrize(
    ("text", "features"),
    [
        ("processor : 0\nFeatures\t: fp asimd crc32\n\nFeatures\t: fp asimd\n", {"fp", "asimd"}),
        ("model name : any\nflags\t\t: sse2 avx2\nvmx flags\t: ept\n", {"sse2", "avx2"}),
        ("processor : 0\n", set()),
    ],
)
def test_features_are_those_that_all_cores_have(tmp_path, text, features):
    (tmp_path / "cpuinfo").write_text(text)
    assert ahead.processor_features(tmp_path / "cpuinfo") == features
    assert ahead.processor_features(tmp_path / "none") == set()


def test_no_build_is_no_refusal(tmp_path):
    build = ahead.open_build(tmp_path / ahead.file_name())
    assert (build.kernels, build.refusal) == (None, "")


def test_file_that_is_no_build_is_refused_with_the_way_out(tmp_path):
    path = tmp_path / ahead.file_name()
    path.write_bytes(b"\x7fELF, but cut short")
    build = ahead.open_build(path)
    assert build.kernels is None
    assert build.refusal.startswith(f"the kernels compiled ahead in {tmp_path} are not used")
    assert build.refusal.endswith("; run microcue warmup --ahead")


def test_kernel_is_taken_from_the_build_and_what_is_inlined_stays_as_it_is(compiled):
    assert edge.kernels.njit("void()")(function("follow")) is compiled.patch_follow
    for name, signature in (("_between", "void()"), ("weights", "")):
        own = function(name)
        assert edge.kernels.njit(signature)(own) is own


def test_process_that_may_not_compile_says_so(monkeypatch):
    def refused():
        raise PermissionError

    monkeypatch.setattr(ahead, "build", lambda: ahead.Build(Path("k.so"), refusal="a build of other kernels"))
    with pytest.raises(ahead.KernelsAbsent, match="found a build of other kernels; run microcue") as caught:
        ahead.require_leave_to_compile(refused)
    assert caught.value.exit_code == EXIT_CONFIG
    ahead.require_leave_to_compile()


def test_under_write_xor_execute_without_a_build_a_session_ends_with_a_sentence():
    """Numba would crash there; the rules are systemd's MemoryDenyWriteExecute=."""
    code = (
        "from ahead_rules import deny_write_execute; deny_write_execute();"
        "import sys; from edge.cli import main; sys.exit(main(['run', '--camera', 'file:none.mkv']))"
    )
    environment = os.environ | {ahead.VARIABLE: ahead.OFF, "PYTHONPATH": f"{ROOT}:{ROOT / 'tools'}"}
    ended = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert "expected kernels compiled ahead" in ended.stderr
    assert ended.returncode == EXIT_CONFIG


def test_every_kernel_that_others_call_states_its_signature():
    """A build has just these; one without a signature would run as Python where a build is used."""
    for path in Path(edge.kernels.__file__).parent.glob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.decorator_list and node.name[0] != "_":
                (decorator,) = node.decorator_list
                assert decorator.args, f"{path.name}: {node.name} has no signature"
