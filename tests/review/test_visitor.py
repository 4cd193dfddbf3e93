"""The screen beside a kiosk: consent, stopping and deleting without a link, and nothing else."""

from __future__ import annotations

import re

import pytest
from played_kiosk import PlayedKiosk

from edge.config import Config, with_overrides
from edge.errors import ConfigError
from edge.live.wishes import WISH_NAME
from edge.record.people import consents_of
from edge.record.visitors import begin_visit, wishes
from edge.review import visitor_pages
from edge.review.site import build_site
from edge.review.visitor_pages import kiosk_screen, moment_of

WORDS = "We look for movements.\n<script>alert(1)</script> Nobody's feelings are known."
HOST = "127.0.0.1:8341"


@pytest.fixture
def config(tmp_path):
    """A kiosk's settings."""
    text = tmp_path / "consent.txt"
    text.write_text(WORDS)
    return with_overrides(
        Config(),
        {"session": {"mode": "kiosk"}, "kiosk": {"consent_text": str(text), "grace_s": 30}},
    )


@pytest.fixture
def folder(tmp_path):
    """The data directory of a kiosk."""
    path = tmp_path / "kiosk"
    path.mkdir()
    return path


@pytest.fixture
def kiosk(folder):
    """A kiosk that runs."""
    played = PlayedKiosk(folder)
    yield played
    played.close()


@pytest.fixture
def visitor(config, folder, browser_of):
    """A browser in front of the kiosk, without a link."""
    app, _ = build_site(folder, [HOST], kiosk=kiosk_screen(config))
    return browser_of(app)


def screen(visitor, **headers):
    page = visitor.get("/kiosk", **headers)
    assert page.status_code == 200
    visitor.form_token = re.search(r'name="form_token" value="([^"]+)"', page.text)
    visitor.form_token = visitor.form_token[1] if visitor.form_token else ""
    return page.text


def field(page, name):
    return re.search(rf'name="{name}" value="([^"]*)"', page)[1]


def agree(visitor, page, agreed=("signals", "traces")):
    fields = [("version", field(page, "version")), *(("agreed", one) for one in agreed)]
    return visitor.post("/kiosk/agree", fields)


def test_the_screen_asks_with_the_labs_own_words_as_text(visitor, kiosk):
    page = screen(visitor)
    assert 'data-phase="asking"' in page
    assert "We look for movements." in page
    assert "<script>alert" not in page
    assert 'value="signals"' in page
    assert "checked" not in page  # a tick that was there before is no consent


def test_agreeing_begins_a_visit_under_what_was_agreed_to(visitor, kiosk, folder):
    answer = agree(visitor, screen(visitor), agreed=("traces",))
    assert (answer.status_code, answer.headers["location"]) == (303, "/kiosk")
    moment = moment_of(folder, 30.0)
    assert moment.phase == "watching"
    (consent,) = consents_of(folder, moment.code)
    assert consent.agreed == ("traces",)
    assert consent.text == WORDS
    page = screen(visitor)
    assert moment.code in page
    assert "The camera is on" in page


def test_what_the_settings_do_not_keep_cannot_be_agreed_to(visitor, kiosk, folder):
    agree(visitor, screen(visitor), agreed=("pictures", "signals", "everything"))
    (consent,) = consents_of(folder, moment_of(folder, 30.0).code)
    assert consent.agreed == ("signals",)


def test_other_words_than_were_read_are_agreed_to_by_nobody(visitor, kiosk, config, folder):
    page = screen(visitor)
    (folder.parent / "consent.txt").write_text("Other words.")
    assert agree(visitor, page).headers["location"] == "/kiosk?said=changed"
    assert moment_of(folder, 30.0).phase == "asking"


def test_while_somebody_is_watched_nobody_else_is_admitted(visitor, kiosk, folder):
    page = screen(visitor)
    agree(visitor, page)
    first = moment_of(folder, 30.0).code
    assert agree(visitor, page).headers["location"] == "/kiosk?said=busy"
    assert moment_of(folder, 30.0).code == first


def test_stopping_wishes_a_pause_and_deleting_withdraws(visitor, kiosk, folder):
    agree(visitor, screen(visitor))
    page = screen(visitor)
    visitor.post("/kiosk/stop")
    assert (folder / WISH_NAME).exists()
    answer = visitor.post("/kiosk/delete", {"code": field(page, "code")})
    assert answer.headers["location"] == "/kiosk?said=deleting"
    assert wishes(folder).withdrawn == [field(page, "code")]


def test_after_a_visit_it_can_be_deleted_for_a_while(visitor, kiosk, folder):
    agree(visitor, screen(visitor))
    kiosk.end_visit()
    page = screen(visitor)
    assert 'data-phase="deletable"' in page
    assert "Nothing has been recorded" not in page  # of whom it is shown to something has
    visitor.post("/kiosk/delete", {"code": field(page, "code")})
    assert wishes(folder).withdrawn == [field(page, "code")]
    assert moment_of(folder, 0.0).phase == "asking"


def test_a_page_of_the_visitor_before_deletes_nobody_elses_visit(visitor, kiosk, folder):
    agree(visitor, screen(visitor))
    kiosk.end_visit()
    stale = screen(visitor)
    agree(visitor, stale)
    answer = visitor.post("/kiosk/delete", {"code": field(stale, "code")})
    assert answer.headers["location"] == "/kiosk?said=changed"
    assert wishes(folder).withdrawn == []


def test_once_a_visit_is_deleted_the_one_before_it_is_not_offered(visitor, kiosk, folder):
    agree(visitor, screen(visitor))
    first = moment_of(folder, 30.0).code
    kiosk.end_visit()
    assert moment_of(folder, 30.0) == ("deletable", first)
    kiosk.tell("deleting")
    assert moment_of(folder, 30.0) == ("deleting", "")
    assert "being deleted now" in screen(visitor)
    assert "form_token" not in screen(visitor)
    kiosk.tell("waiting")  # a visit came since, and was deleted: the newest in the log is the first again
    assert moment_of(folder, 30.0) == ("asking", "")
    assert first not in screen(visitor)


@pytest.mark.parametrize("action", ["agree", "stop", "delete"])
def test_a_form_of_elsewhere_changes_nothing(visitor, kiosk, folder, action):
    screen(visitor)
    assert visitor.post(f"/kiosk/{action}", token="wrong").status_code == 403
    assert visitor.post(f"/kiosk/{action}", origin="http://evil.example").status_code == 403
    assert moment_of(folder, 30.0).phase == "asking"
    assert not (folder / WISH_NAME).exists()


@pytest.mark.parametrize("path", ["/", "/live", "/live.json", "/sessions/latest", "/sessions/latest/report"])
def test_a_visitor_sees_nothing_else(visitor, kiosk, path):
    assert visitor.ask("GET", path, {"accept": "application/json"}).status_code == 401


def test_without_a_run_the_screen_asks_nobody(visitor):
    page = screen(visitor)
    assert 'data-phase="closed"' in page
    assert "form_token" not in page
    assert visitor.get("/kiosk/state.json").json() == {"phase": "closed"}


def test_where_it_is_no_kiosk_there_is_no_such_screen(stranger):
    assert stranger.get("/kiosk").status_code == 404


def test_a_kiosk_whose_text_is_missing_is_refused_at_the_start(config):
    with pytest.raises(ConfigError, match="consent_text"):
        kiosk_screen(with_overrides(config, {"kiosk": {"consent_text": "/none.txt"}}))


def test_the_screen_is_there_in_german(visitor, kiosk):
    page = screen(visitor, **{"accept-language": "de"})
    assert "Ich willige ein, beginnen" in page
    assert not re.search(r">\s*(I agree|Stop|Delete)", page)


def test_a_kiosk_that_takes_nobody_up_is_busy_and_the_consent_is_withdrawn(
    visitor, kiosk, folder, monkeypatch
):
    kiosk.is_over.set()
    kiosk.thread.join()
    monkeypatch.setattr(visitor_pages, "begin_visit", lambda *given: begin_visit(*given, patience_s=0.1))
    assert agree(visitor, screen(visitor)).headers["location"] == "/kiosk?said=busy"
    assert wishes(folder).waiting is None
