"""What the champions make of the sequences in a folder; sequences.py runs it.

    python benchmarks/_sequences.py FOLDER [CANDIDATE ...]

The candidates that are named are left out. Of each parquet file of points a JSON file tells which
candidate is best by log loss on folds of the train sequences, and accuracy and log loss of each on
the test sequences. The settings are those that `use` comes to.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import lockstep  # noqa: F401 - before numpy, whose threads it counts
import my_project.features
import my_project.models  # noqa: F401 - they register steps and candidates
import numpy as np
import pandas as pd
from lockstep.adopting.suggestion import suggest
from lockstep.core.contract import Contract
from lockstep.core.examples import frame_contract
from lockstep.core.params import Params
from lockstep.data.conformity import conform
from lockstep.data.examples import make_examples
from lockstep.data.folds import make_folds
from lockstep.modeling.candidates import make_candidate
from lockstep.modeling.features import make_features
from lockstep.modeling.problem import make_problem
from sklearn.metrics import log_loss
from sklearn.pipeline import make_pipeline

LONGEST = 1000
"""Points that `use` has looked at of a sequence."""


def make_contract(points: pd.DataFrame) -> Contract:
    """The contract of the points, as `use` writes it, with the split as it is given."""
    longest = int(points.groupby("sequence").size().max())
    words = {
        **{"title": "sequences", "source": "a package", "licence": "see there"},
        **{"target": "label", "sequence": "sequence", "time": "point", "part": "part"},
        "length": min(longest, LONGEST),
    }
    labels = sorted(points["label"].unique())
    columns = {
        "sequence": {"type": "identifier"},
        "point": {"type": "integer"},
        "label": {"type": "categorical" if len(labels) > 2 else "binary", "categories": labels},
        "part": {"type": "binary", "categories": ["train", "test"]},
    }
    columns |= {name: {"type": "numeric", "nullable": True} for name in points if "channel" in name}
    described = {name: column | {"meaning": name} for name, column in columns.items()}
    return Contract.model_validate(words | {"columns": described})


def make_params(contract: Contract, table: pd.DataFrame, without: list[str]) -> Params:
    """The settings that `use` comes to."""
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
        del candidates[name]
    # Of the fewest sequences of a class, each fold has one.
    fewest = int(table[contract.target].value_counts().min())
    content["train"]["folds"] = min(content["train"]["folds"], fewest)
    return Params.model_validate(content)


def learn(file: Path, without: list[str]) -> None:
    """Compare the candidates on the points in a file."""
    start = time.perf_counter()
    rows, contract = pd.read_parquet(file), make_contract(pd.read_parquet(file))
    points, _ = conform(contract.columns, rows)
    framed = frame_contract(contract)
    names = ["sequence", "label", "part"]
    params = make_params(framed, rows[names].drop_duplicates(), without)
    examples = pd.concat(make_examples([points], contract, params), ignore_index=True)
    train, test = (
        examples[examples["part"] == part].reset_index(drop=True) for part in ("train", "test")
    )
    params = make_params(framed, train, without)
    problem, seconds = make_problem(params, framed), {}

    def score(name: str, learnt: pd.DataFrame, tried: pd.DataFrame) -> tuple[float, float]:
        began = time.perf_counter()
        candidate = make_candidate(name, params.train.candidates[name], problem)
        pipeline = make_pipeline(make_features(name, params, framed), candidate)
        pipeline.fit(learnt[framed.features], learnt["label"])
        shares = pipeline.predict_proba(tried[framed.features])
        accuracy = (pipeline.classes_[shares.argmax(axis=1)] == tried["label"]).mean()
        seconds[name] = seconds.get(name, 0) + time.perf_counter() - began
        loss = log_loss(tried["label"], np.clip(shares, 1e-15, 1), labels=pipeline.classes_)
        return float(accuracy), float(loss)

    folds = make_folds(train, framed, params)
    validation = {
        name: float(np.mean([score(name, train.iloc[a], train.iloc[b])[1] for a, b in folds]))
        for name in params.train.candidates
    }
    champion = min(validation, key=validation.__getitem__)
    about = {
        **{"champion": champion, "validation": validation},
        "test": {name: score(name, train, test) for name in validation},
        **{"seconds": time.perf_counter() - start, "seconds_each": seconds},
        **{"rows": f"{len(train)} + {len(test)}", "classes": len(framed.classes)},
        "shape": f"{contract.length} x {len(contract.channels)}",
    }
    file.with_suffix(".json").write_text(json.dumps(about))
    print(file.stem, json.dumps(about), flush=True)


if __name__ == "__main__":
    for path in sorted(Path(sys.argv[1]).glob("*.parquet")):
        if not path.with_suffix(".json").exists():
            learn(path, sys.argv[2:])
