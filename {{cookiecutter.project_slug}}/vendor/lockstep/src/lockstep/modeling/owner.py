"""Whose code a saved model may name, beside the library's: that of the project it was made in."""

from __future__ import annotations

import json
import re
import tomllib
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

PACKED = "package.json"
"""What tells of a model in its package."""


class Owner(NamedTuple):
    """A project, as far as its code is concerned."""

    package: str
    """The owner's package; empty where there is no project."""
    dependencies: frozenset[str]
    """The distributions that it depends on, by their normal names."""


def find_owner(file: Path) -> Owner:
    """The project around us, or else the one around a file.

    Whoever has made the file may have put a pyproject.toml beside it, so that one counts only where
    the package that it names is imported from there.
    """
    for folder in (Path.cwd(), *Path.cwd().parents):
        content = _read_pyproject(folder)
        if _name_package(content):
            return _make_owner(content)
    for folder in file.resolve().parents:
        content = _read_pyproject(folder)
        if _is_imported_from(folder, _name_package(content)):
            return _make_owner(content)
    return _make_owner({})


def read_packed_owner() -> Owner:
    """The project that the package of a model was made in, of which this copy of us is a part."""
    content = json.loads((Path(__file__).parents[2] / PACKED).read_text(encoding="utf-8"))
    return Owner(content["package"], frozenset(content["dependencies"]))


def normalise(requirement: str) -> str:
    """The name in a requirement such as `Some_Package[extra]>=1`, however it is written."""
    return re.sub(r"[-_.]+", "-", re.split(r"[^\w.-]", requirement, maxsplit=1)[0]).lower()


def _make_owner(pyproject: dict[str, Any]) -> Owner:
    requirements = pyproject.get("project", {}).get("dependencies", [])
    return Owner(_name_package(pyproject), frozenset(map(normalise, requirements)))


def _read_pyproject(folder: Path) -> dict[str, Any]:
    file = folder / "pyproject.toml"
    return tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


def _name_package(pyproject: dict[str, Any]) -> str:
    """The owner's package, or nothing where the file is no project's of ours."""
    return str(pyproject.get("tool", {}).get("lockstep", {}).get("package", ""))


def _is_imported_from(folder: Path, package: str) -> bool:
    # A dot would import what stands before it.
    spec = find_spec(package) if package.isidentifier() else None
    return bool(spec and spec.origin and Path(spec.origin).resolve().is_relative_to(folder))
