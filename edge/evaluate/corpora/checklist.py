"""Whether a corpus is whole, asked before a night of computing rather than after."""

from __future__ import annotations

from dataclasses import dataclass

from edge.evaluate.corpora.corpus import Corpus

OK, DIFFERS, MISSING = "ok", "differs", "missing"


@dataclass(frozen=True, slots=True)
class Item:
    """One line: `verdict` is ok, differs (scored all the same) or missing (a score would be another's)."""

    what: str
    expected: str
    found: str
    verdict: str


def checklist(corpus: Corpus) -> list[Item]:
    """Recordings, pictures, events, and rows that something was odd about."""
    n, n_lost = len(corpus.videos), len(corpus.not_found)
    items = [
        Item(
            "recordings",
            f"{n + n_lost} named",
            f"{n} found" + (f", {n_lost} not" if n_lost else ""),
            MISSING if n_lost else OK,
        )
    ]
    with_gaps = [video for video in corpus.videos if video.n_missing]
    n_missing = sum(video.n_missing for video in with_gaps)
    items.append(
        Item(
            "pictures",
            "none missing",
            f"{n_missing} missing in {len(with_gaps)} recordings" if with_gaps else "none missing",
            DIFFERS if with_gaps else OK,
        )
    )
    counted = corpus.n_events()
    for kind in corpus.kinds:
        number, published = counted[kind], corpus.expected.get(kind)
        same = published is None or number == published
        items.append(
            Item(
                f"{kind} events",
                "" if published is None else f"{published}, as published",
                str(number),
                OK if same else DIFFERS,
            )
        )
    subjects = {video.subject for video in corpus.videos}
    items.append(Item("subjects", "", str(len(subjects)), OK))
    n_odd = len(corpus.remarks)
    items.append(Item("remarks", "none", str(n_odd) if n_odd else "none", DIFFERS if n_odd else OK))
    return items
