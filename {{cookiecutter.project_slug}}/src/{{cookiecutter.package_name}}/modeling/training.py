"""Training and using Keras networks so that networks of one shape are compiled once.

Compiling takes longer than training on a few hundred rows, and a cross-validation trains one
network per fold. So the folds share a compiled twin, which takes on the weights of each; and
every batch has the same number of rows, since another number would compile once more.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import ceil, cos, pi

import numpy as np

from ..errors import UserError
from ..reproducibility.runtime import import_keras

keras = import_keras()
# What a network takes: one array or several, of n_rows each.
Inputs = tuple[np.ndarray, ...]
Vary = Callable[[Inputs, np.random.Generator], Inputs]

PREDICTED_AT_ONCE = 256
SECONDS_BETWEEN_LINES = 60


class Batches(keras.utils.PyDataset):
    """Rows in batches of equal size; the last one is filled up with rows of weight zero.

    Args:
        X: The network's inputs, each an array of n_rows.
        y: (n_rows,) targets; without them a batch is features alone.
        weights: (n_rows,) what each row counts for.
        size: Rows per batch.
        rng: Draws another order for every epoch; without it rows stay in theirs.
        vary: Makes other inputs of those of a batch each time, with `rng`.
    """

    def __init__(
        self,
        X: Inputs,
        y: np.ndarray | None = None,
        weights: np.ndarray | None = None,
        *,
        size: int,
        rng: np.random.Generator | None = None,
        vary: Vary | None = None,
    ) -> None:
        super().__init__()
        self.X, self.y, self.weights = X, y, weights
        self.size = size
        self.rng, self.vary = rng, vary
        self.rows = np.arange(len(X[0]))

    def __len__(self) -> int:
        return ceil(len(self.rows) / self.size)

    def __getitem__(self, number: int) -> tuple[Inputs | np.ndarray, ...]:
        rows = self.rows[number * self.size : (number + 1) * self.size]
        filled = np.resize(rows, self.size)
        X = tuple(part[filled] for part in self.X)
        if self.vary is not None:
            X = self.vary(X, self.rng)
        inputs = X[0] if len(X) == 1 else X
        if self.y is None or self.weights is None:
            return (inputs,)
        # Keras takes the mean over all rows of all batches, those of weight zero included.
        weights = self.weights[filled] * np.float32(len(self) * self.size / len(self.rows))
        weights[len(rows) :] = 0
        return inputs, self.y[filled], weights

    def on_epoch_begin(self) -> None:
        """Draw the order of the epoch's rows."""
        if self.rng is not None:
            self.rows = self.rng.permutation(len(self.rows))


@dataclass(frozen=True)
class Rows:
    """The network's inputs, (n_rows,) targets and (n_rows,) weights."""

    X: Inputs
    y: np.ndarray
    weights: np.ndarray


@dataclass(frozen=True)
class Training:
    """How a network is trained."""

    loss: str
    learning_rate: float
    schedule: str
    batch_size: int
    max_epochs: int
    patience: int
    seed: int


def train(
    network: keras.Model,
    name: str,
    rows: Rows,
    watched: Rows,
    how: Training,
    vary: Vary | None = None,
) -> dict[str, list[float]]:
    """Train `network`, which takes the weights of its best epoch.

    Args:
        network: Built, with its first weights.
        name: What progress calls it.
        rows: What it learns from.
        watched: What early stopping watches.
        how: All settings.
        vary: Makes other inputs of those of `rows` in every epoch.

    Returns:
        `loss` and `val_loss` by epoch.

    Raises:
        UserError: The loss is no number any more.
    """
    size = how.batch_size
    first = Batches(
        tuple(part[:size] for part in rows.X), rows.y[:size], rows.weights[:size], size=size
    )
    twin = _compiled_to_train(network, how.loss, first)
    _assign(twin.variables, _values(network.variables))
    _assign(twin.optimizer.variables, twin.first_state)
    twin.optimizer.learning_rate = how.learning_rate
    # Dropout on torch draws from the global generator, which compiling may have moved on.
    keras.utils.set_random_seed(how.seed)
    rng = np.random.default_rng(how.seed)
    history = twin.fit(
        Batches(rows.X, rows.y, rows.weights, size=size, rng=rng, vary=vary),
        validation_data=Batches(watched.X, watched.y, watched.weights, size=size),
        epochs=how.max_epochs,
        callbacks=_callbacks(name, how),
        # Keras would shuffle the batches once more, by Python's own generator.
        shuffle=False,
        verbose=0,
    )
    if not np.isfinite(history.history["loss"]).all():
        raise UserError(
            f"{name}: the loss is no number any more after {len(history.epoch)} epochs; "
            f"lower its learning_rate in params.yaml, which is {how.learning_rate:g}"
        )
    _assign(network.weights, _values(twin.weights))
    return {key: history.history[key] for key in ("loss", "val_loss")}


def predict(network: keras.Model, X: Inputs) -> np.ndarray:
    """(n_rows, n_outputs) outputs of `network` for its inputs."""
    twin = _compiled_to_predict(network)
    _assign(twin.weights, _values(network.weights))
    outputs = twin.predict(Batches(X, size=PREDICTED_AT_ONCE), verbose=0)
    return outputs[: len(X[0])].astype("float64")


_twins: dict[tuple[str, str], keras.Model] = {}


def _compiled_to_train(network: keras.Model, loss: str, batch: Batches) -> keras.Model:
    """A compiled network of the same shape, made once per process."""
    key = (network.to_json(), loss)
    if key not in _twins:
        twin = keras.models.clone_model(network)
        twin.compile(keras.optimizers.Adam(name="adam"), loss=loss)
        twin.optimizer.build(twin.trainable_variables)
        twin.first_state = _values(twin.optimizer.variables)
        # Keras draws from the layers' seeds when a network meets data for the first time.
        twin.fit(batch, shuffle=False, verbose=0)
        _twins[key] = twin
    return _twins[key]


def _compiled_to_predict(network: keras.Model) -> keras.Model:
    """A network of the same shape, made once per process."""
    key = (network.to_json(), "prediction")
    if key not in _twins:
        _twins[key] = keras.models.clone_model(network)
    return _twins[key]


# Both copy: jax may share memory with numpy, and writes its results over the arrays of a step.
def _values(variables: Iterable[keras.Variable]) -> list[np.ndarray]:
    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]


def _assign(variables: Iterable[keras.Variable], values: Iterable[np.ndarray]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(np.array(value))


def _callbacks(name: str, how: Training) -> list[keras.callbacks.Callback]:
    callbacks = keras.callbacks
    schedules = {
        "constant": [],
        "cosine": [callbacks.LearningRateScheduler(_cosine(how))],
        "plateau": [callbacks.ReduceLROnPlateau(factor=0.5, patience=max(1, how.patience // 2))],
    }
    return [
        *schedules[how.schedule],
        callbacks.EarlyStopping(patience=how.patience, restore_best_weights=True),
        callbacks.TerminateOnNaN(),
        Progress(name, how.max_epochs),
    ]


def _cosine(how: Training) -> Callable[[int], float]:
    """From the whole learning rate to nearly none (Loshchilov and Hutter, 2017)."""
    return lambda epoch: how.learning_rate * (1 + cos(pi * epoch / how.max_epochs)) / 2


class Progress(keras.callbacks.Callback):
    """The epoch and its loss: one changing line on a terminal, elsewhere a line each minute."""

    def __init__(self, name: str, max_epochs: int) -> None:
        super().__init__()
        self.name, self.max_epochs = name, max_epochs
        self.told = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        """Tell how far training is."""
        line = (
            f"{self.name}: epoch {epoch + 1} of at most {self.max_epochs}, "
            f"loss {logs['loss']:.4f}, on the watched rows {logs['val_loss']:.4f}"
        )
        if sys.stderr.isatty():
            print(f"\r{line}\033[K", end="", file=sys.stderr, flush=True)
        elif time.monotonic() - self.told > SECONDS_BETWEEN_LINES:
            self.told = time.monotonic()
            print(line, file=sys.stderr, flush=True)

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:  # noqa: ARG002
        """Clear the line."""
        if sys.stderr.isatty():
            print("\r\033[K", end="", file=sys.stderr, flush=True)
