"""docs/faults.md is what the tests declare, and every test here declares something."""

from __future__ import annotations

from pathlib import Path

from write_faults import PAGE, PARTS, TESTS, page, rows_of


def test_the_page_is_the_one_that_the_tests_declare():
    assert PAGE.read_text(encoding="utf-8") == page()  # else: python tools/write_faults.py


def test_every_test_of_a_fault_declares_its_row():
    modules = {path.name for path in TESTS.glob("test_*.py")} - {Path(__file__).name}
    assert modules == PARTS.keys()
    for name in PARTS:
        assert (TESTS / name).read_text(encoding="utf-8").count("\ndef test_") == len(rows_of(TESTS / name))


def test_no_fault_is_named_twice():
    names = [row["fault"] for name in PARTS for row in rows_of(TESTS / name)]
    assert len(names) == len(set(names)) >= 20
