"""The card: a FAT partition for the start, the system, a partition for the log; and the start read back."""

from __future__ import annotations

import shutil
from pathlib import Path

from emulated_board import command, first_files, kernel_modules, take_kernel

FIRST_MODULES = ("virtio_pci", "virtio_blk", "ext4", "crc32c_generic", "softdog")
BOOT_MB, LOG_MB, SPARE_MB = 96, 256, 256
FIRST_FAT_BYTE = 1024 * 1024
LAYOUT = """
image card.img {
    hdimage { partition-table-type = "mbr" disk-signature = 0x6d637565 align = 1M }
    partition boot { partition-type = 0x0C bootable = "true" image = "boot.vfat" }
    partition root { partition-type = 0x83 image = "root.ext4" }
    partition log { partition-type = 0x83 image = "log.ext4" }
}
"""


def make_card(tree: Path, clip: Path, card: Path) -> None:
    """The image, from a tree that is taken apart for it; without loop devices and mounts.

    Parameters
    ----------
    tree : Path
        As `tree.install` leaves it; changed.
    clip : Path
        What the watcher is to watch; kept where the built-in clip would be made.
    card : Path
        Written last.
    """
    work = card.with_suffix(".parts")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    boot = work / "boot"
    shutil.copytree(tree / "boot/firmware", boot)
    release = take_kernel(tree, boot / "kernel8.img")
    modules = kernel_modules(tree, release, FIRST_MODULES)
    (boot / "initramfs8").write_bytes(first_files(tree, modules, Path(__file__).parent / "init.sh"))
    shutil.rmtree(tree / "boot")
    (tree / "boot/firmware").mkdir(parents=True)
    for folder in ("var/cache/microcue", "var/lib/microcue"):
        (tree / folder).mkdir(exist_ok=True)
    shutil.copy(clip, tree / "var/cache/microcue/clip.mkv")
    make_fat(boot, work / "boot.vfat")
    n_mb = int(command(["du", "-sm", str(tree)]).split()[0]) + SPARE_MB
    make_ext4(tree, work / "root.ext4", n_mb)
    log = work / "log"
    log.mkdir()
    make_ext4(log, work / "log.ext4", LOG_MB)
    (work / "genimage.cfg").write_text(LAYOUT)
    empty = work / "empty"
    empty.mkdir()
    words = ["genimage", "--config", str(work / "genimage.cfg"), "--rootpath", str(empty)]
    words += ["--tmppath", str(work / "tmp"), "--inputpath", str(work), "--outputpath", str(work / "out")]
    command(words)
    (work / "out/card.img").rename(card)
    shutil.rmtree(work)


def make_fat(folder: Path, path: Path) -> None:
    """A FAT file system with what a folder holds."""
    with path.open("wb") as file:
        file.truncate(BOOT_MB * 1024 * 1024)
    command(["mkfs.vfat", "-n", "BOOT", str(path)])
    command(["mcopy", "-s", "-i", str(path), *map(str, sorted(folder.iterdir())), "::"])


def make_ext4(folder: Path, path: Path, n_mb: int) -> None:
    """An ext4 file system with what a folder holds, owners and times included."""
    command(["mke2fs", "-q", "-t", "ext4", "-d", str(folder), str(path), f"{n_mb}M"])


def read_start(card: Path, folder: Path) -> str:
    """Kernel and first files, read back out of the card into a folder; the kernel's command line."""
    for name in ("kernel8.img", "initramfs8", "cmdline.txt"):
        command(["mcopy", "-n", "-o", "-i", f"{card}@@{FIRST_FAT_BYTE}", f"::/{name}", str(folder / name)])
    return (folder / "cmdline.txt").read_text().strip()
