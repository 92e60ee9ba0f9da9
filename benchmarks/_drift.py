"""How often monitoring errs, and what it sees, by simulation; see drift.py, which runs it."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial

import lockstep  # noqa: F401 - before numpy, whose threads it counts
import numpy as np
import pandas as pd
from _streams import LEVELS, MOVED, TRAIN, WINDOWS, Table, change_column, draw_table
from lockstep.core.params import MonitorParams
from lockstep.modeling.profile import Profile, find_spread
from lockstep.modeling.row_blocks import BlockTally
from lockstep.modeling.scales import MISSING, Scale, make_number_scale
from lockstep.modeling.tallies import Tally
from lockstep.monitoring.drift import Finding, find_drift
from lockstep.monitoring.windows import Window

SETTINGS = MonitorParams()
SHARES = {200: 1.0, 2_000: 1.0, 200_000: 0.05}
"""Rows of a window, and which share of the simulations is made of so many."""
GROUP, DAY = 20, 100
"""Rows of one."""
WITHIN = 0.4
"""Share of a number's variance that all rows of a group, or of a day, have in common."""
RATE = "alarms, per 1,000 windows"
Draw = Callable[[int, int, int], Table]
"""Of a stream, by its seed, some rows, by their place and count."""


def make_profile(table: Table, keys: np.ndarray | None = None) -> Profile:
    """What `train` keeps of some rows; `keys` are the groups that they are of."""
    scales = {name: make_scale(name, column) for name, column in table.items()}
    tallies = {name: Tally.empty(scale) for name, scale in scales.items()}
    spreads = {
        name: find_spread(pd.Series(column)) for name, column in table.items() if name not in LEVELS
    }
    rows = len(next(iter(table.values())))
    profile = Profile(rows, scales, tallies, spreads, (), {}, None)
    places = {name: count(profile, tallies, name, table[name]) for name in table}
    if keys is None:
        return profile
    blocks = BlockTally("group", profile.block_bars)
    blocks.add(pd.Series(keys), places)
    return replace(profile, blocks=blocks.blocks)


def make_scale(name: str, column: np.ndarray) -> Scale:
    kind = name.split()[0]
    if kind in LEVELS:
        return Scale(categories=tuple(map(str, np.unique(column[column != MISSING]))))
    return make_number_scale(pd.Series(column))


def make_window(profile: Profile, table: Table, keys: np.ndarray | None = None) -> Window:
    rows = len(next(iter(table.values())))
    window = Window(0, rows=rows, kept=rows)
    window.tallies = {name: Tally.empty(profile.scales[name]) for name in table}
    places = {name: count(profile, window.tallies, name, table[name]) for name in table}
    for name, scale in profile.scales.items():
        if scale.is_number:
            column = table[name]
            window.extremes[name] = (float(np.nanmin(column)), float(np.nanmax(column)))
    if keys is not None:
        window.block_tallies["values"] = BlockTally("group", profile.block_bars)
        window.block_tallies["values"].add(pd.Series(keys), places)
    return window


def count(profile: Profile, tallies: dict[str, Tally], name: str, column: np.ndarray) -> np.ndarray:
    """Count a column's values; returns their places."""
    scale, tally = profile.scales[name], tallies[name]
    if scale.is_number:
        return tally.add(pd.Series(column), scale)
    codes = pd.Index(scale.categories).astype("int64").get_indexer(column)
    places = np.where(codes < 0, len(scale.categories), codes)
    places = np.where(column == MISSING, MISSING, places)
    tally.counts += np.bincount(places[places != MISSING], minlength=scale.size)
    tally.missing += int((places == MISSING).sum())
    return places


def replace_column(window: Window, profile: Profile, name: str, column: np.ndarray) -> Window:
    """The same window with another column."""
    tallies = {name: Tally.empty(profile.scales[name])}
    count(profile, tallies, name, column)
    return replace(window, tallies=window.tallies | tallies)


def watch_changes(seed: int, train_rows: int, rows: int) -> list[bool]:
    """Whether each change of the last two windows is an alarm."""
    profile = make_profile(draw_table(seed, TRAIN, train_rows))
    tables = [draw_table(seed, place, rows) for place in range(WINDOWS)]
    windows = [make_window(profile, table) for table in tables]
    seen = []
    for change, name in MOVED.items():
        changed = [*windows]
        for place in (WINDOWS - 2, WINDOWS - 1):
            column = change_column(tables[place], change, seed + place)
            changed[place] = replace_column(windows[place], profile, name, column)
        seen.append(has_alarm(find_drift(profile, changed, SETTINGS), name))
    return seen


def has_alarm(findings: Iterable[Finding], name: str) -> bool:
    """Whether a column is an alarm in the last window."""
    return any(
        one.state == "alarm" and one.column == name and one.window == WINDOWS - 1
        for one in findings
    )


def count_alarms(findings: Iterable[Finding], besides: str = "") -> int:
    """How many windows have a column that is an alarm."""
    return len({one.window for one in findings if one.state == "alarm" and one.column != besides})


def draw_many(seed: int, place: int, rows: int) -> Table:
    """Ten times as many columns."""
    tables = [draw_table(seed + 100_003 * copy, place, rows) for copy in range(10)]
    return {
        f"{name} {copy}": column
        for copy, table in enumerate(tables)
        for name, column in table.items()
    }


def draw_alike(seed: int, place: int, rows: int) -> Table:
    """Columns of which each two are correlated by 0.9."""
    rng = np.random.default_rng([seed, place, rows])
    common = rng.standard_normal((rows, 1))
    columns = np.sqrt(0.9) * common + np.sqrt(0.1) * rng.standard_normal((rows, 20))
    return {f"normal {place}": columns[:, place] for place in range(20)}


def draw_drifting(seed: int, place: int, rows: int) -> Table:
    """One column has moved far in all windows, which makes the correction milder to the others."""
    table = draw_table(seed, place, rows)
    return table | {"normal": table["normal"] + (place != TRAIN)}


def draw_dependent(seed: int, place: int, rows: int, size: int, within: float) -> Table:
    """Rows of which each `size` have something in common: in two numbers and in two categories."""
    rng = np.random.default_rng([seed, place, rows])
    blocks = rows // size
    common = np.sqrt(within) * rng.standard_normal((blocks, 4)).repeat(size, axis=0)
    normal, skewed, *levels = (common + np.sqrt(1 - within) * rng.standard_normal((rows, 4))).T
    five, two = (np.digitize(level, cuts) for level, cuts in zip(levels, CUTS, strict=True))
    return {"normal": normal, "skewed": np.exp(skewed), "five": five, "two": two}


CUTS = np.array([-0.25, 0.5, 1.0, 1.6]), np.array([0.5])


def watch(draw: Draw, seed: int, train_rows: int, rows: int, besides: str = "") -> int:
    """Windows without drift that are an alarm."""
    profile = make_profile(draw(seed, TRAIN, train_rows))
    windows = [make_window(profile, draw(seed, place, rows)) for place in range(WINDOWS)]
    return count_alarms(find_drift(profile, windows, SETTINGS), besides)


def watch_dependent(
    seed: int, size: int, train_rows: int, rows: int, blocks: str, shift: float
) -> tuple[int, bool]:
    """Windows that are an alarm, and whether a shift of the last two is.

    `blocks` are tested by, or single `rows`, or else blocks that nobody knows in the windows.
    """
    draw = partial(draw_dependent, size=size, within=WITHIN)
    keys = None if blocks == "rows" else np.arange(train_rows) // size
    profile, windows = make_profile(draw(seed, TRAIN, train_rows), keys), []
    for place in range(WINDOWS):
        table = draw(seed, place, rows)
        keys = (place + 1) * 10**6 + np.arange(rows) // size if blocks == "blocks" else None
        table["normal"] = table["normal"] + shift * (place >= WINDOWS - 2)
        windows.append(make_window(profile, table, keys))
    findings = find_drift(profile, windows, SETTINGS)
    return count_alarms(findings), has_alarm(findings, "normal")


def list_lines(simulations: int) -> Iterator[str]:
    """The tables, a line as soon as it is known."""
    counts = {rows: max(2, round(simulations * share)) for rows, share in SHARES.items()}
    yield f"| train rows | | {' | '.join(f'{rows:,} rows' for rows in counts)} |"
    yield "| --- " * (2 + len(counts)) + "|"
    for train_rows in (200, 1_000, 20_000):
        cells = [
            tell_rate([watch(draw_table, seed, train_rows, rows) for seed in range(count)])
            for rows, count in counts.items()
        ]
        yield f"| {train_rows:,} | {RATE} | {' | '.join(cells)} |"
        seen = [
            np.mean([watch_changes(seed, train_rows, rows) for seed in range(fewer(count))], axis=0)
            for rows, count in counts.items()
        ]
        for change, *shares in zip(MOVED, *seen, strict=True):
            yield f"| {train_rows:,} | {change} | {' | '.join(map(tell_share, shares))} |"
    yield from list_other_lines(simulations)
    yield from list_dependent_lines(simulations)


def list_other_lines(simulations: int) -> Iterator[str]:
    """Alarms without drift among other columns."""
    for name, draw, besides, count in (
        ("90 columns", draw_many, "", simulations // 8),
        ("20 columns that are correlated by 0.9", draw_alike, "", simulations // 2),
        ("beside a column that has moved by 1", draw_drifting, "normal", simulations),
    ):
        for train_rows in (200, 1_000):
            cells = [
                tell_rate(
                    [watch(draw, seed, train_rows, rows, besides) for seed in range(max(2, count))]
                )
                for rows in (200, 2_000)
            ]
            yield f"| {train_rows:,} | {name}: {RATE} | {' | '.join(cells)} | |"


def list_dependent_lines(simulations: int) -> Iterator[str]:
    """Groups of rows, and weeks of days, that have something in common."""
    for name, size, train_rows, sizes in (
        ("groups of 20", GROUP, 2_000, (200, 2_000)),
        ("7 days of 100", DAY, 10_000, (700,)),
    ):
        for blocks in ("rows", "blocks", "blocks that nobody knows"):
            results = [
                [
                    [
                        watch_dependent(seed, size, train_rows, rows, blocks, shift)
                        for seed in range(fewer(simulations))
                    ]
                    for rows in sizes
                ]
                for shift in (0.0, 0.5, 1.0)
            ]
            cells = [tell_rate([one[0] for one in result]) for result in results[0]]
            for shift, result in zip((0.5, 1.0), results[1:], strict=True):
                shares = [tell_share(np.mean([one[1] for one in each])) for each in result]
                cells = [
                    f"{cell}; {share} of {shift}" for cell, share in zip(cells, shares, strict=True)
                ]
            what = f"{name}, tested by {blocks}: {RATE}; shifts seen"
            yield f"| {train_rows:,} | {what} | {' | '.join(cells)} |"


def fewer(count: int) -> int:
    return max(2, count // 3)


def tell_share(share: float) -> str:
    return f"{share:.0%}"


def tell_rate(counts: list[int]) -> str:
    """Of windows, as how many in a thousand, with its standard error over the streams."""
    rates = 1000 * np.array(counts) / WINDOWS
    return f"{rates.mean():.2f} ({rates.std() / np.sqrt(len(rates)):.2f})"


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--simulations", type=int, default=400)
    for line in list_lines(options.parse_args().simulations):
        print(line, flush=True)
