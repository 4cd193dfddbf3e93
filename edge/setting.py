"""One setting: its sentence, its range beside its default, and the check of what a file says of it."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Mapping
from dataclasses import Field, field, fields, replace
from typing import Any, TypeAlias, TypeVar, get_type_hints

from edge.errors import ConfigError

Setting: TypeAlias = str | int | float | bool
_Value = TypeVar("_Value")
_Section = TypeVar("_Section")


def setting(
    default: _Value,
    doc: str,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] | tuple[int, ...] = (),
    pattern: str = "",
    secret: bool = False,
) -> _Value:
    """A dataclass field that knows what it means and what it may be.

    Parameters
    ----------
    default : str, int, float or bool
    doc : str
        One line for people: meaning, unit, special values.
    low, high : float, optional
        Both are allowed themselves.
    choices : tuple of str or int, optional
        The only values allowed.
    pattern : str, optional
        Regular expression that the whole value must match; `doc` says it in words.
    secret : bool, optional
        Never repeated in an error.
    """
    limits = {"doc": doc, "low": low, "high": high, "choices": choices, "pattern": pattern, "secret": secret}
    declared: Any = field(default=default, metadata=limits)
    return declared  # type: ignore[no-any-return]  # a Field until @dataclass takes it


def read_section(section: _Section, name: str, table: Mapping[str, object], origin: str) -> _Section:
    """The section with the values of a table in place of its own, each checked; None keeps the own.

    Parameters
    ----------
    section : dataclass of settings
    name : str
        As the file calls it.
    table : mapping of key to value
    origin : str
        Put before the sentence of an error: where the table was read.

    Raises
    ------
    ConfigError
        A key is unknown, or its value of the wrong type or out of range.
    """
    known = {item.name: item for item in fields(section)}  # type: ignore[arg-type]
    types = get_type_hints(type(section))
    values = {}
    for key, value in table.items():
        if key not in known:
            near = nearest(key, tuple(known.values()))
            raise ConfigError(f"{origin}{name}.{key} is not a setting; {near}")
        if value is not None:
            values[key] = _checked(f"{origin}{name}.{key}", known[key], types[key], value)
    return replace(section, **values)  # type: ignore[type-var]


def _checked(where: str, item: Field[Any], wanted: type, value: object) -> Setting:
    if wanted is float and type(value) is int:
        value = float(value)
    limits = item.metadata
    fits = type(value) is wanted  # exactly: True is an int to Python, not to a person
    if fits and isinstance(value, float):
        fits = math.isfinite(value)
    if fits and isinstance(value, (int, float)):
        fits = (limits["low"] is None or value >= limits["low"]) and (
            limits["high"] is None or value <= limits["high"]
        )
    if fits and limits["choices"]:
        fits = value in limits["choices"]
    if fits and isinstance(value, str) and limits["pattern"]:
        fits = re.fullmatch(limits["pattern"], value) is not None
    if not fits:
        found = "something else" if limits["secret"] else repr(value)
        raise ConfigError(f"{where} expects {allowed(item, wanted)}, found {found}; mend it or leave it out")
    return value  # type: ignore[return-value]


def allowed(item: Field[Any], wanted: type) -> str:
    """What a setting may be, in words."""
    limits = item.metadata
    if limits["choices"]:
        return f"one of {', '.join(map(str, limits['choices']))}"
    if limits["pattern"]:
        return str(limits["doc"])
    if wanted is bool:
        return "true or false"
    if wanted is str:
        return "a text"
    words = {int: "a whole number", float: "a number"}[wanted]
    return f"{words} from {limits['low']:g} to {limits['high']:g}"


def nearest(name: str, known: tuple[Field[Any], ...]) -> str:
    """What somebody may have meant who wrote `name`, in words."""
    names = [item.name for item in known]
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return f"did you mean {near[0]}?" if near else f"known: {', '.join(names)}"
