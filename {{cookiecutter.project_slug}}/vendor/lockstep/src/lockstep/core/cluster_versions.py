"""The versions of workers, which must be ours: others would give other results."""

from __future__ import annotations

import os
import re
import tomllib
from typing import Any

from . import unit
from .cluster_call import make_call
from .cluster_client import VARIABLE, ask_workers
from .errors import UserError
from .paths import Paths

LIBRARIES = (
    *("cloudpickle", "distributed", "joblib", "keras"),
    *("numpy", "pandas", "pillow", "pyarrow", "scikit-learn", "scipy"),
)
"""What every unit computes with, or reaches workers by."""
MOST_DIFFERENCES = 8
"""That are told."""


def require_same_versions(client: Any) -> list[str]:
    """Hold the versions of all workers that answer against ours, and give their addresses.

    Raises:
        UserError: There are others; it names worker, package, theirs and ours.
    """
    ours = read_own_versions()
    names = [*ours.keys() - {"python", "machine"}]
    answers = ask_workers(client, make_call("read_versions"), names)
    theirs = {worker: versions for worker, versions in answers.items() if versions}
    differences = {
        worker: unit.list_differences(ours, versions) for worker, versions in theirs.items()
    }
    differences = {worker: texts for worker, texts in differences.items() if texts}
    if differences:
        raise UserError(tell_differences(differences))
    return [*theirs]


def tell_differences(differences: dict[str, list[str]]) -> str:
    """What workers differ in, of several that do in the same way the first."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for worker, texts in sorted(differences.items()):
        groups.setdefault(tuple(texts), []).append(worker)
    lines = [
        f"{workers[0]}{f' and {len(workers) - 1} more' if len(workers) > 1 else ''}: "
        + ", ".join(texts[:MOST_DIFFERENCES])
        + (f" and {len(texts) - MOST_DIFFERENCES} more" if len(texts) > MOST_DIFFERENCES else "")
        for texts, workers in groups.items()
    ]
    return (
        f"{VARIABLE}: workers are not as this machine is, and would give other results: "
        f"{'; '.join(lines)}; give them the versions of uv.lock"
    )


def read_own_versions() -> dict[str, str]:
    """The versions that workers must have: of what the library and the owner compute with."""
    backend = os.environ.get("KERAS_BACKEND", "")
    names = {*LIBRARIES, *([backend] if backend else []), *(["jaxlib"] if backend == "jax" else [])}
    versions = unit.read_versions(sorted(names | _list_dependencies()))
    return {name: text for name, text in versions.items() if text != "none"}


def _list_dependencies() -> set[str]:
    """The distributions that the owner's project asks for, but for the library, which we send."""
    try:
        text = (Paths.find().root / "pyproject.toml").read_text(encoding="utf-8")
    except (OSError, UserError):
        return set()
    requirements = tomllib.loads(text).get("project", {}).get("dependencies", [])
    names = {re.split(r"[^\w.-]", each, maxsplit=1)[0] for each in requirements}
    return names - {"lockstep-core"}
