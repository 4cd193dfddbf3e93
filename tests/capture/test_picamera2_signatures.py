"""The stand-in speaks as the real picamera2 does: its signatures against a table from the source package."""

from __future__ import annotations

import inspect
import json
import tarfile

import picamera2_signatures as signatures
import pytest

from edge.capture.picamera2_scene import Scene
from edge.capture.picamera2_standin import (
    StandInMappedArray,
    StandInPicamera2,
    StandInRequest,
    stand_in_library,
)

TABLE = json.loads(signatures.TABLE.read_text(encoding="utf-8"))
STAND_INS = {
    "Picamera2": StandInPicamera2,
    "MappedArray": StandInMappedArray,
    "CompletedRequest": StandInRequest,
}
CALLABLE = sorted(name for name, kept in TABLE["signatures"].items() if kept != "attribute")
ATTRIBUTES = sorted(name for name, kept in TABLE["signatures"].items() if kept == "attribute")


@pytest.mark.parametrize("name", CALLABLE)
def test_stand_in_has_the_signature_of_picamera2(name):
    owner, method = name.split(".")
    kept = TABLE["signatures"][name]
    found = inspect.getattr_static(STAND_INS[owner], method)
    assert isinstance(found, property) == kept["property"]
    assert isinstance(found, staticmethod) == kept["static"]
    function = found.fget if kept["property"] else getattr(found, "__func__", found)
    parameters = inspect.signature(function).parameters
    assert list(parameters) == kept["parameters"]
    required = [name for name, one in parameters.items() if one.default is inspect.Parameter.empty]
    assert required == kept["required"]


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_stand_in_has_the_attributes_of_picamera2(name):
    owner, attribute = name.split(".")
    camera = stand_in_library(Scene([])).camera()
    made = {"Picamera2": camera, "CompletedRequest": StandInRequest(None, camera)}[owner]
    assert attribute in vars(made)


SOURCES = {
    "picamera2/picamera2.py": """
class Picamera2:
    @property
    def sensor_modes(self): ...
    def start(self, config=None): ...
    def stop(self): self.started = False
""",
    "picamera2/request.py": "class MappedArray: ...\nclass CompletedRequest:\n    def acquire(self): ...\n",
}


def test_table_says_what_a_source_defines_and_what_is_gone():
    found = signatures.table_of(SOURCES, "9")["signatures"]
    assert found["Picamera2.start"] == {
        "parameters": ["self", "config"],
        "required": ["self"],
        "property": False,
        "static": False,
    }
    assert found["Picamera2.sensor_modes"]["property"]
    assert found["Picamera2.started"] == "attribute"
    assert found["Picamera2.configure"] is None
    assert set(found) == set(TABLE["signatures"])


def test_tool_reads_a_package_and_names_what_changed(tmp_path, capsys):
    folder = tmp_path / "picamera2-9"
    for path, text in SOURCES.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    archive = tmp_path / "picamera2-9.tar.gz"
    with tarfile.open(archive, "w:gz") as package:
        package.add(folder, folder.name)
    assert signatures.main([str(archive)]) == 1
    out = capsys.readouterr().out
    assert "Picamera2.configure: {'parameters': ['self', 'camera_config']" in out
    assert f"differ between {TABLE['version']} and 9" in out
