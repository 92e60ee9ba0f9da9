"""Look for anomalies in the tables in a folder; anomalies.py runs it.

    python benchmarks/_anomalies.py FOLDER [CANDIDATE ...]

The candidates that are named are left out. Of each parquet file of rows a JSON file tells how well
candidates tell rows made odd on purpose, on folds of the train rows, which of them `use` suggests
without labels, and average precision and ROC AUC of each by the labels of the test rows.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import lockstep  # noqa: F401 - before numpy, whose threads it counts
import numpy as np
import pandas as pd
from _choosing import make_params
from _unlabelled import make_contract, make_pipelines, make_rows, make_table, validate
from lockstep.modeling.model import Model
from sklearn.metrics import average_precision_score, roc_auc_score


def look(file: Path, without: list[str]) -> None:
    """Compare the candidates on the rows in a file."""
    table = pd.read_parquet(file)
    is_test, is_odd = table.pop("is_test").to_numpy(), table.pop("is_odd").to_numpy()
    X = table.to_numpy("float64")
    contract = make_contract(X, "anomalies")
    rows, test = make_rows(X[~is_test], contract), make_table(X[is_test], contract)
    # With labels, whatever they say, all candidates are suggested.
    labels = np.resize(np.array(contract.classes), len(rows.table))
    all_six = make_params(contract, rows.table.assign(**{contract.target: labels}), without)
    pipelines = make_pipelines(rows, all_six)
    scores = {}
    for name, pipeline in pipelines.items():
        model = Model(rows.fit(name, pipeline), name, "anomalies", contract)
        oddness = model.score(test)
        scores[name] = [
            float(measure(is_odd[is_test], oddness))
            for measure in (average_precision_score, roc_auc_score)
        ]
    about = {
        "suggested": [name for name in rows.params.train.candidates if name in pipelines],
        "validation": validate(rows, pipelines),
        "test": scores,
    }
    file.with_suffix(".json").write_text(json.dumps(about))
    print(file.stem, json.dumps(about), flush=True)


if __name__ == "__main__":
    for path in sorted(Path(sys.argv[1]).glob("*.parquet")):
        look(path, sys.argv[2:])
