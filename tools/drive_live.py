"""Drives the live view and practice in a real Chromium; `drive_review.py` and `drive_kiosk.py` do the rest.

    python tools/drive_live.py --chromium "$(command -v chromium)"

The live view looks at a real run of the built-in clip. Practice answers two clips, then one of a photograph
of one's own, and shows the score of a learner made up beforehand. Screenshots go to a folder to be looked at.
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

import numpy as np
from drive_review import Drive
from playwright.sync_api import Browser, sync_playwright
from review_server import ROOT, serving

from edge.practice.answers import FILE_NAME as ANSWERS_NAME
from edge.practice.answers import Answer, add_answer
from edge.practice.staircase import Staircase
from edge.practice.trial import REGIONS, SIDES, draw_trial
from edge.record.png import png_of
from edge.synth.portrait import built_in_portrait

_LOOKS = (("desk", "light", "en"), ("touch", "dark", "de"), ("phone", "light", "de"))
PATIENCE_MS = 300_000  # a busy machine compiles and draws for minutes


class LiveDrive(Drive):
    """A window on a page that never stops asking: waits for what the page says of itself."""

    def go(self, path: str) -> None:
        """Open a page and wait until it has drawn."""
        self.page.goto(path, wait_until="load")
        if self.page.locator("[data-ready]").count():
            self.page.wait_for_selector("[data-ready]:not([data-ready=no])", timeout=PATIENCE_MS)


@contextmanager
def running(data_dir: Path, *options: str) -> Iterator[None]:
    """A real run of the built-in clip at its own pace."""
    microcue = [sys.executable, "-m", "edge.cli"]  # compiling takes minutes, the first time
    subprocess.run([*microcue, "warmup"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    command = [*microcue, "run", "--camera", "demo", "--realtime", "--led", "none"]
    with subprocess.Popen([*command, "--data", str(data_dir), "-q", *options], cwd=ROOT) as run:
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
        with running(data_dir):
            for look in _LOOKS:
                drive = LiveDrive(browser, served.base, folder, look)
                drive.context.add_cookies(cookies)  # type: ignore[arg-type]
                drive.go("/live")
                drive.page.wait_for_selector("#light.watching, #light.learning", timeout=PATIENCE_MS)
                drive.page.wait_for_timeout(4000)
                drive.look("live")
                drive.expect("miod" in drive.page.inner_text("#scale"), "the scale is told")
                drive.expect("px" in drive.page.inner_text("#framing"), "how large the face is, is told")
                problems += drive.problems
                drive.context.close()
    return problems


def _practice(browser: Browser, data_dir: Path, folder: Path) -> list[str]:
    with _practising(data_dir) as link:
        drive = LiveDrive(browser, link.partition("/login")[0], folder)
        drive.go(link)
        _answer_two(drive)
    return drive.problems + _own_portrait(browser, data_dir, folder) + _scores(browser, data_dir, folder)


@contextmanager
def _practising(data_dir: Path, *options: str) -> Iterator[str]:
    command = [sys.executable, "-m", "edge.cli", "practice", "--json", "--data", str(data_dir), "--port", "0"]
    with subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True, cwd=ROOT) as server:
        try:
            assert server.stdout is not None
            yield json.loads(server.stdout.readline())["link"]
        finally:
            server.terminate()


def _own_portrait(browser: Browser, data_dir: Path, folder: Path) -> list[str]:
    """A photograph of one's own, the built-in one the other way round: neither it nor its name is kept."""
    with tempfile.TemporaryDirectory() as elsewhere:
        photograph = Path(elsewhere) / "jane-doe.png"
        photograph.write_bytes(png_of(np.ascontiguousarray(built_in_portrait().luma[:, ::-1])))
        with _practising(data_dir, "--portrait", str(photograph)) as link:
            drive = LiveDrive(browser, link.partition("/login")[0], folder, ("phone", "dark", "de"))
            drive.go(link)
            _answer(drive, "nose", "practice-own")
    kept = {path.name: path.read_bytes() for path in data_dir.rglob("*") if path.is_file()}
    drive.expect(list(kept) == [ANSWERS_NAME], f"of practice only answers are kept, not {list(kept)}")
    drive.expect(b"jane" not in kept[ANSWERS_NAME], "the photograph's name is not kept")
    return drive.problems


def _scores(browser: Browser, data_dir: Path, folder: Path) -> list[str]:
    """The score of somebody who sees a movement the likelier the larger it is, over three days."""
    rng = np.random.default_rng(2)
    staircase = Staircase()
    for k in range(120):
        trial = draw_trial(*staircase.next(), rng)
        seen = rng.random() < (0.1 if trial.is_still else 1 - np.exp(-((trial.amplitude_miod / 25) ** 2)))
        region = trial.region if rng.random() < 0.8 else REGIONS[rng.integers(len(REGIONS))]
        side = trial.side if rng.random() < 0.7 else SIDES[rng.integers(len(SIDES))]
        said = (bool(seen), region or "brow", side or "left") if seen else (False, "", "")
        answer = Answer(trial, *said, 0, 1.7e9 + 86400 * (k // 40), "learner", "built-in")
        add_answer(data_dir, answer)
        staircase.take(answer)
    problems: list[str] = []
    for look in _LOOKS:
        with _practising(data_dir, "--who", "learner") as link:
            drive = LiveDrive(browser, link.partition("/login")[0], folder, look)
            drive.go(link)
            drive.look("practice-scores")
            drive.shows(".score tbody tr", 4, "a row for all answers and for each day")
            problems += drive.problems
    return problems


def _answer_two(drive: LiveDrive) -> None:
    drive.look("practice-begin")
    for region in ("brow", "mouth"):
        _answer(drive, region, f"practice-{region}")
    drive.look("practice-score", "/")


def _answer(drive: LiveDrive, region: str, name: str) -> None:
    page = drive.page
    page.click("#next")
    page.wait_for_selector("[data-ready=asked]", timeout=PATIENCE_MS)
    page.check("input[name=moved][value=yes]")
    page.check(f"input[name=region][value={region}]")
    page.check("input[name=side][value=left]")
    drive.look(f"{name}-question")
    page.click("#question button")
    page.wait_for_selector("[data-ready=told]", timeout=PATIENCE_MS)
    page.wait_for_timeout(6000)
    drive.look(f"{name}-answer")
    drive.expect(bool(page.inner_text("#told")), "what was right is told")


def main() -> int:
    """Drive everything and say what was wrong."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--chromium", required=True, help="the browser's executable")
    parser.add_argument("--only", choices=("live", "practice"), help="one of the two")
    parser.add_argument("--screenshots", type=Path, default=ROOT / ".cache" / "screenshots")
    args = parser.parse_args()
    args.screenshots.mkdir(parents=True, exist_ok=True)
    problems: list[str] = []
    with tempfile.TemporaryDirectory() as name, sync_playwright() as driver:
        folder = Path(name)
        browser = driver.chromium.launch(executable_path=args.chromium, args=["--no-sandbox"])
        if args.only in (None, "live"):
            problems += _live(browser, folder / "live", args.screenshots)
        if args.only in (None, "practice"):
            problems += _practice(browser, folder / "practice", args.screenshots)
        browser.close()
    for problem in problems:
        print(problem)
    print(f"{len(problems)} problems; screenshots in {args.screenshots}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
