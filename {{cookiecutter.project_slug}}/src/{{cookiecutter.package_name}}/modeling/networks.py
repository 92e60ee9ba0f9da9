"""Keras networks as scikit-learn estimators.

Every constructor argument is a parameter that `clone` keeps; `fit` builds and trains the network.
Pickling leaves `network_` out: `saved` stores it as a `.keras` file instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.model_selection import train_test_split
from sklearn.utils.validation import check_is_fitted, validate_data

from ..errors import UserError
from ..reproducibility.runtime import import_keras

if TYPE_CHECKING:
    import keras


class Perceptron(BaseEstimator):
    """What classification and regression by a multilayer perceptron share.

    Args:
        hidden_units: Units of each hidden layer, first to last.
        dropout: Share of a hidden layer's outputs dropped while training.
        learning_rate: Step size of Adam.
        batch_size: Rows per gradient step.
        max_epochs: Passes over the training rows at the most.
        patience: Epochs without a better validation loss before training stops.
        validation_fraction: Share of the rows given to `fit` that early stopping watches.
        random_state: Seed of the weights, the shuffling and the validation rows.

    Attributes:
        network_: The trained `keras.Model`, with the weights of its best epoch.
        history_: `loss` and `val_loss` by epoch.
        n_features_in_: Number of columns seen in `fit`.
    """

    def __init__(
        self,
        hidden_units: tuple[int, ...] = (32,),
        dropout: float = 0.0,
        learning_rate: float = 0.01,
        batch_size: int = 16,
        max_epochs: int = 200,
        patience: int = 10,
        validation_fraction: float = 0.2,
        random_state: int = 0,
    ) -> None:
        self.hidden_units = hidden_units
        self.dropout = dropout
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.random_state = random_state

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        return {name: value for name, value in state.items() if name != "network_"}

    def _fit(self, X: np.ndarray, y: np.ndarray, outputs: int, activation: str, loss: str) -> None:
        keras = import_keras()
        # Also seeds Python's and numpy's global generators, which Keras draws from.
        keras.utils.set_random_seed(self.random_state)
        self.network_ = self._build(X.shape[1], outputs, activation)
        self.network_.compile(keras.optimizers.Adam(self.learning_rate, name="adam"), loss=loss)
        X_fit, X_watched, y_fit, y_watched = self._set_validation_rows_apart(X, y)
        stop_early = keras.callbacks.EarlyStopping(
            patience=self.patience, restore_best_weights=True
        )
        history = self.network_.fit(
            X_fit,
            y_fit,
            validation_data=(X_watched, y_watched),
            batch_size=self.batch_size,
            epochs=self.max_epochs,
            callbacks=[stop_early, keras.callbacks.TerminateOnNaN()],
            verbose=0,
        )
        if not np.isfinite(history.history["loss"]).all():
            raise UserError(
                f"a network's loss is no number any more after {len(history.epoch)} epochs; "
                f"lower its learning_rate in params.yaml, which is {self.learning_rate:g}"
            )
        self.history_ = {name: history.history[name] for name in ("loss", "val_loss")}

    def _build(self, inputs: int, outputs: int, activation: str) -> keras.Model:
        keras = import_keras()
        # Named, because Keras would number the layers by how many the process has made before.
        network = keras.Sequential(
            [keras.layers.Input((inputs,), name="features")], name="perceptron"
        )
        for number, units in enumerate(self.hidden_units, start=1):
            network.add(keras.layers.Dense(units, activation="relu", name=f"hidden_{number}"))
            network.add(keras.layers.Dropout(self.dropout, name=f"dropout_{number}"))
        network.add(keras.layers.Dense(outputs, activation=activation, name="outputs"))
        return network

    def _set_validation_rows_apart(self, X: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
        return train_test_split(
            X, y, test_size=self.validation_fraction, random_state=self.random_state
        )

    def _outputs(self, X: Any) -> np.ndarray:
        check_is_fitted(self, "network_")
        X = validate_data(self, X, reset=False, dtype="float32")
        return self.network_.predict(X, batch_size=1024, verbose=0).astype("float64")


class PerceptronClassifier(ClassifierMixin, Perceptron):
    """A multilayer perceptron with a softmax over the classes."""

    def fit(self, X: Any, y: Any) -> Self:
        """Train on (n_rows, n_features) numbers and (n_rows,) class labels."""
        X, y = validate_data(self, X, y, dtype="float32")
        self.classes_, codes = np.unique(y, return_inverse=True)
        loss = "sparse_categorical_crossentropy"
        self._fit(X, codes, outputs=len(self.classes_), activation="softmax", loss=loss)
        return self

    def _set_validation_rows_apart(self, X: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
        rows = round(len(y) * self.validation_fraction)
        classes, counts = np.unique(y, return_counts=True)
        every_class_fits = min(rows, len(y) - rows) >= len(classes) and counts.min() >= 2
        return train_test_split(
            X,
            y,
            test_size=self.validation_fraction,
            random_state=self.random_state,
            stratify=y if every_class_fits else None,
        )

    def predict_proba(self, X: Any) -> np.ndarray:
        """(n_rows, n_classes) probabilities, in the order of `classes_`; each row sums to 1."""
        outputs = self._outputs(X)
        return outputs / outputs.sum(axis=1, keepdims=True)

    def predict(self, X: Any) -> np.ndarray:
        """(n_rows,) most probable class."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


class PerceptronRegressor(RegressorMixin, Perceptron):
    """A multilayer perceptron with one linear output, trained on the standardised target."""

    def fit(self, X: Any, y: Any) -> Self:
        """Train on (n_rows, n_features) numbers and (n_rows,) targets."""
        X, y = validate_data(self, X, y, dtype="float32", y_numeric=True)
        y = np.asarray(y, dtype="float64")
        self.mean_, self.scale_ = float(y.mean()), float(y.std()) or 1.0
        standardised = (y - self.mean_) / self.scale_
        self._fit(X, standardised, outputs=1, activation="linear", loss="mean_squared_error")
        return self

    def predict(self, X: Any) -> np.ndarray:
        """(n_rows,) predictions in the target's unit."""
        return self._outputs(X)[:, 0] * self.scale_ + self.mean_
