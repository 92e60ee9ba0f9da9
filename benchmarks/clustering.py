"""Clusters beside known classes, and how often any are shown, where there are some and none.

    python benchmarks/clustering.py [--simulations N]

On tables that scikit-learn carries, candidates learn from all rows and no class: printed are how
many clusters each finds, and the adjusted Rand index with the classes. Beside them stand k-means
with the number of the best silhouette, and a Gaussian mixture with that of the best BIC, which is
how scikit-learn's examples choose it. Then champions are chosen as `train` does, on N sets of rows
without structure and N splits of rows with some, and `evaluate`'s test says whether clusters are
shown.
"""

from __future__ import annotations

from _simulation import simulate

if __name__ == "__main__":
    simulate("_clustering.py", 20, "wines")
