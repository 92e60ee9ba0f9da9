"""Candidates for images."""

from typing import Literal, Unpack

import lockstep
from lockstep import Problem, Training, candidate, keras
from pydantic import NonNegativeInt
from sklearn.base import BaseEstimator

from .common import Dropout, Units


@candidate
def cnn(
    problem: Problem,
    *,
    filters: Units = (32, 64),
    padding: Literal["valid", "same"] = "valid",
    shift: NonNegativeInt = 0,
    dropout: Dropout = 0.5,
    **training: Unpack[Training],
) -> BaseEstimator:
    """A convolutional network for images, in Keras.

    Args:
        filters: filters of each convolution, which halves the image
        padding: `same` keeps the edges of the image
        shift: most pixels by which images are moved while learning
    """
    image = problem.require_images("cnn", len(filters), keeps_edges=padding == "same")
    defaults = Training(
        learning_rate=0.001, batch_size=128, max_epochs=30, patience=3, validation_fraction=0.1
    )
    return problem.network(
        convolutional,
        {**defaults, **training},
        image=image,
        filters=filters,
        padding=padding,
        shift=shift,
        dropout=dropout,
    )


def convolutional(
    columns: int,
    outputs: int,
    activation: str,
    *,
    image: tuple[int, int, int],
    filters: Units,
    padding: str,
    shift: int,
    dropout: float,
) -> "keras.Model":
    """Convolutions of 3x3 and max pooling of 2x2, as for MNIST in Keras' documentation."""
    layers = keras.layers
    network = keras.Sequential([layers.Input((columns,)), layers.Reshape(image)])
    if shift:
        network.add(lockstep.RandomShift(shift))
    for count in filters:
        network.add(layers.Conv2D(count, 3, activation="relu", padding=padding))
        network.add(layers.MaxPooling2D())
    network.add(layers.Flatten())
    network.add(layers.Dropout(dropout))
    network.add(layers.Dense(outputs, activation=activation))
    return network
