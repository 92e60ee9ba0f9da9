"""The pictures of a search, with captions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from ..core.params import Space
from ..modeling.metrics import Metric
from ..reporting.figures import save
from ..reporting.gallery import Picture
from . import figures
from .gains import Gain
from .importance import measure_importance

COLOURS = 128
"""Of a picture, which makes it a fourth as large: a page with all of them can be kept in git."""


def draw_pictures(
    gains: Sequence[Gain], spaces: dict[str, Space], metric: Metric, folder: Path
) -> dict[str, str]:
    """Write the pictures of a search into a folder; gives their captions by their names."""
    captions = {}
    for name, picture in _list_pictures(gains, spaces, metric).items():
        path = folder / f"{name}.png"
        save(picture.figure, path)
        with Image.open(path) as image:
            small = image.convert("RGB").quantize(
                COLOURS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE
            )
        small.save(path, optimize=True)
        captions[name] = picture.caption
    return captions


def _list_pictures(
    gains: Sequence[Gain], spaces: dict[str, Space], metric: Metric
) -> dict[str, Picture]:
    trials = {gain.candidate: gain.trials for gain in gains}
    pictures = {
        "history": Picture(
            figures.history(trials, metric),
            f"The {metric.name} of each trial, in the order of the search. Where the best "
            "one was still changing at the end, more trials may find better ones.",
        )
    }
    shares = {
        name: share
        for name, own in trials.items()
        if (share := measure_importance(own, spaces[name], metric))
    }
    if shares:
        pictures["importance"] = Picture(
            figures.importance(shares),
            "How much the value of an option has to do with being among the best quarter of a "
            "candidate's trials, in the part of the space that was tried (PED-ANOVA; Watanabe et "
            "al., 2023). Candidates with few trials or a single option are left out.",
        )
    for name, own in trials.items():
        pictures[f"slices_{name}"] = Picture(
            figures.slices(own, spaces[name], metric),
            f"The {metric.name} of each trial of {name} over the value of each option. If the best "
            "trials are at the end of a range, a wider one in params.yaml may have better ones.",
        )
    return pictures
