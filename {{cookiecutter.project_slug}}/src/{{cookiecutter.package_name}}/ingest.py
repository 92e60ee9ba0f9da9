"""Stage 1: read the raw file by the contract and set aside what breaks it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .config import Project
from .data.contract import Contract, apply, load_contract, require_columns
from .errors import UserError, end, exit_status
from .reproducibility.artifacts import write_json, write_parquet
from .reproducibility.stage import run

if TYPE_CHECKING:
    import pandas as pd


def ingest(raw: pd.DataFrame, contract: Contract) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Type the columns of the contract and separate the rows that break it.

    Args:
        raw: The table as it came, one row per observation.
        contract: What it should hold.

    Returns:
        The rows that keep the contract, with its columns in its order and typed; and one row per
        broken cell: `row`, `column`, `value`, `rule`, then the raw row's own cells as text.
    """
    table, breaches = apply(contract.columns, raw)
    kept = table.drop(index=breaches["row"].unique() - 1).reset_index(drop=True)
    originals = raw.iloc[breaches["row"].to_numpy() - 1].astype("str").reset_index(drop=True)
    return kept, breaches.join(originals.add_prefix("raw_"))


def report(
    raw: pd.DataFrame, kept: pd.DataFrame, breaches: pd.DataFrame, contract: Contract
) -> dict[str, Any]:
    """What came in and what became of it, as numbers for reports/ingest.json."""
    broken = breaches["column"].value_counts()
    return {
        "rows": len(raw),
        "accepted": len(kept),
        "rejected": len(raw) - len(kept),
        "ignored_columns": [str(name) for name in raw.columns if name not in contract.columns],
        "columns": {
            name: {"missing": int(kept[name].isna().sum()), "breaches": int(broken.get(name, 0))}
            for name in contract.columns
        },
    }


def require_few_rejected(
    counts: dict[str, Any], breaches: pd.DataFrame, allowed: float, name: str
) -> None:
    """Check the share of rejected rows of the file `name`.

    Raises:
        UserError: More than `allowed` broke the contract, or none kept it.
    """
    share = counts["rejected"] / counts["rows"]
    if share <= allowed and counts["accepted"]:
        return
    worst = breaches["column"].value_counts().head(3)
    columns = ", ".join(f"{column} ({count})" for column, count in worst.items())
    first = breaches.iloc[0]
    raise UserError(
        f"{name}: {counts['rejected']} of {counts['rows']} rows break references/schema.yaml, "
        f"more than data.max_rejected ({allowed:g}) in params.yaml allows; worst columns: "
        f"{columns}; first: row {first['row']}, {first['column']} is {first['value']!r}, "
        f"expected {first['rule']}"
    )


def main() -> None:
    """Run the stage in the project around the working directory."""
    project = Project.find()
    params = project.params()
    contract = load_contract(project, params.kind)
    name = params.data.raw
    raw = _read(project, contract, name)
    require_columns(raw, contract.columns, name)
    kept, breaches = ingest(raw, contract)
    counts = report(raw, kept, breaches, contract)
    require_few_rejected(counts, breaches, params.data.max_rejected, name)
    write_parquet(kept, project.dataset)
    write_parquet(breaches, project.rejected)
    write_json(counts, project.ingest_report)
    ignored = f", ignored columns: {', '.join(counts['ignored_columns'])}"
    print(
        f"ingest: {counts['accepted']} rows accepted, {counts['rejected']} rejected"
        f"{ignored if counts['ignored_columns'] else ''} -> {project.name(project.dataset)}"
    )


def _read(project: Project, contract: Contract, name: str) -> pd.DataFrame:
    if contract.images is not None:
        from .data.images import read_images

        return read_images(project.root / name, name, contract)
    from .data.tables import read_table

    return read_table(project.root / name, name, contract.missing)


if __name__ == "__main__":
    end(exit_status(lambda: run("ingest", main)))
