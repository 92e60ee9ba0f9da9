"""Keras networks as scikit-learn estimators.

A network is a function that builds it; the estimators here train what it returns. Every argument of
a constructor is a parameter that `clone` keeps.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FunctionType
from typing import Annotated, Any, Literal, Self

import numpy as np
import pandas as pd
from pydantic import Field, PositiveFloat, PositiveInt
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data
from typing_extensions import TypedDict

from ..core.home import HOME
from ..data.inner_folds import find_units
from .archive import write_keras
from .examples import Examples, Stream
from .keras import keras
from .losses import OF_RATES, Loss, NumberLoss, find_loss
from .ordinal import find_places
from .rows_on_disk import NumbersOnDisk, Targets

NETWORK = "network_"

Build = Callable[..., Any]
"""`build(columns, outputs, activation, **options)`: an untrained network; see `Problem.network`."""


class Training(TypedDict, total=False):
    """How a network is trained: options that all networks share."""

    learning_rate: Annotated[
        PositiveFloat, Field(description="step size of Adam (Kingma and Ba, 2015)")
    ]
    schedule: Annotated[
        Literal["constant", "cosine", "plateau"],
        Field(
            description="how the learning rate goes down: `cosine` to nearly none at `max_epochs`, "
            "`plateau` by half after half of `patience` epochs without a better loss"
        ),
    ]
    batch_size: Annotated[PositiveInt, Field(description="rows per step")]
    max_epochs: Annotated[PositiveInt, Field(description="most passes over the rows")]
    patience: Annotated[
        PositiveInt,
        Field(description="epochs without a better loss on the watched rows before it stops"),
    ]
    validation_fraction: Annotated[
        float,
        Field(
            gt=0,
            lt=1,
            description="share of the train rows that are watched to find how many epochs are "
            "best, before it learns from all for so many",
        ),
    ]
    class_weight: Annotated[
        Literal["balanced"] | None,
        Field(description="`balanced` gives every class the same weight, however rare"),
    ]
    loss: Annotated[
        NumberLoss,
        Field(
            description="what is made small of numbers; `poisson` is for counts, `tweedie` for "
            "amounts that are mostly zero"
        ),
    ]
    power: Annotated[
        float,
        Field(gt=1, lt=2, description="of the mean, by which the variance goes; for `tweedie`"),
    ]


parameters = dataclass(kw_only=True, eq=False, repr=False)
"""Makes a constructor of a class's fields, each of which is a parameter to scikit-learn."""


@parameters
class Network(BaseEstimator):
    """What all networks share; see `Training` for the parameters that are not told here.

    Attributes:
        network_: The trained `keras.Model`, which has learnt from all rows for as many epochs as
            were best on the watched rows when it learnt from the others.
        history_: `loss` and `val_loss` by epoch of the training that watched rows.
        n_features_in_: Number of columns seen in `fit`.
    """

    build: Build
    """Returns the untrained network; see `Problem.network`."""
    options: dict[str, Any]
    """What `build` takes beside."""
    learning_rate: float = 0.01
    schedule: str = "constant"
    batch_size: int = 32
    max_epochs: int = 200
    patience: int = 10
    validation_fraction: float = 0.2
    random_state: int = 0
    """Seed of the weights, the shuffling and the validation rows."""

    @property
    def _activation_and_loss(self) -> tuple[str, Loss]:
        """What comes out of the last layer, and what is made small, as Keras takes them."""
        raise NotImplementedError

    def _finish(self, network: keras.Model) -> keras.Model:
        """The network that was built, with what has to come after it."""
        return network

    @property
    def _last_layer(self) -> keras.Layer:
        """That of the network that was built."""
        return self.network_.layers[-1]

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = super().__getstate__()
        if NETWORK not in state:
            return state
        with TemporaryDirectory() as folder:
            path = Path(folder) / "network.keras"
            write_keras(state[NETWORK], path)
            return state | {NETWORK: path.read_bytes()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        if NETWORK in state:
            with TemporaryDirectory() as folder:
                path = Path(folder) / "network.keras"
                path.write_bytes(state[NETWORK])
                state = state | {NETWORK: load_network(path)}
        super().__setstate__(state)

    def fit(self, X: Any, y: Any) -> Self:
        """Train on (n_rows, n_features) numbers and (n_rows,) labels or targets."""
        X, y = self._validate(X, y)
        return self._fit(X, y, np.ones(len(y)))

    def _fit(self, X: np.ndarray, y: np.ndarray, weights: np.ndarray) -> Self:
        self._learn_targets([y])
        learn, watch = self.hold_out(y)
        rows = self._encode(X, y).scale(weights)
        self._train(rows.take(learn), rows.take(watch), rows)
        return self

    def fit_batches(
        self,
        rows: NumbersOnDisk,
        learn: NumbersOnDisk,
        X: Any,
        y: Any,
        sample_weight: np.ndarray | float = 1.0,
    ) -> Self:
        """Train on rows of which a part is in memory at a time.

        Args:
            rows: All of them.
            learn: Those to learn from while early stopping watches others.
            X: (n_watched, n_features) numbers of the rows that it watches.
            y: (n_watched,) their labels or targets.
            sample_weight: (n_watched,) what each of them counts, or one number for all.
        """
        X, y = self._validate(X, y)
        self._learn_targets(rows.targets())
        watch = self._encode(X, y).scale(sample_weight)
        self._train(self._stream(learn), watch, self._stream(rows))
        return self

    def hold_out(self, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The positions of the rows to learn from and of those that early stopping watches."""
        if len(y) < 2:
            raise ValueError(f"n_samples={len(y)}: a network needs two rows, one of them to watch")
        units = find_units(len(y))
        is_watched = units.draw(self._stratify(y), self.validation_fraction, self.random_state)
        return np.flatnonzero(units.find_learnable(is_watched)), np.flatnonzero(is_watched)

    def embed(self, X: Any) -> np.ndarray:
        """(n_rows, n_units) what the last layer takes in; X itself where it takes several."""
        inputs = self._last_layer.input
        if isinstance(inputs, list):
            return np.asarray(X)
        below = keras.Model(self.network_.inputs[0], inputs, name="below")
        return self._predict(below, X).reshape(len(X), -1)

    def _stream(self, rows: NumbersOnDisk) -> Stream:
        def shuffle(rng: np.random.Generator) -> Iterator[Examples]:
            return (self._encode(X, y).scale(weights) for X, y, weights in rows.shuffle(rng))

        return Stream(len(rows), shuffle)

    def _train(self, learn: Examples | Stream, watch: Examples, rows: Examples | Stream) -> None:
        from .training import train

        columns, (activation, loss) = watch.X.shape[1], self._activation_and_loss
        outputs = self._count_outputs(columns)

        def build() -> keras.Model:
            # Also seeds Python's and numpy's global generators, which Keras draws from.
            keras.utils.set_random_seed(self.random_state)
            return self._finish(self.build(columns, outputs, activation, **self.options))

        # Keras names layers by how many the thread has made before: in a thread of its own they are
        # called the same whatever was built earlier.
        with ThreadPoolExecutor(1) as thread:
            self.network_ = thread.submit(build).result()
        self.history_ = train(self.network_, loss, learn, watch, rows, self)

    def _outputs(self, X: Any) -> np.ndarray:
        check_is_fitted(self, NETWORK)
        return self._predict(self.network_, X)

    def _predict(self, network: keras.Model, X: Any) -> np.ndarray:
        from .training import predict

        return predict(network, validate_data(self, X, reset=False, dtype="float32"))

    def _count_outputs(self, columns: int) -> int:  # noqa: ARG002
        """How many numbers come out, of so many columns."""
        return 1

    def _validate(self, X: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
        raise NotImplementedError

    def _learn_targets(self, parts: Iterable[Targets]) -> None:
        """Find what `_encode` needs of all (n_rows,) labels or targets, part by part."""
        raise NotImplementedError

    def _encode(self, X: np.ndarray, y: Targets) -> Examples:
        """Rows as the network learns from them."""
        raise NotImplementedError

    def _stratify(self, y: np.ndarray) -> np.ndarray:
        """(n_rows,) what early stopping is to watch an equal share of, or (n_rows, n_labels)."""
        return np.zeros(len(y))


@parameters
class NetworkClassifier(ClassifierMixin, Network):
    """A network with a softmax over the classes."""

    class_weight: str | None = None

    @property
    def _activation_and_loss(self) -> tuple[str, Loss]:
        return "softmax", "sparse_categorical_crossentropy"

    def _validate(self, X: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
        X, y = validate_data(self, X, y, dtype="float32")
        check_classification_targets(y)
        return X, y

    def _count_outputs(self, columns: int) -> int:  # noqa: ARG002
        return len(self.classes_)

    def _learn_targets(self, parts: Iterable[Targets]) -> None:
        factorized = [pd.factorize(part) for part in parts]
        self.classes_, places = np.unique(
            np.concatenate([classes for _, classes in factorized]), return_inverse=True
        )
        if len(self.classes_) < 2:
            raise ValueError(f"the rows hold one class only, {self.classes_[0]!r}; two are needed")
        counts = np.concatenate([np.bincount(codes) for codes, _ in factorized])
        self.class_weights_ = compute_class_weight(
            self.class_weight,
            classes=self.classes_,
            y=self.classes_,
            sample_weight=np.bincount(places, counts),
        )

    def _stratify(self, y: np.ndarray) -> np.ndarray:
        counts = np.unique(y, return_counts=True)[1]
        share = self.validation_fraction
        # Of many small classes, one row of each to watch would leave few to learn from.
        every_class_fits = min(share, 1 - share) * len(y) >= len(counts)
        return y if every_class_fits else super()._stratify(y)

    def _encode(self, X: np.ndarray, y: Targets) -> Examples:
        codes = pd.Index(self.classes_).get_indexer(y)
        return Examples(X, codes.astype("int32"), self.class_weights_[codes].astype("float32"))

    def predict_proba(self, X: Any) -> np.ndarray:
        """(n_rows, n_classes) probabilities, in the order of `classes_`; each row sums to 1."""
        outputs = self._outputs(X)
        probabilities: np.ndarray = outputs / outputs.sum(axis=1, keepdims=True)
        return probabilities

    def predict(self, X: Any) -> np.ndarray:
        """(n_rows,) most probable class."""
        probabilities = self.predict_proba(X)
        classes: np.ndarray = self.classes_[probabilities.argmax(axis=1)]
        return classes


@parameters
class NetworkLabeller(ClassifierMixin, Network):
    """A network with a sigmoid for each of several labels, of which a row has any."""

    @property
    def _activation_and_loss(self) -> tuple[str, Loss]:
        return "sigmoid", "binary_crossentropy"

    def _validate(self, X: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
        X, y = validate_data(self, X, y, dtype="float32", multi_output=True)
        return X, y

    def _learn_targets(self, parts: Iterable[Targets]) -> None:
        self.labels_ = next(iter(parts)).shape[1]

    def _count_outputs(self, columns: int) -> int:  # noqa: ARG002
        return int(self.labels_)

    def _stratify(self, y: np.ndarray) -> np.ndarray:
        return y

    def _encode(self, X: np.ndarray, y: Targets) -> Examples:
        return Examples(X, np.asarray(y, dtype="float32"), np.ones(len(y), dtype="float32"))

    def predict_proba(self, X: Any) -> np.ndarray:
        """(n_rows, n_labels) probability that a row has each label."""
        return self._outputs(X)

    def predict(self, X: Any) -> np.ndarray:
        """(n_rows, n_labels) 1 where a label is more probable than not."""
        labels: np.ndarray = (self.predict_proba(X) >= 0.5).astype("int8")
        return labels

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


@parameters
class NetworkOrdinal(NetworkClassifier):
    """A network with a score, from which thresholds make probabilities of classes in an order."""

    order: tuple[str, ...] = ()
    """The classes from low to high."""

    @property
    def _activation_and_loss(self) -> tuple[str, Loss]:
        return "linear", super()._activation_and_loss[1]

    def _count_outputs(self, columns: int) -> int:  # noqa: ARG002
        return 1

    def _learn_targets(self, parts: Iterable[Targets]) -> None:
        super()._learn_targets(parts)
        classes, places = find_places(self.classes_, self.order)
        self.classes_, self.class_weights_ = classes, self.class_weights_[np.argsort(places)]

    def _finish(self, network: keras.Model) -> keras.Model:
        from .layers import CumulativeLink

        chances = CumulativeLink(len(self.classes_))(network.outputs[0])
        return keras.Model(network.inputs, chances)

    @property
    def _last_layer(self) -> keras.Layer:
        return self.network_.layers[-2]


@parameters
class NetworkRegressor(RegressorMixin, Network):
    """A network with one output: the standardised target, or the logarithm of a rate.

    What is learnt of rates is their share of the mean rate, so that neither loss nor learning rate
    depends on the unit.
    """

    loss: NumberLoss = "squared_error"
    power: float = 1.5

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on (n_rows, n_features) numbers and (n_rows,) targets, of which each counts so."""
        X, y = self._validate(X, y)
        weights = np.asarray(_check_sample_weight(sample_weight, X, dtype="float64"))
        return self._fit(X, y, weights)

    @property
    def _activation_and_loss(self) -> tuple[str, Loss]:
        activation = "exponential" if self.loss in OF_RATES else "linear"
        return activation, find_loss(self.loss, self.power)

    def _validate(self, X: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
        X, y = validate_data(self, X, y, dtype="float32", y_numeric=True)
        y = np.asarray(y, dtype="float64")
        if self.loss in OF_RATES and (y.min() < 0 or not y.any()):
            raise ValueError(
                f"loss: {self.loss} takes numbers from 0, of which one at least is more"
            )
        return X, y

    def _learn_targets(self, parts: Iterable[Targets]) -> None:
        """Mean and standard deviation, merged as Chan, Golub and LeVeque (1979) do."""
        rows, self.mean_, variance = 0, 0.0, 0.0
        for part in parts:
            y = np.asarray(part, dtype="float64")
            share, gap = len(y) / (rows + len(y)), y.mean() - self.mean_
            variance += share * (y.var() - variance) + share * (1 - share) * gap**2
            self.mean_ += float(share * gap)
            rows += len(y)
        self.scale_ = float(np.sqrt(variance)) or 1.0
        if self.loss in OF_RATES:
            self.mean_, self.scale_ = 0.0, self.mean_ or 1.0

    def _encode(self, X: np.ndarray, y: Targets) -> Examples:
        standardised = (np.asarray(y, dtype="float64") - self.mean_) / self.scale_
        return Examples(X, standardised.astype("float32"), np.ones(len(y), dtype="float32"))

    def predict(self, X: Any) -> np.ndarray:
        """(n_rows,) predictions in the target's unit."""
        return self._outputs(X)[:, 0] * self.scale_ + self.mean_


@parameters
class NetworkForecaster(NetworkRegressor):
    """A network that learns the median, as forecasts are judged by their absolute errors."""

    loss: NumberLoss = "absolute_error"


def load_network(path: Path) -> keras.Model:
    """The network of a `.keras` file, to predict with."""
    from . import layers  # noqa: F401 - it registers the library's own ones

    if HOME:
        _register_again()
    return keras.saving.load_model(path, compile=False)


def _register_again() -> None:
    """Let Keras find the layers of this model's package by their names.

    It knows the last one of a name, which may be that of another model by now.
    """
    prefix = f"{HOME}."
    modules = [module for name, module in [*sys.modules.items()] if name.startswith(prefix)]
    for part in [part for module in modules for part in vars(module).values()]:
        if isinstance(part, type | FunctionType) and part.__module__.startswith(prefix):
            name = keras.saving.get_registered_name(part)
            if ">" in name:
                keras.saving.get_custom_objects()[name] = part


@contextmanager
def without_network(estimator: BaseEstimator) -> Iterator[None]:
    """Leave the Keras network out of `estimator`, if it is one, while the block runs."""
    network = vars(estimator).pop(NETWORK, None)
    try:
        yield
    finally:
        if network is not None:
            vars(estimator)[NETWORK] = network
