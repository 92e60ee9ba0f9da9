"""Finding values that come twice, batch by batch."""

import json

import numpy as np
import pandas as pd
import pytest
from conftest import CONTRACT, run_stage, write_params
from hypothesis import given
from hypothesis import strategies as st
from lockstep.core.project import Project
from lockstep.data import duplicates
from lockstep.data.duplicates import Repeats, hash_values


def series(*cells: object) -> pd.Series:
    return pd.Series(cells, dtype="str")


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), max_size=60))
def test_texts_have_one_hash_if_and_only_if_they_are_equal(texts: list[str]) -> None:
    hashes = hash_values(series(*texts))
    assert len({*hashes.tolist()}) == len({*texts})
    alone = [hash_values(series(text))[0] for text in texts]
    assert hashes.tolist() == alone


def test_hashes_are_spread_over_their_range() -> None:
    hashes = hash_values(pd.Series([f"C{number:09}" for number in range(20_000)], dtype="str"))
    counts = np.bincount((hashes >> np.uint64(60)).astype(int), minlength=16)
    assert counts.min() > 1100
    assert counts.max() < 1400


@given(
    st.lists(st.integers(0, 30), max_size=80),
    st.integers(1, 7),
    st.sampled_from([1, 3, duplicates.MOST_BITS]),
)
def test_every_row_but_the_first_of_its_value_is_a_repeat(
    values: list[int], size: int, bits: int
) -> None:
    cells = pd.Series(values, dtype="int64")
    batches = [hash_values(cells[at : at + size]) for at in range(0, len(cells), size)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(duplicates, "MOST_BITS", bits)
        repeats = Repeats()
        again = [is_repeat for batch in batches for is_repeat in repeats.among(batch).tolist()]
    assert again == cells.duplicated().tolist()


@pytest.fixture
def names(project: Project) -> Project:
    """A project whose rows have names, each of which must come once."""
    name = {"type": "identifier", "unique": True, "nullable": True, "meaning": "name"}
    columns = {"name": name, **CONTRACT["columns"]}
    project.contract_file.write_text(json.dumps(CONTRACT | {"columns": columns}))
    write_params(project, data={"raw": "data/raw", "max_rejected": 0.1})
    frame = pd.read_csv(project.raw / "fruit.csv")
    frame.insert(0, "name", [f"n{number}" for number in range(60)])
    frame.to_csv(project.raw / "fruit.csv", index=False)
    frame.assign(name=frame["name"] + "b").to_csv(project.raw / "later.csv", index=False)
    return project


def test_a_repeated_value_of_a_unique_column_is_told_at_the_later_row(names: Project) -> None:
    frame = pd.read_csv(names.raw / "later.csv")
    frame.loc[4, "name"], frame.loc[[7, 9], "name"], frame.loc[[20, 21], "name"] = "n3", "x", None
    frame.to_csv(names.raw / "later.csv", index=False)
    run_stage("ingest")
    rejected = pd.read_parquet(names.rejected)
    assert rejected[["file", "row", "value", "rule"]].to_numpy().tolist() == [
        ["data/raw/later.csv", 5, "n3", "a value that no row above has"],
        ["data/raw/later.csv", 10, "x", "a value that no row above has"],
    ]
    assert len(pd.read_parquet(names.dataset)) == 118


def test_rows_are_all_kept_where_no_value_repeats(names: Project) -> None:
    run_stage("ingest")
    assert len(pd.read_parquet(names.dataset)) == 120
    assert list(pd.read_parquet(names.rejected))[:5] == ["file", "row", "column", "value", "rule"]
