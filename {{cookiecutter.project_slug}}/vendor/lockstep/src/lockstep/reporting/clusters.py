"""What clusters of the test rows are like: the tables behind the figures."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..modeling.cluster_profiles import ClusterProfile, profile_clusters
from ..modeling.model import Model
from ..modeling.outcome import SILHOUETTE, Outcome
from ..modeling.stability import Trial
from .components import find_components

ROWS_DRAWN = 3000


def list_trials(model: Model) -> pd.DataFrame:
    """`clusters`, `agreement`, `silhouette` and `score` of each number that was tried."""
    return pd.DataFrame(model.pipeline[-1].trials_, columns=Trial._fields).dropna()


def describe_clusters(model: Model, rows: pd.DataFrame, outcome: Outcome) -> list[ClusterProfile]:
    """What the rows of each cluster are like, the largest of the train rows first."""
    return profile_clusters(rows, outcome.predicted, model.clusters, model.contract)


def measure_sizes(names: list[str], outcome: Outcome) -> pd.DataFrame:
    """`cluster`, `rows`, `share` and mean `silhouette` of each; nan of one without rows."""
    silhouettes = tabulate_silhouettes(names, outcome).groupby("cluster")[SILHOUETTE].mean()
    rows = np.bincount(outcome.predicted, minlength=len(names))
    table = pd.DataFrame({"cluster": names, "rows": rows, "share": rows / len(outcome)})
    return table.assign(silhouette=table["cluster"].map(silhouettes))


def tabulate_silhouettes(names: list[str], outcome: Outcome) -> pd.DataFrame:
    """`cluster` and `silhouette` of each row."""
    assert outcome.clusters is not None
    clusters = np.array(names)[outcome.predicted]
    return pd.DataFrame({"cluster": clusters, SILHOUETTE: outcome.clusters[SILHOUETTE].to_numpy()})


def tabulate_traits(profiles: list[ClusterProfile]) -> pd.DataFrame:
    """`cluster` and what `Trait` has, a line for each column in which a cluster is different."""
    lines = [(one.cluster, *trait) for one in profiles for trait in one.traits]
    return pd.DataFrame(lines, columns=["cluster", "column", "effect", "typical", "usual"])


def map_rows(model: Model, rows: pd.DataFrame, outcome: Outcome, seed: int) -> pd.DataFrame:
    """`first` and `second` principal component of some rows, and their `cluster`; empty of one
    column."""
    count = min(len(rows), ROWS_DRAWN)
    places = np.sort(np.random.default_rng(seed).permutation(len(rows))[:count])
    components = find_components(model.transform(rows.iloc[places]))
    names = np.array(model.clusters)[outcome.predicted[places]]
    if components is None:
        return pd.DataFrame(columns=["first", "second", "cluster"])
    return pd.DataFrame(components, columns=["first", "second"]).assign(cluster=names)
