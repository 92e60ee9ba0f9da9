"""Reading tables as they come, and what is said of those that cannot be read."""

import gzip
import io
import os
import sqlite3
import subprocess
import sys
import zipfile
from contextlib import closing
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pytest
from lockstep.core.contract import Layout
from lockstep.core.errors import UserError
from lockstep.reading import databases, parquet, waiting
from lockstep.reading.formats import detect_format
from lockstep.reading.tables import read_table

BARE = Layout(header=False)
CSV = b"a,b\n1,x\n2,y\n"


def written(path: Path, content: bytes) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return path


def read(path: Path, layout: Layout | None = None, missing: tuple[str, ...] = ("",)) -> dict:
    """The table as lists, None for a missing cell."""
    frame = read_table(path, path.name, missing, layout or Layout())
    assert frame.index.tolist() == list(range(len(frame)))
    return frame.astype("object").where(frame.notna(), None).to_dict("list")


def refusal(path: Path, layout: Layout | None = None) -> str:
    with pytest.raises(UserError) as error:
        read(path, layout)
    assert len(str(error.value).splitlines()) == 1
    return str(error.value)


def zipped(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def test_cells_of_a_csv_stay_text(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", b"code,name\n007,NA\n1e3,nan\n")
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
        ("..", None, "..: a folder; a file was expected"),
        ("empty.csv", b"", "empty.csv: the file is empty"),
        ("blank.csv", b"\n\n", "blank.csv: no columns"),
        ("spaces.csv", b" \n  \n", "spaces.csv: no columns"),
        ("header.csv", b"a,b\n", "header.csv: no rows"),
        ("bare.csv", b"a", "bare.csv: no rows"),
        (
            "ragged.csv",
            b"a,b\n1,2\n1,2,3\n",
            "ragged.csv: not a well-formed table: Row #3: Expected 2 columns, got 3: 1,2,3",
        ),
        (
            "short.csv",
            b"a,b\n1,2\n1\n",
            "short.csv: not a well-formed table: Row #3: Expected 2 columns, got 1: 1",
        ),
        ("wide.csv", b"a,b\n1,2,3\n", "wide.csv: not a well-formed table: Row #2: Expected 2"),
        ("comma.csv", b"a,b\n1,2,\n3,4,\n", "comma.csv: not a well-formed table: Row #2: Expect"),
        ("latin.csv", b"a\n\xe9\n", "latin.csv: not utf-8 text (byte 2); save it so, or say how"),
        ("twice.csv", b"a,b,a\n1,2,3\n", "twice.csv: the column name 'a' stands there twice"),
        ("zero.csv", b"a,b\n1,2\n1,\0\n", "zero.csv, line 3: a zero byte; text has none"),
        ("torn.parquet", b"PAR1", "torn.parquet: not a readable parquet file"),
        ("torn.xlsx", b"PK\3\4", "torn.xlsx: not a readable spreadsheet"),
        ("torn.zip", b"PK\3\4", "torn.zip: not a whole zip file"),
        ("torn.csv.gz", gzip.compress(CSV, mtime=0)[:-3], "torn.csv.gz: not a whole gzip file"),
        ("torn.db", b"SQLite format 3\0", "torn.db: the database cannot be read: "),
        ("text.db", CSV, "text.db: the database cannot be read: "),
        ("text.parquet", CSV, "text.parquet: not a readable parquet file"),
        ("none.zip", zipped({"a.png": b"", "b.pdf": b""}), "none.zip: no table of text in it"),
        ("open.json", b'[{"a": 1}', "open.json: not JSON: "),
        ("line.jsonl", b'{"a": 1}\n{"a": \n', "line.jsonl, line 2: not JSON: "),
        ("number.json", b"[1, 2]", "number.json: JSON, but not an object for each row"),
        ("deep.json", b"[" * 100_000, "deep.json: not JSON: "),
        ("none.json", b"[]", "none.json: no rows"),
        ("blank.json", b" \n", "blank.json: no rows"),
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


@pytest.mark.parametrize(
    ("content", "layout", "expected"),
    [
        (CSV, Layout(), {"a": ["1", "2"], "b": ["x", "y"]}),
        (CSV.replace(b"\n", b"\r\n"), Layout(), {"a": ["1", "2"], "b": ["x", "y"]}),
        (CSV.replace(b"\n", b"\r"), Layout(), {"a": ["1", "2"], "b": ["x", "y"]}),
        (CSV.rstrip(), Layout(), {"a": ["1", "2"], "b": ["x", "y"]}),
        (b"\xef\xbb\xbf" + CSV, Layout(), {"a": ["1", "2"], "b": ["x", "y"]}),
        (CSV.decode().encode("utf-16"), Layout(encoding="utf-16"), {"a": ["1", "2"], "b": [*"xy"]}),
        (b"\n\na,b\n\n1,x\n\n\n2,y\n\n", Layout(), {"a": ["1", "2"], "b": ["x", "y"]}),
        (b"1,x\n2,y\n", BARE, {"column_1": ["1", "2"], "column_2": ["x", "y"]}),
        (
            b"a, ,b,\n1,2,3,4\n",
            Layout(),
            {"a": ["1"], "column_2": ["2"], "b": ["3"]} | {"column_4": ["4"]},
        ),
        (b" a ,b\n 1 ,\tx \n", Layout(), {"a": ["1"], "b": ["x"]}),
        (b'a,b\n"1\n2","x, ""y"""\n', Layout(), {"a": ["1\n2"], "b": ['x, "y"']}),
        (b'"a\nb",c\n1,2\n', Layout(), {"a\nb": ["1"], "c": ["2"]}),
        (b"a;b\n'x;y';1\n", Layout(delimiter=";", quote="'"), {"a": ["x;y"], "b": ["1"]}),
        (b'a;b\n"x";1\n', Layout(delimiter=";", quote="'"), {"a": ['"x"'], "b": ["1"]}),
        (
            b'a\tb\n"x\t1\n y"z\t"2"\n"\t3\n',
            Layout(delimiter="\t", quote=""),
            {"a": ['"x', 'y"z', '"'], "b": ["1", '"2"', "3"]},
        ),
        (b"Title\n\na,b\n1,2\n", Layout(skip=2), {"a": ["1"], "b": ["2"]}),
        (b'"Title, of\ntwo lines"\na,b\n1,2\n', Layout(skip=2), {"a": ["1"], "b": ["2"]}),
        (b"a,b\n,\n1,\n", Layout(), {"a": [None, "1"], "b": [None, None]}),
        (b"a\n1\n\n2\n", Layout(), {"a": ["1", "2"]}),
        (b'a\n1\n""\n2\n', Layout(), {"a": ["1", None, "2"]}),
        ("a,b\nö,\U0001f34e\n".encode(), Layout(), {"a": ["ö"], "b": ["\U0001f34e"]}),
        (b"a,b\n=1+1,+x\n-2,@y\n", Layout(), {"a": ["=1+1", "-2"], "b": ["+x", "@y"]}),
        (b"a,b\nTrue,null\nNone,NaN\n", Layout(), {"a": ["True", "None"], "b": ["null", "NaN"]}),
        (b"index,0\n1,2\n", Layout(), {"index": ["1"], "0": ["2"]}),
    ],
)
def test_a_text_is_read_as_its_layout_says(
    tmp_path: Path, content: bytes, layout: Layout, expected: dict
) -> None:
    assert read(written(tmp_path / "a.csv", content), layout) == expected


def test_a_cell_of_a_megabyte_and_a_thousand_columns_are_read(tmp_path: Path) -> None:
    wide = ",".join(f"c{number}" for number in range(1000))
    path = written(tmp_path / "a.csv", f"{wide}\n{wide}\n{'x' * 2**21}{',' * 999}\n".encode())
    found = read(path)
    assert len(found) == 1000
    assert len(found["c0"][1]) == 2**21


@pytest.mark.parametrize(
    ("skip", "row"), [(0, "Row #3"), (2, "Row #")], ids=["from the top", "below a title"]
)
def test_a_row_of_another_length_is_told_by_its_place(tmp_path: Path, skip: int, row: str) -> None:
    path = written(tmp_path / "a.csv", b"title\n" * skip + b"a,b\n1,2\n" + b"1,2,3\n")
    told = refusal(path, Layout(skip=skip))
    assert row in told
    assert "Expected 2 columns, got 3: 1,2,3" in told


def test_a_long_broken_row_is_told_in_short(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", b"a,b\n" + b"x," * 5000 + b"\n")
    assert len(refusal(path)) < 250


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv.gz", gzip.compress(CSV, mtime=0)),
        ("a.CSV.GZ", gzip.compress(CSV, mtime=0)),
        ("a.gz", gzip.compress(CSV, mtime=0)),
        ("a.jsonl.gz", gzip.compress(b'{"a": "1", "b": "x"}\n{"a": "2", "b": "y"}\n', mtime=0)),
        ("a.zip", zipped({"a.csv": CSV})),
        ("a.zip", zipped({"b/2.csv": b"b,a\ny,2\n", "b/1.csv": b"a,b\n1,x\n"})),
        ("a.zip", zipped({"1.csv": b"a,b\n1,x\n", "2.json": b'[{"a": "2", "b": "y"}]'})),
        ("a.zip", zipped({"1.csv": CSV, "__MACOSX/._1.csv": b"\0", ".DS_Store": b"\0"})),
        ("a.zip", zipped({"1.csv": CSV, "picture.png": b"\0", "b.parquet": b""})),
        ("a.zip", zipped({"1.csv": CSV, "README.md": b"# about", "a.names": b"about"})),
        ("data", CSV),
        ("data.dat", CSV),
        ("iris.data", CSV),
        ("a.CSV", CSV),
        ("data", gzip.compress(CSV, mtime=0)),
        ("data", zipped({"a.csv": CSV})),
        ("a.csv", CSV),
        ("a.tsv", CSV),
        ("a.txt", CSV),
        ("a.json", b'[{"a": "1", "b": "x"}, {"b": "y", "a": "2"}]'),
        ("a.json", b'{"a": "1", "b": "x"}\n\n{"a": "2", "b": "y"}'),
        ("a.jsonl", b' [{"a": "1", "b": "x"}, {"a": "2", "b": "y"}]'),
        ("a.json", b'[\n  {"a": "1",\n   "b": "x"},\n  {"a": "2", "b": "y"}\n]\n'),
    ],
)
def test_a_packed_or_oddly_named_text_is_read_like_the_text(
    tmp_path: Path, name: str, content: bytes
) -> None:
    assert read(written(tmp_path / name, content)) == {"a": ["1", "2"], "b": ["x", "y"]}


def test_tables_of_one_zip_must_have_the_same_columns(tmp_path: Path) -> None:
    path = written(tmp_path / "a.zip", zipped({"1.csv": CSV, "2.csv": b"a,c\n1,2\n"}))
    assert refusal(path) == "a.zip: the tables in it have different columns"


def test_a_broken_table_in_a_zip_is_named(tmp_path: Path) -> None:
    path = written(tmp_path / "a.zip", zipped({"1.csv": CSV, "b/2.csv": b"a,b\n1\n"}))
    assert refusal(path).startswith("a.zip: b/2.csv: not a well-formed table: Row #2")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('[{"a": 1}, {"a": 2.5}]', {"a": [1, 2.5]}),
        ('[{"a": 1}, {"b": "x"}]', {"a": [1, None], "b": [None, "x"]}),
        ('{"a": null, "b": ""}\n{"a": "NA", "b": " x "}', {"a": [None, "NA"], "b": [None, "x"]}),
        ('{"a": true}\n{"a": false}', {"a": ["true", "false"]}),
        ('{"a": {"b": [1, "ö"]}}\n{"a": [1]}', {"a": ['{"b": [1, "ö"]}', ("1",)]}),
        ('{"a": [0, 3]}\n{"a": [1, "x"]}', {"a": [("0", "3"), ("1", "x")]}),
        ('{"a": [0.5]}\n{"a": [true, null]}', {"a": ["[0.5]", "[true, null]"]}),
        ('{"a": ["x", "y"]}\n{"a": []}', {"a": [("x", "y"), None]}),
        ('{"a": 12345678901234567890123}\n{"a": 1}', {"a": [12345678901234567890123, 1]}),
        ('{"a": "007"}\n{"a": 7}', {"a": ["007", 7]}),
        ('{"a": "one\\ntwo"}\r\n{"a": "three"}', {"a": ["one\ntwo", "three"]}),
        ('{"a": "x\u2028y"}\n{"a": "z\x85w"}', {"a": ["x\u2028y", "z\x85w"]}),
        ('{"a": NaN}\n{"a": 1}', {"a": [None, 1]}),
    ],
)
def test_json_keeps_its_numbers_and_tells_what_is_nested_as_text(
    tmp_path: Path, content: str, expected: dict
) -> None:
    assert read(written(tmp_path / "a.json", content.encode())) == expected


FRAME = pd.DataFrame({"x": [1, 2], "y": ["a", "b"]})


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (FRAME, {"x": [1, 2], "y": ["a", "b"]}),
        (FRAME.set_index("y"), {"y": ["a", "b"], "x": [1, 2]}),
        (FRAME.set_index(["y", "x"]).assign(z=3), {"y": ["a", "b"], "x": [1, 2], "z": [3, 3]}),
        (FRAME.set_axis([5, 7]), {"x": [1, 2], "y": ["a", "b"]}),
        (FRAME.astype({"y": "category"}), {"x": [1, 2], "y": ["a", "b"]}),
        (FRAME.assign(x=pd.array([1, None], dtype="Int64")), {"x": [1, None], "y": ["a", "b"]}),
        (FRAME.assign(y=[" a ", ""]), {"x": [1, 2], "y": ["a", None]}),
        (FRAME.assign(y=[[1, 2], []]), {"x": [1, 2], "y": [("1", "2"), None]}),
        (FRAME.assign(y=[[0.5, 2], []]), {"x": [1, 2], "y": ["[0.5 2. ]", None]}),
        (FRAME.assign(y=[{"k": "v"}, None]), {"x": [1, 2], "y": ["{'k': 'v'}", None]}),
        (FRAME.assign(y=[date(2026, 1, 31)] * 2), {"x": [1, 2], "y": [date(2026, 1, 31)] * 2}),
        (
            FRAME.assign(y=pd.Timestamp(2026, 1, 31, 12)),
            {"x": [1, 2], "y": [pd.Timestamp(2026, 1, 31, 12)] * 2},
        ),
        (FRAME.assign(y=[b"ab", b"cd"]), {"x": [1, 2], "y": [b"ab", b"cd"]}),
        (FRAME.assign(y=[True, False]), {"x": [1, 2], "y": [True, False]}),
    ],
)
def test_a_parquet_file_is_read_with_all_its_columns(
    tmp_path: Path, frame: pd.DataFrame, expected: dict
) -> None:
    frame.to_parquet(tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet") == expected


@pytest.mark.parametrize(
    "frame",
    [
        FRAME.set_index("y").assign(y=[1, 2]),
        FRAME.rename_axis("x"),
        FRAME.set_index(["y", "x"]).assign(y=[1, 2]),
    ],
)
def test_an_index_called_like_a_column_is_told(tmp_path: Path, frame: pd.DataFrame) -> None:
    frame.to_parquet(tmp_path / "a.parquet")
    assert "a.parquet: " in refusal(tmp_path / "a.parquet")


def test_a_parquet_file_of_another_suffix_is_recognised(tmp_path: Path) -> None:
    FRAME.to_parquet(tmp_path / "data.bin")
    assert detect_format(tmp_path / "data.bin") == "parquet"
    assert read(tmp_path / "data.bin") == {"x": [1, 2], "y": ["a", "b"]}


def test_a_parquet_file_without_rows_is_told(tmp_path: Path) -> None:
    FRAME.head(0).to_parquet(tmp_path / "a.parquet")
    assert refusal(tmp_path / "a.parquet") == "a.parquet: no rows; only the column names are there"


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """A spreadsheet of three sheets: one with a title, one without column names, an empty one."""
    path = tmp_path / "a.xlsx"
    with pd.ExcelWriter(path) as writer:
        FRAME.assign(when=pd.Timestamp(2026, 1, 31), z=[0.5, None]).to_excel(
            writer, sheet_name="first", index=False, startrow=2
        )
        FRAME.to_excel(writer, sheet_name="no names", index=False, header=False)
        pd.DataFrame().to_excel(writer, sheet_name="nothing")
    return path


def test_the_first_sheet_is_read_below_empty_rows_with_its_types(book: Path) -> None:
    assert read(book) == {
        "x": [1, 2],
        "y": ["a", "b"],
        "when": [pd.Timestamp(2026, 1, 31)] * 2,
        "z": [0.5, None],
    }


def test_another_sheet_is_read_by_its_name_and_without_column_names(book: Path) -> None:
    found = read(book, Layout(sheet="no names", header=False))
    assert found == {"column_1": [1, 2], "column_2": ["a", "b"]}


@pytest.mark.parametrize(
    ("sheet", "expected"),
    [
        ("frist", "a.xlsx: no sheet 'frist'; did you mean first? allowed: first, no names, nothi"),
        ("nothing", "a.xlsx: sheet 'nothing' is empty; a header and rows were expected"),
    ],
)
def test_a_sheet_without_a_table_is_told(book: Path, sheet: str, expected: str) -> None:
    assert refusal(book, Layout(sheet=sheet)).startswith(expected)


def test_column_names_of_a_sheet_must_differ(tmp_path: Path) -> None:
    pd.DataFrame([["a", None, "a"], [1, 2, 3]]).to_excel(
        tmp_path / "a.xlsx", index=False, header=False
    )
    assert "the column name 'a' stands there twice" in refusal(tmp_path / "a.xlsx")
    assert read(tmp_path / "a.xlsx", BARE)["column_3"] == ["a", 3]


def test_an_excel_file_of_another_suffix_is_recognised(book: Path) -> None:
    moved = book.rename(book.with_name("data"))
    assert detect_format(moved) == "excel"


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "a.db"
    with sqlite3.connect(path) as connection:
        FRAME.assign(z=[None, 1.5]).to_sql("fruit", connection, index=False)
    connection.close()
    return path


def test_the_only_table_of_a_database_is_read_with_its_types(database: Path) -> None:
    assert read(database) == {"x": [1, 2], "y": ["a", "b"], "z": [None, 1.5]}
    moved = database.rename(database.with_name("data"))
    assert detect_format(moved) == "database"
    assert read(moved)["x"] == [1, 2]


def test_a_table_among_several_must_be_named(database: Path) -> None:
    with sqlite3.connect(database) as connection:
        FRAME.head(1).to_sql("nuts", connection, index=False)
        connection.execute("create view few as select x from fruit where x > 1")
    connection.close()
    assert refusal(database) == "a.db: which table? --table takes one of fruit, nuts, few"
    told = refusal(database, Layout(table="fruits"))
    assert told.startswith("a.db: no table 'fruits'; did you mean fruit? allowed: fruit, nuts, few")
    assert read(database, Layout(table="nuts")) == {"x": [1], "y": ["a"]}
    assert read(database, Layout(table="few")) == {"x": [2]}


def test_a_dot_may_stand_in_the_name_of_a_table_or_behind_its_schema(database: Path) -> None:
    with sqlite3.connect(database) as connection:
        FRAME.head(1).to_sql("sales.2024", connection, index=False)
    connection.close()
    assert read(database, Layout(table="sales.2024"))["x"] == [1]
    assert read(database, Layout(table="main.fruit"))["x"] == [1, 2]
    assert refusal(database, Layout(table="sales.2025")).startswith("a.db: no table 'sales.2025'; ")


def test_reading_a_database_leaves_it_as_it_is(database: Path) -> None:
    before = database.read_bytes()
    database.chmod(0o444)
    read(database)
    assert database.read_bytes() == before
    assert [path.name for path in database.parent.iterdir()] == ["a.db"]


@pytest.mark.parametrize("end", ["-wal", "-journal"])
def test_a_database_whose_journal_holds_rows_is_told(database: Path, end: str) -> None:
    journal = database.with_name(f"a.db{end}")
    journal.write_bytes(b"rows")
    told = f"a.db: {journal.name} beside it holds what is not in it yet; end the program that"
    assert refusal(database).startswith(told)


def test_a_database_that_another_writes_to_is_told(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "PATIENCE", 0.05)
    other = sqlite3.connect(database, isolation_level=None)
    other.execute("begin exclusive")
    told = "a.db: the database cannot be read: database is locked; another program writes to it"
    assert refusal(database) == told
    other.close()


DUCKDB = {
    "id integer": ("1", 1),
    "whole hugeint": ("2", "2"),
    "paid decimal(9, 2)": ("0.10", 0.1),
    "exact decimal(30, 5)": ("0.1", "0.10000"),
    "single float": ("0.1", 0.1),
    "day date": ("'2026-01-31'", pd.Timestamp("2026-01-31")),
    "moment timestamptz": ("'2026-01-31 12:00:00+02'", pd.Timestamp("2026-01-31 10:00Z")),
    "span interval": ("interval 90 second", 90.0),
    "mood enum('sad', 'happy')": ("'sad'", "sad"),
    "gap text": ("null", None),
}
"""Columns of DuckDB, a value of each as SQL has it, and its cell."""


def test_a_table_of_duckdb_is_read_with_its_types(tmp_path: Path) -> None:
    path = tmp_path / "shop.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"create table t ({', '.join(DUCKDB)})")
        values = ", ".join(value for value, _ in DUCKDB.values())
        connection.execute(f"insert into t values ({values})")
        connection.execute("create view few as select id from t")
        connection.execute("create table odd as select [1, 2] as tags")
    cells = [cell for _, cell in DUCKDB.values()]
    assert [*read(path, Layout(table="t")).values()] == [[cell] for cell in cells]
    moved = path.rename(tmp_path / "shop.db")
    assert detect_format(moved) == "duckdb"
    assert read(moved, Layout(table="few")) == {"id": [1]}
    assert refusal(moved) == "shop.db: which table? --table takes one of few, odd, t"
    told = "shop.db: column 'tags' is of type INTEGER[], which no cell of a table can hold"
    assert refusal(moved, Layout(table="odd")).startswith(told)


def test_a_file_of_duckdb_that_another_writes_to_is_told(tmp_path: Path) -> None:
    path = tmp_path / "shop.duckdb"
    duckdb.connect(str(path)).close()
    program = f"import duckdb; other = duckdb.connect({str(path)!r}); print(flush=True); input()"
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        told = refusal(path)
        other.communicate(b"\n")
    assert told.startswith("shop.duckdb: the database cannot be read: IO Error: Could not set lock")
    assert told.endswith("; another program writes to it")


def test_a_text_may_say_what_files_of_duckdb_begin_with(tmp_path: Path) -> None:
    path = written(tmp_path / "birds", b"id,name,DUCK\n1,x,2\n")
    assert read(path) == {"id": ["1"], "name": ["x"], "DUCK": ["2"]}


# A question mark is for no file on Windows.
LIKE_AN_ADDRESS = "a#b?c=d&mode=rw%41.db" if os.name == "posix" else "a#b;c=d&mode=rw%41.db"


@pytest.mark.parametrize("name", ["a b.db", LIKE_AN_ADDRESS, "ö\U0001f34e.db"])
def test_a_database_of_an_odd_name_is_read(database: Path, name: str) -> None:
    moved = database.rename(database.with_name(name))
    assert read(moved)["x"] == [1, 2]
    assert [path.name for path in moved.parent.iterdir()] == [name]


def test_a_database_without_tables_is_told(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "a.db") as connection:
        connection.execute("create table gone (x)")
        connection.execute("drop table gone")
    connection.close()
    assert refusal(tmp_path / "a.db") == "a.db: which table? --table takes one of none"


@pytest.mark.parametrize(
    ("cells", "missing"),
    [
        (["1", "NA", "", "?"], [False, True, True, True]),
        (["NA ", " ? ", "N", "na"], [True, True, False, False]),
    ],
)
def test_texts_that_stand_for_a_missing_value_are_missing(
    tmp_path: Path, cells: list[str], missing: list[bool]
) -> None:
    path = written(tmp_path / "a.csv", ("x,y\n" + "".join(f"{c},1\n" for c in cells)).encode())
    found = read(path, missing=("", "NA", "?"))["x"]
    assert [cell is None for cell in found] == missing


def test_an_index_of_numbers_with_a_name_is_a_column_whatever_the_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "BATCH_ROWS", 7)
    frame = pd.DataFrame({"x": range(20)}, index=pd.RangeIndex(5, 45, 2, name="number"))
    frame.to_parquet(tmp_path / "a.parquet")
    found = read_table(tmp_path / "a.parquet", "a.parquet", [""])
    assert found["number"].tolist() == list(range(5, 45, 2))


def test_the_database_at_an_address_comes_some_rows_at_a_time_with_types_that_hold_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(databases, "BATCH_ROWS", 2)
    with closing(sqlite3.connect(tmp_path / "a.db")) as database, database:
        database.execute("create table t (late, mixed, whole, word)")
        rows = [(None, 1, 1, "a"), (None, 2, None, "b"), (None, 0.5, 2, None), ("x", 3, 3, "d")]
        database.executemany("insert into t values (?, ?, ?, ?)", rows)
    tables = [*databases.read_database_tables(f"sqlite:///{tmp_path}/a.db", "a.db", None)]
    assert [*map(len, tables)] == [2, 2]
    whole = pa.concat_tables(tables)
    assert [*zip(*whole.to_pydict().values(), strict=True)] == rows
    assert [*map(str, whole.schema.types)] == ["string", "double", "int64", "string"]
