"""Tables on disk: the same bytes however the rows come, and no formula in a CSV."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from conftest import fill_disk
from lockstep.core import table
from lockstep.core.table import as_csv, table_writers, write_parquet


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=cmd()", "'=cmd()"),
        ("+a1", "'+a1"),
        ("-x", "'-x"),
        ("@sum", "'@sum"),
        ("\tx", "'\tx"),
        ("-1", "-1"),
        ("+1,5e3", '"+1,5e3"'),
        ("a=b", "a=b"),
        (-1.5, "-1.5"),
    ],
)
def test_a_text_that_a_spreadsheet_would_run_has_an_apostrophe(cell: object, written: str) -> None:
    assert as_csv(pd.DataFrame({"x": [cell]})) == f"x\n{written}\n"
    assert as_csv(pd.DataFrame({"=x": [1]})) == "'=x\n1\n"


TYPED = pd.DataFrame(
    {
        "text": pd.Series(["a", None, "ö", "", *"wxyz"], dtype="str"),
        "whole": pd.array([1, None, 2**53 + 1, None, None, None, None, -1], dtype="Int64"),
        "number": [0.1, np.nan, -0.0, 1e300, *[np.nan] * 4],
        "time": pd.Series(["2026-01-31 12:30:01.000001", *[None] * 6, "0001-01-01"]).astype(
            "datetime64[us]"
        ),
    }
)


@pytest.fixture
def small_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "ROWS_IN_GROUP", 3)


def parquet(path: Path, frame: pd.DataFrame, parts: list[int]) -> bytes:
    """The file that so many rows at a time make."""
    with table_writers(path) as (writer,):
        for end, count in zip(np.cumsum(parts), parts, strict=True):
            writer.write(frame.iloc[end - count : end])
    return path.read_bytes()


@pytest.mark.usefixtures("small_groups")
@pytest.mark.parametrize("count", [0, 1, 3, 6, 8])
def test_a_parquet_file_has_groups_of_equal_size_but_for_the_last(
    tmp_path: Path, count: int
) -> None:
    write_parquet(TYPED.head(count), tmp_path / "a.parquet")
    metadata = pq.read_metadata(tmp_path / "a.parquet")
    groups = [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)]
    assert groups == [3] * (count // 3) + [count % 3] * (count % 3 > 0)


@pytest.mark.usefixtures("small_groups")
@pytest.mark.parametrize("count", [0, 3, 6, 8])
def test_a_parquet_file_is_the_same_bytes_however_its_rows_come(tmp_path: Path, count: int) -> None:
    path, rows = tmp_path / "a.parquet", TYPED.head(count)
    whole = parquet(path, rows, [count])
    for parts in (
        [0, count],
        [count, 0],
        [0, 0, count, 0, 0],
        [1] * count or [0, 0],
        [0, *[1] * count],
    ):
        assert parquet(path, rows, parts) == whole
    assert parquet(path, rows.sample(frac=1, random_state=1).sort_index(), [count]) == whole


@pytest.mark.usefixtures("small_groups")
@pytest.mark.parametrize("parts", [[8], [0, 8], [0, 1, 0, 4, 3], [3, 3, 2]])
def test_types_and_gaps_of_a_parquet_file_are_read_back(tmp_path: Path, parts: list[int]) -> None:
    parquet(tmp_path / "a.parquet", TYPED, parts)
    rows = pd.read_parquet(tmp_path / "a.parquet")
    pd.testing.assert_frame_equal(rows, TYPED, check_exact=True)
    assert [*map(str, rows.dtypes)] == ["str", "Int64", "float64", "datetime64[us]"]


@pytest.mark.parametrize("parts", [[0], [0, 0]])
def test_a_parquet_file_without_rows_has_its_columns(tmp_path: Path, parts: list[int]) -> None:
    parquet(tmp_path / "a.parquet", TYPED, parts)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "a.parquet"), TYPED.head(0))


def test_a_parquet_file_that_is_not_finished_leaves_the_old_one(tmp_path: Path) -> None:
    before = parquet(tmp_path / "a.parquet", TYPED, [8])
    with pytest.raises(ZeroDivisionError), table_writers(tmp_path / "a.parquet") as (writer,):
        writer.write(TYPED)
        raise ZeroDivisionError
    assert (tmp_path / "a.parquet").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["a.parquet"]


def test_the_first_table_with_rows_gives_the_types(tmp_path: Path) -> None:
    pictures = pd.DataFrame({"image": pd.Series([b"\0\1", b"\2"], dtype="object")})
    with table_writers(tmp_path / "a.parquet") as (writer,):
        writer.write(pictures.head(0))
        writer.write(pictures)
    assert pd.read_parquet(tmp_path / "a.parquet")["image"].tolist() == [b"\0\1", b"\2"]


def test_no_file_takes_its_place_before_all_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [tmp_path / "a.parquet", tmp_path / "b.parquet"]
    for path in paths:
        path.write_text("old")
    fill_disk(monkeypatch, "a.parquet")
    with (
        pytest.raises(OSError, match="No space left"),
        table_writers(*paths) as writers,
    ):
        for writer in writers:
            writer.write(TYPED)
    assert [path.read_text() for path in paths] == ["old", "old"]
    assert sorted(tmp_path.iterdir()) == paths
