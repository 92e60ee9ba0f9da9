"""Making out series: what is of one, how far apart in time, and what is known of times to come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import combinations
from shlex import quote
from typing import Any

import numpy as np
import pandas as pd

from ..core.contract import FREE, LEVELS, NUMBERS, Column
from ..core.errors import UserError
from ..data.every import MICROSECONDS, Every, infer_every, parse_every
from ..data.grid import Grid, as_array
from ..data.past import fewest_known
from ..data.series import describe_time, find_fault
from ..data.zones import describe_zones, has_offset
from .interpretation import Interpretation, find_time
from .wide import advise_melting
from .wishes import Wishes

SEASONS, FEWEST_SEASONS = 8, 3
"""In a window; fewer where that is more than MOST_VALUES."""
SHORTEST_WINDOW, MOST_VALUES, LONGEST_WEEK = 48, 96, 168
"""Values that a forecast is made from at least, at most, and at most where they are of a week."""
MOST_OF_HISTORY = 0.75
"""Share of the longest series that a window is, so that there is something to learn."""
FEW_HORIZONS = 6
"""How many times the horizon the times of a series should be, to learn and to test well."""
KNOWN_LATER = 0.5
"""Share of the rows after the last target in which a column has a value, to be known ahead."""
MOST_NAMED = 3
"""Series that a message lists."""
FEWEST_COLUMNS = 5
"""Of a table that may be of series side by side although its target is there."""
RARE_ODD = 0.01
"""Share of the rows up to which what differs from the rest of its series may be a mistake."""
MOST_PAIRED = 20
"""Columns of which each pair is tried to tell series apart."""


def understand_forecast(
    table: pd.DataFrame,
    columns: dict[str, Column],
    frame: pd.DataFrame,
    name: str,
    wishes: Wishes,
) -> Interpretation:
    """Make out the series in the rows of the data called `name`.

    Args:
        table: (n_rows, n_columns) typed.
        columns: What they were taken for.
        frame: The same rows as they came.
        name: What messages call the data.
        wishes: What the person says of them.

    Raises:
        UserError: No series can be told, or what one has is not regular.
    """
    assert wishes.target is not None
    assert wishes.horizon is not None
    has_times = wishes.time or any(column.type == "datetime" for column in columns.values())
    if not has_times and (advice := advise_melting(frame, None, "value")):
        raise UserError(f"{name}: --horizon: no column holds dates, but {advice}")
    time, time_doubts = find_time(columns, "--horizon", name, wishes)
    rows = SeriesRows(table, wishes.target, time, wishes.series)
    _require_distinct(rows, columns, name)
    with _tell_zones(describe_zones(frame[time])):
        every = _choose_every(rows, name, wishes)
        spans = _measure(rows, every, name)
    values = rows.by_series(rows.table[wishes.target])
    if (values.max() == values.min())[spans["series"]].all():
        raise UserError(
            f"{name}: --target: {wishes.target!r} never changes within a series; there is nothing "
            "to forecast"
        )
    longest = int(spans["steps"].max())
    season = every.season if 2 * every.season <= longest else 1
    words = {
        "time": time,
        "series": wishes.series,
        "horizon": wishes.horizon,
        "every": str(every),
        "season": season,
        "window": suggest_window(every, season, wishes.horizon, longest),
    }
    usable, doubts = _choose_columns(rows, columns, wishes)
    doubts[None] = [
        *time_doubts,
        *filter(None, [_doubt_zones(frame[time], table[time]), _doubt_weekdays(every)]),
        *_find_doubts(rows, spans, words),
        *_find_siblings(frame, time, wishes),
    ]
    count = f"{len(spans)} series" if wishes.series else "one series"
    return Interpretation(words, usable, f"{count}, {every} from row to row", doubts)


class SeriesRows:
    """Typed rows in the order of their series and times.

    Args:
        table: Of the rows, in any order.
        target: The column to forecast.
        time: That of their times.
        series: That tells which series each is of, or None if there is one.
    """

    def __init__(self, table: pd.DataFrame, target: str, time: str, series: str | None) -> None:
        self.target, self.time, self.series = target, time, series
        self.keys = [key for key in (series, time) if key is not None]
        self.table = table.sort_values(self.keys, kind="stable", ignore_index=True)
        self.names = self.table[series] if series else pd.Series(target, self.table.index)
        cells = self.table[time]
        self.times = as_array(cells)
        """(n_rows,) as datetime64[us] or floats."""
        known = cells.where(self.table[target].notna())
        self.is_future = (cells > known.groupby(self.names).transform("max")).to_numpy(bool)
        """(n_rows,) whether each comes after the last known value of its series."""

    def by_series(self, cells: pd.Series) -> Any:
        """Cells of the rows, grouped."""
        return cells.groupby(self.names, sort=False)

    def others(self, columns: dict[str, Column]) -> dict[str, Column]:
        """The columns beside the times, the names of series, and the target."""
        own = (self.target, *self.keys)
        return {name: column for name, column in columns.items() if name not in own}

    def is_apart_by(self, *names: str) -> bool:
        """Whether no two rows of a series have one time, if these columns told series apart too."""
        return not self.table.duplicated([*self.keys, *names]).any()


def _require_distinct(rows: SeriesRows, columns: dict[str, Column], name: str) -> None:
    """Check that no series has two rows of one time."""
    is_repeated = np.asarray(rows.table.duplicated(rows.keys))
    if not is_repeated.any():
        return
    place = int(is_repeated.argmax())
    of = f" of {rows.series} {rows.names[place]!r}" if rows.series else ""
    count = int(is_repeated.sum())
    fault = (
        f"{name}: --time: {count} row{'s have' if count > 1 else ' has'} the time of another"
        f"{' of its series' if of else ''}, such as {describe_time(rows.times[place])}{of}"
    )
    counts: dict[str, Any] = {
        key: rows.table[key].nunique()
        for key, column in rows.others(columns).items()
        if column.type in (*LEVELS, *FREE, "integer")
    }
    # What differs from row to row tells everything apart, and no series.
    candidates = [key for key, count in counts.items() if 2 * count <= len(rows.table)]
    single = [key for key in candidates if rows.is_apart_by(key)]
    if single and rows.series is None:
        single.sort(key=counts.__getitem__)
        options = " or ".join(f"`--series {quote(key)}`" for key in single[:2])
        raise UserError(f"{fault}; {options} tells series apart")
    both: Iterable[tuple[str, str]] = combinations(candidates[:MOST_PAIRED], 2)
    if rows.series is not None:
        both = ((rows.series, key) for key in single)
    if pair := next((pair for pair in both if rows.is_apart_by(*pair)), None):
        raise UserError(
            f"{fault}; {pair[0]!r} and {pair[1]!r} together tell series apart: write a column "
            "that joins them, for `--series`"
        )
    if _are_of_clocks(rows.times[is_repeated]):
        raise UserError(f"{fault}, as where clocks go back: write times in UTC, or leave one row")
    raise UserError(f"{fault}; leave one row of each time, such as their sum")


def _are_of_clocks(times: np.ndarray) -> bool:
    """Whether points in time are of an hour that comes twice when summer ends."""
    if times.dtype.kind != "M":
        return False
    points = pd.DatetimeIndex(times)
    is_night = (points.day_of_week == 6) & (points.hour < 4) & (points.normalize() < points)
    return bool((is_night & points.month.isin([3, 4, 9, 10, 11])).all())


def _doubt_zones(cells: pd.Series, times: pd.Series) -> str | None:
    """What reading times as UTC makes of them, in words, where that is another time."""
    if several := describe_zones(cells):
        return f"{several}: read as UTC"
    is_apart = has_offset(cells)
    if not is_apart.any():
        return None
    place = int(is_apart.argmax())
    count = "" if is_apart.all() else f"{is_apart.sum()} of {len(cells)} "
    return (
        f"{count}times have a zone, and are read as UTC: {cells.iloc[place]} as "
        f"{describe_time(times.iloc[place])}; write local times without a zone where days are meant"
    )


def _doubt_weekdays(every: Every) -> str | None:
    if every.unit != "weekday":
        return None
    return (
        "no row is of a Saturday or Sunday: weekdays alone are forecast, and those without a row, "
        "such as holidays, are gaps; `--every '1 day'` forecasts all days"
    )


@contextmanager
def _tell_zones(zones: str) -> Iterator[None]:
    """Add to an error of uneven times what may be the cause of it."""
    try:
        yield
    except UserError as error:
        advice = f"; {zones}: write all as local times without a zone, or all in UTC"
        raise UserError(f"{error}{advice}") if zones else error from error


def _choose_every(rows: SeriesRows, name: str, wishes: Wishes) -> Every:
    if wishes.every is not None:
        try:
            return parse_every(wishes.every, rows.times.dtype.kind != "M")
        except UserError as error:
            raise UserError(f"{name}: --every: {str(error).partition('every: ')[2]}") from error
    every = infer_every(rows.table[rows.time], rows.names)
    if every is None and (months := _infer_months(rows)):
        first = f"{rows.times[0].astype('datetime64[M]')}-01"
        raise UserError(
            f"{name}: --time: the times of {rows.time!r} are {months} apart, but of different days "
            f"of their months: write the first of each, {first} for {describe_time(rows.times[0])}"
        )
    if every is None:
        raise UserError(
            f"{name}: --time: the times of {rows.time!r} are too few, or not evenly apart: make a "
            "row of each day, say, or tell what they are apart by `--every '1 day'`"
        )
    return every


def _infer_months(rows: SeriesRows) -> Every | None:
    """How many months times are apart, whatever their days, where a series has no two in one."""
    if rows.times.dtype.kind != "M":
        return None
    firsts = pd.Series(rows.times.astype("datetime64[M]").astype("datetime64[us]"))
    is_repeated = pd.DataFrame({"series": rows.names, "first": firsts}).duplicated()
    return None if is_repeated.any() else infer_every(firsts, rows.names)


def _measure(rows: SeriesRows, every: Every, name: str) -> pd.DataFrame:
    """By series the place of its first and last row with a target, and how many steps and known
    values are between.

    Raises:
        UserError: A time is no whole number of steps from the first of its series.
    """
    spans = []
    has_target = rows.table[rows.target].notna().to_numpy()
    for series, places in rows.by_series(rows.names).indices.items():
        times = rows.times[places]
        grid = Grid.of_times(times, every)
        steps = grid.steps(times)
        if fault := find_fault(times, grid):
            of = f"{rows.series} {series!r}: " if rows.series else ""
            advice = fault.advice.replace("`every`", "`--every`").replace("`series`", "`--series`")
            raise UserError(f"{name}: --time: {of}{fault.describe(rows.time)}; {advice}")
        places, steps = places[has_target[places]], steps[has_target[places]]
        if len(places):
            count, gap = steps[-1] - steps[0] + 1, np.diff(steps).max(initial=1) - 1
            spans.append((series, places[0], places[-1], count, len(places), gap))
    return pd.DataFrame(spans, columns=["series", "first", "last", "steps", "known", "gap"])


def suggest_window(every: Every, season: int, horizon: int, longest: int) -> int:
    """From how many of the latest values a forecast is made.

    Those of eight seasons, or of three where a season is long, of twice the horizon, and of hours
    those of a week; of a short history at most MOST_OF_HISTORY, but those of a season.
    """
    week = MICROSECONDS["week"] / every.size if every.unit == "microsecond" else 0
    hours = int(week) if SHORTEST_WINDOW < week <= LONGEST_WEEK else 0
    seasons = max(FEWEST_SEASONS * season, min(SEASONS * season, MOST_VALUES))
    enough = max(seasons, 2 * horizon, SHORTEST_WINDOW, hours)
    return max(season, min(enough, int(longest * MOST_OF_HISTORY)))


def _choose_columns(
    rows: SeriesRows, columns: dict[str, Column], wishes: Wishes
) -> tuple[dict[str, Column], dict[str | None, list[str]]]:
    """The columns that are usable, and what is doubtful about each."""
    usable, doubts = dict(columns), dict[str | None, list[str]]()
    own = columns[rows.target]
    usable[rows.target] = _open_range(own).model_copy(update={"nullable": True})
    usable[rows.time] = columns[rows.time].model_copy(update={"range": None, "seen": None})
    for name, column in rows.others(columns).items():
        is_constant = rows.series is not None and _is_told_by(rows.series, name, rows.table)
        reason = _find_reason(rows, name, wishes, is_constant=is_constant)
        if column.type in FREE:
            what = "sentences" if column.type == "text" else "names"
            if name in wishes.future:
                raise UserError(
                    f"--future: {name!r} looks like {what}, such as {column.example!r}; a "
                    "number, a date or one of a few texts was expected"
                )
            if name not in wishes.identifiers:
                del usable[name]
                doubts[name] = [f"left out: {what}, of which nothing is learnt"]
        elif reason:
            guessed = f"{column.guessed}; {reason}" if column.guessed else reason
            marks = {"future": True, "constant": is_constant}
            usable[name] = column.model_copy(update={**marks, "guessed": guessed})
        elif column.type in NUMBERS:
            usable[name] = _open_range(column).model_copy(update={"nullable": True})
            if _is_calendar(rows, name):
                doubts[name] = [
                    "the same in all series: known of times to come? then `--future "
                    f"{quote(name)}`; until then only its past is used"
                ]
        else:
            del usable[name]
            doubts[name] = [
                "left out: known of times to come, as holidays and promotions are? then "
                f"`--future {quote(name)}`"
            ]
        if column.type in LEVELS and (odd := _find_odd_cell(rows, name)):
            doubts[name] = [odd]
    return usable, doubts


def _find_odd_cell(rows: SeriesRows, name: str) -> str | None:
    """What looks like a mistake in a column that tells of series, in words: as good as constant."""
    cells = rows.table[name].dropna()
    if rows.series is None or cells.empty:
        return None
    names = rows.names[cells.index]
    counts = pd.DataFrame({"series": names, "cell": cells}).value_counts().reset_index()
    usual = counts.drop_duplicates("series").set_index("series")["cell"]
    is_odd = np.asarray(cells != names.map(usual))
    if usual.nunique() < 2 or not 0 < is_odd.mean() <= RARE_ODD:
        return None
    place = cells.index[is_odd][0]
    return (
        f"the same at all times of a series but in {is_odd.sum()} of {len(rows.table)} rows, such "
        f"as {str(cells[place])!r} of series {names[place]!r} at "
        f"{describe_time(rows.times[place])}, else {str(usual[names[place]])!r}: a mistake? "
        "corrected, it is known ahead"
    )


def _open_range(column: Column) -> Column:
    """A column that may grow beyond what there has been, but not below zero where nothing was."""
    low, _ = column.range or (None, None)
    return column.model_copy(update={"range": (0, None) if low == 0 else None})


def _find_reason(rows: SeriesRows, name: str, wishes: Wishes, *, is_constant: bool) -> str | None:
    """Why a column is known ahead, if it is."""
    cells = rows.table[name]
    if name in wishes.future:
        return "named by --future"
    if is_constant:
        return "constant in each series, so known ahead"
    if rows.is_future.any() and cells[rows.is_future].notna().mean() > KNOWN_LATER:
        return "there after the last target, so known ahead"
    return None


def _is_calendar(rows: SeriesRows, name: str) -> bool:
    """Whether all of several series have the same at a time."""
    if rows.names.nunique() < 2:
        return False
    return _is_told_by(rows.time, name, rows.table)


def _is_told_by(key: str, name: str, table: pd.DataFrame) -> bool:
    """Whether all rows of one key have the same in a column, or nothing."""
    return table[[key, name]].dropna().drop_duplicates()[key].is_unique


def _find_doubts(rows: SeriesRows, spans: pd.DataFrame, words: dict[str, Any]) -> Iterator[str]:
    horizon, fewest = words["horizon"], fewest_known(words["window"])
    of_several = rows.series is not None

    def list_series(which: np.ndarray) -> str:
        """How many they are, and the first of them."""
        first = spans["series"][which].iloc[0]
        many = int(which.sum())
        if not of_several:
            return "the series"
        if many == len(spans) > 1:
            return f"all {many} series"
        if many == 1:
            return f"series {first!r}"
        return f"{many} of {len(spans)} series, such as {first!r},"

    def verb(which: np.ndarray, one: str, several: str) -> str:
        return several if of_several and which.sum() > 1 else one

    steps = spans["steps"].to_numpy()
    if (longest := int(steps.max())) < FEW_HORIZONS * horizon:
        yield (
            f"{horizon} steps ahead are far for {longest} times: little is left to learn and to "
            f"test on; `--horizon {max(1, longest // FEW_HORIZONS)}` would do"
        )
    if (is_short := steps < fewest + horizon).any():
        yield (
            f"{list_series(is_short)} {verb(is_short, 'has', 'have')} fewer than "
            f"{fewest + horizon} times: nothing or little is learnt from "
            f"{verb(is_short, 'it', 'them')}"
        )
    gaps = steps - spans["known"].to_numpy()
    if (has_gaps := gaps > 0).any():
        longer = int(spans["gap"].max())
        beyond = ", longer than the horizon" if longer > horizon else ""
        yield (
            f"{list_series(has_gaps)} {verb(has_gaps, 'lacks', 'lack')} {int(gaps.sum())} of "
            f"{int(steps[has_gaps].sum())} values between the first and the last, at most {longer} "
            f"in a row{beyond}: they stay gaps, and are not forecast"
        )
    first, last = rows.times[spans["first"]], rows.times[spans["last"]]
    # A first row or two may be missing as well as any.
    if (is_late := np.searchsorted(np.unique(rows.times), first) > horizon).any():
        yield (
            f"{list_series(is_late)} {verb(is_late, 'starts', 'start')} after "
            f"{describe_time(first.min())}, the latest at {describe_time(first.max())}"
        )
    if (is_early := last < last.max()).any():
        yield (
            f"{list_series(is_early)} {verb(is_early, 'ends', 'end')} before "
            f"{describe_time(last.max())}, the earliest at {describe_time(last.min())}: a forecast "
            "goes on from there; take out what is no longer of use"
        )
    constant = rows.by_series(rows.table[rows.target]).nunique()
    is_constant = (constant[spans["series"]] <= 1).to_numpy() & (spans["known"] > 1).to_numpy()
    if is_constant.any():
        yield (
            f"{list_series(is_constant)} never {verb(is_constant, 'changes', 'change')}: errors "
            "have no scale there, so that mase leaves them out"
        )
    if count := int(rows.is_future.sum()):
        yield f"{count} rows come after the last target: what they hold is known ahead"
    unknown = sorted({*rows.names} - {*spans["series"]})
    if unknown:
        others = f" and {len(unknown) - MOST_NAMED} more" if len(unknown) > MOST_NAMED else ""
        yield (
            f"series {', '.join(map(repr, unknown[:MOST_NAMED]))}{others} "
            f"{'has' if len(unknown) == 1 else 'have'} no value of the target: nothing is learnt "
            "there, and nothing can be forecast"
        )


def _find_siblings(frame: pd.DataFrame, time: str, wishes: Wishes) -> Iterator[str]:
    """Whether columns look like series side by side."""
    if wishes.series is not None or len(frame.columns) < FEWEST_COLUMNS:
        return
    if advice := advise_melting(frame, time, "value"):
        yield f"if the other columns are series as well, {advice.partition(': ')[2]}"
