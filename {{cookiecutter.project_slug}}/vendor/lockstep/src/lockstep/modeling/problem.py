"""What a candidate may want to know beside its options."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from sklearn.base import BaseEstimator

from ..core.contract import Contract
from ..core.params import Kind, Params
from .features import count_categories
from .networks import Build, NetworkClassifier, NetworkRegressor, Training

Choice = TypeVar("Choice", bound=Callable[..., BaseEstimator])


@dataclass(frozen=True)
class Problem:
    """What is to be learnt."""

    kind: Kind
    seed: int
    codes: tuple[int, ...] = ()
    """Number of categories of each of the first columns, for a candidate that embeds them."""
    image: tuple[int, int, int] | None = None
    """Height, width and channels, when each row is an image."""

    @property
    def classifies(self) -> bool:
        """Whether a class is predicted, not a number."""
        return self.kind == "classification"

    def either(self, classifier: Choice, regressor: Choice, **options: Any) -> BaseEstimator:
        """The one of two estimators that the problem asks for, made with `options`.

        Only classes can be weighted, so a regressor is not given `class_weight`.
        """
        if self.classifies:
            return classifier(**options)
        options.pop("class_weight", None)
        return regressor(**options)

    def network(self, build: Build, training: Training, **options: Any) -> BaseEstimator:
        """A Keras network as an estimator.

        Args:
            build: `build(columns, outputs, activation, **options)` returns the untrained
                `keras.Model` for so many columns of X, which gives so many outputs through the
                activation. It must be a function of a module, since saved models name it.
            training: How it is trained.
            options: What `build` takes beside; kept with the model.
        """
        return self.either(
            NetworkClassifier,
            NetworkRegressor,
            build=build,
            options=options,
            random_state=self.seed,
            **training,
        )


def make_problem(params: Params, contract: Contract) -> Problem:
    """The problem that params.yaml and the contract describe."""
    return Problem(
        params.kind,
        params.seed,
        count_categories(contract, params.features),
        contract.images.shape if contract.images else None,
    )
