"""What is shipped, and how each file is made of its original.

The choices (exponents, range methods, which part stays float) were compared on held-out faces;
see models/MODEL_CARD.md for what each one costs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quantize.equalise import equalise
from quantize.graph import Graph
from quantize.integers import quantise
from quantize.originals import DETECTOR, LANDMARKS, Original
from quantize.pictures import PictureInput, face_crops, scene_crops
from quantize.ranges import Range, least_squares_range, measured_ranges, percentile_range
from quantize.rewrite import (
    clamp_into_halves,
    float_operators,
    fuse_relu,
    split_prelu,
    store_half_precision,
    unfold_half_precision,
)


@dataclass(frozen=True)
class Family:
    """Variants of one original.

    `outputs` says which part each output of the graph is, in order, and under which name it ships.
    """

    role: str
    original: Original
    picture: PictureInput
    outputs: tuple[str, ...]


@dataclass(frozen=True)
class Recipe:
    """How one file is made; `integer` False is the original with its weights as float16."""

    name: str
    family: Family
    summary: str
    integer: bool = True
    exponent: float = 0.0
    choose_range: Callable[[NDArray, float, float], Range] = least_squares_range
    float_side_max: int = 0
    float_names: tuple[str, ...] = ()


LANDMARK_FAMILY = Family("landmarks", LANDMARKS, PictureInput(192, 0.0, 1.0), ("landmarks", "presence"))
DETECTOR_FAMILY = Family("detector", DETECTOR, PictureInput(128, -1.0, 1.0), ("boxes", "scores"))

RECIPES = (
    Recipe(
        "face_landmark_int8",
        LANDMARK_FAMILY,
        "int8 down to the 12 x 12 stage, float from the 6 x 6 stage on, so that the answer has no steps",
        exponent=0.75,
        float_side_max=6,
    ),
    Recipe(
        "face_landmark_int8_strict",
        LANDMARK_FAMILY,
        "every operator int8, between one QUANTIZE and one DEQUANTIZE for each output",
        exponent=0.75,
    ),
    Recipe("face_landmark_fp16", LANDMARK_FAMILY, "float, weights stored as float16", integer=False),
    Recipe(
        "face_detection_int8",
        DETECTOR_FAMILY,
        "int8 down to the 32 x 32 stage, float from the 16 x 16 stage on",
        exponent=1.0,
        float_side_max=16,
    ),
    Recipe(
        "face_detection_int8_f32head",
        DETECTOR_FAMILY,
        "int8 but for the four answering convolutions: the strictest detector that still finds faces",
        exponent=1.0,
        choose_range=percentile_range,
        float_names=("classificator_8", "classificator_16", "regressor_8", "regressor_16"),
    ),
    Recipe("face_detection_fp16", DETECTOR_FAMILY, "float, weights stored as float16", integer=False),
)

_N_FACES = 200
_SEED = 0


def calibration_pictures(family: Family, portrait: NDArray[np.uint8]) -> NDArray[np.float32]:
    """What the ranges are measured on; the same at every call."""
    crops = face_crops if family is LANDMARK_FAMILY else scene_crops
    return crops(portrait, family.picture, _N_FACES, _SEED)


def float_reference(family: Family, original: bytes) -> Graph:
    """The original with float32 weights, its borders named as shipped: what errors are measured against."""
    graph = Graph(original)
    unfold_half_precision(graph)
    _name_borders(graph, family)
    return graph


def build(recipe: Recipe, original: bytes, pictures: NDArray[np.float32]) -> Graph:
    """The shipped graph.

    Parameters
    ----------
    original : bytes
        Content of the float .tflite file.
    pictures : float32 [shape=(n_pictures, side, side, 3)], in the model's input range
        For calibration; not used where the recipe is not `integer`.
    """
    graph = Graph(original)
    unfold_half_precision(graph)
    if recipe.integer:
        fuse_relu(graph)
        equalise(graph, pictures, recipe.exponent)
        kept_float = float_operators(graph, recipe.float_side_max, recipe.float_names)
        halves = split_prelu(graph, kept_float)
        ranges = measured_ranges(graph, pictures, recipe.choose_range)
        signs = clamp_into_halves(graph, halves)
        quantise(graph, ranges, kept_float, signs)
    store_half_precision(graph)
    _name_borders(graph, recipe.family)
    return graph


def _name_borders(graph: Graph, family: Family) -> None:
    graph.rename(graph.inputs[0], "picture")
    for tensor, part in zip(graph.outputs, family.outputs, strict=True):
        graph.rename(tensor, part)
