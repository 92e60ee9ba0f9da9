"""What came in and what became of it, counted batch by batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import pandas as pd

from ..core.contract import NUMBERS, Contract
from ..core.errors import UserError
from ..data.conformity import describe_first


class RawBatch(NamedTuple):
    """Some rows of a raw file as they came, with all its columns."""

    cells: pd.DataFrame
    file: str
    above: int = 0
    """Rows of the file that come before them."""
    unusable: pd.DataFrame | None = None
    """What could not be read of images, as `data.conformity.conform` gives breaches."""
    part: str | None = None
    """The one of a folder's files that they are of, where each is a sequence."""
    parse_as_text: Callable[[], pd.DataFrame] | None = None
    """Gives the cells as they are written, where they are typed already."""

    def as_text(self) -> RawBatch:
        """The same rows with their cells as they are written, for a person to read."""
        if self.parse_as_text is None:
            return self
        return self._replace(cells=self.parse_as_text(), parse_as_text=None)


class Tally:
    """Counts that add up over batches of the raw files."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.rows: Counter[str] = Counter()
        """Of each file."""
        self.rejected: Counter[str] = Counter()
        """Rows of each file."""
        self.missing: Counter[str] = Counter()
        """Of each column, among the rows that are accepted."""
        self.extents: dict[str, tuple[Any, Any]] = {}
        """Smallest and largest number of each column, among the rows that are accepted."""
        self.breaches: Counter[tuple[str, str]] = Counter()
        """Of each file and column, the earliest first."""
        self.first_breaches: dict[tuple[str, str], str] = {}
        """Of each file and column, in words."""
        self.drifts: Counter[tuple[str, str]] = Counter()
        """Numbers of each column and file such as the contract has not seen."""
        self.ignored: dict[str, list[str]] = {}
        """The files that have something in a column that the contract does not know."""

    def add(
        self, raw: RawBatch, table: pd.DataFrame, breaches: pd.DataFrame, accepted: pd.DataFrame
    ) -> None:
        """Count a batch: the rows as they came, and what `check_rows` made of them."""
        self.rows[raw.file] += len(table)
        self.rejected[raw.file] += len(table) - len(accepted)
        for name, column in self.contract.columns.items():
            values = accepted[name]
            gaps = int(values.isna().sum())
            self.missing[name] += gaps
            if column.type in NUMBERS and gaps < len(values):
                low, high = values.min(), values.max()
                least, most = self.extents.get(name, (low, high))
                self.extents[name] = min(least, low), max(most, high)
            if column.seen is not None:
                low, high = column.seen
                numbers = table[name].to_numpy("float64", na_value=float("nan"))
                self.drifts[name, raw.file] += int(((numbers < low) | (numbers > high)).sum())
            if column.open:
                is_known = table[name].isin(column.categories or []) | table[name].isna()
                self.drifts[name, raw.file] += int((~is_known).sum())
        for name in sorted({*raw.cells} - {*self.contract.columns, *self.contract.drop}):
            files = self.ignored.setdefault(str(name), [])
            if raw.file not in files and raw.cells[name].notna().any():
                files.append(raw.file)
        # To group none takes as long as to group many.
        for label, of_column in breaches.groupby("column", sort=False) if len(breaches) else ():
            place = raw.file, str(label)
            self.breaches[place] += len(of_column)
            if place not in self.first_breaches:
                first = describe_first(of_column, raw.above)
                self.first_breaches[place] = f"{raw.part}, {first}" if raw.part else first

    def report(self) -> dict[str, Any]:
        """All counts, for reports/ingest.json."""
        breaches: Counter[str] = Counter()
        for (_, column), count in self.breaches.items():
            breaches[column] += count
        columns: dict[str, dict[str, Any]] = {
            name: {"missing": self.missing[name], "breaches": breaches[name]}
            for name in self.contract.columns
        }
        for name, (low, high) in self.extents.items():
            columns[name] |= {"smallest": low.item(), "largest": high.item()}
        return {
            "rows": self.rows.total(),
            "accepted": (self.rows - self.rejected).total(),
            "rejected": self.rejected.total(),
            "files": {
                name: {"rows": rows, "rejected": self.rejected[name]}
                for name, rows in self.rows.items()
            },
            "ignored_columns": list(self.ignored),
            "columns": columns,
        }

    def require_few_rejected(self, file: str, max_share: float) -> None:
        """Check that of a file's rows some keep the contract, and at most this share breaks it."""
        rows, rejected = self.rows[file], self.rejected[file]
        if rejected <= max_share * rows and rejected < rows:
            return
        counts = Counter({column: n for (name, column), n in self.breaches.items() if name == file})
        worst = ", ".join(f"{column} ({count})" for column, count in counts.most_common(3))
        raise UserError(
            f"{file}: {rejected} of {rows} rows break references/schema.yaml, "
            f"more than data.max_rejected ({max_share:g}) in params.yaml allows; worst columns: "
            f"{worst}; first: {self.first_breaches[file, next(iter(counts))]}"
        )

    def deviations(self) -> list[str]:
        """What a person should know of each column that is not as the contract has it."""
        lines = [
            f"{', '.join(files)}: column {name!r} is not described, so it is not used"
            for name, files in self.ignored.items()
            if files
        ]
        lines += [
            f"{file}: {column!r} breaks the contract in {count} of {self.rows[file]} rows; "
            + self.first_breaches[file, column]
            for (file, column), count in self.breaches.items()
        ]
        for (name, file), count in (+self.drifts).items():
            low, high = self.contract.columns[name].seen or (0, 0)
            is_open = self.contract.columns[name].open
            seen = "its `categories`" if is_open else f"{low:g} to {high:g}"
            lines.append(f"{file}: {name!r} has drifted: {count} rows are beyond {seen}")
        return lines
