"""The Python on the pages about writing a driver and an indicator runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TUTORIALS = Path(__file__).resolve().parents[1] / "docs" / "tutorials"


@pytest.mark.parametrize("page", ["camera-driver.md", "indicator.md"])
def test_the_example_and_its_test_run(page):
    text = (TUTORIALS / page).read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == 2
    assert "assert " in blocks[1]
    exec(compile("\n".join(blocks), str(TUTORIALS / page), "exec"), {"__name__": page})
