"""Write docs/faults.md from the rows that the tests in tests/faults declare and hold the program to.

    python tools/write_faults.py

Each of those tests injects one fault and is marked with what the program says, shows and does
then; the same words are the table's. tests/faults/test_page.py compares the page with them.
"""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "faults.md"
TESTS = ROOT / "tests" / "faults"
PARTS = {
    "test_cameras.py": "Cameras",
    "test_indicators.py": "Lights and pins",
    "test_logs.py": "Disk and log",
    "test_machines.py": "The machine",
}
_HEAD = """# Faults

What microcue does when something breaks. This page is written by `python tools/write_faults.py` from the
tests in `tests/faults`: each injects one fault into a run of the whole program, with the camera, the face and
the spotter played, and holds it to its row. None loses a cue that was logged, and every test counts them; the
one row where cues that were never logged are lost says so.

*Light*: what it shows meanwhile ([led.md](led.md)); "dark" where nothing is being watched or the program has
ended, "as before" where it is not told. *Says*: on standard error, and so in the service's journal.
*Ends*: the exit code, where the session does not go on.
"""
_COLUMNS = ("fault", "injected", "light", "says", "ends", "then")


def rows_of(module: Path) -> list[dict[str, str | int]]:
    """The rows that a module's tests declare, in order."""
    found = []
    for function in ast.parse(module.read_text(encoding="utf-8")).body:
        if not isinstance(function, ast.FunctionDef):
            continue
        for mark in function.decorator_list:
            if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.fault":
                row = {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in mark.keywords}
                if tuple(row) != _COLUMNS:
                    raise ValueError(f"{function.name}: expected {_COLUMNS}, found {tuple(row)}")
                found.append(row)
    return found


def page() -> str:
    """The whole page."""
    lines = [_HEAD]
    for name, title in PARTS.items():
        lines += [f"## {title}", "", f"| {' | '.join(_COLUMNS)} |", "| --- | --- | --- | --- | --- | --- |"]
        lines += [
            f"| {' | '.join(_cell(column, row[column]) for column in _COLUMNS)} |"
            for row in rows_of(TESTS / name)
        ]
        lines.append("")
    return "\n".join(lines)


def _cell(column: str, value: str | int) -> str:
    text = str(value).replace("|", "\\|")
    return (f"“{text}”" if text else "nothing") if column == "says" else text


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
