"""Forecasts of the test rows, told apart by step ahead and by series: what their figures show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ..core.contract import NUMBERS, Contract
from ..core.examples import ORIGIN, PAST, STEP
from ..core.table import Table
from ..data.every import Every, parse_every
from ..data.grid import Grid, as_array
from ..data.past import decode_pasts
from ..data.series import describe_time
from ..modeling.metrics import Metric
from ..modeling.outcome import HIGH, LOW, Outcome

MOST_FORECASTS, MOST_SEASONS, FEWEST_VALUES = 6, 52, 20
"""That are shown of all, the latest of each series, and the latest before an origin."""
MONDAY = np.datetime64("2024-01-01", "us")
"""From which weeks, days and hours are counted, so that they begin where people begin them.

A year begins on it as well, and 52 weeks later again but for a day or two.
"""


class Forecast(NamedTuple):
    """Some test rows of one series and one origin."""

    name: str
    """Of the series or, where there is one series, of the origin."""
    figure: float
    """The metric of what has the name."""
    places: np.ndarray
    """(n_steps,) where its rows are among the test rows."""


@dataclass(frozen=True)
class Forecasts:
    """The forecasts of all test rows."""

    contract: Contract
    """Of the examples."""
    metric: Metric
    """What errors are measured by."""
    rows: pd.DataFrame
    """(n_rows, n_columns) of `predict_all`."""
    champion: Outcome
    baseline: Outcome
    train: Table
    test: Table

    @property
    def history(self) -> Contract:
        """The contract of the rows of the series."""
        assert self.contract.history is not None
        return self.contract.history

    @property
    def season(self) -> int:
        """After how many steps things are alike again."""
        return self.history.season or 1

    @property
    def time(self) -> str:
        """The column of the times."""
        assert self.contract.time is not None
        return self.contract.time

    @cached_property
    def every(self) -> Every:
        """How far two times are apart."""
        assert self.history.every is not None
        return parse_every(self.history.every, self.contract.columns[self.time].type in NUMBERS)

    @cached_property
    def by_step(self) -> pd.DataFrame:
        """`step`, `rows`, and the metric of `champion` and `baseline`."""
        return self._measure(self.rows[STEP]).rename(columns={"key": "step"})

    @cached_property
    def by_series(self) -> pd.DataFrame:
        """`series`, `rows`, and the metric of `champion` and `baseline`; the worst comes first.

        It is nan of series that it is not defined for, which come last. Nothing of one series.
        """
        series = self.history.series
        table = self._measure(self.rows[series or STEP]).rename(columns={"key": "series"})
        order = np.argsort(self.metric.sign * table["champion"].to_numpy(), kind="stable")
        return table.iloc[order if series else []].reset_index(drop=True)

    def _measure(self, keys: pd.Series) -> pd.DataFrame:
        """The metric of the rows of each key, in the order of the keys."""
        outcomes = (self.champion, self.baseline)
        lines = [
            (key, len(places), *(self.metric.score(one.take(places)) for one in outcomes))
            for key, places in _divide(keys)
        ]
        return pd.DataFrame(lines, columns=["key", "rows", "champion", "baseline"])

    @cached_property
    def selection(self) -> list[Forecast]:
        """Some from the best to the worst: of several series one each, that of middling error.

        Series, or origins of one series, for which the metric is not defined are left out.
        """
        series, places = self.history.series, np.arange(len(self.rows))
        if series is None:
            return _spread(self._rank(ORIGIN, places))
        selection = []
        for part in _spread(self._rank(series, places)):
            origins = self._rank(ORIGIN, part.places)
            selection += (
                [part._replace(places=origins[len(origins) // 2].places)] if origins else []
            )
        return selection

    def _rank(self, name: str, places: np.ndarray) -> list[Forecast]:
        """The parts of some rows by a column, the best first; of origins those of most steps."""
        parts = [(key, places[own]) for key, own in _divide(self.rows[name].iloc[places])]
        if name == ORIGIN:
            most = max(len(own) for _, own in parts)
            parts = [(f"from {describe_time(key)}", own) for key, own in parts if len(own) == most]
        forecasts = [
            Forecast(str(key), self.metric.score(self.champion.take(own)), own)
            for key, own in parts
        ]
        forecasts = [forecast for forecast in forecasts if not np.isnan(forecast.figure)]
        return sorted(forecasts, key=lambda forecast: -self.metric.sign * forecast.figure)

    def tabulate_selection(self) -> pd.DataFrame:
        """What was known at the origins of `selection`, what came then, and what was forecast.

        Returns:
            `forecast` (its place in `selection`), `step` (from the origin; 0 and below is what was
            known there), `time`, `actual`, `baseline`, `prediction` and, if there are intervals,
            their ends.
        """
        all_places = np.sort(np.concatenate([forecast.places for forecast in self.selection]))
        table = _read_rows(self.test, all_places, [self.time, ORIGIN, STEP, PAST])
        table = table.set_axis(all_places)
        length = max(FEWEST_VALUES, 3 * (self.history.horizon or 1), 2 * self.season)
        parts = []
        for number, forecast in enumerate(self.selection):
            places, rows = forecast.places, table.loc[forecast.places]
            past = decode_pasts(rows[PAST].head(1).tolist(), self.contract.columns[PAST])
            values = past[0, -length:, 0]
            steps = np.arange(1 - len(values), 1)
            times = as_array(pd.concat([rows[ORIGIN], rows[self.time]]))
            grid = Grid.of_times(times, self.every)
            history = pd.DataFrame({STEP: steps, "time": grid.times(steps), "actual": values})
            future = pd.DataFrame(
                {
                    STEP: rows[STEP].to_numpy("int64"),
                    "time": as_array(rows[self.time]),
                    "actual": self.champion.actual[places],
                    "baseline": self.baseline.predicted[places],
                    "prediction": self.champion.predicted[places],
                }
            )
            if self.champion.interval is not None:
                future[[LOW, HIGH]] = self.champion.interval[places]
            parts.append(pd.concat([history, future.sort_values(STEP)]).assign(forecast=number))
        lines = pd.concat(parts, ignore_index=True)
        return lines[["forecast", *lines.columns.drop("forecast")]]

    def tabulate_seasons(self) -> pd.DataFrame:
        """The train rows of the series of `selection`, by their place in the season.

        Returns:
            `series` (its place in `selection`), `season` (0 is the latest), `place` from 0, and
            `value`.
        """
        series, columns = self.history.series, [self.time, self.contract.target]
        numbers = {forecast.name: number for number, forecast in enumerate(self.selection)}
        parts = []
        for batch in self.train.batches(columns if series is None else [series, *columns]):
            names = pd.Series(0, batch.index) if series is None else batch[series].map(numbers)
            part = batch[columns].set_axis(["time", "value"], axis=1).assign(series=names)
            parts.append(part.dropna(subset="series"))
        rows = pd.concat(parts).drop_duplicates(["series", "time"]).sort_values(["series", "time"])
        steps = number_steps(as_array(rows["time"]), self.every)
        seasons = pd.Series(steps // self.season, rows.index)
        table = pd.DataFrame(
            {
                "series": rows["series"].astype("int64"),
                "season": seasons - seasons.groupby(rows["series"]).transform("max"),
                "place": steps % self.season,
                "value": rows["value"].astype("float64"),
            }
        )
        return table[table["season"] > -MOST_SEASONS].reset_index(drop=True)


def _divide(keys: pd.Series) -> list[tuple[Any, np.ndarray]]:
    """Each key in order, with the places of its rows."""
    places: dict[Any, Any] = keys.groupby(keys.to_numpy()).indices
    return sorted(places.items())


def _spread(parts: Sequence[Forecast]) -> list[Forecast]:
    """As many as are shown, evenly from the first to the last."""
    places = np.linspace(0, len(parts) - 1, min(MOST_FORECASTS, len(parts)))
    return [parts[place] for place in places.round().astype(int)]


def _read_rows(table: Table, places: np.ndarray, columns: list[str]) -> pd.DataFrame:
    """The rows of a table at ascending places."""
    start, parts = 0, []
    for batch in table.batches(columns):
        own = places[(places >= start) & (places < start + len(batch))] - start
        parts.append(batch.iloc[own])
        start += len(batch)
    return pd.concat(parts, ignore_index=True)


def number_steps(times: np.ndarray, every: Every) -> np.ndarray:
    """(n,) which step each time is of, counted so that a year, a week or a day begins with one."""
    steps: np.ndarray
    if every.unit == "month":
        steps = times.astype("datetime64[M]").astype("int64") // int(every.size)
    elif every.unit == "microsecond":
        steps = (times - MONDAY).astype("int64") // int(every.size)
    elif every.unit == "weekday":
        days = times.astype("datetime64[D]")
        steps = np.asarray(np.busday_count(MONDAY.astype("datetime64[D]"), days)) // int(every.size)
    else:
        steps = np.round(times / every.size).astype("int64")
    return steps
