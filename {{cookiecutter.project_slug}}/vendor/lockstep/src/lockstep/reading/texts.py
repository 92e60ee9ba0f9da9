"""Reading tables of text: delimited or JSON, plain or packed."""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from itertools import chain, islice
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import csv as arrow

from ..core.contract import Layout
from ..core.errors import UserError, shorten
from ..core.places import FileBytes, read_state
from ..data.conformity import is_list_of_labels, mask_missing
from .archives import CHUNK_SIZE, list_members, open_gzip, open_member, open_zip
from .cells import (
    TEXT,
    Cells,
    Types,
    as_frame,
    make_convert_options,
    make_parse_options,
    parse_block,
)
from .formats import FORMATS, FileFormat, detect_format
from .names import name_columns

if TYPE_CHECKING:
    from _csv import Reader as CsvReader

TABULAR, PERHAPS_TABULAR = (
    (".csv", ".tsv", ".json", ".jsonl", ".ndjson"),
    (".txt", ".data", ".dat", ""),
)
"""What tables in a zip are called; the second only where nothing is called as the first."""
LONGEST_CELL = 2**24
BLOCK, LARGEST_BLOCK = 3 * 2**22, 2**30
"""Bytes parsed at a time."""
FIRST_BLOCK = 2**20
"""Bytes at the start, which are parsed as text, since names are no numbers."""
FILLED = re.compile(rb"[^\r\n]")
SURE_MISTAKES = ("Row #", "UTF8")
"""What the parser says of mistakes that a larger block does not mend. Of others it is tried."""
RECORDS_AT_ONCE = 2**14
"""Of a table of JSON."""
DECODER = json.JSONDecoder()
LIST_BEGIN, LIST_GO_ON, LIST_END, EMPTY_LIST = (
    re.compile(rf"[ \t\n\r]*{mark}[ \t\n\r]*") for mark in (r"\[", ",", r"\]", r"\[[ \t\n\r]*\]")
)


class TextTable(NamedTuple):
    """A table of text, alone in a file or one of those in a zip."""

    name: str
    """What messages call it."""
    format: FileFormat
    """`text` or `json`."""
    open: Callable[[], BinaryIO]
    """Opens it to read its bytes, unpacked."""
    file: Path | None = None
    """The file that has the same bytes, if any."""


@contextmanager
def open_text_tables(path: Path, name: str) -> Iterator[list[TextTable]]:
    """The tables of text in a file, which may be packed; they can be opened within the block."""
    match detect_format(path):
        case "gzip":
            is_json = FORMATS.get(Path(path.stem).suffix.lower()) == "json"
            open_it = partial(open_gzip, path, name)
            yield [TextTable(name, "json" if is_json else "text", open_it)]
        case "zip":
            with open_zip(path, name) as archive:
                tables = [
                    TextTable(
                        f"{name}: {member}",
                        FORMATS.get(PurePosixPath(member).suffix.lower(), "text"),
                        partial(open_member, archive, member, name),
                    )
                    for member in _select_tables(list_members(archive))
                ]
                if not tables:
                    raise UserError(f"{name}: no table of text in it, such as a CSV")
                yield tables
        case form:
            yield [TextTable(name, form, lambda: path.open("rb"), path)]


def _select_tables(files: Sequence[str]) -> list[str]:
    """The files in a zip that are tables of text; others may describe them."""
    by_suffix = [(PurePosixPath(file).suffix.lower(), file) for file in files]
    sure = [file for suffix, file in by_suffix if suffix in TABULAR]
    return sure or [
        file
        for suffix, file in by_suffix
        if suffix in PERHAPS_TABULAR and not PurePosixPath(file).name.lower().startswith("readme")
    ]


def decode(table: TextTable, encoding: str) -> Generator[str]:
    """The content, piece by piece, without a byte order mark; it must be text so encoded."""
    decoder = codecs.getincrementaldecoder("utf-8-sig" if encoding == "utf-8" else encoding)()
    lines, position, is_over = 0, 0, False
    with table.open() as file:
        while not is_over:
            part = file.read(CHUNK_SIZE)
            is_over, pending = not part, len(decoder.getstate()[0])
            try:
                piece = decoder.decode(part, final=is_over)
            except UnicodeError as error:
                where = ""
                if isinstance(error, UnicodeDecodeError):
                    has_mark = encoding == "utf-8" and part.startswith(codecs.BOM_UTF8)
                    mark_size = len(codecs.BOM_UTF8) if has_mark and not position else 0
                    where = f" (byte {position - pending + error.start + mark_size})"
                raise UserError(
                    f"{table.name}: not {encoding} text{where}; save it so, or say how it is "
                    "written as layout.encoding in references/schema.yaml"
                ) from error
            if (place := piece.find("\0")) >= 0:
                line = lines + piece.count("\n", 0, place) + 1
                raise UserError(f"{table.name}, line {line}: a zero byte; text has none")
            lines += piece.count("\n")
            position += len(part)
            yield piece


def read_start(table: TextTable, encoding: str, length: int) -> str:
    """The first so many characters of a table, or all."""
    start = ""
    for piece in decode(table, encoding):
        start += piece
        if len(start) > length:
            break
    return start[:length]


def count_columns(path: Path, name: str, layout: Layout) -> int:
    """The columns of the widest of the delimited tables in a file, by its first record."""
    with open_text_tables(path, name) as tables:
        return max(len(_read_first_record(table, layout)) for table in tables)


def read_text_batches(
    path: Path, name: str, missing: Sequence[str], layout: Layout
) -> Iterator[Cells]:
    """Read the tables of text in a file below each other, JSON with its types.

    Texts in `missing` are so, but for those with blanks around them.
    """
    names: list[str] | None = None
    with open_text_tables(path, name) as tables:
        for table in tables:
            is_json = table.format == "json"
            for batch in (
                (Cells.of(mask_missing(rows, missing)) for rows in _read_json(table, layout))
                if is_json
                else _read_csv(path, name, table, missing, layout)
            ):
                names = names or batch.names
                if {*batch.names} != {*names}:
                    raise UserError(f"{name}: the tables in it have different columns")
                yield batch._replace(names=names)


def _read_csv(
    path: Path, name: str, table: TextTable, missing: Sequence[str], layout: Layout
) -> Iterator[Cells]:
    first = _read_first_record(table, layout)
    if not any(cell.strip() for cell in first):
        raise UserError(f"{table.name}: no columns; a header line and rows were expected")
    names = name_columns(first, table.name, header=layout.header)
    explain = partial(_raise_mistake, path, name, table.name, len(names), missing, layout)
    position = yield from _read_blocks(table, names, missing, layout, explain)
    if position is None:
        return
    header = 1 if position else int(layout.header)
    for batch in _parse(table, len(names), missing, layout, position):
        rows = pa.Table.from_batches([batch]).slice(header)
        header = max(0, header - len(batch))
        if len(rows):
            yield Cells.of(as_frame(rows.rename_columns(names)))


def _read_blocks(
    table: TextTable,
    names: Sequence[str],
    missing: Sequence[str],
    layout: Layout,
    explain: Callable[[], None],
) -> Generator[Cells, None, int | None]:
    """The rows of whole records, as long as `_find_end` tells where one ends.

    Returns the byte from which on all else is to be parsed in one go; nothing at the end of the
    table.
    """
    position, rest = 0, b""
    with closing(_Utf8Reader(table, layout.encoding)) as file:
        while part := file.read(BLOCK if position else min(FIRST_BLOCK, BLOCK)):
            part = rest + part
            end = _find_end(part, layout, position)
            if not end:
                return position
            block, rest = file.place(memoryview(part)[:end], position), part[end:]
            if not position:
                try:
                    first = _parse_first_block(block, len(names), missing, layout)
                except pa.ArrowInvalid:
                    return 0
                if len(first):
                    yield Cells.of(as_frame(first.rename_columns(names)))
            elif FILLED.search(block):
                yield Cells([*names], partial(_parse_later, block, names, missing, layout, explain))
            position += end
        if rest and (not position or _find_end(rest + b"\n", layout, position) <= len(rest)):
            return position
        if rest:
            block = file.place(memoryview(rest), position)
            yield Cells([*names], partial(_parse_later, block, names, missing, layout, explain))
    return None if position else 0


def _find_end(part: bytes, layout: Layout, position: int) -> int:
    """The byte after the last whole record in a part of a table that begins with one.

    There is none where a line is longer, or where a quote neither stands at an edge of its cell nor
    beside another one, so that it takes a parser to know what it means.
    """
    end, quote = part.rfind(b"\n") + 1, layout.quote.encode()
    if not quote or quote not in part:
        return end
    if layout.skip and not position:
        return 0
    characters = np.frombuffer(part, "uint8")
    places = np.flatnonzero(characters == ord(quote))
    while (count := int(np.searchsorted(places, end))) % 2:
        # This line ends within a cell, which begins at the quote above.
        end = part.rfind(b"\n", 0, places[count - 1]) + 1
    opening, closing = places[:count:2], places[1:count:2]
    outer = np.concatenate([opening[opening > 0] - 1, closing + 1])
    edges = [*f"\r\n{layout.quote}{layout.delimiter}".encode()]
    return end if np.isin(characters[outer], edges).all() else 0


def _parse_first_block(
    block: bytes, columns: int, missing: Sequence[str], layout: Layout
) -> pa.Table:
    """The rows of the first lines as text, without those to skip and the header."""
    table = arrow.read_csv(
        pa.BufferReader(block),
        _make_read_options(len(block) + 1, layout.skip),
        make_parse_options(layout),
        _make_text_options(columns, missing),
    )
    return table.slice(int(layout.header))


def _parse_later(
    block: bytes,
    names: Sequence[str],
    missing: Sequence[str],
    layout: Layout,
    explain: Callable[[], None],
    types: Types,
) -> pd.DataFrame:
    if block.startswith(codecs.BOM_UTF8):
        # What follows the end of a line is no byte order mark.
        block = b"\n" + block
    try:
        return parse_block(block, names, missing, layout, types)
    except pa.ArrowInvalid:
        explain()
        raise


def _raise_mistake(
    path: Path, name: str, table_name: str, columns: int, missing: Sequence[str], layout: Layout
) -> None:
    """Parse a table row by row, which tells the number of a broken one."""
    with open_text_tables(path, name) as tables:
        for table in tables:
            if table.name == table_name:
                deque(_parse(table, columns, missing, layout), maxlen=0)


def _read_first_record(table: TextTable, layout: Layout) -> list[str]:
    """The cells of the first line that is not empty, after those to skip."""
    lines = islice(read_lines(table, layout.encoding), layout.skip, None)
    try:
        records = split_records(lines, layout.delimiter, layout.quote)
        return next((record for record in records if record), [])
    except csv.Error:
        return []


def split_records(
    lines: Iterable[str], delimiter: str, quote: str, *, strict: bool = False
) -> CsvReader:
    """The cells of each record; of `strict` ones an error says where a quote ends amid a cell."""
    csv.field_size_limit(LONGEST_CELL)
    return csv.reader(
        lines,
        delimiter=delimiter,
        quotechar=quote or None,
        quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
        strict=strict,
    )


def read_lines(table: TextTable, encoding: str) -> Iterator[str]:
    """The lines of a table, each with its end as a line feed."""
    newlines, rest = io.IncrementalNewlineDecoder(None, translate=True), ""
    for piece in decode(table, encoding):
        *lines, rest = (rest + newlines.decode(piece)).split("\n")
        yield from (f"{line}\n" for line in lines)
    if rest:
        yield rest


def _parse(
    table: TextTable, columns: int, missing: Sequence[str], layout: Layout, position: int = 0
) -> Iterator[pa.RecordBatch]:
    """All records as text, the first one too; or any one, and those from that byte of UTF-8 on."""
    size, total = BLOCK, 0
    while True:
        above = 0
        try:
            for batch in _parse_in_blocks(table, columns, missing, layout, position, size):
                fresh = batch.slice(min(total - above, len(batch)))
                above += len(batch)
                total += len(fresh)
                yield fresh
            return
        except pa.ArrowInvalid as error:
            is_sure = any(words in str(error) for words in SURE_MISTAKES)
            if is_sure or size >= LARGEST_BLOCK:
                if position and is_sure:
                    # From the start again, since only so is the row told by its number.
                    deque(_parse(table, columns, missing, layout), maxlen=0)
                raise _explain(error, table, layout) from error
            # A record longer than a block; from the start again, since it is so rare.
            size = min(size * 16, LARGEST_BLOCK)


def _parse_in_blocks(
    table: TextTable,
    columns: int,
    missing: Sequence[str],
    layout: Layout,
    position: int,
    size: int,
) -> Iterator[pa.RecordBatch]:
    reader = _Utf8Reader(table, layout.encoding)
    if position:
        reader.skip(position, f"x{layout.delimiter * (columns - 1)}\n")
    with pa.PythonFile(reader, "r") as file:
        yield from arrow.open_csv(
            file,
            _make_read_options(size, 0 if position else layout.skip),
            make_parse_options(layout),
            _make_text_options(columns, missing),
        )


def _make_read_options(size: int, skip: int) -> arrow.ReadOptions:
    return arrow.ReadOptions(
        autogenerate_column_names=True,
        # One thread, because only then is a broken row told by its number.
        use_threads=False,
        skip_rows=skip,
        block_size=size,
    )


def _make_text_options(columns: int, missing: Sequence[str]) -> arrow.ConvertOptions:
    return make_convert_options({f"f{place}": TEXT for place in range(columns)}, missing)


class _Utf8Reader:
    """A text as UTF-8, which is checked where that costs next to nothing."""

    closed = False

    def __init__(self, table: TextTable, encoding: str) -> None:
        self.table = table
        # The parser checks UTF-8 itself, and faster.
        self.file = table.open() if encoding == "utf-8" else None
        self.state = read_state(self.file.fileno()) if self.file and table.file else None
        self.pieces, self.rest = decode(table, encoding), b""

    def skip(self, position: int, line: str) -> None:
        """Go on at a byte, after a line in place of all before it."""
        # It may have got shorter since.
        while part := self.read(min(BLOCK, position)):
            position -= len(part)
        self.rest = line.encode() + self.rest

    def place(self, block: memoryview, position: int) -> bytes:
        """The bytes with their place in the file, where they stand so in one."""
        if self.table.file is None or self.state is None:
            return bytes(block)
        return FileBytes.of(block, self.table.file, self.state, position)

    def close(self) -> None:
        if self.file:
            self.file.close()
        self.pieces.close()

    def read(self, size: int) -> bytes:
        if self.file and not self.rest:
            part = self.file.read(size)
            if b"\0" in part:
                # Raises what is wrong, and in which line.
                deque(self.pieces, maxlen=0)
            return part
        while (
            not self.file
            and len(self.rest) < size
            and (piece := next(self.pieces, None)) is not None
        ):
            self.rest += piece.encode()
        part, self.rest = self.rest[:size], self.rest[size:]
        return part


def _explain(error: pa.ArrowInvalid, table: TextTable, layout: Layout) -> UserError:
    if "Empty CSV" in str(error):
        return UserError(f"{table.name}: no rows; only the column names are there")
    if "UTF8" in str(error):
        # Raises where, if the text itself is to blame.
        deque(decode(table, layout.encoding), maxlen=0)
    reason = shorten(str(error).removeprefix("CSV parse error: "), 120)
    return UserError(f"{table.name}: not a well-formed table: {reason}")


def _read_json(table: TextTable, layout: Layout) -> Iterator[pd.DataFrame]:
    """A table of JSON objects, one per line or all in one list, some at a time."""
    start = next(filter(str.strip, decode(table, layout.encoding)), "").lstrip()
    read = _read_json_list if start.startswith("[") else _read_json_lines
    batches = partial(read, table, layout)
    # Any object may be the first one with a name.
    names: dict[str, None] = {}
    for records in batches():
        _require_objects(records, table.name)
        names |= dict.fromkeys(name for record in records for name in record)
    if names:
        yield from (_tabulate(records, names) for records in batches())


def _read_json_lines(table: TextTable, layout: Layout) -> Iterator[list[Any]]:
    lines = enumerate(read_lines(table, layout.encoding), start=1)
    filled = ((number, line) for number, line in lines if line.strip())
    while some := [*islice(filled, RECORDS_AT_ONCE)]:
        yield [_load_json(line, f"{table.name}, line {number}") for number, line in some]


def _read_json_list(table: TextTable, layout: Layout) -> Iterator[list[Any]]:
    records = _split_list(decode(table, layout.encoding))
    try:
        while some := [*islice(records, RECORDS_AT_ONCE)]:
            yield some
    except (ValueError, RecursionError):
        # Raises what is wrong, and where.
        _load_json("".join(decode(table, layout.encoding)), table.name)
        raise


def _split_list(pieces: Iterable[str]) -> Iterator[Any]:
    """The values of a list of JSON, of which no more is kept than a piece and a value.

    Raises:
        ValueError: It is no such list, or has half a character.
    """
    text, begin, enough = "", LIST_BEGIN, 0
    for piece in chain(pieces, [""]):
        text += piece
        if piece and len(text) < enough:
            continue
        place = 0
        while found := begin.match(text, place):
            try:
                value, end = DECODER.raw_decode(text, found.end())
            except ValueError:
                # It may go on in the next piece.
                break
            if "\\u" in text[place:end]:
                json.dumps(value, ensure_ascii=False).encode()
            yield value
            place, begin = end, LIST_GO_ON
        text = text[place:]
        # A long value is not tried again with each piece of it.
        enough = 2 * len(text)
    end_of_list = LIST_END if begin is LIST_GO_ON else EMPTY_LIST
    if not end_of_list.fullmatch(text):
        raise ValueError("not a list of JSON")


def _require_objects(records: list[Any], name: str) -> None:
    if not all(isinstance(record, dict) for record in records):
        raise UserError(f"{name}: JSON, but not an object for each row")


def _tabulate(records: list[dict[str, Any]], names: Iterable[str]) -> pd.DataFrame:
    columns = {name: [_as_cell(record.get(name)) for record in records] for name in names}
    return pd.DataFrame(columns, dtype="object")


def _load_json(content: str, name: str) -> Any:
    try:
        value = json.loads(content)
        if "\\u" in content:
            json.dumps(value, ensure_ascii=False).encode()
        return value
    except UnicodeEncodeError as error:
        raise UserError(
            f"{name}: half a character, such as \\ud800 alone; text has none"
        ) from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"{name}: not JSON: {error}") from error


def _as_cell(value: Any) -> Any:
    # Numbers keep their type, and lists of texts or whole numbers may be labels; whatever else is
    # no plain value is told as it was written.
    too_long = isinstance(value, int) and abs(value) >= 2**1000
    is_nested = isinstance(value, list | dict) and not is_list_of_labels(value)
    if isinstance(value, bool) or is_nested or too_long:
        return json.dumps(value, ensure_ascii=False)
    return value
