"""`microcue cameras`: what is attached, in which sizes and how fast."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from edge.commands.context import Context
from edge.errors import EdgeError, MissingExtra

if TYPE_CHECKING:
    from edge.capture.gstreamer import GStreamerSource
    from edge.capture.picamera2 import RibbonCamera
    from edge.capture.picamera2_mode import SensorMode
    from edge.capture.v4l2_finding import CameraFound

_EXAMPLES = """\
examples:
  microcue cameras
  microcue cameras --camera "gst:nvarguscamerasrc ! nvvidconv"     what a Jetson's sensor can do
  microcue run --camera picamera2:0 --fps 120

`view` is how much of the sensor's width a mode sees: fast modes of some sensors see less than half, so that
the face must be centred. A pipeline (gst:) is started for this, where it is named here or in the settings;
recordings (file:) are not listed.
"""
_COLUMNS = ("camera", "name", "width", "height", "format", "fps", "view")
Row = tuple[str, str, int, int, str, float, float | None]


def register(subparsers: Any) -> None:
    """Add `cameras` to the command line."""
    parser = subparsers.add_parser(
        "cameras",
        help="list the cameras and their modes",
        description="List the cameras of this machine and their modes, with the highest frame rate of each. "
        "Exits 69 where there is none.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--camera", metavar="CAMERA", help="gst:PIPELINE, to list what it can do as well")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, context: Context) -> int:
    """List them."""
    from edge.capture.errors import CameraAbsent
    from edge.capture.gstreamer import GStreamerSource
    from edge.capture.picamera2 import find_ribbon_cameras, ribbon_modes
    from edge.capture.spec import parse_camera
    from edge.capture.v4l2_finding import find_cameras
    from edge.commands.session import confined

    confined(context)
    named = parse_camera(args.camera if args.camera is not None else context.config.capture.camera)
    rows = list(pipeline_rows(GStreamerSource(named.where))) if named.kind == "gst" else []
    rows += camera_rows(find_ribbon_cameras, ribbon_modes, find_cameras)
    if not rows:
        raise CameraAbsent("auto", "no camera is attached")
    shown = [(*row[:5], f"{row[5]:.1f}", "" if row[6] is None else f"{row[6]:.0%}") for row in rows]
    context.print_table("Cameras", _COLUMNS, rows if context.json else shown, drop_first=("view",))
    return 0


def pipeline_rows(source: GStreamerSource) -> Iterator[Row]:
    """What Argus says of the sensor, by the numbers of `sensor-mode=`, or else what comes; closes it."""
    try:
        modes = source.sensor_modes
        for number, mode in enumerate(modes):
            name = f"sensor-mode={number}"
            yield ("gst", name, mode.width, mode.height, "Argus", round(mode.fps, 1), None)
        if not modes:
            info = source.info
            yield ("gst", "as the pipeline says", info.width, info.height, "grey", info.fps, None)
    finally:
        source.close()


def camera_rows(
    find_ribbon: Callable[[], list[RibbonCamera]],
    modes_of: Callable[[str], list[SensorMode]],
    find_usb: Callable[[], list[CameraFound]],
) -> Iterator[Row]:
    """One row for each mode, ribbon cameras first; one that cannot be asked has a row that says why.

    Raises
    ------
    MissingExtra
        There may be USB cameras, but not the package that reads them, and no other camera.
    """
    ribbon = find_ribbon()
    for camera in ribbon:
        try:
            modes = modes_of(camera.device)
        except EdgeError as error:
            yield (camera.device, camera.name, 0, 0, str(error).partition(";")[0], 0.0, None)
            continue
        widest_px = max((mode.crop_width for mode in modes), default=0)
        for mode in modes:
            view = mode.crop_width / widest_px
            yield (
                *(camera.device, camera.name, mode.width, mode.height),
                *(f"{mode.bit_depth} bit", mode.fps, round(view, 3)),
            )
    try:
        found = find_usb()
    except MissingExtra:  # every Pi has video nodes; they matter only where no ribbon camera is
        if not ribbon:
            raise
        return
    for usb in found:
        for one in usb.modes:
            yield (f"v4l2:{usb.device}", usb.name, one.width, one.height, one.pixel_format, one.fps, None)
