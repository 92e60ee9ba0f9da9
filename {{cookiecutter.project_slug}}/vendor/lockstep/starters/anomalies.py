"""Candidates that look for anomalies: detectors, which learn what is usual, without labels."""

from typing import Annotated, Literal, Unpack

from lockstep import Ecod, PcaError, Problem, Training, candidate, keras
from pydantic import Field, PositiveInt
from sklearn.base import BaseEstimator
from sklearn.ensemble import IsolationForest
from sklearn.neighbors import LocalOutlierFactor

from .common import Hidden, Share, Trees, Units


@candidate
def isolation_forest(
    problem: Problem,
    *,
    trees: Trees = 200,
    sample: PositiveInt | Literal["auto"] = "auto",
    max_features: Share = 1.0,
) -> BaseEstimator:
    """How soon random splits leave a row alone (Liu et al., 2008).

    Args:
        sample: train rows that each tree is grown on; `auto` takes 256, or all
        max_features: share of the columns that each tree looks at
    """
    return IsolationForest(
        n_estimators=trees,
        max_samples=sample,
        max_features=max_features,
        random_state=problem.seed,
    )


@candidate
def lof(_: Problem, *, neighbours: PositiveInt = 20) -> BaseEstimator:
    """How much sparser a row lies than its nearest train rows (Breunig et al., 2000).

    Args:
        neighbours: nearest train rows that are looked at
    """
    return LocalOutlierFactor(n_neighbors=neighbours, novelty=True)


@candidate
def pca_error(_: Problem, *, share: Annotated[float, Field(gt=0, lt=1)] = 0.9) -> BaseEstimator:
    """How badly leading principal components give a row back.

    Args:
        share: of the variance, what the components hold; one at least is left out
    """
    return PcaError(share)


@candidate
def ecod(_: Problem) -> BaseEstimator:
    """How far a row is in the tails of all its columns together (Li et al., 2022)."""
    return Ecod()


@candidate
def autoencoder(
    problem: Problem,
    *,
    hidden_units: Hidden = (32,),
    code: PositiveInt = 4,
    **training: Unpack[Training],
) -> BaseEstimator:
    """How badly a network gives a row back that must pass through few numbers, in Keras.

    Args:
        code: numbers that all columns must pass through
    """
    return problem.network(bottleneck, training, hidden_units=hidden_units, code=code)


def bottleneck(
    columns: int, outputs: int, activation: str, *, hidden_units: Units, code: int
) -> "keras.Model":
    """Layers down to a few numbers, and the same ones up again."""
    network = keras.Sequential([keras.layers.Input((columns,))])
    for units in (*hidden_units, code, *reversed(hidden_units)):
        network.add(keras.layers.Dense(units, activation="tanh"))
    network.add(keras.layers.Dense(outputs, activation=activation))
    return network
