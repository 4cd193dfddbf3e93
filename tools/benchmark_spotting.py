"""How well brief movements are found: curves, distractors, boundaries, real faces, peers.

    make benchmark                       the whole, about an hour on two cores
    .venv-benchmark/bin/python tools/benchmark_spotting.py --parts curves --repeats 1

Every clip is rendered, watched by the product's own loop and scored against what was planned. The
results go into a folder: tables.md, results.json and the plots of docs/accuracy.md. Clips of real faces are
used where --clips (or MICROCUE_CLIPS) names a folder of them.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from spotting import figures, tables, versus
from spotting.clips import Clip
from spotting.outcomes import Watched, judge, together
from spotting.plans import (
    CONDITIONS,
    DISTRACTORS,
    EVERY_MOVEMENT,
    OTHER_FACES,
    curve_clip,
    distractor_clip,
    every_movement_clip,
    macro_clip,
    talking_clip,
    video_clip,
)
from spotting.recording import Recording, kept

from edge.evaluate.signals import spot

PARTS = ("curves", "macro", "faces", "video", "distractors", "peers", "peers-clips")
# the reference and the shortest movements decide bars, and are therefore repeated more often
REPEATS = {"reference": 3, "200 fps": 3}
SEED = 1000  # reported seeds lie above; what was tuned, was tuned on seeds below
VIDEOS = {"conversation": (200.0, 24.0)}
STILLS = ("speech-bbaf2n", "speech-swiz3n", "neutral-to-smile")


def main() -> None:
    """Make, watch and score the clips; write the folder."""
    arguments = parse()
    arguments.out.mkdir(parents=True, exist_ok=True)
    clips = list(chosen_clips(arguments))
    watched = together(run(clips, arguments.keep, arguments.workers)) if clips else Watched([], [], {})
    runs = run_peers(arguments, synthetic_clips(arguments)) if "peers" in arguments.parts else []
    on_clips = run_peers(arguments, real_clips(arguments)) if "peers-clips" in arguments.parts else []
    texts = {
        "tables": as_text(watched) if clips else "",
        "peers": versus.peers_table(runs) if runs else "",
        "peers-clips": versus.peers_table(on_clips) if on_clips else "",
    }
    (arguments.out / "tables.md").write_text("\n\n".join(texts.values()), encoding="utf-8")
    results = {"clips": tables.as_json(watched), "peers": versus.as_json([*runs, *on_clips])}
    (arguments.out / "results.json").write_text(json.dumps(results, indent=1), encoding="utf-8")
    draw(watched, runs, arguments.out)
    if on_clips:
        versus.draw_peers(on_clips, arguments.out / "peers-clips.png")
    print(*texts.values(), sep="\n\n")
    if arguments.docs:
        write_docs(arguments.docs, texts, arguments.out)


def write_docs(page: Path, texts: dict[str, str], folder: Path) -> None:
    """Put the tables and plots that were made into the page that tells of them."""
    whole = page.read_text(encoding="utf-8")
    for name, text in texts.items():
        if text:
            before, begin, rest = whole.partition(f"<!-- {name} -->")
            _, end, after = rest.partition(f"<!-- end of {name} -->")
            whole = f"{before}{begin}\n\n{text.strip()}\n\n{end}{after}"
    page.write_text(whole, encoding="utf-8")
    for plot in folder.glob("*.png"):
        shutil.copy(plot, page.parent / "images" / plot.name)


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--repeats", type=int, default=3, help="clips for each condition (default: 3)")
    parser.add_argument(
        "--minutes",
        type=float,
        default=5.0,
        help="of each distractor, and at most of each real clip for peers (default: 5)",
    )
    parser.add_argument("--seed", type=int, default=SEED, help="first seed (default: 1000)")
    parser.add_argument("--only", nargs="+", help="only these conditions or distractors")
    parser.add_argument(
        "--clips",
        type=Path,
        default=os.environ.get("MICROCUE_CLIPS"),
        help="folder with videos of real faces (default: $MICROCUE_CLIPS)",
    )
    parser.add_argument("--peer-python", type=Path, help="Python of the environment with MediaPipe")
    parser.add_argument(
        "--keep", type=Path, help="folder in which signals and peers' cues are kept for the next run"
    )
    parser.add_argument("--out", type=Path, default=Path("benchmark"), help="(default: benchmark)")
    parser.add_argument("--docs", type=Path, help="page whose tables and plots are replaced")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    return parser.parse_args()


def chosen_clips(arguments: argparse.Namespace) -> Iterator[Clip]:
    """All clips that were asked for."""

    def is_wanted(name: str) -> bool:
        return not arguments.only or name in arguments.only

    for name, condition in CONDITIONS.items():
        if "curves" in arguments.parts and is_wanted(name):
            for k in range(arguments.repeats * REPEATS.get(name, 1)):
                yield curve_clip(name, condition, arguments.seed + k)
    if "curves" in arguments.parts and is_wanted(EVERY_MOVEMENT):
        yield every_movement_clip(arguments.seed)
    if "macro" in arguments.parts:
        yield from (macro_clip(arguments.seed + k) for k in range(arguments.repeats))
    for name in DISTRACTORS:
        if "distractors" in arguments.parts and is_wanted(name):
            yield distractor_clip(name, 60.0 * arguments.minutes, arguments.seed)
    if arguments.clips:
        yield from clips_of_faces(arguments)


def clips_of_faces(arguments: argparse.Namespace) -> Iterator[Clip]:
    """What needs the folder of real faces: photographs taken from it, and its videos themselves."""
    for path in sorted(Path(arguments.clips).iterdir()):
        if "faces" in arguments.parts and path.stem in STILLS:
            for k in range(arguments.repeats):
                yield curve_clip(f"face of {path.stem}", OTHER_FACES, arguments.seed + k, str(path))
            yield talking_clip(str(path), path.stem, 30.0 * arguments.minutes, arguments.seed)
        if "video" in arguments.parts and path.stem in VIDEOS:
            added = video_clip(str(path), path.stem, *VIDEOS[path.stem], arguments.seed)
            yield added
            yield replace(
                added,
                name=f"{path.stem}-as-it-is",
                group=f"{path.stem} as it is",
                plan=replace(added.plan, happenings=()),
            )


def run(clips: Sequence[Clip], keep: Path | None, n_workers: int) -> list[Watched]:
    """Watch all clips, some at a time, with a bar that says how far it is; results in clip order."""
    results: dict[str, Watched] = {}
    with (
        Progress(console=Console(stderr=True), transient=True) as progress,
        ProcessPoolExecutor(n_workers) as pool,
    ):
        task = progress.add_task("watching", total=sum(clip.plan.duration_s for clip in clips))
        waiting = {pool.submit(watch_and_judge, clip, keep): clip for clip in clips}
        for done in as_completed(waiting):
            clip = waiting[done]
            results[clip.name] = done.result()
            progress.update(task, advance=clip.plan.duration_s, description=clip.group)
    return [results[clip.name] for clip in clips]


def synthetic_clips(arguments: argparse.Namespace) -> list[Clip]:
    """One for each condition in which peers are compared."""
    wanted = [name for name in versus.CONDITIONS if not arguments.only or name in arguments.only]
    return [versus.peer_clip(group, arguments.seed) for group in wanted]


def real_clips(arguments: argparse.Namespace) -> list[Clip]:
    """Those of the folder of real faces, with movements added; none where there is no folder."""
    if not arguments.clips:
        return []
    whole_s = 60.0 * arguments.minutes
    return versus.real_clips(Path(arguments.clips), arguments.seed, whole_s, arguments.out / "clips")


def run_peers(arguments: argparse.Namespace, clips: Sequence[Clip]) -> list[versus.PeerRun]:
    """The product and its peers on the same clips."""
    peers = [name for name in versus.PEERS if name != "mesh" or arguments.peer_python]
    jobs = [(name, clip, arguments.peer_python, arguments.keep) for clip in clips for name in peers]
    with ProcessPoolExecutor(arguments.workers) as pool:
        return list(pool.map(versus.watch_with, *zip(*jobs, strict=True)))


def watch_and_judge(clip: Clip, keep: Path | None) -> Watched:
    """One clip from pixels to score; runs in a process of its own."""
    recording = kept(clip, keep)
    return judge_recording(recording)


def judge_recording(recording: Recording) -> Watched:
    """Spot and score."""
    decided, _ = spot(recording)
    return judge(recording, decided)


def as_text(watched: Watched) -> str:
    """All tables that there is something for."""
    curves, distractors = list(CONDITIONS), list(DISTRACTORS)
    others = [g for g in watched.seconds if g not in CONDITIONS and g not in DISTRACTORS]
    sections: list[tuple[str, str]] = []
    if watched.of(*curves).outcomes:
        sections.append(("Conditions", tables.condition_table(watched, curves)))
        outcomes = watched.of(*curves, EVERY_MOVEMENT).outcomes
        sections.append(("Movements, all conditions", tables.movement_table(outcomes)))
    for name, frame_ms in (("reference", 1e3 / 120), ("200 fps", 1e3 / 200)):
        if outcomes := watched.of(name).outcomes:
            sections.append((f"Recall by amplitude and duration: {name}", tables.curve_table(outcomes)))
            sections.append((f"Boundaries: {name}", tables.boundary_table(outcomes, frame_ms)))
    if watched.of(*distractors).seconds:
        sections.append(("Distractors", tables.distractor_table(watched, distractors)))
    if others:
        sections.append(
            ("Longer ones, every movement, other faces, real video", tables.condition_table(watched, others))
        )
        sections.append(("Cues there that nothing was planned for", tables.distractor_table(watched, others)))
    if watched.seconds:
        sections.append(("Every unmarked cue that nothing was planned for", tables.false_table(watched)))
    return "\n\n".join(f"### {title}\n\n{text}" for title, text in sections) + "\n"


def draw(watched: Watched, runs: Sequence[versus.PeerRun], folder: Path) -> None:
    """The plots that there is something for."""
    if watched.of(*CONDITIONS).outcomes:
        figures.draw_curves(watched, list(CONDITIONS), folder / "curves.png")
    if watched.of(*DISTRACTORS).seconds:
        figures.draw_distractors(watched, list(DISTRACTORS), folder / "distractors.png")
    if runs:
        versus.draw_peers(runs, folder / "peers.png")


if __name__ == "__main__":
    main()
