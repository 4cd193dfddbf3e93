"""The card's recipe keeps the rules of its tool's headers (rpi-image-gen 2), as far as text can show it.

The tool's own lint says more; `make image-lint` asks it where a copy is at hand.
"""

from __future__ import annotations

import re
import subprocess

import pytest
import yaml

from edge.firmware.manifest import folder

IMAGE = folder() / "image"
LAYERS = sorted((IMAGE / "layer").glob("*.yaml"))
CONFIGS = sorted((IMAGE / "config").glob("*.yaml"))
# of the tool: device/, image/ and layer/ of raspberrypi/rpi-image-gen
DEVICES = {"zero2w": "rpizero2w", "pi3": "rpi3", "pi4": "rpi4", "pi5": "rpi5"}
LAYOUTS = {"image-rpios", "image-rota"}
BASES = {"trixie-minbase": "3.13", "bookworm-minbase": "3.11"}
LAYER_FIELDS = {"Name", "Desc", "Category", "Version", "Requires", "Provides", "RequiresProvider"}
LAYER_FIELDS |= {"AfterProvider", "Conflicts"}
VARIABLE_FIELDS = {"Desc", "Required", "Valid", "Set"}
VALID = re.compile(
    r"bool|string|string-or-empty|file|dir|size|capacity|int:-?\d+--?\d+|regex:.+|keywords:[\w,]+|list:.+"
)


def header(path):
    """Fields of the header, continuation lines joined; a DEB822 paragraph in comments."""
    text = path.read_text(encoding="utf-8")
    block = re.match(r"# METABEGIN\n(.*?)# METAEND\n---\n", text, re.DOTALL)
    assert block, "the header comes first, and a document follows it"
    fields: dict[str, str] = {}
    last = ""
    for line in block.group(1).splitlines():
        content = line.removeprefix("#")
        if not content.strip():
            continue
        if content.startswith("  "):
            fields[last] += f" {content.strip()}"
            continue
        key, colon, value = content.removeprefix(" ").partition(":")
        assert colon, line
        assert key not in fields, f"{key} twice"
        assert key.startswith("X-Env-"), line
        fields[last := key] = value.strip()
    return fields


@pytest.mark.parametrize("path", LAYERS, ids=lambda path: path.stem)
def test_header_has_what_the_tool_asks_for_and_nothing_unknown(path):
    fields = header(path)
    layer = {key.removeprefix("X-Env-Layer-") for key in fields if key.startswith("X-Env-Layer-")}
    assert {"Name", "Desc", "Category", "Version"} <= layer <= LAYER_FIELDS
    assert fields["X-Env-Layer-Name"] == path.stem
    assert re.fullmatch(r"\d+\.\d+\.\d+", fields["X-Env-Layer-Version"])
    # a prefix is for variables, and variables need one
    assert ("X-Env-VarPrefix" in fields) is any(key.startswith("X-Env-Var-") for key in fields)
    assert re.fullmatch(r"[a-z][a-z0-9]*", fields.get("X-Env-VarPrefix", "none"))


@pytest.mark.parametrize("path", LAYERS, ids=lambda path: path.stem)
def test_every_variable_is_described_limited_and_used(path):
    fields = header(path)
    names = {m.group(1) for key in fields if (m := re.fullmatch(r"X-Env-Var-([a-z_]+)", key))}
    for name in names:
        start = f"X-Env-Var-{name}-"
        assert {key.removeprefix(start) for key in fields if key.startswith(start)} == VARIABLE_FIELDS
        assert VALID.fullmatch(fields[f"X-Env-Var-{name}-Valid"])
        assert fields[f"X-Env-Var-{name}-Required"] in ("y", "n")
    named = set(re.findall(r"IGconf_microcue_(\w+)", path.read_text()))
    assert named == names


@pytest.mark.parametrize("path", LAYERS, ids=lambda path: path.stem)
def test_hooks_are_shell_that_parses_and_stops_at_the_first_error(path):
    body = yaml.safe_load(path.read_text(encoding="utf-8").partition("\n---\n")[2])
    assert set(body) == {"mmdebstrap"}
    assert set(body["mmdebstrap"]) == {"packages", "customize-hooks"}
    for hook in body["mmdebstrap"]["customize-hooks"]:
        assert hook.startswith("set -eu\n")
        assert subprocess.run(["sh", "-n"], input=hook, text=True, check=False).returncode == 0
        assert '"$1' in hook


def test_nothing_is_installed_from_a_network_or_without_its_hash():
    text = (IMAGE / "layer" / "microcue.yaml").read_text(encoding="utf-8")
    assert text.count("pip install") == 1
    assert all(option in text for option in ("--no-index", "--require-hashes", "--no-deps"))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_config_names_a_board_a_layout_a_base_and_the_wheels_of_its_python(path):
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    board, _, variant = path.stem.removeprefix("microcue-").partition("-")
    assert config["device"]["layer"] == DEVICES[board]
    assert config["image"]["layer"] in LAYOUTS
    assert config["image"]["name"] == path.stem
    assert config["layer"]["app"] == "microcue"
    # two systems are read-only by themselves; a single one has the log beside it, and room for an update
    single = config["image"]["layer"] == "image-rpios"
    assert (config["layer"].get("card") == "microcue-card") is single
    assert ("root_part_size" in config["image"]) is single
    python = BASES[config["layer"]["base"]]
    assert config["microcue"]["wheelhouse"].endswith(f"/dist/wheelhouse-{python}")
    # no tflite-runtime after Python 3.11, and no LiteRT asked for where it is
    assert config["microcue"].get("runtime", "litert") == ("tflite" if python == "3.11" else "litert")
    assert (variant == "bookworm") is (python == "3.11")
    # image-rota knows no Zero 2 W and no Pi 3
    assert (config["image"]["layer"] == "image-rota") is (variant == "ab")
    assert variant != "ab" or board in ("pi4", "pi5")
    assert config["ssh"]["pubkey_only"] in (True, "y")
    # the tool's rule "size": a number with a unit of its own, or a percentage
    sizes = {str(value) for key, value in config["image"].items() if key.endswith("_size")}
    assert all(re.fullmatch(r"\d+[kKmMgGsS]?|[1-9]\d*%", size) for size in sizes)


def test_every_board_has_a_card_of_each_system():
    stems = {path.stem.removeprefix("microcue-") for path in CONFIGS}
    assert stems >= set(DEVICES) | {f"{board}-bookworm" for board in DEVICES} | {"pi4-ab", "pi5-ab"}
