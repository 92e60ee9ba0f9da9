"""Training and using Keras networks so that networks of one shape are compiled once.

Compiling takes longer than training on a few hundred rows, and a cross-validation trains one
network per fold. So the folds share a compiled twin, which takes on the weights of each; and
every batch has the same number of rows, since another number would compile once more.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from math import ceil, cos, pi
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ..core.batches import prefetch
from ..core.errors import UserError
from ..core.runtime import import_keras

if TYPE_CHECKING:
    import keras
else:
    keras = import_keras()

# What a network takes: one array or several, of n_rows each.
Inputs = tuple[np.ndarray, ...]
Vary = Callable[[Inputs, np.random.Generator], Inputs]

PREDICTED_AT_ONCE = 256
SECONDS_BETWEEN_LINES = 60


@dataclass(frozen=True)
class Rows:
    """The network's inputs, (n_rows,) targets and (n_rows,) weights."""

    X: Inputs
    y: np.ndarray
    weights: np.ndarray

    def __len__(self) -> int:
        return len(self.y)

    def filled(self, size: int) -> Rows:
        """These rows in whole batches of `size`: rows of weight zero are added.

        Keras takes the mean loss over all rows, so that the others weigh as much more.
        """
        places = _filled(len(self), size)
        rows = self.at(places)
        rows.weights[len(self) :] = 0
        return rows.scaled(len(places) / len(self))

    def scaled(self, factor: float) -> Rows:
        """These rows with so many times their weights."""
        return Rows(self.X, self.y, self.weights * np.float32(factor))

    def between(self, start: int, end: int) -> Rows:
        """Those from `start` up to `end`, without copying them."""
        part = slice(start, end)
        return Rows(tuple(array[part] for array in self.X), self.y[part], self.weights[part])

    def at(self, places: np.ndarray) -> Rows:
        """Those at some places, in that order."""
        return Rows(tuple(part[places] for part in self.X), self.y[places], self.weights[places])


def _filled(rows: int, size: int) -> np.ndarray:
    """Places of rows, some of them twice, as many as fill batches of `size`."""
    return np.resize(np.arange(rows), ceil(rows / size) * size)


class Shuffled(Protocol):
    """Rows that do not fit into memory."""

    def __len__(self) -> int:
        """How many there are."""
        ...

    def parts(self, rng: np.random.Generator) -> Iterator[Rows]:
        """All of them, a part after the other, in another order with each call."""
        ...


def _of_one(X: Inputs) -> Inputs | np.ndarray:
    return X[0] if len(X) == 1 else X


class Varied(keras.utils.PyDataset):
    """Batches in another order in every epoch, whose inputs are made anew each time.

    Args:
        rows: What the network learns from, in whole batches.
        size: Rows per batch.
        vary: Makes other inputs of those of a batch.
        rng: What the order and `vary` draw from.
    """

    def __init__(self, rows: Rows, size: int, vary: Vary, rng: np.random.Generator) -> None:
        super().__init__()
        self.rows, self.size, self.vary, self.rng = rows, size, vary, rng
        self.order = np.arange(len(rows))

    def __len__(self) -> int:
        return len(self.rows) // self.size

    def __getitem__(self, number: int) -> tuple[Inputs | np.ndarray, np.ndarray, np.ndarray]:
        places = self.order[number * self.size : (number + 1) * self.size]
        rows = self.rows.at(places)
        return _of_one(self.vary(rows.X, self.rng)), rows.y, rows.weights

    def on_epoch_begin(self) -> None:
        """Draw the order of the epoch's rows."""
        self.order = self.rng.permutation(len(self.rows))


class Streamed(keras.utils.PyDataset):
    """Batches of rows that come part by part, in another order in every epoch.

    The next part is made in a thread of its own while the network learns from one.

    Args:
        rows: What the network learns from.
        size: Rows per batch.
        vary: Makes other inputs of those of a batch, if anything does.
        seed: Seed of the order and of what `vary` draws.
    """

    def __init__(self, rows: Shuffled, size: int, vary: Vary | None, seed: int) -> None:
        super().__init__()
        self.rows, self.size, self.vary, self.seed = rows, size, vary, seed
        self.epoch = 0
        self.coming: Iterator[Rows] = iter(())

    def __len__(self) -> int:
        return ceil(len(self.rows) / self.size)

    def __getitem__(self, number: int) -> tuple[Inputs | np.ndarray, np.ndarray, np.ndarray]:
        # Keras asks for one batch after the other, and some backends look at the first ones before.
        if number == 0:
            self.coming = self._batches()
        batch = next(self.coming)
        return _of_one(batch.X), batch.y, batch.weights

    def on_epoch_begin(self) -> None:
        """Count the epoch, which decides the order of its rows."""
        self.epoch += 1

    def _batches(self) -> Iterator[Rows]:
        rng = np.random.default_rng([self.seed, self.epoch])
        # As in `Rows.filled`, rows of weight zero fill the last batch.
        scale = len(self) * self.size / len(self.rows)
        rest: Rows | None = None
        for part in prefetch(self.rows.parts(rng)):
            rows = part.scaled(scale)
            rows = _below(rest, rows) if rest is not None and len(rest) else rows
            whole = len(rows) - len(rows) % self.size
            for start in range(0, whole, self.size):
                yield self._varied(rows.between(start, start + self.size), rng)
            rest = rows.between(whole, len(rows))
        if rest is not None and len(rest):
            last = rest.at(_filled(len(rest), self.size))
            last.weights[len(rest) :] = 0
            yield self._varied(last, rng)

    def _varied(self, rows: Rows, rng: np.random.Generator) -> Rows:
        return rows if self.vary is None else replace(rows, X=self.vary(rows.X, rng))


def _below(upper: Rows, lower: Rows) -> Rows:
    X = tuple(np.concatenate(parts) for parts in zip(upper.X, lower.X, strict=True))
    y, weights = (
        np.concatenate([getattr(upper, name), getattr(lower, name)]) for name in ("y", "weights")
    )
    return Rows(X, y, weights)


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
    rows: Rows | Shuffled,
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
    watched = watched.filled(how.batch_size)
    twin = _compiled_to_train(network, how.loss, watched, how.batch_size)
    _assign(twin.variables, _values(network.variables))
    _assign(twin.optimizer.variables, twin.first_state)
    twin.optimizer.learning_rate = how.learning_rate
    # The order of the rows and, on torch, dropout are drawn from the global generators.
    keras.utils.set_random_seed(how.seed)
    history = twin.fit(
        **_fed(rows, how, vary),
        validation_data=(_of_one(watched.X), watched.y, watched.weights),
        validation_batch_size=how.batch_size,
        epochs=how.max_epochs,
        callbacks=_callbacks(name, how),
        verbose=0,
    )
    if not np.isfinite(history.history["loss"]).all():
        raise UserError(
            f"{name}: the loss is no number any more after {len(history.epoch)} epochs; "
            f"lower its learning_rate in params.yaml, which is {how.learning_rate:g}"
        )
    _assign(network.weights, _values(twin.weights))
    return {key: history.history[key] for key in ("loss", "val_loss")}


def _fed(rows: Rows | Shuffled, how: Training, vary: Vary | None) -> dict[str, Any]:
    """What `fit` takes of the rows: arrays, or batches where they are varied or come in parts."""
    size = how.batch_size
    batches: keras.utils.PyDataset
    if isinstance(rows, Rows):
        rows = rows.filled(size)
        if vary is None:
            arrays = {"x": _of_one(rows.X), "y": rows.y, "sample_weight": rows.weights}
            return arrays | {"batch_size": size}
        batches = Varied(rows, size, vary, np.random.default_rng(how.seed))
    else:
        batches = Streamed(rows, size, vary, how.seed)
    # Keras would shuffle the batches once more, by Python's own generator.
    return {"x": batches, "shuffle": False}


def predict(network: keras.Model, X: Inputs) -> np.ndarray:
    """(n_rows, n_outputs) outputs of `network` for its inputs."""
    twin = _compiled_to_predict(network)
    _assign(twin.weights, _values(network.weights))
    places = _filled(len(X[0]), PREDICTED_AT_ONCE)
    inputs = _of_one(tuple(part[places] for part in X))
    outputs: np.ndarray = twin.predict(inputs, batch_size=PREDICTED_AT_ONCE, verbose=0)
    return outputs[: len(X[0])].astype("float64")


_twins: dict[tuple[str, str], keras.Model] = {}


def _compiled_to_train(network: keras.Model, loss: str, rows: Rows, size: int) -> keras.Model:
    """A compiled network of the same shape, made once per process."""
    key = (network.to_json(), loss)
    if key not in _twins:
        twin = keras.models.clone_model(network)
        twin.compile(keras.optimizers.Adam(name="adam"), loss=loss)
        twin.optimizer.build(twin.trainable_variables)
        twin.first_state = _values(twin.optimizer.variables)
        # Keras draws from the layers' seeds when a network meets data for the first time.
        first = rows.between(0, size)
        twin.fit(_of_one(first.X), first.y, sample_weight=first.weights, batch_size=size, verbose=0)
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
