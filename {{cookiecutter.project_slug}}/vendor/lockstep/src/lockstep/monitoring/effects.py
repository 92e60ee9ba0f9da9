"""How far later rows are from a reference, in standard deviations or what answers to them.

All are on one scale, so that one floor is enough: that a number is higher by a tenth of its
standard deviation is as hard to see as that shares are a tenth apart. What chance alone would make
of so few rows is taken off, or else few rows and many categories would always look far away.
"""

from __future__ import annotations

import numpy as np

from .shares import accumulate, share_out

FENCE = 4.0
"""Spreads from the median; a value further away counts as if it were there."""


def measure_shift(
    reference: np.ndarray, windows: np.ndarray, edges: np.ndarray, spread: float
) -> tuple[np.ndarray, np.ndarray]:
    """The distance of Wasserstein, and how much higher the mean is, both in spreads.

    Args:
        reference: (n_places,) counts.
        windows: (n_windows, n_places) counts.
        edges: (n_places - 1,) between places.
        spread: Of the reference.

    Returns:
        (n_windows,) each.
    """
    shares, others = accumulate(reference), accumulate(windows)
    widths = np.diff(np.clip(_standardise(reference, edges, spread), -FENCE, FENCE))
    gaps, share = (shares - others)[:, : len(widths)], shares[: len(widths)]
    chance = np.sqrt(2 / np.pi) * np.sqrt(np.maximum(share * (1 - share), 0)) @ widths
    distance = _take_off(np.abs(gaps) @ widths, chance**2, reference, windows)
    return distance, gaps @ widths


def measure_far(
    reference: np.ndarray, windows: np.ndarray, edges: np.ndarray, spread: float
) -> np.ndarray:
    """(n_windows,) the share of values that `measure_shift` counts as nearer than they may be."""
    distances = _standardise(reference, edges, spread)
    is_far = np.append(distances <= -FENCE, True) | np.append(True, distances >= FENCE)
    return np.asarray(share_out(windows)[:, is_far].sum(axis=1))


def measure_angle(reference: np.ndarray, windows: np.ndarray) -> np.ndarray:
    """The distance of Fisher and Rao between shares; of two shares it is Cohen's h.

    That is twice the angle between their roots (Bhattacharyya, 1943): near by it is the root of the
    population stability index, and it is defined where a share is nothing, too.

    Args:
        reference: (n_places,) counts.
        windows: (n_windows, n_places) counts.

    Returns:
        (n_windows,).
    """
    roots = np.sqrt(share_out(reference)), np.sqrt(share_out(windows))
    angle = 2 * np.arccos(np.clip((roots[0] * roots[1]).sum(axis=1), 0, 1))
    freedom = np.maximum(((reference + windows) > 0).sum(axis=1) - 1, 0)
    return _take_off(angle, freedom, reference, windows)


def _standardise(reference: np.ndarray, edges: np.ndarray, spread: float) -> np.ndarray:
    """(n_places - 1,) edges in spreads from the median."""
    place = int(np.searchsorted(accumulate(reference), 0.5))
    return np.asarray((edges - edges[min(place, len(edges) - 1)]) / spread)


def _take_off(
    distance: np.ndarray, chance: np.ndarray, reference: np.ndarray, windows: np.ndarray
) -> np.ndarray:
    """A distance less the square that chance adds to its own, which is `chance` of a row each."""
    rows = np.maximum(reference.sum(), 1), np.maximum(windows.sum(axis=1), 1)
    return np.asarray(np.sqrt(np.maximum(distance**2 - chance * (1 / rows[0] + 1 / rows[1]), 0)))
