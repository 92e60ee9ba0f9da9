"""Cells that are typed while they are parsed are what they are when read as text first."""

import json
import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
import pytest
from conftest import CONTRACT
from hypothesis import given
from hypothesis import strategies as st
from lockstep.core.contract import PLAIN as PLAIN_LINES
from lockstep.core.contract import Column, Contract
from lockstep.core.errors import UserError
from lockstep.core.params import DataParams
from lockstep.core.project import Project
from lockstep.data.conformity import conform
from lockstep.reading import check, texts
from lockstep.reading.check import RawCheck
from lockstep.reading.tables import read_batches, read_table

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


@pytest.mark.parametrize("marks", [("", "\n\n", ""), ("[", ",", "]"), (" [\n", " , ", "\n]\n")])
@pytest.mark.parametrize("piece", [1, 5, 2**20])
def test_some_records_of_json_have_the_columns_of_all_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, marks: tuple[str, str, str], piece: int
) -> None:
    monkeypatch.setattr(texts, "RECORDS_AT_ONCE", 2)
    monkeypatch.setattr(texts, "CHUNK_SIZE", piece)
    records = [{"a": 1}, {"a": 2.5}, {"b": "x"}, {"a": 3, "b": "y"}, {"c": None}]
    begin, mark, end = marks
    (tmp_path / "a.json").write_text(begin + mark.join(map(json.dumps, records)) + end)
    batches = [*read_batches(tmp_path / "a.json", "a.json", ("",))]
    assert [len(batch) for batch in batches] == [2, 2, 1]
    assert all([*batch] == ["a", "b", "c"] for batch in batches)
    assert pd.concat(batches)["a"].astype(float).dropna().tolist() == [1, 2.5, 3]


def test_cells_of_a_whole_table_have_one_type_however_its_lines_are_divided(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = [{"a": None, "b": "x"}, {"a": 1, "b": None}, {"a": "NA", "b": "y"}, {"a": 2}]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, records)))
    whole = read_table(tmp_path / "a.jsonl", "a.jsonl", ("", "NA"))
    monkeypatch.setattr(texts, "RECORDS_AT_ONCE", 1)
    pd.testing.assert_frame_equal(read_table(tmp_path / "a.jsonl", "a.jsonl", ("", "NA")), whole)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('[{"a": 1}, {"a": 2}', "not JSON: Expecting ',' delimiter: line 1 column 20"),
        ('[{"a": 1} {"a": 2}]', "not JSON: Expecting ',' delimiter: line 1 column 11"),
        ('[{"a": 1}, {"a": 2}] []', "not JSON: Extra data: line 1 column 22"),
        ('[{"a": 1}, 2]', "JSON, but not an object for each row"),
        ('[{"a": 1}, {"a": "\\ud83c"}]', "half a character"),
        ("[ ]", "no rows"),
    ],
)
def test_a_list_of_json_that_is_none_is_told_as_where_it_is_read_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, words: str
) -> None:
    monkeypatch.setattr(texts, "RECORDS_AT_ONCE", 1)
    monkeypatch.setattr(texts, "CHUNK_SIZE", 3)
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(UserError, match=re.escape(f"a.json: {words}")):
        read_table(tmp_path / "a.json", "a.json", ("",))


def test_a_long_list_of_json_is_kept_in_no_more_than_a_piece_and_a_value() -> None:
    pieces = iter(["[", *['{"a": [1, 2, "]"]}, '] * 9, '{"a": 0}]'])
    values = texts._split_list(pieces)
    assert [next(values) for _ in range(3)] == [{"a": [1, 2, "]"]}] * 3
    assert len([*pieces]) == 7


@given(st.text("\"a,\n\r' ", max_size=60), st.integers(4, 40))
def test_quotes_wherever_they_stand_are_read_in_blocks_as_at_once(text: str, block: int) -> None:
    results = []
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        path = Path(folder) / "a.csv"
        path.write_text(f"a,b\n{text}", encoding="utf-8", newline="")
        for size in (2**23, block):
            patch.setattr(texts, "BLOCK", size)
            try:
                rows = read_table(path, "a.csv", ("",)).fillna("missing")
                results.append([*rows.itertuples(index=False, name=None)])
            except UserError as error:
                results.append(str(error))
    assert results[0] == results[1]


@pytest.mark.parametrize(
    ("part", "whole"),
    [
        ("1,2\n3,", "1,2\n"),
        ('1,"2"\n"3', '1,"2"\n'),
        ('1,"a\nb"\n3,"c\n', '1,"a\nb"\n'),
        ('"a ""b"" \nc",2\n"""",', '"a ""b"" \nc",2\n'),
        ('"1\n2\n', ""),
        ('1,5" pipe\n2,3\n', ""),
        ('1,"5"6\n2,3\n', ""),
        ('1,""2\n', ""),
    ],
)
def test_a_block_ends_with_the_last_record_whose_end_is_certain(part: str, whole: str) -> None:
    assert texts._find_end(part.encode(), PLAIN_LINES, 1) == len(whole)


def test_half_a_character_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"a": "\\ud83c\\udf4e"}\n{"a": "\\ud83c"}\n')
    with pytest.raises(UserError, match=r"a\.jsonl, line 2: half a character"):
        read_table(tmp_path / "a.jsonl", "a.jsonl", ())


def test_a_block_is_looked_at_once_where_one_above_broke_the_contract(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = Project(tmp_path)
    project.raw.mkdir(parents=True)
    rows = "x,2020-01-03,melon\n" * 9 + "1,2020-01-03,melon\n"
    (project.raw / "a.csv").write_text("number,time,fruit\n" + rows)
    sizes = []

    def count(columns: dict[str, Column], cells: pd.DataFrame, *others: Any) -> Any:
        sizes.append(len(cells))
        return conform(columns, cells, *others)

    monkeypatch.setattr(check, "conform", count)
    monkeypatch.setattr(check, "THREADS", 1)
    monkeypatch.setattr(texts, "BLOCK", 60)
    _, rejected = ingest(project)
    assert len(rejected) == 9
    assert sum(sizes) <= 10 + 2 * max(sizes)  # some were on their way


def test_a_text_that_got_shorter_while_it_is_read_ends_there(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b\n1,2\n")
    reader = texts._Utf8Reader(texts.TextTable("a.csv", "text", lambda: path.open("rb")), "utf-8")
    reader.skip(100, "x,\n")
    assert reader.read(100) == b"x,\n"
    reader.close()
