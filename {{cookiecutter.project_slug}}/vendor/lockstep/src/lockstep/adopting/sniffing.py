"""Guessing how a table of text is written."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import NamedTuple, cast

from ..core.contract import DecimalMark, GroupMark, Layout, QuoteMark
from ..core.errors import UserError
from ..reading.names import name_columns
from ..reading.texts import TextTable, decode, read_lines, read_start, split_records

BYTE_ORDER_MARKS = {
    b"\xff\xfe\0\0": "utf-32",
    b"\0\0\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
BLANKS = {"\u00a0": " ", "\u202f": " ", "\u2019": "'"}
"""Signs that look like the mark they stand for."""
NUMBER = re.compile(r"[+-]?[\d.,' \u00a0\u202f\u2019]*\d[\d.,]*([eE][+-]?\d+)?")
EXPONENT, MARK = re.compile(r"[eE][+-]?\d+$"), re.compile(r"\D")
SHAPE = dict.fromkeys(map(ord, "123456789"), "0")
LONGEST_LINE = 8 * 2**20
MOST_LINES, MOST_CHARACTERS = 2000, 4 * 2**20
IN_QUOTES = "(?:^|[,;\t|])\\s*'[^'\n]*'\\s*(?:[,;\t|]|$)"


class LayoutGuess(NamedTuple):
    """How a text is written."""

    layout: Layout
    notes: list[str]
    """What it was taken for, in words."""
    doubts: list[str]
    """What may as well be otherwise."""


def sniff(table: TextTable, target: str | None) -> LayoutGuess:
    """Guess how a table of text is written; the target's name tells its header.

    Raises:
        UserError: It is no text, or none of a table.
    """
    encoding = detect_encoding(table)
    characters = read_start(table, encoding, LONGEST_LINE + 1)
    notes, doubts = [encoding.upper() if encoding.startswith("utf") else encoding], []
    if not encoding.startswith("utf"):
        doubts.append(doubt_encoding("the text is", encoding))
    if table.format == "json":
        return LayoutGuess(Layout(encoding=encoding), [*notes, "JSON"], doubts)
    beginning = _take_lines(characters, table.name)
    usual: QuoteMark = (
        '"' if '"' in beginning or not re.search(IN_QUOTES, beginning, re.MULTILINE) else "'"
    )
    in_beginning = partial(io.StringIO, beginning, newline=None)
    quotes = {mark: _find_quote(in_beginning, mark, usual) for mark in DELIMITERS}
    delimiter = max(DELIMITERS, key=lambda mark: _fitness(beginning, mark, quotes[mark], target))
    quote = quotes[delimiter] and _find_quote(
        partial(read_lines, table, encoding), delimiter, usual
    )
    lines = list(_read_records(beginning, delimiter, quote))
    if not any(cell for _, record in lines for cell in record):
        raise UserError(f"{table.name}: no columns; a header line and rows were expected")
    skip = count_lines_above(lines, target)
    records = [record for offset, record in lines if offset >= skip]
    header = has_header(records, target)
    body = records[1:] if header else records
    if not body:
        raise UserError(f"{table.name}: no rows; only the column names are there")
    # Raises where two columns have one name.
    name_columns(records[0], table.name, header=header)
    decimal, thousands, ambiguous = _find_number_marks(cell for record in body for cell in record)
    layout = Layout(
        encoding=encoding,
        delimiter=delimiter,
        quote=quote,
        decimal=decimal,
        thousands=thousands,
        skip=skip,
        header=header,
    )
    notes += [f"cells between {DELIMITERS[delimiter]}"] if len(records[0]) > 1 else []
    notes += ["quoted by '"] if quote == "'" else []
    notes += [] if quote else ["nothing quotes a cell"]
    notes += [f"the first {skip} lines are no part of the table"] if skip else []
    notes.append("column names in the first line" if header else "no line of column names")
    notes += ["decimal comma"] if decimal == "," else []
    notes += [f"thousands set apart by {thousands!r}"] if thousands else []
    if ambiguous:
        doubts.append(
            f"{ambiguous!r} was read as {ambiguous.replace(',', '')}; if its comma starts the "
            "decimals, change layout in references/schema.yaml"
        )
    return LayoutGuess(layout, notes, doubts)


def doubt_encoding(what: str, encoding: str) -> str:
    """What to look at where what is written is not UTF-8."""
    return (
        f"{what} not UTF-8; it was read as {encoding}: if its letters look wrong, change "
        "layout.encoding in references/schema.yaml"
    )


def detect_encoding(table: TextTable) -> str:
    """UTF-8 or UTF-16 where the bytes are that, and else the Western one of Windows.

    Among encodings of one byte nothing but the meaning of words tells which is right.
    """
    with table.open() as file:
        beginning = file.read(4096)
    for mark, encoding in BYTE_ORDER_MARKS.items():
        if beginning.startswith(mark):
            return encoding
    zeros = [beginning[place::2].count(0) / max(1, len(beginning) / 2) for place in (0, 1)]
    if max(zeros) > 0.4 and min(zeros) < 0.1:
        return "utf-16-le" if zeros[1] > zeros[0] else "utf-16-be"
    for encoding in ("utf-8", "cp1252"):
        try:
            deque(decode(table, encoding), maxlen=0)
        except UserError as error:
            if not isinstance(error.__cause__, UnicodeError):
                raise
        else:
            return encoding
    return "latin-1"


def _take_lines(characters: str, name: str) -> str:
    """The first lines, each whole."""
    lines = list(islice(io.StringIO(characters[:LONGEST_LINE], newline=""), MOST_LINES))
    is_cut = len(characters) > LONGEST_LINE and len(lines) < MOST_LINES
    if is_cut and len(lines) == 1:
        raise UserError(
            f"{name}: the first line is longer than {LONGEST_LINE // 2**20} MB; rows were expected"
        )
    if is_cut:
        lines.pop()
    return "".join(lines)[:MOST_CHARACTERS]


def _find_quote(read: Callable[[], Iterable[str]], delimiter: str, usual: QuoteMark) -> QuoteMark:
    """The usual mark, or none where texts hold it as any other sign.

    They do if some cell starts with it and does not end so, while every line is a row of as many
    cells as long as nothing quotes them.
    """
    try:
        deque(split_records(read(), delimiter, usual, strict=True), maxlen=0)
    except csv.Error:
        counts, has_stray = Counter[int](), False
        for record in split_records(read(), delimiter, ""):
            if len(record) > 1:
                counts[len(record)] += 1
                has_stray |= any(_is_stray(cell.strip(), usual) for cell in record)
            elif record and counts:
                return usual
        return "" if has_stray and len(counts) == 1 else usual
    return usual


def _is_stray(cell: str, quote: str) -> bool:
    """Whether a cell starts with a quote that does not end it."""
    return cell.startswith(quote) and (len(cell) == 1 or not cell.endswith(quote))


def _read_records(beginning: str, delimiter: str, quote: str) -> Iterator[tuple[int, list[str]]]:
    """Each record that is not empty, with the number of lines above it."""
    lines = io.StringIO(beginning, newline=None)
    reader, offset = split_records(lines, delimiter, quote), 0
    try:
        for record in reader:
            if record:
                yield offset, [cell.strip() for cell in record]
            offset = reader.line_num
    except csv.Error:
        return


def _fitness(
    beginning: str, delimiter: str, quote: str, target: str | None
) -> tuple[float, bool, float, int]:
    """How well a delimiter makes a table of the first lines; more is better.

    First how many rows have as many cells as most have, then whether one of them is the target's
    name, then how few cells hold what delimits elsewhere, then how many cells a row has.
    """
    records = [record for _, record in islice(_read_records(beginning, delimiter, quote), 500)]
    if not records:
        return 0, False, 0, 0
    usual, rows = Counter(map(len, records)).most_common(1)[0]
    if usual == 1:
        return 0, False, 0, 1
    others = {*DELIMITERS} - {delimiter, ","}
    cells = [cell for record in records for cell in record]
    clean = sum(others.isdisjoint(cell) for cell in cells) / len(cells)
    return round(rows / len(records), 1), target in cells, round(clean, 1), usual


def count_lines_above(lines: Sequence[tuple[int, list[str]]], target: str | None) -> int:
    """How many lines stand above the table: blank ones, a title, what names the delimiter."""
    usual = Counter(len(record) for _, record in lines).most_common(1)[0][0]
    for offset, record in lines:
        filled = [cell for cell in record if cell]
        # Of two columns, one may well have no name.
        is_title = len(filled) == 1 < usual and (len(record) < usual or usual > 2)
        is_title = is_title and target not in filled and not _is_number(filled[0])
        if filled and not is_title and filled[0] != "sep=":
            return offset
    return 0


def has_header(records: Sequence[Sequence[str]], target: str | None) -> bool:
    """Whether the first record names the columns.

    It does when the target is among it; and it does not when one of its cells is a number or is
    met again below, as a category would be.
    """
    first, body = records[0], records[1:]
    if target in first:
        return True
    if target in name_columns(first, "", header=False) or any(map(_is_number, first)):
        return False
    repeats = sum(
        cell in {record[place] for record in body if place < len(record)}
        for place, cell in enumerate(first)
        if cell
    )
    return repeats <= len(first) / 2


def _is_number(cell: str) -> bool:
    return bool(NUMBER.fullmatch(cell))


def _find_number_marks(cells: Iterable[str]) -> tuple[DecimalMark, GroupMark | None, str]:
    """What stands before decimals, what between thousands, and a number that leaves it open."""
    decimals: Counter[str] = Counter()
    thousands: Counter[str] = Counter()
    ambiguous: dict[str, str] = {}
    # Numbers of one shape say the same, and there are few shapes: digits are written as zeros, but
    # whether the first one is a zero may matter.
    first, counts = dict[tuple[str, bool], str](), Counter[tuple[str, bool]]()
    for cell in cells:
        shape = cell.translate(SHAPE), cell.lstrip("+-").startswith("0")
        first.setdefault(shape, cell)
        counts[shape] += 1
    for shape, cell in first.items():
        if not _is_number(cell):
            continue
        number = EXPONENT.sub("", cell.lstrip("+-"))
        marks = [BLANKS.get(sign, sign) for sign in MARK.findall(number)]
        if not marks:
            continue
        last, others = marks[-1], {*marks[:-1]}
        parts = MARK.split(number)
        in_threes = all(len(part) == 3 for part in parts[1:]) and 1 <= len(parts[0]) <= 3
        if last not in ".," or others == {last}:
            thousands.update({last: counts[shape]} if in_threes else {})
        elif others:
            decimals[last] += counts[shape]
            thousands.update(dict.fromkeys(others, counts[shape]))
        elif in_threes and parts[0] != "0":
            ambiguous.setdefault(last, cell)
        else:
            decimals[last] += counts[shape]
    usual = "," if "." in thousands else "."
    decimal = decimals.most_common(1)[0][0] if decimals else usual
    other = "," if decimal == "." else "."
    groups = [mark for mark, _ in thousands.most_common() if mark != decimal]
    group = groups[0] if groups else other if other in ambiguous else None
    doubtful = "" if decimals or thousands else ambiguous.get(",", "")
    # A cell with any other sign is no number.
    return cast("DecimalMark", decimal), cast("GroupMark | None", group), doubtful
