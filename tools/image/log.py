"""Sessions and cues of a log, as `microcue` on this machine lists them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from image.tree import ROOT

_MICROCUE = (sys.executable, "-c", "import sys; from edge.cli import main; sys.exit(main())")


def watched_here(clip: Path, folder: Path) -> list[dict[str, Any]]:
    """The cues that this machine finds in a clip; the log goes into a folder."""
    microcue("run", "--camera", f"file:{clip}", "--led", "none", "--quiet", "--data", str(folder))
    return cues_of(folder, "latest")


def sessions_of(folder: Path) -> list[str]:
    """Names of a log's sessions, oldest first."""
    return [
        session["session_id"] for session in json.loads(microcue("sessions", "--json", "--data", str(folder)))
    ]


def cues_of(folder: Path, session: str) -> list[dict[str, Any]]:
    """Cues of a session, with the names of an export's columns."""
    found: list[dict[str, Any]] = json.loads(microcue("cues", session, "--json", "--data", str(folder)))
    return found


def microcue(*words: str) -> str:
    """What a command prints."""
    done = subprocess.run([*_MICROCUE, *words], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"image-test: microcue {words[0]} gave {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout
