"""What is said and counted: no claim about anybody, exact rates, kappa, a report that equals the export."""

from __future__ import annotations

import csv
import io
import math
import re
from collections import Counter
from html import unescape
from pathlib import Path

import pytest
from scipy.stats import binomtest

from edge.anatomy import ACTION_UNITS
from edge.cli import main
from edge.errors import EXIT_DONE
from edge.review import interpretation as words
from edge.review.agreement import agreement_of
from edge.review.interpretation import MOVEMENTS, interpretation
from edge.review.language import Languages
from edge.review.patterns import N_CUES_MIN, rate_ratio

REVIEW = Path(words.__file__).parent
# in both languages: verdicts on honesty, emotions as facts, and shares of a meaning
FORBIDDEN = re.compile(
    r"\b(li(e|es|ed|ar)|lying|decei\w+|decept\w*|guilt\w*|truth\w*|honest\w*|conceal\w*|feelings?"
    r"|anger|angry|fear\w*|afraid|sad(ness)?|happ(y|iness)|joy\w*|disgust\w*|contempt\w*|surpris\w*|shame\w*"
    r"|stressed|emotion\w*|l(ü|ue)g\w*|t(ä|ae)usch\w*|schuld\w*|wahrheit\w*|ehrlich\w*|wut|w(ü|ue)tend|angst"
    r"|(ä|ae)ngstlich|traurig\w*|fr(ö|oe)hlich\w*|freude\w*|ekel\w*|verachtung\w*|(ü|ue)berrasch\w*|scham\w*"
    r"|gef(ü|ue)hl\w*)\b|\d ?%",
    re.IGNORECASE,
)


# no yes or no answers a question that begins so
OPEN = {"en": {"What", "How"}, "de": {"Was", "Wie"}}


def sentences():
    text = Path(words.__file__).read_text(encoding="utf-8")
    return re.findall(r'N_\(\s*"([^"]+)"\s*\)', text)


def test_no_text_claims_what_a_movement_cannot_tell():
    assert len(sentences()) > 50
    for language in ("en", "de"):
        translated = Languages().translations(language).gettext
        assert [text for text in map(translated, sentences()) if FORBIDDEN.search(text)] == []


@pytest.mark.parametrize(
    "claim", ["She is lying", "a sign of fear", "80 % sure", "Er lügt", "guilty", "ein Gefühl"]
)
def test_the_list_of_claims_finds_them(claim):
    assert FORBIDDEN.search(claim)


@pytest.mark.parametrize("name", sorted(set(ACTION_UNITS) - {"dimple"}))
def test_every_movement_has_several_possibilities_and_a_question(name):
    cue = {"movements": name, "flags": ["speech"]}
    text = interpretation(cue)
    assert len(text.possible) >= 4
    assert "An error of the measurement" in text.possible
    assert len(text.unknown) == 4
    for language, opening in OPEN.items():
        asked = Languages().translations(language).gettext(text.question)
        assert asked.endswith("?")
        assert asked.split()[0] in opening
    assert name in MOVEMENTS


def test_every_text_about_a_cue_is_translated():
    german = Languages().translations("de").gettext
    assert [
        text for text in sentences() if german(text) == text and text not in ("head", "micro", "macro")
    ] == []


@pytest.mark.parametrize(
    ("n_1", "time_1", "n_2", "time_2"), [(41, 280, 15, 190), (3, 60, 9, 600), (12, 5, 1, 9)]
)
def test_rate_ratio_has_the_exact_limits_of_the_binomial_share(n_1, time_1, n_2, time_2):
    ratio, low, high, _ = rate_ratio(n_1, time_1, n_2, time_2)
    limits = binomtest(n_1, n_1 + n_2).proportion_ci(method="exact")
    odds = [share / (1 - share) * time_2 / time_1 for share in (limits.low, limits.high)]
    assert [low, high] == pytest.approx(odds)
    assert ratio == pytest.approx((n_1 / time_1) / (n_2 / time_2))


def test_a_rate_of_nothing_has_an_end_without_bound():
    assert rate_ratio(5, 60, 0, 60)[2] == math.inf
    assert rate_ratio(0, 60, 5, 60)[:2] == (0.0, 0.0)


def test_equal_rates_are_no_finding():
    ratio, low, high, p_value = rate_ratio(20, 100, 40, 200)
    assert ratio == pytest.approx(1.0)
    assert low < 1 < high
    assert p_value == 1.0


def test_kappa_is_that_of_the_definition():
    """20 both keep, 5 and 10 differ, 15 both dismiss: 0.7 observed, 0.5 by chance."""
    first = dict.fromkeys(range(25), "kept") | dict.fromkeys(range(25, 50), "dismissed")
    second = dict.fromkeys([*range(20), *range(25, 35)], "kept")
    second |= dict.fromkeys([*range(20, 25), *range(35, 50)], "dismissed")
    found = agreement_of(first, second)
    assert (found.n_kept_kept, found.n_kept_dismissed, found.n_dismissed_kept) == (20, 5, 10)
    assert found.observed == pytest.approx(0.7)
    assert found.kappa == pytest.approx(0.4)


def test_kappa_of_few_is_not_told():
    assert agreement_of({1: "kept", 2: "dismissed"}, {1: "kept", 2: "kept"}).kappa is None
    assert agreement_of({}, {1: "kept"}).observed is None


def test_few_cues_are_too_few_to_say(browser, session_id):
    for number in range(1, 25 - N_CUES_MIN + 6):
        browser.post(f"/sessions/{session_id}/decide", {"number": str(number), "verdict": "dismissed"})
    assert "too few to say" in browser.get(f"/sessions/{session_id}/patterns").text


def reported_and_exported(data_dir, tmp_path):
    """The report as text, its table of cues, and the same columns of the export."""
    report, export = tmp_path / "report.html", tmp_path / "cues.csv"
    assert main(["report", "--output", str(report), "--data", str(data_dir)]) == EXIT_DONE
    assert main(["export", "latest", "--output", str(export), "--data", str(data_dir)]) == EXIT_DONE
    text = report.read_text(encoding="utf-8")
    table = re.search(r'<table class="cues".*?</table>', text, re.DOTALL)[0]
    names = re.findall(r"<th>(.*?)</th>", table)
    rows = [re.findall(r"<td>(.*?)</td>", row) for row in re.findall(r"<tr>(<td>.*?)</tr>", table, re.DOTALL)]
    exported = list(csv.DictReader(io.StringIO(export.read_text(encoding="utf-8"))))
    return text, [[unescape(value) for value in row] for row in rows], names, exported


def test_the_report_has_the_numbers_of_the_export(data_dir, session_id, browser, tmp_path, capsys):
    browser.post(f"/sessions/{session_id}/decide", {"number": "2", "verdict": "kept"})
    browser.post(f"/sessions/{session_id}/decide", {"number": "3", "verdict": "dismissed"})
    text, rows, names, exported = reported_and_exported(data_dir, tmp_path)
    assert len(exported) == 24
    assert rows == [[cue[name] for name in names] for cue in exported]
    head = dict(re.findall(r"<div><dt>(.*?)</dt><dd>(.*?)</dd></div>", text))
    for kind in ("micro", "macro"):
        assert head[f"{kind} cues"] == str(sum(cue["kind"] == kind for cue in exported))
    assert head["kept / dismissed / unreviewed"] == "1 / 1 / 22"
    leading = re.findall(r'<tr><td>([a-z ]+)</td><td class="n">(\d+)</td><td class="n">(\d+)</td></tr>', text)
    counted = {name.replace(" ", "_"): int(micro) + int(macro) for name, micro, macro in leading}
    assert counted == Counter(cue["movements"].partition("+")[0] for cue in exported)


def test_the_report_of_two_hundred_cues_is_small_and_has_each_as_exported(tmp_path, recorded_session):
    recorded_session(tmp_path / "data", n_frames=10_000, n_cues=200)
    text, rows, names, exported = reported_and_exported(tmp_path / "data", tmp_path)
    assert len(text.encode()) < 2_000_000
    assert len(exported) == 200
    assert rows == [[cue[name] for name in names] for cue in exported]


def test_the_report_is_one_file_that_loads_and_runs_nothing(data_dir, tmp_path, capsys):
    report = tmp_path / "report.html"
    main(["report", "--output", str(report), "--data", str(data_dir)])
    text = report.read_text(encoding="utf-8")
    assert len(text) < 2_000_000
    assert not re.search(r"<script|<link|<img|<iframe|src=|@import|url\(|https?://", text)
