"""Every sentence that microcue can fail with, read out of the source.

A class of the error tree either writes its sentence in `__str__`, or is raised with it. What is filled in at
run time stands as ‹name›. A sentence that has several forms is listed once for each.
"""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from edge import errors

ROOT = Path(__file__).resolve().parents[2]
_ROOT_CLASS = "EdgeError"
_MOST_FORMS = 6
Texts = dict[str, list[str]]


class Sentence(NamedTuple):
    """One sentence: who says it, what the program ends with, and where it stands."""

    error: str
    text: str
    exit_code: int
    module: str  # as "edge/capture/errors.py"

    @property
    def problem(self) -> str:
        """What was expected and what came."""
        return self._halves()[0]

    @property
    def cure(self) -> str:
        """What to do next: what follows the last semicolon; "" without one."""
        return self._halves()[1]

    def _halves(self) -> tuple[str, str]:
        before, semicolon, after = self.text.rpartition("; ")
        return (before, after) if semicolon else (self.text, "")


class _Class(NamedTuple):
    node: ast.ClassDef
    bases: tuple[str, ...]
    module: str


def sentences() -> list[Sentence]:
    """All of them, by module and in the order of the source."""
    modules = {
        str(path.relative_to(ROOT)): ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted((ROOT / "edge").rglob("*.py"))
    }
    classes = {
        node.name: _Class(node, tuple(ast.unparse(base).rpartition(".")[2] for base in node.bases), module)
        for module, tree in modules.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }
    ours = {name for name in classes if _is_error(name, classes)}
    constants = {module: _assigned(tree.body, {}) for module, tree in modules.items()}
    found = [text for name in classes if name in ours for text in _of_class(name, classes, constants)]
    told = {name for name in ours if (own := _str_of(name, classes)) and any(_says(text) for text in own)}
    for module, tree in modules.items():
        for scope, call in _calls(tree):
            name = ast.unparse(call.func).rpartition(".")[2]
            if name in ours - told:
                known = _assigned(scope.body if scope else [], constants[module])
                found += _of_call(name, call, known, classes, module)
    found += _of_command_line(modules["edge/cli.py"])
    return sorted(set(found), key=lambda sentence: (sentence.module, found.index(sentence)))


def _is_error(name: str, classes: dict[str, _Class]) -> bool:
    return name == _ROOT_CLASS or (
        name in classes and any(_is_error(base, classes) for base in classes[name].bases)
    )


def _of_class(name: str, classes: dict[str, _Class], constants: dict[str, Texts]) -> Iterator[Sentence]:
    method = _own_str(classes[name].node)
    if method is None:
        return
    module = classes[name].module
    for text in _returned(method, constants[module]):
        if _says(text):
            yield Sentence(name, text, _exit_code(name, classes), module)


def _of_call(
    name: str, call: ast.Call, known: Texts, classes: dict[str, _Class], module: str
) -> Iterator[Sentence]:
    """A sentence that is handed over as the last argument; what stands before it is filled in."""
    if not call.args:
        return
    frame = (_str_of(name, classes) or ["‹sentence›"])[0]
    for text in _texts(call.args[-1], known):
        if _says(text):
            whole = re.sub(r"‹[^›]*›$", lambda _, text=text: text, frame)
            yield Sentence(name, whole, _exit_code(name, classes), module)


def _of_command_line(tree: ast.Module) -> Iterator[Sentence]:
    """What the command line says of failures that are not ours."""
    for handler in ast.walk(tree):
        if isinstance(handler, ast.ExceptHandler) and handler.type is not None:
            code = next((name.id for name in ast.walk(handler) if _is_exit(name)), "")
            for text in _assigned(handler.body, {}).get("sentence", []):
                yield Sentence(ast.unparse(handler.type), text, getattr(errors, code), "edge/cli.py")


def _is_exit(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id.startswith("EXIT_")


def _calls(tree: ast.Module) -> Iterator[tuple[ast.FunctionDef | None, ast.Call]]:
    """Every call with the function it stands in."""
    inside = {}
    for scope in ast.walk(tree):
        if isinstance(scope, ast.FunctionDef):
            inside.update({id(node): scope for node in ast.walk(scope)})
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield inside.get(id(node)), node


def _own_str(node: ast.ClassDef) -> ast.FunctionDef | None:
    return next((m for m in node.body if isinstance(m, ast.FunctionDef) and m.name == "__str__"), None)


def _str_of(name: str, classes: dict[str, _Class]) -> list[str]:
    """The forms of a class's own or inherited sentence; none where it is raised with one."""
    if name not in classes:
        return []
    if method := _own_str(classes[name].node):
        return _returned(method, {})
    return next((found for base in classes[name].bases if (found := _str_of(base, classes))), [])


def _exit_code(name: str, classes: dict[str, _Class]) -> int:
    for node in classes[name].node.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "exit_code":
            value = ast.unparse(node.value)
            return int(value) if value.isdigit() else int(getattr(errors, value))
    return next(_exit_code(base, classes) for base in classes[name].bases if base in classes)


def _returned(method: ast.FunctionDef, constants: Texts) -> list[str]:
    known = _assigned(method.body, constants)
    found = [
        text
        for node in ast.walk(method)
        if isinstance(node, ast.Return) and node.value is not None
        for text in _texts(node.value, known)
    ]
    return list(dict.fromkeys(found))


def _assigned(body: list[ast.stmt], known: Texts) -> Texts:
    """What names stand for where they are given plain texts."""
    found: Texts = {}
    for node in itertools.chain.from_iterable(ast.walk(statement) for statement in body):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            texts = _texts(node.value, {**known, **found})
            name = node.targets[0].id
            if all(_says(text) or not text for text in texts):
                found[name] = [*found.get(name, []), *texts]
    return {**known, **found}


def _texts(node: ast.expr, known: Texts) -> list[str]:
    """Every form that an expression of text may take, few at most."""
    if isinstance(node, ast.Constant):
        return [str(node.value)]
    if isinstance(node, ast.JoinedStr):
        values = [part.value if isinstance(part, ast.FormattedValue) else part for part in node.values]
        parts = [_texts(value, known) for value in values]
        return ["".join(chosen) for chosen in itertools.islice(itertools.product(*parts), _MOST_FORMS)]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return [a + b for a in _texts(node.left, known) for b in _texts(node.right, known)][:_MOST_FORMS]
    if isinstance(node, ast.IfExp):
        return [*_texts(node.body, known), *_texts(node.orelse, known)]
    if isinstance(node, ast.Name) and node.id in known:
        return known[node.id]
    return [f"‹{_filled_in(node)}›"]


def _filled_in(node: ast.expr) -> str:
    """A name for what only the run knows."""
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.Name):
        return node.id.strip("_").lower()
    names = [part for part in ast.walk(node) if isinstance(part, (ast.Attribute, ast.Name))]
    plain = [_filled_in(part) for part in names if _filled_in(part) not in ("self", "join", "str", "len")]
    return plain[0] if plain else "…"


def _says(text: str) -> bool:
    """Whether there are words of its own in it."""
    return re.search(r"[a-z]{2}", re.sub(r"‹[^›]*›", "", text)) is not None
