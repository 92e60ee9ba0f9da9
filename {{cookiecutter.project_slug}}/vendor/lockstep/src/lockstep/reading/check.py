"""Reading the raw files by the contract, and setting aside what breaks it.

Rows come and go in batches, so that memory does not grow with their number; only a column that must
not repeat a value takes memory: see `data.duplicates.Repeats`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ..core.batches import pair_ahead, prefetch
from ..core.contract import IMAGE, Contract
from ..core.files import join_digests, sha256
from ..core.params import DataParams
from ..core.paths import Paths
from ..core.programs import read_output
from ..core.progress import progress
from ..core.project import Project
from ..data.conformity import (
    NO_BREACHES,
    as_texts,
    complete_target,
    conform,
    join_lists,
    list_plain_types,
    make_breaches,
    require_columns,
)
from ..data.duplicates import Repeats, hash_values
from .cells import Cells, Types
from .folder import list_dvc_targets, list_entries, list_raw_files
from .hive import add_partition
from .images import read_images
from .sequence_files import read_rows
from .tables import read_cells
from .tally import RawBatch, Tally

MAX_DEVIATIONS = 5
"""Columns that are not as the contract has them, of which a summary has a line each."""
THREADS = min(4, os.cpu_count() or 1)
"""That parse at once; what comes of it is the same."""
UNIQUE_RULE = "a value that no row above has"


class CheckedBatch(NamedTuple):
    """Some rows of the raw files, typed, and a row for each breach; see `tabulate_rejected`."""

    accepted: pd.DataFrame
    rejected: pd.DataFrame


class TypedBatch(NamedTuple):
    """Some rows of the raw files and what the contract makes of each by itself."""

    raw: RawBatch
    table: pd.DataFrame
    breaches: pd.DataFrame
    names: list[str]
    """Of all columns of the raw rows."""


class Piece(NamedTuple):
    """Some rows of a raw file that are to be parsed."""

    cells: Cells
    path: Path
    name: str
    """What messages call the file."""
    types: Types
    """Such as the cells may be read with."""


def check_raw(project: Project) -> RawCheck:
    """The raw files of a project: iterate over them, then ask for the report and the summary."""
    return RawCheck(project, project.params.data, project.contract)


class RawCheck:
    """The raw files, read and held against the contract while they are iterated over."""

    def __init__(self, paths: Paths, data: DataParams, contract: Contract) -> None:
        self.paths, self.data, self.contract = paths, data, contract
        self._tally = Tally(contract)
        self._types = list_plain_types(contract)
        self._digests: dict[str, list[str]] = {}
        """Of the bytes of each raw file or of the files in each folder, which name the data."""

    def __iter__(self) -> Iterator[CheckedBatch]:
        """All rows, file by file, with the same columns in each batch.

        Raises:
            UserError: A file cannot be read, or too many of its rows break the contract.
        """
        self._tally = Tally(self.contract)
        files = list_raw_files(self.paths, self.data.raw, self.contract)
        # Of several tables, the first rows tell which columns there are.
        tables = [] if len(files) == 1 or self.contract.images else files
        pieces = (self._make_piece(next(self._read(path)), path) for path in tables)
        first = (parse_piece(self.contract, self.paths.root, piece) for piece in pieces)
        columns = list(dict.fromkeys(str(name) for raw in first for name in raw.cells))
        unique = [name for name, column in self.contract.columns.items() if column.unique]
        repeats = {name: Repeats() for name in unique}
        with progress("ingest") as count:
            for path in files:
                above, part = 0, None
                for typed in self._type(path):
                    if part != typed.raw.part:
                        above, part = 0, typed.raw.part
                    raw = typed.raw._replace(above=above)
                    above += len(typed.table)
                    table, breaches, accepted = require_unique(typed, repeats)
                    self._tally.add(raw, table, breaches, accepted)
                    rejected = tabulate_rejected(raw, breaches, columns or typed.names)
                    yield CheckedBatch(accepted, rejected)
                    count(len(table))
                self._tally.require_few_rejected(self.paths.name(path), self.data.max_rejected)
        for path in files:
            entries = sorted(list_entries(path, deep=True)) if path.is_dir() else [path]
            self._digests[self.paths.name(path)] = [sha256(entry) for entry in entries]

    def _type(self, path: Path) -> Iterator[TypedBatch]:
        if self.contract.images is not None:
            name = self.paths.name(path)
            rows, unusable = read_images(path, name, self.contract, resize=self.data.resize)
            yield type_rows(RawBatch(rows, name, unusable=unusable), self.contract)
            return
        shared = self.contract, self.paths.root
        pieces = (self._make_piece(cells, path) for cells in prefetch(self._read(path)))
        for piece, typed in pair_ahead(type_piece, shared, pieces, THREADS):
            if len(typed.breaches):
                # Further rows are likely to break it too: to read them as text at once saves time.
                self._types = {}
                yield typed
                continue
            parse_as_text = partial(parse_as_text_again, *shared, piece)
            yield typed._replace(raw=typed.raw._replace(parse_as_text=parse_as_text))

    def _read(self, path: Path) -> Iterator[Cells]:
        name, contract = self.paths.name(path), self.contract
        if contract.layout.files is None:
            return read_cells(path, name, contract.missing, contract.layout)
        return map(Cells.of, read_rows(path, name, contract.missing, contract.layout))

    def _make_piece(self, cells: Cells, path: Path) -> Piece:
        return Piece(cells, path, self.paths.name(path), self._types)

    def report(self) -> dict[str, Any]:
        """What came in and what became of it, once all rows have been gone through."""
        report = self._tally.report()
        for name, digests in self._digests.items():
            report["files"][name]["sha256"] = join_digests(digests)
        every = [digest for digests in self._digests.values() for digest in digests]
        return report | {"sha256": join_digests(every)}

    def summary(self) -> list[str]:
        """The same in lines for a person, with which files are left out."""
        report, deviations = self.report(), self._tally.deviations()
        of_files = f" of {len(report['files'])} files" if len(report["files"]) > 1 else ""
        lines = [
            f"{report['accepted']} rows{of_files} accepted, {report['rejected']} rejected "
            f"-> {self.paths.name(self.paths.dataset)}",
            *list_unread_files(self.paths, self.data.raw, self.contract),
            *deviations[:MAX_DEVIATIONS],
        ]
        if len(deviations) > MAX_DEVIATIONS:
            lines.append(f"and {len(deviations) - MAX_DEVIATIONS} more such columns")
        if report["rejected"]:
            rejected = self.paths.name(self.paths.rejected)
            lines.append(f"what was rejected, with reasons -> {rejected}")
        return lines


def type_piece(contract: Contract, root: Path, piece: Piece) -> TypedBatch:
    """What the contract makes of some rows, and of their cells no more than is asked for.

    Those of rows that break no rule are left out, but for columns that the contract does not know:
    they may have to travel.
    """
    typed = type_rows(parse_piece(contract, root, piece), contract)
    if len(typed.breaches):
        return typed._replace(raw=typed.raw.as_text())
    unknown = typed.raw.cells.columns.difference([*contract.columns, *contract.drop])
    raw = typed.raw._replace(cells=typed.raw.cells[unknown], parse_as_text=None)
    return typed._replace(raw=raw)


def parse_piece(contract: Contract, root: Path, piece: Piece) -> RawBatch:
    """The rows of a file below `root`, typed where all their cells can be."""
    files = contract.layout.files

    def complete(rows: pd.DataFrame) -> pd.DataFrame:
        return complete_target(add_partition(rows, piece.path, root), contract)

    rows = complete(piece.cells.parse_as(piece.types))
    require_columns(rows, contract.columns, piece.name)
    has_parts = files is not None and files.text is None
    part = rows[files.name].iloc[0] if files is not None and has_parts else None
    is_typed = piece.types and piece.cells.has_choice
    parse_as_text = (lambda: complete(piece.cells.parse_as_text())) if is_typed else None
    return RawBatch(rows, piece.name, part=part, parse_as_text=parse_as_text)


def parse_as_text_again(contract: Contract, root: Path, piece: Piece) -> pd.DataFrame:
    """The cells of some rows as they are written."""
    return parse_piece(contract, root, piece._replace(types={})).cells


def check_rows(
    raw: RawBatch, contract: Contract, repeats: Mapping[str, Repeats] | None = None
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Type the columns of the contract and find the cells that break it.

    Each column that must not repeat a value has what knows those above in `repeats`. Gives all rows
    with the contract's columns, typed; the breaches, as `conform` does; the rows without a breach.
    """
    return require_unique(type_rows(raw, contract), repeats or {})


def type_rows(raw: RawBatch, contract: Contract) -> TypedBatch:
    """The same of rows each of which is looked at by itself."""
    table, breaches = conform(contract.columns, raw.cells, contract.layout, contract.missing)
    if len(breaches) and raw.parse_as_text is not None:
        return type_rows(raw.as_text(), contract)
    return TypedBatch(raw, table, breaches, [*map(str, raw.cells)])


def require_unique(
    typed: TypedBatch, repeats: Mapping[str, Repeats]
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """What `check_rows` gives, of rows that are typed."""
    raw, table, breaches, _ = typed
    parts = [breaches] if raw.unusable is None else [raw.unusable, breaches]
    for name, above in repeats.items():
        values = table[name].dropna()
        again = values[above.among(hash_values(values))]
        if len(again):
            parts.append(make_breaches(name, again, UNIQUE_RULE))
    if len(parts) > 1:
        breaches = pd.concat(parts).sort_values("row", kind="stable", ignore_index=True)
    if breaches.empty:
        return table, breaches, table
    is_fine = np.ones(len(table), dtype=bool)
    is_fine[breaches["row"].to_numpy() - 1] = False
    return table, breaches, table[is_fine]


def tabulate_rejected(raw: RawBatch, breaches: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """A row for each breach: `file`, `row`, `column`, `value`, `rule`, and the raw row's own cells.

    The cells are texts, each below the name of its column with `raw_` before it, of the columns of
    all raw files; those that this file lacks are empty.
    """
    if breaches.empty:
        return _tabulate_none(tuple(columns)).copy(deep=False)
    cells = raw.as_text().cells.iloc[breaches["row"] - 1].reindex(columns=columns)
    originals = cells.drop(columns=IMAGE, errors="ignore").reset_index(drop=True)
    return pd.concat(
        [
            pd.DataFrame({"file": pd.Series([raw.part or raw.file] * len(breaches), dtype="str")}),
            breaches.assign(row=breaches["row"] + raw.above),
            pd.DataFrame(
                {f"raw_{name}": as_texts(join_lists(originals[name])) for name in originals}
            ),
        ],
        axis=1,
    )


@cache
def _tabulate_none(columns: tuple[str, ...]) -> pd.DataFrame:
    """What `tabulate_rejected` gives of rows without a breach, made once."""
    originals = [f"raw_{name}" for name in columns if name != IMAGE]
    texts = pd.DataFrame(columns=["file", *NO_BREACHES, *originals], dtype="str")
    return texts.astype(NO_BREACHES.dtypes)


def list_unread_files(paths: Paths, where: str, contract: Contract) -> list[str]:
    """Which files in data/raw are not read, or kept by neither DVC nor git, in words.

    Where DVC keeps none, nothing is said of the latter.
    """
    if paths.root / where != paths.raw:
        files = list_raw_files(paths, where, contract)
        return [
            f"{paths.name(path)} is not read: params.yaml names {where}"
            for path in list_entries(paths.raw, deep=True)
            # Within a folder of images, or of sequences, all is read.
            if path not in files and paths.root / where not in path.parents
        ]
    targets = list_dvc_targets(paths.raw)
    return [
        f"{paths.name(path)} is not kept by DVC, as others are: `uv run dvc add` keeps it"
        for path in sorted(list_entries(paths.raw))
        if targets and path not in targets and not _is_kept_by_git(paths, path)
    ]


def _is_kept_by_git(paths: Paths, path: Path) -> bool:
    return bool(read_output(["git", "ls-files", "--", str(path)], paths.root))
