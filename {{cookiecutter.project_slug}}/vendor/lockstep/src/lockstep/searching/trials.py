"""The trials of a search, and the table that tells them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from ..modeling.metrics import Metric

ROUNDING = 1e-9
"""Share of a figure below which a difference is one of rounding, as for the leaderboard."""


@dataclass(frozen=True)
class Trial:
    """A candidate with the options that were tried, and how it did."""

    number: int
    """From 0, in the order in which the search asked for them."""
    batch: int
    """The candidate's own, from 0; that one is a single trial of what params.yaml had before."""
    candidate: str
    options: dict[str, Any]
    """Those that are searched; the others stay as params.yaml has them."""
    state: Literal["complete", "dropped", "failed"]
    """A network is dropped when others are better after as many epochs."""
    mean: float
    """The primary metric on validation rows, as the leaderboard has it; nan where it failed."""
    standard_error: float
    epochs: int | None = None
    """Most epochs of a network in the round that it reached."""
    reason: str = ""
    """Why it failed."""


def find_best(trials: Iterable[Trial], metric: Metric) -> Trial | None:
    """The complete trial with the best mean, if there is any; a tie goes to the earlier one."""
    best: Trial | None = None
    for trial in trials:
        if trial.state == "complete" and (
            best is None or (trial.mean - best.mean) * metric.sign > ROUNDING * abs(best.mean)
        ):
            best = trial
    return best


def tabulate(trials: Sequence[Trial], metric: Metric) -> pd.DataFrame:
    """A line per trial: its figures, and a column for each option that any candidate has."""
    table = pd.DataFrame(
        {
            "trial": [trial.number for trial in trials],
            "batch": [trial.batch for trial in trials],
            "candidate": [trial.candidate for trial in trials],
            "state": [trial.state for trial in trials],
            f"{metric.name}_mean": [trial.mean for trial in trials],
            "standard_error": [trial.standard_error for trial in trials],
            "epochs": pd.Series([trial.epochs for trial in trials], dtype="Int64"),
        }
    )
    reasons = [trial.reason for trial in trials]
    for name in dict.fromkeys(name for trial in trials for name in trial.options):
        column = f"option {name}" if name in {*table, "reason"} else name
        table[column] = [
            as_text(trial.options[name]) if name in trial.options else "" for trial in trials
        ]
    return table.assign(reason=reasons)


def as_text(value: Any) -> str:
    """A value as JSON, which is YAML too, but a text as it is."""
    return value if isinstance(value, str) else json.dumps(value, default=str)
