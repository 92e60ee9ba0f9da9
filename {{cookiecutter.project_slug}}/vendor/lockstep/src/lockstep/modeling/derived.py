"""Features made of several columns of a row, such as a ratio or a difference of dates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin

from ..core.contract import LEVELS, NUMBERS, Column, Contract, Type
from ..core.errors import UserError
from ..core.validation import nearest

Function = Callable[[pd.DataFrame], Any]


@dataclass(frozen=True)
class Derived:
    """A feature that is made of the columns that it reads."""

    function: Function
    reads: tuple[str, ...]
    type: Type
    categories: tuple[str, ...] | None

    @property
    def column(self) -> Column:
        """What it holds, as the contract would describe it; a ValueError where it would not."""
        return Column(
            type=self.type,
            categories=None if self.categories is None else list(self.categories),
            nullable=True,
            meaning=" ".join((self.function.__doc__ or "").split()),
        )


DERIVED: dict[str, Derived] = {}


def derived(
    *reads: str, type: Type = "numeric", categories: Sequence[str] | None = None
) -> Callable[[Function], Function]:
    """Register a function as the feature of its name, which params.yaml lists under `derived`.

    The function takes a table of the columns named here, some rows at a time, typed as the contract
    says, and returns (n_rows,) values. It looks at each row by itself: it is called alike when a
    model is trained and when it predicts. What has no value, such as a division by zero, is
    missing; the recipe says what becomes of it, as of any column of that type.

    Args:
        reads: The features of the contract that it is made of.
        type: What it holds, in the words of the contract.
        categories: All texts there may be, of a binary, categorical or ordered one; others are
            missing.

    Raises:
        ValueError: The type and the categories do not go together, as in the contract.
    """
    if type in ("text", "identifier", "image", "sequence"):
        raise ValueError(f"a derived feature cannot be of type {type}")

    def register(function: Function) -> Function:
        levels = None if categories is None else tuple(categories)
        feature = Derived(function, reads, type, levels)
        _ = feature.column  # raises where type and categories do not go together
        DERIVED[function.__name__] = feature
        return function

    return register


def select_derived(names: tuple[str, ...], contract: Contract) -> dict[str, Derived]:
    """The derived features that params.yaml lists, by their names."""
    where = "params.yaml: features.derived"
    for name in names:
        if name not in DERIVED:
            advice = nearest(name, DERIVED or ["none"])
            raise UserError(f"{where}: no function {name} marked @derived; {advice}")
        if name in contract.columns:
            raise UserError(f"{where}: {name} is a column of references/schema.yaml; rename it")
        for column in DERIVED[name].reads:
            if column not in contract.features or contract.columns[column].type == "image":
                raise UserError(
                    f"{where}: {name} reads {column!r}, which is no feature of "
                    f"references/schema.yaml; {nearest(column, contract.features)}"
                )
    return {name: DERIVED[name] for name in names}


class DeriveColumns(TransformerMixin, BaseEstimator):
    """Adds derived features to a table; the first step of a pipeline that has some."""

    def __init__(self, derived: dict[str, Derived]) -> None:
        self.derived = derived

    def fit(self, X: pd.DataFrame, y: Any = None) -> Self:  # noqa: ARG002
        """Nothing is learnt."""
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """(n_rows, n_columns + n_derived) the table with the derived features after its columns."""
        columns = {}
        for name, feature in self.derived.items():
            try:
                values = feature.function(X[list(feature.reads)])
            except KeyError as error:
                raise UserError(
                    f"features.py: {name} reads {error}; its line `@derived(...)` names "
                    f"{', '.join(feature.reads)} only"
                ) from error
            if np.shape(values) != (len(X),):
                raise UserError(
                    f"features.py: {name} returns {np.shape(values)} values for {len(X)} rows; "
                    "one for each row was expected"
                )
            columns[name] = _convert(pd.Series(np.asarray(values), index=X.index), feature.column)
        return X.assign(**columns)


def _convert(values: pd.Series, column: Column) -> pd.Series:
    """(n_rows,) values as the column has them; what it cannot hold is missing."""
    if column.type in LEVELS:
        return values.where(values.isin(column.categories or [])).astype("str")
    if column.type in NUMBERS:
        if pd.api.types.is_timedelta64_dtype(values):
            raise UserError(
                "features.py: a difference of times is no number; divide it by a unit, such as "
                'pd.Timedelta("1 day")'
            )
        numbers = pd.to_numeric(values, errors="coerce").astype("float64")
        return numbers.where(np.isfinite(numbers))
    return pd.to_datetime(values, errors="coerce").astype("datetime64[us]")
