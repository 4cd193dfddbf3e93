"""What somebody may try against the review page, through the application itself."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from edge.record.reading import LogReader
from edge.review.errors import AddressRefused
from edge.review.guard import BODY_MAX_BYTES
from edge.review.serving import Place, check_place

PAGES = ("", "/cues", "/cues/1", "/patterns", "/agreement", "/report", "/timeline.json", "/traces.json")


def reviews(data_dir):
    with closing(sqlite3.connect(data_dir / "microcue.db")) as connection:
        return connection.execute("SELECT number, verdict FROM reviews").fetchall()


@pytest.mark.parametrize("page", PAGES)
def test_nothing_is_shown_without_a_link(stranger, session_id, page):
    answer = stranger.ask("GET", f"/sessions/{session_id}{page}", {"accept": "application/json"})
    assert answer.status_code == 401
    assert session_id not in answer.text


def test_a_link_lets_one_browser_in_once(site, stranger):
    token = site[1].link_token("R1")
    assert stranger.get(f"/login?token={token}").status_code == 303
    again = stranger.ask("GET", f"/login?token={token}", {"cookie": "", "accept": "text/html"})
    assert again.status_code == 200
    assert "used already" in again.text


def test_guessing_links_is_slowed_down(stranger):
    codes = [stranger.get(f"/login?token=guess{k}").status_code for k in range(12)]
    assert codes[:10] == [200] * 10
    assert codes[10:] == [429, 429]


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(site, stranger):
    header = stranger.get(f"/login?token={site[1].link_token('R1')}").headers["set-cookie"].lower()
    assert "httponly" in header
    assert "samesite=strict" in header


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1:9999", "127.0.0.1", "[::1]:8341", ""])
def test_another_host_name_is_refused(browser, host):
    assert browser.get("/", host=host).status_code == 421


def test_two_host_headers_are_refused(browser):
    headers = [("host", "127.0.0.1:8341"), ("host", "evil.example")]
    assert browser.ask("GET", "/", headers).status_code == 421


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "https://127.0.0.1:8341", "http://127.0.0.1:9999", "http://"]
)
def test_a_form_of_another_site_is_refused(browser, session_id, data_dir, origin):
    answer = browser.post(f"/sessions/{session_id}/decide", {"number": "1", "verdict": "kept"}, origin=origin)
    assert answer.status_code == 403
    assert reviews(data_dir) == []


def test_a_form_without_origin_is_refused(browser, session_id):
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = browser.ask(
        "POST", f"/sessions/{session_id}/decide", headers, f"form_token={browser.form_token}"
    )
    assert answer.status_code == 403


@pytest.mark.parametrize("token", ["", "wrong", "é"])
@pytest.mark.parametrize("action", ["decide", "undo", "note"])
def test_a_form_without_its_token_changes_nothing(browser, session_id, data_dir, action, token):
    fields = {"number": "1", "verdict": "kept", "text": "x"}
    answer = browser.post(f"/sessions/{session_id}/{action}", fields, token=token)
    assert answer.status_code == 403
    assert reviews(data_dir) == []


def test_the_token_of_another_visit_is_refused(browser, second_browser, session_id):
    answer = browser.post(
        f"/sessions/{session_id}/decide",
        {"number": "1", "verdict": "kept"},
        token=second_browser.form_token,
    )
    assert answer.status_code == 403


def test_a_script_of_another_site_reads_nothing(browser, session_id):
    path = f"/sessions/{session_id}/timeline.json"
    assert (
        browser.get(path, **{"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}).status_code == 403
    )
    assert (
        browser.get("/", **{"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}).status_code == 200
    )


def test_scripts_in_marks_and_notes_stay_text(browser, session_id):
    evil = "<img src=x onerror=alert(1)>\"'</textarea><script>alert(2)</script>"
    browser.post(f"/sessions/{session_id}/note", {"number": "1", "text": evil})
    browser.post(f"/sessions/{session_id}/note", {"text": evil})
    for page in ("", "/cues", "/cues/1", "/patterns", "/report"):
        text = browser.get(f"/sessions/{session_id}{page}").text
        assert "<script>alert" not in text
        assert "<img" not in text
        assert "&lt;script&gt;alert" in text or page in ("/cues/1", "/cues")
    assert "&lt;img src=x" in browser.get(f"/sessions/{session_id}/cues/1").text


@pytest.mark.parametrize(
    "page", ["", *(f"/sessions/latest{page}" for page in PAGES[:5]), "/login", "/nowhere"]
)
def test_pages_forbid_inline_code_and_other_hosts(browser, page):
    answer = browser.get(page or "/")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert " style=" not in answer.text
    assert " onclick=" not in answer.text
    assert "//" not in answer.text.replace("http://127.0.0.1", "").replace("<!--", "")
    assert answer.headers["cache-control"] == "no-store"
    # with no-referrer a browser names no origin in our own forms, and they would be refused
    assert answer.headers["referrer-policy"] == "same-origin"


@pytest.mark.parametrize(
    "name",
    [
        "../review.css",
        "..%2f..%2f__init__.py",
        "%2e%2e/%2e%2e/site.py",
        "....//site.py",
        "/etc/passwd",
        "review.css%00",
        "..\\..\\site.py",
        "review.css/../../site.py",
    ],
)
def test_no_other_file_is_served(stranger, name):
    assert stranger.get(f"/static/{name}").status_code in (404, 400)


def test_its_own_files_are_served(stranger):
    assert stranger.get("/static/review.css").headers["content-type"].startswith("text/css")


@pytest.mark.parametrize(
    "name", ["latest' OR 1=1 --", "..", "%00", "x" * 5000, "<script>alert(1)</script>", "１２３"]
)
def test_a_session_that_is_none_is_not_found(browser, name):
    answer = browser.get(f"/sessions/{name}/cues")
    assert answer.status_code in (404, 400)
    assert "<script>" not in answer.text.replace('<script type="module"', "")


def test_a_long_body_is_refused(browser, session_id):
    for length in (BODY_MAX_BYTES + 1, 10_000_000):
        answer = browser.post(f"/sessions/{session_id}/note", {"text": "x" * length})
        assert answer.status_code == 413


@pytest.mark.parametrize("length", ["-1", "1e9", "99999999999999999999"])
def test_an_absurd_length_is_refused(browser, length):
    answer = browser.post("/sessions/latest/note", {"text": "x"}, **{"content-length": length})
    assert answer.status_code in (400, 413)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "TRACE", "OPTIONS", "PATCH"])
def test_other_methods_are_refused(browser, method):
    assert browser.ask(method, "/").status_code == 405


@pytest.mark.parametrize(
    "fields",
    [
        [],
        [("verdict", "kept")],
        [("verdict", "angry"), ("number", "1")],
        [("verdict", "kept"), ("number", "-1")],
        [("verdict", "kept"), ("number", "999999999999999999999999")],
        [("verdict", "kept"), *[("number", "1")] * 5000],
    ],
)
def test_a_decision_that_makes_no_sense_is_refused(browser, session_id, data_dir, fields):
    assert browser.post(f"/sessions/{session_id}/decide", fields).status_code == 400
    assert reviews(data_dir) == []


def test_a_decision_on_a_cue_that_is_none_changes_nothing(browser, session_id, data_dir):
    answer = browser.post(
        f"/sessions/{session_id}/decide", [("verdict", "kept"), ("number", "1"), ("number", "900")]
    )
    assert answer.status_code == 404
    assert reviews(data_dir) == []


@pytest.mark.parametrize("query", ["from_s=nan", "to_s=inf", "n_bins=x", "face=1e300", "from_s=" + "9" * 400])
def test_a_stretch_that_is_none_is_refused(browser, query):
    assert browser.get(f"/sessions/latest/traces.json?{query}").status_code == 400


def test_many_bins_and_negative_times_are_served_within_bounds(browser):
    answer = browser.get("/sessions/latest/traces.json?from_s=-5&to_s=-1&n_bins=100000000")
    assert answer.status_code == 200
    assert answer.json()["n_bins"] <= 4000


def test_a_flood_is_refused_and_passes(browser):
    codes = [browser.get("/static/icon.svg").status_code for _ in range(450)]
    assert codes.count(200) >= 250
    assert set(codes) <= {200, 429}


@pytest.mark.parametrize(
    "back", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"]
)
def test_a_language_is_chosen_without_leading_elsewhere(stranger, back):
    answer = stranger.post("/language", {"language": "de", "back": back})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/"


def test_signing_out_ends_the_visit(browser):
    held = dict(browser.cookies)
    assert browser.post("/logout").status_code == 303
    answer = browser.ask("GET", "/", {"cookie": "; ".join(f"{k}={v}" for k, v in held.items())})
    assert answer.status_code in (303, 401)


@pytest.mark.parametrize("address", ["0.0.0.0", "192.168.1.7", "::", "rig3.local", "10.0.0.1"])
def test_other_machines_need_certificate_and_password(address, tmp_path):
    pem = tmp_path / "pem"
    for place in (
        Place(address=address),
        Place(address=address, has_password=True),
        Place(address=address, certificate=pem, key=pem),
    ):
        with pytest.raises(AddressRefused, match="this machine only"):
            check_place(place)
    check_place(Place(address=address, certificate=pem, key=pem, has_password=True))


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "localhost", "127.9.9.9"])
def test_this_machine_needs_neither(address):
    check_place(Place(address=address))


def test_looking_at_pages_writes_nothing(browser, session_id, data_dir):
    before = (data_dir / "microcue.db").read_bytes()
    for page in PAGES:
        assert browser.get(f"/sessions/{session_id}{page}").status_code == 200
    assert (data_dir / "microcue.db").read_bytes() == before
    with LogReader(data_dir) as log:
        assert log.n_cues(session_id) == 24


def test_the_right_password_lets_in_and_a_wrong_one_does_not(protected):
    wrong = protected.post("/login", {"password": "correct horse", "reviewer": "R1"}, accept="text/html")
    assert "not right" in wrong.text
    assert "set-cookie" not in wrong.headers
    right = protected.post("/login", {"password": "correct horse battery", "reviewer": "R1"})
    assert right.status_code == 303
    assert "; secure" in right.headers["set-cookie"].lower()


def test_guessing_passwords_is_slowed_down(protected):
    fields = {"password": "a guess", "reviewer": "R1"}
    codes = [protected.post("/login", fields).status_code for _ in range(12)]
    assert codes[-2:] == [429, 429]
