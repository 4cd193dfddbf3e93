"""Calibration pictures, manifests, measures and the build list; no download."""

import hashlib
import zipfile
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("ai_edge_litert", reason="the quantiser reads models with LiteRT's schema")

import quantize_models
from quantize import originals
from quantize.card import write_card
from quantize.manifest import read_manifest, write_manifest, write_model
from quantize.measure import Comparison, frames_of_portrait
from quantize.pictures import PictureInput, face_crops, read_luma, scene_crops
from quantize.recipes import (
    DETECTOR_FAMILY,
    LANDMARK_FAMILY,
    RECIPES,
    build,
    float_reference,
)

from edge.perceive.models import LoadedModel, available_models, models_directory

PORTRAIT = Path(__file__).parents[2] / "edge" / "synth" / "portrait.png"


@pytest.fixture(scope="session")
def portrait():
    """uint8 [shape=(512, 512)]."""
    return read_luma(str(PORTRAIT))


@pytest.fixture(scope="module")
def references(tmp_path_factory):
    """Folder with both float originals; the fp16 files hold the same numbers."""
    folder = tmp_path_factory.mktemp("references")
    for family, stem in ((LANDMARK_FAMILY, "face_landmark"), (DETECTOR_FAMILY, "face_detection")):
        content = (models_directory() / f"{stem}_fp16.tflite").read_bytes()
        write_model(folder, family.role, "float", family, float_reference(family, content))
    return folder


@pytest.mark.parametrize("crops", [face_crops, scene_crops])
def test_calibration_pictures_are_luma_in_range_varied_and_repeatable(portrait, crops):
    picture = PictureInput(64, -1.0, 1.0)
    made = crops(portrait, picture, 16, 3)
    assert made.shape[1:] == (64, 64, 3)
    assert made.dtype == np.float32
    assert made.min() >= -1
    assert made.max() <= 1
    np.testing.assert_array_equal(made[..., 0], made[..., 2])
    assert len({crop.tobytes() for crop in made}) == len(made)
    np.testing.assert_array_equal(made, crops(portrait, picture, 16, 3))
    assert not np.array_equal(made, crops(portrait, picture, 16, 4))


def test_one_calibration_crop_in_nine_shows_no_face(portrait, references):
    made = face_crops(portrait, LANDMARK_FAMILY.picture, 32, 0)
    assert len(made) == 36
    model = LoadedModel("landmarks", "landmarks", directory=references)
    present = []
    for crop in made:
        model.picture[0] = crop
        model.infer()
        present.append(model.output("presence").item() > 0)
    assert not any(present[8::9])
    assert np.mean(np.delete(present, slice(8, None, 9))) > 0.9


def test_the_recipes_are_what_is_shipped():
    assert tuple(sorted(recipe.name for recipe in RECIPES)) == available_models()


def test_a_recipe_gives_the_same_bytes_twice_and_a_model_that_loads(portrait, tmp_path):
    recipe = next(recipe for recipe in RECIPES if recipe.name == "face_detection_int8")
    original = (models_directory() / "face_detection_fp16.tflite").read_bytes()
    pictures = scene_crops(portrait, recipe.family.picture, 6, 0)
    first, second = (build(recipe, original, pictures) for _ in range(2))
    assert first.pack()[0] == second.pack()[0]
    write_model(tmp_path, recipe.name, recipe.summary, recipe.family, first)
    LoadedModel(recipe.name, "detector", directory=tmp_path).infer()


def test_a_manifest_is_read_back_as_it_was_written(tmp_path):
    manifest = {
        "name": 'a "quoted" one – with a dash',
        "size": 3,
        "input": {"range": [-1.0, 1.0], "shape": [1, 2]},
        "outputs": {"boxes": {"name": "b"}, "scores": {"name": "s"}},
        "error": {"clips": {"mean": 0.25}},
    }
    write_manifest(tmp_path / "m.toml", manifest)
    assert read_manifest(tmp_path / "m.toml") == manifest


def test_measured_figures_are_kept_only_while_the_bytes_are_the_same(references, tmp_path):
    content = (references / "detector.tflite").read_bytes()
    for family, changed in ((DETECTOR_FAMILY, False), (DETECTOR_FAMILY, True)):
        graph = float_reference(family, content)
        write_model(tmp_path, "one", "", family, graph)
        manifest = read_manifest(tmp_path / "one.toml")
        write_manifest(tmp_path / "one.toml", manifest | {"error": {"clips": {"n_missed": 0}}})
        if changed:
            graph.rename(graph.operators[0].outputs[0], "renamed")
        write_model(tmp_path, "one", "", family, graph)
        assert ("error" in read_manifest(tmp_path / "one.toml")) is not changed


def test_the_float_original_has_no_error_against_itself_and_int8_meets_its_bar(portrait, references):
    comparison = Comparison(references, frames_of_portrait(portrait)[:16])
    itself = comparison.landmark_figures(references, "landmarks")
    assert (itself["mean_percent_iod"], itself["presence_agrees_percent"]) == (0.0, 100.0)
    assert itself["n_faces"] >= 10
    shipped = comparison.landmark_figures(models_directory(), "face_landmark_int8")
    assert 0 < shipped["mean_percent_iod"] <= 1.5
    assert shipped["p95_percent_iod"] <= 3
    found = comparison.detector_figures(models_directory(), "face_detection_int8")
    assert found["n_beyond_margin"] == 0
    assert 0.9 < found["iou_mean"] < 1


def test_the_card_lists_every_model_with_its_figures(tmp_path):
    for path in models_directory().glob("*.toml"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    write_card(tmp_path)
    card = (tmp_path / "MODEL_CARD.md").read_text()
    assert card == (models_directory() / "MODEL_CARD.md").read_text()
    assert all(f"| `{name}` |" in card for name in available_models())
    assert "{" not in card


@pytest.mark.parametrize(
    ("model", "figures", "met"),
    [
        ("face_landmark_int8", {"mean_percent_iod": 1.5, "p95_percent_iod": 3.0}, True),
        ("face_landmark_int8", {"mean_percent_iod": 1.51, "p95_percent_iod": 2.0}, False),
        ("face_landmark_int8", {"mean_percent_iod": 1.0, "p95_percent_iod": 3.1}, False),
        ("face_detection_int8", {"n_beyond_margin": 1}, False),
        ("face_detection_int8", {"n_beyond_margin": 0}, True),
        ("face_detection_int8_f32head", {"n_beyond_margin": 3}, True),
    ],
)
def test_only_the_default_models_have_a_bar_to_meet(model, figures, met):
    assert quantize_models._meets_bar((model, "clips"), figures) is met


def test_an_original_with_another_hash_is_refused(tmp_path):
    wheel = tmp_path / "other.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for original in (originals.LANDMARKS, originals.DETECTOR):
            archive.writestr(original.member, b"something else")
    found = hashlib.sha256(b"something else").hexdigest()
    with pytest.raises(ValueError, match=f"face_landmark.tflite: expected SHA-256 \\w{{64}}, found {found}"):
        originals.read_originals(wheel)
