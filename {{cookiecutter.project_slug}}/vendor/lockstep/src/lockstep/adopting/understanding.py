"""Making out what a person's tables are: their contract, and what is doubtful about them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from pydantic import ValidationError

from ..core.contract import (
    ANOMALY,
    CLUSTER,
    FREE,
    LEVELS,
    NUMBERS,
    TARGETS,
    UNSUPERVISED,
    Column,
    Contract,
    Images,
    Layout,
)
from ..core.errors import UserError, shorten
from ..core.examples import frame_contract
from ..core.kinds import Kind
from ..core.params import predicts_numbers
from ..core.validation import explain, nearest
from ..data.conformity import as_texts, complete_target, conform, join_lists
from ..data.sequences import Points, gather_rows
from ..reading.formats import detect_format
from ..reading.hive import add_partition
from ..reading.sequence_files import read_rows
from ..reading.spreadsheets import has_merged_rows, list_sheets, measure_unpacked
from ..reading.tables import read_batches, read_table, require_columns, require_file
from ..reading.text_files import lie_in_one_folder
from ..reading.texts import open_text_tables
from .anomalies import admit_all, guess_labels, require_no_label, require_ways
from .clusters import require_no_target
from .doubts import find_doubts, find_repeated
from .exposure import require_exposure, require_number
from .forecasts import understand_forecast
from .inference import (
    MOST_CATEGORIES,
    NO_MEANING,
    Guess,
    describe_variety,
    guess,
    guess_target,
    guess_time,
    guess_titles,
)
from .interpretation import Interpretation
from .refining import refine
from .sampling import draw_sample
from .sequence_files import find_sequence_files
from .sequences import understand_sequences
from .several_labels import MOST_LABELS, require_no_lists
from .sniffing import LayoutGuess, count_lines_above, has_header, sniff
from .text_doubts import find_text_doubts
from .text_files import find_text_files, guess_of_files
from .wide import advise_melting
from .wishes import Wishes

LARGE_SPREADSHEET = 200_000_000
"""Bytes of its text from which on a person is told what reading it takes."""
FIRST_ROWS = 200
"""Rows of a spreadsheet that are looked at to tell its header."""
MOST_NAMES = 20
"""Columns that a message lists."""
ALL_SORTS = Column(type="text", meaning=NO_MEANING, nullable=True, guessed="all sorts")
ADVICE_FOR_SEVERAL_FILES = (
    "if each file is a sequence, and the folder it lies in its class, say so by --sequence file; "
    "if each is a text, put them into a folder for each class"
)
ONE_FOLDER = (
    "all texts lie in one folder; a folder for each class was expected, such as good/1.txt and "
    "bad/1.txt"
)


class Understanding(NamedTuple):
    """What data were taken for."""

    contract: Contract
    table: pd.DataFrame
    """The rows, typed by the contract; of a large table a sample of them."""
    notes: list[str]
    """How the data are written, in words."""
    doubts: dict[str | None, list[str]]
    """What to look at, by column; what concerns all of them under None."""
    rows: int
    """How many the data have."""
    missing_shares: pd.Series
    """The share of rows that lack a value, by column."""
    resize: bool = False
    """Whether images must be scaled."""
    folders: Sequence[str] = ()
    """Those above the classes of images or texts that say which are for the test."""

    @property
    def is_sample(self) -> bool:
        """Whether the table is but a sample of the rows."""
        return len(self.table) < self.rows


def understand(
    files: Sequence[Path],
    name: str,
    source: str,
    wishes: Wishes,
    folder: Path | None = None,
    images: Images | None = None,
) -> Understanding:
    """Make out what files of one table hold; messages and the contract call them `name`.

    Each file may be a sequence where they are all that lies in a `folder`. Where the table tells of
    `images`, it is looked at without them.

    Raises:
        UserError: They cannot be read, or do not hold what is wished for.
    """
    reading = _find_reading(files, name, wishes, folder, has_images=images is not None)
    wishes, layout, batches = reading.wishes, reading.layout, reading.batches
    classes = wishes.target if wishes.horizon is None else None
    frame, rows, missing = sample = draw_sample(batches(("",)), classes, wishes.whole)
    advice = _advise_on_files(files, folder)
    target = _require_columns(frame, name, wishes, reading.doubts, advice)
    guess_column = partial(_guess_column, layout=layout, file=name, wishes=wishes)
    rest = frame.drop(columns=[*wishes.drop, *([images.names] if images else [])])
    refinement = None
    if sample.is_whole:
        guesses = {str(column): guess_column(rest[column]) for column in rest}
    else:
        refinement = refine(guess_column, rest, partial(batches, missing), layout, missing)
        guesses = refinement.guesses
    if images is None and not _has_features(guesses, target, wishes):
        guesses |= _guess_from_names(rest, guesses, target, layout, wishes)
        if not _has_features(guesses, target, wishes):
            _tell_what_is_left_out(name, target, rest, guesses, wishes)
    columns = {key: guess.column for key, guess in guesses.items() if guess.column is not None}
    doubts = {None: reading.doubts} | {key: [*guess.doubts] for key, guess in guesses.items()}
    table, breaches = conform(columns, frame, layout)
    all_sorts = _find_all_sorts(refinement.breaches if refinement else breaches, target, name)
    if all_sorts:
        columns |= dict.fromkeys(all_sorts, ALL_SORTS)
        for column, value in all_sorts.items():
            doubts[column].append(f"holds all sorts, such as {value!r}: taken for text")
        table, _ = conform(columns, frame, layout)
    notes, words = reading.notes, _word_contract(wishes, images, layout)
    if interpretation := _interpret(table, columns, frame, name, wishes):
        words |= interpretation.words
        columns, table = interpretation.columns, table[[*interpretation.columns]]
        where = "" if sample.is_whole else "in a sample "
        notes = [*notes, f"{where}{interpretation.note}"]
        for key, reasons in interpretation.doubts.items():
            doubts[key] = [*(doubts[key] if key is None else []), *reasons]
    if wishes.goal == "anomalies":
        columns = {key: admit_all(column) for key, column in columns.items()}
    contract = make_contract(
        name,
        source=source,
        missing=missing,
        drop=(*wishes.drop, *(column for column in guesses if column not in columns)),
        layout=layout,
        columns=columns,
        **({"target": target} if target in columns else {}),
        **words,
    )
    if contract.anomalies:
        require_ways(contract, name)
    table = complete_target(table, contract)
    doubts = _add_doubts(doubts, table, contract)
    shares = table.isna().mean() if refinement is None else pd.Series(refinement.gaps) / rows
    shares = shares.reindex([*contract.columns], fill_value=1.0)
    return Understanding(contract, table, notes, doubts, rows, shares, folders=reading.folders)


class _Reading(NamedTuple):
    """How the rows of files are read."""

    wishes: Wishes
    """With what the files' places say."""
    layout: Layout
    batches: Callable[[Sequence[str]], Iterator[pd.DataFrame]]
    """The rows, some at a time, by the texts that stand for a missing value."""
    notes: list[str]
    doubts: list[str]
    folders: Sequence[str] = ()
    """As `Understanding` has them."""


def _find_reading(
    files: Sequence[Path], name: str, wishes: Wishes, folder: Path | None, *, has_images: bool
) -> _Reading:
    path = folder or files[0]
    if not has_images and (texts := find_text_files(path, wishes)):
        layout, notes, doubts = texts.guess
        batches = partial(read_rows, path, name, layout=layout)
        return _Reading(texts.wishes, layout, batches, notes, doubts, texts.folders)
    try:
        layout, notes, doubts = guess_layout(files[0], wishes)
    except UserError as error:
        if lie_in_one_folder(path):
            raise UserError(f"{name}: {ONE_FOLDER}; read as a table, {error}") from error
        if len(files) > 1 and all(file.suffix.lower() == ".txt" for file in files):
            raise UserError(f"{error}; {ADVICE_FOR_SEVERAL_FILES}") from error
        raise
    if folder is not None and (each := find_sequence_files(files, folder, layout, wishes)):
        batches = partial(read_rows, folder, name, layout=each.layout)
        return _Reading(each.wishes, each.layout, batches, notes, [*doubts, *each.doubts])
    return _Reading(wishes, layout, partial(_read_all, files, folder, layout), notes, doubts)


def _advise_on_files(files: Sequence[Path], folder: Path | None) -> str | None:
    """What else the files may be, where they have no column of the target."""
    if lie_in_one_folder(folder or files[0]):
        return ONE_FOLDER
    return ADVICE_FOR_SEVERAL_FILES if len(files) > 1 else None


def _find_all_sorts(breaches: pd.DataFrame, target: str, name: str) -> dict[str, str]:
    """A value of each column that is not like all others of it; the target must have none."""
    firsts = breaches.drop_duplicates("column")
    for row, column, value, rule in firsts.to_numpy():
        if column == target:
            raise UserError(
                f"{name}: target {column!r}: row {row} holds {value!r}, where all others are {rule}"
            )
    return dict(zip(firsts["column"], firsts["value"], strict=True))


def _word_contract(wishes: Wishes, images: Images | None, layout: Layout) -> dict[str, Any]:
    """What the contract says beside its columns, as it is wished for."""
    words: dict[str, Any] = {"group": wishes.group, "time": wishes.time, "images": images}
    words["exposure"] = wishes.exposure
    if layout.files is not None and layout.files.part is not None:
        words["part"] = layout.files.part
    if wishes.goal == "anomalies":
        words["anomalies"] = True
    if wishes.kind == "clustering":
        words["clusters"] = True
    return words


def _interpret(
    table: pd.DataFrame,
    columns: dict[str, Column],
    frame: pd.DataFrame,
    name: str,
    wishes: Wishes,
) -> Interpretation | None:
    """What the rows are of series to forecast or of sequences; nothing where each is by itself."""
    if wishes.horizon is not None:
        return understand_forecast(table, columns, frame, name, wishes)
    if wishes.sequence is not None:
        return understand_sequences(table, columns, name, wishes)
    return None


def _add_doubts(
    doubts: dict[str | None, list[str]], table: pd.DataFrame, contract: Contract
) -> dict[str | None, list[str]]:
    """Those of the columns and those that the typed rows raise."""
    doubts = {**doubts}
    for key, column in contract.columns.items():
        if column.type == "text" and key not in (*contract.features, contract.target):
            doubts[key] = ["sentences: nothing is learnt from them here"]
    if contract.images is None:
        doubts[None] = doubts[None] + find_doubts(*frame_sample(table, contract))
        for key, advice in find_repeated(table, contract).items():
            doubts[key] = [*doubts[key], advice]
    for key, reasons in find_text_doubts(table, contract).items():
        doubts[key] = [*doubts[key], *reasons]
    return doubts


def frame_sample(table: pd.DataFrame, contract: Contract) -> tuple[pd.DataFrame, Contract]:
    """The examples that are gathered from sequences, and their contract; other rows as they are."""
    if contract.sequence is None:
        return table, contract
    return gather_rows(Points.of_rows(table, contract)), frame_contract(contract)


def make_contract(name: str, **content: Any) -> Contract:
    """The contract of the data called `name`.

    Raises:
        UserError: It cannot be: no column is left to learn from, say.
    """
    title = Path(name).name.partition(".")[0] or name
    try:
        return Contract(title=title, licence="not stated", **content)
    except ValidationError as error:
        raise UserError(explain(error, name, Contract)) from error


def guess_layout(path: Path, wishes: Wishes) -> LayoutGuess:
    """How a table is written."""
    require_file(path, path.name)
    match detect_format(path):
        case "parquet":
            return LayoutGuess(Layout(), ["parquet"], [])
        case "database" | "duckdb":
            return LayoutGuess(Layout(table=wishes.table), ["database"], [])
        case "excel":
            return _guess_sheet_layout(path, wishes)
    with open_text_tables(path, path.name) as tables:
        return sniff(tables[0], wishes.target)


def _guess_sheet_layout(path: Path, wishes: Wishes) -> LayoutGuess:
    first, *others = list_sheets(path, path.name)
    sheet = wishes.sheet or first
    cells = read_table(path, path.name, ("",), Layout(sheet=sheet, header=False)).head(FIRST_ROWS)
    rows = cells.astype("object").fillna("").astype("str").to_numpy().tolist()
    skip = count_lines_above(list(enumerate(rows)), wishes.target)
    header = has_header(rows[skip:], wishes.target)
    notes = [f"sheet {sheet!r}"]
    notes += [f"the first {skip} rows are no part of the table"] if skip else []
    notes.append("column names in the first row" if header else "no row of column names")
    listing = "" if wishes.sheet else ", ".join(map(repr, others))
    doubts = [f"the sheet {sheet!r} was taken; there are also {listing}"] if listing else []
    if has_merged_rows(path, path.name, sheet):
        doubts.append("some cells stand for several rows: all but the first of them are empty")
    size = measure_unpacked(path, path.name)
    if size > LARGE_SPREADSHEET:
        doubts.append(
            f"{size / 1e6:,.0f} MB when unpacked: each reading takes about twice that of memory, "
            "and long; save it as CSV, which is read in batches"
        )
    return LayoutGuess(Layout(sheet=sheet, header=header, skip=skip), notes, doubts)


def _read_all(
    files: Sequence[Path], folder: Path | None, layout: Layout, missing: Sequence[str]
) -> Iterator[pd.DataFrame]:
    """The rows of all files of a folder, texts in `missing` missing, some at a time; or of one."""
    top, above = (folder, folder.parent) if folder else (files[0].parent, files[0].parent)
    first, *_ = names = [path.relative_to(top).as_posix() for path in files]
    columns: list[str] = []
    for path, name in zip(files, names, strict=True):
        for rows in read_batches(path, name, missing, layout):
            batch = add_partition(rows, path, above)
            columns = columns or [*batch]
            require_columns(batch, name, columns, first)
            objects = batch.columns[batch.dtypes == "object"]
            yield batch.assign(**{key: join_lists(batch[key]) for key in objects})


def _require_columns(
    frame: pd.DataFrame, name: str, wishes: Wishes, doubts: list[str], advice_on_files: str | None
) -> str:
    """The target, after a look whether all columns that are wished for are there."""
    names = [str(column) for column in frame.columns]
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    listing = f"the columns are {', '.join(map(repr, names[:MOST_NAMES]))}{more}"
    target = wishes.target
    if target is None and wishes.goal == "anomalies":
        require_no_label([key for key in names if key not in wishes.drop], name)
        target = ANOMALY
    if wishes.kind == "clustering":
        require_no_target(wishes, {*names} - {*wishes.drop}, name)
        target = CLUSTER
    if target is None:
        raise UserError(f"{name}: which column is to be predicted? {listing}")
    options = {
        "--target": [wishes.target],
        "--id": wishes.identifiers,
        "--group": [wishes.group],
        "--time": [wishes.time],
        "--sequence": [wishes.sequence],
        "--series": [wishes.series],
        "--future": wishes.future,
        "--exposure": [wishes.exposure],
        "--drop": wishes.drop,
    }
    for option, columns in options.items():
        for column in columns:
            if column is not None and column not in names:
                meant = nearest(column, names).partition("allowed: ")[0]
                if option == "--target" and wishes.horizon is not None and not meant:
                    if melting := advise_melting(frame, wishes.time, column):
                        raise UserError(f"{name}: --target: no column {column!r}, but {melting}")
                elif option == "--target" and advice_on_files and not meant:
                    doubts = [*doubts, advice_on_files]
                advice = "; ".join([f"{meant}{listing}", *doubts])
                raise UserError(f"{name}: {option}: no column {column!r}; {advice}")
            if option != "--target" and column == target:
                raise UserError(f"{name}: {option}: {column!r} is the target")
    _require_fitting_wishes(name, wishes)
    times = frame[wishes.time] if wishes.time else frame.index
    if wishes.horizon is not None and len(times.dropna().unique()) == 1:
        raise UserError(
            f"{name}: --horizon: all rows are of one time; a forecast is learnt from many"
        )
    if wishes.group and wishes.time and wishes.sequence is None:
        raise UserError(f"{name}: --group and --time: rows are split by one of them; choose one")
    for option in (option for option in options if option not in ("--target", "--drop")):
        if both := {*options[option]} & {*wishes.drop}:
            raise UserError(f"{name}: {option}: {both.pop()!r} is dropped by --drop as well")
    return target


def _has_features(guesses: Mapping[str, Guess], target: str, wishes: Wishes) -> bool:
    no_features = FREE if wishes.kind in UNSUPERVISED else ("identifier",)
    return any(
        guess.column is not None and guess.column.type not in no_features
        for key, guess in guesses.items()
        if key not in (target, wishes.group)
    )


def _guess_from_names(
    rest: pd.DataFrame, guesses: Mapping[str, Guess], target: str, layout: Layout, wishes: Wishes
) -> dict[str, Guess]:
    """The columns of names or titles as texts, where these can be learnt from."""
    if wishes.kind in UNSUPERVISED or wishes.whole is not None or layout.files is not None:
        return {}
    said = (target, wishes.group, *wishes.identifiers)
    texts = {
        key: guess_titles(rest[key], guess.column)
        for key, guess in guesses.items()
        if guess.column is not None and key not in said
    }
    return {key: guess for key, guess in texts.items() if guess is not None}


def _tell_what_is_left_out(
    name: str, target: str, rest: pd.DataFrame, guesses: Mapping[str, Guess], wishes: Wishes
) -> None:
    """Say why no column is left to learn from, if any others were there."""
    reasons = [
        f"{key} {guess.doubts[0].partition(': left out')[0]}"
        for key, guess in guesses.items()
        if guess.column is None
    ]
    reasons += [
        f"{key} holds sentences, of which --kind {wishes.kind} learns nothing"
        for key, guess in guesses.items()
        if guess.column is not None and guess.column.type == "text" and key != target
    ]
    reasons = reasons or [
        f"{key} has {describe_variety(rest[key])}, as a name has"
        for key in guesses
        if key not in (target, wishes.group)
    ]
    if reasons:
        more = f", and {len(reasons) - MOST_NAMES} more such columns" * (len(reasons) > MOST_NAMES)
        listing = "; ".join(reasons[:MOST_NAMES])
        source = f"{target!r} from" if target in guesses else "from"
        raise UserError(f"{name}: no column is left to learn {source}: {listing}{more}")


def _require_fitting_wishes(name: str, wishes: Wishes) -> None:
    """Check that what is said of a forecast, of sequences or of an exposure goes with the rest."""
    if wishes.goal == "anomalies" and wishes.sequence is not None:
        raise UserError(
            f"{name}: --kind anomalies and --sequence: anomalies are looked for in rows, each by "
            "itself; leave out one of them"
        )
    if wishes.exposure is not None and wishes.kind in UNSUPERVISED:
        raise UserError(
            f"{name}: --kind {wishes.kind} and --exposure: it is of a number to predict, and here "
            "none is predicted; leave out one of them"
        )
    if wishes.sequence is not None:
        if wishes.horizon is not None:
            raise UserError(
                f"{name}: --sequence and --horizon: what tells series apart is --series"
            )
        if wishes.sequence == wishes.time:
            raise UserError(f"{name}: --sequence: {wishes.sequence!r} is named by --time as well")
    if wishes.horizon is None:
        words = {"--series": wishes.series, "--every": wishes.every, "--future": wishes.future}
        for option in (option for option, word in words.items() if word):
            raise UserError(
                f"{name}: {option}: it is of a forecast: say by --horizon how many steps ahead"
            )
        return
    if wishes.kind is not None:
        raise UserError(f"{name}: --kind and --horizon: a forecast is of numbers; leave out --kind")
    if wishes.group is not None:
        raise UserError(f"{name}: --group and --horizon: what tells series apart is --series")
    if wishes.time is not None and wishes.time in (wishes.series, *wishes.future):
        raise UserError(f"{name}: --time: {wishes.time!r} is named for something else as well")


def _guess_column(cells: pd.Series, layout: Layout, file: str, wishes: Wishes) -> Guess:
    """What a column is, by its cells and by what the person has said of it."""
    name = str(cells.name)
    if layout.files is not None and (given := guess_of_files(cells, layout.files)):
        return given
    if name == wishes.target and wishes.goal == "anomalies":
        return guess_labels(cells, layout, f"{file}: target {name!r}")
    if name == wishes.target:
        target = guess_target(cells, layout, wishes.goal)
        if wishes.exposure is not None and target.column is not None:
            require_number(target.column, name, file)
        _require_target(target, cells, f"{file}: target {name!r}", wishes.goal)
        return target
    if name in (wishes.series, wishes.sequence):
        return _take_for_name(cells, file, "--series" if name == wishes.series else "--sequence")
    column, doubts = (guess_time if name == wishes.time else guess)(cells, layout)
    if column is None:
        return Guess(None, doubts)
    if name == wishes.exposure:
        whole = guess_target(cells, layout, "regression").column or column
        return Guess(require_exposure(cells, whole, file), [])
    if name in wishes.identifiers:
        kept = column.model_dump(include={"nullable", "missing", "example"})
        kept |= {"unique": cells.dropna().is_unique, "meaning": NO_MEANING}
        return Guess(Column(type="identifier", guessed="named by --id", **kept), [])
    if name == wishes.time:
        if column.type not in ("datetime", *NUMBERS):
            raise UserError(
                f"{file}: --time: {name!r} looks like {column.type}, such as {column.example!r}; a "
                "column of dates or numbers was expected, such as 2026-01-31 or 2026-01-31 14:00"
            )
        if column.nullable:
            count = cells.isna().sum() + cells.isin(column.missing).sum()
            raise UserError(
                f"{file}: --time: {count} of {len(cells)} rows lack {name!r}; each needs its time: "
                "fill it in, or take these rows out"
            )
        return Guess(column, [doubt for doubt in doubts if "date" in doubt])
    if name == wishes.group:
        if column.nullable:
            raise UserError(
                f"{file}: --group: {cells.isna().sum()} of {len(cells)} rows lack {name!r}; each "
                "needs its group: fill it in, or take these rows out"
            )
        return Guess(column, [])
    return Guess(column, doubts)


def _take_for_name(cells: pd.Series, file: str, option: str) -> Guess:
    """A column that tells series or sequences apart: new ones may come, and there may be one."""
    texts = as_texts(cells.dropna())
    if len(texts) < len(cells):
        raise UserError(
            f"{file}: {option}: {len(cells) - len(texts)} of {len(cells)} rows lack "
            f"{str(cells.name)!r}; each needs one: fill it in, or take these rows out"
        )
    column = Column(
        type="identifier",
        meaning=NO_MEANING,
        example=shorten(texts.iloc[0], 60),
        guessed=f"named by {option}, {texts.nunique()} different",
    )
    return Guess(column, [])


def _require_labels(column: Column, target: str) -> None:
    count = len(column.categories or [])
    if count > MOST_LABELS:
        raise UserError(
            f"{target} has {count} labels, too many to learn; keep the {MOST_LABELS} that come "
            "most often"
        )


def _require_target(guess: Guess, cells: pd.Series, target: str, kind: Kind | None) -> None:
    column = guess.column
    may_be_labels = kind in (None, "multilabel")
    if may_be_labels and (column is None or column.type not in NUMBERS):
        require_no_lists(cells, column.separator if column else None, target)
    if column is None:
        reason = guess.doubts[-1].partition(":")[0]
        raise UserError(f"{target} {reason}; there is nothing to learn")
    if kind is not None and column.type not in TARGETS[kind]:
        if kind == "multilabel":
            raise UserError(
                f"{target} holds no cell of several labels, such as a|b, with | or ; or , between "
                "them"
            )
        option = "--horizon forecasts" if kind == "forecasting" else f"--kind {kind} predicts"
        raise UserError(
            f"{target} holds texts such as {column.example!r}; {option} numbers"
            if predicts_numbers(kind)
            else f"{target} has {cells.nunique()} different values, too many for classes"
        )
    if column.type == "labels":
        _require_labels(column, target)
        return
    if (count := len(column.categories or [])) > MOST_CATEGORIES:
        raise UserError(f"{target} has {count} classes, too many to learn")
    if column.type not in (*LEVELS, *NUMBERS):
        raise UserError(
            f"{target} looks like {column.type}, such as {column.example!r}; a number, or a text "
            f"with at most {MOST_CATEGORIES} different values was expected"
        )
