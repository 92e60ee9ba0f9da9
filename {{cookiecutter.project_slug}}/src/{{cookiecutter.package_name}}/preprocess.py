"""Stage 2: clean each row by itself, then set the test rows apart."""

import pandas as pd
from lockstep import Project, make_examples, make_split, run_stage


def clean(rows: pd.DataFrame, target: str | None) -> pd.DataFrame:
    """Drop rows without a target, if one is required to learn from them or to test on them.

    Change this for your data. It gets some rows at a time, so it must look at each by itself. What
    is learnt from many rows (means, categories, scales) belongs into the recipe for features, where
    it is learnt within each fold.
    """
    return rows.dropna(subset=[target] if target else []).reset_index(drop=True)


def preprocess(project: Project) -> None:
    """Write the train rows and the test rows, which only `evaluate` opens again."""
    params, contract = project.params, project.contract
    dataset = project.table(project.dataset)
    cleaned = dataset.map(lambda batch: clean(batch, contract.required))
    rows = make_examples(cleaned, contract, params)  # of a forecast; other rows stay as they are

    # By row, by group or by time, as params.yaml says under `split`; a row stays on its side
    # whatever other rows come later, and copies of given test rows are left out of training.
    split = make_split(rows, project.examples, params)
    with project.writers(project.train, project.test) as (train, test):
        for batch in rows:
            train_rows, test_rows = split.divide(batch)
            train.write(train_rows)
            test.write(test_rows)
        split.require_both(train.rows, test.rows)

    summary = rows.summary(len(dataset), train.rows, test.rows)
    print(f"preprocess: {summary} -> {project.name(project.train.parent)}")


if __name__ == "__main__":
    run_stage(preprocess)
