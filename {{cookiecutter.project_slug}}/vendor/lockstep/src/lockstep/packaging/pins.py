"""What must be installed beside a model, and in which versions."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from importlib.metadata import packages_distributions
from pathlib import Path

from ..core.errors import UserError, guard_reading
from ..modeling.owner import normalise
from ..standalone.differences import find_version

ALWAYS = ("joblib", "numpy", "pandas", "pyarrow", "scikit-learn", "scipy")
FOR_NETWORKS = {
    "jax": ("h5py", "jax", "jaxlib", "keras"),
    "tensorflow": ("h5py", "keras", "tensorflow"),
    "torch": ("h5py", "keras", "torch"),
}
FOR_IMAGES = ("pillow",)
READERS = ("pydantic", "ruamel-yaml", "typing-extensions")
"""Libraries that no number depends on: newer ones will do."""
LOCK = "uv.lock"
PARTS = {"directory", "editable", "virtual"}
"""How uv.lock calls the sources of what is a part of the project itself."""


def list_computing(backend: str | None, *, has_images: bool) -> list[str]:
    """The libraries that a model computes with.

    Args:
        backend: What its network computes with, if it is one.
        has_images: Whether it takes images.
    """
    return [
        *ALWAYS,
        *(FOR_NETWORKS[backend] if backend else ()),
        *(FOR_IMAGES if has_images else ()),
    ]


def find_distributions(packages: Iterable[str]) -> set[str]:
    """What must be installed for some packages to be imported, by its normal names."""
    holders = packages_distributions()
    return {normalise(name) for package in packages for name in holders.get(package, [])}


def read_lock(root: Path) -> dict[str, set[str]]:
    """The versions of each library in a project's uv.lock: several where systems differ.

    There are none where there is no uv.lock.

    Raises:
        UserError: It cannot be read.
    """
    file = root / LOCK
    if not file.is_file():
        return {}
    lock: dict[str, set[str]] = {}
    with guard_reading(f"{LOCK}: cannot be read"):
        for entry in tomllib.loads(file.read_text(encoding="utf-8"))["package"]:
            if not PARTS & entry["source"].keys():
                lock.setdefault(entry["name"], set()).add(entry["version"].partition("+")[0])
    return lock


def is_as_locked(library: str, lock: Mapping[str, set[str]]) -> bool:
    """Whether a library is installed in a version of uv.lock, if it is in there at all."""
    return library not in lock or find_version(library) in lock[library]


def pin(
    libraries: Iterable[str], environment: Mapping[str, str], lock: Mapping[str, set[str]]
) -> dict[str, str]:
    """The version of each, as a run's record tells it or, where it does not, as it is locked.

    What is in neither has the version that is installed.

    Raises:
        UserError: One is not installed.
    """
    pins = {}
    for library in sorted({*libraries} - {*READERS}):
        version: str | None = environment.get(library, "none").partition("+")[0]
        if version == "none":
            is_right = is_as_locked(library, lock)
            version = find_version(library) if is_right else max(lock[library])
        if not version:
            raise UserError(f"{library} is not installed, and the model needs it; `uv sync`")
        pins[library] = version
    return pins


def read_floors() -> list[str]:
    """What the library asks of the others, such as `pydantic>=2.12`."""
    pyproject = Path(__file__).parents[3] / "pyproject.toml"
    lines = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]["dependencies"]
    return sorted(line for line in lines if normalise(line) in READERS)
