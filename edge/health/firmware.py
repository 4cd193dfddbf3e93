"""What a Raspberry Pi's firmware says of its power and clock: one word, asked through the mailbox."""

from __future__ import annotations

import fcntl
import os
import struct
from collections.abc import Callable
from pathlib import Path

# bits of the word (raspberrypi.com, documentation of `vcgencmd get_throttled`); 16 higher: since the start
UNDERVOLTAGE, FREQUENCY_CAPPED, THROTTLED, SOFT_LIMIT = 1 << 0, 1 << 1, 1 << 2, 1 << 3
SINCE_START = 16

_MAILBOX = Path("/dev/vcio")
# _IOWR(100, 0, char *) of the kernel's vcio driver, with pointers of 8 bytes
_IOCTL_MBOX_PROPERTY = 0xC0086400
_GET_THROTTLED = 0x00030046  # raspberrypi/firmware wiki, mailbox property interface
_REQUEST, _ANSWERED = 0, 0x80000000
_WORDS = struct.Struct("=8I")


def throttled_word(
    mailbox: Path = _MAILBOX, ioctl: Callable[[int, int, bytearray], object] = fcntl.ioctl
) -> int | None:
    """The firmware's `get_throttled` word; None where there is no such firmware, or it does not answer.

    Parameters
    ----------
    mailbox : Path
    ioctl : callable
        As `fcntl.ioctl`; tests play the firmware.

    Notes
    -----
    The bits since the start are not cleared by asking here. The kernel's own driver
    (raspberrypi-hwmon) does clear them every other second, so they may say less than was.
    """
    message = bytearray(_WORDS.pack(_WORDS.size, _REQUEST, _GET_THROTTLED, 4, 0, 0, 0, 0))
    try:
        descriptor = os.open(mailbox, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        ioctl(descriptor, _IOCTL_MBOX_PROPERTY, message)
    except OSError:
        return None
    finally:
        os.close(descriptor)
    _, answer, _, _, _, word, *_ = _WORDS.unpack(message)
    return int(word) if answer == _ANSWERED else None
