"""What a network that predicts numbers makes small, and what comes out of its last layer."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Literal

from .keras import keras

NumberLoss = Literal["squared_error", "absolute_error", "poisson", "tweedie"]
Loss = str | Callable[[Any, Any], Any]
"""What Keras takes for one."""
OF_KERAS = {
    "squared_error": "mean_squared_error",
    "absolute_error": "mean_absolute_error",
    "poisson": "poisson",
}
OF_RATES = ("poisson", "tweedie")
"""Losses of numbers that are never below zero, whose logarithm the network gives."""
SMALLEST = 1e-7


def find_loss(name: NumberLoss, power: float) -> Loss:
    """What Keras takes for it; the same object for the same loss."""
    return make_tweedie(power) if name == "tweedie" else OF_KERAS[name]


@cache
def make_tweedie(power: float) -> Loss:
    """Half of the mean Tweedie deviance, without what no prediction changes.

    Args:
        power: Of the mean, by which the variance goes; between 1 and 2.
    """

    def tweedie(y_true: Any, y_pred: Any) -> Any:
        one, two = 1 - power, 2 - power
        means = keras.ops.maximum(y_pred, SMALLEST)
        halves = means**two / two - y_true * means**one / one
        return keras.ops.mean(halves, axis=-1)

    return tweedie
