"""Which corpora `microcue evaluate` can read, by the names it is given."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from edge.evaluate.corpora import cas2, cas3, casme2, challenge, samm, samm_long, smic, tables
from edge.evaluate.corpora.corpus import Corpus


class Known(NamedTuple):
    """A corpus: what it is, and its reader, given the folder and how open events end."""

    what: str
    read: Callable[[Path, float], Corpus]


CORPORA = {
    "casme2": Known("CASME II, 200 fps, clips", casme2.read),
    "samm": Known("SAMM, 200 fps, clips", samm.read),
    "samm-lv": Known("SAMM Long Videos, 200 fps", samm_long.read),
    "cas2": Known("CAS(ME)^2, 30 fps, long videos", cas2.read),
    "cas3": Known("CAS(ME)^3 part A, 30 fps, long videos", cas3.read),
    "smic-hs": Known("SMIC-HS, 100 fps, clips", smic.read_hs),
    "smic-vis": Known("SMIC-VIS, 25 fps, clips", smic.read_vis),
    "smic-nir": Known("SMIC-NIR, 25 fps, clips", smic.read_nir),
    "smic-long": Known("SMIC-HS-E-long, 100 fps", smic.read_hs_long),
    "megc": Known("the challenges' unseen sets: SAMM… and CAS… folders", challenge.read),
    "synth": Known("clips of microcue synth with their truth", tables.read_synth),
}
