"""What an epoch of the `cnn` candidate takes beside a bare `model.fit` of the same network.

    python benchmarks/cnn.py [--rounds N] [--rows N] [--keras_backend NAME]

The images are made up, of MNIST's size and number. Each case is a process that imports the
project's package, so both compute on the same threads; timed are the fits alone, of two epochs
with their compiling, a tenth of the rows watched after each, and of as many on all rows as were
best. Processor seconds tell the two apart where a busy machine makes the clock useless.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import tempfile
from pathlib import Path

from run import make_project

PREPARE = """
import sys, time
import my_project
import numpy as np
rng = np.random.default_rng(0)
rows = int(sys.argv[1])
y = rng.integers(10, size=rows)
X = rng.random((rows, 784), dtype="float32") * 0.5
X += np.repeat(np.eye(10, dtype="float32")[y] * 0.5, 79, axis=1)[:, :784]
EPOCHS = 2
import keras
"""
OURS = """
from lockstep import Problem, make_candidate
from my_project import models
problem = Problem("classification", 0, image=(28, 28, 1))
estimator = make_candidate("cnn", {"max_epochs": EPOCHS, "patience": EPOCHS}, problem)
start, computed = time.perf_counter(), time.process_time()
estimator.fit(X, y)
print(time.perf_counter() - start, time.process_time() - computed)
"""
BARE = """
keras.utils.set_random_seed(0)
layers = keras.layers
model = keras.Sequential([
    layers.Input((28, 28, 1)),
    layers.Conv2D(32, 3, activation="relu"), layers.MaxPooling2D(),
    layers.Conv2D(64, 3, activation="relu"), layers.MaxPooling2D(),
    layers.Flatten(), layers.Dropout(0.5), layers.Dense(10, activation="softmax"),
])
images = X.reshape(-1, 28, 28, 1)
start, computed = time.perf_counter(), time.process_time()
model.compile("adam", "sparse_categorical_crossentropy")
stop = keras.callbacks.EarlyStopping(patience=EPOCHS)
options = {"validation_split": 0.1, "callbacks": [stop], "verbose": 0}
losses = model.fit(images, y, batch_size=128, epochs=EPOCHS, **options).history["val_loss"]
model.fit(images, y, batch_size=128, epochs=int(np.argmin(losses)) + 1, verbose=0)
print(time.perf_counter() - start, time.process_time() - computed)
"""


def main(rounds: int, rows: int, keras_backend: str) -> None:
    """Print a table."""
    taken: dict[str, list[list[float]]] = {"bare model.fit": [], "cnn candidate": []}
    with tempfile.TemporaryDirectory() as scratch:
        project = make_project(Path(scratch), [f"keras_backend={keras_backend}"])
        for _ in range(rounds):
            for name, script in zip(taken, (BARE, OURS), strict=True):
                command = ["python", "-c", PREPARE + script, str(rows)]
                done = subprocess.run(
                    command, cwd=project, check=True, capture_output=True, text=True
                )
                taken[name].append([float(cell) for cell in done.stdout.split()[-2:]])
    print(f"\nTwo epochs of {rows} images of 28x28 on {keras_backend}, {rounds} rounds\n")
    print("| fit | min s | median s | max s | ratio | minutes per epoch | processor s | ratio |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    floors = [statistics.median(column) for column in zip(*taken["bare model.fit"], strict=True)]
    for name, runs in taken.items():
        clock, processor = zip(*runs, strict=True)
        median, computed = statistics.median(clock), statistics.median(processor)
        print(
            f"| {name} | {min(clock):.1f} | {median:.1f} | {max(clock):.1f} "
            f"| {median / floors[0]:.2f} | {median / 120:.2f} "
            f"| {computed:.1f} | {computed / floors[1]:.2f} |"
        )


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--rows", type=int, default=60_000)
    options.add_argument("--keras_backend", default="jax")
    main(**vars(options.parse_args()))
