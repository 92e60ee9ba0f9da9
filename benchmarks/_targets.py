"""Learn ordered classes, counts and labels from the tables in a folder; targets.py runs it.

    python benchmarks/_targets.py FOLDER [CANDIDATE ...]

The candidates that are named are left out. Of each parquet file of rows a JSON file tells which
candidate `train` chooses, and what it predicts and decides of the test rows.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module, invalidate_caches
from pathlib import Path
from shutil import copy

import lockstep  # noqa: F401 - before numpy, whose threads it counts
import numpy as np
import pandas as pd
from _choosing import make_params
from _unlabelled import make_pipelines
from lockstep.core.contract import Contract
from lockstep.data.conformity import conform
from lockstep.data.folds import make_folds
from lockstep.modeling.compare import Leaderboard, cross_validate
from lockstep.modeling.model import Model
from lockstep.modeling.train_rows import TrainRows

TARGET, EXPOSURE, SIDE, NO_LABEL = "target", "exposure", "is_test", "none"


def describe(values: pd.Series) -> dict:
    """A column of the contract, by its type in the table, where texts are labels."""
    meaning = {"meaning": values.name}
    if isinstance(values.dtype, pd.CategoricalDtype):
        categories = [*values.cat.categories]
        usual = "binary" if len(categories) == 2 else "categorical"
        kind = "ordered" if values.cat.ordered else usual
        return {"type": kind, "categories": categories, **meaning}
    if not pd.api.types.is_numeric_dtype(values):
        labels = sorted({*values.str.split("|").explode()} - {NO_LABEL})
        return {"type": "labels", "categories": labels, "none": [NO_LABEL], **meaning}
    kind = "integer" if pd.api.types.is_integer_dtype(values) else "numeric"
    least = {"range": [1e-9, None]} if values.name == EXPOSURE else {}
    return {"type": kind, **least, **meaning}


def make_contract(table: pd.DataFrame) -> Contract:
    """The contract of a table, as `use` writes it."""
    about = {"title": "rows", "source": "a package", "licence": "see there", "target": TARGET}
    if EXPOSURE in table:
        about["exposure"] = EXPOSURE
    columns = {name: describe(table[name]) for name in table}
    return Contract.model_validate(about | {"columns": columns})


def learn(file: Path, without: list[str]) -> None:
    """Choose among the candidates on the rows in a file, and let the champion predict."""
    table = pd.read_parquet(file)
    is_test = table.pop(SIDE).to_numpy()
    contract = make_contract(table)
    cells = table.astype(dict.fromkeys(table.select_dtypes("category"), "str"))
    rows, _ = conform(contract.columns, cells)
    train, test = (rows[side].reset_index(drop=True) for side in (~is_test, is_test))
    params = make_params(contract, train, without)
    learnt = TrainRows(train, train, contract, params, np.arange(len(train)))
    pipelines, leaderboard = make_pipelines(learnt, params), Leaderboard(params)
    for name, validation in cross_validate(pipelines, learnt, make_folds(train, contract, params)):
        leaderboard.add(name, validation)
    champion = leaderboard.choose()
    fitted = learnt.fit(champion, pipelines[champion])
    decided = leaderboard.postprocessing[champion]
    outcome = Model(fitted, champion, params.kind, contract, decided).try_on(test)
    content = {
        "champion": champion,
        "predicted": outcome.predicted.tolist(),
        "decisions": outcome.decisions.tolist() if outcome.names else None,
    }
    file.with_suffix(".json").write_text(json.dumps(content))
    print(file.stem, champion, params.train.metric, flush=True)


def add_starter() -> None:
    """Give the project the candidate of ordered classes, as `use` does where they have an order."""
    copy("vendor/lockstep/starters/ordered.py", "src/my_project/models")
    invalidate_caches()
    import_module("my_project.models.ordered")


if __name__ == "__main__":
    add_starter()
    for path in sorted(Path(sys.argv[1]).glob("*.parquet")):
        learn(path, sys.argv[2:])
