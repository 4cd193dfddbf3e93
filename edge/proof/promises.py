"""Each promise of PRIVACY.md with what was seen of it: kept, broken, or not to be told on this machine."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edge.errors import EdgeError
from edge.proof.watched import Observation
from edge.record.pictures import PICTURES_DIR

Level = Literal["pass", "fail", "unknown"]

# what PRIVACY.md lists for a run; the last two are there only while the database is open
FILES_OF_A_RUN = frozenset(
    {"microcue.db", "microcue.lock", "microcue.status", "microcue.db-wal", "microcue.db-shm"}
)
_PICTURE_FILE = re.compile(rf"/{PICTURES_DIR}/[A-Za-z0-9_-]+/\d+\.(age|part)$")
# in memory, and empty unless somebody looks at the run
_LIVE_FILE = re.compile(r"microcue-\d+\.live")
_NAMES = {"2": "IPv4", "10": "IPv6", "17": "packet", "31": "Bluetooth", "40": "virtual machine"}


class ProofFailed(EdgeError):
    """The session that the proof watches did not come to its end."""

    def __init__(self, exit_code: int, last_words: str) -> None:
        super().__init__(exit_code, last_words)
        self.child_exit_code = exit_code
        self.last_words = last_words

    def __str__(self) -> str:
        return (
            f"expected a session of six seconds to watch, it ended with exit code {self.child_exit_code} "
            f"({self.last_words}); microcue doctor says what this machine lacks"
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """One promise.

    Attributes
    ----------
    promise : str
    level : {"pass", "fail", "unknown"}
    seen : str
        The evidence, with numbers.
    fix : str
        What to do; empty where it is kept.
    """

    promise: str
    level: Level
    seen: str
    fix: str = ""


def observe(keeps_pictures: bool = False, python: str = sys.executable) -> Observation:
    """Watch a canary in a process of its own, in a folder that is deleted afterwards.

    With `keeps_pictures` it is watched as under `record.pictures`, encrypted to a key of its own.

    Raises
    ------
    ProofFailed
    """
    with tempfile.TemporaryDirectory(prefix="microcue-proof-") as folder:
        words = ["pictures"] if keeps_pictures else []
        command = [python, "-m", "edge.proof.watched", str(Path(folder).resolve()), *words]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        last_words = (ended.stderr.strip().splitlines() or ["without a word"])[-1]
        raise ProofFailed(ended.returncode, last_words)
    return Observation(**json.loads(ended.stdout))


def verdicts(seen: Observation) -> list[Verdict]:
    """Judge what was seen; a session that stored nothing proves nothing, and is a failure itself."""
    judges = (*_JUDGES, _encrypted) if seen.keeps_pictures else _JUDGES
    return [judge(seen) for judge in judges]


def _watched(seen: Observation) -> Verdict:
    text = (
        f"{seen.n_frames} frames, a face in {seen.n_face_frames}, {seen.n_cues} cue{'s' * (seen.n_cues != 1)}"
    )
    is_whole = 2 * seen.n_face_frames > seen.n_frames > 0 and seen.n_cues > 0
    fix = "" if is_whole else "reset the settings of [spot] and [track], and try again"
    return Verdict("a session was watched", "pass" if is_whole else "fail", text, fix)


def _cannot_open(seen: Observation) -> Verdict:
    given = [_NAMES.get(family, family) for family, is_refused in seen.refused.items() if not is_refused]
    promise = "no internet socket can be opened"
    if seen.unconfined:
        found, _, fix = seen.unconfined.partition("; ")
        return Verdict(promise, "fail", found, fix)
    if given or seen.n_unfiltered_threads or not seen.refused:
        text = (
            f"the kernel gave: {', '.join(given) or 'none'}; {seen.n_unfiltered_threads} threads unfiltered"
        )
        return Verdict(promise, "fail", text, "report this as a bug")
    refused = ", ".join(_NAMES.get(family, family) for family in seen.refused)
    return Verdict(promise, "pass", f"the kernel refuses {refused} to all threads")


def _opened_none(seen: Observation) -> Verdict:
    if seen.sockets:
        return Verdict("none was opened", "fail", ", ".join(seen.sockets), "report this as a bug")
    return Verdict("none was opened", "pass", "none while the session ran")


def _no_picture(seen: Observation) -> Verdict:
    if seen.found:
        text = "; ".join(f"{how} in {Path(path).name}" for path, how in seen.found.items())
        return Verdict("no picture in a file", "fail", text, "report this as a bug")
    level: Level = "pass" if seen.searched else "unknown"
    return Verdict(
        "no picture in a file", level, f"{seen.searched} files searched, also inside what is packed"
    )


def _too_little(seen: Observation) -> Verdict:
    promise = "too little written to hold a picture"
    if seen.n_written_bytes < 0:
        return Verdict(
            promise, "unknown", "this kernel does not count", "a kernel with CONFIG_TASK_IO_ACCOUNTING"
        )
    text = f"{seen.n_written_bytes / 1e3:.0f} kB in all, one picture takes {seen.n_noise_bytes / 1e3:.0f} kB"
    if seen.n_written_bytes >= seen.n_noise_bytes:
        return Verdict(promise, "fail", text, "report this as a bug")
    return Verdict(promise, "pass", text)


def _only_these(seen: Observation) -> Verdict:
    promise = "only the files listed are written"
    names = {Path(path).name for path in seen.written if not _is_picture(path, seen)}
    names -= {name for name in names if _LIVE_FILE.fullmatch(name)}
    if others := sorted(names - FILES_OF_A_RUN):
        return Verdict(promise, "fail", f"also {', '.join(others)}", "report this as a bug")
    level: Level = "pass" if names else "unknown"
    return Verdict(promise, level, ", ".join(sorted(names)) or "none seen")


def _is_picture(path: str, seen: Observation) -> bool:
    return seen.keeps_pictures and _PICTURE_FILE.search(path) is not None


def _encrypted(seen: Observation) -> Verdict:
    promise = "pictures are encrypted"
    if seen.plain_pictures:
        return Verdict(promise, "fail", ", ".join(seen.plain_pictures), "report this as a bug")
    text = f"{seen.n_picture_bytes / 1e3:.0f} kB in {seen.n_picture_files} files, all in the age format"
    return Verdict(promise, "pass" if seen.n_picture_files else "fail", text)


def _no_core(seen: Observation) -> Verdict:
    if seen.is_dumpable or seen.core_is_dumped:
        text = "a crash would write the memory to the disk"
        return Verdict("no core dump", "fail", text, "ulimit -c 0, or LimitCORE=0 in the unit")
    return Verdict("no core dump", "pass", "a process was made to crash, and none was written")


def _no_swap(seen: Observation) -> Verdict:
    promise = "no picture in swap"
    if seen.swapped_kb and seen.disk_swap and seen.swap_limit != "0":
        return Verdict(promise, "fail", f"{seen.swapped_kb} kB swapped out", _SWAP_FIX)
    if not seen.disk_swap:
        return Verdict(promise, "pass", "no swap on a disk")
    if seen.swap_limit == "0":
        return Verdict(promise, "pass", "not allowed to be swapped (memory.swap.max is 0)")
    return Verdict(promise, "fail", f"it could be: {', '.join(seen.disk_swap)} is on a disk", _SWAP_FIX)


_SWAP_FIX = "swapoff -a, use zram, or run it as a service with MemorySwapMax=0"
_JUDGES: tuple[Callable[[Observation], Verdict], ...] = (
    _watched,
    _cannot_open,
    _opened_none,
    _no_picture,
    _too_little,
    _only_these,
    _no_core,
    _no_swap,
)
