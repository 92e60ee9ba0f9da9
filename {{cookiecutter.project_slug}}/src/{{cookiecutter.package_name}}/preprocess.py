"""Stage 2: clean each row by itself, then set the test rows apart.

Rows come and go in batches, so that memory does not grow with their number.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

from .config import Project
from .data.batches import ahead, behind, progress
from .data.contract import load_contract
from .data.parquet import Stored
from .data.splits import sides
from .errors import end, exit_status
from .reproducibility.artifacts import parquet_writers
from .reproducibility.stage import run

if TYPE_CHECKING:
    import pandas as pd


def clean(rows: pd.DataFrame, target: str) -> pd.DataFrame:
    """Drop rows without a target: there is nothing to learn from them or to test on.

    Cleaning looks at one row at a time, for it gets them in batches. What is learnt from many rows
    (means, categories, scales) belongs into a candidate's pipeline, so that validation folds stay
    unseen.
    """
    return rows.dropna(subset=[target]).reset_index(drop=True)


def main() -> None:
    """Run the stage in the project around the working directory."""
    project = Project.find()
    params = project.params()
    contract = load_contract(project, params.kind)
    dataset = Stored(project.require(project.dataset, "ingest"), project.name(project.dataset))

    def cleaned() -> Iterator[pd.DataFrame]:
        return (clean(batch, contract.target) for batch in dataset.batches())

    by = sides(cleaned, contract, params)
    many = train = test = 0
    with ExitStack() as stack:
        count = stack.enter_context(progress("preprocess"))
        writers = stack.enter_context(parquet_writers(project.train, project.test))
        to_train, to_test = (stack.enter_context(behind(write)) for write in writers)
        for rows in ahead(cleaned()):
            learnt, tried = rows[by.train(rows)], rows[by.test(rows)]
            to_train(learnt)
            to_test(tried)
            count(len(rows))
            many, train, test = many + len(rows), train + len(learnt), test + len(tried)
        by.require_both(train, test)
    copies, lost = many - train - test, len(dataset) - many
    note = f", {copies} copies of test rows left out" if copies else ""
    note += f", {lost} rows without {contract.target!r} left out" if lost else ""
    print(
        f"preprocess: {train} rows for training, {test} for the test{note} "
        f"-> {project.name(project.train.parent)}"
    )


if __name__ == "__main__":
    end(exit_status(lambda: run("preprocess", main)))
