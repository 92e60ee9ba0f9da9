"""Reading tables as they come: text, packed text, parquet, spreadsheets, databases."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Literal, NamedTuple
from urllib.parse import quote

from ..errors import UserError
from ..params import nearest
from .archives import members, opened_zip, read_gzip, read_member
from .contract import PLAIN, Layout

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

Kind = Literal["text", "json", "parquet", "excel", "database", "gzip", "zip"]
KINDS: dict[str, Kind] = {
    **dict.fromkeys((".csv", ".tsv", ".txt"), "text"),
    **dict.fromkeys((".json", ".jsonl", ".ndjson"), "json"),
    **dict.fromkeys((".parquet", ".pq"), "parquet"),
    **dict.fromkeys((".xlsx", ".xlsm"), "excel"),
    **dict.fromkeys((".sqlite", ".sqlite3", ".db"), "database"),
    **{".gz": "gzip", ".zip": "zip"},
}
"""What a file is by the end of its name."""
BEGINNINGS: dict[bytes, Kind] = {
    b"PAR1": "parquet",
    b"SQLite format 3\0": "database",
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "zip",
}
"""What a file of another name is by its first bytes; without one of these it is text."""
OF_OLD_EXCEL = b"\xd0\xcf\x11\xe0"
_BOOK = "xl/workbook.xml"
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


def kind_of(path: Path) -> Kind:
    """What `path` is, by its name or, if that says nothing, by its content."""
    if path.suffix.lower() in KINDS:
        return KINDS[path.suffix.lower()]
    with path.open("rb") as file:
        start = file.read(16)
    kind = next((kind for sign, kind in BEGINNINGS.items() if start.startswith(sign)), "text")
    is_book = (
        kind == "zip" and zipfile.is_zipfile(path) and _BOOK in zipfile.ZipFile(path).namelist()
    )
    return "excel" if is_book else kind


def read_table(
    path: Path, name: str, missing: Sequence[str], layout: Layout = PLAIN
) -> pd.DataFrame:
    """Read a table: every cell of text or, where the file has types, with its own.

    Args:
        path: The file; of a zip, all tables of text in it below each other.
        name: What messages call the file.
        missing: Texts that stand for a missing value.
        layout: How it is written.

    Raises:
        UserError: The file is missing, empty, of another kind or not readable as what it is.
    """
    require_file(path, name)
    match kind_of(path):
        case "parquet":
            frame = _without_index(read_parquet(path, name), name)
        case "excel":
            frame = _read_excel(path, name, layout)
        case "database":
            frame = read_database(sqlite_address(path), name, layout.table)
        case _:
            frame = _read_texts(path, name, layout)
    if frame.empty:
        raise UserError(f"{name}: no rows; only the column names are there")
    return with_gaps(frame, missing)


def require_file(path: Path, name: str) -> None:
    """Check that `path` is a file with something in it.

    Raises:
        UserError: It is not.
    """
    if path.is_dir():
        raise UserError(f"{name}: a folder; a file was expected")
    if not path.is_file():
        raise UserError(f"{name}: no such file; {_neighbours(path)}")
    if path.stat().st_size == 0:
        raise UserError(f"{name}: the file is empty; a header line and rows were expected")
    with path.open("rb") as file:
        if file.read(len(OF_OLD_EXCEL)) == OF_OLD_EXCEL:
            raise UserError(f"{name}: a spreadsheet of before 2007; save it as .xlsx or CSV first")


def _neighbours(path: Path) -> str:
    files = path.parent.glob("*") if path.parent.is_dir() else []
    tables = sorted(file.name for file in files if file.suffix.lower() in KINDS)
    return f"that folder holds {', '.join(tables[:10]) or 'no table'}"


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


def _read_texts(path: Path, name: str, layout: Layout) -> pd.DataFrame:
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


def named(cells: Sequence[str]) -> list[str]:
    """The names of columns as a header gives them; one without a name is called by its place."""
    return [cell.strip() or f"column_{place}" for place, cell in enumerate(cells, start=1)]


def numbered(many: int) -> list[str]:
    """The names of columns of a table without a header."""
    return named([""] * many)


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
        reason = " ".join(str(error).removeprefix("CSV parse error: ").split())
        raise UserError(f"{name}: not a well-formed table: {_shortened(reason)}") from error


def _shortened(text: str, most: int = 120) -> str:
    return text if len(text) <= most else f"{text[:most]}..."


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


def _read_excel(path: Path, name: str, layout: Layout) -> pd.DataFrame:
    import pandas as pd

    sheets = sheets_of(path, name)
    sheet = layout.sheet or sheets[0]
    if sheet not in sheets:
        raise UserError(f"{name}: no sheet {sheet!r}; {nearest(sheet, sheets)}")
    cells = pd.read_excel(path, sheet_name=sheet, header=None, dtype="object", engine="openpyxl")
    cells = cells.dropna(how="all").iloc[layout.skip :]
    if cells.empty:
        raise UserError(f"{name}: sheet {sheet!r} is empty; a header and rows were expected")
    if not layout.header:
        return cells.set_axis(numbered(cells.shape[1]), axis=1).reset_index(drop=True)
    names = named(["" if pd.isna(cell) else str(cell) for cell in cells.iloc[0]])
    require_distinct(names, name)
    return cells.iloc[1:].set_axis(names, axis=1).reset_index(drop=True)


def sheets_of(path: Path, name: str) -> list[str]:
    """The sheets of a spreadsheet by their names.

    Raises:
        UserError: It cannot be read, or what reads it is not installed.
    """
    import pandas as pd

    try:
        with pd.ExcelFile(path, engine="openpyxl") as book:
            return [str(sheet) for sheet in book.sheet_names]
    except ImportError as error:
        raise UserError(f"{name}: reading it takes openpyxl: `uv add openpyxl`") from error
    except Exception as error:  # openpyxl passes on whatever its parsers raise
        raise UserError(f"{name}: not a readable spreadsheet") from error


def sqlite_address(path: Path) -> str:
    """The address of a database file that is only read."""
    return f"sqlite:///file:{quote(quote(path.resolve().as_posix()))}?mode=ro&uri=true"


def read_database(address: str, name: str, table: str | None) -> pd.DataFrame:
    """Read a table of the database at an address as SQLAlchemy writes it.

    Raises:
        UserError: The database or the table cannot be read, or what reads it is not installed.
    """
    import pandas as pd

    try:
        import sqlalchemy
    except ImportError as error:
        raise UserError(f"{name}: reading it takes SQLAlchemy: `uv add sqlalchemy`") from error
    try:
        engine = sqlalchemy.create_engine(address)
        inspector = sqlalchemy.inspect(engine)
        tables = [*inspector.get_table_names(), *inspector.get_view_names()]
        if table is None and len(tables) == 1:
            table = tables[0]
        if table not in tables:
            told = f"no table {table!r}; {nearest(table, tables)}" if table else "which table?"
            listed = "" if table else f" --table takes one of {', '.join(tables) or 'none'}"
            raise UserError(f"{name}: {told}{listed}")
        with engine.connect() as connection:
            return pd.read_sql_table(table, connection)
    except (sqlalchemy.exc.SQLAlchemyError, ImportError) as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise UserError(f"{name}: the database cannot be read: {reason}") from error


def read_parquet(path: Path, name: str) -> pd.DataFrame:
    """Read a parquet file; messages call it `name`.

    Raises:
        UserError: It is not one, or a torn one.
    """
    import pandas as pd
    import pyarrow as pa

    try:
        return pd.read_parquet(path, engine="pyarrow")
    except (pa.ArrowException, OSError, ValueError) as error:
        raise UserError(f"{name}: not a readable parquet file") from error


def _without_index(frame: pd.DataFrame, file: str) -> pd.DataFrame:
    """The frame with what pandas had kept as its index as columns."""
    unnamed = list(frame.index.names) == [None]
    names = [str(name) for name in [*([] if unnamed else frame.index.names), *frame.columns]]
    require_distinct(names, file)
    return frame.reset_index(drop=unnamed, allow_duplicates=True).set_axis(names, axis=1)


def require_distinct(names: Sequence[str], name: str) -> None:
    """Check that no two columns have one name.

    Raises:
        UserError: Two have.
    """
    twice, count = Counter(names).most_common(1)[0]
    if count > 1:
        raise UserError(f"{name}: the column name {twice!r} stands there twice; rename one")


def with_gaps(frame: pd.DataFrame, missing: Sequence[str]) -> pd.DataFrame:
    """The frame with its texts trimmed, and those in `missing` missing."""
    import pandas as pd

    cleaned: dict[str, pd.Series] = {}
    for name, cells in frame.items():
        if isinstance(cells.dtype, pd.CategoricalDtype):
            cells = cells.astype("object")
        if cells.dtype == "object":
            cells = cells.map(_plain, na_action="ignore").infer_objects()
        if cells.dtype == "str":
            cells = cells.str.strip()
        elif cells.dtype == "object":
            cells = cells.map(_trimmed, na_action="ignore")
        if cells.dtype in ("str", "object"):
            cells = cells.mask(cells.isin(list(missing)))
        cleaned[str(name)] = cells
    return pd.DataFrame(cleaned, index=frame.index)


def _trimmed(value: object) -> object:
    return value.strip() if isinstance(value, str) else value


def _plain(value: object) -> object:
    """A value that can be compared and counted; lists and arrays as text."""
    try:
        hash(value)
    except TypeError:
        return str(value)
    return value
