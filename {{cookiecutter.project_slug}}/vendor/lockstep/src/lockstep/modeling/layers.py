"""Layers of a network that Keras does not have, or has too slow."""

from __future__ import annotations

from typing import Any

from .keras import keras
from .tokens import FIRST, TokenShape, read_vectors

ops = keras.ops


def make_embedding(tokens: TokenShape, units: int, *, masks: bool = False) -> Any:
    """An untrained layer that gives each word a vector.

    Args:
        tokens: How words come: see `Problem.require_tokens`.
        units: Numbers of a vector; where there is a file of vectors, they have as many as there.
        masks: Whether layers above pass over what comes after the last word.
    """
    if tokens.vectors is None:
        return keras.layers.Embedding(tokens.size, units, mask_zero=masks)
    vectors = read_vectors(tokens.vectors, tokens.known, tokens.rare)[1]
    embedding = keras.layers.Embedding(tokens.size, vectors.shape[1], mask_zero=masks)
    embedding.build((None, tokens.length))
    weights = embedding.get_weights()[0]
    weights[FIRST : FIRST + len(vectors)] = vectors
    embedding.set_weights([weights])
    return embedding


@keras.saving.register_keras_serializable("lockstep")
class RandomShift(keras.layers.Layer):
    """Moves each image by whole pixels, up or down and to a side, while learning only.

    What moves in from beyond the edge is zero. Keras' `RandomTranslation` does the same by an
    affine transformation, which on a CPU takes thirty times as long as a small network itself;
    here each line and each column is picked by a product of matrices.

    Args:
        pixels: The most by which an image is moved.
        seed: Seed of the moves; by default it follows from that of Keras.
    """

    def __init__(self, pixels: int, seed: int | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.pixels, self.seed = pixels, seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, images: Any, training: bool = False) -> Any:
        """(n_images, height, width, channels) moved images; the same ones unless `training`."""
        if not training:
            return images
        count, height, width, _ = ops.shape(images)
        moves = keras.random.randint((2, count), 0, 2 * self.pixels + 1, seed=self.seed_generator)
        edges = (self.pixels, self.pixels)
        padded = ops.pad(images, ((0, 0), edges, edges, (0, 0)))
        lines, columns = (
            ops.one_hot(move[:, None] + ops.arange(size), size + 2 * self.pixels, dtype=self.dtype)
            for move, size in ((moves[0], height), (moves[1], width))
        )
        moved = ops.einsum("nhp,npwc->nhwc", lines, padded)
        return ops.einsum("nwq,nhqc->nhwc", columns, moved)

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """The shape of the images stays."""
        return shape

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor, as Keras saves them."""
        return {**super().get_config(), "pixels": self.pixels, "seed": self.seed}


@keras.saving.register_keras_serializable("lockstep")
class RandomFlip(keras.layers.Layer):
    """Mirrors half of the images, left to right, while learning only.

    Args:
        seed: Seed of the choice; by default it follows from that of Keras.
    """

    def __init__(self, seed: int | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, images: Any, training: bool = False) -> Any:
        """(n_images, height, width, channels) with some mirrored; as they are unless `training`."""
        if not training:
            return images
        shape = (ops.shape(images)[0], 1, 1, 1)
        is_mirrored = keras.random.randint(shape, 0, 2, seed=self.seed_generator) > 0
        return ops.where(is_mirrored, ops.flip(images, axis=2), images)

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """The shape of the images stays."""
        return shape

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor, as Keras saves them."""
        return {**super().get_config(), "seed": self.seed}


@keras.saving.register_keras_serializable("lockstep")
class CumulativeLink(keras.layers.Layer):
    """Probabilities of classes in an order from one score, by thresholds that go up.

    The chance of a class above a threshold is the logistic function of the score less the
    threshold, so that chances of higher thresholds are never larger, as they may be where each
    threshold is a task of its own (Cao et al., 2020).

    Args:
        classes: How many there are.
    """

    def __init__(self, classes: int, **options: Any) -> None:
        super().__init__(**options)
        self.classes = classes

    def build(self, shape: tuple[int | None, ...]) -> None:  # noqa: ARG002
        """Make the first threshold, and what the gaps up to the others are made of."""
        first = keras.initializers.Constant(-float(self.classes - 2) / 2)
        # softplus makes a gap of 1 of it.
        others = keras.initializers.Constant(0.5413)
        self.first = self.add_weight(shape=(1,), initializer=first, name="first")
        self.gaps = self.add_weight(shape=(self.classes - 2,), initializer=others, name="gaps")

    def call(self, score: Any) -> Any:
        """(n_rows, n_classes) probabilities of (n_rows, 1) scores."""
        gaps = ops.cumsum(ops.softplus(self.gaps))
        thresholds = ops.concatenate([self.first, self.first + gaps])
        below = ops.sigmoid(thresholds - score)
        none = ops.zeros_like(score)
        edges = ops.concatenate([none, below, none + 1], axis=1)
        return edges[:, 1:] - edges[:, :-1]

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """A probability of each class in the place of the score."""
        return (shape[0], self.classes)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor, as Keras saves them."""
        return {**super().get_config(), "classes": self.classes}
