"""A release has one version, its own section in the change log, and all that was committed."""

from __future__ import annotations

import io
import re
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest
import yaml
from build_release import ROOT, check_contents, check_ready, version_of, write_sums

from edge import __version__

COMMITTED = ["edge/cli.py", "models/a.toml", "firmware_config/b", "README.md", ".github/c.yml"]
WHEEL = ["edge/cli.py", "edge/models/a.toml", "edge/firmware_config/b", "m-1.dist-info/METADATA"]
SDIST = ["edge/cli.py", "models/a.toml", "firmware_config/b", "README.md"]


@pytest.fixture
def packed(tmp_path):
    """Makes a wheel and a source archive of the names given."""

    def pack(wheel: list[str], sdist: list[str]) -> tuple[Path, Path]:
        with zipfile.ZipFile(tmp_path / "m.whl", "w") as archive:
            for name in wheel:
                archive.writestr(name, "")
        with tarfile.open(tmp_path / "m.tar.gz", "w:gz") as archive:
            for name in sdist:
                archive.addfile(tarfile.TarInfo(f"m-1/{name}"), io.BytesIO())
        return tmp_path / "m.whl", tmp_path / "m.tar.gz"

    return pack


def test_archives_that_hold_what_was_committed_pass(packed):
    check_contents(*packed(WHEEL, SDIST), COMMITTED)


@pytest.mark.parametrize(
    ("wheel", "sdist", "named"),
    [
        (WHEEL[1:], SDIST, "edge/cli.py"),
        ([*WHEEL, "edge/secret.key"], SDIST, "edge/secret.key"),
        (WHEEL, SDIST[:-1], "README.md"),
    ],
)
def test_a_file_too_few_or_too_many_is_named(packed, wheel, sdist, named):
    with pytest.raises(SystemExit, match=named):
        check_contents(*packed(wheel, sdist), COMMITTED)


def test_the_version_stands_in_one_place_and_the_citation_repeats_it():
    assert version_of(ROOT) == __version__
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == __version__
    assert citation["cff-version"] == "1.2.0"
    assert citation["license"] == "Apache-2.0"
    assert re.fullmatch(r"\d+\.\d+\.\d+", __version__)
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"\n## [{__version__}] - {citation['date-released']}\n" in changes


def test_a_release_without_its_section_in_the_change_log_is_refused(tmp_path):
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    (tmp_path / ".git" / "info" / "exclude").write_text("*\n")
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\n## [Unreleased]\n")
    with pytest.raises(SystemExit, match="CHANGELOG"):
        check_ready(tmp_path, "9.9.9")
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\n## [9.9.9] - 2026-01-01\n")
    check_ready(tmp_path, "9.9.9")


def test_changes_that_were_not_committed_are_refused(tmp_path):
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\n## [9.9.9] - 2026-01-01\n")
    with pytest.raises(SystemExit, match="committed"):
        check_ready(tmp_path, "9.9.9")


def test_the_sums_are_those_that_sha256sum_checks(tmp_path):
    (tmp_path / "wheelhouse").mkdir()
    (tmp_path / "wheelhouse" / "a.whl").write_bytes(b"a")
    (tmp_path / "b.tar.gz").write_bytes(b"b")
    write_sums(tmp_path)
    subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=tmp_path, check=True)
    assert len((tmp_path / "SHA256SUMS").read_text().splitlines()) == 2
