"""Reading tables of text: delimited or JSON, plain or packed."""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from ..core.contract import Layout
from ..core.errors import UserError, shorten
from .archives import AT_ONCE, Unpacked, members, opened_zip, unpacked_gzip, unpacked_member
from .kinds import KINDS, Kind, kind_of
from .names import named, numbered, require_distinct

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

TABULAR, PERHAPS_TABULAR = (
    (".csv", ".tsv", ".json", ".jsonl", ".ndjson"),
    (".txt", ".data", ".dat", ""),
)
"""What tables in a zip are called; the second only where nothing is called as the first."""
LONGEST_CELL = 2**24
BLOCK, LARGEST_BLOCK = 3 * 2**22, 2**30
"""Bytes parsed at a time."""
LONGER_THAN_A_BLOCK = ("straddl", "Empty CSV", "larger than block size")
"""What the parser says of a record; the second and the third if it is the first one."""
HALF_A_CHARACTER = re.compile(r"\\u[dD][89a-fA-F]")


class Text(NamedTuple):
    """A table of text."""

    name: str
    """What messages call it."""
    kind: Kind
    """`text` or `json`."""
    opened: Callable[[], IO[bytes] | Unpacked]
    """Opens it to read its bytes, unpacked."""


@contextmanager
def texts(path: Path, name: str) -> Iterator[list[Text]]:
    """The tables of text in a file, which may be packed; they can be opened within the block.

    Raises:
        UserError: It is damaged, or holds none.
    """
    match kind_of(path):
        case "gzip":
            inner = KINDS.get(Path(path.stem).suffix.lower())
            kind: Kind = "json" if inner == "json" else "text"
            yield [Text(name, kind, partial(unpacked_gzip, path, name))]
        case "zip":
            with opened_zip(path, name) as archive:
                found = _tables_among(members(archive))
                if not found:
                    raise UserError(f"{name}: no table of text in it, such as a CSV")
                yield [
                    Text(
                        f"{name}: {member}",
                        KINDS.get(PurePosixPath(member).suffix.lower(), "text"),
                        partial(unpacked_member, archive, member, name),
                    )
                    for member in found
                ]
        case kind:
            yield [Text(name, kind, lambda: path.open("rb"))]


def _tables_among(files: Sequence[str]) -> list[str]:
    """The files in a zip that are tables of text; others may describe them."""
    by_suffix = [(PurePosixPath(file).suffix.lower(), file) for file in files]
    sure = [file for suffix, file in by_suffix if suffix in TABULAR]
    return sure or [
        file
        for suffix, file in by_suffix
        if suffix in PERHAPS_TABULAR and not PurePosixPath(file).name.lower().startswith("readme")
    ]


def pieces(text: Text, encoding: str) -> Generator[str]:
    """The content, piece by piece, without a byte order mark.

    Raises:
        UserError: It is written in another encoding, or is no text.
    """
    decoder = codecs.getincrementaldecoder("utf-8-sig" if encoding == "utf-8" else encoding)()
    lines = bytes_read = 0
    with text.opened() as file:
        while part := file.read(AT_ONCE):
            pending = len(decoder.getstate()[0])
            try:
                characters = decoder.decode(part)
            except UnicodeDecodeError as error:
                place = bytes_read - pending + error.start
                if encoding == "utf-8" and not bytes_read and part.startswith(codecs.BOM_UTF8):
                    place += len(codecs.BOM_UTF8)
                raise _not_so_encoded(text, encoding, place) from error
            except UnicodeError as error:
                raise _not_so_encoded(text, encoding) from error
            if (place := characters.find("\0")) >= 0:
                line = lines + characters.count("\n", 0, place) + 1
                raise UserError(f"{text.name}, line {line}: a zero byte; text has none")
            lines += characters.count("\n")
            bytes_read += len(part)
            yield characters
    try:
        yield decoder.decode(b"", final=True)
    except UnicodeError as error:
        raise _not_so_encoded(text, encoding, bytes_read - len(decoder.getstate()[0])) from error


def _not_so_encoded(text: Text, encoding: str, place: int | None = None) -> UserError:
    where = "" if place is None else f" (byte {place})"
    return UserError(
        f"{text.name}: not {encoding} text{where}; save it so, or say how it is written as "
        "layout.encoding in references/schema.yaml"
    )


class _AsUtf8(io.RawIOBase):
    """A text as UTF-8, which is checked where that costs next to nothing."""

    def __init__(self, text: Text, encoding: str) -> None:
        self.text, self.encoding = text, encoding
        # The parser checks UTF-8 itself, and faster.
        self.file = text.opened() if encoding == "utf-8" else None
        self.pieces, self.rest = pieces(text, encoding), b""

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        if self.file:
            self.file.close()
        self.pieces.close()
        super().close()

    def read(self, size: int = -1) -> bytes:
        if self.file:
            part = self.file.read(size)
            if b"\0" in part:
                # Raises what is wrong, and in which line.
                deque(self.pieces, maxlen=0)
            return part
        parts = [self.rest]
        while size < 0 or sum(map(len, parts)) < size:
            piece = next(self.pieces, None)
            if piece is None:
                break
            parts.append(piece.encode())
        whole = b"".join(parts)
        size = len(whole) if size < 0 else size
        self.rest = whole[size:]
        return whole[:size]


def text_batches(
    path: Path, name: str, missing: Sequence[str], layout: Layout
) -> Iterator[pd.DataFrame]:
    """Read the tables of text in a file below each other, every cell as text.

    Args:
        path: The file.
        name: What messages call it.
        missing: Texts that stand for a missing value; those with blanks around them stay.
        layout: How it is written.

    Yields:
        Some rows, of a JSON table all.

    Raises:
        UserError: One cannot be read as `layout` says, or has other columns.
    """
    names: list[str] | None = None
    with texts(path, name) as found:
        for text in found:
            batches = (
                _from_json(text, layout)
                if text.kind == "json"
                else _from_csv(text, missing, layout)
            )
            for batch in batches:
                names = names or list(batch.columns)
                if {*batch} != {*names}:
                    raise UserError(f"{name}: the tables in it have different columns")
                yield batch[names]


def _from_csv(text: Text, missing: Sequence[str], layout: Layout) -> Iterator[pd.DataFrame]:
    import pandas as pd
    import pyarrow as pa

    first = first_record(lines(text, layout.encoding), layout)
    if not any(cell.strip() for cell in first):
        raise UserError(f"{text.name}: no columns; a header line and rows were expected")
    names = named(first) if layout.header else numbered(len(first))
    require_distinct(names, text.name)
    strings = pd.StringDtype(na_value=float("nan"))
    header = 1 if layout.header else 0
    for batch in _parsed(text, len(first), missing, layout):
        rows = pa.Table.from_batches([batch]).slice(header)
        header = max(0, header - len(batch))
        if len(rows):
            table = rows.rename_columns(names)
            yield table.to_pandas(types_mapper={pa.large_string(): strings}.get)


def start(text: Text, encoding: str, characters: int) -> str:
    """The first so many characters of a text, or all; for errors see `pieces`."""
    parts, many = [], 0
    for piece in pieces(text, encoding):
        parts.append(piece)
        many += len(piece)
        if many > characters:
            break
    return "".join(parts)[:characters]


def lines(text: Text, encoding: str) -> Iterator[str]:
    """The lines of a text, each with its end as a line feed; for errors see `pieces`."""
    newlines, rest = io.IncrementalNewlineDecoder(None, translate=True), ""
    for piece in pieces(text, encoding):
        *whole, rest = (rest + newlines.decode(piece)).split("\n")
        yield from (f"{line}\n" for line in whole)
    if rest:
        yield rest


def first_record(lines: Iterator[str], layout: Layout) -> list[str]:
    """The cells of the first line that is not empty, after those to skip."""
    csv.field_size_limit(LONGEST_CELL)
    try:
        records = csv.reader(
            islice(lines, layout.skip, None), delimiter=layout.delimiter, quotechar=layout.quote
        )
        return next((record for record in records if record), [])
    except csv.Error:
        return []


def _parsed(
    text: Text, columns: int, missing: Sequence[str], layout: Layout
) -> Iterator[pa.RecordBatch]:
    """All records as text, the first one too."""
    import pyarrow as pa

    size, given = BLOCK, 0
    while True:
        skipped = given
        try:
            for batch in _parsed_in_blocks(text, columns, missing, layout, size):
                fresh = batch.slice(min(skipped, len(batch)))
                skipped -= len(batch) - len(fresh)
                given += len(fresh)
                yield fresh
            return
        except pa.ArrowInvalid as error:
            # A record that is longer than a block; from the start again, since it is so rare.
            too_long = any(sign in str(error) for sign in LONGER_THAN_A_BLOCK)
            if not too_long or size >= LARGEST_BLOCK:
                raise _not_well_formed(text, layout, str(error)) from error
            size = min(size * 16, LARGEST_BLOCK)


def _parsed_in_blocks(
    text: Text, columns: int, missing: Sequence[str], layout: Layout, size: int
) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa
    from pyarrow import csv as arrow

    with _AsUtf8(text, layout.encoding) as file:
        yield from arrow.open_csv(
            file,
            # One thread, because only then is a broken row told by its number.
            arrow.ReadOptions(
                autogenerate_column_names=True,
                use_threads=False,
                skip_rows=layout.skip,
                block_size=size,
            ),
            arrow.ParseOptions(
                delimiter=layout.delimiter, quote_char=layout.quote, newlines_in_values=True
            ),
            arrow.ConvertOptions(
                column_types={f"f{place}": pa.large_string() for place in range(columns)},
                null_values=list(missing),
                strings_can_be_null=True,
            ),
        )


def _not_well_formed(text: Text, layout: Layout, told: str) -> UserError:
    if "Empty CSV" in told:
        return UserError(f"{text.name}: no rows; only the column names are there")
    if "invalid UTF8" in told:
        # Raises where, if the text itself is to blame.
        deque(pieces(text, layout.encoding), maxlen=0)
    reason = shorten(told.removeprefix("CSV parse error: "), 120)
    return UserError(f"{text.name}: not a well-formed table: {reason}")


def _from_json(text: Text, layout: Layout) -> Iterator[pd.DataFrame]:
    """A table of JSON objects, one per line or all in one list."""
    import pandas as pd

    characters = "".join(pieces(text, layout.encoding))
    if characters.lstrip().startswith("["):
        records = _loads(characters, text.name)
    else:
        lines = enumerate(characters.split("\n"), start=1)
        records = [_loads(line, f"{text.name}, line {n}") for n, line in lines if line.strip()]
    if not all(isinstance(record, dict) for record in records):
        raise UserError(f"{text.name}: JSON, but not an object for each row")
    if HALF_A_CHARACTER.search(characters) and not _is_text(records):
        raise UserError(f"{text.name}: half a character, such as \\ud800 alone; text has none")
    names = dict.fromkeys(name for record in records for name in record)
    columns = {name: [_json_cell(record.get(name)) for record in records] for name in names}
    yield pd.DataFrame({name: pd.Series(cells, dtype="object") for name, cells in columns.items()})


def _loads(characters: str, name: str) -> Any:
    try:
        return json.loads(characters)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{name}: not JSON: {error}") from error


def _is_text(content: Any) -> bool:
    try:
        json.dumps(content, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _json_cell(value: Any) -> Any:
    # Numbers keep their type; whatever is no plain value is told as it was written.
    too_long = isinstance(value, int) and abs(value) >= 2**1000
    if isinstance(value, bool | list | dict) or too_long:
        return json.dumps(value, ensure_ascii=False)
    return value
