"""The candidates that a kind of data needs beside those for all kinds."""

from __future__ import annotations

from pathlib import Path

from ..core.contract import Contract
from ..core.paths import Paths

STARTERS = ("tables.py", "images.py", "forecasting.py")
"""Files of candidates that the library brings along, for the owner's package."""


def place_starter(paths: Paths, name: str) -> Path:
    """Where a file of candidates belongs."""
    return paths.root / "src" / paths.package / "models" / name


def find_missing_starter(paths: Paths, contract: Contract) -> dict[Path, str]:
    """The text of the file of candidates that the contract's data need, by where it belongs.

    Nothing if it is there, however changed; or if the package has a module instead of the folder.
    """
    name = "images" if contract.images else "forecasting" if contract.forecasts else "tables"
    place = place_starter(paths, f"{name}.py")
    source = paths.root / "vendor" / "lockstep" / "starters" / place.name
    if place.exists() or not place.parent.is_dir() or not source.is_file():
        return {}
    return {place: source.read_text(encoding="utf-8")}
