"""Which rows are for training and which for the final test."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def split(
    frame: pd.DataFrame, strata: pd.Series, test_fraction: float, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Divide rows into train and test by what they contain, not by where they stand.

    Within each stratum the distinct rows are ordered by a hash of their content, and the first of
    them become test rows until their share is nearest to `test_fraction`. So the order of the rows
    does not matter, and rows that are equal in every column fall on the same side. A stratum with
    two distinct rows or more has rows on both sides.

    Args:
        frame: (n_rows, n_columns) table.
        strata: (n_rows,) label of the group in which a row's share is taken.
        test_fraction: Share of each stratum for the test, between 0 and 1.
        seed: Another seed draws another test set.

    Returns:
        The train rows and the test rows, each in the order of `frame`.
    """
    import pandas as pd

    keys = pd.DataFrame({"stratum": strata.to_numpy(), "hash": row_hashes(frame, seed).to_numpy()})
    copies = keys.groupby(["stratum", "hash"]).size()
    reached = copies.groupby("stratum").cumsum()
    rows = copies.groupby("stratum").transform("sum")
    first, last = reached == copies, reached == rows
    chosen = ~last & (first | (reached - copies / 2 < test_fraction * rows))
    test = chosen.loc[pd.MultiIndex.from_frame(keys)].to_numpy()
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
