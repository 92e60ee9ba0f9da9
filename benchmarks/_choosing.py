"""The candidates that `use` suggests, compared on a split that is given; runs in a project."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import lockstep  # noqa: F401 - before numpy, whose threads it counts
import my_project.features
import my_project.models  # noqa: F401 - they register steps and candidates
import numpy as np
import pandas as pd
from lockstep.adopting.suggestion import suggest
from lockstep.core.contract import Contract
from lockstep.core.params import Params
from lockstep.data.folds import make_folds
from lockstep.modeling.candidates import make_candidate
from lockstep.modeling.features import make_features
from lockstep.modeling.problem import make_problem
from sklearn.metrics import log_loss
from sklearn.pipeline import make_pipeline


def make_params(contract: Contract, table: pd.DataFrame, without: Sequence[str] = ()) -> Params:
    """The settings that `use` comes to, less the candidates that are named."""
    content: dict = {
        **{"seed": 42, "reproducibility": "strict", "keras_backend": "jax"},
        **{"data": {"raw": "data/raw", "max_rejected": 0.01}, "features": {}, "train": {}},
        "split": {"test_fraction": 0.2},
        "evaluate": {"resamples": 500, "confidence": 0.95},
    }
    for key, value in suggest(contract, table).items():
        section, _, name = key.partition(".")
        (content[section] if name else content)[name or section] = value
    candidates = content["train"]["candidates"]
    for name in without:
        candidates.pop(name, None)
    if contract.kind == "classification":
        # Of the fewest rows of a class, each fold has one.
        fewest = int(table[contract.target].value_counts().min())
        content["train"]["folds"] = min(content["train"]["folds"], fewest)
    return Params.model_validate(content)


def choose(
    train: pd.DataFrame, test: pd.DataFrame, contract: Contract, params: Params
) -> dict[str, Any]:
    """What comes of each candidate, and which is best by log loss on folds of the train rows.

    Returns:
        `champion`; by candidates `validation`, its mean log loss on the folds, and `test`, its
        accuracy and log loss on the test rows; `seconds` of all, and `seconds_each`.
    """
    problem, start, target = make_problem(params, contract), time.perf_counter(), contract.target
    seconds = dict.fromkeys(params.train.candidates, 0.0)

    def score(name: str, learnt: pd.DataFrame, tried: pd.DataFrame) -> tuple[float, float]:
        began = time.perf_counter()
        candidate = make_candidate(name, params.train.candidates[name], problem)
        pipeline = make_pipeline(make_features(name, params, contract), candidate)
        pipeline.fit(learnt[contract.features], learnt[target])
        shares = pipeline.predict_proba(tried[contract.features])
        accuracy = (pipeline.classes_[shares.argmax(axis=1)] == tried[target]).mean()
        seconds[name] += time.perf_counter() - began
        loss = log_loss(tried[target], np.clip(shares, 1e-15, 1), labels=pipeline.classes_)
        return float(accuracy), float(loss)

    folds = make_folds(train, contract, params)
    validation = {
        name: float(np.mean([score(name, train.iloc[a], train.iloc[b])[1] for a, b in folds]))
        for name in params.train.candidates
    }
    return {
        **{"champion": min(validation, key=validation.__getitem__), "validation": validation},
        "test": {name: score(name, train, test) for name in validation},
        **{"seconds": time.perf_counter() - start, "seconds_each": seconds},
        **{"rows": f"{len(train)} + {len(test)}", "classes": len(contract.classes)},
    }
