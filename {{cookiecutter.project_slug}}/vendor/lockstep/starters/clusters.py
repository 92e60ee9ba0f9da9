"""Candidates that look for clusters: rows that are alike, without a target.

A candidate returns a clusterer or a mixture of scikit-learn's. How many clusters there are is not
its business: `train.clusters` in params.yaml says it, or it is chosen by what other rows tell.
"""

from typing import Annotated, Literal

import lockstep
from lockstep import Problem, candidate
from pydantic import Field, PositiveFloat, PositiveInt
from sklearn.base import BaseEstimator
from sklearn.cluster import AgglomerativeClustering, KMeans
from sklearn.mixture import GaussianMixture

Starts = Annotated[PositiveInt, Field(description="how often it begins anew; the best one counts")]


@candidate
def kmeans(problem: Problem, *, starts: Starts = 4) -> BaseEstimator:
    """Each row is of the cluster whose mean is nearest (Lloyd, 1982)."""
    return KMeans(n_init=starts, random_state=problem.seed)


@candidate
def gaussian_mixture(
    problem: Problem,
    *,
    covariance: Literal["full", "tied", "diag", "spherical"] = "full",
    regularisation: PositiveFloat = 1e-3,
    starts: Starts = 1,
) -> BaseEstimator:
    """Each cluster is a normal distribution, of any direction and width.

    Args:
        covariance: `full` has one of each cluster, `tied` one of all; of `diag` columns do not go
            together, and `spherical` clusters are balls
        regularisation: what is added to each variance
    """
    return GaussianMixture(
        covariance_type=covariance,
        reg_covar=regularisation,
        n_init=starts,
        random_state=problem.seed,
    )


@candidate
def agglomerative(
    _: Problem, *, linkage: Literal["ward", "complete", "average", "single"] = "ward"
) -> BaseEstimator:
    """The two clusters that are nearest become one, again and again (Ward, 1963).

    Args:
        linkage: what is near; `ward` makes the variance within clusters small
    """
    return AgglomerativeClustering(linkage=linkage)


@candidate
def hdbscan(
    _: Problem,
    *,
    share: Annotated[float, Field(gt=0, lt=0.5)] = 0.05,
    neighbours: PositiveInt | None = None,
) -> BaseEstimator:
    """Where rows are dense, of any shape, and as many as there are (Campello et al., 2013).

    Args:
        share: of the train rows, what a cluster has at least
        neighbours: rows around one that tell how dense it is there; by default as many as the
            smallest cluster has
    """
    return lockstep.Density(share, neighbours)
