"""Rows of fruit that a version was asked, and a profile that they are counted on the scales of."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from conftest import CONTRACT, make_fruit
from lockstep.core.contract import Contract
from lockstep.data.conformity import NO_BREACHES
from lockstep.modeling.expectation import Expectation
from lockstep.modeling.profile import Profile, find_spread
from lockstep.modeling.scales import make_number_scale, make_scale
from lockstep.modeling.tallies import Tally
from lockstep.monitoring.batches import Batch, Subject

SUBJECT = Subject("fruit", "1.0.0", "0" * 64, "answer")
FIRST = np.datetime64("2026-11-02", "us")
"""A Monday."""
FEATURES = ["weight", "seeds", "colour"]


def make_profile(**other: Any) -> Profile:
    """Of 600 rows; the prediction is a number here, a tenth of the weight."""
    frame = predict(make_fruit(600))
    contract = Contract.model_validate(CONTRACT)
    scales = {name: make_scale(frame[name], contract.columns[name]) for name in FEATURES}
    scales["prediction"] = make_number_scale(frame["prediction"])
    tallies = {name: Tally.empty(scale) for name, scale in scales.items()}
    for name, tally in tallies.items():
        tally.add(frame[name], scales[name])
    spreads = {name: find_spread(frame[name]) for name in scales if scales[name].is_number}
    usual: dict[str, Any] = {
        "rows": 600,
        "scales": scales,
        "tallies": tallies,
        "spreads": spreads,
        "scores": ("prediction",),
        "metrics": {},
        "expectation": Expectation(),
    }
    return Profile(**usual | other)


def predict(frame: pd.DataFrame) -> pd.DataFrame:
    """With a column of predictions."""
    return frame.assign(prediction=frame["weight"] / 10)


def make_batch(rows: int = 60, days: float = 1.0, first: int = 0, **other: Any) -> Batch:
    """So many rows, a request each, spread evenly over some days from `FIRST` on."""
    frame = predict(make_fruit(first + rows)[first:].reset_index(drop=True))
    usual: dict[str, Any] = {
        "subject": SUBJECT,
        "times": FIRST + (np.arange(rows) * (days * 86_400e6 / rows)).astype("timedelta64[us]"),
        "requests": np.array([f"request-{first + row}" for row in range(rows)], dtype="object"),
        "places": np.zeros(rows, dtype="int64"),
        "status": np.full(rows, 200),
        "seconds": np.full(rows, 0.01),
        "X": frame[FEATURES],
        "is_kept": np.full(rows, True),
        "breaches": NO_BREACHES,
        "groups": None,
        "predictions": frame[["prediction"]],
        "outcomes": np.full(rows, None, dtype="object"),
        "outcome_times": np.full(rows, np.datetime64("NaT", "us")),
    }
    return Batch(**usual | other)
