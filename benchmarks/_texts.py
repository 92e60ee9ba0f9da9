"""Learn from the texts in a folder; texts.py runs it.

    python benchmarks/_texts.py FOLDER [CANDIDATE ...]

The candidates that are named are left out. Of each parquet file of texts a JSON file tells which
candidate is best by log loss on folds of the train texts, and accuracy and log loss of each on the
test texts. The settings are those that `use` comes to.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import lockstep  # noqa: F401 - before numpy, whose threads it counts
import pandas as pd
from _choosing import choose, make_params
from lockstep.core.contract import Contract
from lockstep.data.conformity import conform


def make_contract(table: pd.DataFrame) -> Contract:
    """The contract of the texts, as `use` writes it."""
    labels = sorted(table["label"].unique())
    columns = {
        "text": {"type": "text"},
        "label": {"type": "categorical" if len(labels) > 2 else "binary", "categories": labels},
    }
    about = {"title": "texts", "source": "a package", "licence": "see there", "target": "label"}
    if "group" in table:
        about["group"], columns["group"] = "group", {"type": "identifier"}
    described = {name: column | {"meaning": name} for name, column in columns.items()}
    return Contract.model_validate(about | {"columns": described})


def learn(file: Path, without: list[str]) -> None:
    """Compare the candidates on the texts in a file."""
    table = pd.read_parquet(file)
    contract = make_contract(table)
    rows, _ = conform(contract.columns, table)
    train, test = (
        rows[(table["part"] == part).to_numpy()].reset_index(drop=True)
        for part in ("train", "test")
    )
    about = choose(train, test, contract, make_params(contract, train, without))
    file.with_suffix(".json").write_text(json.dumps(about))
    print(file.stem, json.dumps(about), flush=True)


if __name__ == "__main__":
    for path in sorted(Path(sys.argv[1]).glob("*.parquet")):
        learn(path, sys.argv[2:])
