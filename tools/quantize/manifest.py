"""Write a model with its manifest, and keep what was measured of it."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from quantize.graph import Graph
from quantize.integers import quantised_border
from quantize.originals import LICENCE, PACKAGE, VERSION
from quantize.recipes import Family

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Table = dict[str, Any]

_MEANINGS = {
    "landmarks": {
        "order": "468 points of MediaPipe's face mesh, x, y, z each; 33 and 263 are the outer corners of the "
        "person's right and left eye, 1 the tip of the nose",
        "unit": "px of the crop, 0 at its left or top edge, 192 at the other; z in the same unit",
    },
    "presence": {"unit": "logit; the sigmoid of it is the presence of a face"},
    "boxes": {
        "order": "896 anchors (16 x 16 x 2, then 8 x 8 x 6), each: centre x, y, width, height, then x, y of "
        "the person's right eye, left eye, nose, mouth, right ear, left ear",
        "unit": "1/128 of the letterboxed picture's side, from the anchor's centre",
    },
    "scores": {"unit": "logit of each anchor"},
}


def write_model(folder: Path, name: str, summary: str, family: Family, graph: Graph) -> None:
    """Write `<name>.tflite` and `<name>.toml`; figures measured on the same bytes before are kept."""
    content, _ = graph.pack()
    sha256 = hashlib.sha256(content).hexdigest()
    path = folder / f"{name}.toml"
    before = read_manifest(path) if path.exists() else {}
    (folder / f"{name}.tflite").write_bytes(content)
    write_manifest(
        path,
        {
            "name": name,
            "role": family.role,
            "summary": summary,
            "sha256": sha256,
            "size_bytes": len(content),
            "source": {
                "package": PACKAGE,
                "version": VERSION,
                "member": family.original.member,
                "sha256": family.original.sha256,
                "licence": LICENCE,
            },
            "input": _tensor(graph, graph.inputs[0])
            | {
                "range": [family.picture.low, family.picture.high],
                "meaning": "luma in all three channels; grey levels 0 to 255 become the range",
            },
            "outputs": {
                part: _tensor(graph, tensor) | _MEANINGS[part]
                for part, tensor in zip(family.outputs, graph.outputs, strict=True)
            },
            "error": before.get("error", {}) if before.get("sha256") == sha256 else {},
        },
    )


def _tensor(graph: Graph, tensor: int) -> Table:
    table: Table = {"name": graph.name(tensor), "shape": graph.shape(tensor), "dtype": "float32"}
    if (border := quantised_border(graph, tensor)) is not None:
        table["int8_scale"], table["int8_zero_point"] = border
    return table


def read_manifest(path: Path) -> Table:
    """The manifest as nested dictionaries."""
    return tomllib.loads(path.read_text(encoding="utf-8"))


def write_manifest(path: Path, manifest: Table) -> None:
    """As TOML: plain values first, then tables, in the given order."""
    path.write_text("\n".join(_lines(manifest, ())).lstrip("\n") + "\n", encoding="utf-8")


def _lines(table: Table, place: tuple[str, ...]) -> list[str]:
    plain = {key: value for key, value in table.items() if not isinstance(value, dict)}
    lines = ["", f"[{'.'.join(place)}]"] if place and plain else []
    # strings, numbers and flat lists are written alike in JSON and TOML
    lines += [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in plain.items()]
    for key, value in table.items():
        if isinstance(value, dict):
            lines += _lines(value, (*place, key))
    return lines
