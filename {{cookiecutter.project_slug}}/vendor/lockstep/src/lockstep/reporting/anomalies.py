"""What is odd among the test rows: the tables behind the figures."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..modeling.because import BECAUSE, explain_oddness, measure_falls
from ..modeling.metrics import METRICS
from ..modeling.model import Model
from ..modeling.outcome import ODDNESS_IF, Outcome
from .components import find_components

ODDEST, ROWS_EXPLAINED, ROWS_DRAWN = 10, 200, 3000


def list_ways(outcome: Outcome) -> list[str]:
    """The ways in which rows have been made odd."""
    assert outcome.injected is not None
    return [str(name).removeprefix(ODDNESS_IF) for name in outcome.injected]


def measure_ways(outcome: Outcome) -> pd.DataFrame:
    """`way`, `average_precision` and `recall` of the rows made odd in each way."""
    assert outcome.injected is not None
    lines = []
    for way in list_ways(outcome):
        alone = Outcome(
            outcome.actual,
            outcome.predicted,
            outcome.classes,
            outcome.groups,
            outcome.threshold,
            injected=outcome.injected[[f"{ODDNESS_IF}{way}"]],
        )
        precision, recall = (metric.score(alone) for metric in METRICS["anomalies"][:2])
        lines.append((way, precision, recall))
    return pd.DataFrame(lines, columns=["way", "average_precision", "recall"])


def find_oddest(model: Model, rows: pd.DataFrame, outcome: Outcome) -> pd.DataFrame:
    """The oddest rows, with what makes them odd and what they are known to be.

    Returns:
        (ODDEST,) `row`, its place among `rows`, from 1; `oddness`, `because`, and `known`, which is
        empty where nobody knows.
    """
    places = np.argsort(-outcome.oddness, kind="stable")[:ODDEST]
    top = rows.iloc[places].reset_index(drop=True)
    marginals = model.postprocessing.marginals
    assert marginals is not None
    reasons = explain_oddness(top[model.contract.features], marginals, model.score)
    return pd.DataFrame(
        {
            "row": places + 1,
            "oddness": outcome.oddness[places],
            BECAUSE: reasons,
            "known": top[model.contract.target].fillna("").to_numpy(),
        }
    )


def measure_importance(model: Model, rows: pd.DataFrame, outcome: Outcome) -> pd.DataFrame:
    """Which columns make the oddest rows odd.

    Returns:
        `feature` and `share`: how much of a row's oddness goes where the column has its typical
        value, as a share of what all columns take, in the mean over the oddest twentieth of the
        rows (ROWS_EXPLAINED at most); the most important first.
    """
    marginals = model.postprocessing.marginals
    assert marginals is not None
    count = min(ROWS_EXPLAINED, max(1, len(rows) // 20))
    places = np.argsort(-outcome.oddness, kind="stable")[:count]
    top = rows.iloc[places].reset_index(drop=True)
    falls = measure_falls(top[model.contract.features], marginals, model.score).clip(lower=0)
    totals = falls.sum(axis=1)
    shares = falls.div(totals.where(totals > 0, 1), axis=0).mean()
    table = pd.DataFrame({"feature": shares.index, "share": shares.to_numpy()})
    return table.sort_values("share", ascending=False, kind="stable", ignore_index=True)


def project_rows(model: Model, rows: pd.DataFrame, outcome: Outcome, seed: int) -> pd.DataFrame:
    """`first` and `second` principal component of the rows' numbers, `oddness` and `is_odd`.

    Of very many rows some are drawn, and all that are called anomalies (ROWS_DRAWN of each).
    """
    rng, is_odd = np.random.default_rng(seed), outcome.decisions == 1
    parts = [np.flatnonzero(is_odd), np.flatnonzero(~is_odd)]
    places = np.sort(
        np.concatenate([rng.permutation(part)[:ROWS_DRAWN] for part in parts]).astype(int)
    )
    components = find_components(model.transform(rows.iloc[places]))
    if components is None:
        return pd.DataFrame(columns=["first", "second", "oddness", "is_odd"])
    return pd.DataFrame(
        {
            "first": components[:, 0],
            "second": components[:, 1],
            "oddness": outcome.oddness[places],
            "is_odd": is_odd[places],
        }
    )
