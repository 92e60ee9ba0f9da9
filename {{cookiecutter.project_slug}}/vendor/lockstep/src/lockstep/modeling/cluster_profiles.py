"""What the rows of each cluster are like, beside all rows, in words of the contract."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from ..core.contract import LEVELS, NUMBERS, Column, Contract

MOST_TRAITS = 5
SMALLEST_EFFECT = 0.2
"""Effect below which a difference is no trait: what Cohen (1988) calls small."""


class Trait(NamedTuple):
    """A column in which a cluster differs from all rows."""

    column: str
    effect: float
    """How much: of numbers and times in standard deviations of all rows, below 0 where they are
    lower; of texts Cohen's h of the category whose share has grown most."""
    typical: str
    """The median of the cluster or that category with its share; nothing of a private column."""
    usual: str
    """The same of all rows."""


class ClusterProfile(NamedTuple):
    """What the rows of a cluster are like."""

    cluster: str
    traits: list[Trait]
    """The largest effect first, at most five."""


def profile_clusters(
    rows: pd.DataFrame, places: np.ndarray, clusters: list[str], contract: Contract
) -> list[ClusterProfile]:
    """The profile of each cluster, also of those that none of the rows is of.

    Args:
        rows: (n_rows, n_columns) typed table with at least the features.
        places: (n_rows,) cluster of each row, from 0.
        clusters: What they are called.
        contract: Of the rows.
    """
    profiles = []
    for place, name in enumerate(clusters):
        is_own = places == place
        traits = []
        if is_own.any():
            found = (
                _find_trait(rows[key], is_own, column)
                for key, column in contract.features_only().items()
            )
            known = [trait for trait in found if trait and abs(trait.effect) >= SMALLEST_EFFECT]
            traits = sorted(known, key=lambda trait: -abs(trait.effect))[:MOST_TRAITS]
        profiles.append(ClusterProfile(name, traits))
    return profiles


def _find_trait(values: pd.Series, is_own: np.ndarray, column: Column) -> Trait | None:
    """None where nothing is known of a cluster's rows, or all rows are alike."""
    own = values[is_own].dropna()
    if own.empty:
        return None
    if column.type in LEVELS:
        trait = _compare_shares(own, values.dropna())
    elif column.type in NUMBERS:
        unit = f" {column.unit}" if column.unit else ""
        numbers = values.dropna().astype("float64")
        medians = (each.median() for each in (own.astype("float64"), numbers))
        texts = (f"{_format_number(median)}{unit}" for median in medians)
        trait = Trait(str(values.name), _measure_effect(own, values.dropna()), *texts)
    elif column.type == "datetime":
        texts = (f"{each.median():%Y-%m-%d}" for each in (own, values.dropna()))
        days = (each.astype("int64") for each in (own, values.dropna()))
        trait = Trait(str(values.name), _measure_effect(*days), *texts)
    else:
        return None
    return trait._replace(typical="", usual="") if column.private else trait


def _format_number(number: float) -> str:
    """Four digits, and all of those before the point."""
    return f"{number:.0f}" if abs(number) >= 1000 else f"{number:.4g}"


def _measure_effect(own: pd.Series, values: pd.Series) -> float:
    """The difference of the means, in standard deviations of all values; 0 of a constant."""
    one, every = own.to_numpy("float64"), values.to_numpy("float64")
    spread = every.std()
    return float((one.mean() - every.mean()) / spread) if spread > 0 else 0.0


def _compare_shares(own: pd.Series, values: pd.Series) -> Trait:
    """The category whose share has grown most, by Cohen's h; of equal ones the first by name."""
    every = values.value_counts(normalize=True).sort_index()
    shares = own.value_counts(normalize=True).reindex(every.index, fill_value=0.0)
    effects = 2 * (np.arcsin(np.sqrt(shares.to_numpy())) - np.arcsin(np.sqrt(every.to_numpy())))
    place = int(effects.argmax())
    typical, usual = (f"{every.index[place]} {each.iloc[place]:.0%}" for each in (shares, every))
    return Trait(str(values.name), float(effects[place]), typical, usual)
