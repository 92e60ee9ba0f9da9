"""The candidates: one function each, which params.yaml calls by its name.

To add one, write a function marked `@candidate` that takes the kind of problem, the seed and its
own options by keyword, and returns an unfitted scikit-learn estimator; then name it in params.yaml
under `train.candidates`.
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import Parameter, signature
from typing import Annotated, Any

from pydantic import Field, PositiveFloat, ValidationError, validate_call
from sklearn.base import BaseEstimator

from ..errors import UserError
from ..params import Count, Fraction, Kind, explain, nearest

CANDIDATES: dict[str, Callable[..., BaseEstimator]] = {}


def candidate(build: Callable[..., BaseEstimator]) -> Callable[..., BaseEstimator]:
    """Register `build` under its own name; its options are checked against its annotations."""
    CANDIDATES[build.__name__] = validate_call(config={"allow_inf_nan": False})(build)
    return build


@candidate
def baseline(kind: Kind, seed: int) -> BaseEstimator:
    """What any model must beat: always the most frequent class, or the mean."""
    from sklearn.dummy import DummyClassifier, DummyRegressor

    if kind == "classification":
        return DummyClassifier(strategy="prior", random_state=seed)
    return DummyRegressor(strategy="mean")


@candidate
def linear(kind: Kind, seed: int, *, alpha: PositiveFloat = 1.0) -> BaseEstimator:
    """Logistic or ridge regression; `alpha` is the weight of the L2 penalty."""
    from sklearn.linear_model import LogisticRegression, Ridge

    if kind == "classification":
        return LogisticRegression(C=1 / alpha, max_iter=1000, random_state=seed)
    return Ridge(alpha=alpha, random_state=seed)


@candidate
def mlp(
    kind: Kind,
    seed: int,
    *,
    hidden_units: tuple[Count, ...] = (32,),
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0,
    learning_rate: PositiveFloat = 0.01,
    batch_size: Count = 16,
    max_epochs: Count = 200,
    patience: Count = 10,
    validation_fraction: Fraction = 0.2,
) -> BaseEstimator:
    """A multilayer perceptron in Keras; see `networks.Perceptron` for the options."""
    from .networks import PerceptronClassifier, PerceptronRegressor

    perceptron = PerceptronClassifier if kind == "classification" else PerceptronRegressor
    return perceptron(
        hidden_units=hidden_units,
        dropout=dropout,
        learning_rate=learning_rate,
        batch_size=batch_size,
        max_epochs=max_epochs,
        patience=patience,
        validation_fraction=validation_fraction,
        random_state=seed,
    )


def build(name: str, options: dict[str, Any], kind: Kind, seed: int) -> BaseEstimator:
    """The unfitted candidate that params.yaml calls `name`, with its options.

    Raises:
        UserError: There is no such candidate, or it does not take such an option.
    """
    where = f"params.yaml: train.candidates.{name}"
    if name not in CANDIDATES:
        raise UserError(f"{where}: unknown candidate; {nearest(name, CANDIDATES)}")
    known = [
        option
        for option, parameter in signature(CANDIDATES[name]).parameters.items()
        if parameter.kind is Parameter.KEYWORD_ONLY
    ]
    for option in options:
        if option not in known:
            raise UserError(
                f"{where}.{option}: unknown option; {nearest(option, known or ['none'])}"
            )
    try:
        return CANDIDATES[name](kind, seed, **options)
    except ValidationError as error:
        raise UserError(explain(error, where)) from error
