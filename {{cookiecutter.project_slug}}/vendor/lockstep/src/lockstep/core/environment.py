"""The versions that the stages compute with, kept in environment.yaml, where DVC compares them.

dvc.yaml names for each stage the libraries that it computes with; a stage runs again when one of
them has another version, and does not when a tool for tests or documentation has.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from .files import read_yaml, update_text
from .paths import Paths

HEADER = """\
# What the results were computed with. DVC and the stages write this file when they start; a stage
# runs again when Python or one of its libraries, as dvc.yaml names them, has another version.
"""


def watched_libraries(paths: Paths) -> list[str]:
    """The libraries that dvc.yaml names below environment.yaml, in the order of their names."""
    stages = (read_yaml(paths.root / "dvc.yaml", "dvc.yaml") or {}).get("stages", {}).values()
    entries = [entry for stage in stages for entry in stage.get("params", [])]
    names = {
        name
        for entry in entries
        if isinstance(entry, dict)
        for name in entry.get(paths.environment_file.name) or []
    }
    return sorted(names - {"python"})


def read_environment(libraries: Iterable[str]) -> dict[str, str]:
    """Python's minor version, the version of each library (`none` if absent) and the processor."""
    return {
        "python": f"{sys.version_info.major}.{sys.version_info.minor}",
        **{name: _version(name) for name in libraries},
        "processor": processor(),
    }


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"


def processor() -> str:
    """The architecture and, where Linux tells it, the widest vector extension."""
    cpuinfo = Path("/proc/cpuinfo")
    flags = cpuinfo.read_text(encoding="utf-8").split() if cpuinfo.exists() else []
    widest = [name for name in ("avx512f", "avx2", "avx") if name in flags][:1]
    return " ".join([platform.machine(), *widest])


def record_environment(paths: Paths) -> None:
    """Write the environment to environment.yaml, unless the file says the same already."""
    versions = read_environment(watched_libraries(paths))
    lines = [f'{name}: "{value}"\n' for name, value in versions.items()]
    update_text(HEADER + "".join(lines), paths.environment_file)
