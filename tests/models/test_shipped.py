"""The shipped files against their manifests, and what is said where they do not fit."""

import hashlib
import pickle
import shutil

import pytest

from edge.config import PerceiveConfig
from edge.errors import EXIT_INPUT_OUTPUT
from edge.perceive.models import (
    LoadedModel,
    ModelAltered,
    ModelMissing,
    available_models,
    load_model_info,
    models_directory,
)

SHIPPED = (
    "face_detection_fp16",
    "face_detection_int8",
    "face_detection_int8_f32head",
    "face_landmark_fp16",
    "face_landmark_int8",
    "face_landmark_int8_strict",
)


@pytest.fixture
def folder(tmp_path):
    """A copy of one shipped model and its manifest."""
    for suffix in ("tflite", "toml"):
        shutil.copy(models_directory() / f"face_detection_int8.{suffix}", tmp_path)
    return tmp_path


@pytest.fixture
def manifest(folder):
    return folder / "face_detection_int8.toml"


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_all_variants_are_shipped_and_the_default_settings_name_two_of_them():
    assert available_models() == SHIPPED
    assert {PerceiveConfig().detector, PerceiveConfig().landmarks} <= set(SHIPPED)


@pytest.mark.parametrize("name", SHIPPED)
def test_each_shipped_file_is_the_one_in_its_manifest(name):
    info = load_model_info(name)
    assert info.sha256 == hashlib.sha256(info.path.read_bytes()).hexdigest()
    assert LoadedModel(name, info.role).picture.shape == info.picture.shape


def test_a_changed_byte_is_refused_with_both_hashes(folder):
    path = folder / "face_detection_int8.tflite"
    content = bytearray(path.read_bytes())
    content[5000] ^= 1
    path.write_bytes(content)
    with pytest.raises(
        ModelAltered, match=r"int8.tflite: expected SHA-256 \w{64}, found \w{64}; reinstall"
    ) as caught:
        load_model_info("face_detection_int8", folder)
    assert caught.value.exit_code == EXIT_INPUT_OUTPUT
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_a_truncated_file_is_refused(folder):
    path = folder / "face_detection_int8.tflite"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ModelAltered, match="expected SHA-256"):
        LoadedModel("face_detection_int8", "detector", directory=folder)


def test_another_shape_is_refused_with_both_shapes(folder, manifest):
    edit(manifest, "[1, 128, 128, 3]", "[1, 256, 256, 3]")
    with pytest.raises(ModelAltered, match=r"shape of picture \(1, 256, 256, 3\), found \(1, 128, 128, 3\)"):
        LoadedModel("face_detection_int8", "detector", directory=folder)


def test_a_tensor_that_is_not_there_is_refused_with_those_that_are(folder, manifest):
    edit(manifest, 'name = "scores"', 'name = "marks"')
    with pytest.raises(ModelAltered, match="a tensor named marks, found boxes, scores"):
        LoadedModel("face_detection_int8", "detector", directory=folder)


def test_a_file_that_is_no_model_is_refused_even_with_the_right_hash(folder, manifest):
    path = folder / "face_detection_int8.tflite"
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    path.write_bytes(b"not a model at all")
    edit(manifest, before, hashlib.sha256(b"not a model at all").hexdigest())
    with pytest.raises(ModelAltered, match="expected a model in TFLite format"):
        LoadedModel("face_detection_int8", "detector", directory=folder)


def test_a_detector_is_not_taken_for_a_landmark_model():
    with pytest.raises(ModelAltered, match="expected a model for landmarks, found one for detector"):
        LoadedModel("face_detection_int8", "landmarks")


@pytest.mark.parametrize("name", ["face_landmark_int9", "../models/face_landmark_int8", ""])
def test_a_name_that_is_not_shipped_is_refused_with_those_that_are(name):
    with pytest.raises(ModelMissing, match=r"found face_detection_fp16, .*correct perceive.detector"):
        load_model_info(name)


def test_a_manifest_without_its_file_is_missing(folder):
    (folder / "face_detection_int8.tflite").unlink()
    with pytest.raises(
        ModelMissing, match=r"expected face_detection_int8\.toml and face_detection_int8\.tflite"
    ):
        load_model_info("face_detection_int8", folder)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("name = ", "a manifest in TOML"),
        ("role = 'detector'", "the key"),
        ("input = 3", "a manifest in TOML"),
    ],
)
def test_a_damaged_manifest_is_refused(folder, manifest, content, said):
    manifest.write_text(content)
    with pytest.raises(ModelAltered, match=said):
        load_model_info("face_detection_int8", folder)


def test_an_empty_folder_holds_no_model(tmp_path):
    with pytest.raises(ModelMissing, match="found no model"):
        load_model_info("face_landmark_int8", tmp_path)
