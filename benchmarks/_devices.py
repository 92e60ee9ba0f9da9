"""One fit of a network on made-up rows, ours or a bare `model.fit`; devices.py runs it.

    python benchmarks/_devices.py {cnn,mlp,lstm} ROWS {ours,bare}

Prints as JSON the median seconds of an epoch after the first, which compiles, and a hash of the
weights that came of it. It runs in a folder whose params.yaml says on what networks compute.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import statistics
import time
from typing import Any

import owner.models  # noqa: F401 - before numpy: what computes is settled on import
from lockstep import Problem, make_candidate
from lockstep.modeling import training

import keras  # isort: skip - it computes on what has been settled
import numpy as np

EPOCHS = 4
IMAGES = Problem("classification", 0, image=(28, 28, 1))
TABLE = Problem("classification", 0)
SEQUENCES = Problem("classification", 0, signal=(100, 3))
NETWORKS: dict[str, tuple[str, Problem, int, int, dict[str, Any]]] = {
    "cnn": ("cnn", IMAGES, 28 * 28, 10, {}),
    "mlp": ("mlp", TABLE, 30, 2, {"batch_size": 4096}),
    "lstm": ("rnn", SEQUENCES, 100 * 3, 5, {"cell": "lstm", "batch_size": 128}),
}
"""For each its candidate, problem, columns, classes and options."""


class Clock(keras.callbacks.Callback):
    """The seconds of each epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:  # noqa: ARG002
        """Start."""
        self.start = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:  # noqa: ARG002
        """Stop."""
        self.seconds.append(time.perf_counter() - self.start)


def make_rows(rows: int, columns: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """(rows, columns) numbers of which the first tell a little of the (rows,) classes."""
    rng = np.random.default_rng(0)
    y = rng.integers(classes, size=rows)
    X = rng.standard_normal((rows, columns), dtype="float32")
    X[np.arange(rows), y] += 1
    return X, y


def fit_ours(estimator: Any, X: np.ndarray, y: np.ndarray, clock: Clock) -> keras.Model:
    """The network of the estimator, of which the epochs with watched rows are timed."""
    usual = training._callbacks
    training._callbacks = lambda settings: [*usual(settings), clock]
    return estimator.fit(X, y).network_


def fit_bare(estimator: Any, X: np.ndarray, y: np.ndarray, clock: Clock) -> keras.Model:
    """The same network, learnt by Keras from the same rows while it watches the same ones."""
    keras.utils.set_random_seed(0)
    network = estimator.build(X.shape[1], int(y.max()) + 1, "softmax", **estimator.options)
    learn, watch = estimator.hold_out(y)
    network.compile(
        keras.optimizers.Adam(estimator.learning_rate), "sparse_categorical_crossentropy"
    )
    network.fit(
        X[learn],
        y[learn],
        validation_data=(X[watch], y[watch]),
        batch_size=estimator.batch_size,
        epochs=EPOCHS,
        callbacks=[clock],
        verbose=0,
    )
    return network


def main(network: str, rows: int, way: str) -> None:
    """Print a line of JSON."""
    name, problem, columns, classes, options = NETWORKS[network]
    estimator = make_candidate(name, options | {"max_epochs": EPOCHS, "patience": EPOCHS}, problem)
    clock = Clock()
    fit = fit_ours if way == "ours" else fit_bare
    learnt = fit(estimator, *make_rows(rows, columns, classes), clock)
    digest = hashlib.sha256(b"".join(part.tobytes() for part in learnt.get_weights()))
    print(json.dumps([statistics.median(clock.seconds[1:]), digest.hexdigest()]))


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("network", choices=NETWORKS)
    options.add_argument("rows", type=int)
    options.add_argument("way", choices=("ours", "bare"))
    main(**vars(options.parse_args()))
