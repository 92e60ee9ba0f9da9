"""Guessing how a table of text is written."""

import codecs
import io

import pytest
from lockstep.adopting.sniffing import LONGEST_LINE, LayoutGuess, sniff
from lockstep.core.contract import Layout
from lockstep.core.errors import UserError
from lockstep.reading.texts import TextTable

ROWS = [["city", "people", "note"], ["Oslo", "709000", "cold"], ["Rom", "2873000", "hot"]]


def sniff_text(content: str | bytes, target: str | None = None, kind: str = "text") -> LayoutGuess:
    content = content.encode() if isinstance(content, str) else content
    return sniff(TextTable("a.csv", kind, lambda: io.BytesIO(content)), target)


def layout(content: str | bytes, target: str | None = None) -> Layout:
    return sniff_text(content, target).layout


def get_error(content: str | bytes, target: str | None = None) -> str:
    with pytest.raises(UserError) as error:
        sniff_text(content, target)
    assert len(str(error.value).splitlines()) == 1
    return str(error.value)


def join_rows(rows: list[list[str]], delimiter: str = ",", end: str = "\n") -> str:
    return "".join(delimiter.join(row) + end for row in rows)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    ("delimiter", "name"), [(",", "commas"), (";", "semicolons"), ("\t", "tabs"), ("|", "bars")]
)
def test_what_stands_between_cells_is_found(delimiter: str, name: str, end: str) -> None:
    result = sniff_text(join_rows(ROWS + ROWS[1:], delimiter, end))
    assert result.layout == Layout(delimiter=delimiter)
    assert f"cells between {name}" in result.notes
    assert result.doubts == []


@pytest.mark.parametrize(
    ("content", "delimiter"),
    [
        ("a;b\n1,5;2,5\n3,5;4,5\n", ";"),
        ("a,b\n1,x;y\n2,x\n3,y;z;w\n", ","),
        ("a\tb\n1,2\t3\n4,5,6\t7\n", "\t"),
        ('a,b\n"1;2;3","4;5;6"\n"1;2;3","4;5;6"\n', ","),
        ("a|b\nx, y|z\nx, y, w|z\n", "|"),
        ("note,label\none|two,x\nthree|four,y\n", ","),
        ("time;x\n2026-01-01 10:00;1\n2026-01-02 11:30;2\n", ";"),
        ("a\n1\n2\n", ","),
    ],
)
def test_other_delimiters_within_cells_do_not_mislead(content: str, delimiter: str) -> None:
    assert layout(content).delimiter == delimiter


@pytest.mark.parametrize(
    ("content", "quote"),
    [
        ('a,b\n"x, y",1\n"z, w",2\n', '"'),
        ("a,b\n'x, y',1\n'z, w',2\n", "'"),
        ("a,b\nx,1\ny,2\n", '"'),
        ("a,b\nit's,1\nthat's,2\n", '"'),
        ('a,b\n"it\'s, well",1\n"that\'s",2\n', '"'),
        ("'a','b'\n'x','1'\n'y','2'\n", "'"),
        ("a,b\nx's and y's,1\nz,2\n", '"'),
    ],
)
def test_what_stands_around_cells_is_found(content: str, quote: str) -> None:
    result = sniff_text(content)
    assert result.layout.quote == quote
    assert result.layout.delimiter == ","
    assert ("quoted by '" in result.notes) == (quote == "'")


QUOTED_TEXTS = 'text,label\n"He said ""no"", then\nleft",a\n"one, two",b\n'


@pytest.mark.parametrize(
    ("content", "quote"),
    [
        ('ham\t"Hello, he said\nspam\tWin\nham\tbye" again\nspam\tx\n', ""),
        ('ham\t"Hello" he said\nspam\tWin\n', ""),
        ('text\tlabel\n"\ta\nx\tb\n', ""),
        ("label,text\na,'tis the season\nb,'x y'\nb,'z'\n", ""),
        ('label|text\na|no "quotes" matter\nb|"well" quoted\n', ""),
        ('label|text\na|no "quotes" matter\nb|"well quoted"\n', '"'),
        (QUOTED_TEXTS, '"'),
        ('id,text\n1,"hello\nthere, you"\n2,"hello\nhere, you"\n', '"'),
        ('text,label\n"He said "no", then left",a\n"one, two",b\n', '"'),
        ('a,b\n"x" ,1\n"y" ,2\n', '"'),
    ],
    ids=[
        *("merged rows", "text after a quote", "a quote alone", "apostrophes", "within and around"),
        *("within", "breaks and delimiters", "breaks that look like rows", "not doubled", "blanks"),
    ],
)
def test_quotes_that_hold_no_cell_together_are_signs_of_texts(content: str, quote: str) -> None:
    result = sniff_text(content)
    assert result.layout.quote == quote
    assert ("nothing quotes a cell" in result.notes) == (not quote)


def test_a_quote_far_below_is_seen() -> None:
    rows = ["label\ttext\n", *(f"{'ab'[row % 2]}\ttext {row}\n" for row in range(3000))]
    rows[2900] = 'a\t"text\n'
    assert layout("".join(rows)).quote == ""


@pytest.mark.parametrize(
    ("numbers", "decimal", "thousands"),
    [
        ("1.5 2.25 3", ".", None),
        ("1 2 3", ".", None),
        ("1,5 2,25 3", ",", None),
        ("-1,5 +2,25 0,001", ",", None),
        ("0,123 0,456", ",", None),
        ("1234,567 5678,123", ",", None),
        ("1,5e3 2,5e-3", ",", None),
        ("1.5e3 2.5E-3", ".", None),
        ("1,234.5 2,345.25", ".", ","),
        ("1,234,567 2,345", ".", ","),
        ("1,234 1.5", ".", ","),
        ("1,234.567 2,345", ".", ","),
        ("1.234,5 2.345,25", ",", "."),
        ("1.234.567 2.345", ",", "."),
        ("1.234 1,5", ",", "."),
        ("1.234,567 2.345", ",", "."),
        ("1.234 5.678", ".", None),
        ("1'234.5 2'345", ".", "'"),
        ("1'234,5 2'345,5", ",", "'"),
        ("1_234 2_345", ".", " "),
        ("1_234,5 2_345", ",", " "),
        ("1_234.5 2_345", ".", " "),
        ("1\u00a0234,5 2\u00a0345,5", ",", " "),
        ("1\u202f234 2\u202f345", ".", " "),
        ("12.03.2026 13.04.2026", ".", None),
        ("192.168.0.1 10.0.0.1", ".", None),
        ("3,14,15 2,71,82", ".", None),
    ],
)
def test_the_marks_in_numbers_are_found(numbers: str, decimal: str, thousands: str | None) -> None:
    cells = [number.replace("_", " ") for number in numbers.split(" ")]
    result = sniff_text(
        "x;name\n" + "".join(f"{cell};n{place}\n" for place, cell in enumerate(cells))
    )
    assert (result.layout.decimal, result.layout.thousands) == (decimal, thousands)
    assert result.doubts == []
    assert ("decimal comma" in result.notes) == (decimal == ",")


def test_a_comma_that_may_be_either_mark_is_told() -> None:
    result = sniff_text("x;y\n1,234;a\n5,678;b\n")
    assert result.layout.thousands == ","
    assert result.doubts == [
        "'1,234' was read as 1234; if its comma starts the decimals, change layout in "
        "references/schema.yaml"
    ]


TEXT = "stadt;wert\nKöln;1\nGöteborg;2\nKraków €;3\n"


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (TEXT.encode(), "utf-8"),
        (codecs.BOM_UTF8 + TEXT.encode(), "utf-8"),
        (TEXT.encode("utf-16"), "utf-16"),
        (codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"), "utf-16"),
        (TEXT.encode("utf-16-le"), "utf-16-le"),
        (TEXT.encode("utf-16-be"), "utf-16-be"),
        (TEXT.encode("utf-32"), "utf-32"),
        ("x;y\n1;2\n".encode("utf-16-le"), "utf-16-le"),
    ],
)
def test_unicode_is_recognised_with_and_without_a_mark(content: bytes, encoding: str) -> None:
    result = sniff_text(content, "wert")
    assert result.layout == Layout(encoding=encoding, delimiter=";")
    assert result.notes[0] == encoding.upper()
    assert result.doubts == []


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("a;b\nKöln;1\nGöteborg;2\n".encode("latin-1"), "cp1252"),
        ("a;b\nK\u201dln;1\n€;2\n".encode("cp1252"), "cp1252"),
        (b"a;b\nK\x81ln;1\nx;2\n", "latin-1"),
    ],
)
def test_one_byte_for_each_letter_is_read_as_western_and_told(
    content: bytes, encoding: str
) -> None:
    result = sniff_text(content)
    assert result.layout.encoding == encoding
    assert result.doubts == [
        f"the text is not UTF-8; it was read as {encoding}: if its letters look wrong, change "
        "layout.encoding in references/schema.yaml"
    ]


def test_a_late_letter_that_is_not_utf_8_is_seen() -> None:
    assert layout(b"a;b\n" + b"x;1\n" * 50_000 + b"K\xf6ln;2\n").encoding == "cp1252"


@pytest.mark.parametrize(
    ("content", "target", "header"),
    [
        ("a,b\n1,2\n3,4\n", None, True),
        ("a,b\nx,y\nz,w\n", None, True),
        ("1,2\n3,4\n5,6\n", None, False),
        ("1,x\n2,y\n3,x\n", None, False),
        ("x,y\nx,z\ny,y\n", None, False),
        ("x,y\nx,z\ny,y\n", "y", True),
        ("x,1\ny,2\n", "1", True),
        ("2024,2025\n1,2\n3,4\n", "2025", True),
        ("a,b\n1,2\n3,4\n", "column_2", False),
        ("a,b\n1,2\n3,4\n", "missing", True),
        ("a,,b\n1,2,3\n4,5,6\n", None, True),
        (",b\n1,2\n4,5\n", None, True),
        ("red\ngreen\nred\n", None, False),
        ("name,colour\nx,red\ny,red\nz,blue\n", None, True),
    ],
)
def test_a_line_of_column_names_is_told_from_a_row(
    content: str, target: str | None, header: bool
) -> None:
    result = sniff_text(content, target)
    assert result.layout.header == header
    expected = "column names in the first line" if header else "no line of column names"
    assert expected in result.notes


@pytest.mark.parametrize(
    ("above", "skip"),
    [
        ("", 0),
        ("Sales 2026\n", 1),
        ("Sales 2026\n\n", 2),
        ("Sales 2026\nsource: office\n", 2),
        ("\n\nSales 2026\n", 3),
        (";;\n", 1),
    ],
)
def test_lines_above_the_table_are_skipped(above: str, skip: int) -> None:
    result = sniff_text(above + join_rows(ROWS * 4, ";"), "note")
    assert result.layout == Layout(delimiter=";", skip=skip)
    assert (f"the first {skip} lines are no part of the table" in result.notes) == (skip > 0)


@pytest.mark.parametrize("columns", [2, 3])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_a_line_that_names_the_delimiter_is_no_part_of_the_table(
    columns: int, delimiter: str
) -> None:
    rows = [row[:columns] for row in ROWS]
    result = layout(f"sep={delimiter}\n" + join_rows(rows, delimiter), "people")
    assert (result.delimiter, result.skip, result.header) == (delimiter, 1, True)


@pytest.mark.parametrize(
    ("above", "skip"),
    [("\t\t\n", 1), ("\t\n\t\n", 2), ("Sales\n\t\t\n", 2), ('"Sales\n2026"\n', 2)],
)
def test_lines_above_are_counted_as_lines_whatever_is_in_them(above: str, skip: int) -> None:
    assert layout(above + join_rows(ROWS * 4, "\t"), "note") == Layout(delimiter="\t", skip=skip)


def test_short_rows_are_no_title() -> None:
    assert layout("a\n1\n2\n3\n").skip == 0
    assert layout("a,b\n1,\n2,\n,3\n").skip == 0


def test_rows_in_quotes_over_several_lines_are_one_row() -> None:
    result = layout('a,b\n"one\ntwo, and\nthree",1\n"four\nfive",2\n' * 3, "b")
    assert result == Layout()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", "a.csv: no columns"),
        ("\n\n \n", "a.csv: no columns"),
        ("a,b\n", "a.csv: no rows; only the column names are there"),
        ("a,b", "a.csv: no rows; only the column names are there"),
        ("a,b,a\n1,2,3\n", "a.csv: the column name 'a' stands there twice; rename one"),
        ("a,b, a \n1,2,3\n", "a.csv: the column name 'a' stands there twice; rename one"),
        ("a,b\n1,\0\n", "a.csv, line 2: a zero byte"),
        (b"a,b\n\xff\xfe\0\0,1\n", "a.csv, line 2: a zero byte"),
        (bytes(100), "a.csv, line 1: a zero byte"),
        (bytes(range(256)) * 9, "a.csv, line 1: a zero byte"),
        (codecs.BOM_UTF16_LE + b"a", "a.csv: not utf-16 text"),
    ],
)
def test_what_is_no_table_is_told_in_one_line(content: str | bytes, expected: str) -> None:
    assert get_error(content).startswith(expected)


@pytest.mark.parametrize("end", ["", "\nb\n1\n"])
def test_a_first_line_without_end_is_refused(end: str) -> None:
    assert "the first line is longer than 8 MB" in get_error("a" * (LONGEST_LINE + 1) + end)
    assert "the first line is longer than 8 MB" in get_error("a," * LONGEST_LINE + end)


def test_a_large_table_is_judged_by_its_first_lines() -> None:
    rows = "x;1,5\n" * (LONGEST_LINE // 5)
    assert layout("a;b\n" + rows) == Layout(delimiter=";", decimal=",")


def test_a_long_cell_is_read() -> None:
    assert layout(f"a;b\n{'x' * 200_000};1\n{'y' * 200_000};2\n") == Layout(delimiter=";")


def test_json_has_an_encoding_only() -> None:
    result = sniff_text('[{"a": "ö"}]', kind="json")
    assert result == LayoutGuess(Layout(), ["UTF-8", "JSON"], [])
