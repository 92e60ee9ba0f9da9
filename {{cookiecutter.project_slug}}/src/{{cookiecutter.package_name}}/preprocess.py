"""Stage 2: clean each row by itself, then set the test rows apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .config import Project
from .data.contract import load_contract
from .data.splits import split
from .data.tables import read_parquet
from .errors import UserError, end, exit_status
from .params import Kind
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


def divide(
    dataset: pd.DataFrame, target: str, kind: Kind, test_fraction: float, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split rows into train and test; every class of a classification has its share in both.

    Raises:
        UserError: A side would have fewer than two rows, too few to compute a score from.
    """
    strata = dataset[target] if kind == "classification" else dataset[target].notna()
    train, test = split(dataset, strata, test_fraction, seed)
    if min(len(train), len(test)) < 2:
        raise UserError(
            f"params.yaml: split.test_fraction: {test_fraction:g} of {len(dataset)} rows leaves "
            f"{len(train)} for training and {len(test)} for the test; both need two or more"
        )
    return train, test


def main() -> None:
    """Run the stage in the project around the working directory."""
    project = Project.find()
    params = project.params()
    contract = load_contract(project, params.kind)
    dataset = read_parquet(
        project.require(project.dataset, "ingest"), project.name(project.dataset)
    )
    cleaned = clean(dataset, contract.target)
    train, test = divide(
        cleaned, contract.target, params.kind, params.split.test_fraction, params.seed
    )
    write_parquet(train, project.train)
    write_parquet(test, project.test)
    print(
        f"preprocess: {len(train)} rows for training, {len(test)} for the test "
        f"-> {project.name(project.train.parent)}"
    )


if __name__ == "__main__":
    end(exit_status(lambda: run("preprocess", main)))
