"""What `reproducibility: strict` costs against `fast`, for two small networks.

    python benchmarks/strict.py [--rounds N] [--keras_backend NAME] [--rows N]

Each case is a process that imports the project's package, which pins the environment as params.yaml
says, and fits the network for two epochs; the import is in the time.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

from _timing import Case, compare
from run import make_project

FIT = """
import sys
import my_project, numpy, keras
rng = numpy.random.default_rng(0)
rows, layers = int(sys.argv[1]), keras.layers
if sys.argv[2] == "perceptron":
    X = rng.normal(size=(10 * rows, 30)).astype("float32")
    hidden = [layers.Dense(128, activation="relu"), layers.Dense(128, activation="relu")]
else:
    X = rng.normal(size=(rows, 28, 28, 1)).astype("float32")
    convolutions = [layers.Conv2D(filters, 3, activation="relu") for filters in (32, 64)]
    hidden = [convolutions[0], layers.MaxPooling2D(), convolutions[1], layers.Flatten()]
y = rng.integers(0, 10, len(X))
network = keras.Sequential([layers.Input(X.shape[1:]), *hidden, layers.Dense(10)])
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
network.compile("adam", loss)
network.fit(X, y, batch_size=128, epochs=2, verbose=0)
"""


def setting(project: Path, value: str) -> Callable[[], None]:
    """What puts `reproducibility: value` into params.yaml."""

    def write() -> None:
        path = project / "params.yaml"
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        path.write_text(
            "".join(
                f"reproducibility: {value}\n" if line.startswith("reproducibility:") else line
                for line in lines
            ),
            encoding="utf-8",
        )

    return write


def main(rounds: int, keras_backend: str, rows: int) -> None:
    """Print a table for each network."""
    with tempfile.TemporaryDirectory() as scratch:
        project = make_project(Path(scratch), [f"keras_backend={keras_backend}"])
        for network in ("perceptron", "convolutional"):
            command = ["python", "-c", FIT, str(rows), network]
            cases = [
                Case(value, command, project, before=setting(project, value))
                for value in ("fast", "strict")
            ]
            compare(f"{network} on {keras_backend}", cases, rounds)


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--keras_backend", default="jax")
    options.add_argument("--rows", type=int, default=10_000)
    main(**vars(options.parse_args()))
