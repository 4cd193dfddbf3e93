"""`microcue review`: the review page on this machine."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import stat
import sys
import threading
from pathlib import Path
from typing import Any

from edge.commands.context import Context
from edge.errors import EXIT_DONE, MissingExtra, UsageError

_EXAMPLE = """\
examples:
  microcue review                               then open the link that it prints
  microcue review --reviewer AB --port 0
  ssh -L 8341:127.0.0.1:8341 rig3 microcue review      a device's log, looked at from a desk
  microcue review --unix /run/user/1000/microcue.sock
  microcue review --address 192.168.1.7 --certificate cert.pem --key key.pem --password-file password

The link lets one browser in, once, within an hour. The page is served on this machine only: another
address needs a certificate and a password. It reads the log, and writes decisions and notes, also
while a run is recording. Needs the extra `review`.
"""
_PASSWORD_MIN = 12
# a run that is recording comes first
_NICENESS = 10


def register(subparsers: Any) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "review",
        help="look at sessions in a browser: replay, keep or dismiss",
        description="Serve the review page: time lines, replay in slow motion, decisions, what repeats.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--port", metavar="N", type=_port, default=8341, help="0 for any (default: 8341)")
    parser.add_argument(
        "--address", metavar="A", default="127.0.0.1", help="of this machine (default: 127.0.0.1)"
    )
    parser.add_argument("--unix", metavar="PATH", type=Path, help="a UNIX socket instead of a port")
    parser.add_argument(
        "--reviewer",
        metavar="CODE",
        default="",
        help="the code your decisions are recorded under (default: R1)",
    )
    parser.add_argument("--certificate", metavar="FILE", type=Path, help="PEM, for https")
    parser.add_argument("--key", metavar="FILE", type=Path, help="the certificate's key, PEM")
    parser.add_argument(
        "--password-file", metavar="FILE", type=Path, help="holds a password, readable for you alone"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, context: Context) -> int:
    """Serve until the process is asked to end."""
    try:
        from edge.review import entrance, serving, site
    except ImportError as error:
        raise MissingExtra("the review page", "review") from error
    from edge.record.reviews import prepare

    reviewer = args.reviewer or "R1"
    if not entrance.REVIEWER_PATTERN.fullmatch(reviewer):
        raise UsageError(
            f"--reviewer expects 1 to 32 letters, digits, - or _, found {reviewer!r}; never a name"
        )
    if (args.certificate is None) != (args.key is None):
        raise UsageError("--certificate and --key go together; give both or none")
    password = _password(args.password_file) if args.password_file is not None else ""
    place = serving.Place(args.address, args.port, args.unix, args.certificate, args.key, bool(password))
    serving.check_place(place)
    prepare(context.data_dir)
    with contextlib.suppress(PermissionError):  # a service is nice by its unit, and may change nothing
        os.nice(_NICENESS)
    with serving.listening(place) as (bound, hosts):
        kiosk = _kiosk(context, serving.is_local(bound))
        app, door = site.build_site(context.data_dir, hosts, place.scheme, password, kiosk)
        link = f"{place.scheme}://{_host(hosts, place)}/login?token={door.link_token(reviewer)}"
        warming = threading.Thread(target=site.warm_up, name="warming", daemon=True)

        def ready() -> None:
            _announce(context, link, place)
            warming.start()

        serving.serve(app, place, bound, ready)
    return EXIT_DONE


def _kiosk(context: Context, is_local: bool) -> Any:
    """The screen for visitors, where the settings are a kiosk's; never for other machines."""
    from edge.review.visitor_pages import kiosk_screen

    if context.config.session.mode != "kiosk":
        return None
    if not is_local:
        context.print_text("The screen for visitors (/kiosk) is left out: it is for this machine only.")
        return None
    return kiosk_screen(context.config)


def _host(hosts: list[str], place: Any) -> str:
    return (
        next((host for host in hosts if host.startswith(("127.", "["))), hosts[0]) if hosts else place.address
    )


def _announce(context: Context, link: str, place: Any) -> None:
    if context.json:
        print(json.dumps({"link": link, "unix": str(place.unix_socket) if place.unix_socket else None}))
    else:
        where = f" (through {place.unix_socket})" if place.unix_socket else ""
        # the link is what the command is for: also with -q
        print(f"Review page{where}, for one browser, once:\n  {link}\nCtrl+C ends it.")
    sys.stdout.flush()


def _password(path: Path) -> str:
    from edge.review.errors import PasswordUnusable

    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise PasswordUnusable(str(path), str(error)) from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise PasswordUnusable(str(path), f"others may read it (mode {stat.S_IMODE(mode):o}); chmod 600")
    if len(text) < _PASSWORD_MIN:
        raise PasswordUnusable(str(path), f"{len(text)} characters")
    return text


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} should be a port from 0 to 65535")
    return int(text)
