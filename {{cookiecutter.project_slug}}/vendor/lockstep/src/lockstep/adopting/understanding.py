"""Making out what a person's data are: their contract, and what is doubtful about them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import ValidationError

from ..core.contract import LEVELS, NUMBERS, TARGETS, Column, Contract, Images, Layout
from ..core.errors import UserError
from ..core.params import Kind
from ..core.validation import explain, nearest
from ..reading import images as pictures
from ..reading.conformity import apply, first_breach
from ..reading.kinds import kind_of
from ..reading.spreadsheets import sheets_of
from ..reading.tables import read_batches, read_table, require_file
from ..reading.texts import texts
from .doubts import doubts
from .inference import MOST_CATEGORIES, TO_SAY, Guess, guess, guess_target
from .refining import refined
from .sampling import sample
from .sniffing import Sniffed, has_header, lines_above, sniff

if TYPE_CHECKING:
    import pandas as pd

MOST_SAMPLED = 200
LARGEST_SIDE = 64
"""Images of several sizes, or larger than this, are scaled to it: a network need not see more."""


@dataclass(frozen=True)
class Wishes:
    """What a person says of the data; the rest is guessed."""

    target: str | None = None
    kind: Kind | None = None
    identifiers: tuple[str, ...] = ()
    group: str | None = None
    time: str | None = None
    drop: tuple[str, ...] = ()
    sheet: str | None = None
    table: str | None = None


class Whole(NamedTuple):
    """What is known of all rows of a table."""

    rows: int
    gaps: dict[str, int]
    """How many rows lack a value, by column."""


class Understanding(NamedTuple):
    """What data were taken for."""

    contract: Contract
    table: pd.DataFrame
    """The rows, typed by the contract; of a large table a sample of them."""
    notes: list[str]
    """How the data are written, in words."""
    doubts: dict[str | None, list[str]]
    """What to look at, by column; what concerns all of them under None."""
    resize: bool = False
    """Whether images must be scaled."""
    whole: Whole | None = None
    """The table of which `table` is a sample."""

    @property
    def rows(self) -> int:
        """How many rows the data have."""
        return len(self.table) if self.whole is None else self.whole.rows

    def gaps(self, column: str) -> float:
        """The share of rows that lack a value."""
        if self.whole is None:
            return float(self.table[column].isna().mean())
        return self.whole.gaps[column] / self.whole.rows


def understand(files: Sequence[Path], name: str, source: str, wishes: Wishes) -> Understanding:
    """Make out what tables hold that lie in some files.

    Args:
        files: One file or several with the same columns.
        name: What messages call them, and the contract too.
        source: Where they are from.
        wishes: What is known.

    Raises:
        UserError: They cannot be read, or do not hold what is wished for.
    """
    layout, notes, told = _layout(files[0], wishes)
    batches = partial(_batches, files, layout)
    drawn = sample(batches(("",)), wishes.target)
    frame = drawn.frame
    target = _require_names(frame, name, wishes, told)
    guessing = partial(_guess, layout=layout, file=name, wishes=wishes)
    described = frame.drop(columns=[*wishes.drop])
    if drawn.is_whole:
        whole, guesses = None, {str(column): guessing(described[column]) for column in described}
        columns = _columns(guesses)
        table, breaches = apply(columns, frame, layout)
    else:
        again = partial(batches, drawn.missing)
        guesses, gaps, breaches = refined(guessing, described, again, layout, drawn.missing)
        columns, whole = _columns(guesses), Whole(drawn.rows, gaps)
        table, _ = apply(columns, frame, layout)
    about: dict[str | None, list[str]] = {None: told}
    about |= {column: [*guessed.doubts] for column, guessed in guesses.items()}
    if not breaches.empty:
        columns = _admitting(columns, breaches, target, name, about)
        table, _ = apply(columns, frame, layout)
    contract = _contract(
        name,
        title=Path(name).name.partition(".")[0] or name,
        source=source,
        licence="not stated",
        target=target,
        group=wishes.group,
        time=wishes.time,
        missing=drawn.missing,
        drop=(*wishes.drop, *(column for column in guesses if column not in columns)),
        layout=layout,
        columns=columns,
    )
    about[None] += doubts(table, contract)
    return Understanding(contract, table, notes, about, whole=whole)


def _layout(path: Path, wishes: Wishes) -> Sniffed:
    """How a file is written, that in words, and what is doubtful about it."""
    name = path.name
    require_file(path, name)
    match kind_of(path):
        case "parquet":
            return Sniffed(Layout(), ["parquet"], [])
        case "database":
            return Sniffed(Layout(table=wishes.table), ["database"], [])
        case "excel":
            return _layout_of_sheet(path, name, wishes)
    with texts(path, name) as found:
        return sniff(found[0], wishes.target)


def _layout_of_sheet(path: Path, name: str, wishes: Wishes) -> Sniffed:
    sheets = sheets_of(path, name)
    sheet = wishes.sheet or sheets[0]
    others = ", ".join(repr(one) for one in sheets if one != sheet)
    told = [f"the sheet {sheet!r} was taken; there are also {others}"] if others else []
    bare = read_table(path, name, ("",), Layout(sheet=sheet, header=False)).head(MOST_SAMPLED)
    rows = bare.astype("object").fillna("").astype("str").to_numpy().tolist()
    skip = lines_above(list(enumerate(rows)), wishes.target)
    header = has_header(rows[skip:], wishes.target)
    names = "column names in the first row" if header else "no row of column names"
    above = [f"the first {skip} rows are no part of the table"] if skip else []
    layout = Layout(sheet=sheet, header=header, skip=skip)
    return Sniffed(layout, [f"sheet {sheet!r}", *above, names], told if not wishes.sheet else [])


def _batches(
    files: Sequence[Path], layout: Layout, missing: Sequence[str]
) -> Iterator[pd.DataFrame]:
    """The rows of all files, texts in `missing` missing, some at a time."""
    names: list[str] = []
    for path in files:
        for batch in read_batches(path, path.name, missing, layout):
            names = names or [*batch]
            if different := sorted({*batch} ^ {*names}):
                raise UserError(
                    f"{path.name}: its columns are not those of {files[0].name}: "
                    f"{different[0]!r} is in one of them only"
                )
            yield batch


def _require_names(frame: pd.DataFrame, name: str, wishes: Wishes, told: list[str]) -> str:
    """The target, after a look whether all columns that are wished for are there."""
    if wishes.target is None:
        raise UserError(f"{name}: which column is to be predicted? {_advice('', frame)}")
    named = {
        "--target": [wishes.target],
        "--id": wishes.identifiers,
        "--group": [wishes.group],
        "--time": [wishes.time],
        "--drop": wishes.drop,
    }
    for option, columns in named.items():
        for column in columns:
            if column is not None and column not in frame.columns:
                raise UserError(
                    f"{name}: {option}: no column {column!r}; "
                    + "; ".join([_advice(column, frame), *told])
                )
            if option != "--target" and column == wishes.target:
                raise UserError(f"{name}: {option}: {column!r} is the target")
    if wishes.group and wishes.time:
        raise UserError(f"{name}: --group and --time: rows are split by one of them; choose one")
    for option in ("--group", "--time", "--id"):
        if both := {*named[option]} & {*wishes.drop}:
            raise UserError(f"{name}: {option}: {both.pop()!r} is dropped by --drop as well")
    return wishes.target


def _advice(column: str, frame: pd.DataFrame, most: int = 20) -> str:
    names = [str(name) for name in frame.columns]
    shown = nearest(column, names).partition("allowed: ")[0] if column else ""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{shown}the columns are {', '.join(map(repr, names[:most]))}{more}"


def _require_target(
    column: Column | None, told: list[str], cells: pd.Series, name: str, kind: Kind | None
) -> None:
    target = f"{name}: target {cells.name!r}"
    if column is None:
        raise UserError(f"{target} {told[-1].partition(':')[0]}; there is nothing to learn")
    if kind is not None and column.type not in TARGETS[kind]:
        raise UserError(
            f"{target} holds texts such as {column.example!r}; --kind regression predicts numbers"
            if kind == "regression"
            else f"{target} has {cells.nunique()} different values, too many for classes"
        )
    if len(column.categories or []) > MOST_CATEGORIES:
        raise UserError(f"{target} has {len(column.categories or [])} classes, too many to learn")
    if column.type not in (*LEVELS, *NUMBERS):
        raise UserError(
            f"{target} looks like {column.type}, such as {column.example!r}; a number, or a text "
            f"with at most {MOST_CATEGORIES} different values was expected"
        )


def _guess(cells: pd.Series, layout: Layout, file: str, wishes: Wishes) -> Guess:
    """What a column is, by its cells and by what the person has said of it."""
    if cells.name != wishes.target:
        return _as_wished(guess(cells, layout), cells, wishes)
    found = guess_target(cells, layout, wishes.kind)
    _require_target(found.column, found.doubts, cells, file, wishes.kind)
    return found


def _as_wished(found: Guess, cells: pd.Series, wishes: Wishes) -> Guess:
    name, guessed = str(cells.name), found.column
    if guessed is None:
        return found
    if name in wishes.identifiers:
        column = Column(
            type="identifier",
            meaning=TO_SAY,
            nullable=guessed.nullable,
            missing=guessed.missing,
            unique=not cells.dropna().duplicated().any(),
            example=guessed.example,
            guessed="named by --id",
        )
        return Guess(column, [])
    if name == wishes.time:
        if guessed.type not in ("datetime", *NUMBERS):
            raise UserError(
                f"--time: {name!r} looks like {guessed.type}, such as {guessed.example!r}; a "
                "column of dates or numbers was expected"
            )
        if guessed.nullable:
            raise UserError(f"--time: some rows lack {name!r}; each needs its time")
        return Guess(guessed, [told for told in found.doubts if "date" in told])
    return Guess(guessed, []) if name == wishes.group else found


def _columns(guesses: dict[str, Guess]) -> dict[str, Column]:
    return {name: guess.column for name, guess in guesses.items() if guess.column is not None}


def _admitting(
    columns: dict[str, Column],
    breaches: pd.DataFrame,
    target: str,
    file: str,
    about: dict[str | None, list[str]],
) -> dict[str, Column]:
    """The columns, but those that do not admit their own cells as text."""
    for name in breaches["column"].unique():
        first = breaches[breaches["column"] == name].iloc[0]
        if name == target:
            raise UserError(
                f"{file}: target {name!r}: row {first['row']} holds {first['value']!r}, where "
                f"all others are {first['rule']}"
            )
        about[name].append(f"holds all sorts, such as {first['value']!r}: taken for text")
        plain = Column(type="text", meaning=TO_SAY, nullable=True, guessed="all sorts")
        columns = {**columns, name: plain}
    return columns


def _contract(file: str, **content: Any) -> Contract:
    try:
        return Contract(**content)
    except ValidationError as error:
        raise UserError(explain(error, file, Contract)) from error


def understand_images(
    path: Path, name: str, source: str, wishes: Wishes, allowed: float
) -> Understanding:
    """Make out what a zip or a folder of images holds.

    Args:
        path: The zip or the folder.
        name: What messages call it, and the contract too.
        source: Where it is from.
        wishes: What is known.
        allowed: Largest share of images that may be unusable.

    Raises:
        UserError: It cannot be read, its images are of fewer than two classes, or too many of them
            are unusable.
    """
    for option in ("identifiers", "group", "time", "drop", "sheet", "table"):
        if getattr(wishes, option):
            raise UserError(f"{name}: images have one column, their class; see --target")
    if wishes.kind == "regression":
        raise UserError(f"{name}: the folders of images are classes; --kind regression has none")
    target = wishes.target or "class"
    sizes, colour, classes = pictures.survey(path, name)
    if len(classes) < 2:
        raise UserError(
            f"{name}: all images lie in one folder; a folder for each class was expected, such as "
            "cats/1.png and dogs/1.png"
        )
    (width, height), usual = sizes.most_common(1)[0]
    resize = usual < sizes.total() or max(width, height) > LARGEST_SIDE
    if max(width, height) > LARGEST_SIDE:
        width, height = (
            max(1, side * LARGEST_SIDE // max(width, height)) for side in (width, height)
        )
    told = []
    if len(sizes) > 1:
        told.append(f"images of {len(sizes)} sizes: scaled to {width}x{height}")
    elif resize:
        told.append(f"images of {max(sizes)[0]}x{max(sizes)[1]}: scaled to {width}x{height}")
    column = Column(
        type="categorical",
        categories=sorted(classes),
        meaning=TO_SAY,
        example=min(classes),
        guessed="the folders' names",
    )
    contract = _contract(
        name,
        title=Path(name).name.partition(".")[0],
        source=source,
        licence="not stated",
        target=target,
        images=Images(width=width, height=height, colour=colour),
        columns={target: column},
    )
    raw, breaches = pictures.read_images(path, name, contract, resize=resize)
    table, _ = apply(contract.columns, raw, contract.layout)
    kept = table.drop(breaches["row"] - 1).reset_index(drop=True)
    if len(breaches):
        unusable = f"{len(breaches)} of {len(raw)} images cannot be used; {first_breach(breaches)}"
        if len(breaches) > allowed * len(raw):
            raise UserError(
                f"{name}: {unusable}; more than data.max_rejected ({allowed:g}) in params.yaml "
                "allows: remove them, or raise it"
            )
        told.append(unusable)
    shade = "colour" if colour else "grey"
    notes = [f"{len(raw)} images, {width}x{height}, {shade}, {len(classes)} classes"]
    about: dict[str | None, list[str]] = {None: told + doubts(kept, contract)}
    return Understanding(contract, kept, notes, about, resize)
