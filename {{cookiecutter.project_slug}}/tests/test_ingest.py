"""Setting rows aside that break the contract."""

import json

import pandas as pd
import pytest
from conftest import write_params

from package_name import ingest
from package_name.config import Project
from package_name.data.contract import Contract
from package_name.errors import UserError


def test_a_row_that_breaks_the_contract_is_kept_with_its_reason(
    contract: Contract, fruit: pd.DataFrame
) -> None:
    raw = fruit.astype("str")
    raw.loc[3, ["weight", "colour"]] = ["heavy", "blue"]
    kept, rejected = ingest.ingest(raw, None, contract)
    assert len(kept) == 59
    assert rejected["column"].tolist() == ["weight", "colour"]
    assert rejected["row"].tolist() == [4, 4]
    assert rejected["raw_weight"].tolist() == ["heavy", "heavy"]


def test_columns_that_the_contract_does_not_describe_are_reported(project: Project) -> None:
    raw = project.root / "data" / "raw" / "fruit.csv"
    pd.read_csv(raw).assign(note="ripe").to_csv(raw, index=False)
    ingest.main()
    assert json.loads(project.ingest_report.read_text())["ignored_columns"] == ["note"]
    assert "note" not in pd.read_parquet(project.dataset).columns


def test_the_report_counts_what_was_rejected(project: Project) -> None:
    write_params(project, data={"raw": "data/raw/fruit.csv", "max_rejected": 0.1})
    break_rows(project, 2)
    ingest.main()
    report = json.loads(project.ingest_report.read_text())
    assert (report["rows"], report["accepted"], report["rejected"]) == (60, 58, 2)
    assert report["columns"]["weight"] == {"missing": 0, "breaches": 2}
    assert pd.read_parquet(project.rejected)["value"].tolist() == ["heavy", "heavy"]


def test_too_many_rejected_rows_stop_the_stage_and_leave_its_outputs(project: Project) -> None:
    ingest.main()
    before = project.dataset.read_bytes()
    break_rows(project, 2)
    with pytest.raises(UserError) as error:
        ingest.main()
    assert "2 of 60 rows break references/schema.yaml" in str(error.value)
    assert "row 1, weight is 'heavy', expected a number from 0 to 500 g" in str(error.value)
    assert project.dataset.read_bytes() == before


@pytest.mark.parametrize("value", ["inf", "-Infinity", "1e999", "nan"])
def test_a_number_that_is_not_finite_is_set_aside(
    contract: Contract, fruit: pd.DataFrame, value: str
) -> None:
    raw = fruit.astype("str")
    raw.loc[3, "weight"] = value
    kept, rejected = ingest.ingest(raw, None, contract)
    assert len(kept) == 59
    assert rejected[["row", "value"]].to_numpy().tolist() == [[4, value]]


def break_rows(project: Project, count: int) -> None:
    raw = project.root / "data" / "raw" / "fruit.csv"
    frame = pd.read_csv(raw, dtype="str")
    frame.loc[: count - 1, "weight"] = "heavy"
    frame.to_csv(raw, index=False)
