"""Training and using Keras networks so that networks of one shape are compiled once.

Compiling takes longer than training on a few hundred rows, and a cross-validation trains one
network per fold. So the folds share a compiled twin, which takes on the weights of each; and
every batch has the same number of rows, since another number would compile once more.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from math import ceil, cos, pi
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ..core.errors import UserError
from ..core.runtime import import_keras
from .archive import renumber
from .examples import Examples, Stream, fill_places

if TYPE_CHECKING:
    import keras
else:
    keras = import_keras()

ROWS_PREDICTED_AT_ONCE = 256
SECONDS_BETWEEN_LINES = 60


class Settings(Protocol):
    """How a network is trained; see `networks.Training`."""

    build: Callable[..., keras.Model]
    learning_rate: float
    schedule: str
    batch_size: int
    max_epochs: int
    patience: int
    random_state: int


class StreamedBatches(keras.utils.PyDataset):
    """Batches of a stream, in another order in every epoch.

    Args:
        stream: What the network learns from.
        size: Rows per batch.
        seed: Seed of the order.
    """

    def __init__(self, stream: Stream, size: int, seed: int) -> None:
        super().__init__()
        self.stream, self.size, self.seed = stream, size, seed
        self.epoch = 0
        self.batches: Iterator[Examples] = iter(())

    def __len__(self) -> int:
        return ceil(len(self.stream) / self.size)

    def __getitem__(self, number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        # Keras asks for one batch after the other, and some backends look at the first ones before.
        if number == 0:
            rng = np.random.default_rng([self.seed, self.epoch])
            self.batches = self.stream.batches(self.size, rng)
        batch = next(self.batches)
        return batch.X, batch.y, batch.weights

    def on_epoch_begin(self) -> None:
        """Count the epoch, which decides the order of its rows."""
        self.epoch += 1


def train(
    network: keras.Model,
    loss: str,
    learn: Examples | Stream,
    watch: Examples,
    settings: Settings,
) -> dict[str, list[float]]:
    """Train `network`, which takes the weights of its best epoch.

    Args:
        network: Built, with its first weights.
        loss: What is made small, as Keras calls it.
        learn: What it learns from.
        watch: What early stopping watches.
        settings: How it is trained.

    Returns:
        `loss` and `val_loss` by epoch.

    Raises:
        UserError: The loss is no number any more.
    """
    name, size = settings.build.__name__, settings.batch_size
    watch = _fill(watch, size)
    twin = _compile_to_train(network, loss, watch, size)
    _assign(twin.variables, _values(network.variables))
    _assign(twin.optimizer.variables, twin.first_state)
    twin.optimizer.learning_rate = settings.learning_rate
    # The order of the rows and, on torch, dropout are drawn from the global generators.
    keras.utils.set_random_seed(settings.random_state)
    history = twin.fit(
        **_fit_arguments(learn, settings),
        validation_data=(watch.X, watch.y, watch.weights),
        validation_batch_size=size,
        epochs=settings.max_epochs,
        callbacks=_callbacks(name, settings),
        verbose=0,
    )
    if not np.isfinite(history.history["loss"]).all():
        raise UserError(
            f"{name}: the loss is no number any more after {len(history.epoch)} epochs; "
            f"lower its learning_rate in params.yaml, which is {settings.learning_rate:g}"
        )
    _assign(network.weights, _values(twin.weights))
    return {key: history.history[key] for key in ("loss", "val_loss")}


def _fill(examples: Examples, size: int) -> Examples:
    """Examples in whole batches, each of which weighs as if the rows of weight zero were not there.

    Keras takes the mean loss over all rows.
    """
    filled = examples.fill(size)
    return filled.scale(len(filled) / len(examples))


def _fit_arguments(learn: Examples | Stream, settings: Settings) -> dict[str, Any]:
    """What `fit` takes: arrays or, where the rows come in parts, batches."""
    size = settings.batch_size
    if isinstance(learn, Stream):
        # Keras would shuffle the batches once more, by Python's own generator.
        return {"x": StreamedBatches(learn, size, settings.random_state), "shuffle": False}
    learn = _fill(learn, size)
    return {"x": learn.X, "y": learn.y, "sample_weight": learn.weights, "batch_size": size}


def predict(network: keras.Model, X: np.ndarray) -> np.ndarray:
    """(n_rows, n_outputs) outputs of `network` for (n_rows, n_features) numbers."""
    twin = _copy_to_predict(network)
    _assign(twin.weights, _values(network.weights))
    filled = X[fill_places(len(X), ROWS_PREDICTED_AT_ONCE)]
    outputs: np.ndarray = twin.predict(filled, batch_size=ROWS_PREDICTED_AT_ONCE, verbose=0)
    return outputs[: len(X)].astype("float64")


_twins: dict[tuple[str, str], keras.Model] = {}


def _shape_key(network: keras.Model, use: str) -> tuple[str, str]:
    """What networks of one shape have in common; Keras tells which parts are one by addresses."""
    return json.dumps(renumber(json.loads(network.to_json()), {})), use


def _compile_to_train(network: keras.Model, loss: str, rows: Examples, size: int) -> keras.Model:
    """A compiled network of the same shape, made once per process."""
    key = _shape_key(network, loss)
    if key not in _twins:
        twin = keras.models.clone_model(network)
        twin.compile(keras.optimizers.Adam(name="adam"), loss=loss)
        twin.optimizer.build(twin.trainable_variables)
        twin.first_state = _values(twin.optimizer.variables)
        # Keras draws from the layers' seeds when a network meets data for the first time.
        first = rows.take(slice(0, size))
        twin.fit(first.X, first.y, sample_weight=first.weights, batch_size=size, verbose=0)
        _twins[key] = twin
    return _twins[key]


def _copy_to_predict(network: keras.Model) -> keras.Model:
    """A network of the same shape, made once per process."""
    key = _shape_key(network, "prediction")
    if key not in _twins:
        _twins[key] = keras.models.clone_model(network)
    return _twins[key]


# Both copy: jax may share memory with numpy, and writes its results over the arrays of a step.
def _values(variables: Iterable[keras.Variable]) -> list[np.ndarray]:
    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]


def _assign(variables: Iterable[keras.Variable], values: Iterable[np.ndarray]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(np.array(value))


def _callbacks(name: str, settings: Settings) -> list[keras.callbacks.Callback]:
    callbacks = keras.callbacks
    halve = callbacks.ReduceLROnPlateau(factor=0.5, patience=max(1, settings.patience // 2))
    schedules = {
        "constant": [],
        "cosine": [callbacks.LearningRateScheduler(_cosine(settings))],
        "plateau": [halve],
    }
    return [
        *schedules[settings.schedule],
        callbacks.EarlyStopping(patience=settings.patience, restore_best_weights=True),
        callbacks.TerminateOnNaN(),
        Progress(name, settings.max_epochs),
    ]


def _cosine(settings: Settings) -> Callable[[int], float]:
    """From the whole learning rate to nearly none (Loshchilov and Hutter, 2017)."""
    rate, epochs = settings.learning_rate, settings.max_epochs
    return lambda epoch: rate * (1 + cos(pi * epoch / epochs)) / 2


class Progress(keras.callbacks.Callback):
    """The epoch and its loss: one changing line on a terminal, elsewhere a line each minute."""

    def __init__(self, name: str, max_epochs: int) -> None:
        super().__init__()
        self.name, self.max_epochs = name, max_epochs
        self.last_line = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        """Tell how far training is."""
        line = (
            f"{self.name}: epoch {epoch + 1} of at most {self.max_epochs}, "
            f"loss {logs['loss']:.4f}, on the watched rows {logs['val_loss']:.4f}"
        )
        if sys.stderr.isatty():
            print(f"\r{line}\033[K", end="", file=sys.stderr, flush=True)
        elif time.monotonic() - self.last_line > SECONDS_BETWEEN_LINES:
            self.last_line = time.monotonic()
            print(line, file=sys.stderr, flush=True)

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:  # noqa: ARG002
        """Clear the line."""
        if sys.stderr.isatty():
            print("\r\033[K", end="", file=sys.stderr, flush=True)
