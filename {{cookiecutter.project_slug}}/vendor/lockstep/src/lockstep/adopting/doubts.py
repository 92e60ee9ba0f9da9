"""What a person should look at before trusting a table."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote
from typing import TYPE_CHECKING

from ..core.contract import LEVELS, NUMBERS, Contract

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

FEW_ROWS = 100
RARE = 0.05
"""Share of the rows below which a class is rare."""
SURE, SAME, UNSEEN = 0.99, 0.9999, 0.1
MOST_COMPARED = 500
"""Columns of numbers of which each pair is compared."""
SAMPLED = 50_000


def doubts(table: pd.DataFrame, contract: Contract) -> list[str]:
    """What is doubtful about a typed table as a whole, in words."""
    sampled = table.sample(min(len(table), SAMPLED), random_state=0).reset_index(drop=True)
    return [
        *_few_rows(table, contract),
        *_skewed_classes(table, contract),
        *_leaks(sampled, contract),
        *_twins(sampled, contract),
        *_copies(table, contract),
        *_unused_time(contract),
    ]


def _few_rows(table: pd.DataFrame, contract: Contract) -> Iterator[str]:
    lost = int(table[contract.target].isna().sum())
    if lost:
        yield f"{lost} of {len(table)} rows lack the target: nothing is learnt from them"
    if len(table) - lost < FEW_ROWS:
        yield f"{len(table) - lost} rows are few: expect wide intervals"


def _skewed_classes(table: pd.DataFrame, contract: Contract) -> Iterator[str]:
    if not contract.classes:
        return
    shares = table[contract.target].value_counts(normalize=True)
    if shares.min() < RARE:
        yield (
            f"class {shares.idxmin()!r} is rare, {shares.min():.1%} of the rows: a model may "
            "be right on all others and never find it"
        )


def _leaks(table: pd.DataFrame, contract: Contract) -> Iterator[str]:
    """Columns from which alone the target of unseen rows can be told."""
    table = table[table[contract.target].notna()]
    if len(table) < FEW_ROWS / 2:
        return
    y = _codes(table[contract.target]) if contract.classes else _floats(table[contract.target])
    for name, column in contract.features_only().items():
        if column.type == "image" or table[name].isna().all():
            continue
        levels = column.type in LEVELS
        x = _codes(table[name]) if levels else _floats(table[name])
        if _tells(x, y, len(contract.classes), levels=levels):
            yield (
                f"{name!r} alone tells the target: was it known before the target was? "
                f"if not, `--drop {quote(name)}`"
            )


def _tells(x: np.ndarray, y: np.ndarray, classes: int, *, levels: bool) -> bool:
    """Whether what goes with each value in one half of the rows holds in the other.

    Args:
        x: (n_rows,) numbers, or places of levels.
        y: (n_rows,) numbers or, of so many `classes`, their places.
        classes: 0 for numbers.
        levels: Whether a value says nothing of those near it.
    """
    import numpy as np

    # A gap is a value too, far from all others.
    x = np.where(np.isnan(x), np.nanmin(x) - 2 * (np.nanmax(x) - np.nanmin(x)) - 1, x)
    learnt = np.random.default_rng(0).permutation(len(y)) < len(y) / 2
    known, places = np.unique(x[learnt], return_inverse=True)
    asked, right = x[~learnt], y[~learnt]
    if levels and (~np.isin(asked, known)).mean() > UNSEEN:
        return False
    nearest = np.searchsorted((known[1:] + known[:-1]) / 2, asked)
    if classes:
        table = np.bincount(places * classes + y[learnt], minlength=known.size * classes)
        told = table.reshape(-1, classes).argmax(axis=1)[nearest]
        unusual = right != np.bincount(y[learnt]).argmax()
        wrong = (told != right).sum()
        return bool(wrong <= (1 - SURE) * len(right) and wrong <= unusual.sum() / 10 > 0.5)
    told = (np.bincount(places, weights=y[learnt]) / np.bincount(places))[nearest]
    return bool(((right - told) ** 2).mean() <= (1 - SURE) * right.var())


def _codes(cells: pd.Series) -> np.ndarray:
    import pandas as pd

    return pd.factorize(cells, sort=True)[0]


def _floats(cells: pd.Series) -> np.ndarray:
    if cells.dtype.kind == "M":
        cells = cells.astype("int64").where(cells.notna())
    return cells.astype("Float64").to_numpy("float64", na_value=float("nan"))


def _twins(table: pd.DataFrame, contract: Contract) -> Iterator[str]:
    """Columns that say the same as another."""
    import numpy as np

    columns = contract.features_only()
    kinds = {
        "levels": [name for name, column in columns.items() if column.type in LEVELS],
        "numbers": [name for name, column in columns.items() if column.type in NUMBERS],
    }
    first: dict[bytes, str] = {}
    for name in kinds["levels"]:
        # Numbered in the order in which they come, two names of one thing have one number.
        codes = np.unique(table[name].factorize()[0], return_inverse=True)[1].tobytes()
        if codes in first:
            yield _same(first[codes], name)
        first.setdefault(codes, name)
    names = kinds["numbers"]
    if not 1 < len(names) <= MOST_COMPARED or len(table) < 3:
        return
    correlations = table[names].astype("float64").corr(min_periods=3).abs().to_numpy()
    gaps, told = table[names].isna().sum(), set[str]()
    for one, other in np.argwhere(np.triu(correlations > SAME, k=1)):
        kept, lost = sorted((names[one], names[other]), key=lambda name: int(gaps[name]))
        if not {kept, lost} & told:
            yield _same(kept, lost)
        told.add(lost)


def _same(kept: str, lost: str) -> str:
    return f"{kept!r} and {lost!r} say the same: `--drop {quote(lost)}` loses nothing"


def _copies(table: pd.DataFrame, contract: Contract) -> Iterator[str]:
    if copies := int(table.duplicated(contract.observation).sum()):
        yield f"rows equal to another: {copies}; equal rows stay on one side of the split"
    torn = int(table.duplicated(contract.features).sum()) - copies
    if torn:
        yield f"rows equal to another but for the target: {torn}; no model is right on all of them"


def _unused_time(contract: Contract) -> Iterator[str]:
    times = [name for name in contract.features if contract.columns[name].type == "datetime"]
    if times and contract.time is None and contract.group is None:
        option = f"--time {quote(times[0])}"
        yield f"rows have a time: `{option}` tests on the latest instead of any rows"
