"""How what was counted is put in words for people."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

DIGITS = 4
"""Of an edge, unless others would look the same then."""
MOST_DIGITS = 17
SMALL, LARGE = 1e-4, 1e12
"""Beyond these a number has an exponent."""


def name_places(column: Mapping[str, Any]) -> list[str]:
    """What each of a column's shares is a share of."""
    reference = column["reference"]
    size = len(reference["shares"])
    if column["type"] == "level":
        return [*reference["categories"], "any other"][:size]
    edges = _format_edges(reference["edges"])
    if not edges:
        return ["any"] * size
    between = [low if low == high else f"{low} to {high}" for low, high in pairwise(edges)]
    return [f"below {edges[0]}", *between, f"above {edges[-1]}"]


def format_share(share: float) -> str:
    """As per cent; what is not quite nothing or all is not called so."""
    if 0 < share < 0.001:
        return "<0.1%"
    return ">99.9%" if 0.999 < share < 1 else f"{share:.1%}"


def format_effect(effect: float) -> str:
    """With three digits; what is nearly nothing is called so."""
    return "<0.0001" if 0 < effect < SMALL else f"{effect:.3g}"


def format_seconds(seconds: float) -> str:
    """As milliseconds below a second."""
    if seconds >= 1:
        return f"{seconds:.1f} s"
    milliseconds = 1000 * seconds
    return f"{milliseconds:.{1 if milliseconds < 10 else 0}f} ms"


def _format_edges(edges: Sequence[float]) -> list[str]:
    """With as few digits as tell them apart."""
    texts: list[str] = []
    for digits in range(DIGITS, MOST_DIGITS + 1):
        texts = [format_edge(edge, digits) for edge in edges]
        if len({*texts}) == len({*edges}):
            break
    return texts


def format_edge(edge: float, digits: int = DIGITS) -> str:
    """With so many digits, but for zeros at the end."""
    size = abs(edge)
    if size and not SMALL <= size < LARGE:
        return f"{edge:.{digits - 1}e}"
    decimals = max(0, digits - 1 - math.floor(math.log10(size))) if size else 0
    text = f"{edge:.{decimals}f}"
    return text.rstrip("0").rstrip(".") if decimals else text
