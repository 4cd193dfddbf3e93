"""What is asked of a log, in SQL, and the shape of some answers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.record.cue_rows import STORED_BLINK_COLUMNS, STORED_CUE_COLUMNS

# Reports of frames are summed up for the sessions asked for alone: there are hundreds for each.
SESSIONS = """
SELECT session_key, session_id, code, end_reason, last_ns, source, timestamps, n_frames, n_dropped_frames,
    n_micro, n_macro, n_blinks, (SELECT count(*) FROM marks WHERE marks.session_key = sessions.session_key),
    n_lost_rows, n_lost_signal_frames, nominal_fps, seen.*, kept, note,
    (SELECT text_version FROM consents WHERE consents.participant_key = sessions.participant_key
        AND at_unix_ns = consent_unix_ns),
    (SELECT max(value) FROM health WHERE health.session_key = sessions.session_key AND name = 'relief')
FROM sessions LEFT JOIN participants USING (participant_key) LEFT JOIN (
    SELECT session_key AS seen_key, sqrt(sum(jitter_ms * jitter_ms * n_frames) / sum(n_frames)),
        sum(n_repeated), sum(n_lost), sum(n_restarts), sum(n_exposure_changes), sum(n_light_steps),
        sum(light_level * n_frames) / sum(n_frames), max(lamp_hz), avg(flicker_hz),
        2 * count(flicker_hz) > count(*)
    FROM frame_reports WHERE session_key BETWEEN ?1 AND ?2 GROUP BY session_key
) AS seen ON seen_key = session_key WHERE session_key BETWEEN ?1 AND ?2 ORDER BY session_key
"""
FIRST_OF_NEWEST = """
SELECT min(session_key) FROM (SELECT session_key FROM sessions ORDER BY session_key DESC LIMIT ?)
"""
FACE_INTERVALS = "SELECT found_ns, lost_ns FROM face_intervals WHERE session_key = ? ORDER BY found_ns"
# A synchronised offset of the same boot is as good for this session: sensor time runs on.
CLOCK = """
SELECT first_frame_ns + (
    SELECT offset_ns FROM clock_offsets WHERE session_key = sessions.session_key AND synchronised >= ?
    ORDER BY at_ns DESC LIMIT 1
) FROM sessions WHERE session_key = ?
"""
CLOCK_OF_BOOT = """
SELECT own.first_frame_ns + offset_ns FROM sessions own
JOIN sessions other ON other.boot_id = own.boot_id
JOIN clock_offsets ON clock_offsets.session_key = other.session_key
WHERE own.session_key = ? AND own.boot_id <> '' AND synchronised = 1
ORDER BY other.session_key DESC, at_ns DESC LIMIT 1
"""
CUES = f"""
SELECT {STORED_CUE_COLUMNS} FROM cues WHERE session_key = ? AND (? IS NULL OR kind = ?) ORDER BY onset_ns
"""
ANALYSIS_CUES = f"""
SELECT {STORED_CUE_COLUMNS} FROM analysis_cues
WHERE session_key = ? AND analysis = ? AND (? IS NULL OR kind = ?) ORDER BY onset_ns
"""
BLINKS = f"SELECT {STORED_BLINK_COLUMNS} FROM blinks WHERE session_key = ? ORDER BY onset_ns"
SIGNALS = """
SELECT n_frames, frames, times, codes FROM signal_blocks WHERE session_key = ? AND face = ?
ORDER BY first_frame
"""
POINTS = """
SELECT n_frames, n_points, frames, times, points FROM point_lights WHERE session_key = ? AND number = ?
"""
N_CHANNELS = "SELECT count(*) FROM sessions, json_each(channels) WHERE session_key = ?"


@dataclass(frozen=True, slots=True)
class Analysis:
    """One run of the spotter over stored signals.

    Attributes
    ----------
    number : int
        From 1; 0 stands for what was spotted live.
    at_unix_ns : int
    software_version : str
    settings : str
        The spotter's settings, as JSON.
    n_micro, n_macro, n_blinks : int
    """

    number: int
    at_unix_ns: int
    software_version: str
    settings: str
    n_micro: int
    n_macro: int
    n_blinks: int


@dataclass(frozen=True, slots=True)
class SignalBlockRead:
    """About a second of one face's signals, as `messages.Trace` brought them.

    Attributes
    ----------
    frames : int64 [shape=(n_frames,)]
    times_ns : int64 [shape=(n_frames,)], since the session's first frame
    codes : int16 [shape=(n_frames, n_channels)]
    """

    frames: NDArray[np.int64]
    times_ns: NDArray[np.int64]
    codes: NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class PointLightRead:
    """The tracked points from 1 s before a cue's onset to 1 s after its offset.

    Attributes
    ----------
    frames : int64 [shape=(n_frames,)]
    times_ns : int64 [shape=(n_frames,)], since the session's first frame
    points : int16 [shape=(n_frames, n_points, 2)], tenths of a miod
    """

    frames: NDArray[np.int64]
    times_ns: NDArray[np.int64]
    points: NDArray[np.int16]
