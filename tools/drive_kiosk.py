"""Drives the visitors' screen in a real Chromium beside a real kiosk: `microcue run` on the built-in clip.

    python tools/drive_kiosk.py --chromium "$(command -v chromium)"

Three visitors agree on three screens and are watched: one is paused from the live view, one stops and then
has everything deleted, one has it deleted while the camera is on. Of who was deleted no file may hold the
code. A recording needs no light beside a camera, so none is played. Screenshots go to a folder to be looked
at.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from drive_live import PATIENCE_MS, LiveDrive, running
from playwright.sync_api import Browser, sync_playwright
from review_server import ROOT, serving

_TEXT = """We look for brief movements of the face, to learn how often they come.
No picture and no sound are kept. We keep when something moved, how far, and for how long.
After 30 days all of it is deleted; sooner if you say so. It does not say what anybody feels.
Ask: the lab, room 2."""
_SEES_A_CUE = "() => /[1-9]\\d* m[ia][kc]ro/.test(document.getElementById('counts').textContent)"


class Visitor:
    """Somebody before the screen, and the desk from which the run is looked at.

    Parameters
    ----------
    browser : Browser
    base : str
    shots : Path
    look : tuple of str
    data_dir : Path
    """

    def __init__(
        self, browser: Browser, base: str, shots: Path, look: tuple[str, str, str], data_dir: Path
    ) -> None:
        self.drive = LiveDrive(browser, base, shots, look)
        self.page, self.code, self._data_dir = self.drive.page, "", data_dir

    def agrees(self) -> None:
        """Reads, ticks one of the two, agrees, and is watched within seconds."""
        self.drive.go("/kiosk")
        self.page.wait_for_selector("#begin", timeout=PATIENCE_MS)
        self.drive.look("kiosk-asking")
        self.drive.shows("input:checked", 0, "nothing is ticked beforehand")
        self.page.check("input[value=signals]")
        self.page.click("#begin")
        self.reaches("watching")
        self.code = self.page.inner_text(".code")
        self.drive.look("kiosk-watching")

    def reaches(self, phase: str) -> None:
        """Waits until the screen has turned, as it does by itself."""
        self.page.wait_for_selector(f"[data-phase={phase}]", timeout=PATIENCE_MS)

    def may_delete(self) -> None:
        """The visit is over: the screen has its code."""
        self.reaches("deletable")
        self.drive.expect(self.page.inner_text(".code") == self.code, "the code is this visit's")
        self.drive.look("kiosk-deletable")

    def has_it_deleted(self, others: list[str]) -> None:
        """Presses the button; then no file holds the code, and no other visit's is shown."""
        self.page.click("#delete")
        self.page.wait_for_selector("text=/has been deleted|wurde gelöscht/", timeout=PATIENCE_MS)
        self.reaches("asking")
        self.drive.look("kiosk-deleted")
        held = [path.name for path in self._data_dir.rglob("*") if self._holds(path)]
        self.drive.expect(not held, f"after the deletion the code stands in {held}")
        text = self.page.inner_text("body")
        self.drive.expect(not any(one in text for one in others), "nobody else's visit is offered")

    def _holds(self, path: Path) -> bool:
        return path.is_file() and self.code.encode() in path.read_bytes()


def _visits(browser: Browser, served_base: str, desk: LiveDrive, data_dir: Path, shots: Path) -> list[str]:
    looks = (("touch", "light", "en"), ("touch", "dark", "de"), ("phone", "light", "de"))
    first, second, third = (Visitor(browser, served_base, shots, look, data_dir) for look in looks)
    first.agrees()
    _watch_from_the_desk(desk)
    desk.page.get_by_role("button", name="Pause").click()
    first.may_delete()
    _is_listed(desk, first.code, True)
    second.agrees()
    second.page.click("#stop")
    second.may_delete()
    _is_listed(desk, second.code, True)
    second.has_it_deleted([first.code])
    third.agrees()
    third.has_it_deleted([first.code, second.code])
    _is_listed(desk, third.code, False)
    _is_listed(desk, first.code, True)
    return first.drive.problems + second.drive.problems + third.drive.problems


def _watch_from_the_desk(desk: LiveDrive) -> None:
    """The live view of a visit: what the light says, and a cue."""
    desk.go("/live")
    desk.page.wait_for_selector("#light.watching", timeout=PATIENCE_MS)
    desk.page.wait_for_function(_SEES_A_CUE, timeout=PATIENCE_MS)
    desk.look("kiosk-live")


def _is_listed(desk: LiveDrive, code: str, expected: bool) -> None:
    desk.go("/")
    is_there = code in desk.page.inner_text("main")
    desk.expect(is_there is expected, f"the visit is {'not ' if expected else 'still '}among the sessions")


def drive(browser: Browser, folder: Path, shots: Path) -> list[str]:
    """Everything; gives what was wrong."""
    data_dir, text, settings = folder / "kiosk", folder / "consent.txt", folder / "kiosk.toml"
    data_dir.mkdir()
    text.write_text(_TEXT)
    settings.write_text(f'[session]\nmode = "kiosk"\n[kiosk]\nconsent_text = "{text}"\n')
    with serving(data_dir, "--config", str(settings)) as served:
        desk = LiveDrive(browser, served.base, shots)
        desk.page.goto(served.link)
        closed = LiveDrive(browser, served.base, shots, ("touch", "light", "en"))
        closed.look("kiosk-closed", "/kiosk")
        with running(data_dir, "--config", str(settings)):
            closed.page.wait_for_selector("[data-phase=asking]", timeout=PATIENCE_MS)
            desk.go("/live")
            desk.page.wait_for_selector("#light.asking", timeout=PATIENCE_MS)
            found = _visits(browser, served.base, desk, data_dir, shots)
        return found + desk.problems + closed.problems


def main() -> int:
    """Drive it and say what was wrong."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--chromium", required=True, help="the browser's executable")
    parser.add_argument("--screenshots", type=Path, default=ROOT / ".cache" / "screenshots")
    args = parser.parse_args()
    args.screenshots.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=args.chromium, args=["--no-sandbox"])
        problems = drive(browser, Path(name), args.screenshots)
        browser.close()
    for problem in problems:
        print(problem)
    print(f"{len(problems)} problems; screenshots in {args.screenshots}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
