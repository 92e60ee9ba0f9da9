"""What came in and what became of it, counted batch by batch."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from ..core.contract import NUMBERS, Contract
from ..core.errors import UserError
from .conformity import first_breach
from .raw import Raw

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Number = np.integer | np.floating


class Tally:
    """Counts that add up over batches of the raw files.

    Args:
        contract: What the files should hold.
    """

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.rows: Counter[str] = Counter()
        """Of each file."""
        self.rejected: Counter[str] = Counter()
        """Rows of each file."""
        self.missing: Counter[str] = Counter()
        """Of each column, among the rows that are kept."""
        self.extents: dict[str, tuple[Number, Number]] = {}
        """Smallest and largest number of each column, among the rows that are kept."""
        self.breaches: Counter[tuple[str, str]] = Counter()
        """Of each file and column, the earliest first."""
        self.first_breaches: dict[tuple[str, str], str] = {}
        """Of each file and column, in words."""
        self.beyond: Counter[tuple[str, str]] = Counter()
        """Numbers of each column and file such as the contract has not seen."""
        self.ignored: dict[str, list[str]] = {}
        """The files that have something in a column that the contract does not know."""

    def add(
        self, raw: Raw, table: pd.DataFrame, breaches: pd.DataFrame, kept: pd.DataFrame
    ) -> None:
        """Count a batch: the rows as they came, and what `ingest.ingest` made of them."""
        self.rows[raw.file] += len(table)
        self.rejected[raw.file] += len(table) - len(kept)
        for name, column in self.contract.columns.items():
            self.missing[name] += int(kept[name].isna().sum())
            if column.type in NUMBERS and kept[name].notna().any():
                self._widen(name, kept[name])
            if column.seen is not None:
                low, high = column.seen
                inside = table[name].between(low, high) | table[name].isna()
                self.beyond[name, raw.file] += int((~inside).sum())
        for name in raw.cells.columns.difference([*self.contract.columns, *self.contract.drop]):
            files = self.ignored.setdefault(str(name), [])
            if raw.file not in files and raw.cells[name].notna().any():
                files.append(raw.file)
        for label, found in breaches.groupby("column", sort=False):
            place = raw.file, str(label)
            self.breaches[place] += len(found)
            if place not in self.first_breaches:
                first = found.head(1).assign(row=found["row"] + raw.above)
                self.first_breaches[place] = first_breach(first)

    def _widen(self, name: str, numbers: pd.Series) -> None:
        low, high = numbers.min(), numbers.max()
        known = self.extents.get(name, (low, high))
        self.extents[name] = min(known[0], low), max(known[1], high)

    def report(self) -> dict[str, Any]:
        """All counts, for reports/ingest.json."""
        broken: Counter[str] = Counter()
        for (_, column), count in self.breaches.items():
            broken[column] += count
        rejected = self.rejected.total()
        return {
            "rows": self.rows.total(),
            "accepted": self.rows.total() - rejected,
            "rejected": rejected,
            "files": {
                name: {"rows": rows, "rejected": self.rejected[name]}
                for name, rows in self.rows.items()
            },
            "ignored_columns": list(self.ignored),
            "columns": {
                name: {
                    "missing": self.missing[name],
                    "breaches": broken[name],
                    **self._extent(name),
                }
                for name in self.contract.columns
            },
        }

    def _extent(self, name: str) -> dict[str, float]:
        if name not in self.extents:
            return {}
        low, high = self.extents[name]
        return {"smallest": low.item(), "largest": high.item()}

    def require_few_rejected(self, file: str, allowed: float) -> None:
        """Check the share of a file's rows that are rejected.

        Raises:
            UserError: More than `allowed` broke the contract, or none kept it.
        """
        rows, rejected = self.rows[file], self.rejected[file]
        if rejected <= allowed * rows and rejected < rows:
            return
        own = Counter({place: count for place, count in self.breaches.items() if place[0] == file})
        worst = ", ".join(f"{column} ({count})" for (_, column), count in own.most_common(3))
        raise UserError(
            f"{file}: {rejected} of {rows} rows break references/schema.yaml, "
            f"more than data.max_rejected ({allowed:g}) in params.yaml allows; worst columns: "
            f"{worst}; first: {self.first_breaches[next(iter(own))]}"
        )

    def deviations(self) -> list[str]:
        """What a person should know of each column that is not as the contract has it."""
        told = [
            f"{', '.join(files)}: column {name!r} is not described, so it is not used"
            for name, files in self.ignored.items()
            if files
        ]
        told += [
            f"{file}: {column!r} breaks the contract in {count} of {self.rows[file]} rows; "
            + self.first_breaches[file, column]
            for (file, column), count in self.breaches.items()
        ]
        for (name, file), count in self.beyond.items():
            if count:
                low, high = self.contract.columns[name].seen or (0, 0)
                told.append(
                    f"{file}: {name!r} has drifted: {count} rows are beyond {low:g} to {high:g}"
                )
        return told
