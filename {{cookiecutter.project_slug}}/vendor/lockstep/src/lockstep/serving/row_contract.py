"""What the rows must be like that a version is asked with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..core.examples import STEP

if TYPE_CHECKING:
    from .engine import Version


def find_row_contract(version: Version) -> dict[str, Any]:
    """The contract of these rows: of a forecast, of those of series so far; of sequences, of their
    points."""
    contract = version.contract
    rows: dict[str, Any] = contract.get("history") or contract.get("points") or contract
    return rows


def list_subjects(version: Version) -> dict[str, dict[str, Any]]:
    """The columns that say what an answer is of: which step of which series, or which sequence;
    none where each row is answered by itself."""
    contract = version.contract
    names: tuple[str | None, ...] = ()
    if history := contract.get("history"):
        names = (history.get("series"), contract["time"], STEP)
    elif points := contract.get("points"):
        names = (points["sequence"],)
    return {name: contract["columns"][name] for name in names if name is not None}


def find_optional(version: Version) -> set[str]:
    """The columns that a row may leave out, whatever is said of them: those that are only known of
    the past, where other rows say what is known ahead."""
    contract = version.contract.get("history")
    if not contract:
        return set()
    features = [name for name in version.features if name in contract["columns"]]
    future = {name for name in features if contract["columns"][name].get("future")}
    kept = {*future, contract["time"], contract.get("series")}
    return {*features} - kept if future else set()
