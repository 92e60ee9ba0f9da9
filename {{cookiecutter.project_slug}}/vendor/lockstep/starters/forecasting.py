"""Candidates for forecasts, and the steps that make features of a series' past."""

from typing import Annotated, Literal, Unpack

import lockstep
import numpy as np
from lockstep import Problem, Scope, Series, Training, candidate, keras, step
from pydantic import Field, PositiveFloat, PositiveInt
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.ensemble import VotingRegressor
from sklearn.linear_model import Ridge
from sklearn.preprocessing import FunctionTransformer

Cell = Literal["gru", "lstm"]
Size = Annotated[PositiveInt, Field(description="numbers that each layer gives")]
Penalty = Annotated[PositiveFloat, Field(description="weight of L2, beside the squared errors")]
Weights = tuple[Annotated[float, Field(gt=0, le=1)], ...]


@step(takes="pasts")
def seasons(scope: Scope, *, count: PositiveInt = 3) -> TransformerMixin:
    """The latest values of the same place in the season as the time that is forecast.

    Args:
        count: of how many seasons
    """
    return FunctionTransformer(same_place, kw_args={"series": scope.series, "count": count})


@step(takes="pasts")
def averages(scope: Scope, *, weights: Weights = (0.1, 0.3, 0.6)) -> TransformerMixin:
    """Means in which a value counts the less the longer it is past (Brown, 1956).

    Args:
        weights: what the latest value counts in each mean
    """
    return FunctionTransformer(smooth, kw_args={"series": scope.series, "weights": weights})


# A saved model names these functions, so they must stay functions of this file.
def same_place(X: np.ndarray, series: Series, count: int) -> np.ndarray:
    """(n_rows, count) values, from the latest season on."""
    return np.column_stack([series.lag(X, seasons) for seasons in range(count)])


def smooth(X: np.ndarray, series: Series, weights: tuple[float, ...]) -> np.ndarray:
    """(n_rows, n_weights) means."""
    return np.column_stack([series.smooth(X, weight) for weight in weights])


@candidate
def naive(problem: Problem) -> BaseEstimator:
    """Always the latest value."""
    return lockstep.LastValue(problem.require_series("naive"))


@candidate
def drift(problem: Problem) -> BaseEstimator:
    """The value a season before, moved on as the series has moved."""
    return lockstep.Drift(problem.require_series("drift"))


@candidate(takes_heights=True)
def smoothing(problem: Problem) -> BaseEstimator:
    """Exponential smoothing, half as all series together suggest, half as each past does itself."""
    return lockstep.ExponentialSmoothing(problem.require_series("smoothing"))


@candidate
def autoregression(problem: Problem, *, alpha: Penalty = 100.0) -> BaseEstimator:
    """A ridge regression on the features for each step ahead."""
    return lockstep.BySteps(Ridge(alpha=alpha), problem.require_series("autoregression"))


@candidate(takes_heights=True)
def combination(problem: Problem, *, alpha: Penalty = 100.0) -> BaseEstimator:
    """The mean of both smoothings and autoregression: they err apart (Bates and Granger, 1969)."""
    ridge = autoregression(problem, alpha=alpha)
    parts = [("smoothing", smoothing(problem)), ("autoregression", ridge)]
    return VotingRegressor(parts, weights=[2, 1])


@candidate
def recurrent(
    problem: Problem, *, cell: Cell = "gru", units: Size = 32, **training: Unpack[Training]
) -> BaseEstimator:
    """A recurrent network, which reads the past value by value, in Keras.

    Args:
        cell: what remembers: `gru` (Cho et al., 2014) or `lstm` (Hochreiter and Schmidhuber, 1997)
    """
    series = problem.require_series("recurrent")
    return problem.network(recurrent_network, training, series=series, cell=cell, units=units)


def recurrent_network(
    columns: int, outputs: int, activation: str, *, series: Series, cell: str, units: int
) -> "keras.Model":
    """What is remembered of the past, which comes first, and the others into a hidden layer."""
    layers, inputs = keras.layers, keras.Input((columns,))
    past = layers.Reshape(series.shape)(inputs[:, : series.size])
    memory = (layers.GRU if cell == "gru" else layers.LSTM)(units)(past)
    features = layers.Concatenate()([memory, inputs[:, series.size :]])
    hidden = layers.Dense(units, activation="relu")(features)
    return keras.Model(inputs, layers.Dense(outputs, activation=activation)(hidden))


@candidate
def tcn(problem: Problem, *, filters: Size = 32, **training: Unpack[Training]) -> BaseEstimator:
    """A temporal convolutional network (Bai et al., 2018) in Keras."""
    series = problem.require_series("tcn")
    return problem.network(convolutional_network, training, series=series, filters=filters)


def convolutional_network(
    columns: int, outputs: int, activation: str, *, series: Series, filters: int
) -> "keras.Model":
    """Causal convolutions, each seeing twice as far back, up to all of it; and the others."""
    layers, inputs, reach = keras.layers, keras.Input((columns,)), 1
    past = layers.Dense(filters)(layers.Reshape(series.shape)(inputs[:, : series.size]))
    while reach < series.window:
        convolution = layers.Conv1D(filters, 2, dilation_rate=reach, padding="causal")
        past = layers.Add()([past, layers.Activation("relu")(convolution(past))])
        reach *= 2
    features = layers.Concatenate()([past[:, -1], inputs[:, series.size :]])
    hidden = layers.Dense(filters, activation="relu")(features)
    return keras.Model(inputs, layers.Dense(outputs, activation=activation)(hidden))
