"""The page of a comparison, as the template beside this file lays it out."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from ..reporting.pages import render
from .comparison import ALIKE, Comparison, Contest
from .pairs import Gain
from .run import Figure, Run
from .wording import format_ends, format_figure, format_number, format_value


def render_comparison(comparison: Comparison) -> str:
    """A comparison as one HTML page that needs no other file."""
    reference = comparison.runs[0]
    differences = groupby(comparison.differences, lambda one: one.kind)
    return render(
        "comparison.html.jinja",
        Path(__file__).with_name("templates"),
        title=comparison.repository.paths.title,
        comparison=comparison,
        reference=reference,
        confidence=comparison.confidences[0],
        sections=[(kind, [*group]) for kind, group in differences],
        is_better=_is_better,
        summarise=_summarise,
        draw_figures=_draw_figures,
        draw_gain=_draw_gain,
        format_ends=format_ends,
        format_figure=format_figure,
        format_number=format_number,
        format_value=format_value,
    )


def _is_better(contest: Contest, reference: Run) -> bool:
    return reference.metric in contest.gains and contest.gains[reference.metric].low > 0


def _summarise(contest: Contest, reference: Run, confidence: str) -> tuple[str, str]:
    """Whether a run is better than the reference in the metric that chose that one, and why."""
    name, other, metric = contest.run.name, reference.name, reference.metric
    rows = f"on the {contest.rows} test rows that both have"
    if contest.remark == ALIKE:
        return f"{name} predicts the same as {other}", f"of each of the {contest.rows} test rows."
    if contest.remark:
        where = f" {rows}" if contest.rows else " row by row"
        return f"{name} is not measured against {other}{where}:", f"{contest.remark}."
    if metric not in contest.gains:
        return f"{name} is not measured against {other}:", f"{metric} is not defined {rows}."
    gain = contest.gains[metric]
    by = format_number(abs(gain.figure))
    interval = f"({confidence} interval of the gain {format_ends(gain[1:], '+')})"
    match gain.verdict:
        case "better" | "worse" as verdict:
            return f"{name} is {verdict} than {other}:", f"by {by} in {metric} {rows} {interval}."
        case "the same":
            return f"{name} is as good as {other}:", f"their {metric} is the same {rows}."
    return (
        f"{name} is not shown to be better or worse than {other}:",
        f"{metric} differs by {by} {rows}, and chance alone may explain that {interval}.",
    )


def _draw_figures(figures: Sequence[Figure]) -> dict[str, list[float]] | None:
    """Two figures and the ends of their intervals on one line from 0 to 100."""
    points = [
        [figure.value, *(figure.interval or [figure.value] * 2)]
        for figure in figures
        if figure.value is not None
    ]
    ends = [end for point in points for end in point]
    if len(points) != 2 or min(ends) == max(ends):
        return None
    low, width = min(ends), max(ends) - min(ends)
    return {
        name: [round(100 * (end - low) / width, 2) for end in point]
        for name, point in zip(("before", "after"), points, strict=True)
    }


def _draw_gain(gain: Gain) -> list[float] | None:
    """A gain and the ends of its interval on a line from 0 to 100 that has no gain at 50."""
    widest = max(map(abs, gain))
    return [round(50 + 50 * end / widest, 2) for end in gain] if widest else None
