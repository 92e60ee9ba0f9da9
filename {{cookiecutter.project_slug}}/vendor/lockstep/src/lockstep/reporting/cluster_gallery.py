"""Which figures there are of clusters."""

from __future__ import annotations

import pandas as pd

from ..modeling.cluster_profiles import ClusterProfile
from ..modeling.model import Model
from ..modeling.outcome import Outcome
from . import cluster_figures
from .clusters import list_trials, map_rows, tabulate_silhouettes, tabulate_traits
from .gallery import Gallery, Picture


def show_clusters(
    model: Model,
    rows: pd.DataFrame,
    outcome: Outcome,
    sizes: pd.DataFrame,
    profiles: list[ClusterProfile],
    seed: int,
) -> Gallery:
    """How many clusters there are, how large they are, what they are like and how far apart.

    Args:
        model: The champion.
        rows: (n_rows, n_columns) some of the test rows.
        outcome: Of these.
        sizes: Of all, by `clusters.measure_sizes`.
        profiles: Of these, by `clusters.describe_clusters`.
        seed: Of the rows that are drawn.
    """
    names = model.clusters
    tables = {
        "numbers": list_trials(model),
        "sizes": sizes,
        "profiles": tabulate_traits(profiles),
        "silhouettes": tabulate_silhouettes(names, outcome),
        "components": map_rows(model, rows, outcome, seed),
    }
    tables = {name: table for name, table in tables.items() if len(table)}
    pictures = {}
    if "numbers" in tables:
        pictures["numbers"] = Picture(
            cluster_figures.numbers(tables["numbers"], model.pipeline[-1].number_),
            "Train rows were divided into halves, and clusters found in each alone: whether both "
            "halves put the same rows together (agreement), how far apart the clusters lie "
            "(silhouette), and the product of both, which chooses the number.",
        )
    pictures["sizes"] = Picture(
        cluster_figures.sizes(tables["sizes"]), "The share of the test rows in each cluster."
    )
    if "profiles" in tables:
        pictures["profiles"] = Picture(
            cluster_figures.profiles(tables["profiles"], names),
            "In what the test rows of a cluster differ from all of them: red is more, blue is "
            "less, with the median or the category that is more frequent there. Where nothing "
            "stands, the difference is small.",
        )
    if "components" in tables:
        pictures["components"] = Picture(
            cluster_figures.components(tables["components"], names),
            "Test rows by the two leading principal components of their numbers; clusters may lie "
            "apart in directions that these do not show.",
        )
    pictures["silhouettes"] = Picture(
        cluster_figures.silhouettes(tables["silhouettes"], names),
        "The silhouette of each test row: near 1 it lies among its own, near 0 between two "
        "clusters, below 0 nearer to another one.",
    )
    return Gallery(pictures, tables)
