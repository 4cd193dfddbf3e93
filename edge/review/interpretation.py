"""What a cue might have to do with, in restrained words: noticed, possible, unknown, and a question to ask.

Every sentence here is a key of the gettext catalogues in locale/. None names an emotion, a motive or honesty,
and none weighs one possibility against another: a brief movement is a reason to pause, not to conclude.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


def N_(text: str) -> str:
    """Mark a sentence for translation where it stands."""
    return text


@dataclass(frozen=True, slots=True)
class Movement:
    """What is said of one movement.

    Attributes
    ----------
    noticed : str
    possible : tuple of str
        Several things people do it with, in no order.
    question : str
        Open: no yes or no answers it. About the moment, never about the face.
    """

    noticed: str
    possible: tuple[str, ...]
    question: str


@dataclass(frozen=True, slots=True)
class Interpretation:
    """The four parts shown beside a cue; all are to be translated."""

    noticed: tuple[str, ...]
    possible: tuple[str, ...]
    unknown: tuple[str, ...]
    question: str


_LISTENING = N_("Listening closely, or following a thought")
_SPEAKING = N_("Being about to speak, or just having spoken")
_SWALLOW = N_("Swallowing, or wetting the lips")
_LIGHT = N_("A change of light, or dry eyes")
_EFFORT = N_("Concentrating, or effort of any kind")
_HABIT = N_("A habit of this person's face, without any occasion")
_STRESSING = N_("Stressing a word, one's own or somebody else's")
_SMELL = N_("A smell, a taste, or an itch")
_GREETING = N_("A greeting, or an answer to a smile")
_UNEXPECTED = N_("Something not expected, pleasant or not")
_ASK_MOMENT = N_("What was going through your mind just then?")
_ASK_TOPIC = N_("What more is there to say about this?")
_ASK_ADD = N_("What would you like to add?")
_ASK_PACE = N_("How would you like to go on from here?")
_ASK_CLEAR = N_("What of this should I put another way?")

MOVEMENTS = {
    "inner_brow_raise": Movement(
        N_("The inner end of the brow went up and came back."),
        (_LISTENING, _STRESSING, _EFFORT, _HABIT),
        _ASK_MOMENT,
    ),
    "outer_brow_raise": Movement(
        N_("The outer end of the brow went up and came back."),
        (_UNEXPECTED, _STRESSING, _GREETING, _HABIT),
        _ASK_CLEAR,
    ),
    "brow_lower": Movement(
        N_("The brow went down or inward and came back."),
        (_EFFORT, _LISTENING, _LIGHT, _HABIT),
        _ASK_CLEAR,
    ),
    "upper_lid_raise": Movement(
        N_("The upper lid went up and came back."),
        (_UNEXPECTED, _LISTENING, _LIGHT),
        _ASK_MOMENT,
    ),
    "cheek_raise": Movement(
        N_("The cheek went up and came back."),
        (_GREETING, _LIGHT, _EFFORT, _HABIT),
        _ASK_MOMENT,
    ),
    "lid_tighten": Movement(
        N_("The lower lid went up and came back."),
        (_LIGHT, _EFFORT, _LISTENING),
        _ASK_CLEAR,
    ),
    "nose_wrinkle": Movement(
        N_("The wing of the nose went up and came back."),
        (_SMELL, _LIGHT, _HABIT),
        _ASK_MOMENT,
    ),
    "upper_lip_raise": Movement(
        N_("The upper lip went up and came back."),
        (_SPEAKING, _SMELL, _GREETING, _HABIT),
        _ASK_ADD,
    ),
    "lip_corner_pull": Movement(
        N_("The corner of the mouth went up and came back."),
        (_GREETING, _LISTENING, _SPEAKING, _HABIT),
        _ASK_TOPIC,
    ),
    "lip_corner_depress": Movement(
        N_("The corner of the mouth went down and came back."),
        (_EFFORT, _SWALLOW, _LISTENING, _HABIT),
        _ASK_TOPIC,
    ),
    "chin_raise": Movement(
        N_("The chin went up and came back."),
        (_SWALLOW, _SPEAKING, _EFFORT, _HABIT),
        _ASK_ADD,
    ),
    "lip_stretch": Movement(
        N_("The corner of the mouth went outward and came back."),
        (_SPEAKING, _SWALLOW, _UNEXPECTED),
        _ASK_PACE,
    ),
    "lip_tighten": Movement(
        N_("The corner of the mouth went inward and came back."),
        (_SPEAKING, _EFFORT, _SWALLOW),
        _ASK_ADD,
    ),
    "lip_press": Movement(
        N_("The lips went together and came back."),
        (_SPEAKING, _SWALLOW, _EFFORT, _HABIT),
        _ASK_ADD,
    ),
    "lips_part": Movement(
        N_("The lower lip went down and came back."),
        (_SPEAKING, _SWALLOW, _UNEXPECTED),
        _ASK_ADD,
    ),
    "jaw_drop": Movement(
        N_("The chin went down and came back."),
        (_SPEAKING, _SWALLOW, _UNEXPECTED, N_("A yawn, or a breath")),
        _ASK_PACE,
    ),
}
_UNNAMED = Movement(
    N_("Something on the face moved and came back."),
    (_SPEAKING, _HABIT, _SWALLOW),
    _ASK_MOMENT,
)
_MEASUREMENT = N_("An error of the measurement")

_ALWAYS_UNKNOWN = (
    N_("Why it happened: nothing in a movement tells that."),
    N_("Whether it has to do with what was said or seen at that moment, or with something else."),
    N_("How often this person does so at other times: one flash says little; look whether it repeats."),
)
_UNKNOWN_BY_FLAG = {
    "blink": N_("Whether the blink beside it pulled the skin along."),
    "speech": N_("Whether it was part of speaking: lips or jaw were going to and fro."),
    "head": N_("How much of it is left over from the head's own movement, which was fast."),
    "light_low": N_("How much the dark picture has to do with it."),
    "light_flicker": N_("How much the flickering light has to do with it."),
    "light_changing": N_("How much the changing light has to do with it."),
    "dropped": N_("What happened in the frames that are missing."),
}
DISMISS_REASONS = (
    N_("speech or chewing"),
    N_("blink"),
    N_("head movement"),
    N_("swallow, yawn or cough"),
    N_("light or measurement"),
    N_("nothing to see"),
)
# written out for the catalogues, which cannot see names that are put together
SHOWN_WORDS = (
    *(N_("left"), N_("right"), N_("both"), N_("micro"), N_("macro")),
    *(N_("kept"), N_("dismissed"), N_("unreviewed")),
    *(N_("blink"), N_("speech"), N_("head"), N_("light low"), N_("light flicker"), N_("light changing")),
    *(N_("dropped"), N_("finished"), N_("running"), N_("interrupted")),
)


def interpretation(cue: dict[str, Any]) -> Interpretation:
    """The texts for one cue, as keys to be translated.

    Parameters
    ----------
    cue : dict
        By the names of `CUE_COLUMNS`, with `flags` of `library.flags_of`.
    """
    found = [MOVEMENTS.get(name, _UNNAMED) for name in cue["movements"].split("+")]
    leading = found[0]
    possible = dict.fromkeys((*leading.possible, _MEASUREMENT))
    flagged = [_UNKNOWN_BY_FLAG[flag] for flag in cue["flags"] if flag in _UNKNOWN_BY_FLAG]
    noticed = dict.fromkeys(one.noticed for one in found)
    return Interpretation(tuple(noticed), tuple(possible), (*_ALWAYS_UNKNOWN, *flagged), leading.question)
