"""The files on the card: what is applied, once; what is refused, and how it is said."""

from __future__ import annotations

import contextlib
import json
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.cli import main
from edge.config import load_config
from edge.errors import EXIT_CONFIG, ConfigError, EdgeError
from edge.firmware import card, manifest
from edge.firmware.card_settings import FirstBoot, read_first_boot
from edge.firmware.errors import FirmwareError
from edge.firmware.first_boot import apply_card, check_card

SECRET = "correct horse battery"
SSH_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGZ4cG1hYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5 me@lab"
AGE_KEY = "age1" + "q" * 58
FULL = f"""# my rig
[device]
name = "rig-3"
sensor = "imx708"

[network]
wifi_name = "Lab é"
wifi_password = "{SECRET}"  # from the notice board
wifi_country = "DE"
ssh_key = "{SSH_KEY}"
set_clock = true

[lab]
consent_text = \"\"\"
You may stop at any time.
Sie können jederzeit aufhören.
\"\"\"
public_key = "{AGE_KEY}"
"""
FIRST_BOOT, SETTINGS = card.FIRST_BOOT_NAME, "microcue.toml"
PROBLEM = card.PROBLEM_NAME

WRONG = {
    "bad TOML": (SETTINGS, "[capture\ncamera = 1", "expected TOML"),
    "unknown key": (SETTINGS, "[capture]\ncamra = 'auto'", "did you mean camera"),
    "unknown section": (SETTINGS, "[captures]\n", "did you mean capture"),
    "text for a number": (SETTINGS, "[capture]\nfps = 'fast'", "a number from 0 to 1000"),
    "out of range": (SETTINGS, "[indicate]\nbrightness_percent = 400", "from 1 to 100"),
    "value for a section": (SETTINGS, "capture = 3", "expected the section"),
    "huge": (SETTINGS, "#" * 1_100_000, "at most 1000000 bytes"),
    "no text": (SETTINGS, b"\xff\xfe[\x00c\x00", "UTF-8"),
    "bad TOML with CRLF": (FIRST_BOOT, "[device]\r\nname = rig\r\n", "expected TOML"),
    "unknown key behind a BOM": (FIRST_BOOT, "\ufeff[device]\nnames = 'rig'", "did you mean name"),
    "name that is none": (FIRST_BOOT, "[device]\nname = 'Rig 3!'", "small letters"),
    "sensor that is none": (FIRST_BOOT, "[device]\nsensor = 'imx999'", "one of auto, none, imx219"),
    "Wi-Fi without its country": (
        FIRST_BOOT,
        f"[network]\nwifi_name = 'x'\nwifi_password = '{SECRET}'",
        "wifi_country beside it",
    ),
    "password of a wrong type": (FIRST_BOOT, "[network]\nwifi_password = 12345678", "8 to 63 characters"),
    "short password": (FIRST_BOOT, "[network]\nwifi_password = 'horse'", "8 to 63 characters"),
    "password for a section": (FIRST_BOOT, f"network = '{SECRET}'", "a single value"),
    "key with options before it": (
        FIRST_BOOT,
        f"[network]\nssh_key = 'command=\"x\" {SSH_KEY}'",
        "one public key",
    ),
    "secret key for a public one": (
        FIRST_BOOT,
        "[lab]\npublic_key = 'AGE-SECRET-KEY-1QQQ'",
        "age1",
    ),
    "ending that Windows hides": ("microcue.toml.txt", "", "rename or remove it"),
    "true for a text": (FIRST_BOOT, "[device]\nname = true", "small letters"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_file_is_said_on_the_card_and_nothing_is_applied(machine, name, capsys):
    file, content, expected = WRONG[name]
    # beside a right one, which must not be half of what somebody wanted
    machine.put(SETTINGS if file == FIRST_BOOT else FIRST_BOOT, "" if file == FIRST_BOOT else FULL)
    machine.put(file, content)
    before = {path.name: path.read_bytes() for path in machine.boot.iterdir()}, machine.system_files()
    words = ["first-boot", "--boot", str(machine.boot), "--root", str(machine.root)]
    assert main(words) == EXIT_CONFIG
    problem = machine.on_card(PROBLEM)
    assert expected in problem
    assert expected in capsys.readouterr().err
    assert "horse" not in problem  # no password, not even a wrong one
    assert "12345678" not in problem
    (machine.boot / PROBLEM).unlink()
    # config.txt and cmdline.txt among them: the machine starts as before
    assert ({p.name: p.read_bytes() for p in machine.boot.iterdir()}, machine.system_files()) == before
    assert "Traceback" not in capsys.readouterr().err


def test_mended_file_is_applied_and_the_message_goes_away(machine):
    machine.put(SETTINGS, "[capture]\nfps = 'fast'")
    with pytest.raises(ConfigError):
        apply_card(machine.boot, machine.root)
    machine.put(SETTINGS, "\ufeff[capture]\r\nfps = 120\r\n")
    assert apply_card(machine.boot, machine.root).applied == ["the settings of microcue.toml"]
    assert load_config(machine.root / "etc/microcue/microcue.toml").capture.fps == 120
    assert not (machine.boot / PROBLEM).exists()


def test_everything_is_applied(machine):
    machine.put(FIRST_BOOT, FULL)
    outcome = apply_card(machine.boot, machine.root)
    assert outcome.restart
    assert machine.in_system("etc/hostname") == "rig-3\n"
    assert machine.in_system("etc/hosts") == "127.0.0.1\tlocalhost\n127.0.1.1\trig-3\n"
    assert machine.in_system("etc/microcue/authorized_keys") == SSH_KEY + "\n"
    assert "dport 22" in machine.in_system("etc/microcue/nftables.d/ssh.nft")
    assert "123" in machine.in_system("etc/microcue/nftables.d/clock.nft")
    assert machine.in_system("etc/microcue/lab.pub") == AGE_KEY + "\n"
    assert "jederzeit aufhören" in machine.in_system("etc/microcue/consent.txt")
    assert "regdom=DE" in machine.in_system("etc/modprobe.d/microcue-wifi.conf")
    config = machine.on_card("config.txt")
    assert "dtoverlay=imx708" in config
    assert "disable-wifi" not in config
    assert "disable-bt" in config


def test_wifi_profile_is_for_root_alone_and_names_the_network_byte_by_byte(machine):
    machine.put(FIRST_BOOT, FULL)
    apply_card(machine.boot, machine.root)
    profile = machine.root / "etc/NetworkManager/system-connections/microcue.nmconnection"
    assert stat.S_IMODE(profile.stat().st_mode) == 0o600
    assert f"psk={SECRET}\n" in profile.read_text()
    assert f"ssid={';'.join(str(byte) for byte in 'Lab é'.encode())};\n" in profile.read_text()


def test_iwd_gets_its_own_kind_of_file(machine):
    (machine.root / "usr/sbin/NetworkManager").unlink()
    (machine.root / "usr/libexec").mkdir()
    (machine.root / "usr/libexec/iwd").touch()
    machine.put(FIRST_BOOT, FULL)
    apply_card(machine.boot, machine.root)
    profile = machine.root / "var/lib/iwd" / f"={'Lab é'.encode().hex()}.psk"
    assert f"Passphrase={SECRET}" in profile.read_text()
    assert stat.S_IMODE(profile.stat().st_mode) == 0o600


def test_machine_without_wifi_programs_says_so_on_the_card(machine):
    (machine.root / "usr/sbin/NetworkManager").unlink()
    machine.put(FIRST_BOOT, FULL)
    with pytest.raises(FirmwareError):
        apply_card(machine.boot, machine.root)
    assert "NetworkManager or iwd" in machine.on_card(PROBLEM)


def test_system_that_cannot_be_written_is_said_on_the_card_too(machine):
    # as on a read-only root; permissions would not stop root, a file in place of a folder does
    (machine.root / "etc/microcue").write_text("")
    machine.put(FIRST_BOOT, FULL)
    with pytest.raises(FirmwareError):
        apply_card(machine.boot, machine.root)
    assert "must be writable" in machine.on_card(PROBLEM) or "expected to write" in machine.on_card(PROBLEM)
    assert SECRET in machine.on_card(FIRST_BOOT)  # not taken in, so not taken away


def test_password_leaves_the_card_and_all_else_stays(machine):
    path = machine.put(FIRST_BOOT, FULL)
    length = path.stat().st_size
    apply_card(machine.boot, machine.root)
    after = machine.on_card(FIRST_BOOT)
    assert SECRET not in after
    assert path.stat().st_size == length  # in its old place, so its old blocks are written over
    assert after.rstrip() == FULL.replace(SECRET, "").rstrip()
    assert SECRET not in machine.on_card(card.APPLIED_NAME)
    assert read_first_boot(path).network.wifi_name == "Lab é"


def test_each_content_is_applied_once(machine):
    machine.put(FIRST_BOOT, FULL)
    machine.put(SETTINGS, "[capture]\nfps = 90\n")
    apply_card(machine.boot, machine.root)
    (machine.root / "etc/hostname").write_text("renamed-by-hand\n")
    second = apply_card(machine.boot, machine.root)
    assert (second.applied, second.restart) == ([], False)  # a restart each time would never end
    assert machine.in_system("etc/hostname") == "renamed-by-hand\n"


def test_file_edited_again_keeps_the_password_that_was_given_before(machine):
    path = machine.put(FIRST_BOOT, FULL)
    apply_card(machine.boot, machine.root)
    path.write_text(path.read_text().replace("rig-3", "rig-4"))
    assert "Wi-Fi as it was, since wifi_password is empty" in apply_card(machine.boot, machine.root).applied
    assert machine.in_system("etc/hostname") == "rig-4\n"
    assert SECRET in machine.in_system("etc/NetworkManager/system-connections/microcue.nmconnection")


def test_what_is_taken_back_is_taken_away(machine):
    path = machine.put(FIRST_BOOT, FULL)
    apply_card(machine.boot, machine.root)
    path.write_text("[device]\nname = 'rig-3'\n")
    apply_card(machine.boot, machine.root)
    doors = {
        "etc/microcue/authorized_keys",
        "etc/microcue/nftables.d/ssh.nft",
        "etc/microcue/nftables.d/clock.nft",
    }
    wifi = "etc/NetworkManager/system-connections/microcue.nmconnection"
    assert not (doors | {wifi}) & machine.system_files()
    assert "disable-wifi" in machine.on_card("config.txt")


def test_power_cut_before_the_note_applies_again(machine):
    machine.put(FIRST_BOOT, FULL)
    apply_card(machine.boot, machine.root)
    note = machine.root / "var/lib/microcue-first-boot/applied.json"
    assert set(json.loads(note.read_text())) == {SETTINGS, FIRST_BOOT}
    note.write_text('{"microcue.toml": "')  # cut
    assert apply_card(machine.boot, machine.root).applied != []


def test_card_without_our_files_changes_nothing(machine):
    before = machine.system_files()
    assert apply_card(machine.boot, machine.root).applied == []
    assert {path.name for path in machine.boot.iterdir()} == {"config.txt", "cmdline.txt"}
    assert machine.system_files() - before == {"var/lib/microcue-first-boot/applied.json"}


def test_check_needs_no_machine(machine, capsys):
    machine.put(FIRST_BOOT, FULL)
    assert main(["first-boot", "--check", "--boot", str(machine.boot)]) == 0
    assert SECRET in machine.on_card(FIRST_BOOT)
    assert "are right" in capsys.readouterr().out


def test_examples_on_the_image_are_right_and_ask_for_nothing(machine):
    for name in (FIRST_BOOT, SETTINGS):
        machine.put(name, manifest.read(f"first-boot/{name}"))
    first = check_card(machine.boot)
    assert first.device == FirstBoot().device
    assert first.network == FirstBoot().network
    assert first.lab.consent_text.strip() == first.lab.public_key == ""


def test_every_line_that_the_example_offers_is_a_setting(machine):
    lines = manifest.read(f"first-boot/{SETTINGS}").splitlines()
    offered = [line.removeprefix("# ") if " = " in line else line for line in lines]
    path = machine.put(SETTINGS, "\n".join(offered))
    config = load_config(path)
    assert config.session.consent_required
    assert config.indicate.quiet_hours == "22:00-07:00"


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused_with_a_sentence(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("card") / FIRST_BOOT
    path.write_bytes(content)
    with contextlib.suppress(EdgeError):
        check_card(path.parent)


KIOSK = '[session]\nmode = "kiosk"\n[kiosk]\nconsent_text = "/etc/microcue/consent.txt"\n'


def test_a_kiosk_without_a_text_to_agree_to_is_told_on_the_card(machine):
    machine.put(SETTINGS, KIOSK)
    machine.put(FIRST_BOOT, "[device]\nname = 'rig'\n")
    for root in (None, machine.root):
        with pytest.raises(ConfigError, match="expects the text that visitors agree to"):
            check_card(machine.boot, root)
    machine.put(FIRST_BOOT, '[lab]\nconsent_text = """\nYou may stop.\n"""\n')
    apply_card(machine.boot, machine.root)
    machine.put(FIRST_BOOT, "[device]\nname = 'rig'\n")
    assert check_card(machine.boot, machine.root) is not None  # the device has the earlier one


def test_a_kiosk_with_a_text_of_its_own_place_is_not_asked_for_one(machine):
    machine.put(SETTINGS, KIOSK.replace("/etc/microcue/consent.txt", "/srv/text.txt"))
    assert check_card(machine.boot) is None
