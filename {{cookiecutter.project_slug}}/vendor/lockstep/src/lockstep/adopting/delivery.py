"""A delivery of raw data that is made of requests whose outcome is known."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from pathlib import Path

import pandas as pd

from ..core.contract import Contract
from ..core.files import write_text
from ..core.progress import progress
from ..core.project import Project
from ..core.table import table_writers
from ..data.conformity import describe, mask_missing
from ..data.duplicates import Repeats, hash_values
from ..reading.check import check_raw, check_rows
from ..reading.tally import RawBatch
from ..serving.request_database import RequestDatabase
from .cells import write_cells
from .deliveries import IS_USED, NAMES, OUTCOME, README, ROWS, read_deliveries
from .labelled import NAME, read_labelled_rows
from .omissions import Omissions


class Delivery:
    """Rows on their way from the requests into data/raw, each held against the contract.

    Args:
        project: The project.
        folder: Where they are laid out.
    """

    def __init__(self, project: Project, folder: Path) -> None:
        self.folder = folder
        self.rows = self.news = 0
        """Those that are delivered, and those that no delivery of before has had or left out."""
        self._project, self._contract = project, _require_sides(project)
        self._deliveries, self._repeats = read_deliveries(project), _read_unique(project)
        self._omissions = Omissions()
        self._gaps: Counter[str] = Counter()
        """Of each column, rows that are delivered and whose request says nothing of it."""
        self._times: list[datetime] = []
        """When outcomes came: in each batch the first and the last."""

    @property
    def last(self) -> datetime:
        """When the last outcome came."""
        return max(self._times)

    def fill(self, database: RequestDatabase, since: datetime | None) -> None:
        """Write all that can be used, which requests it is from, and what is left out and why."""
        with (
            table_writers(self.folder / ROWS, self.folder / NAMES) as tables,
            progress("use", "requests") as count,
        ):
            for table in tables:
                table.write(pd.DataFrame())  # a table even where there is no line
            for lines in read_labelled_rows(database, self._project.title, since, self._omissions):
                for table, part in zip(tables, self._select(lines), strict=True):
                    table.write(part)
                count(len(lines))
        text = "".join(f"- {line}\n" for line in self.describe())
        write_text(f"# Requests and what became true of them\n\n{text}", self.folder / README)

    def describe(self) -> list[str]:
        """What is delivered and what is not, in words."""
        lines = [
            f"{name} is missing in {count:,} of {self.rows:,} rows: {self._explain_gap(name)}"
            for name, count in self._gaps.items()
        ]
        if self.rows:
            first, last = (f"{time:%Y-%m-%d %H:%M}" for time in (min(self._times), self.last))
            when = f"at {first}" if first == last else f"from {first} to {last}"
            rows = f"{self.rows:,} row{'' if self.rows == 1 else 's'}"
            lines.insert(0, f"{rows}, with outcomes that came {when} UTC")
        return [*lines, *self._omissions.describe()]

    def _select(self, lines: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
        """The cells of rows that can be used, as texts, and the names of those that are news."""
        target = self._contract.columns[self._contract.target]
        outcomes = write_cells(lines[OUTCOME], target, self._contract.layout)
        names = lines[[*NAME]].assign(**{OUTCOME: outcomes})
        is_new = self._deliveries.find_new(names, self._omissions)
        lines, names = (table[is_new].reset_index(drop=True) for table in (lines, names))
        is_kept = lines["content"].notna()
        empty = names[~is_kept]
        self._omissions.add("nothing was kept but the answer", empty)
        lines, names = (table[is_kept].reset_index(drop=True) for table in (lines, names))
        cells = self._write(lines["content"], names[OUTCOME])
        is_fine = self._hold_against_contract(cells, lines, names)
        for name in self._contract.columns:
            if name != self._contract.target:
                gaps = sum(name not in content for content in lines.loc[is_fine, "content"])
                self._gaps += Counter({name: gaps})
        times = lines.loc[is_fine, "outcome_time"]
        self._times += [times.min(), times.max()] if len(times) else []
        self.rows += len(times)
        unusable = self._deliveries.drop_known(pd.concat([empty, names[~is_fine]]))
        news = pd.concat([names[is_fine], unusable], ignore_index=True)
        self.news += len(news)
        return cells[is_fine], news.assign(**{IS_USED: news.index < len(times)})

    def _write(self, contents: pd.Series, outcomes: pd.Series) -> pd.DataFrame:
        """(n_rows, n_columns) the cells of all columns of the contract, as texts."""
        columns = {
            name: write_cells(
                pd.Series([content.get(name) for content in contents], dtype="object"),
                column,
                self._contract.layout,
            )
            for name, column in self._contract.columns.items()
        }
        return pd.DataFrame(columns | {self._contract.target: outcomes})

    def _hold_against_contract(
        self, cells: pd.DataFrame, lines: pd.DataFrame, names: pd.DataFrame
    ) -> pd.Series:
        """(n_rows,) whether each row keeps the contract."""
        batch = RawBatch(mask_missing(cells, self._contract.missing), "requests")
        _, breaches, _ = check_rows(batch, self._contract, self._repeats)
        breaches = breaches.drop_duplicates("row")
        is_gap = breaches["value"] == ""
        reasons = breaches["column"] + is_gap.map(
            {True: " is missing", False: " breaks the contract"}
        )
        for reason, part in breaches.groupby(reasons, sort=False):
            row, name, value, rule = part.iloc[0]
            detail = describe(name, value, rule) if value else ""
            if not value and name not in {*lines["content"].iloc[row - 1], self._contract.target}:
                detail = self._explain_gap(name)
            self._omissions.add(str(reason), names.iloc[part["row"] - 1], detail)
        return pd.Series(~names.index.isin(breaches["row"] - 1), names.index)

    def _explain_gap(self, name: str) -> str:
        """Why no request may tell of a column."""
        keep = self._project.params.serve.keep
        if self._contract.columns[name].private:
            return "it is private, so the server keeps nothing of it"
        if keep.columns is not None and name not in keep.columns:
            return "it is not among serve.keep.columns in params.yaml, so nothing of it is kept"
        return "the request lacks it; what clients send of it is kept, though no model asks for it"


def _require_sides(project: Project) -> Contract:
    """The contract, such that a row needs what decides whether it is learnt from or tested on."""
    contract, by = project.contract, project.params.split.by
    deciding = {contract.part, contract.group, contract.time if by == "time" else None}
    columns = {
        name: column.model_copy(update={"nullable": False}) if name in deciding else column
        for name, column in contract.columns.items()
    }
    return contract.model_copy(update={"columns": columns})


def _read_unique(project: Project) -> dict[str, Repeats]:
    """What the raw data have in each column that takes no value twice."""
    names = [name for name, column in project.contract.columns.items() if column.unique]
    repeats = {name: Repeats() for name in names}
    for batch in check_raw(project) if names else ():
        for name in names:
            repeats[name].among(hash_values(batch.accepted[name].dropna()))
    return repeats
