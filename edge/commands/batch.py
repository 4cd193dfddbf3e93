"""`microcue batch`: many recordings, on this machine's cores or on a cluster, into two tables."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge.commands.context import Context
from edge.commands.progress import Bar
from edge.config import Config
from edge.errors import UsageError

if TYPE_CHECKING:
    from edge.batch.job import Video
    from edge.batch.result import Done, VideoResult

_EXAMPLES = """\
examples:
  microcue batch interviews/*.mp4 --output results
  microcue batch --list videos.txt --output results --workers 4
  microcue batch --list videos.txt --output results --scheduler tcp://login1:8786
  microcue batch sub01/EP02_01f --fps 200     a folder of numbered pictures

The folder gets cues.parquet (the columns of an export, after the video's name) and videos.parquet.
Interrupted, start the same command again: what is done is kept. Nothing enters the log.
"""
_WORKER_BYTES = 1 << 30  # what a worker and the process that watches for it may come to, with room


def register(subparsers: Any) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "batch",
        help="watch many recordings, on this machine or a cluster",
        description="Watch many recordings, each as microcue run would, and write what was found as tables.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "videos",
        metavar="VIDEO",
        nargs="*",
        help="a video file, or a folder of numbered pictures (with --fps)",
    )
    parser.add_argument("--list", metavar="FILE", help="more of them, one to a line; - is standard input")
    parser.add_argument(
        "--output", metavar="DIR", type=Path, default=Path("microcue-batch"), help="(default: microcue-batch)"
    )
    parser.add_argument("--fps", type=float, default=0.0, metavar="N", help="read all as if recorded so")
    parser.add_argument(
        "--workers", type=_whole, metavar="N", help="processes on this machine (default: one for each core)"
    )
    parser.add_argument(
        "--scheduler", metavar="ADDRESS", default="", help="of a Dask cluster: tcp://HOST:PORT"
    )
    parser.add_argument(
        "--segment", type=float, metavar="S", help="video that a task watches, s (default: 600; 0: all of it)"
    )
    parser.add_argument(
        "--memory",
        type=_whole,
        default=0,
        metavar="MB",
        help="limit for each process that watches (default: none)",
    )
    parser.add_argument("--blinks", action="store_true", help="blinks among the cues")
    parser.add_argument("--format", choices=("parquet", "csv"), default="parquet", help="(default: parquet)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, context: Context) -> int:
    """Watch them all, then write the tables."""
    from edge.batch.archive import SEGMENT_S, watch
    from edge.batch.cluster import open_pool
    from edge.batch.errors import VideosFailed
    from edge.batch.job import Video
    from edge.batch.result import Done
    from edge.batch.tables import check_format

    check_format(args.format)
    _refuse_what_needs_consent(context.config)
    videos = [Video(path, args.fps) for path in _paths(args)]
    segment_s = SEGMENT_S if args.segment is None else max(args.segment, 0.0)
    done = Done(args.output)
    n_workers = args.workers or _n_workers()
    with (
        closing(open_pool(n_workers, args.scheduler, args.memory << 20)) as pool,
        Bar("videos", context.verbosity >= 0) as bar,
    ):
        bar.expect(len(videos))

        def went_on() -> None:
            bar.expect(1)
            bar.advance()

        results = {}
        for result in watch(videos, context.config, args.output, pool, segment_s, went_on):
            results[result.video] = (result.key, result.error)
            bar.advance()
    n_cues = _write(args, videos, results, done)
    n_failed = sum(bool(error) for _, error in results.values())
    if context.json:
        counts = {"n_videos": len(results), "n_failed": n_failed, "n_cues": n_cues}
        print(json.dumps({"output": str(args.output), **counts}))
    else:
        context.print_text(f"{n_cues} rows of {len(results) - n_failed} videos written to {args.output}")
    if n_failed:
        raise VideosFailed(n_failed, len(results), str(args.output))
    return 0


def _write(
    args: argparse.Namespace, videos: list[Video], results: dict[str, tuple[str, str]], done: Done
) -> int:
    """Write both tables, in the order in which videos were named; gives the number of cues' rows."""
    from edge.batch.result import VideoResult
    from edge.batch.tables import ROW_COLUMNS, VIDEO_COLUMNS, rows_of, video_row, write_table

    def each() -> Iterator[VideoResult]:
        for path in dict.fromkeys(video.path for video in videos):
            key, error = results[path]
            kept = None if error else done.find(key)
            yield VideoResult(path, key, error) if kept is None else replace(kept, video=path)

    rows = (row for result in each() for row in rows_of(result, args.blinks))
    n_rows = write_table(args.output / f"cues.{args.format}", ROW_COLUMNS, rows, args.format)
    about = (video_row(result) for result in each())
    write_table(args.output / f"videos.{args.format}", VIDEO_COLUMNS, about, args.format)
    return n_rows


def _paths(args: argparse.Namespace) -> list[str]:
    paths = list(args.videos)
    if args.list:
        try:
            text = sys.stdin.read() if args.list == "-" else Path(args.list).read_text(encoding="utf-8")
        except OSError as error:
            raise UsageError(
                f"--list expected a file of paths, found {args.list}: {error.strerror}; name another one"
            ) from error
        paths += [line.strip() for line in text.splitlines() if line.strip()]
    if not paths:
        raise UsageError("expected videos, found none; name some, or a file that lists them by --list")
    return paths


def _refuse_what_needs_consent(config: Config) -> None:
    if config.session.consent_required or config.session.mode == "kiosk":
        raise UsageError(
            "the settings ask for a recorded consent of all who are watched, which batch cannot know of; "
            "watch each with microcue run --participant, or name other settings with --config"
        )


def _n_workers() -> int:
    """One for each core that may be used, as far as memory that is free now goes."""
    free_bytes = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return max(1, min(len(os.sched_getaffinity(0)), free_bytes // _WORKER_BYTES))


def _whole(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 10**6:
        raise argparse.ArgumentTypeError(f"{text!r} should be a whole number from 1")
    return int(text)
