"""The steps that turn columns into numbers, and features made of several columns.

params.yaml lines the steps up under `features`. A step returns a scikit-learn transformer that
takes numbers, texts or times and gives numbers; what it takes by keyword are its options there.

A feature made of several columns is a function too. Import `derived` from lockstep for it, and list
it in params.yaml under `features.derived`::

    @derived("petal_length", "petal_width")
    def petal_shape(rows: pd.DataFrame) -> pd.Series:
        return rows["petal_length"] / rows["petal_width"]
"""

from typing import Annotated, Literal

import numpy as np
import pandas as pd
from lockstep import Scope, step
from pydantic import Field, NonNegativeFloat
from sklearn.base import TransformerMixin
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.pipeline import FeatureUnion
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    StandardScaler,
    TargetEncoder,
)


@step(takes="numbers", fills=True)
def impute(
    _: Scope, *, strategy: Literal["median", "mean", "most_frequent"] | float = "median"
) -> TransformerMixin:
    """A number in place of a missing one: of the train rows, zero if they have none, or this.

    Args:
        strategy: what stands for a missing number
    """
    if isinstance(strategy, str):
        return SimpleImputer(strategy=strategy, keep_empty_features=True)
    return SimpleImputer(strategy="constant", fill_value=strategy, keep_empty_features=True)


@step(takes="numbers")
def indicate_missing(_: Scope) -> TransformerMixin:
    """For each column another one that is 1 where the value is missing; use it before `impute`."""
    missing = MissingIndicator(features="all", error_on_new=False)
    return FeatureUnion([("values", "passthrough"), ("missing", missing)])


@step(takes="numbers")
def standardise(_: Scope) -> TransformerMixin:
    """Mean 0 and standard deviation 1 over the train rows."""
    return StandardScaler()


@step(takes="numbers")
def min_max(_: Scope) -> TransformerMixin:
    """From 0 to 1 over the train rows; what lies beyond them becomes 0 or 1."""
    return MinMaxScaler(clip=True)


@step(takes="numbers")
def log1p(_: Scope) -> TransformerMixin:
    """log(1 + x); a number below zero is mirrored, -log(1 - x)."""
    return FunctionTransformer(signed_log1p, feature_names_out="one-to-one")


@step(takes="numbers", needs_all=True)
def quantile_bin(_: Scope, *, bins: Annotated[int, Field(ge=2)] = 10) -> TransformerMixin:
    """A column for each of at most so many ranges that hold about as many train rows each.

    Args:
        bins: most ranges
    """
    return KBinsDiscretizer(
        bins,
        encode="onehot-dense",
        strategy="quantile",
        quantile_method="averaged_inverted_cdf",
        subsample=None,
    )


@step(takes="texts", fills=True)
def one_hot(
    _: Scope, *, min_frequency: Annotated[float, Field(gt=0, lt=1)] | None = None
) -> TransformerMixin:
    """A column for each value, a missing one among them.

    Values rarer than the share `min_frequency` of the train rows have one column together, and so
    have values that the train rows lack; without rare ones those are zero everywhere.

    Args:
        min_frequency: share of the train rows below which values have one column together
    """
    return OneHotEncoder(
        min_frequency=min_frequency, handle_unknown="infrequent_if_exist", sparse_output=False
    )


@step(takes="texts")
def ordinal(scope: Scope) -> TransformerMixin:
    """The place of the value in the contract's `categories`, from 0; another one is missing."""
    return OrdinalEncoder(
        categories=[column.categories for column in scope.columns.values()],
        handle_unknown="use_encoded_value",
        unknown_value=np.nan,
    )


@step(takes="texts", fills=True)
def target_encode(scope: Scope, *, smooth: NonNegativeFloat | None = None) -> TransformerMixin:
    """The mean target of the rows with this value (Micci-Barreca, 2001), for each class its share.

    The train rows are encoded by means of other rows, so that none sees its own target. Rare
    values are drawn to the mean of all rows; values that the train rows lack become that mean.

    Args:
        smooth: rows that the mean of all rows counts for; estimated if `null`
    """
    kind = "auto" if scope.kind == "classification" else "continuous"  # numbers are no classes
    amount = "auto" if smooth is None else smooth
    return TargetEncoder(target_type=kind, smooth=amount, cv=scope.inner_folds)


@step(takes="times")
def calendar(_: Scope, *, month: bool = True) -> TransformerMixin:
    """Month, day of the week and hour as points on a circle, so that December is near January.

    Args:
        month: without it, rows of a year or less tell nothing of months that are still to come
    """
    return FunctionTransformer(on_circles, kw_args={"month": month})


@step(takes="times")
def elapsed(_: Scope) -> TransformerMixin:
    """Days since the start of 2000."""
    return FunctionTransformer(days_since_2000)


# A saved model names these functions, so they must stay functions of this file.
def signed_log1p(X: np.ndarray) -> np.ndarray:
    """(n_rows, n_columns) the sign of each number times the logarithm of one more than its size."""
    signed: np.ndarray = np.sign(X) * np.log1p(np.abs(X))
    return signed


def on_circles(X: pd.DataFrame, month: bool) -> np.ndarray:
    """(n_rows, 4 or 6 * n_columns) sines and cosines of month, day of the week and hour."""
    turns = []
    for times in (X[name].dt for name in X):
        months, hours = (times.month - 1) / 12, (times.hour + times.minute / 60) / 24
        turns += [*([months] if month else []), times.day_of_week / 7, hours]
    angles = 2 * np.pi * np.column_stack(turns).astype("float64")
    return np.hstack([np.sin(angles), np.cos(angles)])


def days_since_2000(X: pd.DataFrame) -> np.ndarray:
    """(n_rows, n_columns) days since the start of 2000, with fractions."""
    start, day = pd.Timestamp(2000, 1, 1), pd.Timedelta(days=1)
    return np.column_stack([(X[name] - start) / day for name in X])
