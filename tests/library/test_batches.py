"""Batches are for memory alone: whatever their size, the results are the same."""

import contextlib
import csv
import gzip
import io
import itertools
import json
import shutil
import subprocess
import sys
import tempfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from weakref import WeakSet

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from conftest import CONTRACT, make_fruit, make_project, run_stage, write_params
from hypothesis import given
from hypothesis import strategies as st
from lockstep.commands.cli import main
from lockstep.core import table
from lockstep.core.batches import QUEUE_LENGTH, background, pair_ahead, prefetch
from lockstep.core.contract import PLAIN, Column, Contract, Layout
from lockstep.core.errors import UserError
from lockstep.core.params import DataParams
from lockstep.core.project import Project
from lockstep.data.conformity import conform
from lockstep.data.split import split_rows
from lockstep.reading import texts
from lockstep.reading.check import UNIQUE_RULE, RawCheck
from lockstep.reading.tables import read_batches, read_table
from owner.preprocess import clean

Sizes = Callable[..., None]


@pytest.fixture
def sizes(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sizes]:
    """Sets how many bytes are parsed, read and looked at beforehand, and rows written, at once."""

    def set_sizes(block: int, *, piece: int = 2**20, start: int = 2**24, group: int = 2**17):
        monkeypatch.setattr(texts, "BLOCK", block)
        monkeypatch.setattr(texts, "CHUNK_SIZE", piece)
        monkeypatch.setattr(texts, "LONGEST_CELL", start)
        monkeypatch.setattr(table, "ROWS_IN_GROUP", group)

    longest = csv.field_size_limit()
    yield set_sizes
    csv.field_size_limit(longest)


def contents(project: Project) -> dict[str, bytes]:
    """Every file in the project, hidden ones too."""
    files = [path for path in project.root.rglob("*") if path.is_file()]
    return {project.name(path): path.read_bytes() for path in files}


# ingest


MESSY = CONTRACT["columns"] | {
    "name": {"type": "identifier", "unique": True, "nullable": True, "meaning": "name"},
    "code": {"type": "integer", "unique": True, "nullable": True, "meaning": "code"},
    "picked": {"type": "datetime", "nullable": True, "meaning": "when"},
    "note": {"type": "text", "nullable": True, "missing": ["?"], "meaning": "what was said"},
}


def messy(first: int, rows: int = 60) -> pd.DataFrame:
    """Fruit as text: gaps, long stretches without a number, blanks, broken cells, odd notes."""
    frame = make_fruit(rows).astype("str").assign(picked="2026-05-01", note="fine", code="")
    frame.insert(0, "name", [f"n{first + number}" for number in range(rows)])
    frame.loc[:20, "seeds"] = [*["", "NA", " NA "] * 7]
    frame.loc[[30, 31, 38, 39], "weight"] = [" 150.5", "heavy", "9999", "\t20 "]
    frame.loc[40:43, "picked"] = ["2026-05-01T10:30:00+02:00", "soon", "", " 2026-05-02 "]
    frame.loc[12:16, "note"] = ['two\nlines, "he" said', " ? ", "ö" * 90, "\r\n", " \U0001f34e "]
    frame.loc[50:53, "code"] = ["1", " 2", "1", str(first)]
    frame.loc[25, "colour"], frame.loc[26, "fruit"], frame.loc[5, "name"] = "blue", "", "NA"
    frame.loc[44, "name"] = frame.loc[2, "name"]
    return frame


@pytest.fixture
def deliveries(project: Project) -> Project:
    """Three files of messy rows; the first two have a column more, and the second repeats a name.

    The third one's rows are in two tables of a zip.
    """
    project.contract_file.write_text(json.dumps(CONTRACT | {"columns": MESSY}))
    write_params(project, data={"raw": "data/raw", "max_rejected": 0.5})
    messy(100).assign(size="?").to_csv(project.raw / "fruit.csv", index=False)
    second = messy(200).assign(more=[""] * 59 + ["x"])
    second.loc[9, "name"] = "n101"
    with gzip.open(project.raw / "later.csv.gz", "wt", newline="") as file:
        second.to_csv(file, index=False)
    with zipfile.ZipFile(project.raw / "latest.zip", "w") as archive:
        archive.writestr("1.csv", messy(300).head(20).to_csv(index=False))
        archive.writestr("2.csv", messy(300)[20:].to_csv(index=False, lineterminator="\r\n"))
    return project


def ingested(project: Project) -> list[bytes]:
    run_stage("ingest")
    outputs = (project.dataset, project.rejected, project.ingest_report)
    return [path.read_bytes() for path in outputs]


class Block:
    """What takes memory."""


@pytest.mark.parametrize("threads", [0, 3])
def test_no_more_items_are_held_than_are_ahead(threads: int) -> None:
    held: WeakSet[Block] = WeakSet()

    def read_blocks() -> Iterator[Block]:
        for _ in range(100):
            block = Block()
            held.add(block)
            yield block

    most = max(len(held) for _ in pair_ahead(id, (), read_blocks(), threads))
    assert most <= threads + 4


@pytest.mark.parametrize("block", [64, 1000, 5000])
def test_ingest_writes_the_same_bytes_whatever_the_size_of_its_batches(
    deliveries: Project, sizes: Sizes, capsys: pytest.CaptureFixture[str], block: int
) -> None:
    sizes(2**23, group=7)
    whole, told = ingested(deliveries), capsys.readouterr().out
    assert pq.ParquetFile(deliveries.dataset).num_row_groups > 20
    assert pq.ParquetFile(deliveries.rejected).num_row_groups > 2
    sizes(block, piece=50, group=7)
    assert ingested(deliveries) == whole
    assert capsys.readouterr().out == told


def test_what_is_told_of_a_row_in_a_late_batch_is_what_stands_in_the_file(
    deliveries: Project, sizes: Sizes
) -> None:
    sizes(300, group=7)
    run_stage("ingest")
    rejected = pd.read_parquet(deliveries.rejected)
    raw = {
        "fruit.csv": messy(100),
        "later.csv.gz": messy(200).assign(name=lambda rows: rows["name"].replace("n209", "n101")),
        "latest.zip": messy(300),
    }
    assert {*rejected["file"]} == {f"data/raw/{name}" for name in raw}
    for _, breach in rejected.iterrows():
        row = raw[Path(breach["file"]).name].iloc[breach["row"] - 1]
        told = breach["value"] if pd.notna(breach["value"]) else ""
        assert row[breach["column"]].strip() == told
        assert row["name"] == breach["raw_name"]
    assert "seeds" not in {*rejected["column"]}
    kept = json.loads(deliveries.ingest_report.read_text())["accepted"]
    assert kept == 180 - len(rejected.drop_duplicates(["file", "row"]))


def test_the_later_one_of_two_rows_is_told_although_a_batch_lies_between(
    deliveries: Project, sizes: Sizes
) -> None:
    sizes(300)
    run_stage("ingest")
    rejected = pd.read_parquet(deliveries.rejected)
    again = rejected[rejected["rule"] == UNIQUE_RULE]
    assert again[["file", "row", "column", "value"]].to_numpy().tolist() == [
        ["data/raw/fruit.csv", 45, "name", "n102"],
        ["data/raw/fruit.csv", 53, "code", "1"],
        ["data/raw/later.csv.gz", 10, "name", "n101"],
        ["data/raw/later.csv.gz", 45, "name", "n202"],
        ["data/raw/later.csv.gz", 51, "code", "1"],
        ["data/raw/later.csv.gz", 52, "code", "2"],
        ["data/raw/later.csv.gz", 53, "code", "1"],
        ["data/raw/latest.zip", 45, "name", "n302"],
        ["data/raw/latest.zip", 51, "code", "1"],
        ["data/raw/latest.zip", 52, "code", "2"],
        ["data/raw/latest.zip", 53, "code", "1"],
    ]


def test_too_many_rejected_rows_are_told_in_the_same_words_in_batches_of_any_size(
    deliveries: Project, sizes: Sizes
) -> None:
    write_params(deliveries, data={"raw": "data/raw", "max_rejected": 0.01})
    told = []
    for block in (2**23, 64):
        sizes(block)
        with pytest.raises(UserError) as error:
            run_stage("ingest")
        told.append(str(error.value))
    assert told[0] == told[1]
    assert "of 60 rows break references/schema.yaml" in told[0]


NARROW = Contract.model_validate(
    CONTRACT
    | {
        "target": "y",
        "columns": {
            "x": {"type": "integer", "nullable": True, "unique": True, "meaning": "a number"},
            "note": {"type": "text", "nullable": True, "unique": True, "meaning": "a text"},
            "y": {"type": "categorical", "categories": ["a", "b"], "meaning": "a class"},
        },
    }
)
CELLS = st.tuples(
    st.sampled_from(["", "NA", "1", " 2 ", "3.0", "4.5", "x", "-7"]) | st.integers().map(str),
    st.text("ab \n\r\",'ö\U0001f34e", max_size=30),
    st.sampled_from(["a", "b", " a", "c", "NA"]),
)


@given(
    rows=st.lists(CELLS, min_size=1, max_size=25),
    block=st.integers(16, 400),
    group=st.integers(1, 9),
)
def test_any_table_is_ingested_in_batches_as_it_is_at_once(
    rows: list[tuple[str, str, str]], block: int, group: int
) -> None:
    data, made = DataParams(raw="data/raw", max_rejected=1), []
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        project = Project(Path(folder))
        project.raw.mkdir(parents=True)
        with (project.raw / "a.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([["x", "note", "y"], ("", "", "a"), *rows])
        patch.setattr(table, "ROWS_IN_GROUP", group)
        for size in (2**23, block):
            patch.setattr(texts, "BLOCK", size)
            raw = RawCheck(project, data, NARROW)
            with project.writers(project.dataset, project.rejected) as (dataset, rejected):
                for batch in raw:
                    dataset.write(batch.accepted)
                    rejected.write(batch.rejected)
            files = project.dataset.read_bytes(), project.rejected.read_bytes()
            made.append((raw.report(), *files))
    assert made[0] == made[1]
    assert made[0][0]["rows"] == len(rows) + 1


def test_a_file_that_cannot_be_read_to_its_end_leaves_everything_as_it_was(
    deliveries: Project, sizes: Sizes
) -> None:
    sizes(300, start=200)
    run_stage("ingest")
    with (deliveries.raw / "latest.csv").open("w") as file:
        messy(400).to_csv(file, index=False)
        file.write("one,cell too few\n")
    before = contents(deliveries)
    with pytest.raises(UserError, match=r"latest\.csv: not a well-formed table: Row #62: Expected"):
        run_stage("ingest")
    assert contents(deliveries) == before


# Reading texts


PACKED = {
    "a.csv": lambda content: content,
    "a.csv.gz": gzip.compress,
    "a.zip": lambda content: zipped(content),
}
CALLED = {"a.csv": "a.csv", "a.csv.gz": "a.csv.gz", "a.zip": "a.zip: a.csv"}


def zipped(content: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", content)
    return packed.getvalue()


def read(path: Path, layout: Layout = PLAIN) -> list[tuple[str, ...]]:
    table = read_table(path, path.name, ("",), layout)
    assert table.index.tolist() == list(range(len(table)))
    return [*table.itertuples(index=False, name=None)]


@pytest.mark.parametrize("place", [0, 1, 30, 99])
@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("long", [70, 2000, 20_000])
def test_a_record_longer_than_a_block_is_read_and_no_other_is_lost_or_doubled(
    tmp_path: Path, sizes: Sizes, place: int, header: bool, long: int
) -> None:
    sizes(64)
    rows = [(f"n{number}", "x") for number in range(100)]
    rows[place] = ("two\nlines " * (long // 10) + ".", "y")
    with (tmp_path / "a.csv").open("w", newline="") as file:
        csv.writer(file).writerows([*([("a", "b")] if header else []), *rows])
    assert read(tmp_path / "a.csv", Layout(header=header)) == rows


def test_names_of_columns_longer_than_a_block_are_read(tmp_path: Path, sizes: Sizes) -> None:
    sizes(64)
    (tmp_path / "a.csv").write_text("a" * 500 + ",b\n1,2\n")
    assert read(tmp_path / "a.csv") == [("1", "2")]


def test_a_file_without_rows_is_told_in_blocks_of_any_size(tmp_path: Path, sizes: Sizes) -> None:
    sizes(64)
    (tmp_path / "a.csv").write_text("a" * 500 + ",b\n")
    with pytest.raises(UserError, match="no rows; only the column names are there"):
        read(tmp_path / "a.csv")


def test_blocks_grow_to_the_largest_and_no_further(
    tmp_path: Path, sizes: Sizes, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes(64)
    monkeypatch.setattr(texts, "LARGEST_BLOCK", 2000)
    sizes_tried, parse = [], texts._parse_in_blocks
    monkeypatch.setattr(
        texts,
        "_parse_in_blocks",
        lambda *arguments: sizes_tried.append(arguments[-1]) or parse(*arguments),
    )
    (tmp_path / "a.csv").write_text("a,b\n1,2\n" + "x" * 2500 + ",2\n")
    assert len(read(tmp_path / "a.csv")) == 2
    (tmp_path / "a.csv").write_text("a,b\n1,2\n" + "x" * 5000 + ",2\n")
    with pytest.raises(UserError, match=r"^a\.csv: not a well-formed table: straddling"):
        read(tmp_path / "a.csv")
    assert sizes_tried == [64, 1024, 2000] * 2


ABOVE = "a,b\n" + "1,2\n" * 100
BELOW = "1,2\n" * 50


@pytest.mark.parametrize("name", PACKED)
@pytest.mark.parametrize(
    ("content", "encoding", "expected"),
    [
        (f"{ABOVE}1,2,3\n{BELOW}", "utf-8", ": not a well-formed table: Row #102: Expected 2 col"),
        (f"{ABOVE}1,2,3\n{BELOW}", "utf-16", ": not a well-formed table: Row #102: Expected 2"),
        (f"{ABOVE}1,2,3\n{BELOW}", "cp1252", ": not a well-formed table: Row #102: Expected 2"),
        (f"{ABOVE}1\n{BELOW}", "utf-8", ": not a well-formed table: Row #102: Expected 2 columns"),
        (f"{ABOVE}1,\0\n{BELOW}", "utf-8", ", line 102: a zero byte; text has none"),
        (f"{ABOVE}1,\0\n{BELOW}", "utf-16", ", line 102: a zero byte; text has none"),
        (f"{ABOVE}1,\0\n{BELOW}", "cp1252", ", line 102: a zero byte; text has none"),
        (ABOVE.encode() + b"1,\xe9\n1,2\n", "utf-8", ": not utf-8 text (byte 406); save it so"),
        (ABOVE.encode() + b"1,\xc3", "utf-8", ": not utf-8 text (byte 406); save it so"),
        (
            b"\xef\xbb\xbf" + ABOVE.encode() + b"1,\xe9\n1,2\n",
            "utf-8",
            ": not utf-8 text (byte 409); save it so",
        ),
        (
            ABOVE.encode("utf-16") + b"\x00\xdc" + BELOW.encode("utf-16-le"),
            "utf-16",
            ": not utf-16 text (byte 810); save it so",
        ),
        (ABOVE.encode() + b"1,\x81\n1,2\n", "cp1252", ": not cp1252 text (byte 406); save it so"),
    ],
)
def test_what_is_wrong_in_a_late_block_is_told_with_its_place(
    tmp_path: Path, sizes: Sizes, name: str, content: str | bytes, encoding: str, expected: str
) -> None:
    sizes(64, piece=50, start=100)
    written = content.encode(encoding) if isinstance(content, str) else content
    (tmp_path / name).write_bytes(PACKED[name](written))
    with pytest.raises(UserError) as error:
        list(read_batches(tmp_path / name, name, (), Layout(encoding=encoding)))
    assert str(error.value).startswith(CALLED[name] + expected)
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize("name", PACKED)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_a_text_is_read_over_many_blocks(
    tmp_path: Path, sizes: Sizes, name: str, encoding: str, line_end: str
) -> None:
    sizes(64, piece=7, start=100)
    rows = [(f"n{number}", "ö€" * (number % 9) + "x") for number in range(60)]
    content = "".join(f"{a},{b}{line_end}" for a, b in [("a", "b"), *rows]).encode(encoding)
    (tmp_path / name).write_bytes(PACKED[name](content))
    assert read(tmp_path / name, Layout(encoding=encoding.removesuffix("-sig"))) == rows


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.csv.gz", "a.csv.gz: not a whole gzip file"),
        ("a.zip", "a.zip: a.csv: damaged, or locked by a password"),
    ],
)
def test_a_packed_text_that_is_damaged_in_its_middle_is_told(
    tmp_path: Path, sizes: Sizes, name: str, expected: str
) -> None:
    sizes(2**14, piece=2**15, start=1000)
    numbers = np.random.default_rng(0).integers(0, 2**60, (40_000, 2))
    packed = PACKED[name](pd.DataFrame(numbers, columns=["a", "b"]).to_csv(index=False).encode())
    middle = len(packed) // 2
    # Of a zip the list of its files is still there.
    rest = packed[-100:] if name == "a.zip" else b""
    (tmp_path / name).write_bytes(packed[:middle] + rest)
    with pytest.raises(UserError, match=rf"^{expected}$"):
        list(read_batches(tmp_path / name, name, ()))
    (tmp_path / name).write_bytes(packed[:middle] + b"\xff" * 99 + packed[middle + 99 :])
    # What it unpacks to may be no table before the damage shows.
    with pytest.raises(UserError, match=rf"^{expected}$|not a well-formed table: Row #[1-9]"):
        list(read_batches(tmp_path / name, name, ()))


# Cells


LIKE_NUMBERS = [
    *("1", "+1", "-1", "-0", "007", "1.", ".5", "+.5", "-.5e3", "1.e3", "1e5", "1E-5", "0.1"),
    *("1e999", "-1e999", "1e-999", "9" * 30, "9223372036854775808", "9007199254740993", "1e3"),
    *("1e", "e1", ".", "+", "+-1", "--1", "1.5.2", "1,5", "1_0", "0x1A", "0x1p3", "1.50", "1e18"),
    *("inf", "-Infinity", "INF", "nan", "NaN", "nan(1)", "1f", "1d", "1L", "\u0661", "True"),
    *("\uff11", "\u22121", "1\u00a0000", "\u00bd", "1 kg", "1%", "1000.1", "-1.0"),
]
LIKE_TIMES = [
    *("2026-01-31", "2026-01-31 12:30", "2026-01-31T12:30:01", "2026-01-31T12", "2026-01", "2026"),
    *("2026-01-31T12:30:01.5", "2026-01-31T12:30:01.123456", "2026-01-31T12:30:01,5"),
    *("2026-01-31T12:30Z", "2026-01-31T12:30+02:00", "2026-01-31 12:30:01.5-0530", "20260131"),
    *("20260131T123001", "2026-1-3", "2026/01/31", "31/01/2026", "01/31/2026", "2026-01-31 1"),
    *("2026-02-30", "2026-02-29", "2024-02-29", "2026-01-31T24:00:00", "2026-01-31T23:59:60"),
    *("2026-01-31t12:30", "2026-01-31T12:30:01.", "2026-01-31Z", "NaT"),
    *("2026-01-31  12:30", "\uff12026-01-31", "10000-01-01", "2026-W05-6", "12:30", "1700-01-01"),
]
LIKE_TEXTS = ["red", "green", "Red", "blue", "?", "NA", "", "na", "null", "\U0001f34e", "x" * 300]
BLANKS = [" ", "\t", "\n", "\u00a0", "\u3000"]
TYPED = {
    "number": Column(type="numeric", meaning="any number"),
    "few": Column(type="numeric", meaning="a number of few", range=(-1, 1e3), nullable=True),
    "whole": Column(type="integer", meaning="a whole number", nullable=True),
    "count": Column(type="integer", meaning="a count", range=(0, None)),
    "level": Column(type="categorical", meaning="a level", categories=["red", "green", "1"]),
    "time": Column(type="datetime", meaning="a time", nullable=True),
    "day": Column(type="datetime", meaning="a day", format="%d/%m/%Y", nullable=True),
    "marked": Column(type="numeric", meaning="a number", missing=("-1", "?"), nullable=True),
    "text": Column(type="text", meaning="a text", nullable=True),
}


def require_equal_by_parts(
    columns: dict[str, Column], cells: list[str | None], parts: list[tuple[int, int]]
) -> None:
    """Check that cells become the same in each part as together with one that is nothing."""

    def typed(some: list[str | None]) -> tuple[pd.DataFrame, pd.DataFrame]:
        # As they are read: what stands for a missing value is missing, unless blanks are around.
        read = pd.Series(some, dtype="str")
        frame = pd.DataFrame(dict.fromkeys(columns, read.mask(read.isin(["", "NA"]))))
        return conform(columns, frame, PLAIN, ("", "NA"))

    # What is written so fits no column, so that every cell is looked at thoroughly.
    table, breaches = typed([*cells, " so "])
    for start, end in parts:
        own = breaches[breaches["row"].between(start + 1, end)]
        expected = table[start:end], own.assign(row=own["row"] - start)
        for part, whole in zip(typed(cells[start:end]), expected, strict=True):
            pd.testing.assert_frame_equal(part, whole.reset_index(drop=True), check_exact=True)


@pytest.mark.parametrize("blank", ["", *BLANKS])
def test_a_cell_alone_becomes_what_it_becomes_among_others(blank: str) -> None:
    cells = [f"{blank}{cell}" for cell in [*LIKE_NUMBERS, *LIKE_TIMES, *LIKE_TEXTS]]
    # With blanks none is plainly written, so that a few tell as much as all.
    some = range(0, len(cells), 9 if blank else 1)
    require_equal_by_parts(TYPED, cells, [(place, place + 1) for place in some])


@pytest.mark.parametrize(
    "time",
    [
        *("0001-01-01", "9999-12-31T23:59:59.999999", "1066-10-14 09:00"),
        *("2026-01-31T12:30:01.123456789", "2026-01-31 12:30:01.1234567Z"),
    ],
)
def test_a_time_far_off_or_very_exact_alone_becomes_what_it_becomes_among_others(time: str) -> None:
    cells = [time, "2026-01-31", "2026-01-31T12:30:01.5Z"]
    require_equal_by_parts({"time": TYPED["time"]}, cells, [(0, 1), (0, 2), (1, 3)])


KINDS = [
    (
        ["number", "few", "whole", "count", "marked"],
        st.sampled_from(LIKE_NUMBERS)
        | st.integers().map(str)
        | st.integers(-2, 9).map(str)
        | st.floats().map(repr),
    ),
    (
        ["number", "few", "marked"],
        st.floats(-1e3, 1e3).map(repr) | st.floats(-2, 2).map(lambda value: f"{value:.1f}"),
    ),
    (["whole", "count", "marked"], st.integers(-2, 9).map(str)),
    (
        ["time"],
        st.datetimes(pd.Timestamp(1700, 1, 1), pd.Timestamp(2200, 1, 1)).map(str)
        | st.sampled_from(LIKE_TIMES),
    ),
    (["day"], st.dates().map(lambda day: f"{day:%d/%m/%Y}") | st.sampled_from(LIKE_TIMES)),
    (["level", "text"], st.sampled_from(["red", "green", "1", "blue"])),
    ([*TYPED], st.text(max_size=4)),
]


@given(kind=st.sampled_from(KINDS), data=st.data())
def test_cells_become_the_same_in_batches_of_any_size(
    kind: tuple[list[str], st.SearchStrategy[str]], data: st.DataObject
) -> None:
    columns, written = kind
    odd = st.builds("{}{}".format, st.sampled_from(BLANKS), written) | st.none()
    cells = data.draw(st.lists(written, min_size=1, max_size=12))
    cells += data.draw(st.lists(odd, max_size=2))
    column, middle = data.draw(st.sampled_from(columns)), data.draw(st.integers(1, len(cells)))
    parts = [(0, middle), (middle, len(cells))] if middle < len(cells) else [(0, middle)]
    require_equal_by_parts({column: TYPED[column]}, cells, parts)


# preprocess


ORCHARD = CONTRACT["columns"] | {
    "fruit": CONTRACT["columns"]["fruit"] | {"nullable": True},
    "farm": {"type": "integer", "meaning": "farm", "nullable": True},
    "picked": {"type": "datetime", "meaning": "when"},
    "side": {
        "type": "categorical",
        "categories": ["train", "test"],
        "meaning": "side",
        "nullable": True,
    },
}


@pytest.mark.parametrize(
    ("by", "changes"),
    [
        ("row", {}),
        ("group", {"group": "farm"}),
        ("time", {"time": "picked"}),
        ("time", {"time": "farm"}),
        ("row", {"part": "side"}),
    ],
)
def test_preprocess_writes_the_same_bytes_however_the_rows_before_it_are_grouped(
    project: Project, sizes: Sizes, by: str, changes: dict[str, str]
) -> None:
    project.contract_file.write_text(json.dumps(CONTRACT | {"columns": ORCHARD} | changes))
    write_params(project, split={"by": by, "test_fraction": 0.25})
    rows = make_fruit(200).astype({"seeds": "Int64", "colour": "str", "fruit": "str"})
    rows = rows.assign(
        farm=pd.array(np.arange(200) * 7 % 31, dtype="Int64"),
        picked=(pd.Timestamp(2026, 5, 1) + pd.to_timedelta(np.arange(200) * 7 % 45, unit="D")),
        side=pd.Series((["train"] * 3 + ["test"]) * 50, dtype="str"),
    ).astype({"picked": "datetime64[us]"})
    # Copies far from each other, gaps that fill whole groups, rows that are left out.
    copied = rows.head(20).assign(side="train")
    rows = pd.concat([rows, copied], ignore_index=True)
    rows.loc[30:75, "seeds"], rows.loc[[3, 90, *range(105, 112)], "fruit"] = None, None
    made = []
    for group in (7, 50, 220):
        sizes(2**23, group=group)
        table.write_parquet(rows, project.dataset)
        sizes(2**23, group=11)
        run_stage("preprocess")
        made.append((project.train.read_bytes(), project.test.read_bytes()))
    assert made[0] == made[1] == made[2]
    expected = split_rows(clean(rows, "fruit"), project.contract, project.params)
    for path, part in zip((project.train, project.test), expected, strict=True):
        pd.testing.assert_frame_equal(pd.read_parquet(path), part)
        assert 20 < len(part) < 190


def test_a_split_that_fails_at_its_end_leaves_everything_as_it_was(
    project: Project, sizes: Sizes
) -> None:
    sizes(2**23, group=7)
    run_stage("ingest")
    run_stage("preprocess")
    write_params(project, split={"by": "row", "test_fraction": 1e-9})
    before = contents(project)
    with pytest.raises(UserError, match="60 for training and 0 for the test; both need two"):
        run_stage("preprocess")
    assert contents(project) == before


# predict


@pytest.fixture(scope="module")
def trained_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a project with a champion; not to be changed."""
    project = make_project(tmp_path_factory.mktemp("trained"))
    candidates = {"baseline": {}, "linear": {}}
    write_params(project, train={"metric": "accuracy", "folds": 2, "candidates": candidates})
    with contextlib.chdir(project.root):
        for stage in ("ingest", "preprocess", "train"):
            run_stage(stage)
    return project.root


@pytest.fixture
def trained(trained_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A copy of that project, as the working directory, with 100 rows to predict in new.csv."""
    shutil.copytree(trained_once, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    make_fruit(100).drop(columns="fruit").to_csv("new.csv", index=False)
    return Project(tmp_path)


@pytest.mark.parametrize("output", [None, "out.csv"])
def test_predictions_of_many_batches_are_those_of_one(
    trained: Project, sizes: Sizes, capsys: pytest.CaptureFixture[str], output: str | None
) -> None:
    capsys.readouterr()
    made = []
    for block in (2**23, 100):
        sizes(block)
        assert main(["predict", "new.csv", *(["-o", output] if output else [])]) == 0
        printed = capsys.readouterr().out
        assert output is None or "predict: 100 rows by linear -> out.csv" in printed
        made.append((trained.root / output).read_text() if output else printed)
    whole, parts = (pd.read_csv(io.StringIO(text)) for text in made)
    assert len(parts) == 100
    assert whole["prediction"].tolist() == parts["prediction"].tolist()
    assert whole["probability_melon"].nunique() > 90
    # How many rows are multiplied at once shows in the last digit.
    pd.testing.assert_frame_equal(parts, whole, rtol=1e-12)


@pytest.mark.parametrize("output", [None, "out.csv"])
@pytest.mark.parametrize("places", [[61], [61, 62, 97], [1, 99], [*range(1, 101)]])
def test_a_row_that_breaks_the_contract_has_its_reason_beside_the_others_predictions(
    trained: Project,
    sizes: Sizes,
    capsys: pytest.CaptureFixture[str],
    places: list[int],
    output: str | None,
) -> None:
    sizes(100)
    rows = pd.read_csv("new.csv", dtype="str")
    assert main(["predict", "new.csv"]) == 0
    whole = pd.read_csv(io.StringIO(capsys.readouterr().out))
    assert whole["reason"].isna().all()
    is_odd = whole.index.isin([place - 1 for place in places])
    rows.loc[is_odd, "weight"] = "heavy"
    rows.to_csv("new.csv", index=False)
    assert main(["predict", "new.csv", *(["-o", output] if output else [])]) == 1
    out, err = capsys.readouterr()
    text = (trained.root / output).read_text() if output else out
    predictions = pd.read_csv(io.StringIO(text))
    assert text.startswith("prediction,probability_apple,probability_melon,reason\n")
    pd.testing.assert_frame_equal(predictions[~is_odd], whole[~is_odd], check_dtype=False)
    odd = predictions[is_odd]
    assert odd.drop(columns="reason").isna().all(axis=None)
    assert {*odd["reason"]} == {"weight is 'heavy', expected a number from 0 to 500 g"}
    assert err == (
        f"error: new.csv: no prediction for {len(places)} of 100 rows; first: row {places[0]}, "
        f"{odd['reason'].iloc[0]}\n"
    )


def test_a_file_that_cannot_be_predicted_to_its_end_leaves_nothing(
    trained: Project, sizes: Sizes, capsys: pytest.CaptureFixture[str]
) -> None:
    sizes(100, start=200)
    with (trained.root / "new.csv").open("a") as file:
        file.write("1,2\n")
    before = contents(trained)
    capsys.readouterr()
    assert main(["predict", "new.csv"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "new.csv: not a well-formed table: Row #102: Expected 3 columns, got 2: 1,2" in err
    assert main(["predict", "new.csv", "-o", "out.csv"]) == 1
    assert contents(trained) == before


# Threads


def test_items_come_in_their_order_and_few_are_made_ahead() -> None:
    made = []

    def items() -> Iterator[int]:
        for number in range(100):
            made.append(number)
            yield number

    came = []
    for item in prefetch(items()):
        came.append(item)
        assert len(made) <= len(came) + QUEUE_LENGTH
    assert came == [*range(100)]


def test_the_next_item_is_made_while_one_is_worked_on() -> None:
    is_made = threading.Event()

    def items() -> Iterator[int]:
        yield 1
        is_made.set()
        yield 2

    coming = prefetch(items())
    assert next(coming) == 1
    assert is_made.wait(60)
    assert [*coming] == [2]


def test_what_making_an_item_raises_comes_after_those_before_it() -> None:
    def items() -> Iterator[int]:
        yield from range(5)
        raise UserError("no more")

    came = []
    with pytest.raises(UserError, match="no more"):
        for item in prefetch(items()):
            came.append(item)
    assert came == [*range(5)]


def test_nothing_is_made_or_open_any_more_when_one_stops_early() -> None:
    running, open_files = threading.enumerate(), []

    def items() -> Iterator[int]:
        open_files.append("a file")
        try:
            yield from itertools.count()
        finally:
            open_files.clear()

    coming = prefetch(items())
    assert next(coming) == 0
    assert open_files
    coming.close()
    assert threading.enumerate() == running
    assert not open_files


def test_an_error_in_the_work_on_an_item_ends_the_thread_that_makes_them() -> None:
    running = threading.enumerate()
    with pytest.raises(ZeroDivisionError):
        for item in prefetch(itertools.count()):
            assert 1 / (3 - item)
    assert threading.enumerate() == running


def test_work_is_done_in_the_order_of_the_calls_and_little_of_it_waits() -> None:
    done: list[int] = []
    with background(done.append) as submit:
        for number in range(100):
            submit(number)
            assert number + 1 - len(done) <= QUEUE_LENGTH
    assert done == [*range(100)]


def test_work_goes_on_while_the_next_is_prepared() -> None:
    is_prepared, seen = threading.Event(), []
    with background(lambda _: seen.append(is_prepared.wait(60))) as submit:
        submit("a batch")
        is_prepared.set()
    assert seen == [True]


@pytest.mark.parametrize("broken", [0, 5, 99])
def test_what_the_work_raises_is_raised_by_a_later_call_or_at_the_end(broken: int) -> None:
    running, submitted = threading.enumerate(), []
    with (
        pytest.raises(ZeroDivisionError),
        background(lambda number: 1 / (broken - number)) as submit,
    ):
        for number in range(100):
            submit(number)
            submitted.append(number)
    assert broken <= len(submitted) <= broken + 1 + QUEUE_LENGTH
    assert threading.enumerate() == running


def test_what_the_last_work_raises_is_raised_at_the_end() -> None:
    is_over = threading.Event()
    with pytest.raises(ZeroDivisionError), background(lambda _: is_over.wait(60) / 0) as submit:
        submit("a batch")
        is_over.set()


def test_no_work_is_left_running_when_one_stops_early() -> None:
    running, done = threading.enumerate(), []
    with pytest.raises(UserError), background(done.append) as submit:
        submit(1)
        submit(2)
        raise UserError("stop")
    assert done == [1, 2]
    assert threading.enumerate() == running


# Memory


MEASURED = """
import resource, sys
from pathlib import Path
from weakref import WeakSet

import lockstep
from lockstep.core import table
from lockstep.core.params import DataParams
from lockstep.core.project import Project
from lockstep.reading import texts
from lockstep.reading.check import RawCheck

texts.BLOCK, texts.LONGEST_CELL, table.ROWS_IN_GROUP = 2**19, 2**18, 2**11
project = Project(Path.cwd())
for name in ("small.csv", "large.csv"):
    data = DataParams(raw=f"data/raw/{name}", max_rejected=0)
    raw = RawCheck(project, data, project.contract)
    with project.writers(project.dataset, project.rejected) as (dataset, rejected):
        for batch in raw:
            dataset.write(batch.accepted)
            rejected.write(batch.rejected)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(raw.report()["accepted"], peak * (1 if sys.platform == "darwin" else 1024))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="this system does not tell the peak of memory")
@pytest.mark.matrix
def test_memory_does_not_grow_with_the_rows(project: Project) -> None:
    notes = dict.fromkeys(["one", "two", "three", "four"], "as people write notes in a row. " * 10)
    columns = CONTRACT["columns"] | dict.fromkeys(notes, MESSY["note"])
    project.contract_file.write_text(json.dumps(CONTRACT | {"columns": columns}))
    rows = make_fruit(5_000).assign(**notes)
    header, *lines = rows.to_csv(index=False).splitlines(keepends=True)
    for name, times in (("small.csv", 4), ("large.csv", 20)):
        (project.raw / name).write_text(header + "".join(lines) * times)
    table = 20 * rows.memory_usage(deep=True).sum()
    # A process begins with the peak of the one that starts it, so a small one stands between.
    between = "import subprocess, sys; subprocess.run([*sys.argv[1:]], check=True)"
    process = subprocess.run(
        [sys.executable, "-c", between, sys.executable, "-c", MEASURED],
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    (small, before), (large, after) = (
        map(int, line.split()) for line in process.stdout.splitlines()
    )
    assert (small, large) == (20_000, 100_000)
    assert after - before < table / 2
