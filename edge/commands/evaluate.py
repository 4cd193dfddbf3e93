"""`microcue evaluate`: a labelled corpus watched and scored by the protocol of the spotting challenges."""

from __future__ import annotations

import argparse
import importlib.util
import json
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge.commands.context import Context
from edge.commands.progress import with_progress
from edge.errors import EXIT_DONE, EXIT_INPUT_OUTPUT, EXIT_NOT_READY, MissingExtra, UsageError

if TYPE_CHECKING:
    from edge.evaluate.corpora.corpus import Corpus
    from edge.evaluate.corpus_run import VideoOutcome
    from edge.evaluate.tally import WatchedVideo

_EXAMPLES = """\
examples:
  microcue evaluate samm-lv --root SAMM_longvideos --check       is everything there? Takes seconds
  microcue evaluate samm-lv --root SAMM_longvideos --out samm    watch and score; stop it and it goes on
  microcue evaluate cas2 --root CAS2 --out cas2 --as mdmd        also as that published scorer counts
  microcue evaluate cas2 --root CAS2 --out cas2 --tune           settings from the others, for each person
  microcue evaluate events.csv --root videos --fps 120           your own: video,onset,offset,kind
  microcue evaluate samm-lv --root DIR --cues theirs.csv         score somebody else's cues

corpora:
"""
_SCORE_COLUMNS = ("counted", "n_true", "n_false", "n_missed", "precision", "recall", "f1", "f1_95")
_SCORE_HEADINGS = ("", "true", "false", "missed", "precision", "recall", "F1", "95 % by subject")


def register(subparsers: Any) -> None:
    """Add `evaluate` to the command line."""
    from edge.evaluate.corpora.known import CORPORA

    width = max(map(len, CORPORA))
    listed = "\n".join(f"  {name:<{width}}  {known.what}" for name, known in CORPORA.items())
    parser = subparsers.add_parser(
        "evaluate",
        help="score against an annotated corpus",
        description="Watch the recordings of an annotated corpus and score the cues by the protocol of the "
        "spotting challenges (MEGC): inclusive frames, IoU of at least 0.5, one to one, all videos pooled.",
        epilog=f"{_EXAMPLES}{listed}\n  FILE.csv{'':<{max(width - 8, 0)}}  a table of your own",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("corpus", metavar="CORPUS", help="one of those below, or a CSV file")
    parser.add_argument("--root", type=Path, metavar="DIR", help="its folder (for a CSV: that of the CSV)")
    parser.add_argument("--check", action="store_true", help="only look whether everything is there")
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="where results go, and signals, so that a stopped run goes on"
    )
    parser.add_argument(
        "--workers", type=_whole(1, 256), default=1, metavar="N", help="processes (default: 1)"
    )
    parser.add_argument(
        "--scheduler", default="", metavar="ADDRESS", help="of a Dask cluster: tcp://HOST:PORT"
    )
    parser.add_argument(
        "--iou", type=_share, default=0.5, metavar="X", help="overlap of a hit (default: 0.5)"
    )
    _add_table_options(parser)
    _add_score_options(parser)
    parser.set_defaults(run=run)


def _add_table_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--fps", type=float, default=0.0, metavar="N", help="frame rate, for a CSV")
    parser.add_argument(
        "--first-frame",
        type=int,
        choices=(0, 1),
        default=1,
        help="what a CSV calls the first frame of a video file (default: 1)",
    )
    parser.add_argument(
        "--open-offset",
        type=float,
        default=0.0,
        metavar="S",
        help="where the end of an event was not seen, it ends so long after its apex (default: 0)",
    )
    parser.add_argument("--limit", type=_whole(1, 10**6), metavar="N", help="only the first N recordings")


def _add_score_options(parser: argparse.ArgumentParser) -> None:
    from edge.evaluate.published import SCORERS

    parser.add_argument(
        "--as",
        dest="scorers",
        action="append",
        default=[],
        choices=[*SCORERS, "all"],
        metavar="SCORER",
        help=f"also as a published scorer counts, slips included: {', '.join(SCORERS)} or all",
    )
    parser.add_argument("--subjects", action="store_true", help="also a line for each person")
    parser.add_argument(
        "--cues", type=Path, metavar="FILE", help="score these instead: video,onset,offset,kind in a CSV"
    )
    parser.add_argument(
        "--submission", type=Path, metavar="FILE", help="micro cues as the challenges take them"
    )
    parser.add_argument(
        "--tune",
        nargs="*",
        metavar="KEY=V,V",
        help="search spotter settings, each person held out once; needs --out",
    )


def run(args: argparse.Namespace, context: Context) -> int:
    """Read, check, watch, score, print, write."""
    from edge.evaluate.results import results

    corpus = _read(args)
    if args.check:
        return _check(corpus, context)
    if args.limit:
        corpus = replace(corpus, videos=corpus.videos[: args.limit])
    _prepare(args)
    outcomes = _outcomes(args, corpus, context)
    videos = [outcome.video for outcome in outcomes]
    values = results(corpus, videos, args.iou)
    values["cpu_s_per_minute"] = sum(one.cpu_s for one in outcomes) / max(values["minutes"], 1e-9)
    values["not_watched"] = {one.video.name: one.error for one in outcomes if one.error}
    if args.tune is not None:
        seen = [outcome.video for outcome in outcomes if not outcome.error]
        values["tuned"] = _tuned(args, corpus, seen, context)
    if args.out:
        _write(args.out, corpus, outcomes, values)
    if args.submission:
        from edge.evaluate.results import write_submission

        write_submission(args.submission, corpus.videos, videos)
    if context.json:
        print(json.dumps(values, indent=2, ensure_ascii=False))
    else:
        _show(args, values, context)
    return EXIT_INPUT_OUTPUT if values["not_watched"] else EXIT_DONE


def _prepare(args: argparse.Namespace) -> None:
    """Fail now rather than after a night of watching."""
    if args.tune is not None:
        from edge.evaluate.tuning_run import grid_of

        grid_of(args.tune)
        if args.out is None:
            raise UsageError("--tune expects --out DIR, where the signals it spots again are kept; add it")
        if args.scheduler or args.cues:
            raise UsageError("--tune expects signals, which neither --scheduler nor --cues leaves; drop one")
    needed = ("scipy", "pyarrow", "matplotlib") if args.out else ("scipy",)
    if any(importlib.util.find_spec(name) is None for name in needed):
        raise MissingExtra("microcue evaluate", "evaluate")
    if args.out:
        args.out.mkdir(parents=True, exist_ok=True)


def _read(args: argparse.Namespace) -> Corpus:
    from edge.evaluate.corpora.known import CORPORA
    from edge.evaluate.corpora.tables import read_csv

    if args.corpus.lower().endswith(".csv"):
        table = Path(args.corpus)
        return read_csv(table, args.root or table.parent, args.fps, args.first_frame, args.open_offset)
    if args.corpus not in CORPORA:
        known = ", ".join(CORPORA)
        raise UsageError(f"expected a corpus, and {args.corpus!r} is none; known: {known}, or a FILE.csv")
    if args.root is None:
        raise UsageError(f"evaluate {args.corpus} expects --root DIR, the folder of the corpus; add it")
    return CORPORA[args.corpus].read(args.root, args.open_offset)


def _check(corpus: Corpus, context: Context) -> int:
    from edge.evaluate.corpora.checklist import MISSING, checklist

    items = checklist(corpus)
    if context.json:
        said = {
            "items": [{"what": i.what, "found": i.found, "verdict": i.verdict} for i in items],
            "remarks": [{"where": r.where, "found": r.found, "done": r.done} for r in corpus.remarks],
            "not_found": list(corpus.not_found),
        }
        print(json.dumps(said, indent=2, ensure_ascii=False))
    else:
        rows = [(item.what, item.found, item.expected, item.verdict) for item in items]
        context.print_table(corpus.name, ("what", "found", "expected", "verdict"), rows)
        if corpus.remarks:
            odd = [(remark.where, remark.found, remark.done) for remark in corpus.remarks]
            context.print_text("")
            context.print_table("What was odd", ("where", "found", "done"), odd)
    is_whole = all(item.verdict != MISSING for item in items) and any(v.events for v in corpus.videos)
    return EXIT_DONE if is_whole else EXIT_NOT_READY


def _outcomes(args: argparse.Namespace, corpus: Corpus, context: Context) -> list[VideoOutcome]:
    from edge.evaluate.corpus_run import watch_corpus

    if args.cues:
        from edge.evaluate.foreign_cues import read_cues

        return read_cues(args.cues, corpus, args.fps)
    if args.scheduler:
        return _on_cluster(args, corpus, context)
    keep = args.out / "signals" if args.out else None
    watching = watch_corpus(corpus.videos, context.config, keep, args.workers)
    shown = with_progress(watching, len(corpus.videos), corpus.name, context.verbosity >= 0)
    with closing(shown) as passed:
        return list(passed)


def _on_cluster(args: argparse.Namespace, corpus: Corpus, context: Context) -> list[VideoOutcome]:
    from edge.evaluate.cluster_run import watch_on_cluster

    kept = args.out / "watched" if args.out else None
    watching = watch_on_cluster(corpus.videos, context.config, kept, args.scheduler)
    shown = with_progress(watching, len(corpus.videos), corpus.name, context.verbosity >= 0)
    with closing(shown) as passed:
        by_name = {outcome.video.name: outcome for outcome in passed}
    return [by_name[video.name] for video in corpus.videos]


def _tuned(
    args: argparse.Namespace, corpus: Corpus, videos: Sequence[WatchedVideo], context: Context
) -> dict[str, Any]:
    from edge.evaluate.tuning_run import grid_of, tuned_values

    grid = grid_of(args.tune)
    seen = {video.name for video in videos}
    corpus = replace(corpus, videos=tuple(video for video in corpus.videos if video.name in seen))
    steps = tuned_values(corpus, videos, context.config, args.out / "signals", grid, args.iou, args.workers)
    shown = with_progress(steps, len(videos), "tuning", context.verbosity >= 0)
    with closing(shown) as passed:
        return list(passed)[-1]


def _write(folder: Path, corpus: Corpus, outcomes: Sequence[VideoOutcome], values: dict[str, Any]) -> None:
    from edge.evaluate import results
    from edge.evaluate.sweep import curve, draw_curves
    from edge.evaluate.tally import Protocol

    iou = values["iou_least"]
    swept = [outcome.swept for outcome in outcomes]
    curves = {str(kind): curve(swept, Protocol(iou, kind)) for kind in corpus.kinds}
    values["curves"] = {
        kind: [{"strength": p.strength, **results.counts_of(p.counts)} for p in points]
        for kind, points in curves.items()
    }
    results.write_json(folder / "results.json", values)
    videos = [outcome.video for outcome in outcomes]
    results.write_table(folder / "events.csv", results.EVENT_COLUMNS, results.event_rows(videos, iou))
    results.write_table(folder / "cues.csv", results.CUE_COLUMNS, results.cue_rows(videos, iou))
    odd = [(remark.where, remark.found, remark.done) for remark in corpus.remarks]
    results.write_table(folder / "remarks.csv", ("where", "found", "done"), odd)
    draw_curves(curves, corpus.name, folder / "curve.png")


def _show(args: argparse.Namespace, values: dict[str, Any], context: Context) -> None:
    rows = [_score_row(name, score) for name, score in values["scores"].items()]
    rows += [_score_row(f"{name}, unmarked", score) for name, score in values["scores_unmarked"].items()]
    columns = (*_SCORE_COLUMNS, "false_per_minute")
    headings = dict(zip(columns, (*_SCORE_HEADINGS, "false a minute"), strict=True))
    title = (
        f"{values['corpus']}: {values['n_videos']} recordings of {values['n_subjects']} people, "
        f"{values['minutes']:.1f} minutes; IoU ≥ {values['iou_least']:g}"
    )
    context.print_table(title, columns, rows, headings)
    context.print_text("")
    levels = [
        (name, *(f"{by[name]['f1']:.4f}" for by in values["by_iou"].values())) for name in values["scores"]
    ]
    context.print_table("F1 at other overlaps", ("counted", *values["by_iou"]), levels)
    context.print_text("")
    spreads = [
        (name.removesuffix("_ms"), _number(s["median"], 0), _number(s["p95"], 0), str(s["n"]))
        for name, s in values["boundaries"].items()
    ]
    context.print_table("Errors of what was met, ms", ("of", "median", "95 %", "n"), spreads)
    _show_more(args, values, context)


def _show_more(args: argparse.Namespace, values: dict[str, Any], context: Context) -> None:
    if args.subjects:
        people = [_score_row(name, score)[:-2] for name, score in values["by_subject"].items()]
        context.print_text("")
        context.print_table("By person", _SCORE_COLUMNS[:-1], people)
    if args.scorers:
        wanted = values["published"] if "all" in args.scorers else args.scorers
        rows = [
            (name, row, f"{scorer[row]['f1']:.4f}", f"{scorer[row]['difference']:+.4f}", scorer["slip"])
            for name, scorer in values["published"].items()
            if name in wanted
            for row in values["scores"]
        ]
        context.print_text("")
        context.print_table(
            "As published scorers count", ("scorer", "counted", "F1", "differs", "slip"), rows
        )
    if "tuned" in values:
        tuned = [(name, f"{score['f1']:.4f}") for name, score in values["tuned"]["scores"].items()]
        context.print_text("")
        context.print_table("Tuned", ("settings", "overall F1"), tuned)
        context.print_text(f"Picked on everybody: {values['tuned']['best']}.")
    for name, error in values["not_watched"].items():
        context.print_text(f"Not watched, its events are missed: {name}: {error}.")
    if values["remarks"]:
        where = f"{args.out}/remarks.csv lists them" if args.out else "--check lists them"
        context.print_text(f"{len(values['remarks'])} remarks on the tables; {where}.")
    if values["cpu_s_per_minute"]:
        context.print_text(f"CPU: {values['cpu_s_per_minute']:.1f} s for a minute of video.")


def _score_row(name: str, score: dict[str, Any]) -> tuple[str, ...]:
    low, high = score.get("f1_95", (None, None))
    limits = "" if low is None or high is None else f"{low:.3f}–{high:.3f}"
    shares = (_number(score["precision"], 3), _number(score["recall"], 3), f"{score['f1']:.4f}")
    counts = (str(score["n_true"]), str(score["n_false"]), str(score["n_missed"]))
    return (name, *counts, *shares, limits, _number(score["false_per_minute"], 2))


def _number(value: float | None, n_digits: int) -> str:
    return "" if value is None else f"{value:.{n_digits}f}"


def _whole(low: int, high: int) -> Any:
    def number(text: str) -> int:
        if not text.isdecimal() or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"{text!r} should be a whole number from {low} to {high}")
        return int(text)

    return number


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} should be above 0 and at most 1")
    return value
