"""Drawing as many rows as fit into memory from a file of any size."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ..core.table import Table

MIN_ROWS = 30
"""Rows of a stratum that are enough to learn and to test a little."""


def sample_rows(
    rows: Table, strata: str | None, most: int, seed: int
) -> tuple[pd.DataFrame, np.ndarray]:
    """Draw rows so that each stratum keeps its share, every row of it with the same chance.

    A rare one is drawn oftener: MIN_ROWS of its rows, or all.

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
    if len(rows) <= most:
        return rows.read(), np.arange(len(rows))
    left: dict[Any, int] = {None: len(rows)}
    if strata:
        counts = [batch[strata].value_counts() for batch in rows.batches([strata])]
        left = pd.concat(counts).groupby(level=0).sum().to_dict()
    share = most / sum(left.values())
    due = {
        stratum: max(min(count, MIN_ROWS), round(count * share)) if strata else most
        for stratum, count in left.items()
    }
    rng = np.random.default_rng(seed)
    parts, places, above = [], [], 0
    for batch in rows.batches():
        indices: dict[Any, Any]
        indices = batch.groupby(strata).indices if strata else {None: np.arange(len(batch))}
        draws = []
        for stratum, own in sorted(indices.items()):
            others = left[stratum] - due[stratum]
            count = rng.hypergeometric(due[stratum], others, len(own)) if len(own) else 0
            draws.append(rng.choice(own, count, replace=False))
            due[stratum] -= count
            left[stratum] -= len(own)
        batch_places = np.sort(np.concatenate(draws))
        parts.append(batch.iloc[batch_places])
        places.append(batch_places + above)
        above += len(batch)
    return pd.concat(parts, ignore_index=True), np.concatenate(places)
