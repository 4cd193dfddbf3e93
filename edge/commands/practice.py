"""`microcue practice`: seeing brief movements, in a browser on this machine; scores in the terminal."""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge.commands.context import Context
from edge.errors import EXIT_DONE, MissingExtra, UsageError

if TYPE_CHECKING:
    from edge.practice.score import Share

_EXAMPLES = """\
examples:
  microcue practice                          then open the link that it prints
  microcue practice --portrait me.jpg        your own photograph; it stays on this device
  microcue practice --who AB --scores        how it went, day by day

A clip shows a face that sways; in two of three something moves, briefly. Did something move, where, on which
side? After the answer the clip comes again, slowly and as magnified points. Amplitude and duration adapt to
what is seen. Nothing is named but the movement: to see that something moved is not to know why.
Needs the extra `practice`.
"""
_COLUMNS = ("day", "seen", "seen_in_still", "where_right", "side_right", "not_counted")
_SHOWN = {
    "day": "day",
    "seen": "movements seen",
    "seen_in_still": "“seen” in still clips",
    "where_right": "where: right",
    "side_right": "side: right",
    "not_counted": "stuttered",
}


def register(subparsers: Any) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "practice",
        help="practise seeing brief movements, with known ones",
        description="Practise seeing brief movements: clips with known ones, drawn on this device.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--who", metavar="CODE", default="me", help="whose scores; a code, never a name")
    parser.add_argument(
        "--portrait", metavar="FILE", type=Path, help="a photograph (default: the built-in one)"
    )
    parser.add_argument("--port", metavar="N", type=int, default=8342, help="0 for any (default: 8342)")
    parser.add_argument("--scores", action="store_true", help="print the scores and end")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, context: Context) -> int:
    """Print scores, or serve until the process is asked to end."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,32}", args.who):
        raise UsageError(f"--who expects 1 to 32 letters, digits, - or _, found {args.who!r}; never a name")
    if not 0 <= args.port <= 65535:
        raise UsageError(f"--port expects 0 to 65535, found {args.port}")
    if args.scores:
        return _scores(args.who, context)
    try:
        from edge.review import practice_pages, serving
    except ImportError as error:
        raise MissingExtra("practice", "practice") from error
    from edge.practice.course import Course
    from edge.synth.portrait import load_portrait

    place = serving.Place("127.0.0.1", args.port)
    course = Course(context.data_dir, args.who, load_portrait(args.portrait))
    with serving.listening(place) as (bound, hosts):
        app, door = practice_pages.build_practice(course, context.data_dir, hosts)
        link = f"http://{hosts[0]}/login?token={door.link_token(args.who)}"
        serving.serve(app, place, bound, lambda: _announce(context, link))
    return EXIT_DONE


def _announce(context: Context, link: str) -> None:
    text = (
        json.dumps({"link": link})
        if context.json
        else f"Practice, for one browser, once:\n  {link}\nCtrl+C ends it."
    )
    print(text)
    sys.stdout.flush()


def _scores(who: str, context: Context) -> int:
    from edge.practice.answers import answers_of
    from edge.practice.score import by_day, score_of

    answers = answers_of(context.data_dir, who)
    if not answers and not context.json:
        context.print_text(
            f"No answers of {who} are in {context.data_dir}; begin with: microcue practice --who {who}"
        )
        return EXIT_DONE
    rows = {**by_day(answers), "all": score_of(answers)} if answers else {}
    table = [
        (day, *map(_told, (one.hits, one.false_alarms, one.regions, one.sides)), one.n_unfair)
        for day, one in rows.items()
    ]
    context.print_table(f"Practice of {who}", _COLUMNS, table, _SHOWN)
    context.print_text(
        "Limits hold the true share with 95 %. By chance, where is right in 25 % and side in 33 %; movements "
        "seen say something only beside those “seen” in still clips. "
        "To see that something moved is not to know why."
    )
    return EXIT_DONE


def _told(share: Share) -> str:
    if not share.n:
        return "-"
    return f"{share.n_right}/{share.n} ({share.low:.0%} to {share.high:.0%})"
