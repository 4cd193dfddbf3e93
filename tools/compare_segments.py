"""Are cues of videos that are cut those of videos that are not? Ten long clips, cue for cue.

Each clip is watched whole, then in segments with the state carried from one to the next as
`microcue batch` does, and compared: every field of every cue and blink. Clips that are made differ in frame
rate, noise, sway and in where the demo's minute begins; in every second the face leaves. For the record the
other way is measured as well: segments that begin anew so many seconds before the cut (`--overlaps`),
without any state. Written as JSON; exits 1 where carried segments differ. Clips are kept, to go on with.

    python tools/compare_segments.py --folder DIR [--clips 10] [--seconds 300] [--segment 60] [VIDEO...]

Rendering is slow. With `--join` the long clips are put together out of videos that are there, such as those
of `microcue demo`: other orders, beginnings and rates, pictures as they are, with a jump where they meet.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import cycle
from pathlib import Path

from edge.app import open_source
from edge.batch.job import Job, Video, job_of
from edge.batch.result import CueRow, VideoResult
from edge.batch.rows import cue_rows
from edge.batch.segment import stages_of, watch_segment
from edge.config import Config
from edge.messages import Frame
from edge.perceive.finder import FaceFinder
from edge.synth.demo import demo_plan
from edge.synth.encode import write_clip
from edge.synth.plan import Happening, Plan
from edge.synth.portrait import built_in_portrait
from edge.synth.scene import Scene

# frames a second, noise in grey levels and sway in miod of the clips, in turn
_CAMERAS = ((60.0, 2.0, 20.0), (50.0, 4.0, 50.0), (90.0, 2.0, 35.0), (60.0, 6.0, 10.0))
_LATER_S = 7.0  # each clip begins so much further into the demo, or into its first video
_EVERY = (2, 3)  # of a joined video's pictures: 60 and 40 of 120 a second
_QUIET_S = 5.0
_ROUND_S = 60.0  # of the demo's plan, which is played again
_AFTER_S = 5.0  # a cue is decided up to so long after its onset
_SAME = ("kind", "onset_frame", "offset_frame", "movements", "side")


@dataclass(slots=True)
class Overlapped:
    """Cues of segments that begin anew, against those of the whole video."""

    n_whole: int = 0
    n_same: int = 0
    n_missing: int = 0
    n_added: int = 0

    def add(self, whole: list[CueRow], found: list[CueRow]) -> None:
        """Count a video's cues; the same are so to the frame."""
        expected = {tuple(row[name] for name in _SAME) for row in whole}
        came = {tuple(row[name] for name in _SAME) for row in found}
        self.n_whole += len(expected)
        self.n_same += len(expected & came)
        self.n_missing += len(expected - came)
        self.n_added += len(came - expected)


@dataclass(slots=True)
class Figures:
    """What the tool has to say."""

    n_clips: int = 0
    seconds: float = 0.0
    n_frames: int = 0
    n_segments: int = 0
    n_frames_again: int = 0
    n_cues: int = 0
    n_blinks: int = 0
    differing: list[str] = field(default_factory=list)
    overlaps: dict[str, dict[str, int]] = field(default_factory=dict)


def main() -> int:
    """Make the clips, watch them in all ways, compare."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("videos", nargs="*", type=Path, help="instead of clips that are made")
    parser.add_argument("--folder", type=Path, required=True, help="where clips are made and kept")
    parser.add_argument("--join", action="store_true", help="make the clips out of the videos")
    parser.add_argument("--clips", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=300.0, help="of each clip (default: 300)")
    parser.add_argument("--segment", type=float, default=60.0, help="s (default: 60)")
    parser.add_argument("--overlaps", type=float, nargs="*", default=[5.0, 15.0], help="s (default: 5 15)")
    parser.add_argument("--output", type=Path, help="where the figures go as JSON")
    options = parser.parse_args()
    config, figures = Config(), Figures()
    finder = FaceFinder(config.perceive)
    overlapped = {overlap_s: Overlapped() for overlap_s in options.overlaps}
    numbers = range(1, options.clips + 1)
    if options.join:
        clips = [_joined(options.folder, options.videos, number, options.seconds) for number in numbers]
    else:
        clips = options.videos or [_clip(options.folder, number, options.seconds) for number in numbers]
    for clip in clips:
        with tempfile.TemporaryDirectory(prefix="microcue-") as states:
            job = job_of(Video(str(clip)), config, Path(states), 0.0)
            whole = _watched(job, finder)
            cut = _watched(replace(job, segment_s=options.segment), finder)
        _compare(figures, clip, whole, cut)
        for overlap_s, counts in overlapped.items():
            counts.add(whole.cues, _begun_anew(job, finder, options.segment, overlap_s, whole.seconds))
        print(f"{clip.name}: {len(whole.cues)} cues, {len(figures.differing)} clips differ", file=sys.stderr)
    for overlap_s, counts in overlapped.items():
        names = ("n_whole", "n_same", "n_missing", "n_added")
        figures.overlaps[f"{overlap_s:g} s"] = {name: getattr(counts, name) for name in names}
    text = json.dumps({name: getattr(figures, name) for name in Figures.__slots__}, indent=2)
    print(text)
    if options.output:
        options.output.write_text(text + "\n")
    return 1 if figures.differing else 0


def _clip(folder: Path, seed: int, seconds: float) -> Path:
    """A face that does what the demo's does, again and again; with every second seed it leaves as well."""
    path = folder / f"long-{seed}-{seconds:g}.mkv"
    if path.exists():
        return path
    demo = demo_plan()
    one_round = [replace(h, onset_s=(h.onset_s + _LATER_S * (seed - 1)) % _ROUND_S) for h in demo.happenings]
    if seed % 2 == 0:
        one_round.append(Happening("leave", onset_s=23.0, duration_s=9.0, amplitude=3000.0))
    happenings = [
        replace(h, onset_s=h.onset_s + n_round * _ROUND_S)
        for n_round in range(int(seconds // _ROUND_S) + 1)
        for h in sorted(one_round, key=lambda h: h.onset_s)
    ]
    happenings = [h for h in happenings if h.onset_s >= _QUIET_S and h.onset_s + h.duration_s <= seconds]
    fps, noise_levels, sway_miod = _CAMERAS[seed % len(_CAMERAS)]
    size = {"width": 320, "height": 240, "face_width_px": 130.0}
    camera = {"fps": fps, "noise_levels": noise_levels, "sway_miod": sway_miod}
    settings = replace(demo.settings, duration_s=seconds, seed=seed, **size, **camera)
    folder.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part.mkv")
    write_clip(Scene(Plan(tuple(happenings), settings), built_in_portrait()).render(), part, fps)
    return part.replace(path)


def _joined(folder: Path, videos: Sequence[Path], number: int, seconds: float) -> Path:
    """Pictures of videos one after the other, again and again; every one of them must be a key frame."""
    import av

    path = folder / f"joined-{number}-{seconds:g}.mkv"
    folder.mkdir(parents=True, exist_ok=True)
    first, every = number % len(videos), _EVERY[number % len(_EVERY)]
    order = [*videos[first:], *videos[:first]][:: 1 if number % 4 < 2 else -1]
    with av.open(str(videos[0])) as pattern, av.open(str(path), "w") as container:
        stream = pattern.streams.video[0]
        fps = float(stream.average_rate or 0) / every
        written = container.add_stream_from_template(stream)
        n_written, n_skipped = 0, round(number * _LATER_S * fps * every)
        for video in cycle(order):
            with av.open(str(video)) as source:
                for n_read, packet in enumerate(source.demux(source.streams.video[0])):
                    if packet.dts is None or n_read < n_skipped or n_read % every:
                        continue
                    if not packet.is_keyframe:
                        sys.exit(
                            f"microcue: expected key frames only in {video}, but picture {n_read} is none"
                        )
                    packet.stream = written
                    packet.pts = packet.dts = round(n_written / fps / packet.time_base)
                    container.mux(packet)
                    n_written += 1
                    if n_written >= seconds * fps:
                        return path
            n_skipped = 0
    return path


def _watched(job: Job, finder: FaceFinder) -> VideoResult:
    number = 0
    while (result := watch_segment(job, number, finder)) is None:
        number += 1
    return result


def _compare(figures: Figures, clip: Path, whole: VideoResult, cut: VideoResult) -> None:
    own = {"cpu_s": 0.0, "n_segments": 0, "n_frames_again": 0}
    if replace(whole, **own) != replace(cut, **own):
        figures.differing.append(clip.name)
    figures.n_clips += 1
    figures.seconds += whole.seconds
    figures.n_frames += whole.n_frames
    figures.n_segments += cut.n_segments
    figures.n_frames_again += cut.n_frames_again
    figures.n_cues += len(whole.cues)
    figures.n_blinks += len(whole.blinks)


def _begun_anew(
    job: Job, finder: FaceFinder, segment_s: float, overlap_s: float, seconds: float
) -> list[CueRow]:
    """Cues of segments without any state, each watched from `overlap_s` before its cut."""
    found: list[CueRow] = []
    cut_s = 0.0
    while cut_s < seconds:
        rows = _part(job, finder, max(cut_s - overlap_s, 0.0), cut_s + segment_s + _AFTER_S)
        found += [row for row in rows if cut_s <= float(row["onset_s"] or 0.0) < cut_s + segment_s]
        cut_s += segment_s
    return found


def _part(job: Job, finder: FaceFinder, from_s: float, until_s: float) -> list[CueRow]:
    config = job.config()
    with closing(open_source(config.capture)) as source:
        first = frame = source.read(5.0)
        begin_ns = frame.timestamp_ns
        while frame.timestamp_ns - begin_ns < from_s * 1e9:
            frame = source.read(5.0)
        watch, _, events = stages_of(config, source, first, finder, None)

        def stop(one: Frame) -> bool:
            return one.timestamp_ns - begin_ns >= until_s * 1e9

        watch.run(frame, stop)
    return cue_rows(job.key, begin_ns, events)


if __name__ == "__main__":
    sys.exit(main())
