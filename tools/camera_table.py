"""Which camera for which distance and rate: computed from sensors and lenses, into `docs/hardware.md`.

    python tools/camera_table.py            print the table
    python tools/camera_table.py --write    put it into the page

A face stands for 135 mm from cheek to cheek, about the mean of adults. The lens is taken as a pinhole,
which holds within some percent but for wide lenses. The picture is 640x480, as microcue asks for it, cut
from the middle of what the mode sees.
"""

from __future__ import annotations

import argparse
import math
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SENSORS = Path(__file__).parent / "hardware" / "sensors.toml"
PAGE = ROOT / "docs" / "hardware.md"
FACE_MM = 135.0
DISTANCES_CM = (40, 60, 100)
WIDTH_PX, HEIGHT_PX = 640, 480
# docs/cameras.md: good, and fails below
GOOD_PX, LEAST_PX = 120, 60
BEGIN, END = "<!-- made by tools/camera_table.py -->", "<!-- end -->"


def face_px(camera: dict[str, Any], mode: dict[str, Any], distance_cm: float) -> float:
    """Width of a face in the picture, px."""
    on_sensor_um = FACE_MM * 1e3 * camera["lens_mm"] / (distance_cm * 10)
    return on_sensor_um / camera["pitch_um"] / sensor_px_per_pixel(mode)


def sensor_px_per_pixel(mode: dict[str, Any]) -> float:
    """Sensor pixels for one of the picture's, after cutting to its shape."""
    width, height = mode["crop"]
    return min(width / WIDTH_PX, height / HEIGHT_PX)


def seen_cm(camera: dict[str, Any], mode: dict[str, Any], distance_cm: float) -> float:
    """How much of the world the picture's width shows at a distance, cm."""
    return WIDTH_PX * FACE_MM / 10 / face_px(camera, mode, distance_cm)


def angle_deg(camera: dict[str, Any], mode: dict[str, Any]) -> float:
    """Horizontal field of view of the picture, degrees."""
    half_um = WIDTH_PX * sensor_px_per_pixel(mode) * camera["pitch_um"] / 2
    return 2 * math.degrees(math.atan(half_um / (camera["lens_mm"] * 1e3)))


def table() -> str:
    """The table as Markdown, the fastest modes first."""
    from edge.spot.cadence import FRAMES_NEEDED

    rows = [(mode["fps"], camera, mode) for camera in cameras() for mode in camera["modes"]]
    head = ["camera", "shutter", "frames/s", "shortest movement", "field of view"]
    head += [f"face at {distance} cm" for distance in DISTANCES_CM] + ["room at 60 cm"]
    lines = [head, ["---"] * len(head)]
    for fps, camera, mode in sorted(rows, key=lambda row: -row[0]):
        faces = [in_words(face_px(camera, mode, distance)) for distance in DISTANCES_CM]
        lines.append(
            [
                f"[{camera['name']}]({camera['source']})",
                camera["shutter"],
                f"{fps:.0f}",
                f"{FRAMES_NEEDED * 1e3 / fps:.0f} ms",
                f"{angle_deg(camera, mode):.0f}°",
                *faces,
                f"{seen_cm(camera, mode, 60):.0f} cm",
            ]
        )
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def in_words(face: float) -> str:
    """Pixels, bold where they are enough; too few, or a face that fills the picture, in brackets."""
    text = f"{face:.0f} px"
    if face < LEAST_PX or face > 0.7 * WIDTH_PX:
        return f"({text})"
    return f"**{text}**" if face >= GOOD_PX else text


def cameras() -> list[dict[str, Any]]:
    """Every camera of sensors.toml."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    found: list[dict[str, Any]] = tomllib.loads(SENSORS.read_text(encoding="utf-8"))["camera"]
    return found


def with_table(page: str) -> str:
    """The page with the table between its two marks."""
    return re.sub(f"{BEGIN}.*?{END}", lambda _: f"{BEGIN}\n{table()}\n{END}", page, flags=re.DOTALL)


def main() -> int:
    """Print, or write into the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true")
    if parser.parse_args().write:
        PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    else:
        print(table())
    return 0


if __name__ == "__main__":
    sys.exit(main())
