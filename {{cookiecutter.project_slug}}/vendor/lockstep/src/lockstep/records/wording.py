"""How figures, and what differs between runs, are put in words for people."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import PurePosixPath
from typing import Any

from ..core.decimals import count_decimals
from ..core.errors import shorten
from .changes import ABSENT, Change, Kind
from .repository import SHORT
from .run import Figure

MOST_CHANGES, MOST_LETTERS = 3, 40
"""Of a kind that are named one by one, and of a value."""
LIBRARY = "vendor/lockstep/"


def format_number(number: float, sign: str = "", beside: Sequence[float] = ()) -> str:
    """As many decimals as the reports give, fewer of large numbers; a `sign` of + shows it.

    Numbers near zero have more unless they stand `beside` larger ones.
    """
    digits = math.floor(math.log10(abs(number))) if number else 0
    decimals = max(0, count_decimals(number, *beside) - max(0, digits))
    return f"{round(number, decimals) + 0.0:{sign}.{decimals}f}"  # never -0.0000


def format_figure(figure: Figure) -> str:
    """A figure with its standard error or its interval, where there is one."""
    if figure.value is None:
        return "undefined"
    text = format_number(figure.value)
    if figure.standard_error is not None:
        text += f" +- {format_number(figure.standard_error, beside=[figure.value])}"
    if figure.interval is not None:
        text += f" ({format_ends(figure.interval)})"
    return text


def format_ends(ends: Sequence[float], sign: str = "") -> str:
    """Both ends of an interval."""
    low, high = (format_number(end, sign, ends) for end in ends)
    return f"{low} to {high}"


def format_value(kind: Kind, value: Any) -> str:
    """What a run had of something: the first signs of a digest, a version, or a parameter."""
    if value is ABSENT:
        return str(ABSENT.value)
    if kind == "parameters":
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        return shorten(text, MOST_LETTERS)
    return str(value) if kind == "environment" else str(value)[:SHORT]


def summarise_changes(changes: Iterable[Change]) -> str:
    """What set a run apart from the one before, in a few words."""
    parts = [_summarise(kind, [*group]) for kind, group in groupby(changes, lambda one: one.kind)]
    return ", ".join(parts) or "the results alone"


def _summarise(kind: Kind, changes: list[Change]) -> str:
    match kind:
        case "data" | "contract":
            return kind
        case "code":
            names = [*dict.fromkeys(_name_code(change.name) for change in changes)]
            return f"code of {_count_or_join(names, 'files')}"
        case "environment":
            return _count_or_join([*map(_describe, changes)], "versions")
    sections = [[*group] for _, group in groupby(changes, _find_section)]
    return _count_or_join([*map(_describe_section, sections)], "parameters")


def _describe(change: Change) -> str:
    before, after = (format_value(change.kind, value) for value in (change.before, change.after))
    if change.before is ABSENT:
        return f"{change.name} {after} new"
    return f"{change.name} gone" if change.after is ABSENT else f"{change.name} {before} -> {after}"


def _find_section(change: Change) -> tuple[str, bool, bool]:
    """What parameters have in common that came or went together, such as a candidate's options."""
    is_new, is_gone = change.before is ABSENT, change.after is ABSENT
    section = change.name.rpartition(".")[0] if is_new or is_gone else ""
    return section or change.name, is_new, is_gone


def _describe_section(changes: list[Change]) -> str:
    if len(changes) == 1:
        return _describe(changes[0])
    return f"{_find_section(changes[0])[0]} {'gone' if changes[0].after is ABSENT else 'new'}"


def _name_code(path: str) -> str:
    return "the library" if path.startswith(LIBRARY) else PurePosixPath(path).name


def _count_or_join(names: list[str], noun: str) -> str:
    return ", ".join(names) if len(names) <= MOST_CHANGES else f"{len(names)} {noun}"


def align(rows: Sequence[Sequence[str]]) -> list[str]:
    """The rows of a table as lines whose columns stand below each other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
