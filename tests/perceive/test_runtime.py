"""Which runtime is taken, and what is said where none can be."""

import os
import pickle

import numpy as np
import pytest

from edge.errors import EXIT_INPUT_OUTPUT, ModelError
from edge.perceive import runtime as runtime_module
from edge.perceive.models import LoadedModel, models_directory
from edge.perceive.runtime import RuntimeUnusable, installed_runtimes, load_interpreter


@pytest.fixture
def detector_file():
    """bytes of a shipped model."""
    return (models_directory() / "face_detection_int8.tflite").read_bytes()


@pytest.fixture
def only(monkeypatch):
    """Pretends that just these packages can be found."""

    def pretend(*packages):
        monkeypatch.setattr(runtime_module, "find_spec", lambda name: name if name in packages else None)

    return pretend


def test_at_least_one_runtime_is_installed_and_the_first_is_taken(detector_file):
    assert installed_runtimes()
    interpreter = load_interpreter(detector_file)
    assert type(interpreter).__module__.split(".")[0] in ("ai_edge_litert", "tflite_runtime")


def test_the_runtimes_that_are_to_be_tried_are_here():
    """`make test-tflite` names both, so that neither is left out unseen."""
    wanted = os.environ.get("MICROCUE_RUNTIMES", installed_runtimes()[0])
    assert set(wanted.split(",")) <= set(installed_runtimes())


@pytest.mark.runtime
def test_each_runtime_can_be_asked_for_by_name(runtime, detector_file):
    package = {"litert": "ai_edge_litert", "tflite": "tflite_runtime"}[runtime]
    assert type(load_interpreter(detector_file, runtime=runtime)).__module__.startswith(package)


@pytest.mark.runtime
def test_every_shipped_model_gives_finite_answers_in_each_runtime(runtime):
    roles = {"face_landmark": "landmarks", "face_detection": "detector"}
    for path in sorted(models_directory().glob("*.tflite")):
        role = next(role for stem, role in roles.items() if path.stem.startswith(stem))
        model = LoadedModel(path.stem, role, runtime=runtime)
        model.infer()
        for part in model.info.outputs:
            assert np.isfinite(model.output(part)).all(), path.stem


def test_without_any_runtime_the_sentence_says_what_to_install(only, detector_file):
    only()
    assert installed_runtimes() == ()
    with pytest.raises(RuntimeUnusable, match="ai_edge_litert is not installed; pip install ai-edge-litert"):
        load_interpreter(detector_file)


def test_tflite_runtime_with_numpy_2_is_refused_before_it_is_imported(only, monkeypatch, detector_file):
    only("tflite_runtime")
    monkeypatch.setattr(np, "__version__", "2.1.0")
    assert installed_runtimes() == ()
    with pytest.raises(
        RuntimeUnusable, match=r"needs numpy 1 and numpy 2.1.0 is installed; pip install 'numpy<2'"
    ):
        load_interpreter(detector_file)


def test_tflite_runtime_with_numpy_1_is_taken_where_litert_is_absent(only, monkeypatch):
    only("tflite_runtime")
    monkeypatch.setattr(np, "__version__", "1.26.4")
    assert installed_runtimes() == ("tflite",)


def test_a_runtime_nobody_knows_is_refused_with_the_choices(detector_file):
    with pytest.raises(RuntimeUnusable, match="'torch': no such runtime; choose one of auto, litert, tflite"):
        load_interpreter(detector_file, runtime="torch")


def test_the_error_keeps_its_exit_code_and_survives_pickling():
    error = pickle.loads(pickle.dumps(RuntimeUnusable("auto", "why", "cure")))
    assert isinstance(error, ModelError)
    assert error.exit_code == EXIT_INPUT_OUTPUT
    assert str(error) == "cannot run the face models with perceive.runtime 'auto': why; cure"


def test_loading_a_model_writes_no_information_lines_to_stderr(capfd, detector_file):
    load_interpreter(detector_file).invoke()
    assert "INFO" not in capfd.readouterr().err


def test_warnings_of_native_code_still_reach_stderr(capfd):
    import os

    with runtime_module._without_info_lines():
        os.write(2, b"INFO: hello\nWARNING: mind this\n")
    assert capfd.readouterr().err == "WARNING: mind this\n"
