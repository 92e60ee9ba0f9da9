"""The examples that a model learns to forecast from, framed from the rows of series."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from ..core.contract import Contract
from ..core.params import Params


def make_examples(
    rows: Iterable[pd.DataFrame], contract: Contract, params: Params
) -> Iterable[pd.DataFrame]:
    """The rows that a model learns from, batch by batch, as often as they are iterated.

    Those of a forecast are framed as `core.examples` says; others are examples as they are.
    """
    if contract.horizon is None:
        return rows
    raise NotImplementedError
