"""What is to be said of clusters, in words."""

from __future__ import annotations

from typing import Any, NamedTuple

import pandas as pd

from ..core.params import Params
from ..modeling.cluster_profiles import ClusterProfile, Trait
from ..modeling.model import Model
from ..modeling.structureless import DRAWS

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


def describe_structure(metrics: dict[str, Any], *, is_better: bool) -> str:
    """Whether there are clusters at all, in a sentence or two.

    Args:
        metrics: What metrics.json says.
        is_better: Whether the champion is better than the baseline, which the report says before.
    """
    figure, reference = metrics["stable_silhouette"], metrics["structureless"]
    reached = "is not defined" if figure is None else f"is {figure:.4f}"
    draws = f"{DRAWS} draws of rows without structure"
    ends = f"{reference['highest']:.4f} at most and {reference['mean']:.4f} in the mean"
    if not reference["is_exceeded"]:
        return (
            f"No clusters are shown: stable_silhouette {reached}, and {draws} reach {ends}; it "
            "would have to be above all of them."
        )
    above = (
        f"stable_silhouette {reached}, above all {draws}, which reach {ends} "
        f"(p <= {1 / (DRAWS + 1):.2f})"
    )
    if is_better:
        return f"There are clusters: {above}."
    return (
        f"The rows have some structure all the same: {above}. What is not shown is that any "
        "clusters tell more of it than the two halves of the baseline."
    )


def describe_number(model: Model, params: Params) -> str:
    """How many clusters there are, and who says so, in a sentence."""
    clusterer = model.pipeline[-1]
    count = "1 cluster" if clusterer.count == 1 else f"{clusterer.count} clusters"
    if clusterer.number_key is None:
        return f"{model.candidate} finds {count}; it cannot be told how many to find."
    number, trials = clusterer.number_, clusterer.trials_
    if params.train.clusters is not None:
        why = f"train.clusters in params.yaml asks for {number}"
    elif all(pd.isna(trial.score) for trial in trials):
        why = "the train rows are too few to choose among numbers"
    else:
        why = (
            f"of all numbers from 2 to {trials[-1].clusters}, {number} are found again best in "
            "other rows and lie apart"
        )
    lost = "" if clusterer.count == number else ", but some have no train row"
    return f"{model.candidate} has {count}: {why}{lost}."


def list_clusters(profiles: list[ClusterProfile], sizes: pd.DataFrame) -> list[ClusterLine]:
    """What each cluster is like; `sizes` are those of `clusters.measure_sizes`."""
    lines = zip(profiles, sizes["rows"], sizes["share"], sizes["silhouette"], strict=True)
    return [
        ClusterLine(
            one.cluster,
            f"{rows:,}",
            f"{share:.1%}",
            "" if pd.isna(silhouette) else f"{silhouette:.2f}",
            "; ".join(map(_describe_trait, one.traits)) or "like all rows",
        )
        for one, rows, share, silhouette in lines
    ]


def _describe_trait(trait: Trait) -> str:
    if not trait.typical:
        return f"{trait.column}, which is private"
    return f"{trait.column} {trait.typical} (all rows: {trait.usual})"
