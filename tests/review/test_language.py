"""Every word of the pages has a German one, and says as much as the English one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from edge.anatomy import ACTION_UNITS
from edge.review import language
from edge.review.interpretation import SHOWN_WORDS
from edge.review.shown import SCRIPT_WORDS

REVIEW = Path(language.__file__).parent
# what pages translate out of the log, by names that are put together
OUT_OF_THE_LOG = tuple(name.replace("_", " ") for name in ACTION_UNITS)
# the same in both languages
ALIKE = {
    "Code",
    "Link",
    "Micro",
    "Macro",
    "micro",
    "macro",
    "Start",
    "Frames",
    "Text",
    "Test",
    "Pause",
    "Live",
}
PLACE = re.compile(r"%\(\w+\)s")


@pytest.fixture(scope="module")
def catalogue():
    """The German catalogue as it is written."""
    with (REVIEW / "locale" / "de" / "microcue.po").open("rb") as file:
        return read_po(file, locale="de")


def messages():
    """What templates and modules hand to gettext, with where it stands."""
    methods = [("templates/**.html", "jinja2.ext:babel_extract"), ("**.py", "python")]
    keywords = {"_": None, "gettext": None, "N_": None}
    found = extract_from_dir(REVIEW, methods, {"templates/**.html": {"trimmed": "true"}}, keywords)
    return [(message, f"{name}:{line}") for name, line, message, _, _ in found]


def test_every_message_of_the_pages_is_found():
    texts = {text for text, _ in messages()}
    assert len(texts) > 150
    assert {"Keep", "Undo the last decision", "What was going through your mind just then?"} <= texts


def test_no_message_lacks_a_german_one(catalogue):
    named = (*OUT_OF_THE_LOG, *SHOWN_WORDS, *SCRIPT_WORDS)
    wanted = [*messages(), *((text, "the log or a script") for text in named)]
    known = {message.id for message in catalogue if message.string}
    assert {text: where for text, where in wanted if text not in known} == {}


def test_no_german_message_is_a_guess(catalogue):
    assert [message.id for message in catalogue if message.id and message.fuzzy] == []


def test_german_messages_are_german(catalogue):
    same = {message.id for message in catalogue if message.id and message.id == message.string}
    assert same <= ALIKE


def test_german_messages_have_the_places_of_the_english_ones(catalogue):
    for message in catalogue:
        assert sorted(PLACE.findall(message.id)) == sorted(PLACE.findall(message.string)), message.id


def test_a_page_in_german_has_no_english_button(browser, session_id):
    text = browser.get(f"/sessions/{session_id}/cues/1", **{"accept-language": "de-AT,de;q=0.9"}).text
    assert 'lang="de"' in text
    assert "Behalten" in text
    assert not re.search(r">\s*(Keep|Dismiss|Undo|Replay|Loop|Speed)\b", text)
