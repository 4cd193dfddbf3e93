"""The card's system: Debian's packages, microcue from its wheels, our units as the recipe installs them."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from emulated_board import SUITE, command, kernel_modules, unpack

from edge import ahead
from edge.firmware import manifest

ROOT = Path(__file__).resolve().parents[2]
GUEST = Path(__file__).parent / "guest"
PYTHON = "3.11"  # bookworm's
MACHINE = "aarch64"
PACKAGES = (
    "base-files,base-passwd,bash,bsdutils,coreutils,dash,dbus,dosfstools,e2fsprogs,findutils,grep,gzip,"
    "hostname,kmod,libc-bin,libseccomp2,libstdc++6,linux-image-arm64,busybox-static,login,mawk,ncurses-base,"
    "nftables,passwd,procps,python3,sed,systemd,systemd-sysv,systemd-zram-generator,tar,udev,util-linux"
)
# nobody logs in where the test speaks to it, and no program here is another processor's
MASKED = ("serial-getty@hvc0.service", "systemd-binfmt.service", "proc-sys-fs-binfmt_misc.automount")
ASKED = "image-test.service"
UNNEEDED = (
    "usr/share/doc",
    "usr/share/man",
    "usr/share/locale",
    "usr/share/i18n",
    "var/cache/apt",
    "var/lib/apt",
)
# the firewall's, the card's two file systems, memory for swap, the watchdog, the console that tests speak to
MODULES = (
    *("nf_tables", "nft_ct", "nft_counter", "nf_conntrack", "nfnetlink"),
    *(
        "vfat",
        "nls_cp437",
        "nls_ascii",
        "nls_iso8859_1",
        "nls_utf8",
        "ext4",
        "crc32c_generic",
        "crc32c_arm64",
    ),
    *("virtio_pci", "virtio_blk", "virtio_console", "softdog", "zram", "zsmalloc", "lz4", "lz4hc", "autofs4"),
)
HOME, LINK = "opt/microcue-a", "opt/microcue"
SITE = f"{HOME}/lib/python{PYTHON}/site-packages"
# /proc and /dev as a chroot needs them, in a mount namespace of its own
INSIDE = """
root=$1; shift
mount --make-rprivate / && mount -t proc proc "$root/proc" && mount --rbind /dev "$root/dev"
exec chroot "$root" "$@"
"""


def make_debian(tree: Path) -> None:
    """Debian's packages, and what configuring them would have made: accounts, links, an index of modules."""
    if tree.exists():
        return
    part = tree.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    unpack(PACKAGES, part)
    accounts = part / "usr/share/base-passwd"
    for name in ("passwd", "group"):
        shutil.copy(accounts / f"{name}.master", part / "etc" / name)
    names = [line.split(":")[0] for line in (part / "etc/passwd").read_text().splitlines()]
    (part / "etc/shadow").write_text("".join(f"{name}:!*:19000:0:99999:7:::\n" for name in names))
    (part / "etc/shadow").chmod(0o640)
    if not (part / "bin/sh").exists():
        (part / "bin/sh").symlink_to("dash")
    for folder in ("proc", "sys", "dev", "run", "tmp", "mnt", "root", "opt", "home", "boot/firmware"):
        (part / folder).mkdir(exist_ok=True)
    (part / "etc/machine-id").touch()  # empty: made at the start, and nobody is asked anything
    command(["systemd-sysusers", f"--root={part}"])
    keep_modules(part)
    compile_python([part / "usr/lib/python3.11", part / "usr/lib/python3"], part)
    for unneeded in UNNEEDED:
        shutil.rmtree(part / unneeded, ignore_errors=True)
    part.rename(tree)


def keep_modules(tree: Path) -> None:
    """Of some thousand kernel modules those that this machine has a use for, and their index."""
    (release,) = (folder.name for folder in (tree / "usr/lib/modules").iterdir())
    kept = set(kernel_modules(tree, release, MODULES))
    for path in (tree / "lib/modules" / release).rglob("*.ko"):
        if path not in kept:
            path.unlink()
    command(["depmod", "-b", str(tree), release])


def install(tree: Path, wheels: Path, kernels: Path) -> None:
    """microcue into a copy of Debian, as the card's recipe does, and its kernels compiled.

    Parameters
    ----------
    tree : Path
        A copy of what `make_debian` makes.
    wheels : Path
        As `tools/build_wheelhouse.py` collects them.
    kernels : Path
        As `make_kernels` compiles them.
    """
    shutil.copytree(GUEST, tree, dirs_exist_ok=True)
    units = tree / "etc/systemd/system"
    for name in MASKED:
        (units / name).symlink_to("/dev/null")
    (units / "multi-user.target.wants").mkdir(exist_ok=True)
    (units / "multi-user.target.wants" / ASKED).symlink_to(f"../{ASKED}")
    run_in(tree, ["python3", "-m", "venv", "--without-pip", "--system-site-packages", f"/{HOME}"])
    (tree / LINK).symlink_to(Path(HOME).name)
    unpack_wheels(wheels, tree / SITE)
    script = tree / HOME / "bin/microcue"
    script.write_text(f"#!/{HOME}/bin/python3\nimport sys\nfrom edge.cli import main\nsys.exit(main())\n")
    script.chmod(0o755)
    (tree / SITE / "edge/_ahead").mkdir()
    shutil.copy(kernels, tree / SITE / "edge/_ahead" / f"{ahead.NAME}.cpython-311-{MACHINE}-linux-gnu.so")
    compile_python([tree / SITE], tree)
    run_in(tree, ["ldconfig"])
    run_in(tree, [f"/{LINK}/bin/microcue", "install-service", "--appliance"])
    # what --ahead adds where the machine compiles them itself
    for file in manifest.installed([manifest.AHEAD]):
        (tree / file.target).write_text(file.text(Path(f"/{LINK}/bin/microcue")))
    for stamp in (tree / "etc/.updated", tree / "var/.updated"):
        stamp.touch()  # what systemd would look through at its first start was made here


def unpack_wheels(wheels: Path, site: Path) -> None:
    """Every wheel by its hash, without a network, by this machine's pip: nothing of them is run."""
    words = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index"]
    words += [
        "--find-links",
        str(wheels),
        "--require-hashes",
        "--no-deps",
        "--no-compile",
        "--target",
        str(site),
    ]
    words += [
        "--platform=manylinux2014_aarch64",
        "--platform=any",
        "--only-binary=:all:",
        "--implementation=cp",
    ]
    words += [f"--platform=manylinux_2_{minor}_aarch64" for minor in (17, 27, 28, 31, 34, 35, 36)]
    words += [f"--python-version={PYTHON}", f"--abi=cp{PYTHON.replace('.', '')}", "--abi=abi3", "--abi=none"]
    command([*words, "--requirement", str(wheels / "requirements.txt")])


def compile_python(folders: Sequence[Path], tree: Path) -> None:
    """Python's own compiled files, as packages make them when they are configured: minutes of a start."""
    words = [sys.executable, "-m", "compileall", "-q", "-s", str(tree), "-p", "/"]
    # 1: files that are templates, or for other versions of Python
    command([*words, *map(str, folders)], allowed=(0, 1))


def make_kernels(cache: Path) -> Path:
    """The kernels for the board, compiled on this machine; kept for as long as their sources are the same."""
    crosswise = Path(__file__).with_name("kernels.py").read_bytes()
    digest = hashlib.sha256(ahead.source_digest().encode() + crosswise).hexdigest()[:16]
    path = cache / f"kernels-{digest}.so"
    if not path.exists():
        generic = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": "", ahead.VARIABLE: ahead.OFF}
        places = os.pathsep.join([str(ROOT), str(ROOT / "tools")])
        environment = {**os.environ, **generic, "PYTHONPATH": places}
        part = path.with_suffix(".part")
        subprocess.run([sys.executable, "-m", "image.kernels", str(part)], env=environment, check=True)
        part.rename(path)
    return path


def run_in(tree: Path, words: Sequence[str]) -> None:
    """A program of the tree, run by emulation of its processor."""
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
    inside = ["unshare", "--mount", "sh", "-c", INSIDE, "sh", str(tree), *words]
    done = subprocess.run(inside, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(
            f"image-test: {' '.join(words)} gave {done.returncode} in {SUITE}: {done.stderr[-2000:]}"
        )
