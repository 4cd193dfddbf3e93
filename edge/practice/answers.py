"""Answers, and where they are kept: one line of JSON each, on this device."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from edge.errors import EdgeError
from edge.practice.trial import Trial

FILE_NAME = "practice.jsonl"
# a browser that leaves out more pictures than this has shown another clip than was asked about
_SKIPPED_MAX = 2


class AnswersUnreadable(EdgeError):
    """The answers so far cannot be read or added to."""

    exit_code = 74

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"expected answers of practice in {self.path}, found: {self.reason}; mend or delete the file"


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody said of a clip.

    Attributes
    ----------
    trial : Trial
    said_moved : bool
    region, side : str
        Of what was seen; empty where nothing was.
    n_skipped : int
        Pictures that the browser left out.
    unix_s : float
        When, by the wall clock.
    who : str
        A code.
    portrait : str
        Of which photograph: the beginning of a hash of its pixels, never its file's name.
    """

    trial: Trial
    said_moved: bool
    region: str
    side: str
    n_skipped: int
    unix_s: float
    who: str
    portrait: str

    @property
    def is_fair(self) -> bool:
        """Whether what was shown is what was meant."""
        return self.n_skipped <= _SKIPPED_MAX

    @property
    def is_region_right(self) -> bool:
        """Whether a movement was seen, and where it was."""
        return not self.trial.is_still and self.said_moved and self.region == self.trial.region

    @property
    def is_side_right(self) -> bool:
        """Whether a movement was seen on its side."""
        return not self.trial.is_still and self.said_moved and self.side == self.trial.side


def add_answer(data_dir: Path, answer: Answer) -> None:
    """Add a line.

    Raises
    ------
    AnswersUnreadable
    """
    path = data_dir / FILE_NAME
    line = json.dumps(asdict(answer), separators=(",", ":")) + "\n"
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        descriptor = os.open(path, flags, 0o600)
        with os.fdopen(descriptor, "a", encoding="utf-8") as file:
            file.write(line)
    except OSError as error:
        raise AnswersUnreadable(path, error.strerror or str(error)) from error


def answers_of(data_dir: Path, who: str) -> list[Answer]:
    """All answers of a code, oldest first.

    Raises
    ------
    AnswersUnreadable
        Names the line.
    """
    path = data_dir / FILE_NAME
    if not path.exists():
        return []
    found = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise AnswersUnreadable(path, str(error)) from error
    for number, line in enumerate(lines, 1):
        try:
            values = json.loads(line)
            answer = Answer(**{**values, "trial": Trial(**values["trial"])})
        except (ValueError, TypeError, KeyError) as error:
            if number == len(lines):  # the power went while it was written
                break
            raise AnswersUnreadable(path, f"line {number} is no answer") from error
        if answer.who == who:
            found.append(answer)
    return found
