"""docs/cues.md explains every column, word and movement that a cue can hold, and nothing else."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import get_args

import pytest

from edge.anatomy import ACTION_UNITS, REGIONS, SIGNALS
from edge.messages import Cue, Kind, Lighting, Side
from edge.record.cue_rows import CUE_COLUMNS
from edge.spot.band import ONE_SIDED
from edge.spot.rate import RATE_MIN
from edge.spot.spotter import MACRO_MIN_MIOD, MICRO_MIN_MIOD

PAGE = Path(__file__).resolve().parents[1] / "docs" / "cues.md"
UNITS_BY_ENDING = {
    "_s": "s",
    "_ms": "ms",
    "_miod": "miod",
    "_miod_s": "miod/s",
    "_frame": "frames",
    "_frames": "frames",
    "_per_hour": "per hour",
}


@pytest.fixture(scope="module")
def text() -> str:
    return PAGE.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def tables(text) -> dict[str, list[list[str]]]:
    """Rows of cells of each table, by its first heading."""
    found = {}
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        heading, _, *rows = ([cell.strip() for cell in line.split("|")[1:-1]] for line in block.splitlines())
        found[heading[0]] = rows
    return found


def words(rows: list[list[str]]) -> list[str]:
    return [row[0].strip("`") for row in rows]


def cue_lasting(duration_ms: float) -> Cue:
    values = dict.fromkeys((field.name for field in fields(Cue)), 0)
    return Cue(**{**values, "offset_ns": round(duration_ms * 1e6)})


def test_every_export_column_is_explained_in_the_order_of_the_export(tables):
    assert tuple(words(tables["column"])) == CUE_COLUMNS
    assert all(meaning for *_, meaning in tables["column"])


def test_the_number_of_columns_named_is_the_number_there_is(text):
    assert re.findall(r"these (\d+) columns", text) == [str(len(CUE_COLUMNS))]


def test_the_unit_given_is_the_one_in_the_column_name(tables):
    for name, unit, _ in tables["column"]:
        endings = [ending for ending in UNITS_BY_ENDING if name.strip("`").endswith(ending)]
        if endings:
            assert unit == UNITS_BY_ENDING[max(endings, key=len)], name


def test_every_movement_has_its_facs_number(tables):
    assert {row[0].strip("`"): int(row[1]) for row in tables["movement"]} == ACTION_UNITS


def test_every_movement_has_the_region_of_the_signals_that_report_it(tables):
    regions = {name: set() for name in ACTION_UNITS}
    for signal in SIGNALS:
        for name in filter(None, (signal.rise, signal.fall)):
            regions[name].add(signal.region)
    told = {row[0].strip("`"): set(row[2].split(", ")) - {"none"} for row in tables["movement"]}
    assert told == regions


def test_every_region_is_named(tables):
    assert {row[2] for row in tables["movement"]} - {"none"} == set(REGIONS)


def test_every_kind_side_and_light_is_explained(tables, text):
    assert set(words(tables["kind"])) == {*get_args(Kind), "blink"}
    assert words(tables["lighting"]) == list(get_args(Lighting))
    row = next(row for row in tables["column"] if row[0] == "`side`")
    assert set(re.findall(r"`(\w+)`", row[2])) == set(get_args(Side))


def test_the_bands_are_those_that_cues_are_given(tables):
    durations_ms = (66.9, 67.0, 67.1, 200.0, 200.1, 500.0, 500.1, 3999.0)
    given = [cue_lasting(duration_ms).duration_band for duration_ms in durations_ms]
    assert words(tables["duration_band"]) == list(dict.fromkeys(given))


def test_numbers_on_the_page_are_those_of_the_code(text, tables):
    assert f"more than {ONE_SIDED} times" in text
    assert f"never goes below {2 * RATE_MIN}" in text
    assert [float(miod) for miod, *_ in tables["miod"][:2]] == [MICRO_MIN_MIOD, MACRO_MIN_MIOD]


def test_millimetres_follow_from_the_distance_between_the_eye_corners(tables):
    for miod, millimetres, _ in tables["miod"]:
        assert float(millimetres) == pytest.approx(0.09 * float(miod), abs=0.06)
