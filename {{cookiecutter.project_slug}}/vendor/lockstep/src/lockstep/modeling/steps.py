"""The steps of a recipe for features: one function each, which params.yaml calls by its name.

A step makes an unfitted scikit-learn transformer. Its one option can stand alone in params.yaml:
`quantile_bin: 50`. To add a step, write a function marked `@step(takes=...)` that takes its scope
and its own options by keyword.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

import numpy as np
import pandas as pd
from pydantic import Field
from sklearn.base import TransformerMixin
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.model_selection import KFold
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

from ..core.contract import Column
from .registry import Registry

Cells = Literal["numbers", "texts", "times"]
TARGET_FOLDS = 5
STEPS = Registry("step")
TAKES: dict[str, Cells] = {}
"""What each step works on; what comes out of it are always numbers."""


@dataclass(frozen=True)
class Scope:
    """What a step is used on."""

    columns: dict[str, Column]
    """The columns, as the contract describes them."""
    seed: int


def step(*, takes: Cells) -> Callable[..., Callable[..., TransformerMixin]]:
    """Register a function as the step of its name."""

    def register(build: Callable[..., TransformerMixin]) -> Callable[..., TransformerMixin]:
        TAKES[build.__name__] = takes
        return STEPS.add(build)

    return register


@step(takes="numbers")
def impute(
    _: Scope,
    *,
    strategy: Annotated[
        Literal["median", "mean", "most_frequent"] | float,
        Field(description="what stands for a missing number"),
    ] = "median",
) -> TransformerMixin:
    """A number in place of a missing one: of the train rows, zero if they have none, or this."""
    if isinstance(strategy, str):
        return SimpleImputer(strategy=strategy, keep_empty_features=True)
    return SimpleImputer(strategy="constant", fill_value=strategy, keep_empty_features=True)


@step(takes="numbers")
def indicate_missing(_: Scope) -> TransformerMixin:
    """Beside each column, one that is 1 where the value is missing; use it before `impute`."""
    marks = MissingIndicator(features="all", error_on_new=False)
    return FeatureUnion([("values", "passthrough"), ("missing", marks)])


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
    return FunctionTransformer(mirrored_log1p, feature_names_out="one-to-one")


@step(takes="numbers")
def quantile_bin(
    _: Scope, *, bins: Annotated[int, Field(ge=2, description="most ranges")] = 10
) -> TransformerMixin:
    """A column for each of at most so many ranges that hold about as many train rows each."""
    return QuantileBins(
        bins,
        encode="onehot-dense",
        strategy="quantile",
        quantile_method="averaged_inverted_cdf",
        subsample=None,
    )


@step(takes="texts")
def one_hot(
    _: Scope,
    *,
    min_frequency: Annotated[
        Annotated[float, Field(gt=0, lt=1)] | None,
        Field(description="share of the train rows below which values have one column together"),
    ] = None,
) -> TransformerMixin:
    """A column for each value, a missing one among them.

    Values rarer than the share `min_frequency` of the train rows have one column together, and so
    have values that the train rows lack; without rare ones those are zero everywhere.
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


@step(takes="texts")
def target_encode(
    scope: Scope,
    *,
    smooth: Annotated[
        Annotated[float, Field(ge=0)] | None,
        Field(description="rows that the mean of all rows counts for; estimated if `null`"),
    ] = None,
) -> Any:
    """The mean target of the rows with this value (Micci-Barreca, 2001), for each class its share.

    The train rows are encoded by means of other rows, so that none sees its own target. Rare
    values are drawn to the mean of all rows; values that the train rows lack become that mean.
    """
    others = KFold(TARGET_FOLDS, shuffle=True, random_state=scope.seed)
    return TargetEncoder(smooth="auto" if smooth is None else smooth, cv=others)


@step(takes="times")
def calendar(_: Scope) -> TransformerMixin:
    """Month, day of the week and hour as points on a circle, so that December is near January."""
    return FunctionTransformer(on_circles)


@step(takes="times")
def elapsed(_: Scope) -> TransformerMixin:
    """Days since the start of 2000."""
    return FunctionTransformer(days)


def mirrored_log1p(X: np.ndarray) -> np.ndarray:
    """The sign of each number times the logarithm of one more than its size."""
    X = np.asarray(X, dtype="float64")
    mirrored: np.ndarray = np.sign(X) * np.log1p(np.abs(X))
    return mirrored


def on_circles(X: pd.DataFrame) -> np.ndarray:
    """(n_rows, 6 * n_columns) sines and cosines of the month, the day of the week and the hour."""
    turns = []
    for name in X.columns:
        times = X[name].dt
        hours = times.hour + times.minute / 60
        turns += [(times.month - 1) / 12, times.day_of_week / 7, hours / 24]
    angles = 2 * np.pi * np.column_stack(turns).astype("float64")
    return np.hstack([np.sin(angles), np.cos(angles)])


def days(X: pd.DataFrame) -> np.ndarray:
    """(n_rows, n_columns) days since the start of 2000, with fractions."""
    passed = [(X[name] - pd.Timestamp(2000, 1, 1)) / pd.Timedelta(days=1) for name in X.columns]
    return np.column_stack(passed)


class QuantileBins(KBinsDiscretizer):
    """Quantile bins that take it as given that equal quantiles, or a constant, make fewer bins."""

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Find the bins' edges in (n_rows, n_columns) numbers."""
        with warnings.catch_warnings():
            warnings.filterwarnings(
                "ignore", "Bins whose width|Feature .* is constant", UserWarning
            )
            super().fit(_writable(X), y, sample_weight)
        return self

    def transform(self, X: Any) -> np.ndarray:
        """(n_rows, n_bins) which bin each number is in."""
        bins: np.ndarray = super().transform(_writable(X))
        return bins


def _writable(X: Any) -> np.ndarray:
    # pandas lends a column of whole numbers without the right to write, which scikit-learn does.
    return np.array(X, dtype="float64")
