"""What is to be said of clusters, in words."""

from __future__ import annotations

from typing import Any, NamedTuple

import pandas as pd

from ..core.params import Params
from ..modeling.cluster_profiles import ClusterProfile, Trait
from ..modeling.model import Model

LIMITS = [
    "There is no target, so that no cluster is right or wrong. The champion is the candidate whose "
    "clusters are found again in other rows and lie apart; whether they are of use for anything, "
    "that does not say.",
    "Every row is assigned to a cluster, also one that is like none of them.",
    "With other columns or other steps of the recipe there are other clusters.",
]


class ClusterLine(NamedTuple):
    """A cluster for people."""

    name: str
    rows: str
    share: str
    silhouette: str
    traits: str


def describe_structure(metrics: dict[str, Any]) -> str:
    """Whether there are clusters at all, in a sentence."""
    figure, reference = metrics["stable_silhouette"], metrics["structureless"]
    reached = "is not defined" if figure is None else f"is {figure:.4f}"
    without = (
        f"of rows that are drawn without any it is {reference['mean']:.4f} in the mean, and at "
        f"most {reference['highest']:.4f}"
    )
    if reference["is_exceeded"]:
        return f"There are clusters: stable_silhouette {reached}; {without}."
    return (
        f"No clusters are shown: rows without any structure score as high. stable_silhouette "
        f"{reached}; {without}."
    )


def describe_number(model: Model, params: Params) -> str:
    """How many clusters there are, and who says so, in a sentence."""
    clusterer = model.pipeline[-1]
    count = f"{clusterer.count} cluster{'' if clusterer.count == 1 else 's'}"
    if clusterer.number_key is None:
        return f"{model.candidate} finds {count}; it cannot be told how many to find."
    if params.train.clusters is not None:
        return f"There are {count}, as train.clusters in params.yaml says."
    return (
        f"There are {count}: of all numbers from 2 to 10 that the train rows are enough for, those "
        "are found again best in other rows and lie apart."
    )


def list_clusters(profiles: list[ClusterProfile], sizes: pd.DataFrame) -> list[ClusterLine]:
    """What each cluster is like; `sizes` are those of `clusters.measure_sizes`."""
    silhouettes = ["" if pd.isna(value) else f"{value:.2f}" for value in sizes["silhouette"]]
    return [
        ClusterLine(
            one.cluster,
            f"{one.rows:,}",
            f"{one.share:.1%}",
            silhouette,
            "; ".join(map(_describe_trait, one.traits)) or "like all rows",
        )
        for one, silhouette in zip(profiles, silhouettes, strict=True)
    ]


def _describe_trait(trait: Trait) -> str:
    if not trait.typical:
        return f"{trait.column}, which is private"
    return f"{trait.column} {trait.typical} (all rows: {trait.usual})"
