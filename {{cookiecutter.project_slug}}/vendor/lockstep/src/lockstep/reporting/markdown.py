"""Markdown in which a user's text stays text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

MARKUP = re.compile(r"([\\`*_{}\[\]<>|$~^&#])")
AT_THE_START = re.compile(r"^(\d*)([-+%=.)])")


def plain(text: str) -> str:
    """Text in which nothing is markup, on one line."""
    line = MARKUP.sub(r"\\\1", " ".join(text.split()))
    return AT_THE_START.sub(r"\1\\\2", line)


def code(text: str) -> str:
    """Text as code, on one line, whatever quotes it has."""
    line = " ".join(text.split())
    longest = max(map(len, re.findall("`+", line)), default=0)
    fence, blank = "`" * (longest + 1), " " * min(longest, 1)
    return f"{fence}{blank}{line}{blank}{fence}"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that are Markdown already."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def directive(name: str, argument: str, *lines: str) -> str:
    """A directive of MyST with its options and its content in lines."""
    return "\n".join(["```{" + name + "} " + argument, *lines, "```"])
