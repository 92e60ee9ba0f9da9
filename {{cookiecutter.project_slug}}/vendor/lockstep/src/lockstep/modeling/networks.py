"""Keras networks as scikit-learn estimators.

Every constructor argument is a parameter that `clone` keeps; `fit` builds and trains the network.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.model_selection import train_test_split
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from ..core.runtime import import_keras
from .archive import write_keras

if TYPE_CHECKING:
    import keras

    from .training import Inputs, Rows, Shuffled, Vary

NETWORK = "network_"


class Parts(Protocol):
    """Rows that do not fit into memory, with their features as numbers."""

    labels: np.ndarray | None
    """(n_classes,) labels, of which the rows have the places; none of a regression."""

    def __len__(self) -> int:
        """How many rows there are."""
        ...

    def targets(self) -> Iterator[np.ndarray]:
        """(n_rows,) places in `labels`, or targets, part by part."""
        ...

    def shuffled(self, rng: np.random.Generator) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """(n_rows, n_features) numbers, and places in `labels` or targets, in another order."""
        ...


class _Shuffled:
    """The parts as a network takes them."""

    def __init__(self, estimator: Network, parts: Parts) -> None:
        self.estimator, self.of = estimator, parts

    def __len__(self) -> int:
        return len(self.of)

    def parts(self, rng: np.random.Generator) -> Iterator[Rows]:
        from .training import Rows

        labels, targets = self.of.labels, self.estimator._targets
        of_labels = None if labels is None else targets(labels)
        for X, y in self.of.shuffled(rng):
            if of_labels is None:
                pair = targets(y)
            else:
                pair = tuple(each[y.astype(int)] for each in of_labels)
            yield Rows(self.estimator._inputs(X), *pair)


parameters = dataclass(kw_only=True, eq=False, repr=False)
"""Makes a constructor of a class's fields, each of which is a parameter to scikit-learn."""


@parameters
class Network(BaseEstimator):
    """What all networks share.

    Attributes:
        network_: The trained `keras.Model`, with the weights of its best epoch.
        history_: `loss` and `val_loss` by epoch.
        n_features_in_: Number of columns seen in `fit`.
    """

    dropout: float = 0.0
    """Share of a layer's outputs dropped while training."""
    learning_rate: float = 0.01
    """Step size of Adam (Kingma and Ba, 2015)."""
    schedule: str = "constant"
    """How it goes on: `constant`; `cosine`, down to nearly none at `max_epochs`; or `plateau`,
    halved after half of `patience` epochs without a better validation loss."""
    batch_size: int = 16
    """Rows per gradient step."""
    max_epochs: int = 200
    """Passes over the training rows at the most."""
    patience: int = 10
    """Epochs without a better validation loss before training stops."""
    validation_fraction: float = 0.2
    """Share of the rows given to `fit` that early stopping watches."""
    random_state: int = 0
    """Seed of the weights, the shuffling and the validation rows."""

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = super().__getstate__()
        return state | {NETWORK: _pack(state[NETWORK])} if NETWORK in state else state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(
            state | {NETWORK: _unpack(state[NETWORK])} if NETWORK in state else state
        )

    def _build(self, columns: int, outputs: int, activation: str) -> keras.Model:
        """An untrained network for so many columns of X and so many outputs.

        Its layers are named, because Keras would number them by how many it has made before.
        """
        raise NotImplementedError

    def _inputs(self, X: np.ndarray) -> Inputs:
        """What the network takes for (n_rows, n_features) float32 numbers."""
        return (X,)

    @property
    def _vary(self) -> Vary | None:
        """What makes other inputs of those of a batch, in every epoch anew."""
        return None

    def _learn_targets(self, parts: Iterable[np.ndarray]) -> None:
        """Find what `_targets` needs of all (n_rows,) labels or targets, which come in parts."""
        raise NotImplementedError

    def _targets(self, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(n_rows,) what the network's outputs are compared with, and (n_rows,) weights."""
        raise NotImplementedError

    def _rows(self, X: np.ndarray, y: np.ndarray) -> Rows:
        from .training import Rows

        return Rows(self._inputs(X), *self._targets(y))

    def fit(self, X: Any, y: Any) -> Self:
        """Train on (n_rows, n_features) numbers and (n_rows,) labels or targets."""
        X, y = self._validated(X, y)
        self._learn_targets([y])
        rows, watched = self.watched_apart(y)
        self._train(self._rows(X[rows], y[rows]), self._rows(X[watched], y[watched]), X.shape[1])
        return self

    def fit_batches(self, parts: Parts, X: Any, y: Any) -> Self:
        """Train on rows of any number, of which a part is in memory at a time.

        Args:
            parts: What to learn from.
            X: (n_rows, n_features) other numbers, which early stopping watches.
            y: (n_rows,) labels or targets of these.
        """
        X, y = self._validated(X, y)
        labels = parts.labels
        self._learn_targets(
            part if labels is None else labels[part.astype(int)] for part in parts.targets()
        )
        self._train(_Shuffled(self, parts), self._rows(X, y), X.shape[1])
        return self

    def _validated(self, X: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
        raise NotImplementedError

    _outputs_of: ClassVar[tuple[str, str]]
    """What comes out of the last layer, and the loss, as Keras calls them."""

    def _train(self, rows: Rows | Shuffled, watched: Rows, columns: int) -> None:
        from .training import Training, train

        # Also seeds Python's and numpy's global generators, which Keras draws from.
        import_keras().utils.set_random_seed(self.random_state)
        activation, loss = self._outputs_of
        self.network_ = self._build(columns, self._many_outputs(), activation)
        how = Training(
            loss=loss,
            learning_rate=self.learning_rate,
            schedule=self.schedule,
            batch_size=self.batch_size,
            max_epochs=self.max_epochs,
            patience=self.patience,
            seed=self.random_state,
        )
        self.history_ = train(self.network_, type(self).__name__, rows, watched, how, self._vary)

    def _many_outputs(self) -> int:
        return 1

    def watched_apart(self, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The places of the rows to learn from and of those that early stopping watches.

        Args:
            y: (n_rows,) labels or targets.
        """
        if len(y) < 2:
            raise ValueError(f"n_samples={len(y)}: a network needs two rows, one of them to watch")
        watched = min(max(1, round(len(y) * self.validation_fraction)), len(y) - 1)
        rows, watched = train_test_split(
            np.arange(len(y)),
            test_size=watched,
            random_state=self.random_state,
            stratify=self._strata(y, watched),
        )
        return rows, watched

    def _strata(self, y: np.ndarray, watched: int) -> np.ndarray | None:  # noqa: ARG002
        """(n_rows,) what to draw equal shares of, if anything, for so many watched rows."""
        return None

    def _outputs(self, X: Any) -> np.ndarray:
        from .training import predict

        check_is_fitted(self, NETWORK)
        X = validate_data(self, X, reset=False, dtype="float32")
        return predict(self.network_, self._inputs(X))


@parameters
class NetworkClassifier(ClassifierMixin, Network):
    """A network with a softmax over the classes."""

    class_weight: str | None = None
    """`balanced` gives every class the same weight, however rare its rows are."""

    _outputs_of = ("softmax", "sparse_categorical_crossentropy")

    def _validated(self, X: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
        X, y = validate_data(self, X, y, dtype="float32")
        check_classification_targets(y)
        return X, y

    def _learn_targets(self, parts: Iterable[np.ndarray]) -> None:
        import pandas as pd

        found = [pd.factorize(part) for part in parts]
        self.classes_, places = np.unique(
            np.concatenate([classes for _, classes in found]), return_inverse=True
        )
        if len(self.classes_) < 2:
            raise ValueError(f"the rows hold one class only, {self.classes_[0]!r}; two are needed")
        rows = np.bincount(places, np.concatenate([np.bincount(codes) for codes, _ in found]))
        self.class_weights_ = compute_class_weight(
            self.class_weight, classes=self.classes_, y=self.classes_, sample_weight=rows
        )

    def _targets(self, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        import pandas as pd

        codes = pd.Index(self.classes_).get_indexer(y)
        return codes.astype("int32"), self.class_weights_[codes].astype("float32")

    def _many_outputs(self) -> int:
        return len(self.classes_)

    def _strata(self, y: np.ndarray, watched: int) -> np.ndarray | None:
        _, y, counts = np.unique(y, return_inverse=True, return_counts=True)
        every_class_fits = min(watched, len(y) - watched) >= len(counts) and counts.min() >= 2
        return y if every_class_fits else None

    def predict_proba(self, X: Any) -> np.ndarray:
        """(n_rows, n_classes) probabilities, in the order of `classes_`; each row sums to 1."""
        outputs = self._outputs(X)
        likely: np.ndarray = outputs / outputs.sum(axis=1, keepdims=True)
        return likely

    def predict(self, X: Any) -> np.ndarray:
        """(n_rows,) most probable class."""
        likely = self.predict_proba(X)
        classes: np.ndarray = self.classes_[likely.argmax(axis=1)]
        return classes


@parameters
class NetworkRegressor(RegressorMixin, Network):
    """A network with one linear output, trained on the standardised target."""

    _outputs_of = ("linear", "mean_squared_error")

    def _validated(self, X: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
        X, y = validate_data(self, X, y, dtype="float32", y_numeric=True)
        return X, np.asarray(y, dtype="float64")

    def _learn_targets(self, parts: Iterable[np.ndarray]) -> None:
        """Mean and standard deviation, merged as Chan, Golub and LeVeque (1979) do."""
        rows, self.mean_, variance = 0, 0.0, 0.0
        for part in parts:
            y = np.asarray(part, dtype="float64")
            share, gap = len(y) / (rows + len(y)), y.mean() - self.mean_
            variance += share * (y.var() - variance) + share * (1 - share) * gap**2
            self.mean_ += float(share * gap)
            rows += len(y)
        self.scale_ = float(np.sqrt(variance)) or 1.0

    def _targets(self, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        standardised = (np.asarray(y, dtype="float64") - self.mean_) / self.scale_
        return standardised.astype("float32"), np.ones(len(y), dtype="float32")

    def predict(self, X: Any) -> np.ndarray:
        """(n_rows,) predictions in the target's unit."""
        return self._outputs(X)[:, 0] * self.scale_ + self.mean_


@parameters
class Perceptron(Network):
    """Dense layers, each followed by dropout."""

    hidden_units: tuple[int, ...] = (32,)
    """Units of each hidden layer, first to last."""

    def _build(self, columns: int, outputs: int, activation: str) -> keras.Model:
        keras = import_keras()
        layers = keras.layers
        return keras.Sequential(
            [
                layers.Input((columns,), name="features"),
                *_hidden(self.hidden_units, self.dropout),
                layers.Dense(outputs, activation=activation, name="outputs"),
            ],
            name="perceptron",
        )


@parameters
class PerceptronClassifier(NetworkClassifier, Perceptron):
    """A multilayer perceptron for classes."""


@parameters
class PerceptronRegressor(NetworkRegressor, Perceptron):
    """A multilayer perceptron for a number."""


@parameters
class WideAndDeep(Network):
    """A linear model and a perceptron whose outputs are added (Cheng et al., 2016).

    The first columns of X are codes of categories, whole numbers from 0. The linear model has a
    weight for each, the perceptron an embedding; one embedding serves all missing (below 0) and
    unknown codes of a column.
    """

    codes: tuple[int, ...] = ()
    """Number of categories of each of the first columns; all others are numbers."""
    embedding: int = 4
    """Numbers that stand for a category in the perceptron."""
    hidden_units: tuple[int, ...] = (32,)
    """Units of each hidden layer of the perceptron, first to last."""

    def _build(self, columns: int, outputs: int, activation: str) -> keras.Model:
        keras = import_keras()
        layers = keras.layers
        inputs, wide, deep = [], [], []
        if self.codes:
            codes = layers.Input((len(self.codes),), dtype="int32", name="codes")
            places = sum(self.codes) + len(self.codes)
            weights = layers.Embedding(places, outputs, "zeros", name="weights_of_codes")(codes)
            embedded = layers.Embedding(places, self.embedding, name="embedding")(codes)
            inputs.append(codes)
            wide.append(layers.GlobalAveragePooling1D(name="wide_codes")(weights))
            deep.append(layers.Flatten(name="embedded")(embedded))
        if columns > len(self.codes):
            numbers = layers.Input((columns - len(self.codes),), name="numbers")
            inputs.append(numbers)
            wide.append(layers.Dense(outputs, name="wide_numbers")(numbers))
            deep.append(numbers)
        hidden = deep[0] if len(deep) == 1 else layers.Concatenate(name="deep")(deep)
        for layer in _hidden(self.hidden_units, self.dropout):
            hidden = layer(hidden)
        both = layers.Add(name="sum")([*wide, layers.Dense(outputs, name="deep_outputs")(hidden)])
        answer = layers.Activation(activation, name="outputs")(both)
        return keras.Model(inputs, answer, name="wide_and_deep")

    def _inputs(self, X: np.ndarray) -> Inputs:
        many = len(self.codes)
        known = np.array(self.codes, dtype="int32")
        codes = X[:, :many].astype("int32")
        # All columns share a table; each starts with the place for what is missing or unknown.
        places = np.where((codes >= 0) & (codes < known), codes + 1, 0)
        starts = np.cumsum(known + 1) - (known + 1)
        parts = [(places + starts).astype("int32"), X[:, many:]]
        return tuple(part for part in parts if part.shape[1])


@parameters
class WideAndDeepClassifier(NetworkClassifier, WideAndDeep):
    """A wide and deep network for classes."""


@parameters
class WideAndDeepRegressor(NetworkRegressor, WideAndDeep):
    """A wide and deep network for a number."""


@parameters
class ConvolutionalClassifier(NetworkClassifier):
    """Convolutions of 3x3 with max pooling of 2x2, dropout, softmax, as for MNIST in Keras' docs.

    X holds an image per row, its pixels line by line.
    """

    image: tuple[int, int, int] = (28, 28, 1)
    """Height, width and channels."""
    filters: tuple[int, ...] = (32, 64)
    """Filters of each convolution, first to last."""
    shift: int = 0
    """Pixels by which images are moved at random while training, up or down and to a side."""
    padding: str = "valid"
    """`valid` leaves out what the filter does not cover, `same` fills up with zeros."""
    dropout: float = 0.5
    learning_rate: float = 0.001
    batch_size: int = 128
    max_epochs: int = 30
    patience: int = 3
    validation_fraction: float = 0.1

    @property
    def _vary(self) -> Vary | None:
        return self._shifted if self.shift else None

    def _shifted(self, X: Inputs, rng: np.random.Generator) -> Inputs:
        height, width, _ = self.image
        edges = (self.shift, self.shift)
        images = np.pad(X[0].reshape(-1, *self.image), ((0, 0), edges, edges, (0, 0)))
        views = np.lib.stride_tricks.sliding_window_view(images, (height, width), axis=(1, 2))
        y, x = rng.integers(2 * self.shift + 1, size=(2, len(images)))
        moved = views[np.arange(len(images)), y, x].transpose(0, 2, 3, 1)
        return (moved.reshape(len(images), -1),)

    def _build(self, columns: int, outputs: int, activation: str) -> keras.Model:
        keras = import_keras()
        layers = keras.layers
        network = keras.Sequential(
            [
                layers.Input((columns,), name="pixels"),
                layers.Reshape(self.image, name="image"),
            ],
            name="convolutional",
        )
        for number, filters in enumerate(self.filters, start=1):
            name = f"convolution_{number}"
            network.add(
                layers.Conv2D(filters, 3, activation="relu", padding=self.padding, name=name)
            )
            network.add(layers.MaxPooling2D(name=f"pooling_{number}"))
        network.add(layers.Flatten(name="flat"))
        network.add(layers.Dropout(self.dropout, name="dropout"))
        network.add(layers.Dense(outputs, activation=activation, name="outputs"))
        return network


def _hidden(units: tuple[int, ...], dropout: float) -> list[keras.layers.Layer]:
    layers = import_keras().layers
    return [
        layer
        for number, width in enumerate(units, start=1)
        for layer in (
            layers.Dense(width, activation="relu", name=f"hidden_{number}"),
            layers.Dropout(dropout, name=f"dropout_{number}"),
        )
    ]


def _pack(network: keras.Model) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.keras"
        write_keras(network, path)
        return path.read_bytes()


def _unpack(content: bytes) -> keras.Model:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.keras"
        path.write_bytes(content)
        return import_keras().saving.load_model(path, compile=False)


@contextmanager
def without_network(estimator: BaseEstimator) -> Iterator[None]:
    """Leave the Keras network out of `estimator`, if it is one, while the block runs."""
    network = vars(estimator).pop(NETWORK, None)
    try:
        yield
    finally:
        if network is not None:
            vars(estimator)[NETWORK] = network
