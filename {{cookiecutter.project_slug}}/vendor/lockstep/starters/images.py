"""Candidates for images."""

from math import prod
from typing import Annotated, Any, Literal, Unpack

import lockstep
from lockstep import Problem, Training, candidate, keras
from pydantic import Field, NonNegativeInt, PositiveInt
from sklearn.base import BaseEstimator

from .common import Dropout, Units

Shift = Annotated[
    NonNegativeInt, Field(description="most pixels by which images are moved while learning")
]
Flip = Annotated[bool, Field(description="whether some are mirrored, left to right, meanwhile")]
TRAINING = Training(
    learning_rate=0.001, batch_size=128, max_epochs=30, patience=3, validation_fraction=0.1
)

# To both networks an image comes first, line by line, and then the columns beside it.


@candidate
def cnn(
    problem: Problem,
    *,
    filters: Units = (32, 64),
    padding: Literal["valid", "same"] = "valid",
    shift: Shift = 0,
    flip: Flip = False,
    dropout: Dropout = 0.5,
    **training: Unpack[Training],
) -> BaseEstimator:
    """A convolutional network for images, in Keras.

    Args:
        filters: filters of each convolution, which halves the image
        padding: `same` keeps the edges of the image
    """
    image = problem.require_images("cnn", len(filters), keeps_edges=padding == "same")
    options = {"filters": filters, "padding": padding, "dropout": dropout}
    view = {"image": image, "shift": shift, "flip": flip}
    return problem.network(convolutional, {**TRAINING, **training}, **options, **view)


def convolutional(
    columns: int,
    outputs: int,
    activation: str,
    *,
    filters: Units,
    padding: str,
    dropout: float,
    **view: Any,
) -> "keras.Model":
    """Convolutions of 3x3 and max pooling of 2x2, as for MNIST in Keras' documentation."""
    layers, inputs = keras.layers, keras.Input((columns,))
    hidden, beside = part_columns(inputs, **view)
    for count in filters:
        hidden = layers.Conv2D(count, 3, activation="relu", padding=padding)(hidden)
        hidden = layers.MaxPooling2D()(hidden)
    hidden = join_columns(layers.Dropout(dropout)(layers.Flatten()(hidden)), beside)
    return keras.Model(inputs, layers.Dense(outputs, activation=activation)(hidden))


@candidate
def resnet(
    problem: Problem,
    *,
    filters: Units = (16, 32, 64),
    blocks: PositiveInt = 1,
    shift: Shift = 0,
    flip: Flip = False,
    **training: Unpack[Training],
) -> BaseEstimator:
    """A small residual network for images (He et al., 2016), in Keras.

    Args:
        filters: filters of each stage; all stages but the first halve the image
        blocks: pairs of convolutions in each stage
    """
    view = {"image": problem.require_images("resnet"), "shift": shift, "flip": flip}
    training = {**TRAINING, **training}
    return problem.network(residual, training, filters=filters, blocks=blocks, **view)


def residual(
    columns: int, outputs: int, activation: str, *, filters: Units, blocks: int, **view: Any
) -> "keras.Model":
    """Blocks that add to what they get, and then the mean of each of the last filters."""
    layers, inputs = keras.layers, keras.Input((columns,))
    image, beside = part_columns(inputs, **view)
    hidden = layers.Activation("relu")(convolve(image, filters[0]))
    for stage, count in enumerate(filters):
        for block in range(blocks):
            stride = 2 if stage and not block else 1
            inner = layers.Activation("relu")(convolve(hidden, count, stride=stride))
            inner = convolve(inner, count)
            if stride > 1:
                hidden = convolve(hidden, count, width=1, stride=stride)
            hidden = layers.Activation("relu")(layers.Add()([hidden, inner]))
    hidden = join_columns(layers.GlobalAveragePooling2D()(hidden), beside)
    return keras.Model(inputs, layers.Dense(outputs, activation=activation)(hidden))


def convolve(hidden: Any, count: int, *, width: int = 3, stride: int = 1) -> Any:
    """So many filters, each with mean 0 and deviation 1 in a batch, before it is scaled."""
    layers = keras.layers
    hidden = layers.Conv2D(count, width, stride, padding="same", use_bias=False)(hidden)
    # Few images make few batches, of which the usual momentum, 0.99, would need hundreds.
    return layers.BatchNormalization(momentum=0.9)(hidden)


def part_columns(inputs: Any, image: tuple[int, int, int], shift: int, flip: bool) -> Any:
    """(n_rows, height, width, channels) of images, moved while learning, and the other columns."""
    images = keras.layers.Reshape(image)(inputs[:, : prod(image)])
    images = lockstep.RandomShift(shift)(images) if shift else images
    images = lockstep.RandomFlip()(images) if flip else images
    return images, inputs[:, prod(image) :]


def join_columns(hidden: Any, beside: Any) -> Any:
    """What was seen in images, mixed with the columns beside them if there are any."""
    if not beside.shape[-1]:
        return hidden
    both = keras.layers.Concatenate()([hidden, beside])
    return keras.layers.Dense(64, activation="relu")(both)
