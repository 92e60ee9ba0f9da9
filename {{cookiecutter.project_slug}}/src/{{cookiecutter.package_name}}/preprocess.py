"""Stage 2: clean each row by itself, then set the test rows apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .config import Project
from .data.contract import load_contract
from .data.parquet import read_parquet
from .data.splits import set_test_apart
from .errors import end, exit_status
from .reproducibility.artifacts import write_parquet
from .reproducibility.stage import run

if TYPE_CHECKING:
    import pandas as pd


def clean(dataset: pd.DataFrame, target: str) -> pd.DataFrame:
    """Drop rows without a target: there is nothing to learn from them or to test on.

    Cleaning looks at one row at a time. What is learnt from many rows (means, categories, scales)
    belongs into a candidate's pipeline, so that validation folds stay unseen.
    """
    return dataset.dropna(subset=[target]).reset_index(drop=True)


def main() -> None:
    """Run the stage in the project around the working directory."""
    project = Project.find()
    params = project.params()
    contract = load_contract(project, params.kind)
    dataset = read_parquet(
        project.require(project.dataset, "ingest"), project.name(project.dataset)
    )
    cleaned = clean(dataset, contract.target)
    train, test = set_test_apart(cleaned, contract, params)
    copies = len(cleaned) - len(train) - len(test)
    lost = len(dataset) - len(cleaned)
    note = f", {copies} copies of test rows left out" if copies else ""
    note += f", {lost} rows without {contract.target!r} left out" if lost else ""
    write_parquet(train, project.train)
    write_parquet(test, project.test)
    print(
        f"preprocess: {len(train)} rows for training, {len(test)} for the test{note} "
        f"-> {project.name(project.train.parent)}"
    )


if __name__ == "__main__":
    end(exit_status(lambda: run("preprocess", main)))
