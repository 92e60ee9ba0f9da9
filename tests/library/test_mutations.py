"""Files that were valid and are damaged, at random or by hand: read, or turned down in one line."""

import gzip
import io
import random
import sqlite3
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lockstep.adopting.images import understand_images
from lockstep.adopting.understanding import understand
from lockstep.adopting.wishes import Wishes
from lockstep.core.contract import Contract
from lockstep.core.errors import UserError
from lockstep.core.params import DataParams
from lockstep.core.paths import Paths
from lockstep.reading.archives import list_members, open_zip
from lockstep.reading.check import RawCheck
from lockstep.reading.databases import read_database_batches
from lockstep.reading.images import has_images
from lockstep.reading.tables import read_table
from PIL import Image

ROWS = 30
COLUMNS = {
    "x": {"type": "numeric", "meaning": "x", "nullable": True},
    "when": {"type": "datetime", "meaning": "when", "nullable": True},
    "y": {"type": "categorical", "categories": ["a", "b"], "meaning": "y"},
}
TABLE = Contract.model_validate(
    {"title": "t", "source": "s", "licence": "l", "target": "y", "columns": COLUMNS}
)
IMAGES = Contract.model_validate(
    {"title": "t", "source": "s", "licence": "l", "target": "y"}
    | {"images": {"width": 4, "height": 4}, "columns": {"y": COLUMNS["y"]}}
)


def make_frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "x": np.arange(ROWS) / 4,
            "when": pd.date_range("2026-01-01", periods=ROWS).astype("datetime64[us]"),
            "n": range(ROWS),
            "y": ["a", "b", "b"] * (ROWS // 3),
        }
    )


def make_csv() -> bytes:
    return make_frame().to_csv(index=False, lineterminator="\n").encode()


def make_gzip() -> bytes:
    return gzip.compress(make_csv(), mtime=0)


def pack(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return packed.getvalue()


def unpack(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def make_zip_of_tables() -> bytes:
    return pack({"one.csv": make_csv(), "two.csv": make_csv(), "notes.txt": b"text"})


def make_zip_of_images() -> bytes:
    forms, rng, members = (
        ["png", "jpeg", "gif", "bmp", "tiff", "webp"],
        np.random.default_rng(0),
        {},
    )
    for number in range(12):
        file, form = io.BytesIO(), forms[number % len(forms)]
        Image.fromarray(rng.integers(0, 256, (4, 4), dtype="uint8")).save(file, form)
        members[f"{'ab'[number % 2]}/{number}.{form}"] = file.getvalue()
    return pack(members)


def make_parquet() -> bytes:
    file, frame = io.BytesIO(), make_frame()
    frame["c"] = frame["y"].astype("category")
    frame.to_parquet(file, row_group_size=10)
    return file.getvalue()


def make_spreadsheet() -> bytes:
    file = io.BytesIO()
    make_frame().to_excel(file, index=False)
    return file.getvalue()


def make_database() -> bytes:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE t (x REAL, 'when' DATETIME, n INTEGER, y TEXT)")
        rows = [(*row[:1], str(row[1]), *row[2:]) for row in make_frame().to_numpy().tolist()]
        connection.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", rows)
        connection.commit()
        return connection.serialize()


MAKERS: dict[str, Callable[[], bytes]] = {
    "a.csv.gz": make_gzip,
    "tables.zip": make_zip_of_tables,
    "images.zip": make_zip_of_images,
    "a.parquet": make_parquet,
    "a.xlsx": make_spreadsheet,
    "a.db": make_database,
}
VALID = {name: make() for name, make in MAKERS.items()}
EXTREMES = [b"\0", b"\xff", b"\0" * 4, b"\xff" * 4, b"\xff\xff\xff\x7f", b"\xff" * 8, b"\xff" * 16]


def damage(content: bytes, rng: random.Random) -> bytes:
    """Change one to four places: bits, bytes, extreme numbers, parts that are gone or elsewhere."""
    changed = bytearray(content)
    for _ in range(rng.choice([1, 1, 2, 4])):
        place, length = rng.randrange(len(changed) or 1), rng.choice([1, 2, 4, 16, 256])
        # What tells of the rest is at one of the ends.
        if rng.random() < 0.5 and len(changed) > 200:
            place = rng.choice([rng.randrange(200), len(changed) - 1 - rng.randrange(200)])
        match rng.randrange(7):
            case 0:
                changed[place : place + 1] = bytes([changed[place] ^ (1 << rng.randrange(8))])
            case 1:
                changed[place : place + length] = rng.randbytes(length)
            case 2:
                extreme = rng.choice(EXTREMES)
                changed[place : place + len(extreme)] = extreme
            case 3:
                del changed[place : place + length]
            case 4:
                changed[place:place] = rng.choice([rng.randbytes(length), bytes(length)])
            case 5:
                changed[place:place] = changed[rng.randrange(len(changed)) :][:length]
            case 6:
                del changed[place:]
        changed = changed or bytearray(b"\0")
    return bytes(changed)


def damage_members(content: bytes, rng: random.Random) -> bytes:
    """Change what is packed in a zip, or its names, such that the zip is whole."""
    members = unpack(content)
    name = rng.choice([*members])
    members[name] = damage(members[name], rng)
    if rng.random() < 0.2:
        members[rng.choice(["", "x", "x.csv", "x.png", "a/", "\u00e9", "CON"])] = members.pop(name)
    return pack(members, rng.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]))


ODD_VALUES = [
    *(None, 1, 2**62, -1.5, 1e308, "garbage", "", "2026-13-45", "2026-01-01 00:00:00.123456789"),
    *(b"\xff\0", b"", "\ud7ff", "x" * 1000, "inf", "nan", "a\nb", "10000-01-01", "0000-00-00"),
]
ODD_TYPES = ["DATETIME", "DATE", "TIME", "BOOLEAN", "NUMERIC(5,2)", "BLOB", "JSON", "odd", "FLOAT"]


def damage_cells(content: bytes, rng: random.Random) -> bytes:
    """Change values of a database to such as its columns' types do not let expect."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.deserialize(content)
        for _ in range(rng.choice([1, 1, 3])):
            column, row = rng.choice(["x", '"when"', "n", "y"]), rng.randrange(1, ROWS)
            value = rng.choice(ODD_VALUES)
            connection.execute(f"UPDATE t SET {column} = ? WHERE rowid = ?", (value, row))
        if rng.random() < 0.3:
            connection.execute(f"ALTER TABLE t ADD COLUMN more {rng.choice(ODD_TYPES)}")
            value = rng.choice(ODD_VALUES)
            connection.execute("UPDATE t SET more = ? WHERE rowid % 3", (value,))
        connection.commit()
        return connection.serialize()


def damages(name: str) -> list[Callable[[bytes, random.Random], bytes]]:
    """Ways to damage a file of this name."""
    if name.endswith((".zip", ".xlsx")):
        return [damage, damage_members]
    return [damage, damage_cells] if name.endswith(".db") else [damage]


def require_answer(read: Callable[[], object]) -> None:
    """Check that a file is read, or turned down in one line."""
    try:
        read()
    except UserError as error:
        assert len(str(error).split("\n")) == 1
        assert str(error) == str(error).strip() != ""


def read_every_way(folder: Path, name: str, content: bytes) -> None:
    """Read a file as `use` does, and by a contract as `ingest` and `predict` do."""
    (folder / "data/raw").mkdir(parents=True, exist_ok=True)
    path = folder / "data/raw" / name
    path.write_bytes(content)

    def adopt() -> None:
        if has_images(path):
            understand_images(path, name, "a test", Wishes(), 0.5)
        else:
            understand([path], name, "a test", Wishes(target="y"))

    def ingest() -> None:
        contract = IMAGES if name == "images.zip" else TABLE
        for _ in RawCheck(
            Paths(folder), DataParams(raw=f"data/raw/{name}", max_rejected=1), contract
        ):
            pass

    require_answer(adopt)
    require_answer(ingest)
    assert [path.name for path in folder.rglob("*") if path.is_file()] == [name]


@pytest.mark.parametrize("name", [*VALID])
@given(seed=st.integers(0, 2**32 - 1))
def test_a_damaged_file_is_read_or_turned_down(
    tmp_path_factory: pytest.TempPathFactory, name: str, seed: int
) -> None:
    rng = random.Random(seed)
    content = rng.choice(damages(name))(VALID[name], rng)
    read_every_way(tmp_path_factory.mktemp("damaged"), name, content)


def replace_last(content: bytes, old: bytes, new: bytes) -> bytes:
    head, _, tail = content.rpartition(old)
    return head + new + tail


DISPLACED = {
    "a broken list of files": lambda content: replace_last(content, b"PK\1\2", b"PK\1\3"),
    "a list of files elsewhere": lambda content: replace_last(content, b"PK\5\6", b"?PK\5\6"),
    "extract version 99": lambda content: replace_last(
        content, b"PK\1\2\x14\3\x14", b"PK\1\2\x14\3c"
    ),
}


@pytest.mark.parametrize("name", ["tables.zip", "images.zip", "a.xlsx"])
@pytest.mark.parametrize("change", [*DISPLACED])
def test_a_zip_whose_list_of_files_is_ill_is_no_whole_zip(
    tmp_path: Path, name: str, change: str
) -> None:
    content = DISPLACED[change](VALID[name])
    assert content != VALID[name]
    told = answer(lambda: read_every_way(tmp_path, name, content))
    assert told == ""
    kind = "a readable spreadsheet" if name == "a.xlsx" else "a whole zip file"
    path = tmp_path / "data/raw" / name
    assert answer(lambda: understand([path], name, "", Wishes(target="y"))).startswith(
        f"{name}: not {kind}: "
    )


def answer(read: Callable[[], object]) -> str:
    """The line that a file is turned down with, empty if it is read."""
    try:
        read()
    except UserError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("name", ["tables.zip", "images.zip"])
def test_a_name_in_a_zip_that_is_not_utf_8_is_no_whole_zip(tmp_path: Path, name: str) -> None:
    packed = pack({"\u00e9.csv": make_csv(), "a/\u00e9.png": b""})
    content = packed.replace("\u00e9".encode(), b"\xff\xfe")
    read_every_way(tmp_path, name, content)
    path = tmp_path / "data/raw" / name
    told = answer(lambda: understand([path], name, "", Wishes(target="y")))
    assert told.startswith(f"{name}: not a whole zip file: 'utf-8' codec can't decode")


def test_a_file_without_a_name_in_a_zip_is_none(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(zipfile.ZipInfo("a.csv"), make_csv())
        archive.writestr(zipfile.ZipInfo(""), b"x")
    with open_zip(path, "a.zip") as archive:
        assert list_members(archive) == ["a.csv"]


def change_cell(column: str, value: object) -> bytes:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.deserialize(VALID["a.db"])
        connection.execute(f'UPDATE t SET "{column}" = ? WHERE rowid = 3', (value,))
        connection.commit()
        return connection.serialize()


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("when", "garbage", "row 3, when is 'garbage', expected a time written as ISO 8601 says"),
        ("when", b"\xff", r"row 3, when is '\\xff', expected a time"),
        ("when", 45_000, "row 3, when is '45000', expected a time"),
        ("x", b"\xff", r"row 3, x is '\\xff', expected a number"),
        ("x", "1,5", "row 3, x is '1,5', expected a number"),
        ("y", b"\xff", r"row 3, y is '\\xff', expected one of a, b"),
    ],
)
def test_a_cell_of_another_type_in_a_database_breaks_the_contract(
    tmp_path: Path, column: str, value: object, expected: str
) -> None:
    (tmp_path / "data/raw").mkdir(parents=True)
    (tmp_path / "data/raw/a.db").write_bytes(change_cell(column, value))
    check = RawCheck(Paths(tmp_path), DataParams(raw="data/raw/a.db", max_rejected=0.5), TABLE)
    batches = [*check]
    assert sum(len(batch.accepted) for batch in batches) == ROWS - 1
    assert any(expected in line for line in check.summary())


def test_bytes_that_are_text_are_text(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_bytes(change_cell("y", b"a"))
    assert read_table(tmp_path / "a.db", "a.db", ())["y"].tolist()[2] == "a"


@pytest.mark.parametrize("slashes", ["///", "////"])
def test_a_database_that_is_not_there_is_not_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slashes: str
) -> None:
    monkeypatch.chdir(tmp_path)
    place = "new.db" if slashes == "///" else str(tmp_path / "new.db").lstrip("/")
    told = answer(lambda: [*read_database_batches(f"sqlite:{slashes}{place}", "a database", None)])
    assert told == "a database: the database cannot be read: unable to open database file"
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("postgresql://host:abc/db", "invalid literal for int() with base 10: 'abc'"),
        ("sqlite:///a%00.db", "embedded null byte"),
        ("nosuch://host/db", "Can't load plugin: sqlalchemy.dialects:nosuch"),
    ],
)
def test_an_odd_address_of_a_database_is_told(address: str, expected: str) -> None:
    told = answer(lambda: [*read_database_batches(address, "a database", "t")])
    assert told == f"a database: the database cannot be read: {expected}"


HUGE = [2**63 + row for row in range(ROWS)]


@pytest.mark.parametrize(
    ("cells", "type_", "expected"),
    [
        (pa.array(range(ROWS), pa.duration("s")), "numeric", 2.0),
        (pa.array([None, *range(1, ROWS)], pa.duration("ns")), "numeric", 2e-9),
        (pa.array(HUGE, pa.uint64()), "numeric", 2.0**63),
        (pa.array([None, *HUGE[1:]], pa.uint64()), "numeric", 2.0**63),
        (pa.array(HUGE, pa.uint64()), "identifier", str(2**63 + 2)),
        (pa.array(range(ROWS), pa.uint64()), "integer", 2),
        (pa.array(range(ROWS), pa.float16()), "integer", 2),
    ],
)
def test_a_parquet_file_may_hold_numbers_of_any_kind(
    tmp_path: Path, cells: pa.Array, type_: str, expected: object
) -> None:
    path = tmp_path / "data/raw/a.parquet"
    path.parent.mkdir(parents=True)
    pq.write_table(pa.table({"y": ["a", "b"] * (ROWS // 2), "x": range(ROWS), "n": cells}), path)
    columns = COLUMNS | {"n": {"type": type_, "meaning": "n", "nullable": True}}
    del columns["when"]
    contract = TABLE.model_copy(
        update={
            "columns": Contract.model_validate(TABLE.model_dump() | {"columns": columns}).columns
        }
    )
    (batch,) = RawCheck(
        Paths(tmp_path), DataParams(raw="data/raw/a.parquet", max_rejected=0), contract
    )
    assert batch.accepted["n"].iloc[2] == expected


def test_texts_of_a_parquet_file_that_are_no_utf_8_are_told(tmp_path: Path) -> None:
    texts = pa.array([b"\xed\xa0\x80"] * ROWS, pa.binary()).view(pa.string())
    pq.write_table(pa.table({"y": ["a", "b"] * (ROWS // 2), "x": texts}), tmp_path / "a.parquet")
    told = answer(lambda: read_table(tmp_path / "a.parquet", "a.parquet", ()))
    assert told.startswith("a.parquet: not a readable parquet file: ")
    assert "UTF8" in told


def test_times_of_a_far_future_are_described(tmp_path: Path) -> None:
    times = pa.array([2**61 + row * 10**12 for row in range(ROWS)], pa.timestamp("us"))
    table = pa.table({"x": np.sin(range(ROWS)), "when": times, "y": ["a", "b"] * (ROWS // 2)})
    pq.write_table(table, tmp_path / "a.parquet")
    understanding = understand([tmp_path / "a.parquet"], "a", "", Wishes(target="y"))
    assert understanding.contract.columns["when"].guessed == "75039-04-04 to 75040-03-05"
