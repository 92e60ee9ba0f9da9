"""Stage 1: read the raw files by the contract and set aside what breaks it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .config import Project
from .data.conformity import apply, first_breach, numbers, without_markers
from .data.contract import IMAGE, NUMBERS, Contract, load_contract
from .data.files import entries, kept_by_dvc
from .data.raw import Raw, raw_files, read
from .errors import UserError, end, exit_status
from .reproducibility.artifacts import write_json, write_parquet
from .reproducibility.stage import run

if TYPE_CHECKING:
    import pandas as pd

MOST_TOLD = 5


def ingest(raw: Raw, contract: Contract) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Type the columns of the contract and separate the rows that break it.

    Args:
        raw: The rows as they came.
        contract: What they should hold.

    Returns:
        The rows that keep the contract, with its columns in its order and typed; and one row per
        broken cell: `file`, `row` in it, `column`, `value`, `rule`, then the raw row's own cells as
        text.
    """
    import pandas as pd

    table, breaches = apply(contract.columns, raw.cells, contract.layout)
    breaches = pd.concat([raw.unusable, breaches], ignore_index=True)
    breaches = breaches.sort_values("row", kind="stable", ignore_index=True)
    places = breaches["row"].to_numpy() - 1
    kept = table.drop(index=pd.unique(places)).reset_index(drop=True)
    origin = pd.DataFrame(
        {"file": raw.files, "row": raw.files.groupby(raw.files).cumcount() + 1}
    ).iloc[places]
    cells = raw.cells.drop(columns=IMAGE) if contract.images else raw.cells
    originals = cells.iloc[places].astype("str").add_prefix("raw_").reset_index(drop=True)
    broken = breaches[["column", "value", "rule"]]
    return kept, pd.concat([origin.reset_index(drop=True), broken, originals], axis=1)


def report(
    raw: Raw, kept: pd.DataFrame, breaches: pd.DataFrame, contract: Contract
) -> dict[str, Any]:
    """What came in and what became of it, as numbers for reports/ingest.json."""
    rows = raw.files.value_counts(sort=False)
    rejected = breaches.drop_duplicates(["file", "row"])["file"].value_counts()
    broken = breaches["column"].value_counts()
    return {
        "rows": len(raw.cells),
        "accepted": len(kept),
        "rejected": len(raw.cells) - len(kept),
        "files": {
            name: {"rows": int(count), "rejected": int(rejected.get(name, 0))}
            for name, count in rows.items()
        },
        "ignored_columns": ignored(raw, contract),
        "columns": {
            name: {
                "missing": int(kept[name].isna().sum()),
                "breaches": int(broken.get(name, 0)),
                **(_extent(kept[name]) if column.type in NUMBERS else {}),
            }
            for name, column in contract.columns.items()
        },
    }


def ignored(raw: Raw, contract: Contract) -> list[str]:
    """The columns that the contract neither describes nor drops."""
    known = {*contract.columns, *contract.drop}
    return [str(name) for name in raw.cells.columns if name not in known]


def _extent(numbers: pd.Series) -> dict[str, float]:
    present = numbers.dropna()
    return (
        {"smallest": present.min().item(), "largest": present.max().item()} if len(present) else {}
    )


def require_few_rejected(counts: dict[str, Any], breaches: pd.DataFrame, allowed: float) -> None:
    """Check the share of rejected rows of each file.

    Raises:
        UserError: More than `allowed` broke the contract, or none kept it.
    """
    for name, file in counts["files"].items():
        if file["rejected"] <= allowed * file["rows"] and file["rejected"] < file["rows"]:
            continue
        own = breaches[breaches["file"] == name]
        worst = own["column"].value_counts().head(3)
        columns = ", ".join(f"{column} ({count})" for column, count in worst.items())
        raise UserError(
            f"{name}: {file['rejected']} of {file['rows']} rows break references/schema.yaml, "
            f"more than data.max_rejected ({allowed:g}) in params.yaml allows; worst columns: "
            f"{columns}; first: {first_breach(own)}"
        )


def drifts(raw: Raw, contract: Contract) -> list[str]:
    """Which files have numbers beyond those that there were when the contract was written."""
    told = []
    for name, column in contract.columns.items():
        if column.seen is None:
            continue
        low, high = column.seen
        found = numbers(without_markers(raw.cells[name], column), contract.layout)
        beyond = raw.files[~found.isna() & ~found.between(low, high)].value_counts(sort=False)
        told += [
            f"{file}: {name!r} has drifted: {count} rows are beyond {low:g} to {high:g}"
            for file, count in beyond.items()
        ]
    return told


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


def deviations(raw: Raw, breaches: pd.DataFrame, contract: Contract) -> list[str]:
    """What a person should know of each column that is not as the contract has it."""
    told = []
    for name in ignored(raw, contract):
        files = raw.files[raw.cells[name].notna()].unique()
        told.append(f"{', '.join(files)}: column {name!r} is not described, so it is not used")
    rows = raw.files.value_counts()
    for (file, column), found in breaches.groupby(["file", "column"], sort=False):
        told.append(
            f"{file}: {column!r} breaks the contract in {len(found)} of {rows[file]} rows; "
            + first_breach(found)
        )
    return told + drifts(raw, contract)


def main() -> None:
    """Run the stage in the project around the working directory."""
    project = Project.find()
    params = project.params()
    contract = load_contract(project, params.kind)
    raw = read(project, params.data.raw, contract, resize=params.data.resize)
    kept, breaches = ingest(raw, contract)
    counts = report(raw, kept, breaches, contract)
    require_few_rejected(counts, breaches, params.data.max_rejected)
    write_parquet(kept, project.dataset)
    write_parquet(breaches, project.rejected)
    write_json(counts, project.ingest_report)
    of_files = f" of {len(counts['files'])} files" if len(counts["files"]) > 1 else ""
    print(
        f"ingest: {counts['accepted']} rows{of_files} accepted, {counts['rejected']} rejected "
        f"-> {project.name(project.dataset)}"
    )
    told = deviations(raw, breaches, contract)
    for line in beside(project, params.data.raw, contract):
        print(f"ingest: {line}")
    for line in told[:MOST_TOLD]:
        print(f"ingest: {line}")
    if len(told) > MOST_TOLD:
        print(f"ingest: and {len(told) - MOST_TOLD} more such columns")
    if not breaches.empty:
        print(f"ingest: what was rejected, with reasons -> {project.name(project.rejected)}")


if __name__ == "__main__":
    end(exit_status(lambda: run("ingest", main)))
