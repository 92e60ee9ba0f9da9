"""Tables that are divided into folders called `column=value`."""

from pathlib import Path

import pandas as pd
import pytest
from conftest import run_stage
from lockstep.commands import cli
from lockstep.core.project import Project
from lockstep.reading.hive import find_partition
from test_use import customers, git, project, snapshot

__all__ = ["project"]


@pytest.mark.parametrize(
    ("file", "cells"),
    [
        ("sales/year=2024/month=01/a.parquet", {"year": "2024", "month": "01"}),
        ("year=2024/a.csv", {"year": "2024"}),
        ("sales/place=a%2Fb%20c/a.parquet", {"place": "a/b c"}),
        ("sales/place=__HIVE_DEFAULT_PARTITION__/a.parquet", {"place": None}),
        ("year=2024/sales/a.parquet", {}),
        ("a.parquet", {}),
    ],
)
def test_folders_right_above_a_file_tell_cells(file: str, cells: dict[str, str | None]) -> None:
    top = Path("/data/x=1")
    assert find_partition(top / file, top) == cells


def divide(rows: pd.DataFrame, folder: Path, year: int) -> None:
    """Rows of a year, as others write them who divide a table so."""
    part = folder / f"year={year}"
    part.mkdir(parents=True)
    rows.to_parquet(part / "part-0.parquet")
    (folder / "_SUCCESS").touch()


def test_a_new_folder_is_a_new_delivery_whose_name_is_a_cell(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    git("init")
    folder = tmp_path / "customers"
    rows = customers()
    for year in (2023, 2024):
        divide(rows[rows.index % 2 == year % 2], folder, year)
    assert cli.main(["use", str(folder), "--target", "churned"]) == 0
    assert capsys.readouterr().err == ""
    column = project.contract.columns["year"]
    assert column.type == "integer"
    divide(rows.head(30), project.raw / "customers", 2025)
    run_stage("ingest")
    years = pd.read_parquet(project.dataset)["year"].astype("str")
    assert years.value_counts().to_dict() == {"2023": 100, "2024": 100, "2025": 30}


def test_a_file_with_other_columns_is_told_by_its_folder(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "customers"
    divide(customers(), folder, 2023)
    divide(customers().rename(columns={"age": "years"}), folder, 2024)
    before = snapshot(project.root)
    assert cli.main(["use", str(folder), "--target", "churned"]) == 1
    assert capsys.readouterr().err == (
        "error: year=2024/part-0.parquet: its columns are not those of year=2023/part-0.parquet: "
        "'age' is in one of them only\n"
    )
    assert snapshot(project.root) == before
