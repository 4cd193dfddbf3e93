"""`microcue consent`: what a participant agreed to, when, and under which text."""

from __future__ import annotations

import argparse
import json
import re
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from edge.commands.context import Context
from edge.errors import UsageError
from edge.record.errors import ParticipantUnknown
from edge.record.lock import is_held
from edge.record.people import (
    MAY_AGREE_TO,
    Consent,
    add_consent,
    consents_of,
    everybody,
    withdraw_consent,
)
from edge.record.visitors import begin_visit, is_kiosk_code, kept_by, read_consent_text

_EXAMPLE = f"""\
examples:
  microcue consent P07 --agreed signals,traces --version 2026-03 --text consent.txt
  microcue consent P07 --agreed none --version 2026-03
  microcue consent P07
  microcue consent                    every code there is, with its newest consent
  microcue consent P07 --withdraw
  microcue consent --give             somebody in front of a kiosk agrees to its text; prints their code
  microcue consent K-0007-hbkd --give   the same, for somebody who was there before and brought the code

The newest counts. `run --participant P07` then keeps no more than was agreed to, out of
{", ".join(MAY_AGREE_TO)}; cues and blinks are always kept. After a withdrawal it refuses to watch
that person, and pictures are deleted; `microcue forget --participant P07` deletes what else there is.
With session.consent_required nobody is watched without one. In kiosk mode (docs/kiosk.md) --give stands
for the button, and a withdrawal deletes all: the running kiosk does it within seconds, else the next one.
"""
_COLUMNS = ("given_utc", "agreed", "version", "text", "withdrawn_utc")
_TEXT_MAX_BYTES = 1_000_000


def register(subparsers: Any) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "consent",
        help="record what a participant agreed to",
        description="Record what a participant agreed to, show it, or record that it was withdrawn.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("participant", metavar="CODE", nargs="?", help="a code, never a name")
    choices = ", ".join(MAY_AGREE_TO)
    parser.add_argument("--agreed", metavar="WHAT", help=f"none, or of {choices}, with commas")
    parser.add_argument("--version", metavar="V", dest="text_version", help="which text was read")
    parser.add_argument("--text", metavar="FILE", type=Path, help="that text; it is kept with the consent")
    parser.add_argument("--withdraw", action="store_true", help="the participant took it back")
    parser.add_argument(
        "--give", action="store_true", help="a kiosk's next visitor agrees, under CODE or a code made now"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, context: Context) -> int:
    """Record or withdraw, then show what there is."""
    if args.participant is None and not args.give:
        if args.withdraw or args.agreed is not None:
            raise UsageError("--agreed and --withdraw expect CODE; microcue consent alone lists the codes")
        return _list(context)
    if args.participant is not None and not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", args.participant):
        raise UsageError(
            f"CODE expects up to 64 letters, digits, - or _, found {args.participant!r}; a code, never a name"
        )
    if args.give:
        return _give(args, context)
    if args.withdraw and args.agreed is not None:
        raise UsageError("consent expects --agreed or --withdraw, not both")
    if args.agreed is not None:
        if not args.text_version:
            raise UsageError("--agreed needs --version: which version of your text was read and agreed to")
        agreed, text = _agreed(args.agreed), _text(args.text)
        add_consent(context.data_dir, args.participant, agreed, args.text_version, text)
    elif args.withdraw:
        _, n_pictures = withdraw_consent(context.data_dir, args.participant)
        if n_pictures:
            cues = "1 cue" if n_pictures == 1 else f"{n_pictures} cues"
            context.print_text(f"The pictures of {args.participant} are deleted, those of {cues}.")
        elif not consents_of(context.data_dir, args.participant):
            raise ParticipantUnknown(args.participant)
        context.print_text(_what_goes(args.participant, context))
    consents = consents_of(context.data_dir, args.participant)
    title = f"Consents of {args.participant}"
    if consents or context.json:
        context.print_table(title, _COLUMNS, [_row(consent) for consent in consents])
    else:
        context.print_text(f"No consent of {args.participant} is recorded in {context.data_dir}.")
    return 0


def _list(context: Context) -> int:
    """Every code, also of those whose sessions are gone."""
    rows = []
    for code, n_sessions, newest in everybody(context.data_dir):
        given, agreed, version, _, withdrawn = _row(newest) if newest else ("", "", "", "", "")
        rows.append((code, n_sessions, given, agreed, version, withdrawn))
    if rows or context.json:
        columns = ("participant", "n_sessions", "given_utc", "agreed", "version", "withdrawn_utc")
        context.print_table(f"Participants in {context.data_dir}", columns, rows)
    else:
        context.print_text(f"No participant is recorded in {context.data_dir}.")
    return 0


def _what_goes(code: str, context: Context) -> str:
    """What a withdrawal does to what was logged, in words."""
    by_hand = f"`microcue forget --participant {code}`"
    if not is_kiosk_code(code):
        return f"{code} is watched no more. What was logged stays until {by_hand}."
    if is_held(context.data_dir):
        return f"The kiosk deletes all of {code} within seconds, or when who is watched now has gone."
    return f"No kiosk runs here: the next start of one deletes all of {code}, or {by_hand} now."


def _give(args: argparse.Namespace, context: Context) -> int:
    """Let the kiosk begin, and wait until it has."""
    if args.withdraw or args.text or args.text_version:
        raise UsageError("--give takes the kiosk's own text; it goes with CODE and --agreed alone")
    config = context.config
    if config.session.mode != "kiosk":
        raise UsageError('--give expects a kiosk, session.mode is "person"; give --config FILE of the kiosk')
    agreed = kept_by(config.record) if args.agreed is None else _agreed(args.agreed)
    text = read_consent_text(Path(config.kiosk.consent_text))
    code = begin_visit(context.data_dir, agreed, text, args.participant or "")
    if context.json:
        print(json.dumps({"participant": code}))
    context.print_text(f"The kiosk watches {code} now. microcue consent {code} --withdraw deletes it.")
    return 0


def _row(consent: Consent) -> tuple[str, str, str, str, str]:
    length = f"{len(consent.text)} characters" if consent.text else ""
    withdrawn = "" if consent.withdrawn_unix_ns is None else _utc(consent.withdrawn_unix_ns)
    agreed = " ".join(consent.agreed) or "none"
    return (_utc(consent.at_unix_ns), agreed, consent.text_version, length, withdrawn)


def _utc(unix_ns: int) -> str:
    return f"{datetime.fromtimestamp(unix_ns // 10**9, timezone.utc):%Y-%m-%dT%H:%M:%SZ}"


def _agreed(text: str) -> tuple[str, ...]:
    words = () if text == "none" else tuple(filter(None, (word.strip() for word in text.split(","))))
    if unknown := [word for word in words if word not in MAY_AGREE_TO]:
        raise UsageError(f"--agreed expects none, or of {', '.join(MAY_AGREE_TO)}; found {unknown[0]!r}")
    return words


def _text(path: Path | None) -> str:
    if path is None:
        return ""
    try:
        content = path.read_bytes()
        if len(content) <= _TEXT_MAX_BYTES:
            return content.decode("utf-8-sig")
        reason = f"is larger than {_TEXT_MAX_BYTES // 10**6} MB"
    except OSError as error:
        reason = f"cannot be read ({error.strerror})"
    except UnicodeDecodeError:
        reason = "is no UTF-8 text"
    raise UsageError(f"--text expects a text, and {path} {reason}; save it as UTF-8")
