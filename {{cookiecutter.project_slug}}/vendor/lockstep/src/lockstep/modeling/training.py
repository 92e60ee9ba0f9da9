"""Training and using Keras networks so that networks of one shape are compiled once.

Compiling takes longer than training on a few hundred rows, and a cross-validation trains one
network per fold. So the folds share a compiled twin, which takes on the weights of each; and
every batch has the same number of rows, since another number would compile once more.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Iterable, Iterator
from math import ceil, cos, pi
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.errors import UserError
from ..core.progress import clear_line, make_reporter
from ..core.runtime import import_keras
from .archive import renumber
from .examples import Examples, Stream, fill_places
from .losses import Loss
from .networks import Network
from .tensorboard import follow

if TYPE_CHECKING:
    import keras
else:
    keras = import_keras()

ROWS_PREDICTED_AT_ONCE = 256
MOST_TWINS = 8
"""A search tries many shapes, and what is compiled for each takes memory."""


class StreamedBatches(keras.utils.PyDataset):
    """Batches of `size` rows of a stream, in another order in every epoch."""

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
    loss: Loss,
    learn: Examples | Stream,
    watch: Examples,
    rows: Examples | Stream,
    settings: Network,
) -> dict[str, list[float]]:
    """Train `network` on all `rows` for as many epochs as early stopping finds to be best.

    To find them it is trained on `learn` while early stopping watches `watch`; then it begins anew,
    from the same weights and with the same learning rate in each epoch. `settings` has the
    parameters. Gives `loss` and `val_loss` by epoch of the first training.
    """
    watch = _fill(watch, settings.batch_size)
    twin = _make_twin(network, loss)
    if not hasattr(twin, "first_state"):
        _compile(twin, loss, watch.take(slice(0, settings.batch_size)))
    weights = _values(network.variables)
    curves = follow(network, settings.learning_rate)
    history = _train_twin(
        twin,
        weights,
        learn,
        settings,
        validation_data=(watch.X, watch.y, watch.weights),
        validation_batch_size=settings.batch_size,
        epochs=settings.max_epochs,
        callbacks=[*_callbacks(settings), *curves],
    )
    rates = history.get("learning_rate", [settings.learning_rate] * settings.max_epochs)
    epochs = int(np.nan_to_num(history["val_loss"], nan=np.inf).argmin()) + 1
    schedule = keras.callbacks.LearningRateScheduler(lambda epoch: rates[epoch])
    progress = Progress(settings.build.__name__, epochs, watches=False)
    callbacks = [schedule, progress, *curves]
    _train_twin(twin, weights, rows, settings, epochs=epochs, callbacks=callbacks)
    _assign(network.weights, _values(twin.weights))
    return {key: history[key] for key in ("loss", "val_loss")}


def _compile(twin: keras.Model, loss: Loss, batch: Examples) -> None:
    twin.compile(keras.optimizers.Adam(name="adam"), loss=loss)
    twin.optimizer.build(twin.trainable_variables)
    state = _values(twin.optimizer.variables)
    # Keras draws from the layers' seeds when a network meets data for the first time.
    size = len(batch)
    twin.fit(batch.X, batch.y, sample_weight=batch.weights, batch_size=size, verbose=0)
    twin.first_state = state


def _train_twin(
    twin: keras.Model,
    weights: list[np.ndarray],
    rows: Examples | Stream,
    settings: Network,
    **options: Any,
) -> dict[str, list[float]]:
    """Train from `weights` on; what Keras tells of each epoch."""
    size = settings.batch_size
    _assign(twin.variables, weights)
    _assign(twin.optimizer.variables, twin.first_state)
    twin.optimizer.learning_rate = settings.learning_rate
    # The order of the rows and, on torch, dropout are drawn from the global generators.
    keras.utils.set_random_seed(settings.random_state)
    if isinstance(rows, Stream):
        # Keras would shuffle the batches once more, by Python's own generator.
        batches = StreamedBatches(rows, size, settings.random_state)
        data: dict[str, Any] = {"x": batches, "shuffle": False}
    else:
        rows = _fill(rows, size)
        data = {"x": rows.X, "y": rows.y, "sample_weight": rows.weights, "batch_size": size}
    history: dict[str, list[float]] = twin.fit(**data, **options, verbose=0).history
    if not np.isfinite(history["loss"]).all():
        raise UserError(
            f"{settings.build.__name__}: the loss is no number any more after "
            f"{len(history['loss'])} epochs; lower its learning_rate in params.yaml, which is "
            f"{settings.learning_rate:g}"
        )
    return history


def _fill(examples: Examples, size: int) -> Examples:
    """Whole batches that weigh as if the rows added were not there: Keras takes the mean of all."""
    filled = examples.fill(size)
    return filled.scale(len(filled) / len(examples))


def predict(network: keras.Model, X: np.ndarray) -> np.ndarray:
    """(n_rows, n_outputs) outputs of `network` for (n_rows, n_features) numbers."""
    twin = _make_twin(network, "prediction")
    _assign(twin.weights, _values(network.weights))
    filled = X[fill_places(len(X), ROWS_PREDICTED_AT_ONCE)]
    if len(filled) == ROWS_PREDICTED_AT_ONCE:
        outputs = twin.predict_on_batch(filled)  # the same without what goes through many takes
    else:
        outputs = twin.predict(filled, batch_size=ROWS_PREDICTED_AT_ONCE, verbose=0)
    return np.asarray(outputs[: len(X)], dtype="float64")


_twins: dict[tuple[str, Loss], keras.Model] = {}


def _make_twin(network: keras.Model, use: Loss) -> keras.Model:
    """A network of the same shape and use, made once, until too many others are."""
    # Keras tells which parts of the shape are one by addresses.
    key = json.dumps(renumber(json.loads(network.to_json()), {})), use
    if key not in _twins:
        if len(_twins) == MOST_TWINS:
            _forget_twins()
        _twins[key] = keras.models.clone_model(network)
    return _twins[key]


def _forget_twins() -> None:
    _twins.clear()
    gc.collect()  # a network and its optimizer hold each other
    if keras.backend.backend() == "jax":
        import jax

        # It keeps what it has compiled although nothing can ask for it any more.
        jax.clear_caches()


# Both copy: jax may share memory with numpy, and writes its results over the arrays of a step.
def _values(variables: Iterable[keras.Variable]) -> list[np.ndarray]:
    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]


def _assign(variables: Iterable[keras.Variable], values: Iterable[np.ndarray]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(np.array(value))


def _callbacks(settings: Network) -> list[keras.callbacks.Callback]:
    callbacks, rate, epochs = keras.callbacks, settings.learning_rate, settings.max_epochs

    def cosine(epoch: int) -> float:
        """From the whole learning rate to nearly none (Loshchilov and Hutter, 2017)."""
        return rate * (1 + cos(pi * epoch / epochs)) / 2

    halve = callbacks.ReduceLROnPlateau(factor=0.5, patience=max(1, settings.patience // 2))
    schedules = {
        "constant": [],
        "cosine": [callbacks.LearningRateScheduler(cosine)],
        "plateau": [halve],
    }
    return [
        *schedules[settings.schedule],
        callbacks.EarlyStopping(patience=settings.patience),
        callbacks.TerminateOnNaN(),
        Progress(settings.build.__name__, epochs, watches=True),
    ]


class Progress(keras.callbacks.Callback):
    """The epoch and its loss: one changing line on a terminal, elsewhere a line each minute."""

    def __init__(self, name: str, epochs: int, *, watches: bool) -> None:
        super().__init__()
        self.name, self.epochs, self.watches = name, epochs, watches
        self.show = make_reporter()

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        """Tell how far training is."""
        line = f"{self.name}: epoch {epoch + 1} of "
        if self.watches:
            line += (
                f"at most {self.epochs}, loss {logs['loss']:.4g}, "
                f"on the watched rows {logs['val_loss']:.4g}"
            )
        else:
            line += f"{self.epochs} on all rows, loss {logs['loss']:.4g}"
        self.show(line)

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:  # noqa: ARG002
        """Clear the line."""
        clear_line()
