"""The patch tracker against the physical limit: noise, bias, a hand's edge, cost.

    .venv-benchmark/bin/python tools/benchmark_tracking.py --json tracking.json --plots plots

Needs OpenCV for the comparison of speed and matplotlib for the plots (the extra `benchmark`); `--skip speed`
does without the first. docs/tracking.md says what the numbers mean.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from tracking.bias import measure_bias
from tracking.bound import measure_noise
from tracking.cover import measure_cover

PARTS = ("noise", "bias", "cover", "speed")
WIDTHS_PX = (120.0, 200.0, 300.0)


def noise(quick: bool) -> list[dict[str, Any]]:
    """Frame noise and template noise over their bound."""
    print("Noise of one patch over its Cramér–Rao bound (bar: median 1.3)")
    print("face px  noise  patches   bound px   frame median  p95   template median  p95")
    rows = []
    for width in WIDTHS_PX:
        for levels in (2.0, 6.0):
            row = measure_noise(width, levels, n_templates=3 if quick else 6)
            rows.append(row)
            print(
                f"{width:7.0f} {levels:6.0f} {row['n_patches']:8} {row['bound_median_px']:10.4f}"
                f" {row['frame_median']:14.2f} {row['frame_p95']:4.2f}"
                f" {row['template_median']:17.2f} {row['template_p95']:4.2f}",
                flush=True,
            )
    return rows


def bias(quick: bool) -> list[dict[str, Any]]:
    """Bias over phase, step and distance."""
    print("\nBias, px (bar: 0.02)")
    print("face px  worst phase  steps to 2 px: rms  p95   15 px away: rms  p95")
    rows = []
    for width in WIDTHS_PX:
        row = measure_bias(width, n_phases=4 if quick else 8)
        rows.append(row)
        steps, far = row["steps"], row["far"]
        print(
            f"{width:7.0f} {row['worst_phase_rms_px']:12.4f} {steps['rms_px']:19.4f} {steps['p95_px']:.4f}"
            f" {far['rms_px']:16.4f} {far['p95_px']:.4f}",
            flush=True,
        )
    return rows


def cover(quick: bool) -> list[dict[str, Any]]:
    """Largest movement reported while a hand's edge sweeps over."""
    print("\nA hand's edge: largest movement a patch reports, px (bar: 0.4)")
    print("face px  noise  speed px/frame  median    p95    p99   most  over the bar")
    rows = []
    for width in (200.0,) if quick else (120.0, 200.0):
        for row in measure_cover(width, 2.0):
            rows.append({"face_width_px": width, "noise_levels": 2.0, **row})
            print(
                f"{width:7.0f} {2:6} {row['speed_px']:15.1f} {row['median_px']:7.3f}"
                f" {row['p95_px']:6.3f} {row['p99_px']:6.3f} {row['most_px']:6.2f}"
                f" {row['over_bar_share']:13.1%}",
                flush=True,
            )
    return rows


def speed(quick: bool) -> dict[str, Any]:
    """Ratios against OpenCV, and of our own cost."""
    from tracking.speed import Case, against_opencv, cost_table, n_iterations_used

    del quick
    print("\ncalcOpticalFlowPyrLK takes so many times our CPU time (bar 5, goal 20)")
    peers = against_opencv()
    for row in peers:
        spread = f"({row['quartile_low']:.1f} to {row['quartile_high']:.1f})"
        print(f"{row['against']:12} {row['what']:18} {row['ratio']:6.1f} {spread}", flush=True)
    print("\nOur cost over one face, 640 x 480, start within 0.05 px")
    costs = cost_table()
    for row in costs:
        print(
            f"{row['case']:38} {row['ratio']:5.2f} ({row['quartile_low']:.2f} to {row['quartile_high']:.2f})"
        )
    case = Case()
    samplings = {shift: n_iterations_used(case, shift) for shift in (0.0, 0.25, 0.5, 1.0, 2.0)}
    print("samplings a patch, by how much further off the start is:", end=" ")
    print(", ".join(f"{shift} px {n:.2f}" for shift, n in samplings.items()))
    return {"against_opencv": peers, "cost": costs, "samplings": samplings}


def main() -> None:
    """Measure what was asked for; print, and write JSON and plots on request."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--plots", type=Path, metavar="DIR")
    parser.add_argument("--quick", action="store_true", help="fewer repetitions")
    parser.add_argument("--skip", choices=PARTS, action="append", default=[])
    arguments = parser.parse_args()
    measures = {"noise": noise, "bias": bias, "cover": cover, "speed": speed}
    results = {name: measures[name](arguments.quick) for name in PARTS if name not in arguments.skip}
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    if arguments.plots:
        from tracking.plots import draw

        draw(results, arguments.plots)


if __name__ == "__main__":
    main()
