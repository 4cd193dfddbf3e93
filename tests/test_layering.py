"""Who may import whom, and how long things may be: the rules of docs/architecture.md, held."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
EDGE = ROOT / "edge"
MODULES = sorted(EDGE.rglob("*.py"))
STAGES = {"capture", "perceive", "track", "spot", "record", "indicate"}
SHARED = {"errors", "messages", "anatomy", "config", "setting", "clock", "timing", "kernels", "ahead"}
# folders above the stages, which may put them together
ABOVE = {"synth", "evaluate", "practice", "batch", "proof", "commands", "review", "building"}
# modules that talk to a device or a file format by name, and are chosen in one place
DRIVERS = {
    "edge.capture.file",
    "edge.capture.pictures",
    "edge.capture.gstreamer",
    "edge.capture.gstreamer_child",
    "edge.capture.picamera2",
    "edge.capture.picamera2_device",
    "edge.capture.v4l2",
    "edge.capture.v4l2_device",
    "edge.capture.v4l2_finding",
    "edge.indicate.gpio",
    "edge.indicate.lines",
    "edge.indicate.terminal",
}
MODULE_LINES_MAX = 400
FUNCTION_LINES_MAX = 50
KERNEL_LINES_MAX = 80
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "manager", "managers", "misc", "common"}
# urllib.parse only splits text
NETWORK = (
    "socket",
    "socketserver",
    "ssl",
    "http",
    "urllib.request",
    "ftplib",
    "smtplib",
    "asyncio",
    "requests",
    "anyio",
    "starlette",
    "uvicorn",
)


def name_of(path: Path) -> str:
    """Dotted name: edge/track/pose.py is edge.track.pose, edge/track/__init__.py is edge.track."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def imports_of(path: Path) -> frozenset[str]:
    """Every module named by an import anywhere in the file; relative ones are refused."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            # `from edge.capture import v4l2` names a module too
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(name for name in found if name)


def roots(names: Iterable[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


def part_of(name: str) -> str:
    """The folder or module below edge: "capture" for edge.capture.ring."""
    return name.split(".")[1] if name.startswith("edge.") else ""


def modules_below(folder: str) -> list[Path]:
    return sorted((EDGE / folder).rglob("*.py"))


def functions(path: Path) -> Iterator[tuple[ast.FunctionDef | ast.AsyncFunctionDef, int]]:
    """Each function and its lines, docstring and nested functions' own docstrings left out."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = node.end_lineno - node.lineno + 1
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                length -= first.end_lineno - first.lineno + 1
            yield node, length


def test_the_modules_are_found():
    assert {name_of(path) for path in MODULES} >= {"edge.cli", "edge.capture", "edge.kernels", "edge.record"}


@pytest.mark.parametrize("stage", sorted(STAGES))
def test_a_stage_imports_no_other_stage_and_nothing_above(stage):
    for path in modules_below(stage):
        parts = {part_of(name) for name in imports_of(path)} - {""}
        assert parts <= SHARED | {stage}, f"{path} imports edge.{sorted(parts - SHARED - {stage})}"


def test_no_modules_import_each_other_in_a_circle():
    """Imports inside functions count too: what is put off is still needed."""
    modules = {name_of(path): path for path in MODULES if path.name != "__init__.py"}  # those hand names on
    graph = {name: imports_of(path) & modules.keys() for name, path in modules.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_what_all_stages_share_imports_no_stage():
    for path in MODULES:
        if part_of(name_of(path)) in SHARED:
            parts = {part_of(name) for name in imports_of(path)} - {""}
            assert parts <= SHARED, f"{path} imports edge.{sorted(parts - SHARED)}"


def test_health_imports_no_stage():
    for path in modules_below("health"):
        parts = {part_of(name) for name in imports_of(path)} - {""}
        assert parts <= SHARED | {"health"}, f"{path} imports edge.{sorted(parts - SHARED)}"


def test_what_is_shown_live_knows_of_the_stages_no_more_than_the_indicators_states():
    for path in modules_below("live"):
        foreign = {name for name in imports_of(path) if part_of(name) in STAGES | ABOVE | {"app", "pipeline"}}
        assert foreign <= {"edge.indicate.indicator", "edge.indicate.indicator.State"}, path


def test_a_kernel_imports_only_numpy_and_its_compiler():
    for path in set(modules_below("kernels")) - {EDGE / "kernels" / "__init__.py"}:
        foreign = imports_of(path) - {"numpy", "math", "__future__.annotations", "__future__"}
        assert foreign <= {"edge.kernels", "edge.kernels.njit"}, f"{path} imports {sorted(foreign)}"


def test_numba_is_imported_by_what_compiles_alone():
    """A session with kernels compiled ahead must not import it."""
    for path in MODULES:
        if name_of(path) != "edge.kernels" and part_of(name_of(path)) != "building":
            assert not roots(imports_of(path)) & {"numba", "llvmlite"}, path


def test_drivers_are_named_in_one_place():
    for path in MODULES:
        name = name_of(path)
        if name == "edge.app" or part_of(name) in ABOVE:
            continue
        own = f"edge.{part_of(name)}."
        named = {driver for driver in imports_of(path) & DRIVERS if not driver.startswith(own)}
        assert not named, f"{path} names {sorted(named)}; only edge/app.py does"


def test_every_driver_in_the_list_exists():
    assert {name_of(path) for path in MODULES} >= DRIVERS


def test_one_module_imports_the_model_runtimes():
    for path in MODULES:
        text = path.read_text(encoding="utf-8")
        if name_of(path) != "edge.perceive.runtime":
            assert not roots(imports_of(path)) & {"ai_edge_litert", "tflite_runtime"}, path
            assert "ai_edge_litert" not in text, f"{path} names a runtime"


@pytest.mark.parametrize(
    ("package", "folders"),
    [
        ("gpiozero", {"indicate"}),
        ("gpiod", {"indicate"}),
        ("linuxpy", {"capture"}),
        ("picamera2", {"capture"}),
        ("libcamera", {"capture"}),
    ],
)
def test_a_device_library_stays_in_its_stage(package, folders):
    for path in MODULES:
        if package in roots(imports_of(path)):
            assert part_of(name_of(path)) in folders, path


def network_imports(path: Path) -> set[str]:
    return {name for name in imports_of(path) for net in NETWORK if name == net or name.startswith(f"{net}.")}


def test_only_the_review_page_opens_a_socket():
    for path in MODULES:
        if part_of(name_of(path)) != "review":
            assert network_imports(path) == set(), path


def test_one_module_knows_the_cluster_and_none_that_sees_pictures_imports_it():
    """Dask's processes talk over the network; what watches is a process of its own, without."""
    for path in MODULES:
        names = imports_of(path)
        if name_of(path) != "edge.batch.cluster":
            assert not roots(names) & {"dask", "distributed"}, path
        if "edge.batch.cluster" in names:
            assert name_of(path) in {"edge.commands.batch", "edge.evaluate.cluster_run"}, path


def test_the_review_page_stays_apart_from_what_watches():
    """Only the commands that serve it or write its report know it, and it knows no camera and no model."""
    may = {"edge.commands.review", "edge.commands.report", "edge.commands.practice"}
    for path in MODULES:
        named = {part_of(name) for name in imports_of(path)}
        if part_of(name_of(path)) == "review":
            assert not named & {"capture", "perceive", "spot", "indicate", "app", "pipeline", "watching"}, (
                path
            )
        elif name_of(path) not in may:
            assert "review" not in named, f"{path} imports edge.review"


def test_only_the_supervisor_catches_everything():
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ExceptHandler) and name_of(path) != "edge.cli":
                is_broad = node.type is None or ast.unparse(node.type) in ("Exception", "BaseException")
                again = isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None
                assert not is_broad or again, f"{path}:{node.lineno} catches everything"


def test_no_module_is_too_long():
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    assert {str(path): n for path, n in lengths.items() if n > MODULE_LINES_MAX} == {}


def test_no_function_is_too_long():
    too_long = {}
    for path in MODULES:
        limit = KERNEL_LINES_MAX if part_of(name_of(path)) == "kernels" else FUNCTION_LINES_MAX
        for function, length in functions(path):
            if length > limit:
                too_long[f"{path.relative_to(ROOT)}:{function.lineno} {function.name}"] = length
    assert too_long == {}


def test_names_explain_themselves():
    assert not [path for path in MODULES if path.stem in VAGUE_NAMES or path.parent.name in VAGUE_NAMES]


def test_the_checks_see_what_they_look_for(tmp_path):
    """The rules above read files; this shows that they can fail."""
    path = tmp_path / "sample.py"
    path.write_text(
        "import socket\nfrom edge.capture import v4l2\n\ndef f():\n    '''Two\n    lines.'''\n    return 1\n"
    )
    assert imports_of(path) == {"socket", "edge.capture", "edge.capture.v4l2"}
    assert network_imports(path) == {"socket"}
    assert [length for _, length in functions(path)] == [2]
