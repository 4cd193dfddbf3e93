"""Drives the live view, the kiosk's screen and practice in a real Chromium; `drive_review.py` does the rest.

    python tools/drive_live.py --chromium "$(command -v chromium)"

The live view looks at a real run of the built-in clip; the kiosk is a stand-in without a camera
(`played_kiosk.py`); practice answers two clips. Screenshots go to a folder to be looked at.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from drive_review import Drive
from played_kiosk import PlayedKiosk
from playwright.sync_api import Browser, sync_playwright
from review_server import ROOT, serving

_LOOKS = (("desk", "light", "en"), ("touch", "dark", "de"), ("phone", "light", "de"))
_PATIENCE_MS = 300_000  # a busy machine compiles and draws for minutes
_TEXT = """We look for brief movements of the face, to learn how often they come.
No picture and no sound are kept. We keep when something moved, how far, and for how long.
After 30 days all of it is deleted; sooner if you say so. It does not say what anybody feels.
Ask: the lab, room 2."""


class LiveDrive(Drive):
    """A window on a page that never stops asking: waits for what the page says of itself."""

    def go(self, path: str) -> None:
        """Open a page and wait until it has drawn."""
        self.page.goto(path, wait_until="load")
        if self.page.locator("[data-ready]").count():
            self.page.wait_for_selector("[data-ready]:not([data-ready=no])", timeout=_PATIENCE_MS)


@contextmanager
def _running(data_dir: Path) -> Iterator[None]:
    command = [sys.executable, "-m", "edge.cli", "run", "--camera", "demo", "--realtime", "--led", "none"]
    with subprocess.Popen([*command, "--data", str(data_dir), "-q"], cwd=ROOT) as run:
        try:
            yield
        finally:
            run.terminate()


def _live(browser: Browser, data_dir: Path, folder: Path) -> list[str]:
    problems: list[str] = []
    with serving(data_dir) as served:
        first = LiveDrive(browser, served.base, folder)
        first.page.goto(served.link)
        cookies = first.context.cookies()
        first.look("live-none", "/live")
        first.expect("no run" in first.page.inner_text("#light"), "without a run the page says so")
        problems += first.problems
        with _running(data_dir):
            for look in _LOOKS:
                drive = LiveDrive(browser, served.base, folder, look)
                drive.context.add_cookies(cookies)  # type: ignore[arg-type]
                drive.go("/live")
                drive.page.wait_for_selector("#light.watching, #light.learning", timeout=_PATIENCE_MS)
                drive.page.wait_for_timeout(4000)
                drive.look("live")
                drive.expect("miod" in drive.page.inner_text("#scale"), "the scale is told")
                problems += drive.problems
                drive.context.close()
    return problems


def _kiosk(browser: Browser, folder: Path, shots: Path) -> list[str]:
    data_dir, text, settings = folder / "kiosk", folder / "consent.txt", folder / "kiosk.toml"
    data_dir.mkdir()
    text.write_text(_TEXT)
    settings.write_text(f'[session]\nmode = "kiosk"\n[kiosk]\nconsent_text = "{text}"\n')
    problems: list[str] = []
    with serving(data_dir, "--config", str(settings)) as served:
        closed = LiveDrive(browser, served.base, shots, ("touch", "light", "en"))
        closed.look("kiosk-closed", "/kiosk")
        problems += closed.problems
        for look in (("touch", "light", "en"), ("touch", "dark", "de"), ("phone", "light", "de")):
            kiosk = PlayedKiosk(data_dir)
            drive = LiveDrive(browser, served.base, shots, look)
            try:
                _visit(drive, kiosk)
            finally:
                kiosk.close()
            problems += drive.problems
            drive.context.close()
    return problems


def _visit(drive: LiveDrive, kiosk: PlayedKiosk) -> None:
    """One visitor: reads, agrees, stops, deletes."""
    page = drive.page
    drive.look("kiosk-asking", "/kiosk")
    page.click("#begin")
    page.wait_for_selector("[data-phase=watching]", timeout=_PATIENCE_MS)
    drive.look("kiosk-watching")
    page.click("#stop")
    drive.expect((kiosk.data_dir / "microcue.wish").exists(), "stopping is wished of the run")
    kiosk.end_visit()
    page.wait_for_selector("[data-phase=deletable]", timeout=_PATIENCE_MS)
    drive.look("kiosk-deletable")
    page.click("#delete")
    page.wait_for_selector("text=/deleted now|jetzt gelöscht/", timeout=_PATIENCE_MS)


def _practice(browser: Browser, data_dir: Path, folder: Path) -> list[str]:
    command = [sys.executable, "-m", "edge.cli", "practice", "--json", "--data", str(data_dir), "--port", "0"]
    problems: list[str] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as server:
        try:
            assert server.stdout is not None
            link = json.loads(server.stdout.readline())["link"]
            drive = LiveDrive(browser, link.partition("/login")[0], folder)
            drive.go(link)
            _answer_two(drive)
            problems += drive.problems
            cookies = drive.context.cookies()
            phone = LiveDrive(browser, link.partition("/login")[0], folder, ("phone", "dark", "de"))
            phone.context.add_cookies(cookies)  # type: ignore[arg-type]
            phone.look("practice", "/")
            problems += phone.problems
        finally:
            server.terminate()
    return problems


def _answer_two(drive: LiveDrive) -> None:
    page = drive.page
    drive.look("practice-begin")
    for region in ("brow", "mouth"):
        page.click("#next")
        page.wait_for_selector("[data-ready=asked]", timeout=_PATIENCE_MS)
        page.check("input[name=moved][value=yes]")
        page.check(f"input[name=region][value={region}]")
        page.check("input[name=side][value=left]")
        drive.look(f"practice-question-{region}")
        page.click("#question button")
        page.wait_for_selector("[data-ready=told]", timeout=_PATIENCE_MS)
        page.wait_for_timeout(6000)
        drive.look(f"practice-answer-{region}")
        drive.expect(bool(page.inner_text("#told")), "what was right is told")
    drive.look("practice-score", "/")


def main() -> int:
    """Drive everything and say what was wrong."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--chromium", required=True, help="the browser's executable")
    parser.add_argument("--only", choices=("live", "kiosk", "practice"), help="one of the three")
    parser.add_argument("--screenshots", type=Path, default=ROOT / ".cache" / "screenshots")
    args = parser.parse_args()
    args.screenshots.mkdir(parents=True, exist_ok=True)
    problems: list[str] = []
    with tempfile.TemporaryDirectory() as name, sync_playwright() as driver:
        folder = Path(name)
        browser = driver.chromium.launch(executable_path=args.chromium, args=["--no-sandbox"])
        if args.only in (None, "live"):
            problems += _live(browser, folder / "live", args.screenshots)
        if args.only in (None, "kiosk"):
            problems += _kiosk(browser, folder, args.screenshots)
        if args.only in (None, "practice"):
            problems += _practice(browser, folder / "practice", args.screenshots)
        browser.close()
    for problem in problems:
        print(problem)
    print(f"{len(problems)} problems; screenshots in {args.screenshots}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
