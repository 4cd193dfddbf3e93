"""The product and its peers on the same clips: recall at equal false cues, and CPU per frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edge.synth.plan import Happening
from spotting.clips import Clip, Condition
from spotting.figures import GRID, INK, figure
from spotting.peers.sweep import Point, WatchedClip, best_within, curve
from spotting.peers.watching import Peer
from spotting.plans import LEAD_IN_S, MOVEMENTS, blink, movement, planned, turns_and_nods, video_clip
from spotting.recording import kept_run
from spotting.tables import table

PEERS = ("ours", "lk", "mesh", "flow")
NAMES = {
    "ours": "microcue",
    "lk": "OpenCV Lucas–Kanade in place of our patches",
    "mesh": "MediaPipe mesh on every frame, our spotter",
    "flow": "training-free optical flow, not causal",
}
CONDITIONS = {
    "swaying head": Condition(),
    "conversation head": Condition(head="conversation"),
    "face 120 px, noise 6": Condition(face_width_px=120.0, noise_levels=6.0),
    "lamps that flicker by 5 %": Condition(flicker_depth=0.05),
}
_AMPLITUDES_MIOD = (4.0, 6.0, 8.0, 12.0, 25.0)
_DURATIONS_S = (0.1, 0.2, 0.3, 0.45)
ALLOWED_PER_MINUTE = (0.2, 1.0, 4.0)
SHORTEST_REAL_S = 15.0
_COLOURS = {"ours": "#d1495b", "lk": "#1f5f8b", "mesh": "#8a9a5b", "flow": "#b08d57"}


@dataclass(frozen=True, slots=True)
class PeerRun:
    """One clip watched by one of them."""

    peer: str
    group: str
    watched: WatchedClip
    n_frames: int
    cpu_s: float


def peer_clip(group: str, seed: int) -> Clip:
    """Every size at every duration once, blinks between some, and head turns in conversation."""
    rng = np.random.default_rng([seed, 37])
    cells = [(duration, size) for duration in _DURATIONS_S for size in _AMPLITUDES_MIOD]
    rng.shuffle(cells)
    happenings: list[Happening] = []
    at_s = LEAD_IN_S
    for duration_s, amplitude in cells:
        happenings.append(movement(rng, at_s, duration_s, amplitude, MOVEMENTS))
        at_s += duration_s + float(rng.uniform(1.2, 2.0))
        if rng.random() < 0.3:
            happenings.append(blink(at_s))
            at_s += 1.2
    condition = CONDITIONS[group]
    if condition.head == "conversation":
        happenings += turns_and_nods(np.random.default_rng([seed, 38]), at_s)
    words = group.replace(",", "").replace(" %", "-percent").replace(" ", "-")
    return Clip(f"peers-{words}-{seed}", group, planned(happenings, condition.settings(at_s + 1.0, seed)))


def real_clips(folder: Path, seed: int, longest_s: float, cut: Path) -> list[Clip]:
    """Brow movements added to every video in a folder that is long enough to learn a person in.

    Of a longer one than `longest_s` only the beginning, which is put into the folder `cut`.
    """
    import av

    clips = []
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in (".mp4", ".mov", ".avi", ".mkv", ".mpg"):
            continue
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            seconds, rate = float(container.duration or 0) / 1e6, float(stream.average_rate or 0)
        if seconds < SHORTEST_REAL_S or rate <= 0:
            continue
        if seconds > longest_s:
            path, seconds = _beginning(path, longest_s, cut / f"{path.stem}.mkv"), longest_s
        clips.append(video_clip(str(path), path.stem, seconds, rate, seed))
    return clips


def _beginning(path: Path, seconds: float, copy: Path) -> Path:
    """The first seconds of a video, its packets as they are."""
    import av

    copy.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path)) as source, av.open(str(copy), "w") as container:
        stream = source.streams.video[0]
        written = container.add_stream_from_template(stream)
        for packet in source.demux(stream):
            if packet.dts is None or packet.dts * stream.time_base >= seconds:
                break
            packet.stream = written
            container.mux(packet)
    return copy


def make_peer(name: str, peer_python: Path | None) -> Peer:
    """Ready to watch."""
    if name == "ours":
        from spotting.peers.product import Product

        return Product()
    if name == "lk":
        from spotting.peers.lucas_kanade import LucasKanade

        return LucasKanade()
    if name == "flow":
        from spotting.peers.flow import Flow

        return Flow()
    from spotting.peers.mesh import Mesh

    assert peer_python is not None
    return Mesh(peer_python)


def watch_with(name: str, clip: Clip, peer_python: Path | None, keep: Path | None = None) -> PeerRun:
    """Let one of them watch a clip, unless the folder `keep` has what it made of it."""

    def watch() -> PeerRun:
        opened = clip.open()
        result = make_peer(name, peer_python).watch(opened.frames(), opened.fps)
        truth = [event for event in opened.truth() if event.kind != "blink"]
        watched = WatchedClip(truth, result.cues, result.n_frames / opened.fps)
        return PeerRun(name, clip.group, watched, result.n_frames, result.cpu_s)

    return kept_run(name, clip, keep, watch)


def chosen(runs: Sequence[PeerRun], peer: str, group: str = "") -> list[PeerRun]:
    """The runs of one of them, on one group of clips or on all."""
    return [run for run in runs if run.peer == peer and group in ("", run.group)]


def points_of(runs: Sequence[PeerRun]) -> list[Point]:
    """Recall against false cues, all clips pooled."""
    return curve([run.watched for run in runs])


def peers_table(runs: Sequence[PeerRun]) -> str:
    """Recall of each at several rates of false cues, and CPU per frame beside ours."""
    groups = list(dict.fromkeys(run.group for run in runs))
    rows = []
    for group in (*groups, ""):
        own = chosen(runs, "ours", group)
        ours_s = _cpu_s(own)
        for peer in PEERS:
            if not (part := chosen(runs, peer, group)):
                continue
            points = points_of(part)
            best = [best_within(points, allowed) for allowed in ALLOWED_PER_MINUTE]
            rows.append(
                (
                    group or "all",
                    NAMES[peer],
                    *(f"{point.recall:.2f} ({point.recall_hit:.2f})" for point in best),
                    f"{_cpu_s(part) / ours_s:.1f}" if ours_s else "–",
                    f"{sum(run.cpu_s for run in part) / sum(run.watched.seconds for run in part) * 60:.1f}",
                )
            )
    header = (
        "clip",
        "watched by",
        *(f"recall at {allowed:g} false a minute" for allowed in ALLOWED_PER_MINUTE),
        "CPU per frame, ours = 1",
        "CPU s a minute of video",
    )
    return "Recall: apex met (with IoU of at least 0.5).\n\n" + table(header, rows)


def _cpu_s(runs: Sequence[PeerRun]) -> float:
    return sum(run.cpu_s for run in runs) / max(sum(run.n_frames for run in runs), 1)


def as_json(runs: Sequence[PeerRun]) -> list[dict[str, Any]]:
    """Each run with its whole curve."""
    return [
        {
            "peer": run.peer,
            "clip": run.group,
            "n_frames": run.n_frames,
            "cpu_us_per_frame": 1e6 * run.cpu_s / run.n_frames,
            "curve": [
                {"recall": p.recall, "recall_hit": p.recall_hit, "false_per_minute": p.false_per_minute}
                for p in points_of([run])
            ],
        }
        for run in runs
    ]


def draw_peers(runs: Sequence[PeerRun], path: Path) -> None:
    """Recall against false cues a minute, a panel for each group of clips."""
    groups = list(dict.fromkeys(run.group for run in runs))
    made, panels = figure(4.0 * len(groups), 3.7, ncols=len(groups), squeeze=False, sharey=True)
    for panel, group in zip(panels.flat, groups, strict=True):
        for peer in reversed(PEERS):  # ours last and thin, so that what it covers still shows
            points = [p for p in points_of(chosen(runs, peer, group)) if p.false_per_minute <= 8.0]
            panel.step(
                [0.0, *(p.false_per_minute for p in points), 8.0],
                [0.0, *(p.recall for p in points), points[-1].recall if points else 0.0],
                where="post",
                color=_COLOURS[peer],
                linewidth=1.4 if peer == "ours" else 3.0,
                label=NAMES[peer],
            )
        panel.set_title(group, fontsize=10, color=INK)
        panel.set_xlim(-0.1, 8.0)
        panel.set_ylim(-0.02, 1.04)
        panel.grid(color=GRID, linewidth=0.6)
        panel.tick_params(labelsize=8)
    lines, names = panels.flat[-1].get_legend_handles_labels()
    made.legend(
        lines[::-1],
        names[::-1],
        fontsize=8,
        frameon=False,
        loc="outside upper center",
        ncols=min(len(groups), 4),
    )
    made.supxlabel("false cues a minute", fontsize=9)
    made.supylabel("movements whose apex was met", fontsize=9)
    made.savefig(path, dpi=110)
