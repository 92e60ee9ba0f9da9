"""The pixels of images, which a table holds as bytes."""

from __future__ import annotations

import numpy as np
import pandas as pd


def pixels(images: pd.Series, shape: tuple[int, int, int]) -> np.ndarray:
    """(n_rows, height, width, channels) bytes of a column that `reading.images` made."""
    return np.frombuffer(b"".join(images), dtype="uint8").reshape(-1, *shape)


def has_colour(image: bytes) -> bool:
    """Whether a pixel of three shades is not grey."""
    shades = np.frombuffer(image, dtype="uint8").reshape(-1, 3)
    return bool((shades != shades[:, :1]).any())
