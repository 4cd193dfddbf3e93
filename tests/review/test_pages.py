"""The pages as somebody goes through them: find, replay, keep, dismiss, undo, filter."""

from __future__ import annotations

import base64

import numpy as np
import pytest

from edge.anatomy import LOST
from edge.record.cue_rows import CUE_COLUMNS
from edge.record.errors import CueUnknown
from edge.record.reading import LogReader
from edge.record.reviews import decide, decisions, reviewers, undo


def cue_column(data_dir, session_id, name="review"):
    with LogReader(data_dir) as log:
        rows = [dict(zip(CUE_COLUMNS, row, strict=True)) for row in log.cues(session_id)]
    return {int(row["cue_id"][-4:]): row[name] for row in rows}


def test_every_session_is_listed_with_its_rates(browser, session_id):
    text = browser.get("/").text
    assert session_id in text
    assert "3 missing frames" in text
    assert "P01" in text


def test_a_decision_shows_in_the_export_and_is_undone(browser, session_id, data_dir):
    decision = {"number": "3", "verdict": "dismissed", "reason": "blink"}
    assert browser.post(f"/sessions/{session_id}/decide", decision).status_code == 200
    assert cue_column(data_dir, session_id)[3] == "dismissed"
    assert decisions(data_dir, session_id, "R1")[3].reason == "blink"
    assert browser.post(f"/sessions/{session_id}/undo").json()["numbers"] == [3]
    assert cue_column(data_dir, session_id)[3] == "unreviewed"


def test_many_are_decided_at_once_and_undone_at_once(browser, session_id, data_dir):
    fields = [("verdict", "kept"), *(("number", str(number)) for number in range(1, 11))]
    browser.post(f"/sessions/{session_id}/decide", fields)
    assert "10 of 24" in browser.get(f"/sessions/{session_id}/cues").text
    browser.post(f"/sessions/{session_id}/undo")
    assert set(cue_column(data_dir, session_id).values()) == {"unreviewed"}


def test_undo_goes_back_step_by_step_to_what_was_before(data_dir, session_id):
    decide(data_dir, session_id, [1], "R1", "kept")
    decide(data_dir, session_id, [1, 2], "R1", "dismissed")
    undo(data_dir, session_id, "R1")
    assert cue_column(data_dir, session_id)[1] == "kept"
    undo(data_dir, session_id, "R1")
    assert undo(data_dir, session_id, "R1") == []
    assert cue_column(data_dir, session_id)[1] == "unreviewed"


def test_two_reviewers_do_not_see_each_other(browser, second_browser, session_id, data_dir):
    browser.post(f"/sessions/{session_id}/decide", {"number": "2", "verdict": "kept"})
    assert "0 of 24" in second_browser.get(f"/sessions/{session_id}/cues").text
    second_browser.post(f"/sessions/{session_id}/decide", {"number": "2", "verdict": "dismissed"})
    assert decisions(data_dir, session_id, "R1")[2].verdict == "kept"
    assert reviewers(data_dir, session_id) == ["R1", "R2"]
    browser.post(f"/sessions/{session_id}/undo")
    assert cue_column(data_dir, session_id)[2] == "dismissed"  # the other one's word stands


def test_a_decision_with_an_unknown_cue_is_not_recorded_at_all(data_dir, session_id):
    with pytest.raises(CueUnknown):
        decide(data_dir, session_id, [1, 999], "R1", "kept")
    assert decisions(data_dir, session_id, "R1") == {}


def test_dismissed_cues_hide_until_they_are_asked_for(browser, session_id):
    browser.post(f"/sessions/{session_id}/decide", {"number": "4", "verdict": "dismissed"})
    assert 'value="4"' not in browser.get(f"/sessions/{session_id}/cues").text
    assert 'value="4"' in browser.get(f"/sessions/{session_id}/cues?review=all").text
    assert 'value="4"' in browser.get(f"/sessions/{session_id}/cues?review=dismissed").text


@pytest.mark.parametrize(
    ("query", "n_shown"),
    [("kind=macro", 4), ("movement=jaw_drop", 8), ("side=left", 8), ("plain_only=1", 19)],
)
def test_filters_show_what_they_say(browser, session_id, query, n_shown):
    text = browser.get(f"/sessions/{session_id}/cues?{query}").text
    assert text.count('name="number"') == n_shown


def test_a_form_without_scripts_leads_on_to_the_next_cue(browser, session_id):
    fields = {"number": "1", "verdict": "kept", "next": "2", "query": "kind=micro"}
    answer = browser.post(f"/sessions/{session_id}/decide", fields, accept="text/html")
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/sessions/{session_id}/cues/2?kind=micro"


def test_a_note_is_kept_and_taken_away(browser, session_id, data_dir):
    page = f"/sessions/{session_id}/cues"
    for text in ("", "a yawn", "two yawns", ""):  # each is shown though the page before has been seen
        browser.post(f"/sessions/{session_id}/note", {"number": "5", "text": text})
        assert cue_column(data_dir, session_id, "note")[5] == text
        assert f'maxlength="2000">{text}</textarea>' in browser.get(f"{page}/5").text
        assert f'<td class="note">{text}</td>' in browser.get(page).text


def test_traces_hold_the_least_and_greatest_of_what_is_stored(browser, session_id, data_dir):
    answer = browser.get(f"/sessions/{session_id}/traces.json?from_s=2&to_s=12&n_bins=10").json()
    low_high = np.frombuffer(base64.b64decode(answer["low_high"]), "<i2").reshape(2, -1, 10)
    with LogReader(data_dir) as log:
        blocks = list(log.signal_blocks(session_id, 0))
    times = np.concatenate([block.times_ns for block in blocks])
    codes = np.concatenate([block.codes for block in blocks])
    for k in range(10):
        inside = (times >= (2 + k) * 10**9) & (times < (3 + k) * 10**9)
        np.testing.assert_array_equal(low_high[0, :, k], codes[inside].min(axis=0))
        np.testing.assert_array_equal(low_high[1, :, k], codes[inside].max(axis=0))


def test_a_replay_holds_the_points_of_every_frame(browser, session_id, data_dir):
    answer = browser.get(f"/sessions/{session_id}/cues/7/replay.json").json()
    points = answer["points"]
    with LogReader(data_dir) as log:
        stored = log.point_light(session_id, 7)
    held = np.frombuffer(base64.b64decode(points["tenths_of_miod"]), "<i2").reshape(stored.points.shape)
    np.testing.assert_array_equal(held, stored.points)
    assert points["times_s"][0] == pytest.approx(answer["onset_s"] - 1, abs=0.05)
    assert points["moved"]
    rest = np.frombuffer(base64.b64decode(points["rest"]), "<i2")
    assert not (rest == LOST).any()


def test_the_time_line_has_what_happened(browser, session_id):
    found = browser.get(f"/sessions/{session_id}/timeline.json").json()
    assert len(found["cues"]) == 24
    assert found["blinks"] == [[6.0, 6.2]]
    assert found["gaps"] == [[14.0, 3]]
    assert found["marks"][0][0] == 20.0


def test_decisions_are_recorded_while_a_run_writes(running):
    data_dir, session_id, recorder, add_second = running
    for number in (1, 2, 3):
        add_second()
        decide(data_dir, session_id, [number], "R1", "kept")
    add_second()
    assert recorder.flush(10.0)
    assert recorder.fault is None
    assert [cue_column(data_dir, session_id)[number] for number in (1, 2, 3)] == ["kept"] * 3
