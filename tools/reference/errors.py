"""docs/reference/errors.md: exit codes, and every sentence with its cure."""

from __future__ import annotations

from itertools import groupby

from reference.cells import code, table
from reference.sentences import Sentence, sentences

_HEAD = """# Exit codes and errors

Whatever goes wrong is one sentence on standard error: what was expected, what came, and what to do next.
This page has every one, written from the source by `python tools/write_reference.py`; what is filled in
at run time stands as ‹name›. With `-v` the place in the code follows. What happens when hardware breaks
while somebody is watched is on the page [faults](../faults.md).

## Exit codes
"""
EXIT_CODES = (
    (0, "done", "it stays ended"),
    (1, "the answer is no (`aim`, `doctor`, `status`, `privacy --prove`)", "–"),
    (2, "the command line asks for what does not exist or does not go together", "it stays ended"),
    (69, "a camera, light or other device is not there", "it starts again after 5 s"),
    (70, "a bug", "it starts again after 5 s"),
    (74, "reading or writing failed: camera, file, log, pin", "it starts again after 5 s"),
    (78, "a setting, or an optional package that is missing", "it stays ended"),
    (130, "interrupted outside a session", "–"),
)
_PARTS = (
    ("Cameras and recordings", ("edge/capture/", "edge/perceive/worker", "edge/lit_source")),
    ("Models and kernels", ("edge/perceive/", "edge/ahead", "edge/building/", "edge/warmup")),
    ("The log, people and exports", ("edge/record/",)),
    ("Lights, buttons and pins", ("edge/indicate/",)),
    ("Kiosk", ("edge/kiosk", "edge/proof/")),
    ("Settings", ("edge/config", "edge/setting", "edge/supervision", "edge/errors")),
    ("Card, updates and service", ("edge/firmware/", "edge/commands/service", "edge/commands/update",
     "edge/commands/first_boot")),
    ("Review page and report", ("edge/review/", "edge/commands/re")),
    ("Many recordings", ("edge/batch/", "edge/commands/batch")),
    ("Clips and scores", ("edge/synth/", "edge/evaluate/", "edge/commands/synth")),
    ("The command line and the rest", ("edge/",)),
)  # fmt: skip
# where the sentence itself says no next step, the same one helps for all of its kind
CURES = {
    "UsageError": "`microcue COMMAND --help` says what goes together",
    "ConfigError": "mend that line; [settings](settings.md) has every name and range",
    "MissingExtra": "run the line that it says, with sudo where microcue was installed so",
    "PlanError": "mend that line of the plan; `microcue synth --example-plan` prints a good one",
    "NotBuilt": "the reason names what is missing; [ahead](../ahead.md) says what a build needs",
    "SourceEnded": "nothing: the ordinary end of a recording",
    "FirmwareError": "run it with sudo, and see that the file system can be written",
    "IndicateError": "choose another light, as in `--led none`",
}


def page() -> str:
    """The whole page."""
    found = sentences()
    lines = [_HEAD]
    lines += table(
        ("code", "means", "as a service"),
        ((str(number), means, then) for number, means, then in EXIT_CODES),
    )
    for title, group in groupby(sorted(found, key=_part), key=_part):
        rows = ((s.problem, cure_of(s), str(s.exit_code), code(s.error)) for s in group)
        lines += ["", f"## {_PARTS[title][0]}", "", *table(("it says", "do", "code", "error"), rows)]
    return "\n".join([*lines, ""])


def cure_of(sentence: Sentence) -> str:
    """What to do, from the sentence or else for its kind; raises KeyError where neither says."""
    return sentence.cure or CURES[sentence.error]


def _part(sentence: Sentence) -> int:
    return next(place for place, (_, starts) in enumerate(_PARTS) if sentence.module.startswith(starts))
