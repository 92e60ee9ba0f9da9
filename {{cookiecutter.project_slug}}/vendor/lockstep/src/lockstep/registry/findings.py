"""What the gate finds, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from ..records.pairs import Gain
from ..records.wording import format_ends, format_number


@dataclass(frozen=True)
class Finding:
    """Something that was looked at, and whether it lets the version pass."""

    name: str
    text: str
    reason: str = ""
    """Why it does not, and by how much; empty if it does."""

    @property
    def is_good(self) -> bool:
        """Whether it lets the version pass."""
        return not self.reason

    def __str__(self) -> str:
        verdict, reason = ("pass", "") if self.is_good else ("FAIL", f": {self.reason}")
        return _format_line(verdict, self.name, f"{self.text}{reason}")


class Note(NamedTuple):
    """Something that is no condition, and worth a thought."""

    name: str
    text: str

    def __str__(self) -> str:
        return _format_line("note", self.name, self.text)


def _format_line(verdict: str, name: str, text: str) -> str:
    return f"  {verdict}  {name:<18} {text}"


class Contrast(NamedTuple):
    """A figure of the present model, the same of the new one, and the gain."""

    before: float
    after: float
    gain: Gain

    def __str__(self) -> str:
        before, after = map(format_number, (self.before, self.after))
        gain, ends = format_number(self.gain.figure, "+"), format_ends(self.gain[1:], "+")
        return f"{before} -> {after}, gain {gain} ({ends})"


def judge_gain(name: str, contrast: Contrast | None, rows: str, margin: float | None) -> Finding:
    """Whether it is better by more than chance or, with a margin, not worse by more than that."""
    if contrast is None:
        return Finding(name, rows, "not defined there, so that nothing is known")
    low, least = contrast.gain.low, -(margin or 0.0)
    if low > least or (margin is not None and low == least):
        return Finding(name, f"{contrast} {rows}")
    if not any(contrast.gain):
        return Finding(name, f"{contrast} {rows}", "it must be better, and is the same")
    bound = "above 0" if margin is None else f"at least {least:g}, as promote.margin says"
    worst, lack = format_number(low), format_number(least - low)
    reason = f"the gain may be as little as {worst} and must be {bound}: {lack} short"
    return Finding(name, f"{contrast} {rows}", reason)


def judge_guardrail(name: str, contrast: Contrast, rows: str, margin: float) -> Finding:
    """Whether it is not worse by more than a margin and by more than chance."""
    loss = -contrast.gain.high
    if loss <= margin:
        return Finding(name, f"{contrast} {rows}")
    allowance = f", and {margin:g} is allowed" if margin else ""
    reason = f"worse by {format_number(loss)} at the least{allowance}, which is no chance"
    return Finding(name, f"{contrast} {rows}", reason)
