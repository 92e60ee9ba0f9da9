"""What is otherwise here than where a model was packed.

With other versions it may give other numbers, or none.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any


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


def find_version(library: str) -> str | None:
    """The installed version of a library, whatever build it is of; None if there is none."""
    try:
        return version(library).partition("+")[0]
    except PackageNotFoundError:
        return None
