"""What a network learns from: rows in memory, or a stream of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import ceil

import numpy as np

from ..core.batches import prefetch


@dataclass(frozen=True)
class Examples:
    """(n_rows, n_features) inputs, (n_rows,) targets as the network has them, (n_rows,) weights."""

    X: np.ndarray
    y: np.ndarray
    weights: np.ndarray

    def __len__(self) -> int:
        return len(self.y)

    def take(self, places: np.ndarray | slice) -> Examples:
        """Those at some places, in that order; a slice copies nothing."""
        return Examples(self.X[places], self.y[places], self.weights[places])

    def scale(self, factor: float | np.ndarray) -> Examples:
        """These with so many times their weights, or (n_rows,) of each."""
        return Examples(self.X, self.y, self.weights * np.asarray(factor, dtype="float32"))

    def fill(self, size: int) -> Examples:
        """These in whole batches of `size`: rows are added once more, with weight zero."""
        filled = self.take(fill_places(len(self), size))
        filled.weights[len(self) :] = 0
        return filled

    def append(self, lower: Examples) -> Examples:
        """These with others below them."""
        pairs = ((self.X, lower.X), (self.y, lower.y), (self.weights, lower.weights))
        return Examples(*map(np.concatenate, pairs))


def fill_places(rows: int, size: int) -> np.ndarray:
    """Places of rows, some of them twice, as many as fill batches of `size`."""
    return np.resize(np.arange(rows), ceil(rows / size) * size)


@dataclass(frozen=True)
class Stream:
    """So many rows, which do not fit into memory and come in another order with each shuffle."""

    rows: int
    shuffle: Callable[[np.random.Generator], Iterator[Examples]]

    def __len__(self) -> int:
        return self.rows

    def batches(self, size: int, rng: np.random.Generator) -> Iterator[Examples]:
        """All rows in another order and in batches of `size`; rows of weight zero fill the last.

        Keras takes the mean loss over all rows of a batch, so that the others weigh as much more.
        The next part is made in a thread of its own while one is worked on.
        """
        factor = ceil(self.rows / size) * size / self.rows
        rest: Examples | None = None
        for part in prefetch(self.shuffle(rng)):
            rows = rest.append(part.scale(factor)) if rest else part.scale(factor)
            whole = len(rows) - len(rows) % size
            for start in range(0, whole, size):
                yield rows.take(slice(start, start + size))
            rest = rows.take(slice(whole, None))
        if rest:
            yield rest.fill(size)
