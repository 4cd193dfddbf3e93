"""How fast the review page is with a long session, in a real Chromium: paint, zooms, memory of the server.

    python tools/bench_review.py --chromium /usr/bin/chromium

Makes a session of 4 hours at 200 frames a second with 2,000 cues (tools/review_session.py; some minutes),
or takes one that is there with --data. Says how busy the machine was beside it, since every time here is its,
and what the server needed of a processor for one zoom, which is not. The bars: first paint below 1 s, a zoom
below 100 ms until its traces are drawn, server below 150 MB. A zoom is timed inside the page, from the key to
the drawing that shows the new stretch.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright
from review_server import Served, serving
from review_session import record_long_session

_PAINT_MS, _ZOOM_MS, _SERVER_MB = 1000.0, 100.0, 150.0
_PAGES = ("", "/cues", "/cues/100", "/patterns", "/agreement")
# into the middle until 3 s are in view, along, and out again
_KEYS = ("+",) * 12 + ("ArrowRight",) * 4 + ("-",) * 4
_PAINT = """() => new Promise((done) => {
  const found = (entry) => entry.name === "first-contentful-paint";
  const said = (list) => { const one = list.getEntries().find(found); if (one) done(one.startTime); };
  new PerformanceObserver(said).observe({ type: "paint", buffered: true });
})"""
_ZOOM = """key => new Promise((done) => {
  const board = document.getElementById("board"), begin = performance.now();
  const seen = new MutationObserver(() => { seen.disconnect(); done(performance.now() - begin); });
  seen.observe(board, { attributeFilter: ["data-drawn"] });
  document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
})"""


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--chromium", required=True, help="the browser's executable")
    parser.add_argument("--data", type=Path, help="a data directory (default: one made for it)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        data_dir = args.data or Path(folder) / "data"
        if args.data is None:
            record_long_session(data_dir, hours=4.0, fps=200.0, n_cues=2000)
        browser = driver.chromium.launch(executable_path=args.chromium, args=["--no-sandbox"])
        with serving(data_dir) as served:
            page = browser.new_page(viewport={"width": 1440, "height": 900}, base_url=served.base)
            lines = _measured(page, served)
        browser.close()
    for words, value, bar, unit in lines:
        print(f"{words:44} {value:7.0f} {unit}   {'ok' if value < bar else f'over {bar:.0f}'}")
    return 0 if all(value < bar for _, value, bar, _ in lines) else 1


def _measured(page: Page, served: Served) -> list[tuple[str, float, float, str]]:
    print(f"{_load()} at the start; {served.memory_mb()[0]:.0f} MB the server as it starts")
    page.goto(served.link, wait_until="networkidle")
    page.goto("/", wait_until="networkidle")
    session = page.locator("a.row-link").first.get_attribute("href") or ""
    lines = []
    for name in _PAGES:
        paints = []
        for _ in range(3):
            page.goto(session + name, wait_until="load")
            paints.append(page.evaluate(_PAINT))
        lines.append((f"first paint of {name or '/'}", max(paints), _PAINT_MS, "ms"))
    lines += _zooms(page, served, session, "while it is being read")
    page.goto(session, wait_until="networkidle")
    page.wait_for_function(
        "() => (document.getElementById('board').dataset.drawn || '').endsWith(',1')", timeout=1_800_000
    )
    lines += _zooms(page, served, session, "once it is read")
    lines.append(("server, proportional memory", served.memory_mb()[0], _SERVER_MB, "MB"))
    lines.append(("server, resident at most", _peak_mb(served.process_id), _SERVER_MB, "MB"))
    print(f"{_load()} at the end")
    return lines


def _zooms(page: Page, served: Served, session: str, when: str) -> list[tuple[str, float, float, str]]:
    page.goto(session, wait_until="load")
    page.wait_for_selector("#board[data-drawn]")
    before_s = served.cpu_s()
    times = [float(page.evaluate(_ZOOM, key)) for key in _KEYS]
    cpu_ms = 1000 * (served.cpu_s() - before_s) / len(times)
    times.sort()
    half, most = statistics.median(times), times[-2]
    print(
        f"zooms {when}: {half:.0f} ms in half, {most:.0f} in all but one; {cpu_ms:.0f} ms of processor each"
    )
    return [(f"zoom {when}, all but one of {len(times)}", most, _ZOOM_MS, "ms")]


def _peak_mb(process_id: int) -> float:
    lines = Path(f"/proc/{process_id}/status").read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024


def _load() -> str:
    return f"{os.getloadavg()[0]:.1f} processes wanted {os.cpu_count()} processors in the last minute"


if __name__ == "__main__":
    sys.exit(main())
