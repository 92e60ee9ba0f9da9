"""What data were taken for, in lines for a person."""

from __future__ import annotations

from typing import Any

from ..core.contract import LEVELS, Column, Contract
from ..core.errors import shorten
from .understanding import Understanding

MOST_SHOWN, LONGEST_NAME = 40, 40
USUAL = ("", "NA")
"""Texts for missing values that are not worth a word."""


def summary(name: str, understanding: Understanding) -> list[str]:
    """How the data called `name` are written, a table of their columns, and what is doubtful."""
    contract, about = understanding.contract, understanding.doubts
    rows = f"{understanding.rows:,} rows, {len(contract.columns)} columns"
    odd = [repr(text) for text in contract.missing if text not in USUAL]
    notes = [*understanding.notes, *([f"missing values as {', '.join(odd)}"] if odd else [])]
    if understanding.whole is not None:
        notes.append(f"guessed from a sample of {len(understanding.table):,} rows")
    lines = [f"{name}: {rows}; {', '.join(notes)}", "", *_table(understanding), ""]
    told = [*about[None]]
    for column, notes in about.items():
        if column is not None:
            told += [f"{shorten(column, LONGEST_NAME)}: {note}" for note in notes]
    if not told:
        return lines
    more = len(told) - MOST_SHOWN
    shown = [*told[:MOST_SHOWN], *([f"and {more} more such columns"] if more > 0 else [])]
    return [*lines, "look at:", *(f"- {' '.join(line.split())}" for line in shown), ""]


def _table(understanding: Understanding) -> list[str]:
    contract, table = understanding.contract, understanding.table
    rows: list[tuple[str, ...]] = [("column", "type", "missing", "holds", "")]
    for name, column in contract.columns.items():
        if contract.images and name != contract.target:
            continue
        gaps = understanding.gaps(name)
        roles = [role for role in ("target", "group", "time") if getattr(contract, role) == name]
        holds = _levels(column) if column.categories else _numbers(column) or column.guessed or ""
        if name == contract.target and column.type in LEVELS:
            shares = table[name].value_counts(normalize=True).head(4)
            holds = ", ".join(f"{value} {share:.0%}" for value, share in shares.items())
            holds += f"; positive: {contract.classes[1]}" if column.type == "binary" else ""
        called = shorten(name, LONGEST_NAME)
        rows.append((called, column.type, f"{gaps:.1%}" if gaps else "-", holds, *roles[:1]))
    rows = [(*row, "")[:5] for row in rows]
    shown = rows[: MOST_SHOWN + 1]
    widths = [max(len(row[place]) for row in shown) for place in range(5)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in shown
    ]
    if len(rows) > len(shown):
        lines.append(f"and {len(rows) - len(shown)} more columns, see references/schema.yaml")
    return lines


def _numbers(column: Column) -> str:
    if column.range is None or column.seen is None:
        return ""
    (low, high), (least, most) = column.seen, column.range
    return f"{low:g} to {high:g}, allowed {least:g} to {most:g}"


def plan(contract: Contract, settings: dict[str, Any]) -> str:
    """What will be learnt and how, by the settings for params.yaml, in a line."""
    many = len(contract.features)
    source = "the images" if contract.images else f"{many} column{'s' if many > 1 else ''}"
    share = settings.get("train.holdout")
    way = f"on {share:.0%} held out" if share else f"over {settings['train.folds']} folds"
    candidates = len(settings["train.candidates"])
    target = shorten(contract.target, LONGEST_NAME)
    return (
        f"learns: {target}, a {settings['kind']}, from {source}; {candidates} "
        f"candidates, judged by {settings['train.metric']} {way}; split by {settings['split.by']}"
    )


def _levels(column: Column, most: int = 4) -> str:
    levels = [shorten(level, LONGEST_NAME) for level in column.categories or []]
    more = f" and {len(levels) - most} more" if len(levels) > most else ""
    return (" < " if column.type == "ordered" else ", ").join(levels[:most]) + more
