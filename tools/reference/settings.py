"""docs/reference/settings.md: every setting with its default, its range and its sentence."""

from __future__ import annotations

from dataclasses import fields
from typing import get_type_hints

from edge.config import Config
from edge.config_text import _toml_value
from edge.setting import allowed
from reference.cells import code, table

_HEAD = """# Settings

Written from the code by `python tools/write_reference.py`. One TOML file counts, whole: `--config FILE`,
else `~/.config/microcue/microcue.toml`, else `/etc/microcue/microcue.toml`. What it does not name has its
default; a name that is not here is refused. `microcue config` prints the settings in use as such a file,
`--changed` only what differs. Options of a command win over the file.

```toml
[spot]
accepted_false_per_hour = 3
```
"""


def page() -> str:
    """The whole page."""
    lines = [_HEAD]
    for section in fields(Config):
        settings = type(getattr(Config(), section.name))
        types = get_type_hints(settings)
        rows = []
        for item in fields(settings):
            range_ = "as it says" if item.metadata["pattern"] else allowed(item, types[item.name])
            rows.append((code(item.name), code(_toml_value(item.default)), range_, item.metadata["doc"]))
        lines += [f"## [{section.name}]", "", (settings.__doc__ or "").strip(), ""]
        lines += [*table(("setting", "default", "may be", "means"), rows), ""]
    return "\n".join(lines)
