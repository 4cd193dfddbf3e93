"""Drives the review page in a real Chromium, as somebody who goes through a session does.

Open, log in, find, replay, step, keep, dismiss, undo, many at once, filter, a second reviewer, patterns,
report (also from a file, offline, and as PDF); then every page in dark and light, on a desk, a 7-inch touch
screen and a phone, in English and German. Asserts that no page writes an error to the console, opens a
dialog or asks another host for anything, and that axe-core finds nothing against WCAG 2.2 AA. Screenshots
go to a folder to be looked at.
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from review_server import ROOT, Served, serving
from review_session import record_long_session

_RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}
_SCREENS = {"desk": (1440, 900), "touch": (800, 480), "phone": (390, 844)}
_LOOKS = (
    ("desk", "light", "en"),
    ("desk", "dark", "de"),
    ("touch", "light", "de"),
    ("touch", "dark", "en"),
    ("phone", "dark", "en"),
    ("phone", "light", "de"),
)
_N_CUES, _REPORT_MAX_BYTES = 200, 2_000_000
_PAGES = ("", "/cues", "/cues/1", "/patterns", "/agreement")

# the traces of the ten seconds in view are there, not those of the view before, magnified
_IS_FINE = """() => {
  const [from, to] = document.getElementById("board").dataset.drawn.split(",");
  return to - from < 10.5;
}"""

_CELLS = """() =>
  [...document.querySelectorAll("#cues tr")].map(row => [...row.cells].map(cell => cell.textContent))"""


class Drive:
    """One browser window, what it saw, and what was wrong with it."""

    def __init__(
        self, browser: Browser, base: str, folder: Path, look: tuple[str, str, str] = ("desk", "light", "en")
    ) -> None:
        screen, scheme, language = look
        width, height = _SCREENS[screen]
        self.context: BrowserContext = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,  # type: ignore[arg-type]
            locale=language,
            has_touch=screen != "desk",
            reduced_motion="reduce",
            base_url=base,
        )
        self.page: Page = self.context.new_page()
        self.folder, self._name = folder, "-".join(look)
        self._host = urlsplit(base).netloc
        self.problems: list[str] = []
        self.page.on("console", lambda said: self._said(said.type, said.text))
        self.page.on("pageerror", lambda error: self._said("error", str(error)))
        self.page.on("dialog", lambda dialog: self._said("error", f"a dialog opened: {dialog.message}"))
        self.page.on("request", self._asked)

    def go(self, path: str) -> None:
        """Open a page and wait until it asks for nothing more."""
        self.page.goto(path, wait_until="networkidle")

    def follow(self, action: Any) -> None:
        """Do what leads to a page, and wait until that page asks for nothing more."""
        with self.page.expect_navigation(wait_until="networkidle"):
            action()

    def look(self, name: str, path: str = "") -> None:
        """Take a screenshot, of another page where one is given; ask axe; nothing may be too wide."""
        if path:
            self.go(path)
        self.page.screenshot(path=self.folder / f"{self._name}-{name}.png", full_page=True)
        found = Axe().run(self.page, options=_RULES).response["violations"]
        self.problems += [f"{self._name} {name}: {one['id']}: {_where(one)}" for one in found]
        wide = self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        self.expect(wide <= 0, f"{name} is {wide} px wider than the screen")

    def expect(self, holds: bool, what: str) -> None:
        """Remember what should have been."""
        if not holds:
            self.problems.append(f"{self._name}: {what}")

    def shows(self, selector: str, n: int, what: str) -> None:
        """Remember where so many of something should have been."""
        found = self.page.locator(selector).count()
        self.expect(found == n, f"{what}: {found} of {selector}, expected {n}")

    def _said(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.problems.append(f"{self._name}: console {kind}: {text}")

    def _asked(self, request: Any) -> None:
        if urlsplit(request.url).netloc != self._host:
            self.problems.append(f"{self._name}: asked another host: {request.url}")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--chromium", required=True, help="the browser's executable")
    parser.add_argument("--data", type=Path, help="a data directory to drive on (default: one made for it)")
    parser.add_argument("--screenshots", type=Path, default=ROOT / ".cache" / "screenshots")
    args = parser.parse_args()
    args.screenshots.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        data_dir = args.data or Path(folder) / "data"
        if args.data is None:
            record_long_session(data_dir, hours=0.1, fps=120.0, n_cues=_N_CUES)
        browser = driver.chromium.launch(executable_path=args.chromium, args=["--no-sandbox"])
        with serving(data_dir) as served:
            problems = _go_through(browser, served, args.screenshots)
        problems += _report(browser, args.chromium, data_dir, args.screenshots)
        browser.close()
    for problem in problems:
        print(problem)
    print(f"{len(problems)} problems; screenshots in {args.screenshots}")
    return 1 if problems else 0


def _go_through(browser: Browser, served: Served, folder: Path) -> list[str]:
    first = Drive(browser, served.base, folder)
    first.look("login", "/login")
    first.go(served.link)
    first.go("/")
    session = first.page.locator("a.row-link").first.get_attribute("href") or ""
    _decide(first, session)
    _decide_many(first, session)
    _replay(first, session)
    _zoom(first, session)
    problems = first.problems + _second_reviewer(browser, served, folder, first, session)
    person = first.page.locator("a[href^='/participants/']").first.get_attribute("href") or ""
    cookies = first.context.cookies()
    for look in _LOOKS:
        drive = Drive(browser, served.base, folder, look)
        drive.context.add_cookies(cookies)  # type: ignore[arg-type]
        drive.look("sessions", "/")
        for name in _PAGES:
            drive.look(name.strip("/").replace("/", "-") or "timeline", session + name)
        drive.look("person", person)
        problems += drive.problems
        drive.context.close()
    first.context.close()
    return problems


def _decide(drive: Drive, session: str) -> None:
    """One cue after the other: keep, dismiss with a reason, undo, note."""
    page = drive.page
    drive.go(f"{session}/cues/1")
    drive.follow(lambda: page.keyboard.press("k"))
    drive.expect(page.url.endswith("/cues/2"), "k goes on to the next cue")
    page.select_option("select[name=reason]", "blink")
    drive.follow(lambda: page.keyboard.press("d"))
    drive.expect("2 of" in page.inner_text(".progress"), "two of the cues are reviewed")
    drive.go(f"{session}/cues/1")
    drive.shows("#verdict.kept", 1, "k keeps a cue")
    drive.go(f"{session}/cues/2")
    drive.shows("#verdict.dismissed", 1, "d dismisses one")
    drive.follow(lambda: page.keyboard.press("u"))
    drive.go(f"{session}/cues/2")
    drive.shows("#verdict.unreviewed", 1, "u takes it back")
    page.fill("#note", "<img src=x onerror=alert(1)> a yawn?")
    drive.follow(lambda: page.get_by_role("button", name="Save the note").click())
    drive.expect(page.input_value("#note").endswith("a yawn?"), "a note is kept")


def _decide_many(drive: Drive, session: str) -> None:
    """The list: choose some, dismiss them, find them by the filter, undo at once."""
    page = drive.page
    drive.go(f"{session}/cues")
    boxes = "input[name=number]"
    n_before = page.locator(boxes).count()
    page.locator(boxes).nth(1).click()
    page.locator(boxes).nth(3).click(modifiers=["Shift"])
    drive.expect(page.inner_text("#chosen") == "3", "shift chooses what lies between")
    drive.follow(lambda: page.get_by_role("button", name="Dismiss").click())
    drive.expect("4 of" in page.inner_text("#progress"), "many are decided at once")
    drive.follow(lambda: page.select_option("select[name=review]", "dismissed"))
    drive.shows(boxes, 3, "the filter shows the dismissed ones")
    drive.follow(lambda: page.get_by_role("button", name="Undo").click())
    drive.shows(boxes, 0, "one undo brings them all back")
    drive.go(f"{session}/cues?kind=macro")
    n_macro = page.locator(boxes).count()
    drive.expect(0 < n_macro < n_before, "a filter finds the macro cues")
    drive.shows(".kind.macro", n_macro, "and no others")


def _replay(drive: Drive, session: str) -> None:
    """Step, play, loop, magnify, and put a similar cue beside."""
    page = drive.page
    drive.go(f"{session}/cues/1")
    page.wait_for_selector("#viewer[data-ready]")
    frame = "() => Number(document.getElementById('viewer').dataset.frame)"
    before = page.evaluate(frame)
    page.keyboard.press(".")
    drive.expect(page.evaluate(frame) == before + 1, "a full stop steps a frame")
    page.keyboard.press(",")
    drive.expect(page.evaluate(frame) == before, "a comma steps back")
    page.select_option("#speed", "1")
    page.locator("#play").click()
    for reached in ("> before + 5", "< before"):  # it goes on, and round
        page.wait_for_function(f"before => ({frame})() {reached}", arg=before)
    page.locator("#play").click()
    page.select_option("#speed", "32")
    page.locator("#magnify").fill("20")
    drive.expect(page.inner_text("#magnified") == "20×", "it is magnified 20 times")
    page.locator("#face-beside").wait_for(state="visible")
    drive.expect(page.input_value("#beside") == "rest", "the second before stands beside it at first")
    with page.expect_response("**/replay.json"):
        page.select_option("#beside", index=2)
    page.locator("#face-beside").wait_for(state="visible")
    page.locator("#all-signals").check()
    drive.look("cues-1-beside")


def _zoom(drive: Drive, session: str) -> None:
    page = drive.page
    drive.go(session)
    page.wait_for_selector("#board[data-drawn]")
    for key in ("+", "+", "ArrowRight", "n"):
        drawn = page.get_attribute("#board", "data-drawn")
        page.keyboard.press(key)
        page.wait_for_function("old => document.getElementById('board').dataset.drawn !== old", arg=drawn)
    page.wait_for_function(_IS_FINE)
    page.locator("#open-cue").wait_for(state="visible")
    drive.look("timeline-cue")
    drive.follow(lambda: page.keyboard.press("Enter"))
    drive.expect("/cues/" in page.url, "Enter opens the cue")


def _second_reviewer(browser: Browser, served: Served, folder: Path, first: Drive, session: str) -> list[str]:
    """Another reviewer, by a link of their own, decides unseen; both decide on 25 cues and agree on most."""
    first.go("/")
    first.page.locator("details.invite summary").click()
    first.page.fill("input[name=reviewer]", "R2")
    first.follow(lambda: first.page.get_by_role("button", name="Make a one-time link").click())
    link = first.page.input_value("input[readonly]")
    first.look("invite")
    second = Drive(browser, served.base, folder)
    second.go(link)
    second.go(f"{session}/cues")
    second.expect("0 of" in second.page.inner_text("#progress"), "a second reviewer sees no decision")
    for drive, n_kept in ((first, 14), (second, 17)):
        for verdict, places in (("Keep", range(n_kept)), ("Dismiss", range(n_kept, 25))):
            drive.go(f"{session}/cues?review=all")
            for place in places:
                drive.page.locator("input[name=number]").nth(place).check()
            drive.follow(drive.page.get_by_role("button", name=verdict).click)
    second.go(f"{session}/agreement")
    second.expect("0.75" in second.page.inner_text("main"), "kappa of 14, 3 and 8 is 0.75")
    second.context.close()
    return second.problems


def _report(browser: Browser, chromium: str, data_dir: Path, folder: Path) -> list[str]:
    """The report as a file: opened offline it asks for nothing, and it prints."""
    command = [sys.executable, "-m", "edge.cli", "report", "latest", "--data", str(data_dir)]
    page_file, printed = folder / "report.html", folder / "report.pdf"
    subprocess.run([*command, "--output", str(page_file)], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    context = browser.new_context(offline=True, viewport={"width": 1000, "height": 900})
    page, problems, asked = context.new_page(), [], []
    page.on("console", lambda said: problems.append(f"report: console {said.type}: {said.text}"))
    page.on("pageerror", lambda error: problems.append(f"report: {error}"))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(page_file.as_uri())
    page.screenshot(path=folder / "report.png", full_page=True)
    problems += [f"report asked for {url}" for url in asked if url != page_file.as_uri()]
    found = Axe().run(page, options=_RULES).response["violations"]
    problems += [f"report: {one['id']}: {_where(one)}" for one in found]
    problems += _against_export(page, command, folder)
    if page_file.stat().st_size > _REPORT_MAX_BYTES:
        problems.append(f"report: {page_file.stat().st_size} bytes")
    context.close()
    with tempfile.TemporaryDirectory() as place:
        engine = _engine(chromium, Path(place))
        subprocess.run([*command, "--pdf", "--browser", str(engine), "--output", str(printed)], check=True)
    if not printed.read_bytes().startswith(b"%PDF-"):
        problems.append("report --pdf wrote no PDF")
    print(f"report: {page_file.stat().st_size / 1e3:.0f} kB, PDF {printed.stat().st_size / 1e3:.0f} kB")
    return problems


def _against_export(page: Page, command: list[str], folder: Path) -> list[str]:
    """Every number of the table as the browser has it, and as the export has it."""
    file = folder / "cues.csv"
    export = [*command[:3], "export", *command[4:], "--output", str(file)]
    subprocess.run(export, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    names, *rows = page.evaluate(_CELLS)
    with file.open(encoding="utf-8", newline="") as opened:
        wanted = [[cue[name] for name in names] for cue in csv.DictReader(opened)]
    return [] if rows == wanted else [f"report: {len(rows)} cues, not those {len(wanted)} of the export"]


def _engine(chromium: str, folder: Path) -> Path:
    """Chromium refuses to run as root inside its own sandbox; only this tool turns that off."""
    if os.geteuid():
        return Path(chromium)
    engine = folder / "chromium"
    engine.write_text(f'#!/bin/sh\nexec "{chromium}" --no-sandbox "$@"\n', encoding="utf-8")
    engine.chmod(0o700)
    return engine


def _where(violation: dict[str, Any]) -> str:
    return "; ".join(str(node["target"]) for node in violation["nodes"][:3])


if __name__ == "__main__":
    sys.exit(main())
