"""What `microcue doctor` looks at: one small function for each line.

A check answers with a `Finding` or raises an EdgeError, whose sentence is then the line. Where it
reads the system it takes the path or the function as an argument, so that tests can play every
failure; the defaults are the real ones.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from edge import ahead
from edge.config import Config
from edge.errors import (
    EXIT_CONFIG,
    EXIT_DEVICE_ABSENT,
    EXIT_INPUT_OUTPUT,
    ConfigError,
    EdgeError,
    MissingExtra,
)

if TYPE_CHECKING:
    from edge.capture.picamera2 import RibbonCamera
    from edge.capture.v4l2_finding import CameraFound
    from edge.health.board import BoardReadings

Level = Literal["ok", "warn", "fail", "unknown"]

PACKAGES = ("numpy", "numba", "av", "gpiozero", "rich", "platformdirs")
# an hour of signals and traces takes tens of megabytes; a day should fit before anybody looks again
FREE_WARN_BYTES = 1_000_000_000
FREE_FAIL_BYTES = 50_000_000
# degrees below the limit where the processor is slowed down
HEADROOM_WARN_C = 5.0
# a session takes some 200 MB, and compiling kernels 120 more
MEMORY_WARN_MB = 200.0
WEAR_WARN_PERCENT = 80.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor.

    Attributes
    ----------
    level : {"ok", "warn", "fail", "unknown"}
        "warn" works, worse than it could; "unknown" cannot be told on this machine.
    found : str
    fix : str
        What to do; empty where there is nothing to do.
    exit_code : int
        Of a failure; 0 otherwise.
    """

    level: Level
    found: str
    fix: str = ""
    exit_code: int = 0


def examined(check: Callable[[], Finding]) -> Finding:
    """Run one check; a failure that it explains, or that the system does, is a finding too."""
    try:
        return check()
    except EdgeError as error:
        found, _, fix = str(error).partition("; ")
        return Finding("fail", found, fix, error.exit_code)
    except OSError as error:
        return Finding("fail", str(error), "check the device and its permissions", EXIT_INPUT_OUTPUT)


def check_python(
    version: tuple[int, int, int] = sys.version_info[:3], pointer_bits: int = sys.maxsize.bit_length() + 1
) -> Finding:
    """Python 3.10 to 3.13, 64-bit."""
    found = f"Python {'.'.join(str(part) for part in version)}, {pointer_bits} bit, {platform.machine()}"
    if not (3, 10) <= version[:2] <= (3, 13):
        return Finding("fail", found, "install Python 3.10 to 3.13", EXIT_CONFIG)
    if pointer_bits != 64:
        return Finding("fail", found, "install a 64-bit system; the model runtime has no other", EXIT_CONFIG)
    return Finding("ok", found)


def check_packages(version_of: Callable[[str], str] = metadata.version) -> Finding:
    """The packages that every command needs."""
    present, absent = [], []
    for name in PACKAGES:
        try:
            present.append(f"{name} {version_of(name)}")
        except metadata.PackageNotFoundError:
            absent.append(name)
    if absent:
        return Finding(
            "fail", f"missing: {', '.join(absent)}", f"pip install {' '.join(absent)}", EXIT_CONFIG
        )
    return Finding("ok", ", ".join(present))


def check_runtime(config: Config, installed: Callable[[], tuple[str, ...]] | None = None) -> Finding:
    """Something that runs the face models."""
    if installed is None:
        from edge.perceive.runtime import installed_runtimes

        installed = installed_runtimes
    usable = installed()
    wanted = config.perceive.runtime
    if not usable or (wanted != "auto" and wanted not in usable):
        found = f"perceive.runtime is {wanted}, usable here: {', '.join(usable) or 'none'}"
        return Finding(
            "fail", found, 'pip install ai-edge-litert, or set perceive.runtime = "auto"', EXIT_CONFIG
        )
    return Finding("ok", f"{usable[0] if wanted == 'auto' else wanted} (usable: {', '.join(usable)})")


def check_models(config: Config, directory: Path | None = None) -> Finding:
    """The two models in use are there and unaltered."""
    from edge.perceive.models import load_model_info

    names = (config.perceive.detector, config.perceive.landmarks)
    infos = [load_model_info(name, directory) for name in names]
    return Finding("ok", ", ".join(f"{info.name} ({info.sha256[:8]})" for info in infos))


def check_kernels(package: str = "edge.kernels", build: ahead.Build | None = None) -> Finding:
    """Every kernel is compiled ahead, or compiles, and the next start finds it compiled."""
    build = build or ahead.build()
    if build.kernels is not None:
        n_kernels = sum(callable(value) for name, value in vars(build.kernels).items() if name[:1] != "_")
        made = f"for {build.made['processor']} with numba {build.made['numba']}"
        return Finding("ok", f"{n_kernels} kernels, compiled ahead {made}: {build.path}")
    finding = _check_cached(package)
    if build.refusal and finding.level == "ok":
        found, _, fix = build.refusal.partition("; ")
        return Finding("warn", f"{found}; instead: {finding.found}", fix)
    return finding


def _check_cached(package: str) -> Finding:
    try:
        dispatchers = list(_dispatchers(package))
    except RuntimeError as error:  # numba, when it has nowhere to put its cache
        fix = "set NUMBA_CACHE_DIR to a directory that can be written to"
        return Finding("fail", f"kernels cannot be cached: {error}", fix, EXIT_INPUT_OUTPUT)
    n_new = sum(sum(dispatcher.stats.cache_misses.values()) for dispatcher in dispatchers)
    if not dispatchers:
        raise ConfigError(f"expected compiled kernels in {package}, found none; reinstall microcue")
    where = Path(dispatchers[0].stats.cache_path)
    found = f"{len(dispatchers)} kernels, {n_new} compiled just now, cached in {where}"
    if not os.access(where, os.W_OK) and n_new:
        return Finding("warn", found, "every start compiles again: set NUMBA_CACHE_DIR", 0)
    return Finding("ok", found)


def _dispatchers(package: str) -> Iterator[Any]:
    home = importlib.import_module(package)
    for module in pkgutil.iter_modules(home.__path__, f"{package}."):
        for value in vars(importlib.import_module(module.name)).values():
            # kernels that are always inlined into others have no cache of their own
            is_kernel = hasattr(value, "py_func") and value.py_func.__module__ == module.name
            if is_kernel and value.stats.cache_path is not None:
                yield value


def check_camera(
    config: Config,
    find: Callable[[], list[CameraFound]] | None = None,
    device_dir: Path = Path("/dev"),
    find_ribbon: Callable[[], list[RibbonCamera]] | None = None,
) -> Finding:
    """A camera, with its fastest mode at the size asked for."""
    if find is None:
        from edge.capture.v4l2_finding import find_cameras

        find = find_cameras
    if find_ribbon is None:
        from edge.capture.picamera2 import find_ribbon_cameras

        find_ribbon = find_ribbon_cameras
    ribbon = find_ribbon()
    try:
        cameras = find()
    except MissingExtra:  # every Pi has video nodes; they matter only where no ribbon camera is
        if not ribbon:
            raise
        cameras = []
    wanted = config.capture.camera
    usable = {f"v4l2:{camera.device}" for camera in cameras} | {camera.device for camera in ribbon}
    asked = "picamera2:0" if wanted == "picamera2" else wanted
    if asked.startswith(("v4l2:", "picamera2:")) and asked not in usable:
        fix = 'plug it in, join the group video, or set capture.camera = "auto"'
        return Finding(
            "fail", f"capture.camera is {wanted}, which is no usable camera", fix, EXIT_DEVICE_ABSENT
        )
    if ribbon or cameras:
        found = [f"{camera.name} ({camera.device})" for camera in ribbon]
        return Finding("ok", "; ".join([*found, *(_described(camera) for camera in cameras)]))
    nodes = sorted(node.name for node in device_dir.glob("video*"))
    if nodes:
        fix = "join the group video (sudo usermod -aG video $USER), then log in again"
        return Finding("warn", f"none usable among {', '.join(nodes)}", fix)
    return Finding("warn", "none found", "plug one in; `microcue demo` and --camera file:PATH work without")


def _described(camera: CameraFound) -> str:
    best = max(camera.modes, key=lambda mode: mode.fps)
    rate = f"{best.fps:.0f} frames/s" if best.fps else "rate unstated"
    return f"{camera.name} ({camera.device}), {best.width}x{best.height} {best.pixel_format}, {rate}"


def check_led(config: Config, pin_factory: Callable[[], str] | None = None) -> Finding:
    """Pins for the LED, where one is asked for."""
    if pin_factory is None:
        from edge.indicate.gpio import pin_factory_name

        pin_factory = pin_factory_name
    led, factory = config.indicate.led, pin_factory()
    if led.startswith(("gpio:", "rgb:")) and not factory:
        fix = 'install python3-lgpio and join the group gpio, or set indicate.led = "auto"'
        return Finding(
            "fail", f"indicate.led is {led}, and this machine has no pins", fix, EXIT_DEVICE_ABSENT
        )
    if led in ("none", "terminal"):
        return Finding("ok", f"indicate.led is {led}")
    return Finding(
        "ok", f"{led}, pins through {factory}" if factory else "no pins here; shown in the terminal"
    )


def check_clock(synchronised: Callable[[], bool | None] | None = None) -> Finding:
    """Wall time; sensor times and durations do not need it."""
    if synchronised is None:
        from edge import clock

        synchronised = clock.synchronised
    state = synchronised()
    if state is None:
        return Finding("unknown", "the kernel does not say here whether the clock is set")
    if not state:
        return Finding(
            "warn", "not synchronised: dates may be wrong, durations are not", "timedatectl set-ntp true"
        )
    return Finding("ok", "synchronised")


def check_disk(
    data_dir: Path, free_bytes: Callable[[Path], int] = lambda path: shutil.disk_usage(path).free
) -> Finding:
    """Space for the log, and that it can be written."""
    place = next(parent for parent in (data_dir, *data_dir.parents) if parent.exists())
    fix = "give another directory with --data, or change its owner"
    if not place.is_dir():
        return Finding("fail", f"{place} is not a directory", fix, EXIT_INPUT_OUTPUT)
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        return Finding("fail", f"{place} cannot be written to: {error.strerror}", fix, EXIT_INPUT_OUTPUT)
    free = free_bytes(place)
    found = f"{free / 1e9:.1f} GB free for {data_dir}"
    if free < FREE_FAIL_BYTES:
        return Finding(
            "fail", found, "free some space, or give another directory with --data", EXIT_INPUT_OUTPUT
        )
    if free < FREE_WARN_BYTES:
        return Finding("warn", found, "free some space before a long session")
    return Finding("ok", found)


def check_temperature(readings: BoardReadings) -> Finding:
    """The sensor nearest to its limit: a processor that slows down changes frame times."""
    degrees, headroom = readings.temperature_c, readings.headroom_c
    if degrees is None or headroom is None:
        if readings.throttled:
            return Finding("warn", "the processor is slowed down now", "cool it: heat sink, fan, shade")
        return Finding("unknown", "no sensor that can be read here")
    found = f"{degrees:.0f} °C, slowed down from {readings.throttle_c:.0f} °C"
    if readings.throttled or headroom <= 0:
        return Finding("warn", f"{found}: the processor is slowed down now", "cool it: heat sink, fan, shade")
    if headroom <= HEADROOM_WARN_C:
        return Finding("warn", f"{found}: a run does less when it is so near", "heat sink or fan")
    return Finding("ok", found)


def check_power(readings: BoardReadings) -> Finding:
    """Undervoltage, as a Raspberry Pi's voltage sensor or its firmware reports it."""
    fix = "use the supply and cable made for this board"
    if readings.undervoltage is None:
        return Finding("unknown", "not known here")
    if readings.undervoltage:
        return Finding("warn", "undervoltage now", fix)
    if readings.was_undervolted:
        return Finding("warn", "undervoltage since the start", fix)
    return Finding("ok", "no undervoltage")


def check_memory(readings: BoardReadings) -> Finding:
    """Memory that a run can have."""
    if readings.memory_available_mb is None:
        return Finding("unknown", "not known here")
    found = f"{readings.memory_available_mb:.0f} MB available"
    if readings.memory_available_mb < MEMORY_WARN_MB:
        return Finding("warn", found, "end other programs; a run takes about 200 MB")
    return Finding("ok", found)


def check_card(readings: BoardReadings) -> Finding:
    """How much of its life the storage has used, where it says so."""
    if readings.card_wear_percent is None:
        return Finding("unknown", "only eMMC says how worn it is; an SD card does not")
    found = f"at most {readings.card_wear_percent:.0f} % of its life used"
    if readings.card_wear_percent >= WEAR_WARN_PERCENT:
        return Finding("warn", found, "copy the log (microcue backup) and replace it")
    return Finding("ok", found)


def check_sandbox(confine: Callable[[], str] | None = None) -> Finding:
    """Whether the kernel takes the internet away from this process; it does from here on."""
    if confine is None:
        from edge import confine as confinement

        confine = confinement.confine
    if unconfined := confine():
        found, _, fix = unconfined.partition("; ")
        return Finding("warn", found, fix)
    return Finding("ok", "the kernel refuses every internet socket")


def check_core_dumps(forbid: Callable[[], bool] | None = None) -> Finding:
    """That a crash leaves no picture of a face on the disk. `microcue run` does the same for itself."""
    if forbid is None:
        from edge.service import forbid_core_dumps

        forbid = forbid_core_dumps
    if forbid():
        return Finding("ok", "forbidden")
    return Finding("warn", "cannot be forbidden here", "ulimit -c 0, or LimitCORE=0 in the unit")
