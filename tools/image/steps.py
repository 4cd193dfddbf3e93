"""What is asked of the board, in its order: watching, cues, pin, watchdog; the plug; the log after it."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import shutil
import tarfile
import time
from collections.abc import Sequence
from pathlib import Path

from emulated_board import command

from image.cues import Cue, differences, disagreements
from image.guest import Guest
from image.log import cues_of, sessions_of
from image.pins import LED_LINE, Change, changes_inside, n_cue_pulses

MICROCUE, LOG = "/opt/microcue/bin/microcue", "/var/lib/microcue"
STATE = "systemctl show -P ActiveState microcue.service"
JOURNAL = "journalctl --no-pager -u microcue -u microcue-warmup -u microcue-first-boot -n 60"
WATCHDOG_S = 14  # firmware_config/watchdog
# generous: other work on this machine slows an emulated board down
SHELL_PATIENCE_S, SESSION_PATIENCE_S, BITE_PATIENCE_S = 1800.0, 7200.0, 600.0
LOOK_EVERY_S = 2.0  # a session of the short clip can be over in half a minute
N_BEFORE_CUT = 1
_PIECE_BYTES, _N_TRIES = 12288, 5


def finding(said: str) -> str:
    """What one check of `microcue doctor --json` found; what was said instead where that is no such list."""
    try:
        (line,) = json.loads(said)
        return str(line["found"])
    except (ValueError, TypeError, KeyError):
        return said


class Steps:
    """What was seen is said on the terminal, with the minutes it took until then; what was not ends the test.

    Parameters
    ----------
    cache : Path
        Holds the card and what starts it; consoles, changes of pins and cues are kept there.
    """

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self._begun_s = time.monotonic()
        self._disk = cache / "disk.qcow2"

    def say(self, sentence: str) -> None:
        """A sentence, and how many minutes it took until now."""
        print(f"image-test: {(time.monotonic() - self._begun_s) / 60:5.1f} min  {sentence}", flush=True)

    def expect(self, holds: bool, sentence: str, found: str) -> None:
        """Go on where it holds."""
        if not holds:
            raise SystemExit(f"image-test: expected {sentence}; found: {found}")
        self.say(sentence)

    def run(self, expected: Sequence[Cue]) -> None:
        """All of it, on a card that nobody has started yet."""
        card = self._cache / "card.img"
        command(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", str(card), str(self._disk)])
        self._see_taken_in()
        with self._start("1-new-card") as guest:
            self._see_watching(guest)
            self._see_system(guest)
            first = self._see_cues(guest, expected)
            self._cut(guest)
        with self._start("2-after-the-cut") as guest:
            self._see_recovered(guest, first)
            self._see_watchdog_bite(guest)

    def _see_taken_in(self) -> None:
        """The machine's file on the card asks for another start, once."""
        with self._switched_on("0-taken-in") as guest:
            has_ended = guest.wait_for_end(SHELL_PATIENCE_S)
            sentence = "the first start takes the card's files in, and ends in another"
            self.expect(has_ended, sentence, guest.last_words())

    def _switched_on(self, name: str) -> Guest:
        return Guest(self._cache, self._disk, (self._cache / "cmdline.txt").read_text().strip(), name)

    def _start(self, name: str) -> Guest:
        guest = self._switched_on(name)
        guest.wait_for_shell(SHELL_PATIENCE_S)
        guest.ask("echo 1 > /sys/kernel/tracing/events/gpio/gpio_value/enable")
        self.say(f"start {name}: systemd is up {time.monotonic() - guest.begun_s:.0f} s after the switch")
        return guest

    def _wait_until(self, guest: Guest, *wanted: str) -> str:
        """Until the watcher's unit is in one of these states."""
        until_s = time.monotonic() + SESSION_PATIENCE_S
        while (state := guest.ask(STATE).text) not in wanted:
            if time.monotonic() > until_s:
                raise SystemExit(f"image-test: the watcher stays {state}:\n{guest.ask(JOURNAL).text}")
            time.sleep(LOOK_EVERY_S)
        return state

    def _see_watching(self, guest: Guest) -> None:
        """READY under the hardened unit, confined, with the settings from the card."""
        state = self._wait_until(guest, "active", "failed")
        self.expect(state == "active", "the watcher says READY=1", guest.ask(JOURNAL).text)
        pid = guest.ask("systemctl show -P MainPID microcue.service").text
        status = guest.ask(f"grep -E '^(NoNewPrivs|Seccomp|CapEff):' /proc/{pid}/status").text.split()
        confined = ["NoNewPrivs:", "1", "CapEff:", "0" * 16, "Seccomp:", "2"]
        self.expect(sorted(status) == sorted(confined), "it has no privilege and a filter", str(status))
        networks = guest.ask(f"grep : /proc/{pid}/net/dev | cut -d: -f1").text
        self.expect(networks == "lo", "it has no network but its own lo", networks)
        applied = guest.ask("cat /boot/firmware/microcue-applied.txt").text
        self.expect("settings of microcue.toml" in applied, "the card's settings were taken in", applied)

    def _see_system(self, guest: Guest) -> None:
        """What the appliance puts around it."""
        firewall = guest.ask("nft list chain inet microcue output").text
        self.expect("policy drop" in firewall, "the firewall is shut", firewall)
        swap = guest.ask("tail -n +2 /proc/swaps").text
        self.expect(swap.startswith("/dev/zram0") and "\n" not in swap, "swap is in memory alone", swap)
        watchdog = guest.ask(
            "cd /sys/class/watchdog/watchdog0 && cat identity state timeout"
        ).text.splitlines()
        held = ["Software Watchdog", "active", str(WATCHDOG_S)]
        self.expect(watchdog == held, f"systemd holds /dev/watchdog, {WATCHDOG_S} s", str(watchdog))
        failed = guest.ask("systemctl --failed --no-legend --plain").text
        self.expect(not failed, "no unit has failed", failed)

    def _see_cues(self, guest: Guest, expected: Sequence[Cue]) -> list[Cue]:
        """The session ends well, with this machine's cues; the pin has shown them."""
        self._wait_until(guest, "inactive", "failed")
        result = guest.ask("systemctl show -P Result microcue.service").text
        self.expect(result == "success", "the session ended well", guest.ask(JOURNAL).text)
        found = cues_of(self._fetch_log(guest, "log-1-first"), "latest")
        for name, cues in (("here", expected), ("board", found)):
            (self._cache / f"cues-{name}.json").write_text(json.dumps(cues, indent=1))
        differing = disagreements(expected, found)
        self.expect(not differing, f"{len(found)} cues: times, places and sides as here", str(differing))
        for one in differences(expected, found):
            values = f"{one.here:g} here, {one.there:g} in the board"
            self.say(f"largest difference of {one.column}: {one.largest:g} ({values})")
        self._see_light(guest, n_cues=len(found))
        return found

    def _see_light(self, guest: Guest, n_cues: int) -> None:
        """What gpiozero wrote is what the pin outside did, and every cue was shown."""
        inside, outside = self._light(guest), guest.levels(LED_LINE)
        same = outside[-len(inside) :] == [change.level for change in inside]
        sentence = f"the LED's pin changed {len(inside)} times, inside the board and outside"
        self.expect(len(inside) > 0 and same, sentence, f"{inside} inside, {outside} outside")
        n_shown = n_cue_pulses(inside)
        self.expect(0 < n_shown <= n_cues, f"{n_shown} of its pulses are as long as a cue's", str(inside))

    def _light(self, guest: Guest) -> list[Change]:
        """What the board's kernel wrote to the LED's pin since this was asked first."""
        base = guest.ask("grep -o 'GPIOs [0-9]*' /sys/kernel/debug/gpio | cut -d' ' -f2").text
        return changes_inside(int(base) + LED_LINE, guest.ask("cat /sys/kernel/tracing/trace").text)

    def _cut(self, guest: Guest) -> None:
        """A second session, and the plug pulled in the middle of it."""
        n_before = n_cue_pulses(self._light(guest))
        guest.ask("systemctl start --no-block microcue.service")
        until_s = time.monotonic() + SESSION_PATIENCE_S
        while n_cue_pulses(self._light(guest)) < n_before + N_BEFORE_CUT:
            if time.monotonic() > until_s:
                raise SystemExit(f"image-test: no cue in a second session:\n{guest.ask(JOURNAL).text}")
            time.sleep(LOOK_EVERY_S)
        state = guest.ask(STATE).text
        self.expect(state == "active", "in a second session, a cue on, the plug is pulled", state)
        guest.pull_the_plug()

    def _see_recovered(self, guest: Guest, first: Sequence[Cue]) -> None:
        """The log is whole, the session that was cut is in it, and the next one has begun by itself."""
        state = self._wait_until(guest, "active", "failed")
        self.expect(state == "active", "the next session has begun by itself", guest.ask(JOURNAL).text)
        # for programs, and without what a terminal alone is told: the console counts as one
        checked = guest.ask(f"{MICROCUE} doctor --only log --json --data {LOG} 2> /dev/null")
        self.expect(checked.code == 0, f"the log is whole: {finding(checked.text)}", checked.text)
        guest.ask("systemctl stop microcue.service")
        log = self._fetch_log(guest, "log-2-after-the-cut")
        names = sessions_of(log)
        self.expect(len(names) == 3, "it has three sessions", str(names))
        whole, kept = cues_of(log, names[0]), cues_of(log, names[1])
        self.expect(whole == list(first), "the first has every cue, to the last digit", str(whole))
        same = len(kept) >= N_BEFORE_CUT and not disagreements(first[: len(kept)], kept)
        self.expect(same, f"the cut one kept its cues ({len(kept)}), the same as the first's", str(kept))

    def _fetch_log(self, guest: Guest, name: str) -> Path:
        """The log's folder, copied here while nobody writes to it: this machine reads it faster."""
        folder = self._cache / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        guest.ask("cd /var/lib/microcue && tar -cf /run/log.tar microcue.db*")
        n_bytes = int(guest.ask("stat -c %s /run/log.tar").text)
        log = b"".join(self._piece_of_log(guest, k) for k in range(-(-n_bytes // _PIECE_BYTES)))
        same = guest.ask("sha256sum < /run/log.tar").text.split()[0] == hashlib.sha256(log).hexdigest()
        self.expect(same, f"its log is here, {n_bytes / 1e3:.0f} kB", f"{len(log)} bytes, or others")
        with tarfile.open(fileobj=io.BytesIO(log)) as packed:
            packed.extractall(folder, filter="data")
        return folder

    def _piece_of_log(self, guest: Guest, number: int) -> bytes:
        """A part small enough for the console's buffer, which loses what comes too fast."""
        cut = f"dd if=/run/log.tar bs={_PIECE_BYTES} skip={number} count=1 status=none"
        for _ in range(_N_TRIES):
            said, digest = guest.ask(f"{cut} | base64 -w 0"), guest.ask(f"{cut} | sha256sum")
            piece = base64.b64decode(said.text[: len(said.text) // 4 * 4])
            if digest.text.split()[0] == hashlib.sha256(piece).hexdigest():
                return piece
        return b""

    def _see_watchdog_bite(self, guest: Guest) -> None:
        """systemd crashes, nobody feeds the watchdog any more, and it starts the board again."""
        guest.ask("sync; (sleep 2; kill -SEGV 1) > /dev/null 2>&1 &")
        begun_s = time.monotonic()
        bitten = guest.wait_for_end(BITE_PATIENCE_S)
        sentence = f"{time.monotonic() - begun_s:.0f} s after systemd crashed the watchdog restarts the board"
        self.expect(bitten, sentence, guest.last_words())
