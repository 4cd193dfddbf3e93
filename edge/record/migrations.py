"""The tables of `microcue.db`, as ordered steps from one format to the next.

All times are integer nanoseconds of the sensor clock since the session's first frame, whose
own sensor time stands in `sessions.first_frame_ns`. Wall-clock time is in `clock_offsets`
alone, so that a clock that was wrong at first is put right in one place. `channels` says what
the columns of the signal blocks are, so that old blocks stay readable.
"""

from __future__ import annotations

_FIRST = """
CREATE TABLE participants (
    participant_key INTEGER PRIMARY KEY,
    code TEXT NOT NULL UNIQUE
) STRICT;
CREATE TABLE sessions (
    session_key INTEGER PRIMARY KEY,
    session_id TEXT NOT NULL UNIQUE,
    participant_key INTEGER REFERENCES participants,
    boot_id TEXT NOT NULL,
    first_frame_ns INTEGER NOT NULL,
    source TEXT NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    nominal_fps REAL NOT NULL,
    timestamps TEXT NOT NULL,
    live INTEGER NOT NULL,
    settings TEXT NOT NULL,
    channels TEXT NOT NULL,
    last_ns INTEGER NOT NULL DEFAULT 0,
    n_frames INTEGER NOT NULL DEFAULT 0,
    n_micro INTEGER NOT NULL DEFAULT 0,
    n_macro INTEGER NOT NULL DEFAULT 0,
    n_blinks INTEGER NOT NULL DEFAULT 0,
    n_dropped_frames INTEGER NOT NULL DEFAULT 0,
    n_lost_signal_frames INTEGER NOT NULL DEFAULT 0,
    n_lost_rows INTEGER NOT NULL DEFAULT 0,
    end_reason TEXT
) STRICT;
CREATE INDEX sessions_by_boot ON sessions (boot_id);
CREATE TABLE versions (
    session_key INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    PRIMARY KEY (session_key, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE clock_offsets (
    session_key INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE,
    at_ns INTEGER NOT NULL,
    offset_ns INTEGER NOT NULL,
    synchronised INTEGER NOT NULL,
    PRIMARY KEY (session_key, at_ns)
) STRICT, WITHOUT ROWID;
CREATE TABLE cues (
    session_key INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE,
    number INTEGER NOT NULL,
    face INTEGER NOT NULL,
    kind TEXT NOT NULL,
    onset_ns INTEGER NOT NULL,
    apex_ns INTEGER NOT NULL,
    offset_ns INTEGER NOT NULL,
    onset_frame INTEGER NOT NULL,
    apex_frame INTEGER NOT NULL,
    offset_frame INTEGER NOT NULL,
    duration_error_ms REAL,
    regions TEXT NOT NULL,
    movements TEXT NOT NULL,
    side TEXT NOT NULL,
    amplitude_miod REAL,
    score REAL,
    expected_false_per_hour REAL,
    head_motion_miod_s REAL,
    fps REAL,
    dropped_frames INTEGER NOT NULL,
    during_blink INTEGER NOT NULL,
    during_speech INTEGER NOT NULL,
    lighting TEXT NOT NULL,
    review TEXT NOT NULL DEFAULT 'unreviewed',
    note TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (session_key, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX cues_by_onset ON cues (session_key, onset_ns);
CREATE TABLE blinks (
    session_key INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE,
    number INTEGER NOT NULL,
    face INTEGER NOT NULL,
    onset_ns INTEGER NOT NULL,
    apex_ns INTEGER NOT NULL,
    offset_ns INTEGER NOT NULL,
    side TEXT NOT NULL,
    PRIMARY KEY (session_key, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX blinks_by_onset ON blinks (session_key, onset_ns);
CREATE TABLE marks (
    session_key INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE,
    number INTEGER NOT NULL,
    at_ns INTEGER NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (session_key, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE gaps (
    session_key INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE,
    frame INTEGER NOT NULL,
    at_ns INTEGER NOT NULL,
    n_missing INTEGER NOT NULL,
    PRIMARY KEY (session_key, frame)
) STRICT, WITHOUT ROWID;
CREATE TABLE face_intervals (
    session_key INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE,
    face INTEGER NOT NULL,
    found_frame INTEGER NOT NULL,
    found_ns INTEGER NOT NULL,
    lost_frame INTEGER,
    lost_ns INTEGER,
    PRIMARY KEY (session_key, face, found_frame)
) STRICT, WITHOUT ROWID;
CREATE TABLE health (
    session_key INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE,
    at_ns INTEGER NOT NULL,
    name TEXT NOT NULL,
    value REAL,
    PRIMARY KEY (session_key, at_ns, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE point_lights (
    session_key INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE,
    number INTEGER NOT NULL,
    n_frames INTEGER NOT NULL,
    n_points INTEGER NOT NULL,
    frames BLOB NOT NULL,
    times BLOB NOT NULL,
    points BLOB NOT NULL,
    PRIMARY KEY (session_key, number)
) STRICT;
CREATE TABLE signal_blocks (
    session_key INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE,
    face INTEGER NOT NULL,
    first_frame INTEGER NOT NULL,
    first_ns INTEGER NOT NULL,
    last_ns INTEGER NOT NULL,
    n_frames INTEGER NOT NULL,
    frames BLOB NOT NULL,
    times BLOB NOT NULL,
    codes BLOB NOT NULL,
    PRIMARY KEY (session_key, face, first_frame)
) STRICT;
"""

# Each brings a database from format n to n + 1. Never edit one that was released: add another.
_RELATED = "ALTER TABLE cues ADD COLUMN related_onset_ns INTEGER;"
_INCIDENTS = """
CREATE TABLE incidents (
    at_unix_ns INTEGER NOT NULL,
    kind TEXT NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (at_unix_ns, kind)
) STRICT, WITHOUT ROWID;
"""
_FRAMES = """
ALTER TABLE cues ADD COLUMN n_repeated INTEGER;
ALTER TABLE cues ADD COLUMN jitter_ms REAL;
ALTER TABLE cues ADD COLUMN n_exposure_changes INTEGER;
ALTER TABLE cues ADD COLUMN light_level REAL;
ALTER TABLE cues ADD COLUMN light_step_percent REAL;
ALTER TABLE cues ADD COLUMN flicker_hz REAL;
CREATE TABLE frame_reports (
    session_key INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE,
    at_ns INTEGER NOT NULL,
    span_ns INTEGER NOT NULL,
    n_frames INTEGER NOT NULL,
    n_missing INTEGER NOT NULL,
    n_repeated INTEGER NOT NULL,
    n_lost INTEGER NOT NULL,
    n_corrupt INTEGER NOT NULL,
    n_restarts INTEGER NOT NULL,
    n_exposure_changes INTEGER NOT NULL,
    n_light_steps INTEGER NOT NULL,
    jitter_ms REAL NOT NULL,
    light_level REAL NOT NULL,
    lamp_hz REAL,
    flicker_hz REAL,
    PRIMARY KEY (session_key, at_ns)
) STRICT, WITHOUT ROWID;
"""
# A consent is named by its participant and its moment, so that a session can say which it was watched under.
_PEOPLE = """
CREATE TABLE consents (
    participant_key INTEGER NOT NULL REFERENCES participants ON DELETE CASCADE,
    at_unix_ns INTEGER NOT NULL,
    agreed TEXT NOT NULL,
    text_version TEXT NOT NULL,
    text TEXT NOT NULL DEFAULT '',
    withdrawn_unix_ns INTEGER,
    PRIMARY KEY (participant_key, at_unix_ns)
) STRICT, WITHOUT ROWID;
ALTER TABLE sessions ADD COLUMN consent_unix_ns INTEGER;
ALTER TABLE sessions ADD COLUMN kept INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN note TEXT NOT NULL DEFAULT '';
CREATE INDEX sessions_by_participant ON sessions (participant_key);
"""
# What was spotted again from stored signals; what was spotted live stays in `cues`.
_ANALYSES = """
CREATE TABLE analyses (
    session_key INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE,
    analysis INTEGER NOT NULL,
    at_unix_ns INTEGER NOT NULL,
    software_version TEXT NOT NULL,
    settings TEXT NOT NULL,
    n_micro INTEGER NOT NULL,
    n_macro INTEGER NOT NULL,
    n_blinks INTEGER NOT NULL,
    PRIMARY KEY (session_key, analysis)
) STRICT, WITHOUT ROWID;
CREATE TABLE analysis_cues (
    session_key INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE,
    analysis INTEGER NOT NULL,
    number INTEGER NOT NULL,
    face INTEGER NOT NULL,
    kind TEXT NOT NULL,
    onset_ns INTEGER NOT NULL,
    apex_ns INTEGER NOT NULL,
    offset_ns INTEGER NOT NULL,
    onset_frame INTEGER NOT NULL,
    apex_frame INTEGER NOT NULL,
    offset_frame INTEGER NOT NULL,
    duration_error_ms REAL,
    regions TEXT NOT NULL,
    movements TEXT NOT NULL,
    side TEXT NOT NULL,
    amplitude_miod REAL,
    score REAL,
    expected_false_per_hour REAL,
    head_motion_miod_s REAL,
    fps REAL,
    dropped_frames INTEGER NOT NULL,
    during_blink INTEGER NOT NULL,
    during_speech INTEGER NOT NULL,
    lighting TEXT NOT NULL,
    related_onset_ns INTEGER,
    n_repeated INTEGER,
    jitter_ms REAL,
    n_exposure_changes INTEGER,
    light_level REAL,
    light_step_percent REAL,
    flicker_hz REAL,
    review TEXT NOT NULL DEFAULT 'unreviewed',
    note TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (session_key, analysis, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX analysis_cues_by_onset ON analysis_cues (session_key, analysis, onset_ns);
"""
# Every decision of every reviewer stays, so that it can be undone; `cues.review` is the last one of all.
_REVIEWS = """
CREATE TABLE reviews (
    session_key INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE,
    number INTEGER NOT NULL,
    reviewer TEXT NOT NULL,
    at_unix_ns INTEGER NOT NULL,
    verdict TEXT NOT NULL,
    reason TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (session_key, number, reviewer, at_unix_ns)
) STRICT, WITHOUT ROWID;
"""
MIGRATIONS: tuple[str, ...] = (_FIRST, _RELATED, _INCIDENTS, _FRAMES, _PEOPLE, _ANALYSES, _REVIEWS)
