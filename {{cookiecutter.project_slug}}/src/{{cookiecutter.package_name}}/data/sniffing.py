"""Guessing how a table of text is written."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from ..errors import UserError
from .conformity import in_groups
from .contract import GROUPS, Layout
from .tables import LONGEST_CELL, Text, decoded, named, numbered, require_distinct

BYTE_ORDER_MARKS = {
    b"\xff\xfe\0\0": "utf-32",
    b"\0\0\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
DELIMITERS = (",", ";", "\t", "|")
NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
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
    encoding = _encoding(text.content)
    characters = decoded(text, encoding)
    notes, doubts = [encoding.upper() if encoding.startswith("utf") else encoding], []
    if not encoding.startswith("utf"):
        doubts.append(
            f"the text is not UTF-8; it was read as {encoding}: if its letters look wrong, "
            "change layout.encoding in references/schema.yaml"
        )
    if text.kind == "json":
        return Sniffed(Layout(encoding=encoding), [*notes, "JSON"], doubts)
    sample = _sample(characters, text.name)
    quote = '"' if '"' in sample or not re.search(IN_QUOTES, sample, re.MULTILINE) else "'"
    delimiter = max(DELIMITERS, key=lambda one: _fitness(sample, one, quote))
    records = list(_records(sample, delimiter, quote))
    if not records:
        raise UserError(f"{text.name}: no columns; a header line and rows were expected")
    skip, records = _without_preamble(sample, records)
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


def _encoding(content: bytes) -> str:
    """UTF-8 or UTF-16 where the bytes are that, and else the Western one of Windows.

    Among encodings of one byte nothing but the meaning of words tells which is right.
    """
    for mark, encoding in BYTE_ORDER_MARKS.items():
        if content.startswith(mark):
            return encoding
    start = content[:4096]
    zeros = [start[place::2].count(0) / max(1, len(start) / 2) for place in (0, 1)]
    if max(zeros) > 0.4 and min(zeros) < 0.1:
        return "utf-16-le" if zeros[1] > zeros[0] else "utf-16-be"
    for encoding in ("utf-8", "cp1252"):
        try:
            content.decode(encoding)
        except UnicodeDecodeError:
            continue
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


def _records(sample: str, delimiter: str, quote: str) -> Iterator[list[str]]:
    csv.field_size_limit(LONGEST_CELL)
    try:
        for record in csv.reader(io.StringIO(sample), delimiter=delimiter, quotechar=quote):
            if record:
                yield [cell.strip() for cell in record]
    except csv.Error:
        return


def _fitness(sample: str, delimiter: str, quote: str) -> tuple[float, float, int]:
    """How well a delimiter makes a table of the sample; more is better.

    First how many rows have as many cells as most have, then how few cells hold what delimits
    elsewhere, then how many cells a row has.
    """
    records = list(islice(_records(sample, delimiter, quote), 500))
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


def _without_preamble(sample: str, records: list[list[str]]) -> tuple[int, list[list[str]]]:
    """How many lines stand above the table, such as a title, and the records below them."""
    usual = Counter(map(len, records)).most_common(1)[0][0]
    above = 0
    while usual > 1 and above < len(records) and sum(map(bool, records[above])) <= 1 < usual:
        if len(records[above]) == usual and any(records[above]):
            break
        above += 1
    if not above or above == len(records):
        return 0, records
    lines = sample.splitlines()
    filled = [number for number, line in enumerate(lines) if line.strip()]
    return filled[above], records[above:]


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
    return bool(re.fullmatch(r"[+-]?[\d.,' \u00a0\u202f]*\d[\d.,]*([eE][+-]?\d+)?", cell))


def _number_marks(cells: Iterable[str]) -> tuple[str, str | None, str]:
    """What stands before decimals, what between thousands, and a number that leaves it open."""
    numbers = [cell.lstrip("+-") for cell in cells if _is_number(cell)]
    text = "\n".join(numbers)
    grouped = {
        mark: re.search(rf"^{in_groups(group)}(?:[.,]\d+)?$", text, re.MULTILINE)
        for mark, group in GROUPS.items()
    }
    comma = bool(
        re.search(
            r"^\d*,(?!\d{3}(?:\D|$))\d+$|^0,\d+$|^\d{4,},\d+$|\.\d{3},\d+$", text, re.MULTILINE
        )
    )
    point = bool(
        re.search(
            r"^\d*\.(?!\d{3}(?:\D|$))\d+$|^0\.\d+$|^\d{4,}\.\d+$|,\d{3}\.\d+$", text, re.MULTILINE
        )
    )
    for mark in (" ", "'"):
        if grouped[mark]:
            return ("," if comma and not point else "."), mark, ""
    if comma and not point:
        return ",", "." if grouped["."] else None, ""
    if grouped[","] and not comma:
        several = re.search(r"^\d{1,3}(?:,\d{3}){2,}", text, re.MULTILINE)
        sure = point or several
        return ".", ",", "" if sure else grouped[","].group()
    if not point and re.search(r"^\d{1,3}(?:\.\d{3}){2,}$", text, re.MULTILINE):
        return ",", ".", ""
    return ".", None, ""
