"""Stage 1: read the raw file by the contract and set aside what breaks it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from .config import Project
from .data.conformity import apply, first_breach, require_columns
from .data.contract import IMAGE, Contract, load_contract
from .errors import UserError, end, exit_status
from .reproducibility.artifacts import write_json, write_parquet
from .reproducibility.stage import run

if TYPE_CHECKING:
    import pandas as pd


def read(
    path: Path, name: str, contract: Contract, *, resize: bool
) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """The raw table or images as a table; and what could not be read of them."""
    if contract.images is not None:
        from .data.images import read_images

        return read_images(path, name, contract, resize=resize)
    from .data.tables import read_table

    return read_table(path, name, contract.missing), None


def ingest(
    raw: pd.DataFrame, unusable: pd.DataFrame | None, contract: Contract
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Type the columns of the contract and separate the rows that break it.

    Args:
        raw: The table as it came, one row per observation.
        unusable: Breaches that were found while reading, if any.
        contract: What it should hold.

    Returns:
        The rows that keep the contract, with its columns in its order and typed; and one row per
        broken cell: `row`, `column`, `value`, `rule`, then the raw row's own cells as text.
    """
    import pandas as pd

    table, breaches = apply(contract.columns, raw)
    if unusable is not None:
        breaches = pd.concat([unusable, breaches]).sort_values("row", kind="stable")
        breaches = breaches.reset_index(drop=True)
    kept = table.drop(index=breaches["row"].unique() - 1).reset_index(drop=True)
    cells = raw.drop(columns=IMAGE) if contract.images else raw
    originals = cells.iloc[breaches["row"].to_numpy() - 1].astype("str").reset_index(drop=True)
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
    raise UserError(
        f"{name}: {counts['rejected']} of {counts['rows']} rows break references/schema.yaml, "
        f"more than data.max_rejected ({allowed:g}) in params.yaml allows; worst columns: "
        f"{columns}; first: {first_breach(breaches)}"
    )


def main() -> None:
    """Run the stage in the project around the working directory."""
    project = Project.find()
    params = project.params()
    contract = load_contract(project, params.kind)
    name = params.data.raw
    raw, unusable = read(project.root / name, name, contract, resize=params.data.resize)
    require_columns(raw, contract.columns, name)
    kept, breaches = ingest(raw, unusable, contract)
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
    if not breaches.empty:
        print(
            f"ingest: what was rejected, with reasons -> {project.name(project.rejected)}; first: "
            f"{first_breach(breaches)}"
        )


if __name__ == "__main__":
    end(exit_status(lambda: run("ingest", main)))
