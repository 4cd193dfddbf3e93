"""Shipped model files: found, verified against their manifest, opened.

A manifest (`models/<name>.toml`) states the SHA-256 and the shapes of `<name>.tflite`. Both
are checked at every load, because a model that is merely different would still answer, and
every number after it would be wrong in silence.
"""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.errors import ModelError
from edge.perceive.runtime import Interpreter, load_interpreter

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_PACKAGE = Path(__file__).resolve().parent.parent


class ModelMissing(ModelError):
    """A model's file or manifest is not there."""

    def __init__(self, name: str, directory: str, present: str) -> None:
        super().__init__(name, directory, present)
        self.name = name
        self.directory = directory
        self.present = present

    def __str__(self) -> str:
        return (
            f"expected {self.name}.toml and {self.name}.tflite in {self.directory}, "
            f"found {self.present or 'no model'}; "
            "correct perceive.detector or perceive.landmarks, or reinstall microcue"
        )


class ModelAltered(ModelError):
    """A model file or its manifest is not the one that was shipped."""

    def __init__(self, path: str, what: str, expected: str, found: str) -> None:
        super().__init__(path, what, expected, found)
        self.path = path
        self.what = what
        self.expected = expected
        self.found = found

    def __str__(self) -> str:
        return (
            f"{self.path}: expected {self.what} {self.expected}, found {self.found}; "
            "reinstall microcue, or rebuild the models with tools/quantize_models.py"
        )


@dataclass(frozen=True, slots=True)
class ModelTensor:
    """One input or output, float32 always: quantised models convert at their own border."""

    name: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """One shipped model, verified.

    `input_low` and `input_high` are what grey levels 0 and 255 become. `outputs` maps a part
    ("landmarks", "presence", "boxes", "scores") to its tensor. `sha256` goes into the session.
    """

    name: str
    role: str
    path: Path
    sha256: str
    input_low: float
    input_high: float
    picture: ModelTensor
    outputs: dict[str, ModelTensor]


def models_directory() -> Path:
    """Folder of the shipped models: inside the package where installed, beside it in a checkout."""
    installed = _PACKAGE / "models"
    return installed if installed.is_dir() else _PACKAGE.parent / "models"


def available_models(directory: Path | None = None) -> tuple[str, ...]:
    """Names of all models that have a manifest."""
    return tuple(sorted(path.stem for path in (directory or models_directory()).glob("*.toml")))


def load_model_info(name: str, directory: Path | None = None) -> ModelInfo:
    """Read a model's manifest and verify its file.

    Raises
    ------
    ModelMissing
        No such manifest or file.
    ModelAltered
        The file's SHA-256 is not the manifest's, or the manifest cannot be read.
    """
    info, _content = _read_verified(name, directory or models_directory())
    return info


def _read_verified(name: str, directory: Path) -> tuple[ModelInfo, bytes]:
    present = available_models(directory)
    path = directory / f"{name}.tflite"
    if name not in present or not path.is_file():
        raise ModelMissing(name, str(directory), ", ".join(present))
    manifest_path = directory / f"{name}.toml"
    try:
        info = _info(name, path, tomllib.loads(manifest_path.read_text(encoding="utf-8")))
    except KeyError as missing:
        raise ModelAltered(str(manifest_path), "the key", str(missing.args[0]), "none") from missing
    except (TypeError, ValueError) as problem:  # not TOML, not text, or a value of another kind
        raise ModelAltered(str(manifest_path), "a manifest", "in TOML", str(problem)) from problem
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != info.sha256:
        raise ModelAltered(str(path), "SHA-256", info.sha256, found)
    return info, content


def _info(name: str, path: Path, manifest: dict[str, Any]) -> ModelInfo:
    low, high = manifest["input"]["range"]
    return ModelInfo(
        name=name,
        role=manifest["role"],
        path=path,
        sha256=manifest["sha256"],
        input_low=float(low),
        input_high=float(high),
        picture=_tensor(manifest["input"]),
        outputs={part: _tensor(table) for part, table in manifest["outputs"].items()},
    )


def _tensor(table: dict[str, Any]) -> ModelTensor:
    return ModelTensor(table["name"], tuple(table["shape"]))


class LoadedModel:
    """A verified model, ready to infer; not for use from two threads at once.

    Parameters
    ----------
    name : str
        As in the manifest's file name.
    role : {"detector", "landmarks"}
        What the caller needs it for.

    Attributes
    ----------
    info : ModelInfo
    picture : float32 [shape=(1, n, n, 3)]
        Write the input here, then call `infer`.

    Raises
    ------
    ModelMissing, ModelAltered, RuntimeUnusable
    """

    def __init__(
        self, name: str, role: str, n_threads: int = 1, runtime: str = "auto", directory: Path | None = None
    ) -> None:
        self.info, content = _read_verified(name, directory or models_directory())
        if self.info.role != role:
            raise ModelAltered(str(self.info.path), "a model for", role, f"one for {self.info.role}")
        try:
            self._interpreter: Interpreter = load_interpreter(content, n_threads, runtime)
        except ValueError as problem:
            raise ModelAltered(str(self.info.path), "a model in", "TFLite format", str(problem)) from problem
        inputs = {details["name"]: details for details in self._interpreter.get_input_details()}
        outputs = {details["name"]: details for details in self._interpreter.get_output_details()}
        self._input_index = self._verified_index(self.info.picture, inputs)
        self._output_index = {
            part: self._verified_index(tensor, outputs) for part, tensor in self.info.outputs.items()
        }
        self.picture: NDArray[np.float32] = np.zeros(self.info.picture.shape, np.float32)

    def infer(self) -> None:
        """Run the model on `picture`."""
        self._interpreter.set_tensor(self._input_index, self.picture)
        self._interpreter.invoke()

    def output(self, part: str) -> NDArray[np.float32]:
        """A copy of one output of the last `infer`, float32, shaped as in the manifest."""
        values: NDArray[np.float32] = self._interpreter.get_tensor(self._output_index[part])
        return values

    def _verified_index(self, tensor: ModelTensor, found: dict[str, dict[str, Any]]) -> int:
        path = str(self.info.path)
        if tensor.name not in found:
            raise ModelAltered(path, "a tensor named", tensor.name, ", ".join(found))
        details = found[tensor.name]
        shape = tuple(int(size) for size in details["shape"])
        if shape != tensor.shape:
            raise ModelAltered(path, f"shape of {tensor.name}", str(tensor.shape), str(shape))
        if details["dtype"] is not np.float32:
            raise ModelAltered(path, f"type of {tensor.name}", "float32", np.dtype(details["dtype"]).name)
        return int(details["index"])
