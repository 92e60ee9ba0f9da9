"""Reading CSV and parquet files, and what is said of those that cannot be read."""

from pathlib import Path

import pandas as pd
import pytest

from package_name.data.tables import read_table
from package_name.errors import UserError


def test_cells_of_a_csv_stay_text(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("code,name\n007,NA\n1e3,nan\n")
    frame = read_table(path, "a.csv", missing=["NA"])
    assert frame["code"].tolist() == ["007", "1e3"]
    assert frame["name"].isna().tolist() == [True, False]


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pd.DataFrame({"x": [1.5, 2.5]}).to_parquet(path)
    assert read_table(path, "a.parquet", missing=[])["x"].tolist() == [1.5, 2.5]


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("gone.csv", None, "gone.csv: no such file; that folder holds other.csv"),
        ("..", None, "..: a folder; a file ending in .csv or .parquet was expected"),
        ("empty.csv", b"", "empty.csv: the file is empty"),
        ("blank.csv", b"\n\n", "blank.csv: no columns"),
        ("header.csv", b"a,b\n", "header.csv: no rows"),
        (
            "ragged.csv",
            b"a,b\n1,2\n1,2,3\n",
            "ragged.csv: not a well-formed CSV: Expected 2 fields",
        ),
        ("wide.csv", b"a,b\n1,2,3\n", "wide.csv: the rows have more fields than the header, which"),
        ("comma.csv", b"a,b\n1,2,\n3,4,\n", "comma.csv: the rows have more fields than the header"),
        ("latin.csv", b"a\n\xe9\n", "latin.csv: not UTF-8 text"),
        ("twice.csv", b"a,b,a\n1,2,3\n", "twice.csv: the column name 'a' stands there twice"),
        ("notes.txt", b"a\n1\n", "notes.txt: a table's name must end in .csv or .parquet"),
        ("torn.parquet", b"PAR1", "torn.parquet: not a readable parquet file"),
    ],
)
def test_an_unreadable_file_is_told_in_one_line(
    tmp_path: Path, name: str, content: bytes | None, expected: str
) -> None:
    raw = tmp_path / "raw"
    raw.mkdir()
    (raw / "other.csv").touch()
    if content is not None:
        (raw / name).write_bytes(content)
    with pytest.raises(UserError) as error:
        read_table(raw / name, name, missing=[])
    assert expected in str(error.value)
    assert len(str(error.value).splitlines()) == 1
