"""What head motion leaves in the movement signals: residue against angle, before and after learning.

A portrait without any expression turns and nods by 15 degrees, slowly (3 s there and back) and fast
(0.5 s), in front of a camera; the landmark model's own answers start the tracker. Residue is highest
less lowest value of a signal while the head is within an angle, the trace averaged over 5 frames;
told is the worst brow or mouth signal, and the median of them. Before: with the shape as the landmark
model gave it. After: the last of three rounds of the same movements, the shape learned on the way.

    python tools/benchmark_head.py --folder head-figures
    python tools/benchmark_head.py --noise

The second prints every signal's noise from frame to frame on a head that keeps still.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

import numpy as np
from numpy.typing import NDArray

from edge.anatomy import N_CHANNELS, N_SIGNALS, SIGNAL_NAMES, SIGNALS, decode
from edge.config import PerceiveConfig, TrackConfig
from edge.messages import FaceLandmarks, Frame, KeyFrameAnswer
from edge.perceive.finder import FaceFinder
from edge.synth.plan import Happening, Plan, SceneSettings
from edge.synth.portrait import Portrait, load_portrait
from edge.synth.scene import Scene
from edge.track.learned import LearnedResidue
from edge.track.tracker import Tracker

FPS = 60.0
KEY_EVERY, LATE_FRAMES = 30, 3
ANGLES_DEG = (5, 10, 15)
SHOWN = [k for k, signal in enumerate(SIGNALS) if signal.region in ("brow", "mouth")]
AVERAGED_FRAMES = 5

Places = NDArray[np.float32]
Change = Callable[[Places], Places]


@dataclass(frozen=True)
class Clip:
    """Pictures, what the landmark model says of every key frame, and when the head does what."""

    fps: float
    frames: list[NDArray[np.uint8]]
    answers: dict[int, Places]
    excursions: list[Happening]
    angle_deg: dict[str, NDArray[np.float64]]
    true_answers: dict[int, Places]


@dataclass
class Report:
    """Rows for the table, the JSON and the plot."""

    rows: list[dict[str, object]] = field(default_factory=list)


def script(angle_deg: float) -> list[Happening]:
    """Three rounds: each axis both ways slowly; in the first and the last also fast."""
    happenings, t_s = [], 0.5
    for number in range(3):
        for duration_s in (3.0, 0.5) if number != 1 else (3.0,):
            for event in ("turn", "nod"):
                for way in (1, -1):
                    happenings.append(Happening(event, t_s, duration_s, way * angle_deg))
                    t_s += duration_s + 0.1
    return happenings


def film(portrait: Portrait, happenings: list[Happening], distance_iod: float, **settings: float) -> Clip:
    """Render, and ask the landmark model about every key frame."""
    end_s = max((h.offset_s for h in happenings), default=0.0) + 0.2
    defaults: dict[str, float] = {
        "fps": FPS, "duration_s": end_s, "width": 320, "height": 240, "face_width_px": 150, "noise_levels": 2,
        "sway_miod": 3.0, "turn_sway_deg": 0.1, "pulse_miod": 1.0,
    }  # fmt: skip
    chosen = SceneSettings(**(defaults | settings))  # type: ignore[arg-type]  # all floats, some whole
    scene = Scene(Plan(tuple(happenings), chosen), portrait, distance_iod)
    frames = [luma.copy() for _, luma in scene.render()]
    finder, answers, truths = FaceFinder(PerceiveConfig()), {}, {}
    for k in range(0, len(frames), KEY_EVERY):
        answer = finder.find(frames[k], k, scene.timestamp_ns(k))
        if answer.faces:
            answers[k] = answer.faces[0].points.copy()
        truths[k] = np.column_stack(
            [scene.true_points(k / scene.settings.fps), scene.canvas.points[:, 2]]
        ).astype(np.float32)
    poses = [scene.head_pose(k / scene.settings.fps) for k in range(len(frames))]
    angles = {
        "turn": np.array([pose.yaw_deg for pose in poses]),
        "nod": np.array([pose.pitch_deg for pose in poses]),
    }
    excursions = [h for h in happenings if h.event in angles]
    return Clip(scene.settings.fps, frames, answers, excursions, angles, truths)


def track(clip: Clip, change: Change, learns: bool, true_landmarks: bool = False) -> NDArray[np.float64]:
    """Signals of the clip [shape=(n_frames, N_SIGNALS)], miod."""
    without = nullcontext() if learns else mock.patch.object(LearnedResidue, "learn")
    with without:
        return followed(clip, change, clip.true_answers if true_landmarks else clip.answers)


def followed(clip: Clip, change: Change, answers: dict[int, Places]) -> NDArray[np.float64]:
    """The same, with the key frames' answers given."""
    tracker = Tracker(TrackConfig(), *clip.frames[0].shape)
    rows, pending = np.full((len(clip.frames), N_CHANNELS), np.nan), None
    for k, luma in enumerate(clip.frames):
        frame = Frame(k, round(k * 1e9 / clip.fps), luma)
        for trace in tracker.follow(frame):
            rows[k] = decode(trace.codes)
        if pending is not None and k - pending >= LATE_FRAMES:
            points = answers.get(pending)
            faces = () if points is None else (FaceLandmarks(0, change(points), 1.0),)
            tracker.reseat(KeyFrameAnswer(pending, frame.timestamp_ns, faces), frame)
            pending = None
        if pending is None and k % KEY_EVERY == 0:
            tracker.remember_key_frame(frame)
            pending = k
    return rows[:, :N_SIGNALS]


def residue(
    clip: Clip, signals: NDArray[np.float64], event: str, slow: bool, last: bool
) -> dict[int, tuple[float, float]]:
    """(worst, median) peak-to-peak of brow and mouth signals within each angle, miod."""
    kernel = np.ones(AVERAGED_FRAMES) / AVERAGED_FRAMES
    smooth = np.stack([np.convolve(signals[:, s], kernel, "same") for s in SHOWN], axis=1)
    chosen = [h for h in clip.excursions if h.event == event and (h.duration_s > 1) == slow]
    chosen = chosen[-2:] if last else chosen[:2]
    worst = {}
    for most in ANGLES_DEG:
        swings = []
        for h in chosen:
            first, end = (
                int((h.onset_s - 0.05) * clip.fps),
                int((h.offset_s + 0.05) * clip.fps) + 1,
            )
            inside = np.abs(clip.angle_deg[event][first:end]) <= most + 0.5
            swings.append(np.ptp(smooth[first:end][inside], axis=0))
        swing = np.max(swings, axis=0)
        worst[most] = (float(np.max(swing)), float(np.median(swing)))
    return worst


def scaled_depth(factor: float) -> Change:
    """The landmark model's depth times a factor, about its own mean."""

    def change(points: Places) -> Places:
        out = points.copy()
        out[:, 2] = factor * points[:, 2] + (1 - factor) * points[:, 2].mean()
        return out

    return change


def displaced(seed: int) -> Change:
    """Another model's opinion: every landmark 1.5 % of the inter-ocular distance elsewhere, lasting."""

    def change(points: Places) -> Places:
        iod_px = float(np.hypot(*(points[263, :2] - points[33, :2])))
        off = np.random.default_rng(seed).normal(scale=0.015 * iod_px, size=points.shape)
        return np.asarray(points + off, np.float32)

    return change


def cases(clips: dict[float, Clip]) -> Iterator[tuple[str, Clip, Change, bool]]:
    """Name, clip, what is done to the landmarks, and whether they are the portrait's own."""
    near, middle, far = (clips[d] for d in (4.0, 6.0, 9.0))
    yield "the model's landmarks", middle, scaled_depth(1.0), False
    yield "the portrait's own landmarks", middle, scaled_depth(1.0), True
    yield "displaced landmarks, set 1", middle, displaced(1), False
    yield "displaced landmarks, set 2", middle, displaced(2), False
    yield "depth x 0.6", middle, scaled_depth(0.6), False
    yield "depth x 1.4", middle, scaled_depth(1.4), False
    yield "flat", middle, scaled_depth(0.0), False
    yield "camera at 4 IOD, not 6", near, scaled_depth(1.0), False
    yield "camera at 9 IOD, not 6", far, scaled_depth(1.0), False


def measure(portrait: Portrait) -> Report:
    """All cases, learning off and on."""
    clips = {d: film(portrait, script(15.0), d) for d in (4.0, 6.0, 9.0)}
    report = Report()
    for name, clip, change, true_landmarks in cases(clips):
        for learns in (False, True):
            signals = track(clip, change, learns, true_landmarks)
            for event in ("turn", "nod"):
                for slow in (True, False):
                    for angle, (worst, median) in residue(clip, signals, event, slow, learns).items():
                        report.rows.append(
                            {
                                "case": name, "learned": learns, "axis": event,
                                "seconds": 3.0 if slow else 0.5, "angle_deg": angle,
                                "worst_miod": round(worst, 2), "median_miod": round(median, 2),
                            }
                        )  # fmt: skip
    return report


def noise_table(portrait: Portrait) -> str:
    """Root mean square of each signal's steps, miod, by face width and noise; `lost` where not seen."""
    sizes = [(width, levels) for width in (120, 200, 300) for levels in (2, 6)]
    still = {"sway_miod": 0.0, "turn_sway_deg": 0.0, "pulse_miod": 0.0, "duration_s": 3.0}
    columns = []
    for width, levels in sizes:
        clip = film(
            portrait, [], 6.0, **still, face_width_px=width, noise_levels=levels, width=480, height=400
        )
        columns.append(np.diff(track(clip, scaled_depth(1.0), True)[int(0.5 * FPS) :], axis=0))
    lines = [f"{'signal':24}" + "".join(f"{f'{width} px, {levels}':>10}" for width, levels in sizes)]
    for k, name in enumerate(SIGNAL_NAMES):
        cells = []
        for column in columns:
            seen = np.isfinite(column[:, k])
            rms = f"{np.sqrt(np.mean(column[seen, k] ** 2)):.2f}" if seen.mean() > 0.1 else "lost"
            cells.append(f"{rms + ('' if seen.all() else f' {seen.mean():.0%}'):>10}")
        lines.append(f"{name:24}" + "".join(cells))
    return "\n".join(lines)


def as_text(report: Report) -> str:
    """One line a case, axis and speed: worst (median) at each angle, before then after."""
    lines = [f"{'case':30} {'axis':5}{'s':>4} " + "".join(f"{f'±{a}°':>22}" for a in ANGLES_DEG)]
    keys = dict.fromkeys((r["case"], r["axis"], r["seconds"]) for r in report.rows)
    for case, axis, seconds in keys:
        line = f"{case:30} {axis:5}{seconds:>4} "
        for angle in ANGLES_DEG:
            both = [
                f"{r['worst_miod']:5.1f} ({r['median_miod']:.1f})"
                for r in report.rows
                if (r["case"], r["axis"], r["seconds"], r["angle_deg"]) == (case, axis, seconds, angle)
            ]
            line += f"{both[0] + ' →' + both[1]:>22}"
        lines.append(line)
    return "\n".join(lines)


def draw(report: Report, file: Path) -> None:
    """Worst residue against angle, a line a case: dashed before, drawn after."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(2, 2, figsize=(11, 8), sharex=True, sharey=True)
    names = list(dict.fromkeys(str(r["case"]) for r in report.rows))
    for axis, (event, seconds) in zip(
        axes.flat, [(e, s) for e in ("turn", "nod") for s in (3.0, 0.5)], strict=True
    ):
        for number, name in enumerate(names):
            for learned, style in ((False, "--"), (True, "-")):
                chosen = [
                    r
                    for r in report.rows
                    if (r["case"], r["axis"], r["seconds"], r["learned"]) == (name, event, seconds, learned)
                ]
                axis.plot(
                    ANGLES_DEG,
                    [r["worst_miod"] for r in chosen],
                    style,
                    color=f"C{number}",
                    label=name if learned else None,
                )
        axis.axhline(3.0, color="black", linewidth=0.6)
        axis.set(title=f"{event}, {seconds} s", ylim=(0, 25), xlabel="angle, degrees", ylabel="residue, miod")
    axes[0, 0].legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(file, dpi=110)


def main() -> None:
    """Measure, print, and keep."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, help="for head.json and, with matplotlib, head.png")
    parser.add_argument("--portrait", type=Path, help="a photograph in place of the built-in one")
    parser.add_argument("--noise", action="store_true", help="each signal's noise, in place of residues")
    arguments = parser.parse_args()
    if arguments.noise:
        print(noise_table(load_portrait(arguments.portrait)))
        return
    report = measure(load_portrait(arguments.portrait))
    print(as_text(report))
    if arguments.folder is not None:
        arguments.folder.mkdir(parents=True, exist_ok=True)
        (arguments.folder / "head.json").write_text(json.dumps(report.rows, indent=1) + "\n")
        try:
            draw(report, arguments.folder / "head.png")
        except ImportError:
            print("no plot: matplotlib is not installed")


if __name__ == "__main__":
    main()
