"""Fit a network to images and score it on others; images.py runs it in a project.

    python benchmarks/_images.py {cnn,resnet} {bare,ours,suggested} ROWS EPOCHS [FOLDER]

Prints as JSON the seconds of the fit, those of the processor, and accuracy and log loss on images
that it has not learnt from. `suggested` has the options that `use` writes, but for the epochs.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import my_project.models  # noqa: F401 - before numpy: what computes is settled on import
from lockstep import Problem, make_candidate
from lockstep.adopting.suggestion import suggest
from lockstep.core.contract import Contract

import keras  # isort: skip - it computes on what has been settled
import numpy as np
import pandas as pd
from PIL import Image
from sklearn.metrics import accuracy_score, log_loss

SIDE, CLASSES, TESTED = 28, 10, 1000


def make_images(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """(rows, 28, 28, 1) shades, and (rows,) classes, each of which lights another band."""
    rng = np.random.default_rng(0)
    y = rng.integers(CLASSES, size=rows)
    X = rng.random((rows, SIDE**2), dtype="float32") * 0.5
    X += np.repeat(np.eye(CLASSES, dtype="float32")[y] * 0.5, 79, axis=1)[:, : SIDE**2]
    return X.reshape(-1, SIDE, SIDE, 1), y


def read_images(folder: Path, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """As many images of one size, drawn from the folders of their classes."""
    files = sorted(folder.glob("*/*"))
    drawn = [files[place] for place in np.random.default_rng(0).permutation(len(files))[:rows]]
    X = np.stack([np.asarray(Image.open(file), dtype="float32") / 255 for file in drawn])
    classes = [file.parent.name for file in drawn]
    return X.reshape(*X.shape[:3], -1), np.unique(classes, return_inverse=True)[1]


def build_cnn(shape: tuple[int, ...], classes: int) -> keras.Model:
    """The network of `cnn`, as Keras' example for MNIST has it."""
    layers = keras.layers
    return keras.Sequential(
        [
            layers.Input(shape),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(classes, activation="softmax"),
        ]
    )


def build_resnet(shape: tuple[int, ...], classes: int) -> keras.Model:
    """The network of `resnet`: eight layers, as He et al. (2016) have them for CIFAR-10."""
    layers = keras.layers

    def convolve(x: Any, filters: int, width: int = 3, stride: int = 1) -> Any:
        x = layers.Conv2D(filters, width, stride, padding="same", use_bias=False)(x)
        return layers.BatchNormalization(momentum=0.9)(x)

    inputs = layers.Input(shape)
    x = layers.ReLU()(convolve(inputs, 16))
    for filters, stride in ((16, 1), (32, 2), (64, 2)):
        inner = layers.ReLU()(convolve(x, filters, stride=stride))
        inner = convolve(inner, filters)
        x = x if stride == 1 else convolve(x, filters, 1, stride)
        x = layers.ReLU()(layers.add([x, inner]))
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(classes, activation="softmax")(x))


BUILDS = {"cnn": build_cnn, "resnet": build_resnet}


def fit_bare(model: keras.Model, X: np.ndarray, y: np.ndarray, epochs: int) -> None:
    """Watch a tenth of the rows, and learn from all for as many epochs as were best."""
    model.compile("adam", "sparse_categorical_crossentropy")
    options = {"batch_size": 128, "verbose": 0}
    first = model.get_weights()
    watched = model.fit(X, y, validation_split=0.1, epochs=epochs, **options)
    # Adam's averages stay: beginning without them would compile once more.
    model.set_weights(first)
    model.fit(X, y, epochs=int(np.argmin(watched.history["val_loss"])) + 1, **options)


def list_options(name: str, shape: tuple[int, ...], y: np.ndarray) -> dict[str, Any]:
    """The options of the candidate that `use` would write."""
    labels = [f"class {code}" for code in range(y.max() + 1)]
    height, width, channels = shape
    contract = Contract.model_validate(
        {
            **{"title": "images", "source": "a benchmark", "licence": "none", "target": "class"},
            "images": {"width": width, "height": height, "colour": channels == 3},
            "columns": {"class": {"type": "categorical", "categories": labels, "meaning": "class"}},
        }
    )
    table = pd.DataFrame({"class": [labels[code] for code in y]})
    options: dict[str, Any] = suggest(contract, table)["train.candidates"][name]
    return options


def main(network: str, way: str, rows: int, epochs: int, folder: Path | None) -> None:
    """Print a line of JSON."""
    if folder is None:
        X, y = make_images(rows + TESTED)
        X, X_test, y, y_test = X[:rows], X[rows:], y[:rows], y[rows:]
    else:
        X, y = read_images(folder / "train", rows)
        X_test, y_test = read_images(folder / "test", rows)
    shape = X.shape[1:]
    keras.utils.set_random_seed(0)
    if way == "bare":
        model = BUILDS[network](shape, int(y.max()) + 1)
    else:
        options = list_options(network, shape, y) if way == "suggested" else {}
        options |= {"max_epochs": epochs, "patience": epochs}
        model = make_candidate(network, options, Problem("classification", 0, image=shape))
        X, X_test = (part.reshape(len(part), -1) for part in (X, X_test))
    start, computed = time.perf_counter(), time.process_time()
    if way == "bare":
        fit_bare(model, X, y, epochs)
    else:
        model.fit(X, y)
    taken = [time.perf_counter() - start, time.process_time() - computed]
    predict = model.predict if way == "bare" else model.predict_proba
    probabilities = np.asarray(predict(X_test), dtype="float64")
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    scores = [accuracy_score(y_test, probabilities.argmax(axis=1)), log_loss(y_test, probabilities)]
    print(f"\n{json.dumps([*taken, *scores])}")


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("network", choices=BUILDS)
    options.add_argument("way", choices=("bare", "ours", "suggested"))
    options.add_argument("rows", type=int)
    options.add_argument("epochs", type=int)
    options.add_argument("folder", type=Path, nargs="?")
    main(**vars(options.parse_args()))
