"""Guessing how a table of text is written."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple, cast

from ..core.contract import DecimalMark, GroupMark, Layout, QuoteMark
from ..core.errors import UserError
from ..reading.names import named, numbered, require_distinct
from ..reading.texts import LONGEST_CELL, Text, pieces, start

BYTE_ORDER_MARKS = {
    b"\xff\xfe\0\0": "utf-32",
    b"\0\0\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
DELIMITERS = (",", ";", "\t", "|")
NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
BLANKS = {"\u00a0": " ", "\u202f": " ", "\u2019": "'"}
"""Signs that look like the mark they stand for."""
LONGEST_LINE = 8 * 2**20
SAMPLED_LINES, SAMPLED_CHARACTERS = 2000, 4 * 2**20
IN_QUOTES = "(?:^|[,;\t|])\\s*'[^'\n]*'\\s*(?:[,;\t|]|$)"


class Sniffed(NamedTuple):
    """How a text is written."""

    layout: Layout
    notes: list[str]
    """What it was taken for, in words."""
    doubts: list[str]
    """What may as well be otherwise."""


def sniff(text: Text, target: str | None) -> Sniffed:
    """Guess how a table of text is written.

    Args:
        text: The table.
        target: The name of a column, which tells whether the first line is a header.

    Raises:
        UserError: It is no text, or none of a table.
    """
    encoding = _encoding(text)
    characters = start(text, encoding, LONGEST_LINE + 1)
    notes, doubts = [encoding.upper() if encoding.startswith("utf") else encoding], []
    if not encoding.startswith("utf"):
        doubts.append(
            f"the text is not UTF-8; it was read as {encoding}: if its letters look wrong, "
            "change layout.encoding in references/schema.yaml"
        )
    if text.kind == "json":
        return Sniffed(Layout(encoding=encoding), [*notes, "JSON"], doubts)
    sample = _sample(characters, text.name)
    quote: QuoteMark = (
        '"' if '"' in sample or not re.search(IN_QUOTES, sample, re.MULTILINE) else "'"
    )
    delimiter = max(DELIMITERS, key=lambda one: _fitness(sample, one, quote))
    lines = list(_records(sample, delimiter, quote))
    if not any(cell for _, record in lines for cell in record):
        raise UserError(f"{text.name}: no columns; a header line and rows were expected")
    skip = lines_above(lines, target)
    records = [record for above, record in lines if above >= skip]
    header = has_header(records, target)
    body = records[1:] if header else records
    if not body:
        raise UserError(f"{text.name}: no rows; only the column names are there")
    require_distinct(named(records[0]) if header else numbered(len(records[0])), text.name)
    decimal, thousands, ambiguous = _number_marks(cell for record in body for cell in record)
    layout = Layout(
        encoding=encoding,
        delimiter=delimiter,
        quote=quote,
        decimal=decimal,
        thousands=thousands,
        skip=skip,
        header=header,
    )
    notes += [f"cells between {NAMES[delimiter]}"] if len(records[0]) > 1 else []
    notes += ["quoted by '"] if quote == "'" else []
    notes += [f"the first {skip} lines are no part of the table"] if skip else []
    notes.append("column names in the first line" if header else "no line of column names")
    notes += ["decimal comma"] if decimal == "," else []
    notes += [f"thousands set apart by {thousands!r}"] if thousands else []
    if ambiguous:
        doubts.append(
            f"{ambiguous!r} was read as {ambiguous.replace(',', '')}; if its comma starts the "
            "decimals, change layout in references/schema.yaml"
        )
    return Sniffed(layout, notes, doubts)


def _encoding(text: Text) -> str:
    """UTF-8 or UTF-16 where the bytes are that, and else the Western one of Windows.

    Among encodings of one byte nothing but the meaning of words tells which is right.
    """
    with text.opened() as file:
        beginning = file.read(4096)
    for mark, encoding in BYTE_ORDER_MARKS.items():
        if beginning.startswith(mark):
            return encoding
    zeros = [beginning[place::2].count(0) / max(1, len(beginning) / 2) for place in (0, 1)]
    if max(zeros) > 0.4 and min(zeros) < 0.1:
        return "utf-16-le" if zeros[1] > zeros[0] else "utf-16-be"
    for encoding in ("utf-8", "cp1252"):
        try:
            deque(pieces(text, encoding), maxlen=0)
        except UserError as error:
            if not isinstance(error.__cause__, UnicodeError):
                raise
        else:
            return encoding
    return "latin-1"


def _sample(characters: str, name: str) -> str:
    """The first lines, each whole."""
    lines = list(islice(io.StringIO(characters[:LONGEST_LINE], newline=""), SAMPLED_LINES))
    if len(characters) > LONGEST_LINE and (len(lines) == 1 or not lines[0].endswith(("\n", "\r"))):
        raise UserError(
            f"{name}: the first line is longer than {LONGEST_LINE // 2**20} MB; rows were expected"
        )
    if len(lines) > 1 and len(characters) > LONGEST_LINE and len(lines) < SAMPLED_LINES:
        lines.pop()
    return "".join(lines)[:SAMPLED_CHARACTERS]


def _records(sample: str, delimiter: str, quote: str) -> Iterator[tuple[int, list[str]]]:
    """Each record that is not empty, with the number of lines above it."""
    csv.field_size_limit(LONGEST_CELL)
    lines = io.StringIO(sample, newline=None)
    reader, above = csv.reader(lines, delimiter=delimiter, quotechar=quote), 0
    try:
        for record in reader:
            if record:
                yield above, [cell.strip() for cell in record]
            above = reader.line_num
    except csv.Error:
        return


def _fitness(sample: str, delimiter: str, quote: str) -> tuple[float, float, int]:
    """How well a delimiter makes a table of the sample; more is better.

    First how many rows have as many cells as most have, then how few cells hold what delimits
    elsewhere, then how many cells a row has.
    """
    records = [record for _, record in islice(_records(sample, delimiter, quote), 500)]
    if not records:
        return 0, 0, 0
    counts = Counter(map(len, records))
    usual, rows = counts.most_common(1)[0]
    if usual == 1:
        return 0, 0, 1
    others = [one for one in DELIMITERS if one not in (delimiter, ",")]
    cells = [cell for record in records for cell in record]
    clean = sum(not any(one in cell for one in others) for cell in cells) / len(cells)
    return round(rows / len(records), 1), round(clean, 1), usual


def lines_above(lines: Sequence[tuple[int, list[str]]], target: str | None) -> int:
    """How many lines stand above the table: blank ones, a title, what names the delimiter."""
    usual = Counter(len(record) for _, record in lines).most_common(1)[0][0]
    for above, record in lines:
        filled = [cell for cell in record if cell]
        # Of two columns, one may well have no name.
        is_title = len(filled) == 1 < usual and (len(record) < usual or usual > 2)
        is_title = is_title and target not in filled and not _is_number(filled[0])
        if filled and not is_title and filled[0] != "sep=":
            return above
    return 0


def has_header(records: Sequence[Sequence[str]], target: str | None) -> bool:
    """Whether the first record names the columns.

    It does when the target is among it; and it does not when one of its cells is a number or is
    found again below, as a category would be.
    """
    first, body = records[0], records[1:]
    if target in first:
        return True
    if target in numbered(len(first)):
        return False
    if any(_is_number(cell) for cell in first):
        return False
    again = sum(
        cell in {record[place] for record in body if place < len(record)}
        for place, cell in enumerate(first)
        if cell
    )
    return again <= len(first) / 2 if again else True


def _is_number(cell: str) -> bool:
    return bool(re.fullmatch(r"[+-]?[\d.,' \u00a0\u202f\u2019]*\d[\d.,]*([eE][+-]?\d+)?", cell))


def _number_marks(cells: Iterable[str]) -> tuple[DecimalMark, GroupMark | None, str]:
    """What stands before decimals, what between thousands, and a number that leaves it open."""
    decimals: Counter[str] = Counter()
    thousands: Counter[str] = Counter()
    open_ones: dict[str, str] = {}
    for cell in filter(_is_number, cells):
        number = re.sub(r"[eE][+-]?\d+$", "", cell.lstrip("+-"))
        marks = [BLANKS.get(sign, sign) for sign in number if not sign.isdigit()]
        if not marks:
            continue
        last, before = marks[-1], {*marks[:-1]}
        parts = re.split(r"\D", number)
        in_threes = all(len(part) == 3 for part in parts[1:]) and 1 <= len(parts[0]) <= 3
        if last not in ".,":
            thousands.update([last] if in_threes else [])
        elif before == {last}:
            thousands.update(before if in_threes else [])
        elif before:
            decimals[last] += 1
            thousands.update(before)
        elif in_threes and parts[0] != "0":
            open_ones.setdefault(last, cell)
        else:
            decimals[last] += 1
    usual = "," if "." in thousands else "."
    decimal = decimals.most_common(1)[0][0] if decimals else usual
    other = "," if decimal == "." else "."
    groups = [mark for mark, _ in thousands.most_common() if mark != decimal]
    if not groups and other in open_ones:
        groups = [other]
    sure = bool(decimals or thousands) or "," not in open_ones
    # A cell with any other sign is no number.
    known = cast("tuple[DecimalMark, GroupMark | None]", (decimal, groups[0] if groups else None))
    return *known, "" if sure else open_ones[","]
