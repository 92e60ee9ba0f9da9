"""Candidates for sequences, and the step that makes features of them."""

from typing import Literal, Unpack

import numpy as np
from lockstep import Problem, RandomConvolutions, Scope, Training, candidate, keras, step
from pydantic import PositiveFloat, PositiveInt
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from .common import Units, linear

Shape = tuple[int, int]


@step(takes="signals")
def summaries(_: Scope) -> TransformerMixin:
    """Of each channel its mean, standard deviation, minimum, maximum, slope and mean change."""
    return FunctionTransformer(summarise)


# A saved model names this function, so it must stay a function of this file.
def summarise(X: np.ndarray) -> np.ndarray:
    """(n_rows, 6 * channels) numbers of (n_rows, length, channels), nan where nothing is known."""
    values = np.ma.masked_invalid(np.ascontiguousarray(X.transpose(0, 2, 1)))
    mean = values.mean(axis=-1)
    places = np.ma.array(np.broadcast_to(np.arange(X.shape[1]), values.shape), mask=values.mask)
    places = places - places.mean(axis=-1)[..., None]
    slope = (places * (values - mean[..., None])).sum(axis=-1) / (places**2).sum(axis=-1)
    change = abs(np.ma.diff(values, axis=-1)).mean(axis=-1)
    parts = (mean, values.std(axis=-1), values.min(axis=-1), values.max(axis=-1), slope, change)
    return np.hstack([np.ma.filled(part.astype("float64"), np.nan) for part in parts])


# To the candidates below the sequence comes first, point by point, and then what its points share.


@candidate(takes_signals=True)
def rocket(
    problem: Problem, *, features: PositiveInt = 2520, alpha: PositiveFloat = 10.0
) -> BaseEstimator:
    """Many convolutions that are not learnt (Dempster et al., 2021), into a linear model.

    Args:
        features: about how many numbers they make of a sequence
        alpha: weight of the L2 penalty, beside the sum of the losses
    """
    shapes = RandomConvolutions(problem.require_signal("rocket"), features, problem.seed)
    return make_pipeline(shapes, StandardScaler(), linear(problem, alpha=alpha))


# The networks, as in common.py.


@candidate(takes_signals=True)
def rnn(
    problem: Problem,
    *,
    cell: Literal["gru", "lstm"] = "gru",
    units: PositiveInt = 64,
    **training: Unpack[Training],
) -> BaseEstimator:
    """A recurrent network, which reads a sequence point by point, in Keras.

    Args:
        cell: what remembers: `gru` (Cho et al., 2014) or `lstm` (Hochreiter and Schmidhuber, 1997)
        units: numbers that it remembers
    """
    signal = problem.require_signal("rnn")
    training = {**Training(learning_rate=0.003), **training}
    return problem.network(recurrent_network, training, signal=signal, cell=cell, units=units)


def recurrent_network(
    columns: int, outputs: int, activation: str, *, signal: Shape, cell: str, units: int
) -> "keras.Model":
    """A state that each point changes; where all is 0 there is no point, as before the first."""
    layers, inputs = keras.layers, keras.Input((columns,))
    points = layers.Masking()(layers.Reshape(signal)(inputs[:, : signal[0] * signal[1]]))
    state = (layers.GRU if cell == "gru" else layers.LSTM)(units)(points)
    hidden = layers.Concatenate()([state, inputs[:, signal[0] * signal[1] :]])
    return keras.Model(inputs, layers.Dense(outputs, activation=activation)(hidden))


@candidate(takes_signals=True)
def conv1d(
    problem: Problem,
    *,
    filters: Units = (64, 128, 64),
    width: PositiveInt = 7,
    **training: Unpack[Training],
) -> BaseEstimator:
    """A fully convolutional network (Wang et al., 2017), which looks for shapes, in Keras.

    Args:
        filters: filters of each convolution
        width: points that each convolution sees at once
    """
    signal = problem.require_signal("conv1d")
    training = {**Training(learning_rate=0.001), **training}
    return problem.network(
        convolutional_network, training, signal=signal, filters=filters, width=width
    )


def convolutional_network(
    columns: int, outputs: int, activation: str, *, signal: Shape, filters: Units, width: int
) -> "keras.Model":
    """Convolutions, and how strongly each filter of the last one answers on average."""
    layers, inputs = keras.layers, keras.Input((columns,))
    hidden = layers.Reshape(signal)(inputs[:, : signal[0] * signal[1]])
    for count in filters:
        hidden = layers.Conv1D(count, width, padding="same", use_bias=False)(hidden)
        # Few sequences make few batches, of which the usual momentum, 0.99, would need hundreds.
        hidden = layers.BatchNormalization(momentum=0.9)(hidden)
        hidden = layers.Activation("relu")(hidden)
    answers = layers.GlobalAveragePooling1D()(hidden)
    hidden = layers.Concatenate()([answers, inputs[:, signal[0] * signal[1] :]])
    return keras.Model(inputs, layers.Dense(outputs, activation=activation)(hidden))
