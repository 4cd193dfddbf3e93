"""A card that is read-only: closed with the settings taken in, opened for new ones, kept open by a file."""

from __future__ import annotations

import argparse

import pytest

from edge.commands import update
from edge.commands.context import Context
from edge.config import Config
from edge.errors import ConfigError
from edge.firmware import manifest, seal
from edge.firmware.card import OPEN_NAME
from edge.firmware.errors import FirmwareError
from edge.firmware.first_boot import apply_card

OTHERS_WORDS = "console=tty1 root=PARTUUID=1-02 rootwait"


@pytest.fixture
def card_root(tmp_path):
    """A system as the recipe installs it, and its card: (boot, root)."""
    root = tmp_path / "root"
    for file in manifest.installed([manifest.CARD]):
        (root / file.target).parent.mkdir(parents=True, exist_ok=True)
        (root / file.target).touch()
    boot = tmp_path / "boot"
    boot.mkdir()
    (boot / "config.txt").write_text("camera_auto_detect=1\n")
    (boot / "cmdline.txt").write_text(f"{OTHERS_WORDS}\n")
    (boot / "microcue.toml").write_text('[capture]\ncamera = "demo"\n')
    return boot, root


def words(boot):
    return (boot / "cmdline.txt").read_text().split()


def test_first_start_takes_the_settings_in_and_closes_the_system(card_root):
    boot, root = card_root
    outcome = apply_card(boot, root)
    assert outcome.restart
    assert any("microcue.toml" in line for line in outcome.applied)
    assert words(boot) == [*OTHERS_WORDS.split(), seal.WORD]
    assert (root / "etc/microcue/microcue.toml").is_file()


def test_closed_system_with_nothing_new_is_left_alone(card_root):
    boot, root = card_root
    apply_card(boot, root)
    outcome = apply_card(boot, root, sealed=True)
    assert not outcome.restart
    assert not outcome.applied
    assert seal.WORD in words(boot)


def test_new_settings_open_the_system_are_taken_in_and_it_is_closed_again(card_root):
    boot, root = card_root
    apply_card(boot, root)
    (boot / "microcue.toml").write_text('[capture]\ncamera = "none"\nfps = 90\n')
    opened = apply_card(boot, root, sealed=True)
    assert opened.restart
    assert words(boot) == OTHERS_WORDS.split()
    assert "fps" not in (root / "etc/microcue/microcue.toml").read_text()
    closed = apply_card(boot, root)
    assert closed.restart
    assert seal.WORD in words(boot)
    assert "fps = 90" in (root / "etc/microcue/microcue.toml").read_text()


def test_wrong_settings_open_nothing_and_say_so_on_the_card(card_root):
    boot, root = card_root
    apply_card(boot, root)
    (boot / "microcue.toml").write_text("[capture]\ncamra = 1\n")
    with pytest.raises(ConfigError):
        apply_card(boot, root, sealed=True)
    assert seal.WORD in words(boot)
    assert "did you mean camera" in (boot / "microcue-problem.txt").read_text()


def test_system_that_could_not_be_closed_starts_again_only_once(card_root):
    boot, root = card_root
    apply_card(boot, root)
    # the word is there, and the start did not heed it
    assert not apply_card(boot, root, sealed=False).restart


def test_file_on_the_card_keeps_it_open(card_root):
    boot, root = card_root
    seal.keep_open(boot)
    assert not any("read-only" in line for line in apply_card(boot, root).applied)
    assert seal.WORD not in words(boot)
    (boot / OPEN_NAME).unlink()
    assert apply_card(boot, root).restart
    seal.keep_open(boot)
    assert apply_card(boot, root, sealed=True).restart
    assert seal.WORD not in words(boot)


def test_other_machines_are_never_closed(card_root):
    boot, root = card_root
    (root / manifest.installed([manifest.CARD])[0].target).unlink()
    apply_card(boot, root)
    assert words(boot) == OTHERS_WORDS.split()


def test_update_says_where_it_cannot_write(tmp_path, monkeypatch):
    monkeypatch.setattr(update.os, "access", lambda _path, _mode: False)
    args = argparse.Namespace(release=None, rollback=True, key=tmp_path / "x.pub")
    with pytest.raises(FirmwareError, match="a card with two systems"):
        update.run(args, Context(config=Config(), data_dir=tmp_path), home=tmp_path / "microcue")


@pytest.mark.parametrize(
    ("mounts", "sealed"),
    [
        ("/dev/mmcblk0p2 / ext4 rw,relatime 0 0\n", False),
        ("overlay /var/lib/docker/x overlay rw 0 0\n/dev/root / ext4 rw 0 0\n", False),
        (
            "overlayroot / overlay rw,relatime,lowerdir=/media/root-ro,upperdir=/media/root-rw/overlay 0 0\n",
            True,
        ),
    ],
)
def test_read_only_system_is_known_by_its_mount(tmp_path, mounts, sealed):
    (tmp_path / "mounts").write_text(mounts)
    assert seal.is_sealed(tmp_path / "mounts") is sealed


def test_update_of_a_closed_system_opens_it_and_says_what_to_do(card_root, tmp_path, monkeypatch):
    boot, _ = card_root
    seal.change(boot, sealed=True)
    monkeypatch.setattr(seal, "is_sealed", lambda: True)
    monkeypatch.setattr(update, "find_card", lambda _: boot)
    args = argparse.Namespace(release=tmp_path / "x.release", rollback=False, key=tmp_path / "x.pub")
    called = []
    with pytest.raises(FirmwareError, match=r"restart, run this again, then delete .*microcue-open\.txt"):
        update.run(args, Context(config=Config(), data_dir=tmp_path), call=called.append, home=tmp_path)
    assert not called
    assert (boot / OPEN_NAME).is_file()
    assert seal.WORD not in words(boot)
