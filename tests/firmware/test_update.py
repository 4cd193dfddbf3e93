"""Updates: what is refused before it is opened, what is left when a step fails, and the way back."""

from __future__ import annotations

import argparse
import json
import tarfile
from pathlib import Path

import make_release
import minisign
import pytest

from edge.commands import update
from edge.commands.context import Context
from edge.config import Config
from edge.errors import UsageError
from edge.firmware.errors import FirmwareError
from edge.firmware.release import ReleaseRefused, open_release, write_release
from edge.firmware.slots import Slots


@pytest.fixture
def keys(tmp_path):
    """A pair of files: secret, public."""
    path = tmp_path / "lab.key"
    make_release.make_key(path)
    return path, tmp_path / "lab.key.pub"


@pytest.fixture
def wheels(tmp_path):
    """Two wheels; what is in them does not matter to a release."""
    folder = tmp_path / "wheelhouse"
    folder.mkdir()
    (folder / "microcue-9.1.0-py3-none-any.whl").write_bytes(b"ours" * 1000)
    (folder / "numpy-2.2.0-cp311-cp311-manylinux_2_28_aarch64.whl").write_bytes(b"theirs" * 1000)
    return folder


@pytest.fixture
def release(tmp_path, wheels, keys):
    """Signed."""
    path = tmp_path / "microcue-9.1.0.release"
    write_release(wheels, "9.1.0", path)
    make_release.sign(path, keys[0], "9.1.0")
    return path


@pytest.fixture
def slots(tmp_path):
    """An installation in the first place."""
    for name in ("microcue-a/bin/microcue", "microcue-a/bin/python"):
        path = tmp_path / "opt" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "opt/microcue").symlink_to("microcue-a")
    return Slots(tmp_path / "opt/microcue")


class Machine:
    """Runs steps by noting them; venv makes what a venv makes, and one step may fail."""

    def __init__(self, slots, fails=""):
        self.slots, self.fails, self.steps = slots, fails, []

    def __call__(self, step):
        self.steps.append(" ".join(step))
        if "venv" in step:
            (Path(step[-1]) / "bin").mkdir(parents=True)
            (Path(step[-1]) / "bin" / "microcue").touch()
        return int(bool(self.fails) and self.fails in self.steps[-1])


def run(slots, machine, release=None, key=None, rollback=False):
    args = argparse.Namespace(release=release, key=key, rollback=rollback)
    return update.run(args, Context(Config(), slots.home, verbosity=-1), machine, slots.home)


def unpacked(release, key, tmp_path):
    folder = tmp_path / "unpacked"
    folder.mkdir()
    return open_release(release, key, folder)


def test_release_is_unpacked_as_it_was_packed(release, keys, wheels, tmp_path):
    version, folder = unpacked(release, keys[1], tmp_path)
    assert version == "9.1.0"
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == {
        p.name: p.read_bytes() for p in wheels.iterdir()
    }


def test_same_wheels_make_the_same_release(release, wheels, tmp_path):
    write_release(wheels, "9.1.0", tmp_path / "again.release")
    assert (tmp_path / "again.release").read_bytes() == release.read_bytes()


@pytest.mark.parametrize("place", [0, 300, 700, 2000, -1, -5000])
def test_one_altered_byte_is_refused_before_anything_is_unpacked(release, keys, tmp_path, place):
    content = bytearray(release.read_bytes())
    content[place] ^= 1
    release.write_bytes(content)
    with pytest.raises(ReleaseRefused, match="signature is not that of the key"):
        unpacked(release, keys[1], tmp_path)
    assert not (tmp_path / "unpacked/wheels").exists()


def test_signature_of_another_key_is_refused(release, keys, tmp_path):
    make_release.make_key(tmp_path / "thief.key")
    make_release.sign(release, tmp_path / "thief.key", "9.1.0")
    with pytest.raises(ReleaseRefused, match="nothing was changed"):
        unpacked(release, keys[1], tmp_path)


@pytest.mark.parametrize(
    "damage", ["no signature", "no key", "no text for a signature", "a key that is none"]
)
def test_missing_or_damaged_parts_are_refused_with_a_sentence(release, keys, tmp_path, damage):
    signature = release.with_name(release.name + ".minisig")
    if damage == "no signature":
        signature.unlink()
    elif damage == "no key":
        keys[1].unlink()
    elif damage == "no text for a signature":
        signature.write_bytes(b"\xff\x00" * 50)
    else:
        keys[1].write_text("untrusted comment: x\nAAAA\n")
    with pytest.raises(ReleaseRefused, match="expected a signed release"):
        unpacked(release, keys[1], tmp_path)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["../../etc/passwd"], "do not agree"),
        (["numpy-1.0-py3-none-any.whl", "extra.whl"], "do not agree"),
        ([], "cannot be unpacked"),
    ],
)
def test_signed_nonsense_is_refused_too(tmp_path, keys, names, said):
    """A key that was stolen should still write nowhere but into a wheel's place."""
    path = tmp_path / "odd.release"
    with tarfile.open(path, "w") as archive:
        for name in names:
            file = tmp_path / "content"
            file.write_text("x")
            archive.add(file, name)
        if names:
            file = tmp_path / "list"
            file.write_text(json.dumps({"version": "9.9.9", "files": {names[0]: "0" * 64}}))
            archive.add(file, "release.json")
    make_release.sign(path, keys[0], "9.9.9")
    with pytest.raises(ReleaseRefused, match=said):
        unpacked(path, keys[1], tmp_path)
    assert not (tmp_path / "etc").exists()


def test_link_in_a_release_is_refused(tmp_path, keys):
    path = tmp_path / "link.release"
    (tmp_path / "link").symlink_to("/etc/passwd")
    with tarfile.open(path, "w") as archive:
        archive.add(tmp_path / "link", "numpy-1.0-py3-none-any.whl")
        (tmp_path / "list").write_text(json.dumps({"version": "9.9.9", "files": {}}))
        archive.add(tmp_path / "list", "release.json")
    make_release.sign(path, keys[0], "9.9.9")
    with pytest.raises(ReleaseRefused, match="more than files"):
        unpacked(path, keys[1], tmp_path)


def test_update_is_made_beside_tried_and_then_used(slots, release, keys):
    machine = Machine(slots)
    assert run(slots, machine, release, keys[1]) == 0
    assert slots.used.name == "microcue-b"
    assert (slots.other / "bin/microcue").is_file()  # the version before is kept
    assert [step for step in machine.steps if "doctor --only inference" in step]
    assert "--no-index" in next(step for step in machine.steps if "pip install" in step)
    assert machine.steps[-1].startswith(f"{slots.home}/bin/microcue install-service")


@pytest.mark.parametrize("fails", ["venv", "pip install", "doctor --only inference"])
def test_step_that_fails_leaves_the_version_in_use(slots, release, keys, fails):
    with pytest.raises(FirmwareError, match="as before"):
        run(slots, Machine(slots, fails), release, keys[1])
    assert slots.used.name == "microcue-a"
    assert not slots.other.exists()
    assert [path for path in slots.home.parent.iterdir() if path.name.startswith(".")] == []


def test_refused_release_leaves_the_version_before_for_a_rollback(slots, release, keys):
    run(slots, Machine(slots), release, keys[1])
    release.write_bytes(b"not a release")
    with pytest.raises(ReleaseRefused):
        run(slots, Machine(slots), release, keys[1])
    run(slots, Machine(slots), rollback=True)
    assert slots.used.name == "microcue-a"


def test_older_release_is_refused(slots, release, keys, monkeypatch):
    monkeypatch.setattr(update, "__version__", "10.0.0")
    machine = Machine(slots)
    with pytest.raises(ReleaseRefused, match=r"9\.1\.0, older than 10\.0\.0"):
        run(slots, machine, release, keys[1])
    assert machine.steps == []


def test_rollback_without_a_version_before_says_so(slots):
    with pytest.raises(FirmwareError, match="found none; nothing was changed"):
        run(slots, Machine(slots), rollback=True)
    assert slots.used.name == "microcue-a"


def test_installation_of_another_kind_is_left_alone(tmp_path, release, keys):
    (tmp_path / "venv").mkdir()
    with pytest.raises(FirmwareError, match="the way it was installed"):
        run(Slots(tmp_path / "venv"), Machine(None), release, keys[1])


def test_release_and_rollback_exclude_each_other(slots, release):
    with pytest.raises(UsageError, match="or --rollback"):
        run(slots, Machine(slots), release, rollback=True)
    with pytest.raises(UsageError, match="or --rollback"):
        run(slots, Machine(slots))


def test_signature_says_which_version_it_is_of(release):
    signature = minisign.Signature.from_file(release.with_name(release.name + ".minisig"))
    assert signature.trusted_comment == "microcue 9.1.0"
