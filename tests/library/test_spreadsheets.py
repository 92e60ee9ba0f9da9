"""Spreadsheets as people and programs write them."""

import warnings
import zipfile
from collections.abc import Callable
from datetime import datetime, time, timedelta
from pathlib import Path

import pytest
from lockstep.adopting import understanding
from lockstep.adopting.understanding import Wishes, understand
from lockstep.core.contract import Layout
from lockstep.core.errors import UserError
from lockstep.reading import spreadsheets
from lockstep.reading.spreadsheets import list_sheets
from lockstep.reading.tables import read_table
from openpyxl import Workbook
from openpyxl.chart import BarChart
from openpyxl.utils.datetime import CALENDAR_MAC_1904

ROWS = 40


def write(path: Path, *cells: object, edit: Callable[[Workbook], object] | None = None) -> Path:
    """A table with the columns x and y, and z with these cells again and again."""
    book = Workbook()
    book.active.append(["x", "z", "y"])
    for row in range(ROWS):
        z = cells[row % len(cells)] if cells else row % 5
        book.active.append([row * 7 % 13 + 0.5, z, "ab"[row * row % 3 % 2]])
    if edit is not None:
        edit(book)
    book.save(path)
    return path


def rewrite(path: Path, member: str, change: Callable[[bytes], bytes]) -> Path:
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members[member] = change(members[member])
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def read_z(path: Path) -> list[object]:
    frame = read_table(path, path.name, ("",), Layout())
    assert [*frame] == ["x", "z", "y"]
    assert len(frame) == ROWS
    cells = frame["z"].astype("object")
    return cells.where(cells.notna(), None).tolist()


def refusal(path: Path) -> str:
    with pytest.raises(UserError) as error:
        read_table(path, path.name, ("",), Layout())
    assert len(str(error.value).splitlines()) == 1
    return str(error.value)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("#N/A", None),
        ("#DIV/0!", None),
        (True, True),
        (" ", None),
        ("007", "007"),
        (time(13, 30), time(13, 30)),
        (timedelta(hours=30), 108_000.0),
        (datetime(2026, 1, 31, 12), datetime(2026, 1, 31, 12)),
    ],
)
def test_a_cell_comes_as_what_it_is(tmp_path: Path, cell: object, expected: object) -> None:
    assert read_z(write(tmp_path / "a.xlsx", cell, cell, cell, "other"))[:3] == [expected] * 3


def test_dates_that_count_from_1904_are_the_same_dates(tmp_path: Path) -> None:
    days = [datetime(2026, 1, day) for day in range(1, 21)]

    def count_from_1904(book: Workbook) -> None:
        book.epoch = CALENDAR_MAC_1904

    path = write(tmp_path / "a.xlsx", *days, edit=count_from_1904)
    assert read_z(path) == days * 2


def test_a_share_shown_in_percent_is_the_share(tmp_path: Path) -> None:
    def show_percent(book: Workbook) -> None:
        for row in range(2, ROWS + 2):
            book.active.cell(row, 2).number_format = "0%"

    assert read_z(write(tmp_path / "a.xlsx", 0.25, edit=show_percent))[0] == 0.25


def test_a_formula_without_its_result_is_told_by_its_place(tmp_path: Path) -> None:
    told = refusal(write(tmp_path / "a.xlsx", 1, 2, "=A2*2"))
    assert told.startswith("a.xlsx: sheet 'Sheet': B4 holds a formula without its result; open")


@pytest.mark.parametrize(
    ("result", "expected"), [(' t="str"><f>A2</f><v></v>', None), ("><f>A2*2</f><v>3</v>", 3)]
)
def test_a_formula_is_what_it_gives(tmp_path: Path, result: str, expected: object) -> None:
    path = write(tmp_path / "a.xlsx", 1, 2, 5, 4)
    former = b' t="n"><v>5</v>'
    path = rewrite(
        path, "xl/worksheets/sheet1.xml", lambda xml: xml.replace(former, result.encode())
    )
    assert read_z(path)[:4] == [1, 2, expected, 4]


def test_merged_cells_are_a_doubt(tmp_path: Path) -> None:
    def merge(book: Workbook) -> None:
        book.active.merge_cells("B2:B5")

    path = write(tmp_path / "a.xlsx", 1, 2, edit=merge)
    doubts = understand([path], path.name, "a test", Wishes(target="y")).doubts[None]
    assert "some cells stand for several rows: all but the first of them are empty" in doubts
    assert read_z(path)[:5] == [1, None, None, None, 1]


@pytest.mark.parametrize(("limit", "is_told"), [(5_000, True), (500_000, False)])
def test_a_spreadsheet_that_fills_memory_is_a_doubt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int, is_told: bool
) -> None:
    monkeypatch.setattr(understanding, "LARGE_SPREADSHEET", limit)
    path = write(tmp_path / "a.xlsx")
    doubts = understand([path], path.name, "a test", Wishes(target="y")).doubts[None]
    told = "MB when unpacked: each reading takes about twice that of memory, and long; save it as"
    assert any(told in doubt for doubt in doubts) == is_told


def test_a_title_over_several_columns_is_no_doubt(tmp_path: Path) -> None:
    def set_above(book: Workbook) -> None:
        book.active.insert_rows(1)
        book.active["A1"] = "A title"
        book.active.merge_cells("A1:C1")

    path = write(tmp_path / "a.xlsx", edit=set_above)
    understood = understand([path], path.name, "a test", Wishes(target="y"))
    assert understood.rows == ROWS
    assert not any("stand for" in doubt for doubt in understood.doubts[None])


def test_a_hidden_sheet_is_not_the_first(tmp_path: Path) -> None:
    def hide_one(book: Workbook) -> None:
        book.create_sheet("hidden", 0).sheet_state = "hidden"
        book.create_chartsheet("chart", 0).add_chart(BarChart())

    path = write(tmp_path / "a.xlsx", edit=hide_one)
    assert list_sheets(path, "a.xlsx") == ["Sheet", "hidden"]
    assert read_z(path)[:5] == [0, 1, 2, 3, 4]


def test_a_book_of_charts_only_is_told(tmp_path: Path) -> None:
    book = Workbook()
    book.create_chartsheet("chart").add_chart(BarChart())
    del book["Sheet"]
    book.save(tmp_path / "a.xlsx")
    assert refusal(tmp_path / "a.xlsx") == "a.xlsx: no sheet with cells in it, charts at the most"


def test_rows_that_are_only_formatted_and_a_cell_far_away_are_no_rows(tmp_path: Path) -> None:
    def fill(xml: bytes) -> bytes:
        empty = b"".join(b'<row r="%d"><c r="A%d" s="0"/></row>' % (n, n) for n in range(99, 9999))
        far = b'<row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t> </t></is></c></row>'
        return xml.replace(b"</sheetData>", empty + far + b"</sheetData>")

    path = rewrite(write(tmp_path / "a.xlsx"), "xl/worksheets/sheet1.xml", fill)
    assert read_z(path)[:5] == [0, 1, 2, 3, 4]


def test_a_sheet_far_too_wide_for_its_rows_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spreadsheets, "MOST_CELLS", 2**20)

    def widen(xml: bytes) -> bytes:
        rows = b"".join(
            b'<row r="%d"><c r="XFD%d" t="n"><v>1</v></c></row>' % (n, n) for n in range(99, 200)
        )
        return xml.replace(b"</sheetData>", rows + b"</sheetData>")

    path = rewrite(write(tmp_path / "a.xlsx"), "xl/worksheets/sheet1.xml", widen)
    told = refusal(path)
    assert told.startswith("a.xlsx: sheet 'Sheet' has 65 rows or more and 16,384 columns; take out")


def test_a_spreadsheet_that_unpacks_to_far_too_much_is_told(tmp_path: Path) -> None:
    path = rewrite(
        write(tmp_path / "a.xlsx"), "xl/styles.xml", lambda xml: xml + b" " * (150 * 2**20)
    )
    assert refusal(path).startswith("a.xlsx: unpacks to more than 150 MB, over 200 times its size")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"\xd0\xcf\x11\xe0" + bytes(99), "a spreadsheet of before 2007; save it as .xlsx or CSV"),
        (
            b"\xd0\xcf\x11\xe0" + bytes(2000) + "EncryptedPackage".encode("utf-16-le"),
            "locked by a password; save it without one first",
        ),
        (b"<!DOCTYPE html><html>", "a web page, not a table; look at it, and save the data as CSV"),
        (b"\xef\xbb\xbf\r\n<HTML><body>", "a web page, not a table"),
        (b"PK\5\6" + bytes(18), "not a readable spreadsheet: "),
    ],
)
def test_what_is_only_called_a_spreadsheet_is_told(
    tmp_path: Path, content: bytes, expected: str
) -> None:
    (tmp_path / "a.xlsx").write_bytes(content)
    assert refusal(tmp_path / "a.xlsx").startswith(f"a.xlsx: {expected}")


def test_no_library_warns_of_a_spreadsheet(tmp_path: Path) -> None:
    def date_impossibly(book: Workbook) -> None:
        for row in range(2, ROWS + 2):
            book.active.cell(row, 2, 99_999_999).number_format = "yyyy-mm-dd"

    path = write(tmp_path / "a.xlsx", edit=date_impossibly)
    with warnings.catch_warnings(record=True) as caught:
        warnings.filterwarnings("ignore", module=r"openpyxl\.")  # as at the import
        assert read_z(path) == [None] * ROWS
    assert not caught
