"""Settings as a file that people can edit: TOML with a comment above each."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import fields

from edge.config import Config
from edge.setting import Setting, allowed


def to_toml(tables: Mapping[str, Mapping[str, Setting]]) -> str:
    """A settings file that reads back as the same values, with a comment above each setting."""
    return "\n\n".join("\n".join(_section_lines(name, table)) for name, table in tables.items())


def _section_lines(name: str, table: Mapping[str, Setting]) -> Iterator[str]:
    section = getattr(Config(), name)
    limits = {item.name: item for item in fields(section)}
    yield f"# {(type(section).__doc__ or '').strip()}"
    yield f"[{name}]"
    for key, value in table.items():
        range_ = allowed(limits[key], type(value)) if not limits[key].metadata["pattern"] else ""
        yield f"# {limits[key].metadata['doc']}" + (f"; {range_}" if range_ else "")
        yield f"{key} = {_toml_value(value)}"


def _toml_value(value: Setting) -> str:
    if isinstance(value, str):
        # JSON's escapes are TOML's too, except that TOML wants DEL escaped
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return str(value).lower() if isinstance(value, bool) else repr(value)
