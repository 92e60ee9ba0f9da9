"""Dividing rows that have several labels such that each part has its share of each label.

Rows that stay together are a clump, as in `draws`.
"""

from __future__ import annotations

import numpy as np


def deal_out(
    labels: np.ndarray, rows: np.ndarray, shares: np.ndarray, order: np.ndarray
) -> np.ndarray:
    """(n_clumps,) the part of each clump, from 0, by iterative stratification.

    The rarest label of those that are left comes first, since the others leave room to make up for
    it: each clump that has it goes where most of it is lacking, then where most of all rows are
    (Sechidis, Tsoumakas and Vlahavas, 2011). What they draw at a tie goes to the first part here.

    Args:
        labels: (n_clumps, n_labels) how many rows of each clump have each label.
        rows: (n_clumps,) how many rows it has.
        shares: (n_parts,) the share of all rows that each part is to have.
        order: (n_clumps,) their places, in the order in which they are dealt out.
    """
    labels, rows = labels[order].astype("float64"), rows[order].astype("float64")
    lacking, room = np.outer(labels.sum(axis=0), shares), rows.sum() * shares
    left = labels.sum(axis=0)
    parts = np.full(len(rows), -1)

    def put(clump: int, wanted: np.ndarray) -> None:
        part = max(range(len(shares)), key=lambda one: (wanted[one], room[one]))
        parts[clump] = part
        lacking[:, part] -= labels[clump]
        room[part] -= rows[clump]

    while (left > 0).any():
        rarest = int(np.where(left > 0, left, np.inf).argmin())
        own = np.flatnonzero((labels[:, rarest] > 0) & (parts < 0))
        for clump in own.tolist():
            put(clump, lacking[rarest])
        left = left - labels[own].sum(axis=0)
    for clump in np.flatnonzero(parts < 0).tolist():
        put(clump, room)
    dealt = np.empty(len(parts), dtype=int)
    dealt[order] = parts
    return dealt
