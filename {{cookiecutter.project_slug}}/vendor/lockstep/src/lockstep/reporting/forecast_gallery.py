"""Which figures an evaluation of forecasts has, with captions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from . import forecast_figures as figures
from .figures import abbreviate
from .forecasts import Forecasts
from .gallery import Gallery, Picture, join


def show_forecasts(forecasts: Forecasts, metrics: Mapping[str, Any]) -> Gallery:
    """Some forecasts as they are, and how all do by step ahead and by series.

    Args:
        forecasts: All of them.
        metrics: What metrics.json says.
    """
    parts = [_show_errors(forecasts)]
    if forecasts.selection:
        parts.insert(0, _show_selection(forecasts))
        if forecasts.season > 1:
            parts.append(_show_seasons(forecasts))
    by_step = metrics.get("prediction_intervals", {}).get("by_step", [])
    if len(by_step) > 1:
        parts.append(_show_intervals(forecasts, by_step))
    return join(*parts)


def _show_selection(forecasts: Forecasts) -> Gallery:
    """Fans from the best to the worst forecast."""
    metric, table = forecasts.metric.name, forecasts.tabulate_selection()
    titles = [f"{abbreviate(one.name)}, {metric} {one.figure:.3g}" for one in forecasts.selection]
    what = f"from the one of the best {metric} to the one of the worst"
    if forecasts.history.series is not None:
        what = (
            f"one each of some series, from that of the best {metric} to that of the worst: the "
            "one of middling error"
        )
    picture = Picture(
        figures.forecast_fans(
            table, titles, forecasts.contract.target, forecasts.champion.coverage
        ),
        f"Forecasts of test rows, {what}. Of what is right of the dotted line they know nothing.",
    )
    return Gallery({"forecasts": picture}, {"forecasts": table})


def _show_errors(forecasts: Forecasts) -> Gallery:
    """The metric by step ahead and by series."""
    metric, by_step, by_series = forecasts.metric.name, forecasts.by_step, forecasts.by_series
    pictures = {}
    if len(by_step) > 1:
        pictures["error_by_step"] = Picture(
            figures.error_by_step(by_step, metric, str(forecasts.every)),
            f"{metric} of the champion and of the baseline by how many steps ahead they forecast.",
        )
    worst_first = by_series.dropna()
    if len(worst_first) > 1:
        pictures["error_by_series"] = Picture(
            figures.error_by_series(worst_first, metric),
            f"{metric} of the champion and of the baseline by series; it is worst of "
            f"{worst_first['series'].iloc[0]}.",
        )
    return Gallery(pictures, {"error_by_step": by_step, "error_by_series": by_series})


def _show_seasons(forecasts: Forecasts) -> Gallery:
    """What is alike from one season to the next, of the series whose forecasts are shown."""
    has_series = forecasts.history.series is not None
    names = [abbreviate(one.name) for one in forecasts.selection] if has_series else [""]
    table, target = forecasts.tabulate_seasons(), forecasts.contract.target
    picture = Picture(
        figures.season_plot(table, names, target, str(forecasts.every), forecasts.season),
        f"{target} of train rows by their place in the season, a line for each: what is alike in "
        "all of them is what forecasts can rely on.",
    )
    return Gallery({"seasons": picture}, {"seasons": table})


def _show_intervals(forecasts: Forecasts, by_step: list[dict[str, Any]]) -> Gallery:
    """How many intervals hold at each step ahead, and how wide they are."""
    table = pd.DataFrame(by_step)
    table[["low", "high"]] = [*table.pop("interval")]
    coverage, target = forecasts.champion.coverage, forecasts.contract.target
    assert coverage is not None
    picture = Picture(
        figures.coverage_by_step(table, coverage, target, str(forecasts.every)),
        "The share of the test rows whose interval holds what came, by how many steps ahead, with "
        "its own interval; and how wide they are.",
    )
    return Gallery({"coverage_by_step": picture}, {"coverage_by_step": table})
