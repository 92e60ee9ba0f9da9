"""What charts of windows are drawn with: paths of SVG, without colours and letters.

A chart is as many units wide as it has windows and `HEIGHT` units high, and is stretched to the
room that the page has for it. So letters stand beside it, and lines have a width of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

HEIGHT = 100
BAR = 0.8
"""Of a window's width, which a bar has."""
LEAST_BAR = 3
"""High is the bar of a window in which little happened, so that it can be told from none."""
Numbers = Sequence[float | None]


@dataclass(frozen=True)
class Axis:
    """From which value at the bottom to which one at the top."""

    low: float
    high: float

    @classmethod
    def around(cls, numbers: Numbers) -> Axis:
        """One on which all of them are seen, a little away from its ends."""
        known = [number for number in numbers if number is not None]
        low, high = min(known, default=0.0), max(known, default=1.0)
        margin = 0.06 * (high - low) or 0.01 * abs(high) or 0.01
        return cls(low - margin, high + margin)

    @classmethod
    def from_zero(cls, numbers: Numbers) -> Axis:
        """One from nothing to the greatest of them."""
        return cls(0.0, max((number for number in numbers if number is not None), default=0.0) or 1)

    def place(self, number: float) -> float:
        """How far below the top; what is beyond an end stands at it."""
        share = (min(max(number, self.low), self.high) - self.low) / (self.high - self.low)
        return round(HEIGHT * (1 - share), 1)


def draw_bars(axis: Axis, numbers: Numbers, states: Sequence[str]) -> dict[str, str]:
    """For each state a path with a bar for each window that has it; a gap is a line."""
    paths: dict[str, str] = {}
    for place, (number, state) in enumerate(zip(numbers, states, strict=True)):
        if state == "gap":
            paths[state] = paths.get(state, "") + f"M{place + 0.5:g} 0V{HEIGHT}"
        elif number is not None:
            top = min(axis.place(number), HEIGHT - LEAST_BAR)
            bar = f"M{place + (1 - BAR) / 2:g} {HEIGHT}V{top:g}h{BAR}V{HEIGHT}z"
            paths[state] = paths.get(state, "") + bar
    return paths


def draw_area(axis: Axis, numbers: Numbers) -> str:
    """Steps from window to window with all that is below them, also where there is no number."""
    tops = (HEIGHT if number is None else axis.place(number) for number in numbers)
    return f"M0 {HEIGHT}{''.join(f'V{top:g}h1' for top in tops)}V{HEIGHT}z"


def draw_band(axis: Axis, lows: Numbers, highs: Numbers) -> str:
    """For each window what lies between two numbers."""
    return "".join(
        f"M{place} {axis.place(high):g}h1V{axis.place(low):g}h-1z"
        for place, (low, high) in enumerate(zip(lows, highs, strict=True))
        if low is not None and high is not None
    )


def draw_level(axis: Axis, number: float, windows: int) -> str:
    """A line through all windows."""
    return f"M0 {axis.place(number):g}H{windows}"


def draw_line(axis: Axis, numbers: Numbers) -> str:
    """From the middle of each window to that of the next, interrupted where there is no number."""
    path, command = "", "M"
    for place, number in enumerate(numbers):
        if number is not None:
            path += f"{command}{place + 0.5:g} {axis.place(number):g}"
        command = "M" if number is None else "L"
    return path


def draw_points(axis: Axis, numbers: Numbers) -> str:
    """A line without length for each number, whose round ends are a point."""
    return "".join(
        f"M{place + 0.5:g} {axis.place(number):g}h0"
        for place, number in enumerate(numbers)
        if number is not None
    )


def draw_whiskers(axis: Axis, lows: Numbers, highs: Numbers) -> str:
    """A line from the one to the other in the middle of each window that has them."""
    return "".join(
        f"M{place + 0.5:g} {axis.place(low):g}V{axis.place(high):g}"
        for place, (low, high) in enumerate(zip(lows, highs, strict=True))
        if low is not None and high is not None
    )


def draw_across(axis: Axis, number: float, row: int) -> str:
    """A bar to the right, in one of the two rows of a box that is `HEIGHT` wide, too."""
    return f"M0 {row * HEIGHT / 2 + 6:g}h{HEIGHT - axis.place(number):g}v38H0z"
