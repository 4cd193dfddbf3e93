"""Pages for everybody read easily, and the arithmetic on them is right."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import textstat

DOCS = Path(__file__).resolve().parents[1] / "docs"
GRADE_MAX = 10.0  # Flesch–Kincaid: years of school


def prose_of(markdown: str) -> str:
    """The sentences of a page and of its lists: no code, tables, pictures, headings or sources."""
    text = markdown.partition("\n## Sources\n")[0]
    text = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    text = re.sub(r"!\[[^\]]*\]\([^)]*\)", "", text)
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    lines = [line for line in text.splitlines() if not line.startswith(("|", "#"))]
    text = "\n".join(lines)
    text = re.sub(r"\[\d+\]", "", re.sub(r"[*`>]", "", text))
    blocks = [" ".join(block.split()) for block in re.split(r"\n\s*\n|\n(?=- |\d\. )", text)]
    return "\n".join(block if block[-1:] in ".!?" else f"{block}." for block in blocks if block)


@pytest.mark.parametrize("page", ["responsible-use.md", "first-hour.md"])
def test_a_page_for_everybody_needs_ten_years_of_school_at_most(page):
    prose = prose_of((DOCS / page).read_text(encoding="utf-8"))
    assert len(prose.split()) > 400
    assert textstat.flesch_kincaid_grade(prose) <= GRADE_MAX


def test_hard_prose_is_graded_as_hard():
    hard = (
        "Notwithstanding considerable methodological heterogeneity, the aforementioned investigations "
        "demonstrate unequivocally that physiognomic interpretations remain epistemologically indefensible."
    )
    assert textstat.flesch_kincaid_grade(hard) > GRADE_MAX


@pytest.fixture(scope="module")
def tables() -> list[list[list[str]]]:
    """The tables of responsible-use.md, cell by cell, without their headings."""
    text = (DOCS / "responsible-use.md").read_text(encoding="utf-8")
    return [
        [[cell.strip() for cell in line.split("|")[1:-1]] for line in block.splitlines()[2:]]
        for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    ]


def test_the_shares_in_the_example_follow_from_its_counts(tables):
    (marked, found, other, cues, share) = tables[0]
    for column in (1, 2):
        assert int(found[column]) == round(0.8 * int(marked[column]))
        assert int(found[column]) + int(other[column]) == int(cues[column])
        assert int(share[column].rstrip(" %")) == round(100 * int(found[column]) / int(cues[column]))


def test_the_base_rates_in_the_example_add_up(tables):
    (topics, flashes) = tables[1]
    rates = (0.3, 0.2)
    for row in (topics, flashes):
        assert int(row[1]) + int(row[2]) == int(row[3])
    assert [int(flashes[n]) for n in (1, 2)] == [
        round(rate * int(topics[n + 1])) for n, rate in enumerate(rates)
    ]
    assert int(flashes[2]) / int(flashes[3]) == pytest.approx(6 / 7)
