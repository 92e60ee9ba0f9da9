"""Clusters beside known classes, and how often any are shown, where there are some and none.

    python benchmarks/clustering.py [--simulations N]

On tables that scikit-learn carries, candidates learn from all rows and no class: printed are how
many clusters each finds, and the adjusted Rand index with the classes. Beside them stand k-means
with the number of the best silhouette, and a Gaussian mixture with that of the best BIC, which is
how scikit-learn's examples choose it. Then k-means learns from three quarters of N sets of rows
without structure, and of a quarter as many sets or splits of rows with some, and the test of
`evaluate` says whether its clusters are shown.
"""

from __future__ import annotations

from _simulation import simulate

if __name__ == "__main__":
    simulate("_clustering.py", 20, "wines")
