"""What may be learnt, apart from all else of params.yaml, which takes long to import."""

from __future__ import annotations

from typing import Literal, get_args

Kind = Literal[
    "classification", "multilabel", "regression", "forecasting", "anomalies", "clustering"
]
KINDS: tuple[Kind, ...] = get_args(Kind)
