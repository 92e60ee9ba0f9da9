"""What a candidate may want to know beside its options."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from sklearn.base import BaseEstimator

from ..core.contract import Contract
from ..core.devices import require_gpu
from ..core.errors import UserError
from ..core.kinds import Kind
from ..core.params import Params
from ..data.inner_folds import InnerFolds
from .detectors import NetworkDetector
from .features import count_categories, find_token_shape
from .networks import (
    Build,
    NetworkClassifier,
    NetworkForecaster,
    NetworkLabeller,
    NetworkOrdinal,
    NetworkRegressor,
    Training,
)
from .series import Series
from .signals import find_shape
from .tokens import TokenShape

OF_NUMBERS, OF_CLASSES = ("loss", "power"), ("class_weight",)
"""Options that estimators of one kind alone take."""
Choice = TypeVar("Choice", bound=Callable[..., BaseEstimator])


@dataclass(frozen=True)
class Problem:
    """What is to be learnt."""

    kind: Kind
    seed: int
    codes: tuple[int, ...] = ()
    """Number of categories of each of the first columns, for a candidate that takes codes."""
    image: tuple[int, int, int] | None = None
    """Height, width and channels, when each row is an image."""
    series: Series | None = None
    """What a forecast is made from; None if nothing is forecast."""
    signal: tuple[int, int] | None = None
    """How many points and how many channels, when each row is a sequence."""

    tokens: TokenShape | None = None
    """How sentences come to a candidate that takes tokens; None if there are no sentences."""
    clusters: int | None = None
    """How many clusters there are to be; None if that is to be found."""
    order: tuple[str, ...] = ()
    """The classes from low to high, where the target has an order."""

    @property
    def classifies(self) -> bool:
        """Whether a class or labels are predicted, not a number.

        Of several labels a candidate is asked for what tells two classes apart: each label is.
        """
        return self.kind in ("classification", "multilabel")

    @property
    def finds_anomalies(self) -> bool:
        """Whether rows unlike the others are looked for, by detectors."""
        return self.kind == "anomalies"

    @property
    def finds_clusters(self) -> bool:
        """Whether rows that are alike are looked for, by clusterers."""
        return self.kind == "clustering"

    @property
    def inner_folds(self) -> InnerFolds:
        """What scikit-learn takes as `cv`, for an estimator that divides what it learns from."""
        return InnerFolds(self.seed, classifies=self.classifies)

    def either(self, classifier: Choice, regressor: Choice, **options: Any) -> BaseEstimator:
        """The one of two estimators that the problem asks for, made with `options`.

        Only classes can be weighted, so a regressor is not given `class_weight`; only numbers have
        a choice of what is made small, so a classifier is given no `loss` and no `power`.
        """
        for name in OF_NUMBERS if self.classifies else OF_CLASSES:
            options.pop(name, None)
        return classifier(**options) if self.classifies else regressor(**options)

    def require_table(self, name: str) -> None:
        """Refuse images.

        Args:
            name: The candidate that cannot learn from them.

        Raises:
            UserError: Each row is an image.
        """
        if self.image:
            raise UserError(
                f"params.yaml: train.candidates.{name}: it is for tables, and the contract "
                "describes images; cnn is for those"
            )

    def require_series(self, name: str) -> Series:
        """What a forecast is made from.

        Args:
            name: The candidate that learns from nothing else.

        Raises:
            UserError: Nothing is forecast.
        """
        if self.series is None:
            raise UserError(
                f"params.yaml: train.candidates.{name}: it forecasts series; `kind` is {self.kind}"
            )
        return self.series

    def require_order(self, name: str) -> tuple[str, ...]:
        """The classes from low to high.

        Args:
            name: The candidate that learns nothing else.

        Raises:
            UserError: They have no order.
        """
        if not self.order:
            raise UserError(
                f"params.yaml: train.candidates.{name}: it is for classes in an order, which a "
                "target has whose type is `ordered` in references/schema.yaml"
            )
        return self.order

    def require_signal(self, name: str) -> tuple[int, int]:
        """How many points the sequences have, and how many channels.

        Args:
            name: The candidate that learns from nothing else.

        Raises:
            UserError: There are no sequences.
        """
        if self.signal is None:
            raise UserError(
                f"params.yaml: train.candidates.{name}: it learns from sequences, which the "
                "contract has where it names a `sequence`"
            )
        return self.signal

    def require_tokens(self, name: str) -> TokenShape:
        """How many words of sentences are read, and how many are told apart.

        Args:
            name: The candidate that learns from nothing else.

        Raises:
            UserError: There are no sentences.
        """
        if self.tokens is None:
            raise UserError(
                f"params.yaml: train.candidates.{name}: it reads sentences, and the contract has "
                "no column of type text that `features` makes use of"
            )
        return self.tokens

    def require_classes(self, name: str) -> None:
        """Refuse numbers.

        Args:
            name: The candidate that tells classes apart.

        Raises:
            UserError: What is predicted is a number.
        """
        if not self.classifies:
            raise UserError(
                f"params.yaml: train.candidates.{name}: it tells classes apart; `kind` is "
                f"{self.kind}"
            )

    def require_images(
        self, name: str, convolutions: int = 0, *, keeps_edges: bool = True
    ) -> tuple[int, int, int]:
        """Height, width and channels of the images, whose shades are the first numbers of a row.

        Args:
            name: The candidate that learns from nothing else.
            convolutions: How many of 3x3 pixels, each before a pooling of 2x2, it begins with.
            keeps_edges: Whether they leave an image as large as it was.

        Raises:
            UserError: There are no images, or they are too small.
        """
        where = f"params.yaml: train.candidates.{name}"
        if not self.image:
            raise UserError(f"{where}: it learns from images, and the contract describes none")
        height, width, _ = self.image
        side = min(height, width)
        for _ in range(convolutions):
            side = (side if keeps_edges else side - 2) // 2
        if side < 1:
            raise UserError(
                f"{where}: nothing is left of {width}x{height} pixels after {convolutions} "
                "convolutions and poolings; fewer filters, or padding: same, leave more"
            )
        return self.image

    def network(self, build: Build, training: Training, **options: Any) -> BaseEstimator:
        """A Keras network as an estimator.

        Args:
            build: `build(columns, outputs, activation, **options)` returns the untrained
                `keras.Model` for so many columns of X, which gives so many outputs through the
                activation: as many as columns where anomalies are looked for. It must be a function
                of a module, since saved models name it.
            training: How it is trained.
            options: What `build` takes beside; kept with the model.

        Raises:
            UserError: Classes are to be weighted, and there are labels.
        """
        settings: dict[str, Any] = {**training}
        if self.kind == "multilabel" and settings.pop("class_weight", None):
            raise UserError(
                f"params.yaml: train.candidates: class_weight: {build.__name__} learns all labels "
                "at once, and cannot weight them; `train.decision: f1_macro` finds rare ones"
            )
        of_numbers = NetworkForecaster if self.series else NetworkRegressor
        classifier: Callable[..., BaseEstimator] = NetworkClassifier
        if len(self.order) > 2:
            classifier = partial(NetworkOrdinal, order=self.order)
        return self.either(
            NetworkLabeller if self.kind == "multilabel" else classifier,
            NetworkDetector if self.finds_anomalies else of_numbers,
            build=build,
            options=options,
            random_state=self.seed,
            **settings,
        )


def make_problem(params: Params, contract: Contract) -> Problem:
    """The problem that params.yaml and the contract describe.

    Raises:
        UserError: Networks are to learn on a GPU, and there is none that they can use.
    """
    if params.train.device == "gpu":
        require_gpu(params.keras_backend)
    return Problem(
        params.kind,
        params.seed,
        count_categories(contract, params.features),
        contract.images.shape if contract.images else None,
        Series.of_examples(contract),
        find_shape(contract),
        find_token_shape(contract, params.features),
        params.train.clusters,
        tuple(contract.classes) if contract.is_ordered else (),
    )
