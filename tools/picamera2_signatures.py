"""The signatures of picamera2 that the camera driver relies on, read from its source package.

The package imports only on a Raspberry Pi, so its source is parsed, not run. The table beside the
tests was made from the version that it names; a test compares the stand-in with the table.

    pip download --no-deps --no-binary :all: picamera2
    python tools/picamera2_signatures.py picamera2-0.3.38.tar.gz            # compare, exit 1 on a change
    python tools/picamera2_signatures.py picamera2-0.3.38.tar.gz --write    # make the table anew
"""

from __future__ import annotations

import argparse
import ast
import json
import sys
import tarfile
from pathlib import Path
from typing import Any

TABLE = Path(__file__).resolve().parents[1] / "tests" / "capture" / "picamera2_signatures.json"
# what edge/capture/picamera2*.py calls, by the file and class that defines it
USED = {
    "picamera2/picamera2.py": {
        "Picamera2": (
            "__init__",
            "global_camera_info",
            "camera_properties",
            "camera_controls",
            "sensor_modes",
            "create_video_configuration",
            "configure",
            "camera_configuration",
            "stream_configuration",
            "start",
            "stop",
            "stop_",
            "stop_preview",
            "set_controls",
            "dispatch_functions",
            "cancel_all_and_flush",
            "close",
        )
    },
    "picamera2/request.py": {
        "MappedArray": ("__init__", "__enter__", "__exit__", "array"),
        "CompletedRequest": ("acquire", "release", "get_metadata"),
    },
}
# attributes that are set or read: found as `self.NAME =` in the class
ATTRIBUTES = {
    "picamera2/picamera2.py": {"Picamera2": ("pre_callback", "lock", "started", "camera_config")},
    "picamera2/request.py": {"CompletedRequest": ("request", "picam2", "config", "ref_count")},
}


def signature_of(function: ast.FunctionDef) -> dict[str, Any]:
    """Parameter names in order, those without a default, and whether it is a property or static."""
    arguments = function.args
    names = [argument.arg for argument in (*arguments.posonlyargs, *arguments.args)]
    n_required = len(names) - len(arguments.defaults)
    decorators = {ast.unparse(decorator) for decorator in function.decorator_list}
    return {
        "parameters": names,
        "required": names[:n_required],
        "property": "property" in decorators,
        "static": "staticmethod" in decorators,
    }


def table_of(sources: dict[str, str], version: str) -> dict[str, Any]:
    """The table for a package's sources, by their paths; a name that is gone is a null.

    An overload is followed by its implementation, which is the one that counts.
    """
    found: dict[str, Any] = {}
    for path, classes in USED.items():
        tree = ast.parse(sources[path])
        for name, methods in classes.items():
            body = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name)
            defined = {
                node.name: signature_of(node)
                for node in body.body
                if isinstance(node, ast.FunctionDef)
                # the setter of a property has its name and comes after it
                and not any(ast.unparse(d).endswith(".setter") for d in node.decorator_list)
            }
            found |= {f"{name}.{method}": defined.get(method) for method in methods}
            assigned = {
                target.attr
                for node in ast.walk(body)
                if isinstance(node, ast.Assign | ast.AnnAssign)
                for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
                if isinstance(target, ast.Attribute) and ast.unparse(target.value) == "self"
            }
            for attribute in ATTRIBUTES.get(path, {}).get(name, ()):
                found[f"{name}.{attribute}"] = "attribute" if attribute in assigned else None
    return {"version": version, "signatures": found}


def read_package(archive: Path) -> tuple[dict[str, str], str]:
    """The sources by their paths, and the version, of an sdist."""
    stem = archive.name.removesuffix(".tar.gz")
    with tarfile.open(archive) as package:
        sources = {}
        for path in USED:
            member = package.extractfile(f"{stem}/{path}")
            if member is None:
                raise SystemExit(f"expected {path} in {archive}, found none; is it a picamera2 sdist?")
            sources[path] = member.read().decode("utf-8")
    return sources, stem.partition("-")[2]


def main(words: list[str] | None = None) -> int:
    """Compare or write; 0 where nothing changed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("archive", type=Path, metavar="picamera2-VERSION.tar.gz")
    parser.add_argument("--write", action="store_true", help="make the table anew")
    arguments = parser.parse_args(words)
    table = table_of(*read_package(arguments.archive))
    if arguments.write:
        lines = [f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in table["signatures"].items()]
        body = ",\n".join(lines)
        TABLE.write_text(
            f'{{\n "version": "{table["version"]}",\n "signatures": {{\n{body}\n }}\n}}\n', encoding="utf-8"
        )
        print(f"{len(lines)} signatures of {table['version']} written")
        return 0
    kept = json.loads(TABLE.read_text(encoding="utf-8"))
    changed = [name for name, now in table["signatures"].items() if kept["signatures"].get(name) != now]
    for name in changed:
        print(f"{name}: {kept['signatures'].get(name)} in {kept['version']}, {table['signatures'][name]} now")
    versions = f"{kept['version']} and {table['version']}"
    print(f"{len(changed)} of {len(table['signatures'])} differ between {versions}")
    return 1 if changed else 0


if __name__ == "__main__":
    sys.exit(main())
