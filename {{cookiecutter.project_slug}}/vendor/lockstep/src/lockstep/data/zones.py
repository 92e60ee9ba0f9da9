"""The zones that times are written with, which are read as UTC."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

ZONE = re.compile(r"(?:T\d\d|:[\d:.,]+) ?(Z|[+-]\d\d(?::?\d\d)?)$")
"""At the end of a time, where it says of which zone it is."""
UTC = re.compile(r"Z|[+-]00:?(00)?")


def find_zones(cells: pd.Series) -> pd.Series:
    """(n_rows,) the zone of each time as it is written, missing where it names none."""
    if cells.dtype != "str":
        return pd.Series(np.nan, cells.index, dtype="str")
    return cells.str.extract(ZONE, expand=False)


def has_offset(cells: pd.Series) -> np.ndarray:
    """(n_rows,) whether each time is of a zone that is not UTC."""
    zones = find_zones(cells)
    return np.asarray(zones.notna() & ~zones.str.fullmatch(UTC).fillna(False).astype("bool"))


def describe_zones(cells: pd.Series) -> str:
    """The zones of times in words, if there are several."""
    zones = sorted({*find_zones(cells).dropna()})
    return f"times are of several zones, such as {zones[0]} and {zones[1]}" if zones[1:] else ""
