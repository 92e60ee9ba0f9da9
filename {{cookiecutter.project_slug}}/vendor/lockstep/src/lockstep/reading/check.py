"""Stage 1: read the raw files by the contract and set aside what breaks it.

Rows come and go in batches, so that memory does not grow with their number.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.batches import background, prefetch, progress
from ..core.contract import IMAGE, Contract, load_contract
from ..core.errors import end, exit_status
from ..core.files import write_json
from ..core.params import DataParams
from ..core.project import Project
from ..core.stage import run
from ..core.table import parquet_writers
from ..data.duplicates import Census, Repeats, value_hashes
from .conformity import apply, as_texts, breaches_of
from .folder import entries, kept_by_dvc, raw_files
from .raw import Raw, read
from .tally import Tally

if TYPE_CHECKING:
    import pandas as pd

MOST_TOLD = 5
REPEATED = "a value that no row above has"


def ingest(
    raw: Raw, contract: Contract, repeats: dict[str, Repeats] | None = None
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Type the columns of the contract and find the cells that break it.

    Args:
        raw: Some rows as they came.
        contract: What they should hold.
        repeats: For each column that must not repeat a value, what knows those above.

    Returns:
        All rows with the contract's columns, typed; the breaches, as `conformity.apply` gives them;
        and the rows without a breach.
    """
    import numpy as np
    import pandas as pd

    table, breaches = apply(contract.columns, raw.cells, contract.layout, contract.missing)
    found = [breaches]
    if raw.unusable is not None:
        found.insert(0, raw.unusable)
    for name, known in (repeats or {}).items():
        present = table[name].dropna()
        again = present[known.among(value_hashes(present))]
        if len(again):
            found.append(breaches_of(name, again, REPEATED))
    if len(found) > 1:
        breaches = pd.concat(found).sort_values("row", kind="stable", ignore_index=True)
    if breaches.empty:
        return table, breaches, table
    fine = np.ones(len(table), dtype=bool)
    fine[breaches["row"].to_numpy() - 1] = False
    return table, breaches, table[fine]


def rejected(raw: Raw, breaches: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """A row for each breach: `file`, `row`, `column`, `value`, `rule`, and the raw row's own cells.

    The cells are texts, each below the name of its column with `raw_` before it.

    Args:
        raw: Some rows as they came.
        breaches: Their breaches.
        columns: Of all raw files; those that this file lacks are empty.
    """
    import pandas as pd

    cells = raw.cells.iloc[breaches["row"] - 1].reindex(columns=columns)
    originals = cells.drop(columns=IMAGE, errors="ignore").reset_index(drop=True)
    return pd.concat(
        [
            pd.DataFrame({"file": pd.Series([raw.file] * len(breaches), dtype="str")}),
            breaches.assign(row=breaches["row"] + raw.above),
            pd.DataFrame({f"raw_{name}": as_texts(originals[name]) for name in originals}),
        ],
        axis=1,
    )


class _RepeatedError(Exception):
    """Values came twice where each must come once: the rows must be gone through knowing them."""

    def __init__(self, repeats: dict[str, Repeats]) -> None:
        self.repeats = repeats


def read_all(project: Project, data: DataParams, contract: Contract) -> Tally:
    """Read all raw files into dataset.parquet and rejected.parquet, or leave both as they are.

    Raises:
        UserError: A file cannot be read, or too many of its rows break the contract.
    """
    try:
        return _pass(project, data, contract, {})
    except _RepeatedError as error:
        return _pass(project, data, contract, error.repeats)


def _pass(
    project: Project, data: DataParams, contract: Contract, repeats: dict[str, Repeats]
) -> Tally:
    unique = [name for name, column in contract.columns.items() if column.unique]
    censuses = {} if repeats else {name: Census() for name in unique}
    tally = Tally(contract)
    files = raw_files(project, data.raw, contract)
    columns = _columns(project, files, data, contract)
    with ExitStack() as stack:
        count = stack.enter_context(progress("ingest"))
        writers = stack.enter_context(parquet_writers(project.dataset, project.rejected))
        keep, set_aside = (stack.enter_context(background(write)) for write in writers)
        for path in files:
            name = project.name(path)
            for raw in prefetch(read(path, name, contract, resize=data.resize)):
                table, breaches, kept = ingest(raw, contract, repeats)
                for column, census in censuses.items():
                    census.add(value_hashes(table[column].dropna()))
                tally.add(raw, table, breaches, kept)
                keep(kept)
                count(len(table))
                if raw.above == 0 or not breaches.empty:
                    columns = columns or list(raw.cells.columns)
                    set_aside(rejected(raw, breaches, columns))
            tally.require_few_rejected(name, data.max_rejected)
        found = {name: census.repeated() for name, census in censuses.items()}
        if any(map(len, found.values())):
            raise _RepeatedError({name: Repeats(hashes) for name, hashes in found.items()})
    return tally


def _columns(
    project: Project, files: Sequence[Path], data: DataParams, contract: Contract
) -> list[str]:
    """The columns of all files, by a look at the first rows of each; of images all are alike."""
    found: dict[str, None] = {}
    if len(files) == 1 or contract.images:
        return []
    for path in files:
        first = next(read(path, project.name(path), contract, resize=data.resize))
        found |= dict.fromkeys(map(str, first.cells.columns))
    return list(found)


def beside(project: Project, where: str, contract: Contract) -> list[str]:
    """Which files in data/raw are not read, or not kept by DVC although others are."""
    if project.root / where != project.raw:
        read_files = raw_files(project, where, contract)
        others = [path for path in entries(project.raw, deep=True) if path not in read_files]
        # Within a folder of images all is read.
        others = [path for path in others if project.root / where not in path.parents]
        return [f"{project.name(path)} is not read: params.yaml names {where}" for path in others]
    kept = kept_by_dvc(project.raw)
    loose = [path for path in entries(project.raw) if kept and path not in kept]
    return [
        f"{project.name(path)} is not kept by DVC, as others are: `uv run dvc add` keeps it"
        for path in sorted(loose)
    ]


def main() -> None:
    """Run the stage in the project around the working directory."""
    project = Project.find()
    params = project.params
    contract = load_contract(project, params.kind)
    tally = read_all(project, params.data, contract)
    report = tally.report()
    write_json(report, project.ingest_report)
    of_files = f" of {len(report['files'])} files" if len(report["files"]) > 1 else ""
    print(
        f"ingest: {report['accepted']} rows{of_files} accepted, {report['rejected']} rejected "
        f"-> {project.name(project.dataset)}"
    )
    told = tally.deviations()
    for line in beside(project, params.data.raw, contract):
        print(f"ingest: {line}")
    for line in told[:MOST_TOLD]:
        print(f"ingest: {line}")
    if len(told) > MOST_TOLD:
        print(f"ingest: and {len(told) - MOST_TOLD} more such columns")
    if report["rejected"]:
        print(f"ingest: what was rejected, with reasons -> {project.name(project.rejected)}")


if __name__ == "__main__":
    end(exit_status(lambda: run("ingest", main)))
