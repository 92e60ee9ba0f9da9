"""`clean` looks at each row by itself, and the test rows stay apart."""

import pandas as pd
from lockstep import Project

from package_name.ingest import ingest
from package_name.preprocess import clean, preprocess


def test_a_row_without_a_target_is_dropped(fruit: pd.DataFrame) -> None:
    fruit.loc[[3, 5], "fruit"] = None
    cleaned = clean(fruit, "fruit")
    assert len(cleaned) == len(fruit) - 2
    assert cleaned["fruit"].notna().all()


def test_cleaning_by_parts_is_cleaning_at_once(fruit: pd.DataFrame) -> None:
    fruit.loc[[3, 5], "fruit"] = None
    parts = [clean(part, "fruit") for part in (fruit[:4], fruit[4:50], fruit[50:])]
    pd.testing.assert_frame_equal(pd.concat(parts, ignore_index=True), clean(fruit, "fruit"))


def test_every_row_is_for_training_or_for_the_test(project: Project) -> None:
    ingest(project)
    preprocess(project)
    train, test = project.table(project.train).read(), project.table(project.test).read()
    both = pd.concat([train, test]).sort_values("picked", ignore_index=True)
    pd.testing.assert_frame_equal(both, clean(project.table(project.dataset).read(), "fruit"))
    assert len(test) >= 2
