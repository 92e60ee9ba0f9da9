"""Candidates for problems of any kind."""

from typing import Annotated, Literal, Unpack

import lockstep
from lockstep import Problem, SmoothForest, SmoothNeighbours, Training, candidate, keras
from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt
from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge, TweedieRegressor
from sklearn.svm import SVC, SVR

Balanced = Annotated[
    Literal["balanced"] | None, Field(description="`balanced` gives every class the same weight")
]
Trees = Annotated[PositiveInt, Field(description="how many trees")]
Depth = Annotated[PositiveInt | None, Field(description="most splits above a leaf; any if `null`")]
LeafRows = Annotated[PositiveInt, Field(description="fewest train rows in a leaf")]
Share = Annotated[float, Field(gt=0, le=1)]
Units = tuple[PositiveInt, ...]
Hidden = Annotated[Units, Field(description="units of each hidden layer")]
Dropout = Annotated[
    float, Field(ge=0, lt=1, description="share of the units that each step leaves out")
]


@candidate(takes_terms=True)
def baseline(problem: Problem) -> BaseEstimator:
    """What any model must beat: class shares, the mean, or what the library has of other kinds."""
    if problem.kind in lockstep.BASELINES:
        return lockstep.BASELINES[problem.kind](problem)
    return DummyClassifier(strategy="prior") if problem.classifies else DummyRegressor()


@candidate(takes_terms=True)
def linear(
    problem: Problem,
    *,
    alpha: PositiveFloat = 1.0,
    loss: Literal["squared_error", "poisson", "tweedie"] = "squared_error",
    power: Annotated[float, Field(gt=1, lt=2)] = 1.5,
    class_weight: Balanced = None,
) -> BaseEstimator:
    """Logistic or ridge regression, or a generalised linear model of rates by their logarithm.

    Args:
        alpha: weight of the L2 penalty; beside the mean loss of rates, the sum of other losses
        loss: what a regression makes small; `poisson` is for counts, `tweedie` for amounts
        power: of the mean, by which the variance of amounts goes
    """
    if problem.classifies:
        return LogisticRegression(C=1 / alpha, class_weight=class_weight, max_iter=1000)
    if loss == "squared_error":
        return Ridge(alpha=alpha)
    return TweedieRegressor(power=1 if loss == "poisson" else power, alpha=alpha, max_iter=1000)


@candidate
def knn(
    problem: Problem,
    *,
    neighbours: PositiveInt = 15,
    weights: Literal["uniform", "distance"] = "distance",
) -> BaseEstimator:
    """The classes, or the mean, of the nearest train rows.

    Args:
        neighbours: nearest train rows that are asked
        weights: whether a nearer row counts more
    """
    return problem.either(
        SmoothNeighbours, lockstep.WeightedNeighbours, n_neighbors=neighbours, weights=weights
    )


@candidate
def svm(
    problem: Problem,
    *,
    kernel: Literal["rbf", "poly", "sigmoid", "linear"] = "rbf",
    penalty: PositiveFloat = 1.0,
    gamma: PositiveFloat | Literal["scale"] = "scale",
    class_weight: Balanced = None,
) -> BaseEstimator:
    """A support vector machine.

    Its probabilities come from a sigmoid over its decisions (Platt, 1999); a regression learns the
    standardised target, so that the options do not depend on its unit.

    Args:
        kernel: how alike two rows are
        penalty: what rows beyond the margin cost, often called C
        gamma: how fast likeness ends with distance; `scale` follows the spread
    """
    if problem.classifies:
        svc = SVC(C=penalty, kernel=kernel, gamma=gamma, class_weight=class_weight)
        return CalibratedClassifierCV(svc, ensemble=False, cv=problem.inner_folds)
    return lockstep.StandardisedTarget(SVR(C=penalty, kernel=kernel, gamma=gamma))


@candidate
def forest(
    problem: Problem,
    *,
    trees: Trees = 100,
    max_depth: Depth = None,
    max_features: Share | None = None,
    min_samples_leaf: LeafRows = 2,
    class_weight: Balanced = None,
) -> BaseEstimator:
    """A random forest (Breiman, 2001).

    Args:
        max_features: share of the columns that each split is looked for in; `null` is the square
            root of their number for classes, and all for numbers
    """
    return problem.either(
        SmoothForest,
        RandomForestRegressor,
        n_estimators=trees,
        max_depth=max_depth,
        max_features=max_features or ("sqrt" if problem.classifies else 1.0),
        min_samples_leaf=min_samples_leaf,
        class_weight=class_weight,
        random_state=problem.seed,
    )


@candidate(takes_codes=True)
def boosting(
    problem: Problem,
    *,
    learning_rate: PositiveFloat = 0.05,
    trees: Trees = 300,
    max_leaf_nodes: Annotated[int, Field(ge=2)] = 8,
    min_samples_leaf: LeafRows = 20,
    max_features: Share = 0.5,
    l2: NonNegativeFloat = 5.0,
    loss: Literal["squared_error", "absolute_error", "poisson"] = "squared_error",
    class_weight: Balanced = None,
) -> BaseEstimator:
    """Gradient boosting of small trees over histograms (Friedman, 2001; Ke et al., 2017).

    Args:
        learning_rate: how far each tree follows the loss
        max_leaf_nodes: most leaves of a tree
        max_features: share of the columns that each split is looked for in
        l2: weight of the L2 penalty on the leaves
        loss: what is made small of numbers; `poisson` is for counts
    """
    return problem.either(
        HistGradientBoostingClassifier,
        HistGradientBoostingRegressor,
        learning_rate=learning_rate,
        max_iter=trees,
        max_leaf_nodes=max_leaf_nodes,
        min_samples_leaf=min_samples_leaf,
        max_features=max_features,
        l2_regularization=l2,
        loss=loss,
        categorical_features=[place for place, count in enumerate(problem.codes) if count <= 255],
        class_weight=class_weight,
        early_stopping=False,
        random_state=problem.seed,
    )


# The networks: a candidate each, and a function that builds the network for so many columns and
# outputs. All share the options of `Training`; a new option is one more keyword of both functions.


@candidate
def mlp(
    problem: Problem,
    *,
    hidden_units: Hidden = (64, 64),
    dropout: Dropout = 0.0,
    **training: Unpack[Training],
) -> BaseEstimator:
    """A multilayer perceptron in Keras."""
    return problem.network(perceptron, training, hidden_units=hidden_units, dropout=dropout)


def perceptron(
    columns: int, outputs: int, activation: str, *, hidden_units: Units, dropout: float
) -> "keras.Model":
    """Dense layers, each followed by dropout."""
    network = keras.Sequential([keras.layers.Input((columns,))])
    for units in hidden_units:
        network.add(keras.layers.Dense(units, activation="relu"))
        network.add(keras.layers.Dropout(dropout))
    network.add(keras.layers.Dense(outputs, activation=activation))
    return network
