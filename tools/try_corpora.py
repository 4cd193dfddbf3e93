"""`microcue evaluate` on a corpus in each published layout, with movements that are really rendered.

    make test-corpora                          all of them, some minutes
    .venv/bin/python tools/try_corpora.py --only samm-lv cas2

Folders, spreadsheets and their traps are as the corpora have them; the recordings are ours (tools/corpora).
Each is checked, watched and scored by the command itself, and every count must be the one that was planted.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import io
import json
import sys
import tempfile
from pathlib import Path

from corpora.layouts import LAYOUTS
from corpora.rendered import Film, brow

from edge.cli import main as microcue

RATES = {
    "casme2": 200.0,
    "samm": 200.0,
    "samm-lv": 200.0,
    "cas2": 30.0,
    "cas3": 30.0,
    "smic-hs": 100.0,
}
CLIPS = ("casme2", "samm")  # one movement in each recording
# labelled, but nobody could see it: an event that began before the first frame, while the baseline is learned
UNSEEN = {"samm-lv": 1}


def main() -> int:
    """Try them and say what came."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=list(RATES), default=list(RATES))
    arguments = parser.parse_args()
    films: dict[float, Film] = {}
    wrong = 0
    for name in arguments.only:
        film = films.setdefault(RATES[name], Film(RATES[name]))
        with tempfile.TemporaryDirectory() as folder:
            wrong += not try_one(name, film, Path(folder))
    return 1 if wrong else 0


def try_one(name: str, film: Film, folder: Path) -> bool:
    """One layout; whether its counts are as planted."""
    if name in CLIPS:
        takes = [film.shoot(7.0, [brow(4.5 + 0.5 * k, 0.3)], seed=k) for k in range(2)]
    elif name == "smic-hs":  # lasting movements are not labelled in it
        takes = [
            film.shoot(11.0, [brow(5.0, 0.3), brow(8.0, 0.4)], seed=11),
            film.shoot(9.0, [brow(5.5, 0.4)], 12),
        ]
    else:
        takes = [
            film.shoot(14.0, [brow(5.0, 0.3), brow(8.0, 0.4), brow(11.0, 1.2)], seed=11),
            film.shoot(10.0, [brow(5.5, 0.4)], seed=12),
        ]
    root = folder / "corpus"
    planted = LAYOUTS[name](root, takes, film.draw)
    answer = io.StringIO()
    with contextlib.redirect_stdout(answer):
        code = microcue(["evaluate", name, "--root", str(root), "--out", str(folder / "out"), "--json"])
    values = json.loads(answer.getvalue())
    counted = values["scores"]["overall"]
    n_events = sum(len(events) for events in planted.events.values())
    got = [counted[key] for key in ("n_true", "n_false", "n_missed")]
    expected = [n_events - UNSEEN.get(name, 0), 0, UNSEEN.get(name, 0)]
    said = {remark["found"] for remark in values["remarks"]}
    unsaid = [piece for piece in planted.remarks if not any(piece.split(": ")[0] in one for one in said)]
    is_right = code == 0 and got == expected and not values["not_watched"]
    false = [cue for cue in read_rows(folder / "out" / "cues.csv") if cue["meets"] == "False"]
    for cue in false:
        print(f"{name}: false: {cue}", flush=True)
    print(
        f"{name}: {values['n_videos']} recordings, true/false/missed {got}, expected {expected}, "
        f"{len(said)} remarks{f', not said: {unsaid}' if unsaid else ''}: {'ok' if is_right else 'WRONG'}",
        flush=True,
    )
    return is_right


def read_rows(path: Path) -> list[dict[str, str]]:
    """A table that the command wrote."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


if __name__ == "__main__":
    sys.exit(main())
