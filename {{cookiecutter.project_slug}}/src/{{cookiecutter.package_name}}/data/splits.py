"""Which rows are for training and which for the final test."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def split(
    frame: pd.DataFrame, strata: pd.Series, test_fraction: float, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Divide rows into train and test by what they contain, not by where they stand.

    Within each stratum the rows are ordered by a hash of their content, and the first
    `test_fraction` of them are the test rows. So the order of the rows does not matter, and rows
    that are equal in every column fall on the same side.

    Args:
        frame: (n_rows, n_columns) table.
        strata: (n_rows,) label of the group in which a row's share is taken.
        test_fraction: Share of each stratum for the test, between 0 and 1.
        seed: Another seed draws another test set.

    Returns:
        The train rows and the test rows, each in the order of `frame`.
    """
    place = row_hashes(frame, seed).groupby(strata.to_numpy()).rank(method="max", pct=True)
    test = place <= test_fraction
    return frame[~test].reset_index(drop=True), frame[test].reset_index(drop=True)


def row_hashes(frame: pd.DataFrame, seed: int) -> pd.Series:
    """(n_rows,) unsigned 64-bit hash of each row's values and the seed."""
    import pandas as pd

    hashes = pd.util.hash_pandas_object(frame.assign(**{_unused_name(frame): seed}), index=False)
    return hashes.reset_index(drop=True)


def _unused_name(frame: pd.DataFrame) -> str:
    name = "seed"
    while name in frame.columns:
        name += "_"
    return name
