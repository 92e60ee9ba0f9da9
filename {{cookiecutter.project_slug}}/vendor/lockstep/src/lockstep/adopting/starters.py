"""The candidates that a kind of data needs beside those for all kinds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..core.paths import Paths

if TYPE_CHECKING:  # it takes long, and what starts with Python imports this
    from ..core.contract import Contract

STARTERS = (
    *("tables.py", "images.py", "forecasting.py", "sequences.py"),
    *("anomalies.py", "clusters.py", "texts.py"),
)
"""Files of candidates that the library brings along, for the owner's package."""


def place_starter(paths: Paths, name: str) -> Path:
    """Where a file of candidates belongs."""
    return paths.root / "src" / paths.package / "models" / name


def find_missing_starter(paths: Paths, contract: Contract) -> dict[Path, str]:
    """The text of the file of candidates that the contract's data need, by where it belongs.

    Nothing if it is there, however changed; or if the package has a module instead of the folder.
    """
    place = place_starter(paths, f"{_name_kind(contract)}.py")
    source = paths.root / "vendor" / "lockstep" / "starters" / place.name
    if place.exists() or not place.parent.is_dir() or not source.is_file():
        return {}
    return {place: source.read_text(encoding="utf-8")}


def _name_kind(contract: Contract) -> str:
    if contract.images:
        return "images"
    if contract.anomalies:
        return "anomalies"
    if contract.clusters:
        return "clusters"
    if contract.forecasts:
        return "forecasting"
    if contract.sequence is not None:
        return "sequences"
    return "texts" if contract.texts else "tables"
