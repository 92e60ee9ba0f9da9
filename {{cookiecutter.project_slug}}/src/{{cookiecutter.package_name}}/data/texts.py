"""Reading tables of text: delimited or JSON, plain or packed."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import UserError, shortened
from .archives import members, opened_zip, read_gzip, read_member
from .contract import Layout
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
HALF_A_CHARACTER = re.compile(r"\\u[dD][89a-fA-F]")


class Text(NamedTuple):
    """A table of text, unpacked."""

    name: str
    """What messages call it."""
    kind: Kind
    """`text` or `json`."""
    content: bytes


def texts(path: Path, name: str) -> Iterator[Text]:
    """The tables of text in a file, which may be packed.

    Raises:
        UserError: It is damaged, or holds none.
    """
    match kind_of(path):
        case "gzip":
            inner = KINDS.get(Path(path.stem).suffix.lower())
            yield Text(name, "json" if inner == "json" else "text", read_gzip(path, name))
        case "zip":
            with opened_zip(path, name) as archive:
                found = _tables_among(members(archive))
                if not found:
                    raise UserError(f"{name}: no table of text in it, such as a CSV")
                for member in found:
                    kind = KINDS.get(PurePosixPath(member).suffix.lower(), "text")
                    yield Text(f"{name}: {member}", kind, read_member(archive, member, name))
        case kind:
            yield Text(name, kind, path.read_bytes())


def _tables_among(files: Sequence[str]) -> list[str]:
    """The files in a zip that are tables of text; others may describe them."""
    by_suffix = [(PurePosixPath(file).suffix.lower(), file) for file in files]
    sure = [file for suffix, file in by_suffix if suffix in TABULAR]
    return sure or [
        file
        for suffix, file in by_suffix
        if suffix in PERHAPS_TABULAR and not PurePosixPath(file).name.lower().startswith("readme")
    ]


def decoded(text: Text, encoding: str) -> str:
    """The content as text, without a byte order mark.

    Raises:
        UserError: It is written in another encoding, or is no text.
    """
    try:
        characters = text.content.decode("utf-8-sig" if encoding == "utf-8" else encoding)
    except UnicodeError as error:
        where = f" (byte {error.start})" if isinstance(error, UnicodeDecodeError) else ""
        raise UserError(
            f"{text.name}: not {encoding} text{where}; save it so, or say how it is written as "
            "layout.encoding in references/schema.yaml"
        ) from error
    if (place := characters.find("\0")) >= 0:
        line = characters.count("\n", 0, place) + 1
        raise UserError(f"{text.name}, line {line}: a zero byte; text has none")
    return characters


def read_texts(path: Path, name: str, layout: Layout) -> pd.DataFrame:
    """Read the tables of text in a file below each other, every cell as text.

    Raises:
        UserError: One cannot be read as `layout` says, or has other columns.
    """
    import pandas as pd

    frames = [_read_text(text, layout) for text in texts(path, name)]
    for frame in frames[1:]:
        if set(frame) != set(frames[0]):
            raise UserError(f"{name}: the tables in it have different columns")
    return pd.concat(frames, ignore_index=True)


def _read_text(text: Text, layout: Layout) -> pd.DataFrame:
    characters = decoded(text, layout.encoding)
    return (
        _from_json(characters, text) if text.kind == "json" else _from_csv(characters, text, layout)
    )


def _from_csv(characters: str, text: Text, layout: Layout) -> pd.DataFrame:
    import pandas as pd
    import pyarrow as pa

    first = first_record(characters, layout)
    if not any(cell.strip() for cell in first):
        raise UserError(f"{text.name}: no columns; a header line and rows were expected")
    table = _parse(characters.encode(), len(first), text.name, layout)
    if layout.header:
        table = table.slice(1)
    names = named(first) if layout.header else numbered(len(first))
    require_distinct(names, text.name)
    strings = pd.StringDtype(na_value=float("nan"))
    return table.rename_columns(names).to_pandas(types_mapper={pa.string(): strings}.get)


def first_record(characters: str, layout: Layout) -> list[str]:
    """The cells of the first line that is not empty, after those to skip."""
    csv.field_size_limit(LONGEST_CELL)
    lines = io.StringIO(characters, newline=None)
    for _ in range(layout.skip):
        lines.readline()
    try:
        records = csv.reader(lines, delimiter=layout.delimiter, quotechar=layout.quote)
        return next((record for record in records if record), [])
    except csv.Error:
        return []


def _parse(content: bytes, columns: int, name: str, layout: Layout) -> pa.Table:
    """All records as text, the first one too."""
    import pyarrow as pa
    from pyarrow import csv as arrow

    try:
        return arrow.read_csv(
            io.BytesIO(content),
            # One thread, because only then is a broken row told by its number.
            arrow.ReadOptions(
                autogenerate_column_names=True,
                use_threads=False,
                skip_rows=layout.skip,
                block_size=max(2**20, min(len(content), 2**30)),
            ),
            arrow.ParseOptions(
                delimiter=layout.delimiter, quote_char=layout.quote, newlines_in_values=True
            ),
            arrow.ConvertOptions(
                column_types={f"f{place}": pa.string() for place in range(columns)}
            ),
        )
    except pa.ArrowInvalid as error:
        if "Empty CSV" in str(error):
            raise UserError(f"{name}: no rows; only the column names are there") from error
        reason = shortened(str(error).removeprefix("CSV parse error: "), 120)
        raise UserError(f"{name}: not a well-formed table: {reason}") from error


def _from_json(characters: str, text: Text) -> pd.DataFrame:
    """A table of JSON objects, one per line or all in one list."""
    import pandas as pd

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
    return pd.DataFrame({name: pd.Series(cells, dtype="object") for name, cells in columns.items()})


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
