"""Cells that are typed while they are parsed are what they are when read as text first."""

import json
from pathlib import Path

import pandas as pd
import pytest
from conftest import CONTRACT
from lockstep.core.contract import Contract
from lockstep.core.params import DataParams
from lockstep.core.project import Project
from lockstep.reading import texts
from lockstep.reading.check import RawCheck
from lockstep.reading.tables import read_batches

COLUMNS = {
    "number": {"type": "numeric", "nullable": True, "meaning": "a number"},
    "time": {"type": "datetime", "nullable": True, "meaning": "a time"},
    "fruit": CONTRACT["columns"]["fruit"],
}
PLAIN = [("1", "2020-01-01"), ("2.50", "2020-01-02 03:04:05"), ("", "")]


def ingest(project: Project) -> tuple[pd.DataFrame, pd.DataFrame]:
    contract = Contract.model_validate(CONTRACT | {"columns": COLUMNS, "missing": ["", "NA"]})
    batches = [*RawCheck(project, DataParams(raw="data/raw", max_rejected=1), contract)]
    return tuple(pd.concat(parts, ignore_index=True) for parts in zip(*batches, strict=True))


@pytest.mark.parametrize(
    ("number", "time"),
    [
        (" 3", "2020-01-03"),
        ("+3", "2020-01-03T00:00"),
        ("NA", "NA"),
        (" NA ", " NA"),
        ("nan", "2020-01-03"),
        ("1e999", "now"),
        ("-inf", "1"),
        ("0x10", "2020-01-03T00:00Z"),
        ("1,5", "2020-01-03T00:00:00.1234567"),
        ("3", "0001-01-01"),
    ],
)
def test_a_cell_is_the_same_in_a_block_that_is_typed_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: str, time: str
) -> None:
    project = Project(tmp_path)
    project.raw.mkdir(parents=True)
    number = f'"{number}"' if "," in number else number
    rows = [f"{x},{when},melon" for x, when in [*PLAIN * 9, (number, time), *PLAIN * 9]]
    (project.raw / "a.csv").write_text("\n".join(["number,time,fruit", *rows, ""]))
    whole = ingest(project)
    monkeypatch.setattr(texts, "BLOCK", 60)
    parts = ingest(project)
    for one, other in zip(whole, parts, strict=True):
        pd.testing.assert_frame_equal(one, other)


def test_a_block_may_begin_like_a_file_with_a_mark_of_its_encoding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(texts, "BLOCK", 8)
    (tmp_path / "a.csv").write_text("a,b\n" + "\ufeff1,2\n" * 4 + '\ufeff"1",2\n', "utf-8")
    table = pd.concat(read_batches(tmp_path / "a.csv", "a.csv", ("",)))
    assert table["a"].tolist() == ["\ufeff1"] * 4 + ['\ufeff"1"']


def test_lines_of_json_have_the_columns_of_all_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(texts, "LINES_AT_ONCE", 2)
    records = [{"a": 1}, {"a": 2.5}, {"b": "x"}, {"a": 3, "b": "y"}, {"c": None}]
    (tmp_path / "a.jsonl").write_text("\n\n".join(map(json.dumps, records)))
    batches = [*read_batches(tmp_path / "a.jsonl", "a.jsonl", ("",))]
    assert [len(batch) for batch in batches] == [2, 2, 1]
    assert all([*batch] == ["a", "b", "c"] for batch in batches)
    assert pd.concat(batches)["a"].astype(float).dropna().tolist() == [1, 2.5, 3]
