"""What every test in an emulated arm64 board (QEMU) shares: Debian's packages unpacked, its kernel, archives.

No package is configured and no kernel module is looked for here: what a board needs before its disks can be
read goes into a first file system of our own, and everything else is as Debian packed it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

SUITE = "bookworm"
# as the machine says who it is, for what calls itself by the board's processor
PROCESSOR = "cortex-a72"


def refusal(tool: str, needed: Sequence[str], others: Sequence[str] = ()) -> int:
    """69, and a sentence, where a program or root is missing; else 0."""
    missing = [*(name for name in needed if shutil.which(name) is None), *others]
    if os.geteuid() != 0:
        missing.append("root")
    if not missing:
        return 0
    print(f"{tool}: expected root and {', '.join(needed)}; missing: {', '.join(missing)}", file=sys.stderr)
    return 69


def unpack(packages: str, tree: Path) -> None:
    """Debian's essential packages and these, with what they depend on, as files; a network is needed."""
    options = ["--variant=extract", "--arch=arm64", f"--include={packages}"]
    # a machine whose clock is wrong would find the archive expired
    options += ['--aptopt=Acquire::Check-Valid-Until "false"']
    options += ["--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr"]
    command(["mmdebstrap", "--quiet", *options, SUITE, str(tree)])


def take_kernel(tree: Path, path: Path) -> str:
    """Copy the kernel out of a tree; its release, as its folder of modules is called."""
    (kernel,) = (tree / "boot").glob("vmlinuz-*")
    shutil.copy(kernel, path)
    return kernel.name.removeprefix("vmlinuz-")


def kernel_modules(tree: Path, release: str, wanted: Iterable[str]) -> list[Path]:
    """These modules, each behind those it needs."""
    files = {file.stem.replace("-", "_"): file for file in (tree / "lib" / "modules" / release).rglob("*.ko")}
    order: list[Path] = []
    for name in wanted:
        _add_module(name, files, order)
    return order


def _add_module(name: str, files: dict[str, Path], order: list[Path]) -> None:
    """A kernel module behind those it needs, as its own section .modinfo says."""
    if name not in files or files[name] in order:
        return
    _, _, rest = files[name].read_bytes().partition(b"\0depends=")
    for needed in filter(None, rest.partition(b"\0")[0].decode().split(",")):
        _add_module(needed.replace("-", "_"), files, order)
    order.append(files[name])


def first_files(tree: Path, modules: Sequence[Path], init: Path) -> bytes:
    """A first file system: a static shell, these modules in their order, and `init`."""
    entries = [(name, 0o40755, b"") for name in ("bin", "dev", "proc", "sys", "root", "modules")]
    entries.append(("init", 0o100755, init.read_bytes()))
    entries.append(("bin/busybox", 0o100755, (tree / "bin" / "busybox").read_bytes()))
    entries.append(("modules/order", 0o100644, "\n".join(file.name for file in modules).encode()))
    entries += [(f"modules/{file.name}", 0o100644, file.read_bytes()) for file in modules]
    return archive(entries) + archive_end()


def archive(entries: Iterable[tuple[str, int, bytes]]) -> bytes:
    """Files of a "newc" archive, the format that the kernel unpacks: name, mode, content."""
    return b"".join(map(_entry, entries))


def archive_end() -> bytes:
    """What stands behind the last file."""
    return _entry(("TRAILER!!!", 0, b""))


def _entry(entry: tuple[str, int, bytes]) -> bytes:
    name, mode, content = entry
    fields = (0, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0)
    head = b"070701" + "".join(f"{field:08x}" for field in fields).encode() + name.encode() + b"\0"
    return _padded(head) + _padded(content)


def _padded(content: bytes) -> bytes:
    """To a multiple of four bytes."""
    return content + bytes(-len(content) % 4)


def files_of(tree: Path) -> Iterator[tuple[str, int, bytes]]:
    """A folder's own contents for an archive, links as links."""
    for path in sorted(tree.rglob("*")):
        name, mode = str(path.relative_to(tree)), path.lstat().st_mode
        if path.is_symlink():
            yield name, mode, str(path.readlink()).encode()
        elif path.is_dir():
            yield name, mode, b""
        elif path.is_file():
            yield name, mode, path.read_bytes()


def command(words: Sequence[str], allowed: tuple[int, ...] = (0,)) -> str:
    """Run a program; what it printed, or what it complained of where it fails."""
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode not in allowed:
        said = (done.stderr or done.stdout)[-2000:]
        raise SystemExit(f"{Path(sys.argv[0]).stem}: {' '.join(words)} gave {done.returncode}: {said}")
    return done.stdout
