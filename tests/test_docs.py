"""The pages say what is there: their links lead somewhere, and their commands exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from edge.cli import COMMANDS, build_parser

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "firmware_config").rglob("*.md")]
)
FORBIDDEN = re.compile(
    r"\b(lie detect\w*|deception|deceit|guilt\w*|truthful\w*|microexpression of)\b", re.IGNORECASE
)


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_relative_link_leads_to_a_file(page):
    targets = re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8"))
    local = [target.partition("#")[0] for target in targets if not re.match(r"[a-z]+:|#", target)]
    assert [target for target in local if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_command_and_option_in_a_shell_block_exists(page):
    blocks = re.findall(r"```sh\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    for line in "\n".join(blocks).splitlines():
        words = line.partition("#")[0].split()
        if words[:1] == ["make"]:
            assert words[1] in targets, line
        if words and words[0].endswith("microcue"):
            assert words[1] in COMMANDS, line
            help_text = subcommand_help(words[1])
            assert [
                option for option in words if option.startswith("--") and option not in help_text
            ] == [], line


def subcommand_help(command: str) -> str:
    actions = build_parser(command)._actions
    return next(action.choices[command].format_help() for action in actions if action.dest == "command")


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_no_page_claims_what_microcue_never_says(page):
    assert FORBIDDEN.findall(page.read_text(encoding="utf-8")) == []


def test_every_decision_is_in_the_index():
    folder = ROOT / "docs" / "decisions"
    index = (folder / "README.md").read_text(encoding="utf-8")
    assert [page.name for page in folder.glob("0*.md") if f"({page.name})" not in index] == []
