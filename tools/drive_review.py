"""Drives the review page in a real Chromium: pages, decisions, dark and light; desk, touch screen, phone.

Asserts that no page writes an error to the console or asks another host for anything, and that axe-core finds
nothing against WCAG 2.2 AA. Screenshots go to a folder to be looked at.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
_RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}
_SCREENS = {"desk": (1440, 900), "touch": (800, 480), "phone": (390, 844)}


class Drive:
    """One browser window, what it saw, and what was wrong with it."""

    def __init__(self, browser: Browser, base: str, folder: Path, scheme: str, screen: str) -> None:
        width, height = _SCREENS[screen]
        self._context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,  # type: ignore[arg-type]
            has_touch=screen != "desk",
            reduced_motion="reduce",
            base_url=base,
        )
        self.page: Page = self._context.new_page()
        self._folder, self._name = folder, f"{screen}-{scheme}"
        self._host = urlsplit(base).netloc
        self.problems: list[str] = []
        self.page.on("console", lambda said: self._said(said.type, said.text))
        self.page.on("pageerror", lambda error: self._said("error", str(error)))
        self.page.on("request", self._asked)

    def look(self, name: str, path: str = "") -> None:
        """Go somewhere where a path is given, take a screenshot, ask axe."""
        if path:
            self.page.goto(path, wait_until="networkidle")
        self.page.screenshot(path=self._folder / f"{self._name}-{name}.png", full_page=True)
        found = Axe().run(self.page, options=_RULES).response["violations"]
        self.problems += [f"{self._name} {name}: {one['id']}: {_where(one)}" for one in found]

    def expect(self, holds: bool, what: str) -> None:
        """Remember what should have been."""
        if not holds:
            self.problems.append(f"{self._name}: {what}")

    def close(self) -> None:
        self._context.close()

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
    with tempfile.TemporaryDirectory() as folder:
        data_dir = args.data or _made(Path(folder))
        problems = _driven(args.chromium, data_dir, args.screenshots)
    for problem in problems:
        print(problem)
    print(f"{len(problems)} problems; screenshots in {args.screenshots}")
    return 1 if problems else 0


def _made(data_dir: Path) -> Path:
    sys.path.insert(0, str(ROOT / "tests" / "review"))
    from conftest import record_session

    record_session(data_dir)
    return data_dir


def _driven(chromium: str, data_dir: Path, folder: Path) -> list[str]:
    command = [sys.executable, "-m", "edge.cli", "review", "--data", str(data_dir), "--port", "0"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        assert server.stdout is not None
        link = next(found[0] for line in server.stdout if (found := re.search(r"http\S+", line)))
        base = link.partition("/login")[0]
        with sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            try:
                return _walk(browser, base, link, folder)
            finally:
                browser.close()
    finally:
        server.terminate()
        server.wait(10)


def _walk(browser: Browser, base: str, link: str, folder: Path) -> list[str]:
    first = Drive(browser, base, folder, "light", "desk")
    first.look("login", "/login")
    first.page.goto(link, wait_until="networkidle")
    cookies = first.page.context.cookies()
    session = first.page.locator("a.row-link").first.get_attribute("href") or ""
    _decide(first, session)
    _play(first, session)
    problems = first.problems
    first.close()
    for screen, scheme in (("desk", "light"), ("desk", "dark"), ("touch", "light"), ("phone", "dark")):
        drive = Drive(browser, base, folder, scheme, screen)
        drive.page.context.add_cookies(cookies)  # type: ignore[arg-type]
        drive.look("sessions", "/")
        for name in ("", "/cues", "/cues/1", "/patterns", "/agreement"):
            drive.look(name.strip("/").replace("/", "-") or "timeline", session + name)
            wide = drive.page.evaluate("document.documentElement.scrollWidth - innerWidth")
            drive.expect(wide <= 0, f"{name or 'timeline'} is {wide} px wider than the screen")
        problems += drive.problems
        drive.close()
    return problems


def _decide(drive: Drive, session: str) -> None:
    """Keep, dismiss, undo, many at once, filter."""
    page = drive.page
    page.goto(f"{session}/cues/1", wait_until="networkidle")
    page.keyboard.press("k")
    page.wait_for_url(re.compile(r"/cues/\d+"))
    page.goto(f"{session}/cues/1", wait_until="networkidle")
    drive.expect(page.locator("#verdict.kept").count() == 1, "k keeps a cue")
    with page.expect_navigation():
        page.keyboard.press("u")
    page.goto(f"{session}/cues/1", wait_until="networkidle")
    drive.expect(page.locator("#verdict.unreviewed").count() == 1, "u takes it back")
    page.goto(f"{session}/cues", wait_until="networkidle")
    n_before = page.locator("input[name=number]").count()
    page.locator("input[name=number]").nth(1).check()
    page.locator("input[name=number]").nth(2).check()
    with page.expect_navigation():
        page.get_by_role("button", name="Dismiss").click()
    drive.expect(page.locator("input[name=number]").count() == n_before - 2, "dismissed cues hide")
    with page.expect_navigation():
        page.select_option("select[name=review]", "dismissed")
    drive.expect(page.locator("input[name=number]").count() == 2, "the filter shows the dismissed ones")
    with page.expect_navigation():
        page.get_by_role("button", name="Undo").click()
    drive.expect(page.locator("input[name=number]").count() == 0, "undo brings both back")


def _play(drive: Drive, session: str) -> None:
    """Replay, step, magnify; zoom along the session."""
    page = drive.page
    page.goto(f"{session}/cues/1", wait_until="networkidle")
    page.wait_for_selector("#viewer[data-ready]")
    before = int(page.get_attribute("#viewer", "data-frame") or 0)
    page.keyboard.press(".")
    drive.expect(
        int(page.get_attribute("#viewer", "data-frame") or 0) == before + 1, "a full stop steps a frame"
    )
    page.select_option("#speed", "1")
    page.locator("#play").click()
    page.wait_for_timeout(700)
    moved = int(page.get_attribute("#viewer", "data-frame") or 0) != before + 1
    drive.expect(moved, "the replay plays")
    page.locator("#magnify").fill("20")
    drive.expect(page.inner_text("#magnified") == "20×", "it is magnified 20 times")
    page.goto(session, wait_until="networkidle")
    page.wait_for_selector("#board[data-drawn]")
    times = []
    for _ in range(5):
        drawn = page.get_attribute("#board", "data-drawn")
        begin = time.perf_counter()
        page.keyboard.press("+")
        page.wait_for_function("old => document.getElementById('board').dataset.drawn !== old", arg=drawn)
        times.append(time.perf_counter() - begin)
    paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    print(f"first paint {paint:.0f} ms; zooms {', '.join(f'{1000 * one:.0f}' for one in times)} ms")
    page.keyboard.press("n")
    page.wait_for_timeout(200)
    drive.expect(page.locator("#open-cue").is_visible(), "n goes to a cue")


def _where(violation: dict[str, Any]) -> str:
    return "; ".join(str(node["target"]) for node in violation["nodes"][:3])


if __name__ == "__main__":
    sys.exit(main())
