"""What happens in the benchmark's clips: movements of every size, and distractors one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import product

import numpy as np

from edge.anatomy import ACTION_UNITS
from edge.synth.plan import BLINK_RISE, Happening, Plan, SceneSettings
from spotting.clips import Clip, Condition

AMPLITUDES_MIOD = (2.0, 4.0, 6.0, 8.0, 12.0, 18.0, 25.0, 40.0)
DURATIONS_MS = (40.0, 67.0, 100.0, 200.0, 300.0, 450.0)
MOVEMENTS = tuple(ACTION_UNITS)
BROW_MOVEMENTS = ("inner_brow_raise", "outer_brow_raise", "brow_lower")
SIDES = ("left", "right", "both")
EVERY_MOVEMENT = "every movement"  # the group of its clip
EVERY_MIOD = (8.0, 12.0, 25.0)
LEAD_IN_S = 8.0
SPACING_S = (1.6, 2.4)  # onset to onset, so that each movement can be told from the next
_REFERENCE = Condition()

# one factor varied at a time from 120 fps, a face of 200 px, noise of 2 grey levels, a swaying head
CONDITIONS = {
    "reference": _REFERENCE,
    "60 fps": replace(_REFERENCE, fps=60.0),
    "100 fps": replace(_REFERENCE, fps=100.0),
    "200 fps": replace(_REFERENCE, fps=200.0),
    "face 120 px": replace(_REFERENCE, face_width_px=120.0),
    "face 300 px": replace(_REFERENCE, face_width_px=300.0),
    "noise 6": replace(_REFERENCE, noise_levels=6.0),
    "still": replace(_REFERENCE, head="still"),
    "conversation": replace(_REFERENCE, head="conversation"),
}


# on other faces, at the width that most of the clips at hand show them
OTHER_FACES = replace(_REFERENCE, face_width_px=120.0)
MACRO_MIOD = (12.0, 18.0, 25.0, 40.0, 80.0)
MACRO_S = (0.6, 0.8, 1.2, 2.0, 3.0, 3.8)


def curve_clip(name: str, condition: Condition, seed: int, portrait: str = "") -> Clip:
    """Every amplitude at every duration once, in random order, each some movement on some side."""
    rng = np.random.default_rng([seed, 31])
    cells = [(duration, size) for duration in DURATIONS_MS for size in AMPLITUDES_MIOD]
    rng.shuffle(cells)
    happenings = []
    onset_s = LEAD_IN_S
    for duration_ms, amplitude in cells:
        happenings.append(movement(rng, onset_s, duration_ms / 1e3, amplitude, MOVEMENTS))
        onset_s += float(rng.uniform(*SPACING_S)) + duration_ms / 1e3
    if condition.head == "conversation":
        happenings += turns_and_nods(np.random.default_rng([seed, 36]), onset_s)
    plan = planned(happenings, condition.settings(onset_s + 1.0, seed))
    return Clip(f"{name.replace(' ', '-')}-{seed}", name, plan, portrait, is_still=True)


def planned(happenings: Iterable[Happening], settings: SceneSettings) -> Plan:
    """A plan with its happenings in order."""
    return Plan(tuple(sorted(happenings, key=lambda h: h.onset_s)), settings)


def turns_and_nods(rng: np.random.Generator, seconds: float) -> list[Happening]:
    """What a head does in conversation beside swaying: every few seconds, 3 to 12 degrees."""
    return [
        Happening(
            str(rng.choice(("turn", "nod"))),
            at_s,
            float(rng.uniform(0.5, 1.5)),
            float(rng.choice((-1.0, 1.0)) * rng.uniform(3.0, 12.0)),
            rise_fraction=0.35,
            hold_fraction=0.3,
        )
        for at_s in every(rng, seconds, 2.0, 4.0, 2.0)
    ]


def macro_clip(seed: int) -> Clip:
    """Longer movements, which the slow bank looks for."""
    rng = np.random.default_rng([seed, 34])
    cells = [(duration, size) for duration in MACRO_S for size in MACRO_MIOD]
    rng.shuffle(cells)
    happenings = []
    onset_s = 3.0 * LEAD_IN_S
    for duration_s, amplitude in cells:
        happenings.append(movement(rng, onset_s, duration_s, amplitude, MOVEMENTS))
        onset_s += duration_s + float(rng.uniform(2.0, 4.0))
    return Clip(f"macro-{seed}", "macro", planned(happenings, _REFERENCE.settings(onset_s + 3.0, seed)))


def every_movement_clip(seed: int) -> Clip:
    """Every movement on every side in three sizes: curves draw theirs, and few seeds miss one."""
    rng = np.random.default_rng([seed, 37])
    cells = list(product(MOVEMENTS, SIDES, EVERY_MIOD))
    rng.shuffle(cells)
    happenings = []
    onset_s = LEAD_IN_S
    for name, side, amplitude in cells:
        duration_s = float(rng.choice(DURATIONS_MS)) / 1e3
        drawn = movement(rng, onset_s, duration_s, float(amplitude), (str(name),))
        happenings.append(replace(drawn, side=str(side)))
        onset_s += duration_s + float(rng.uniform(*SPACING_S))
    plan = planned(happenings, _REFERENCE.settings(onset_s + 1.0, seed))
    return Clip(f"every-movement-{seed}", EVERY_MOVEMENT, plan, is_still=True)


def movement(
    rng: np.random.Generator, onset_s: float, duration_s: float, amplitude: float, names: tuple[str, ...]
) -> Happening:
    """One of some movements, on any side."""
    return Happening(
        "movement",
        onset_s,
        duration_s,
        amplitude,
        rise_fraction=float(rng.uniform(0.4, 0.6)),
        movement=str(rng.choice(names)),
        side=str(rng.choice(SIDES)),
    )


def video_clip(path: str, name: str, seconds: float, fps: float, seed: int) -> Clip:
    """Brow movements of 25 miod added to a real face that moves by itself."""
    rng = np.random.default_rng([seed, 32])
    happenings = []
    onset_s = LEAD_IN_S + float(rng.uniform(0.0, 2.0))
    while onset_s < seconds - 2.0:
        duration_s = float(rng.choice((0.2, 0.3, 0.45)))
        happenings.append(movement(rng, onset_s, duration_s, 25.0, BROW_MOVEMENTS))
        onset_s += float(rng.uniform(3.0, 5.0))
    settings = replace(_REFERENCE.settings(seconds, seed), fps=fps)
    return Clip(f"video-{name}-{seed}", f"added to {name}", planned(happenings, settings), path)


def every(
    rng: np.random.Generator, seconds: float, low_s: float, high_s: float, room_s: float = 1.0
) -> Iterator[float]:
    """Moments at random distances, from the end of the lead-in."""
    at_s = LEAD_IN_S + float(rng.uniform(0.0, high_s))
    while at_s < seconds - room_s:
        yield at_s
        at_s += float(rng.uniform(low_s, high_s))


def blink(at_s: float, closure: float = 1.0, hold_s: float = 0.02, scale: float = 1.0) -> Happening:
    """Closing 70 ms, held for a moment, opening 120 ms."""
    whole_s = scale * (0.19 + hold_s)
    hold = scale * hold_s / whole_s
    return Happening(
        "blink", at_s, whole_s, closure, rise_fraction=BLINK_RISE * (1 - hold), hold_fraction=hold
    )


def _blinks(rng: np.random.Generator, seconds: float) -> list[Happening]:
    return [
        blink(at_s, 1.0, float(rng.uniform(0.0, 0.04)), float(rng.uniform(0.8, 1.3)))
        for at_s in every(rng, seconds, 2.0, 4.5)
    ]


def _double_blinks(rng: np.random.Generator, seconds: float) -> list[Happening]:
    moments = list(every(rng, seconds, 3.0, 6.0))
    return [blink(at_s + again) for at_s in moments for again in (0.0, float(rng.uniform(0.26, 0.36)))]


def _half_blinks(rng: np.random.Generator, seconds: float) -> list[Happening]:
    return [blink(at_s, float(rng.uniform(0.3, 0.6))) for at_s in every(rng, seconds, 2.0, 4.5)]


def _speech(rng: np.random.Generator, seconds: float) -> list[Happening]:
    return [
        Happening("speech", at_s, float(rng.uniform(1.5, 5.0)), float(rng.uniform(25.0, 100.0)))
        for at_s in every(rng, seconds, 6.0, 9.0, 6.0)
    ]


def _turns(event: str, degrees: float) -> Callable[[np.random.Generator, float], list[Happening]]:
    def plan(rng: np.random.Generator, seconds: float) -> list[Happening]:
        return [
            Happening(
                event,
                at_s,
                float(rng.uniform(0.8, 2.5)),
                float(rng.choice((-1.0, 1.0)) * rng.uniform(0.4, 1.0) * degrees),
                rise_fraction=0.3,
                hold_fraction=0.4,
            )
            for at_s in every(rng, seconds, 3.0, 5.0, 3.0)
        ]

    return plan


def _exposures(rng: np.random.Generator, seconds: float) -> list[Happening]:
    """Light that steps by 1 to 10 % within two frames, stays and steps back."""
    return [
        Happening(
            "exposure",
            at_s,
            2.0,
            float(rng.choice((-1, 1)) * rng.uniform(0.01, 0.1)),
            rise_fraction=0.008,
            hold_fraction=0.98,
        )
        for at_s in every(rng, seconds, 3.0, 5.0, 3.0)
    ]


def _often(
    event: str,
    duration_s: tuple[float, float],
    amplitude: tuple[float, float],
    rise: float,
    hold: float,
    signed: bool = False,
) -> Callable[[np.random.Generator, float], list[Happening]]:
    def plan(rng: np.random.Generator, seconds: float) -> list[Happening]:
        return [
            Happening(
                event,
                at_s,
                float(rng.uniform(*duration_s)),
                float((rng.choice((-1.0, 1.0)) if signed else 1.0) * rng.uniform(*amplitude)),
                rise_fraction=rise,
                hold_fraction=hold,
            )
            for at_s in every(rng, seconds, duration_s[1] + 1.5, duration_s[1] + 4.0, duration_s[1] + 0.5)
        ]

    return plan


def _gazes(rng: np.random.Generator, seconds: float) -> list[Happening]:
    happenings = []
    for at_s in every(rng, seconds, 2.5, 4.5, 2.5):
        event, largest = ("gaze", 45.0) if rng.random() < 0.6 else ("gaze_up", 20.0)
        size = float(rng.choice((-1.0, 1.0)) * rng.uniform(0.2, 1.0) * largest)
        happenings.append(Happening(event, at_s, float(rng.uniform(0.25, 2.0)), size))
    return happenings


def _hands(rng: np.random.Generator, seconds: float) -> list[Happening]:
    return [replace(hand, side=str(rng.choice(SIDES))) for hand in _often_hand(rng, seconds)]


def _nothing(rng: np.random.Generator, seconds: float) -> list[Happening]:  # noqa: ARG001 - one shape
    return []


_often_hand = _often("hand", (1.0, 4.0), (0.3, 0.9), 0.2, 0.6)
Planner = Callable[[np.random.Generator, float], list[Happening]]
# name: what happens, what is changed in the scene, H.264 quality (0: none)
DISTRACTORS: dict[str, tuple[Planner, dict[str, object], int]] = {
    "nothing, still head": (_nothing, {"head": "still"}, 0),
    "nothing, swaying head": (_nothing, {}, 0),
    "nothing, conversation head": (turns_and_nods, {"head": "conversation"}, 0),
    "noise of 6 grey levels": (_nothing, {"noise_levels": 6.0}, 0),
    "heartbeat of 10 miod": (_nothing, {"pulse_miod": 10.0}, 0),
    "blinks": (_blinks, {}, 0),
    "double blinks": (_double_blinks, {}, 0),
    "half blinks": (_half_blinks, {}, 0),
    "speech": (_speech, {"speech_floor": 0.4}, 0),
    "speech, each syllable apart": (_speech, {}, 0),
    "turns of up to 15°": (_turns("turn", 15.0), {}, 0),
    "nods of up to 12°": (_turns("nod", 12.0), {}, 0),
    "exposure steps of 1-10 %": (_exposures, {}, 0),
    "100 Hz flicker": (_nothing, {"flicker_depth": 0.05, "mains_hz": 50.0}, 0),
    "120 Hz flicker": (_nothing, {"flicker_depth": 0.05, "mains_hz": 60.0, "fps": 119.0}, 0),
    "3 % of frames dropped": (_nothing, {"drop_rate": 0.03}, 0),
    "3 % of frames repeated": (_nothing, {"duplicate_rate": 0.03}, 0),
    "gaze shifts": (_gazes, {}, 0),
    "hand over the face": (_hands, {}, 0),
    "glints on glasses": (
        _often("glint", (0.1, 1.2), (60.0, 255.0), 0.3, 0.4),
        {"glasses": 1},
        0,
    ),
    "leaving and returning": (
        _often("leave", (2.0, 5.0), (2300.0, 2600.0), 0.2, 0.6, signed=True),
        {},
        0,
    ),
    "camera knocks": (_often("knock", (0.25, 0.4), (5.0, 60.0), 0.5, 0.0), {}, 0),
    "H.264 compression": (_nothing, {}, 26),
}
_CONDITION_KEYS = {"fps", "face_width_px", "noise_levels", "head"}


def distractor_clip(name: str, seconds: float, seed: int) -> Clip:
    """One distractor alone, without any movement."""
    planner, changes, crf = DISTRACTORS[name]
    conditions = {key: value for key, value in changes.items() if key in _CONDITION_KEYS}
    others = {key: value for key, value in changes.items() if key not in _CONDITION_KEYS}
    settings = replace(_REFERENCE, **conditions).settings(seconds, seed)
    happenings = planner(np.random.default_rng([seed, 33]), seconds)
    plan = planned(happenings, replace(settings, **others))
    words = "-".join(name.replace("%", "percent").replace("°", "deg").replace(",", "").split())
    return Clip(f"{words}-{seed}", name, plan, h264_crf=crf)


def talking_clip(portrait: str, name: str, seconds: float, seed: int) -> Clip:
    """Blinks and speech together on another face."""
    rng = np.random.default_rng([seed, 35])
    happenings = [*_blinks(rng, seconds), *_speech(rng, seconds)]
    plan = planned(happenings, OTHER_FACES.settings(seconds, seed))
    return Clip(f"talking-{name}-{seed}", f"blinks and speech, {name}", plan, portrait, is_still=True)
