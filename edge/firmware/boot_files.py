"""What a Raspberry Pi's bootloader reads: our part of `config.txt`, our words of `cmdline.txt`.

The part stands between two marks at the end of the file and is put in again whole, so that putting it in
twice changes nothing and taking it out leaves the file as it was.
"""

from __future__ import annotations

from collections.abc import Iterable

from edge.firmware import manifest

BEGIN = "# microcue: what follows is written by microcue, up to the end mark"
END = "# microcue: end"
# what somebody switched on beside us would load two drivers for one connector, or a camera nobody named
_OURS_ALONE = ("camera_auto_detect=",)
SENSORS = ("auto", "none", "imx219", "imx296", "imx477", "imx708", "ov5647", "ov9281")
# the bootloader ignores what stands beyond
LINE_MAX = 98


def config_part(sensor: str, wifi: bool) -> str:
    """Our part of `config.txt`, without comments.

    Parameters
    ----------
    sensor : one of `SENSORS`
    wifi : bool
        Whether it was asked for; it is switched off otherwise, Bluetooth always.
    """
    radio = "boot/config-wifi-on.txt" if wifi else "boot/config-radio-off.txt"
    lines = [BEGIN]
    for source in ("boot/config-common.txt", f"boot/config-camera-{sensor}.txt", radio):
        # filters of the fragment before end here
        lines += ["[all]", *_meant(manifest.read(source))]
    return "\n".join([*lines, "[all]", END, ""])


def with_part(config: str, part: str) -> str:
    """`config.txt` with our part at its end, in place of an earlier one; an empty part takes it out."""
    kept, inside = [], False
    for line in config.splitlines():
        inside = inside or line == BEGIN
        if not inside:
            kept.append(_switched(line, off=bool(part)))
        inside = inside and line != END
    return "".join(f"{line}\n" for line in kept) + part


def with_words(cmdline: str, words: Iterable[str]) -> str:
    """`cmdline.txt`, one line, with these words; a word that is there is not added again."""
    present = cmdline.split()
    return " ".join([*present, *(word for word in words if word not in present)]) + "\n"


def without_words(cmdline: str, words: Iterable[str]) -> str:
    """`cmdline.txt` without these words."""
    ours = set(words)
    return " ".join(word for word in cmdline.split() if word not in ours) + "\n"


def cmdline_words() -> list[str]:
    """The words that we add to the kernel's command line."""
    return _meant(manifest.read("boot/cmdline.txt"))


_OFF = "#microcue-off "


def _switched(line: str, off: bool) -> str:
    """A line that would contradict our part, switched off; or as it was, where our part goes."""
    if line.startswith(_OFF):
        line = line.removeprefix(_OFF)
    return f"{_OFF}{line}" if off and line.strip().startswith(_OURS_ALONE) else line


def _meant(text: str) -> list[str]:
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]
