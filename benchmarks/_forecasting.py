"""What the champions of forecasts make of the series in a folder; forecasting.py runs it.

    python benchmarks/_forecasting.py FOLDER [--networks]

Of each CSV file of rows a parquet file of test forecasts is written. The contract and the settings
are those that `use` comes to; the champion is chosen on the rolling origins of the train rows.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import lockstep  # noqa: F401 - before numpy, whose threads it counts
import my_project.features
import my_project.models  # noqa: F401 - they register steps and candidates
import numpy as np
import pandas as pd
from lockstep.adopting.forecasts import suggest_window
from lockstep.adopting.suggestion import suggest
from lockstep.core.contract import Contract
from lockstep.core.errors import UserError
from lockstep.core.examples import frame_contract
from lockstep.core.params import Params
from lockstep.data.every import parse_every
from lockstep.data.examples import make_examples
from lockstep.data.folds import make_folds
from lockstep.modeling.candidates import make_candidate
from lockstep.modeling.features import make_features
from lockstep.modeling.model import Model
from lockstep.modeling.problem import make_problem
from lockstep.modeling.series import encode_target
from sklearn.pipeline import make_pipeline

NETWORKS = ("recurrent", "tcn")


def make_contract(rows: pd.DataFrame) -> Contract:
    """The contract of rows of series, as `use` writes it."""
    days = rows["time"].drop_duplicates().sort_values().diff().min().days
    often, horizon = next(
        (often, horizon)
        for most, often, horizon in (
            *((1, "1 day", 14), (31, "1 month", 12)),
            *((92, "1 quarter", 8), (366, "1 year", 6)),
        )
        if days <= most
    )
    every = parse_every(often, is_number=False)
    longest = int(rows.groupby("series").size().max())
    words = {
        **{"title": "series", "source": "a package", "licence": "see there", "target": "value"},
        **{"time": "time", "series": "series", "horizon": horizon, "every": often},
        **{"season": every.season},
        "window": suggest_window(every, every.season, horizon, longest),
    }
    columns = {"series": "identifier", "time": "datetime", "value": "numeric"}
    described = {name: {"type": kind, "meaning": name} for name, kind in columns.items()}
    return Contract.model_validate(words | {"columns": described})


def make_params(contract: Contract, rows: pd.DataFrame, *, networks: bool) -> Params:
    """The settings that `use` comes to, but for the networks."""
    content: dict = {
        **{"seed": 42, "reproducibility": "strict", "keras_backend": "jax", "split": {}},
        **{"data": {"raw": "data/raw", "max_rejected": 0.01}, "features": {}, "train": {}},
        "evaluate": {"resamples": 500, "confidence": 0.95},
    }
    for key, value in suggest(contract, rows).items():
        section, _, name = key.partition(".")
        (content[section] if name else content)[name or section] = value
    candidates = content["train"]["candidates"]
    for name in () if networks else NETWORKS:
        del candidates[name]
    return Params.model_validate(content)


def mase(model: Model, rows: pd.DataFrame) -> float:
    """The mean absolute error in units of the value's a season before."""
    errors = np.abs(model.apply(rows)["prediction"].to_numpy() - rows["value"].to_numpy())
    return float(np.nanmean(errors / rows["scale"].to_numpy()))


def fold(rows: pd.DataFrame, contract: Contract, params: Params) -> list:
    """As many rolling origins as the rows allow, and at most as many as params.yaml says."""
    for count in range(params.train.fold_count, 1, -1):
        train = params.train.model_copy(update={"folds": count})
        try:
            return make_folds(rows, contract, params.model_copy(update={"train": train}))
        except UserError:
            continue
    raise SystemExit("too few rows for two folds")


def forecast(file: Path, *, networks: bool) -> None:
    """Choose a champion for the rows in a file, and write what it says of the test."""
    start = time.perf_counter()
    rows = pd.read_csv(file, parse_dates=["time"])
    rows["series"], rows["value"] = rows["series"].astype("str"), rows["value"].astype("float64")
    history = make_contract(rows)
    params, contract = make_params(history, rows, networks=networks), frame_contract(history)
    examples = pd.concat(make_examples([rows], history, params), ignore_index=True)
    train, test = (
        examples[examples["part"] == part].reset_index(drop=True) for part in ("train", "test")
    )
    problem = make_problem(params, contract)

    def fit(name: str, learnt: pd.DataFrame) -> Model:
        candidate = make_candidate(name, params.train.candidates[name], problem)
        pipeline = make_pipeline(make_features(name, params, contract), candidate)
        pipeline.fit(learnt[contract.features], encode_target(learnt, contract))
        return Model(pipeline, name, "forecasting", contract)

    folds = fold(train, contract, params)
    scores = {
        name: np.mean([mase(fit(name, train.iloc[a]), train.iloc[b]) for a, b in folds])
        for name in params.train.candidates
    }
    champion = min(scores, key=scores.__getitem__)
    for key, name in {"champion": champion, "baseline": "baseline"}.items():
        test[key] = fit(name, train).apply(test)["prediction"].to_numpy()
    columns = ["series", "origin", "step", "value", "scale", "champion", "baseline"]
    test[columns].to_parquet(file.with_suffix(".parquet"))
    seconds = time.perf_counter() - start
    about = {"horizon": history.horizon, "champion": champion, "seconds": seconds}
    file.with_suffix(".json").write_text(json.dumps(about | {"validation": scores}))
    print(file.stem, champion, f"{seconds:.0f} s", flush=True)


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("folder", type=Path)
    options.add_argument("--networks", action="store_true")
    chosen = options.parse_args()
    for path in sorted(chosen.folder.glob("*.csv")):
        if not path.with_suffix(".parquet").exists():
            forecast(path, networks=chosen.networks)
