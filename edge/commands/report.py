"""`microcue report`: a session as one HTML file, or as a PDF through a browser that is installed."""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from edge.commands.context import Context
from edge.errors import EXIT_DONE, DeviceAbsent, MissingExtra
from edge.record.output import output_file, output_path
from edge.record.timeline import TimelineReader

_EXAMPLE = """\
examples:
  microcue report latest --output report.html
  microcue report 20260711-143000-9f2c --pdf --output report.pdf
  microcue report --pdf --browser /opt/chromium/chrome --output report.pdf

The file needs no server and no network, and holds no script. Its numbers are those of `microcue export`.
--pdf prints it with Chromium or Chrome, where one is installed. Needs the extra `review`.
"""
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_PRINTING_S = 120


class BrowserAbsent(DeviceAbsent):
    """No browser engine is installed, or the one that is does not print."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return f"--pdf needs Chromium or Chrome, {self.reason}; install one, or print the HTML from a browser"


def register(subparsers: Any) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "report",
        help="a session as one self-contained HTML file",
        description="Write a session's figures, tables, method and limits as one self-contained file.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "session", metavar="SESSION", nargs="?", default="latest", help="which session (default: latest)"
    )
    parser.add_argument("--output", metavar="FILE", default="-", help="the file to write (default: -)")
    parser.add_argument("--pdf", action="store_true", help="print it as PDF")
    parser.add_argument(
        "--browser",
        metavar="FILE",
        help="what prints it (default: Chromium or Chrome, where one is installed)",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, context: Context) -> int:
    """Write the report."""
    try:
        from edge.review.report import report_html
    except ImportError as error:
        raise MissingExtra("a report", "review") from error
    with TimelineReader(context.data_dir) as log:
        session_id = log.resolve(args.session)
        text = report_html(log, session_id)
    if args.pdf:
        with output_path(args.output, "pdf") as path:
            _print(text, path, args.browser)
    else:
        with output_file(args.output) as file:
            file.write(text)
    if args.output != "-":
        if context.json:
            print(json.dumps({"output": args.output, "session_id": session_id}))
        context.print_text(f"Report of session {session_id} written to {args.output}")
    return EXIT_DONE


def _print(text: str, path: Path, named: str | None) -> None:
    candidates = _BROWSERS if named is None else (named,)
    browser = next((found for name in candidates if (found := shutil.which(name))), None)
    if browser is None:
        raise BrowserAbsent("and none is installed" if named is None else f"and {named} is no program")
    with tempfile.TemporaryDirectory(prefix="microcue-") as folder:
        page, printed = Path(folder) / "report.html", Path(folder) / "report.pdf"
        page.write_text(text, encoding="utf-8")
        command = [
            browser,
            "--headless",
            "--disable-gpu",
            "--no-pdf-header-footer",
            f"--user-data-dir={folder}/profile",
        ]
        try:
            done = subprocess.run(
                [*command, f"--print-to-pdf={printed}", page.as_uri()],
                capture_output=True,
                timeout=_PRINTING_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise BrowserAbsent(f"and {browser} did not finish within {_PRINTING_S} s") from error
        if done.returncode or not printed.exists():
            said = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2][:200]
            raise BrowserAbsent(
                f"and {browser} ended with code {done.returncode} ({said or 'it said nothing'})"
            )
        path.write_bytes(printed.read_bytes())
