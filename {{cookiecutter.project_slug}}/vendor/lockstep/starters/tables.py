"""Candidates for tables."""

from typing import Unpack

from lockstep import Problem, SmoothTree, Training, candidate, keras
from pydantic import PositiveInt
from sklearn.base import BaseEstimator
from sklearn.tree import DecisionTreeRegressor

from .common import Balanced, Depth, Dropout, Hidden, LeafRows, Units


@candidate
def tree(
    problem: Problem,
    *,
    max_depth: Depth = None,
    min_samples_leaf: LeafRows = 10,
    class_weight: Balanced = None,
) -> BaseEstimator:
    """A decision tree: easy to read, seldom the best."""
    return problem.either(
        SmoothTree,
        DecisionTreeRegressor,
        max_depth=max_depth,
        min_samples_leaf=min_samples_leaf,
        class_weight=class_weight,
        random_state=problem.seed,
    )


@candidate(takes_codes=True)
def wide_and_deep(
    problem: Problem,
    *,
    hidden_units: Hidden = (64, 64),
    embedding: PositiveInt = 4,
    dropout: Dropout = 0.0,
    **training: Unpack[Training],
) -> BaseEstimator:
    """A linear model beside a network over embedded categories (Cheng et al., 2016), in Keras.

    Args:
        embedding: length of the vector that stands for a category
    """
    problem.require_table("wide_and_deep")
    return problem.network(
        linear_beside_perceptron,
        training,
        categories=problem.codes,
        hidden_units=hidden_units,
        embedding=embedding,
        dropout=dropout,
    )


def linear_beside_perceptron(
    columns: int,
    outputs: int,
    activation: str,
    *,
    categories: tuple[int, ...],
    hidden_units: Units,
    embedding: int,
    dropout: float,
) -> "keras.Model":
    """The first columns are codes of categories, from 0; -1 is a missing or unknown one."""
    layers = keras.layers
    inputs = keras.Input((columns,))
    wide, deep = [], []
    for place, count in enumerate(categories):
        code = inputs[:, place] + 1
        wide.append(layers.Embedding(count + 1, outputs, "zeros")(code))
        deep.append(layers.Embedding(count + 1, embedding)(code))
    if columns > len(categories):
        numbers = inputs[:, len(categories) :]
        wide.append(layers.Dense(outputs)(numbers))
        deep.append(numbers)
    hidden = layers.Concatenate()(deep) if len(deep) > 1 else deep[0]
    for units in hidden_units:
        hidden = layers.Dropout(dropout)(layers.Dense(units, activation="relu")(hidden))
    total = layers.Add()([*wide, layers.Dense(outputs)(hidden)])
    return keras.Model(inputs, layers.Activation(activation)(total))
