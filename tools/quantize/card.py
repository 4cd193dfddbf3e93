"""The model card, with its tables filled from the manifests."""

from __future__ import annotations

from pathlib import Path

from quantize.manifest import Table, read_manifest

_TEMPLATE = Path(__file__).with_name("model_card_template.md")
_LANDMARK_COLUMNS = {
    "n_faces": "faces",
    "mean_percent_iod": "error mean, % IOD",
    "p95_percent_iod": "error p95, % IOD",
    "presence_agrees_percent": "presence agrees, %",
}
_DETECTOR_COLUMNS = {
    "n_frames": "frames",
    "n_faces": "faces",
    "n_missed": "missed",
    "n_extra": "extra",
    "n_beyond_margin": "of these beyond a score margin of 0.1",
    "iou_mean": "IoU mean",
    "iou_min": "IoU min",
    "keypoint_mean_percent": "key points off, % of eye distance",
}


def write_card(folder: Path) -> None:
    """Write `MODEL_CARD.md` beside the manifests it is made of."""
    manifests = [read_manifest(path) for path in sorted(folder.glob("*.toml"))]
    text = _TEMPLATE.read_text(encoding="utf-8")
    text = text.replace("{files}", _files(manifests))
    text = text.replace("{landmark_errors}", _errors(manifests, "landmarks", _LANDMARK_COLUMNS))
    text = text.replace("{detector_errors}", _errors(manifests, "detector", _DETECTOR_COLUMNS))
    (folder / "MODEL_CARD.md").write_text(text, encoding="utf-8")


def _files(manifests: list[Table]) -> str:
    rows = [
        [f"`{manifest['name']}`", f"{manifest['size_bytes'] / 1024:.0f}", manifest["summary"]]
        for manifest in manifests
    ]
    return _table(["file", "KiB", "what it is"], rows)


def _errors(manifests: list[Table], role: str, columns: dict[str, str]) -> str:
    rows = [
        [f"`{manifest['name']}`", held_out, *(str(figures[key]) for key in columns)]
        for manifest in manifests
        if manifest["role"] == role
        for held_out, figures in manifest.get("error", {}).items()
    ]
    return _table(["model", "held out", *columns.values()], rows)


def _table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
