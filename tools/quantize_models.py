"""Rebuild every shipped model from its published original, and measure what quantising costs.

    tools/quantize_models.py                  build, measure, write manifests and model card
    tools/quantize_models.py --evaluate       measure what is there, change nothing

Downloads one wheel of mediapipe with pip and reads two files in it; nothing of it is installed. The
same inputs give the same bytes. Held-out clips are taken from --clips, or $MICROCUE_CLIPS.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from quantize.card import write_card
from quantize.manifest import read_manifest, write_manifest, write_model
from quantize.measure import Comparison, Figures, Frame, frames_of_clips, frames_of_portrait
from quantize.originals import Original, read_originals
from quantize.pictures import read_luma
from quantize.recipes import (
    DETECTOR_FAMILY,
    LANDMARK_FAMILY,
    RECIPES,
    build,
    calibration_pictures,
    float_reference,
)

_ROOT = Path(__file__).resolve().parent.parent
_PORTRAIT = _ROOT / "edge" / "synth" / "portrait.png"
_MEAN_MAX_PERCENT_IOD, _P95_MAX_PERCENT_IOD = 1.5, 3.0
_SHIPPED_DEFAULTS = ("face_landmark_int8", "face_detection_int8")


def main() -> int:
    """Exit code 1 where a default model misses its bar."""
    arguments = _parse()
    portrait = read_luma(str(_PORTRAIT))
    originals = read_originals(arguments.wheel)
    if not arguments.evaluate:
        _build_all(arguments.output, originals, portrait)
    held_out = {"portrait": frames_of_portrait(portrait)}
    if arguments.clips:
        held_out["clips"] = frames_of_clips(arguments.clips)
    figures = _measure_all(arguments.output, originals, held_out)
    if not arguments.evaluate:
        _keep(arguments.output, figures)
    return 0 if all(_meets_bar(*item) for item in figures.items()) else 1


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    clips = os.environ.get("MICROCUE_CLIPS")
    parser.add_argument("--evaluate", action="store_true", help="measure only")
    parser.add_argument("--output", type=Path, default=_ROOT / "models", help="folder of the models")
    parser.add_argument("--wheel", type=Path, help="mediapipe 0.10.21 wheel at hand, instead of a download")
    parser.add_argument(
        "--clips", type=Path, default=Path(clips) if clips else None, help="folder of held-out videos"
    )
    return parser.parse_args()


def _build_all(folder: Path, originals: dict[Original, bytes], portrait: Frame) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for recipe in RECIPES:
        print(f"building {recipe.name}", file=sys.stderr)
        pictures = calibration_pictures(recipe.family, portrait)
        graph = build(recipe, originals[recipe.family.original], pictures)
        write_model(folder, recipe.name, recipe.summary, recipe.family, graph)


def _measure_all(
    folder: Path, originals: dict[Original, bytes], held_out: dict[str, list[Frame]]
) -> dict[tuple[str, str], Figures]:
    """Figures by model and held-out set, printed as they come."""
    figures = {}
    with tempfile.TemporaryDirectory() as references:
        for family in (LANDMARK_FAMILY, DETECTOR_FAMILY):
            graph = float_reference(family, originals[family.original])
            write_model(Path(references), family.role, "float original", family, graph)
        for name, frames in held_out.items():
            comparison = Comparison(Path(references), frames)
            for recipe in RECIPES:
                measure = (
                    comparison.landmark_figures
                    if recipe.family is LANDMARK_FAMILY
                    else comparison.detector_figures
                )
                figures[recipe.name, name] = measure(folder, recipe.name)
                shown = "  ".join(f"{key} {value}" for key, value in figures[recipe.name, name].items())
                print(f"{recipe.name} on {name}: {shown}")
    return figures


def _keep(folder: Path, figures: dict[tuple[str, str], Figures]) -> None:
    for (model, held_out), measured in figures.items():
        path = folder / f"{model}.toml"
        manifest = read_manifest(path)
        manifest.setdefault("error", {})[held_out] = measured
        write_manifest(path, manifest)
    write_card(folder)


def _meets_bar(key: tuple[str, str], figures: Figures) -> bool:
    if key[0] not in _SHIPPED_DEFAULTS:
        return True
    if "mean_percent_iod" in figures:
        return (
            figures["mean_percent_iod"] <= _MEAN_MAX_PERCENT_IOD
            and figures["p95_percent_iod"] <= _P95_MAX_PERCENT_IOD
        )
    return figures["n_beyond_margin"] == 0


if __name__ == "__main__":
    sys.exit(main())
