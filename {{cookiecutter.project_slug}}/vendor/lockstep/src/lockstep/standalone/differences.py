"""What is otherwise here than where a model was packed.

With other versions it may give other numbers, or none.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, entry_points, version
from pathlib import Path
from typing import Any

MODELS = "lockstep.models"
"""The group of entry points that names the packages of models that are installed."""


def find_differences(info: Mapping[str, Any]) -> list[str]:
    """A few words for each library, and for Python, of another version than package.json tells.

    Args:
        info: What package.json tells.
    """
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    differences = [
        f"{library} {expected} is not installed"
        if present is None
        else f"{library} is {present}, not {expected}"
        for library, expected in info["pins"].items()
        if (present := find_version(library)) != expected
    ]
    if python != info["python"]:
        differences.append(f"Python is {python}, not {info['python']}")
    return differences


def find_rivals(folder: Path) -> list[str]:
    """The distributions that were installed into the folder of a model's package.

    Of several, one has overwritten the others.
    """
    distributions = {
        (entry.dist.name, entry.dist.version)
        for entry in entry_points(group=MODELS)
        if entry.dist is not None
        and Path(str(entry.dist.locate_file(entry.value))).resolve() == folder.resolve()
    }
    return sorted(f"{name} {number}" for name, number in distributions)


def find_version(library: str) -> str | None:
    """The installed version of a library, whatever build it is of; None if there is none."""
    try:
        return version(library).partition("+")[0]
    except PackageNotFoundError:
        return None
