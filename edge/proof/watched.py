"""A whole session in a process of its own that looks at itself meanwhile; prints what it saw as JSON.

    python -m edge.proof.watched FOLDER [pictures]

The folder is empty, and the session's data directory. With the word `pictures` the session keeps pictures,
encrypted to a key whose secret half is never anywhere.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from edge.app import run_session
from edge.config import Config, with_overrides
from edge.confine import confine, refused_families
from edge.errors import EXIT_DONE
from edge.proof import process
from edge.proof.canary import Canary, canary_settings
from edge.proof.search import PictureSearch
from edge.record.keys import age
from edge.record.people import MAY_AGREE_TO, add_consent
from edge.record.pictures import PICTURES_DIR
from edge.warmup import warm_up

_AGE = b"age-encryption.org/v1\n"
_CODE = "proof"
_LOCAL_FAMILIES = ("AF_UNIX", "AF_NETLINK")


@dataclass(slots=True)
class Observation:
    """What a session did and could have done; all of it plain, for JSON.

    Attributes
    ----------
    unconfined : str
        Why no filter holds; empty where it does.
    refused : dict of str to bool
        Address family, and whether the kernel refused a socket of it.
    sockets : list of str
        Opened by Python code, or seen in the kernel's internet tables, while the session ran.
    n_written_bytes : int
        In all calls that write, from before the session to after it; -1 where the kernel does not count.
    n_noise_bytes : int
        The least that one picture takes in any coding.
    n_picture_files, n_picture_bytes : int
        Encrypted pictures, where the session kept any; not counted as written.
    plain_pictures : list of str
        Files among them that are not in the age format.
    found : dict of str to str
        File, and how it holds part of a picture.
    swap_limit : str
        Of the cgroup: "0", "max", bytes, or empty where it is not known.
    """

    unconfined: str = ""
    refused: dict[str, bool] = field(default_factory=dict)
    n_unfiltered_threads: int = 0
    sockets: list[str] = field(default_factory=list)
    n_frames: int = 0
    n_face_frames: int = 0
    n_cues: int = 0
    n_written_bytes: int = -1
    n_noise_bytes: int = 0
    keeps_pictures: bool = False
    n_picture_files: int = 0
    n_picture_bytes: int = 0
    plain_pictures: list[str] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    found: dict[str, str] = field(default_factory=dict)
    searched: int = 0
    is_dumpable: bool = True
    core_is_dumped: bool = True
    swapped_kb: int = 0
    disk_swap: list[str] = field(default_factory=list)
    swap_limit: str = ""


class Witness:
    """Notes what Python opens, and looks at the process when asked."""

    def __init__(self) -> None:
        self.sockets: set[str] = set()
        self.written: set[str] = set()
        self.n_unfiltered_threads = 0
        self.swapped_kb = 0

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        """An audit hook."""
        if event == "socket.__new__":
            family = getattr(arguments[1], "name", str(arguments[1]))
            if family not in _LOCAL_FAMILIES:
                self.sockets.add(f"{family} by Python")
        elif event == "open" and isinstance(arguments[0], str | bytes):
            flags = arguments[2] if isinstance(arguments[2], int) else 0
            if flags & (os.O_WRONLY | os.O_RDWR):
                self.written.add(os.path.realpath(os.fsdecode(arguments[0])))

    def look(self) -> None:
        """Once in a while as the session runs, since a file that is closed again leaves no trace."""
        self.sockets |= set(process.internet_sockets())
        self.written |= process.files_open_for_writing() | process.files_mapped_for_writing()
        self.n_unfiltered_threads = max(self.n_unfiltered_threads, process.n_unfiltered_threads())
        self.swapped_kb = max(self.swapped_kb, process.swapped_kb())


def watch(data_dir: Path, config: Config, keeps_pictures: bool = False) -> Observation:
    """Run the session and look; nothing of it can be undone, so this process is good for nothing else."""
    list(warm_up())  # what compiling writes is no session's
    settings = canary_settings(config)
    if keeps_pictures:
        settings = _with_pictures(settings, data_dir)
    seen = Observation(core_is_dumped=process.core_is_dumped(), keeps_pictures=keeps_pictures)
    canary, witness = Canary(), Witness()
    # opened now: once dumps are forbidden, only root may open it
    with Path("/proc/self/io").open("rb", buffering=0) as counters:
        before = _n_written_bytes(counters.read())
        sys.addaudithook(witness.hear)
        _, outcome = run_session(settings, data_dir, warn=lambda _: None, source=canary.source(witness.look))
        counters.seek(0)
        seen.n_written_bytes = _n_written_bytes(counters.read()) - before
    _look_at_pictures(seen, data_dir)
    seen.unconfined = confine()
    seen.refused = {str(family): refused for family, refused in refused_families().items()}
    seen.sockets = sorted(witness.sockets)
    seen.n_unfiltered_threads, seen.swapped_kb = witness.n_unfiltered_threads, witness.swapped_kb
    seen.n_frames, seen.n_face_frames = outcome.n_frames, outcome.n_face_frames
    seen.n_cues, seen.n_noise_bytes = outcome.n_micro + outcome.n_macro, canary.n_noise_bytes
    seen.is_dumpable = process.is_dumpable()
    seen.disk_swap, seen.swap_limit = process.disk_swap(), process.swap_limit()
    seen.written = sorted(path for path in witness.written if not path.startswith(("/dev/", "/proc/")))
    search = PictureSearch(canary.pictures)
    files = {path for path in data_dir.rglob("*") if path.is_file()}
    files |= {Path(path) for path in seen.written if Path(path).is_file()}
    seen.searched = len(files)
    seen.found = {str(path): found for path in sorted(files) if (found := search.found_in_file(path))}
    return seen


def _with_pictures(settings: Config, data_dir: Path) -> Config:
    """The settings with pictures kept, of somebody who agreed to it."""
    key = age().x25519.Identity.generate().to_public()
    add_consent(data_dir, _CODE, MAY_AGREE_TO, "made for the proof")
    return with_overrides(
        settings,
        {"record": {"pictures": True, "pictures_to": str(key)}, "session": {"participant": _CODE}},
    )


def _look_at_pictures(seen: Observation, data_dir: Path) -> None:
    files = [path for path in (data_dir / PICTURES_DIR).rglob("*") if path.is_file()]
    seen.n_picture_files = len(files)
    seen.n_picture_bytes = sum(path.stat().st_size for path in files)
    seen.n_written_bytes -= seen.n_picture_bytes if seen.n_written_bytes >= 0 else 0
    seen.plain_pictures = [path.name for path in files if not path.read_bytes().startswith(_AGE)]


def _n_written_bytes(counters: bytes) -> int:
    lines = dict(line.split(b": ") for line in counters.splitlines())
    return int(lines.get(b"wchar", -1))


if __name__ == "__main__":
    print(json.dumps(asdict(watch(Path(sys.argv[1]), Config(), sys.argv[2:] == ["pictures"]))))
    sys.exit(EXIT_DONE)
