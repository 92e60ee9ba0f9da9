"""Drawing as many rows as fit into memory from a file of any size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..core.table import Table

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

LEAST = 30
"""Rows of a stratum that are enough to learn and to test a little."""


def sample(
    rows: Table, strata: str | None, most: int, seed: int
) -> tuple[pd.DataFrame, np.ndarray]:
    """Draw rows so that each stratum keeps its share, every row of it with the same chance.

    A rare one is drawn oftener: LEAST of its rows, or all.

    From each batch so many rows are drawn as chance would have fallen on them (the multivariate
    way to draw without replacement), so that no more than a batch and the sample are in memory.

    Args:
        rows: The file.
        strata: The column whose values are the strata, or none to draw from all rows alike.
        most: Rows to draw, beside those of rare strata; all where the file has no more.
        seed: Another seed draws other rows.

    Returns:
        The rows drawn, in the order of the file; and (n_drawn,) their places in it, from 0.
    """
    import numpy as np
    import pandas as pd

    if len(rows) <= most:
        return rows.read(), np.arange(len(rows))
    left = _counts(rows, strata)
    wanted: dict[object, int] = _shares(left, most) if strata else {None: most}
    rng = np.random.default_rng(seed)
    parts, places, above = [], [], 0
    for batch in rows.batches():
        chosen = []
        for stratum, own in _by_stratum(batch, strata):
            others = left[stratum] - wanted[stratum]
            many = rng.hypergeometric(wanted[stratum], others, len(own)) if len(own) else 0
            chosen.append(rng.choice(own, many, replace=False))
            wanted[stratum] -= many
            left[stratum] -= len(own)
        drawn = np.sort(np.concatenate(chosen))
        parts.append(batch.iloc[drawn])
        places.append(drawn + above)
        above += len(batch)
    return pd.concat(parts, ignore_index=True), np.concatenate(places)


def _counts(rows: Table, strata: str | None) -> dict[object, int]:
    if strata is None:
        return {None: len(rows)}
    counts: dict[object, int] = {}
    for batch in rows.batches([strata]):
        for value, count in batch[strata].value_counts().items():
            counts[value] = counts.get(value, 0) + int(count)
    return dict(sorted(counts.items()))


def _shares(counts: dict[object, int], most: int) -> dict[object, int]:
    """How many rows to draw of each stratum."""
    share = most / sum(counts.values())
    return {
        stratum: max(min(count, LEAST), round(count * share)) for stratum, count in counts.items()
    }


def _by_stratum(batch: pd.DataFrame, strata: str | None) -> list[tuple[object, np.ndarray]]:
    import numpy as np

    if strata is None:
        return [(None, np.arange(len(batch)))]
    places: dict[Any, Any] = batch.groupby(strata).indices
    return sorted(places.items())
