"""The candidates that a kind of data needs beside those for all kinds."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.paths import Paths

if TYPE_CHECKING:  # it takes long, and what starts with Python imports this
    from ..core.contract import Contract

STARTERS = (
    *("tables.py", "images.py", "forecasting.py", "sequences.py"),
    *("anomalies.py", "clusters.py", "texts.py", "ordered.py"),
)
"""Files of candidates that the library brings along, for the owner's package."""

DOTTED = re.compile(r"\w*(\.\w+)+")
"""The name of a module as `import_module` takes it."""


def place_starter(paths: Paths, name: str) -> Path:
    """Where a file of candidates belongs."""
    return paths.root / "src" / paths.package / "models" / name


def find_missing_starters(paths: Paths, contract: Contract) -> dict[Path, str]:
    """The texts of the files of candidates that the contract's data need, by where they belong.

    Nothing of one that is there, however changed; or if the package has a module instead of the
    folder.
    """
    return {
        place: original.read_text(encoding="utf-8")
        for name in _list_starters(contract)
        if not (place := place_starter(paths, name)).exists()
        and place.parent.is_dir()
        and (original := _find_original(paths, name)).is_file()
    }


def find_idle_starters(paths: Paths, contract: Contract) -> list[Path]:
    """Where files of candidates for other data lie that nobody has changed, nor imports from."""
    places = {
        place: _find_original(paths, name)
        for name in sorted({*STARTERS} - {*_list_starters(contract)})
        if (place := place_starter(paths, name)).is_file()
    }
    return [
        place
        for place, original in places.items()
        if original.is_file()
        and place.read_bytes() == original.read_bytes()
        and not _is_imported(paths, place)
    ]


def _find_original(paths: Paths, name: str) -> Path:
    return paths.root / "vendor" / "lockstep" / "starters" / name


def _is_imported(paths: Paths, module: Path) -> bool:
    files = (file for folder in ("src", "tests") for file in (paths.root / folder).rglob("*.py"))
    return any(_has_import(file, module.stem) for file in files if file != module)


def _has_import(file: Path, module: str) -> bool:
    """Whether code imports the module, by a statement or a text with dots, or cannot be read."""
    try:
        nodes = [*ast.walk(ast.parse(file.read_bytes()))]
    except (SyntaxError, ValueError):
        return True
    names: list[str] = []
    for node in nodes:
        match node:
            case ast.Import(aliases) | ast.ImportFrom(None, aliases):
                names += [alias.name for alias in aliases]
            case ast.ImportFrom(str(package), aliases):
                names += [package, *(alias.name for alias in aliases)]
            case ast.Attribute(ast.Name("models") | ast.Attribute(attr="models"), name):
                names.append(name)
            case ast.Constant(str(text)) if DOTTED.fullmatch(text):
                names.append(text)
    return any(module in name.split(".") for name in names)


def _list_starters(contract: Contract) -> list[str]:
    kind = _name_kind(contract)
    takes_order = contract.is_ordered and kind in ("tables", "texts")
    return [f"{kind}.py", *(["ordered.py"] if takes_order else [])]


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
