"""The versions that the stages compute with, kept in environment.yaml, where DVC compares them.

dvc.yaml names for each stage the libraries that it computes with; a stage runs again when one of
them has another version, and does not when a tool for tests or documentation has.
"""

from __future__ import annotations

import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from .artifacts import update_text

LIBRARIES = (
    *("numpy", "scipy", "pandas", "pyarrow", "pillow", "openpyxl", "sqlalchemy"),
    *("scikit-learn", "joblib", "h5py", "keras", "jax", "jaxlib", "tensorflow", "torch"),
    *("matplotlib", "jinja2"),
)
HEADER = """\
# What the results were computed with. DVC and the stages write this file when they start; a stage
# runs again when Python or one of its libraries, as dvc.yaml names them, has another version.
"""


def current() -> dict[str, str]:
    """Python's minor version, the version of each library (`none` if absent) and the processor."""
    return {
        "python": f"{sys.version_info.major}.{sys.version_info.minor}",
        **{name: _version(name) for name in LIBRARIES},
        "processor": _processor(),
    }


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"


def _processor() -> str:
    """The architecture and, where Linux tells it, the widest vector extension."""
    cpuinfo = Path("/proc/cpuinfo")
    flags = cpuinfo.read_text(encoding="utf-8").split() if cpuinfo.exists() else []
    widest = [name for name in ("avx512f", "avx2", "avx") if name in flags][:1]
    return " ".join([platform.machine(), *widest])


def record(path: Path) -> None:
    """Write the environment to `path`; a file that says the same already is left alone."""
    lines = [f'{name}: "{value}"\n' for name, value in current().items()]
    update_text(HEADER + "".join(lines), path)
