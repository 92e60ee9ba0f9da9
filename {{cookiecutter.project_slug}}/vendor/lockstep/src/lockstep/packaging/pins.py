"""What must be installed beside a model, and in which versions."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from importlib.metadata import packages_distributions
from pathlib import Path

from ..core.errors import UserError
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


def pin(libraries: Iterable[str], environment: Mapping[str, str]) -> dict[str, str]:
    """The version of each, as a run's record tells it or else as it is installed.

    Raises:
        UserError: One is not installed.
    """
    pins = {}
    for library in sorted({*libraries} - {*READERS}):
        version = environment.get(library, "none").partition("+")[0]
        if version == "none":
            version = find_version(library) or ""
        if not version:
            raise UserError(f"{library} is not installed, and the model needs it; `uv sync`")
        pins[library] = version
    return pins


def read_floors() -> list[str]:
    """What the library asks of the others, such as `pydantic>=2.12`."""
    pyproject = Path(__file__).parents[3] / "pyproject.toml"
    lines = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]["dependencies"]
    return sorted(line for line in lines if normalise(line) in READERS)
