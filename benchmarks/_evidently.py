"""What Evidently's defaults say of the streams of drift.py, which runs it in its own environment.

Its preset for drift picks a test or a distance for each column by its type, its values and the rows
of the reference; it judges each window by itself. The same choice is made here without its reports.
"""

from __future__ import annotations

import argparse
import warnings

import numpy as np
import pandas as pd
from _streams import LEVELS, MOVED, TRAIN, WINDOWS, change_column, draw_table
from evidently.legacy.calculations.stattests import get_stattest

SHARES = {200: (0.25, WINDOWS), 2_000: (0.25, WINDOWS), 200_000: (0.05, 3)}
"""Rows of a window, which share of the simulations is made of so many, and how many of its windows
are looked at."""


def has_moved(name: str, train: np.ndarray, column: np.ndarray) -> bool:
    reference, current = (tidy(name, values) for values in (train, column))
    kind = "cat" if name in LEVELS else "num"
    return bool(
        get_stattest(reference, current, kind, None)(reference, current, kind, None).drifted
    )


def tidy(name: str, values: np.ndarray) -> pd.Series:
    """Without missing values, as it leaves them out."""
    series = pd.Series(values).dropna()
    return series[series >= 0].astype("str") if name in LEVELS else series


def list_cells(train_rows: int, rows: int, streams: int, windows: int) -> list[str]:
    """How many of a thousand windows without drift have moved, and how often changes are seen."""
    false, seen = [], []
    for seed in range(streams):
        train = draw_table(seed, TRAIN, train_rows)
        for place in range(WINDOWS - windows, WINDOWS):
            table = draw_table(seed, place, rows)
            false.append(any(has_moved(name, train[name], table[name]) for name in table))
        seen.append(
            [
                has_moved(name, train[name], change_column(table, change, seed + place))
                for change, name in MOVED.items()
            ]
        )
    return [f"{1000 * np.mean(false):.0f}", *(f"{share:.0%}" for share in np.mean(seen, axis=0))]


def print_table(simulations: int) -> None:
    heads = " | ".join(f"{rows:,} rows" for rows in SHARES)
    print(f"| train rows | Evidently's defaults | {heads} |\n{'| --- ' * (2 + len(SHARES))}|")
    for train_rows in (200, 1_000, 20_000):
        columns = [
            list_cells(train_rows, rows, max(2, round(simulations * share)), windows)
            for rows, (share, windows) in SHARES.items()
        ]
        names = ["a column has moved, per 1,000 windows", *MOVED]
        for name, *cells in zip(names, *columns, strict=True):
            print(f"| {train_rows:,} | {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--simulations", type=int, default=400)
    warnings.simplefilter("ignore")
    print_table(options.parse_args().simulations)
