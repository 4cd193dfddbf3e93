"""The generated reference is the code's, and nothing is missing from it."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from textwrap import dedent

import pytest
from reference import database, errors
from reference.sentences import ROOT, _assigned, _says, _texts, sentences
from write_reference import pages

from edge.cli import COMMANDS
from edge.config import Config, as_tables


@pytest.fixture(scope="module")
def written() -> dict[Path, str]:
    """Each file and what belongs in it."""
    return pages()


@pytest.fixture(scope="module")
def found():
    """Every sentence."""
    return sentences()


def test_the_pages_are_those_that_the_code_declares(written):
    outdated = [
        str(path.relative_to(ROOT)) for path, text in written.items() if path.read_text("utf-8") != text
    ]
    assert outdated == [], "run: make reference"


def test_every_command_has_a_section_and_every_setting_a_row(written):
    texts = {path.name: text for path, text in written.items()}
    assert [name for name in COMMANDS if f"\n## {name}\n" not in texts["commands.md"]] == []
    for section, table in as_tables(Config()).items():
        rows = texts["settings.md"].partition(f"\n## [{section}]\n")[2].partition("\n## ")[0]
        assert [key for key in table if f"| `{key}` |" not in rows] == []


def test_every_table_of_the_log_is_explained_and_drawn(written):
    names = {table.name for table in database.tables()}
    assert names == database.MEANINGS.keys()
    drawn = re.findall(r"<tspan font-weight='bold'>(\w+)</tspan>", database.diagram())
    assert set(drawn) == names


def test_every_sentence_has_a_cure(found):
    without = [s.text for s in found if not s.cure and s.error not in errors.CURES]
    assert without == []  # end the sentence with "; and what to do next"


def test_every_exit_code_of_a_sentence_is_explained(found):
    assert {s.exit_code for s in found} <= {code for code, *_ in errors.EXIT_CODES}


def test_every_class_of_the_error_tree_that_is_raised_is_listed(found):
    source = "\n".join(path.read_text("utf-8") for path in sorted((ROOT / "edge").rglob("*.py")))
    raised = set(re.findall(r"\braise (?:\w+\.)?([A-Z]\w+)\(", source))
    ours = {
        name
        for name in raised
        if re.search(rf"^class {name}\(\w*(Error|Absent|Missing|Written)\b", source, re.M)
    }
    passed_on = {"BuildFailed"}  # its sentence is another's, listed there
    assert ours - {s.error for s in found} == passed_on & raised


@pytest.mark.parametrize(
    ("expression", "forms"),
    [
        ('"expected " + "a face"', ["expected a face"]),
        ('f"no frame for {self.waited_s:.2f} s"', ["no frame for ‹waited_s› s"]),
        ('f"{a if x else b} row"', ["‹a› row", "‹b› row"]),
        ('f"{word} and {other}"', ["once and ‹other›", "twice and ‹other›"]),
    ],
)
def test_an_expression_of_text_is_read_in_all_its_forms(expression, forms):
    known = _assigned(ast.parse(dedent('word = "once" if x else "twice"')).body, {})
    assert _texts(ast.parse(expression, mode="eval").body, known) == forms


def test_a_text_that_is_all_filled_in_says_nothing():
    assert not _says("‹place›: ‹problem›")
    assert _says("‹place› is empty")
