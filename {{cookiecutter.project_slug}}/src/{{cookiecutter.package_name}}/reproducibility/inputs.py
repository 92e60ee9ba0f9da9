"""The inputs of a stage must stay as they are while it runs.

DVC hashes them when the stage has ended (treeverse/dvc#11058): without this check it would record
an edit made meanwhile as the input of an output that was made without it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..config import Project, read_yaml
from ..errors import UserError


@contextmanager
def unchanged(project: Project, stage: str) -> Iterator[None]:
    """Fail when an input that dvc.yaml names for `stage` is edited before the block ends.

    Raises:
        UserError: A dependency was written to, or a parameter has another value.
    """
    before = _state(project, stage)
    yield
    after = _state(project, stage)
    changed = sorted(name for name in before.keys() | after.keys() if _differs(name, before, after))
    if changed:
        raise UserError(
            f"{stage}: {', '.join(changed)} changed while the stage ran; "
            "its outputs may be made of both; `dvc repro` runs it again"
        )


def _differs(name: str, before: dict[str, Any], after: dict[str, Any]) -> bool:
    return before.get(name) != after.get(name)


def _state(project: Project, stage: str) -> dict[str, Any]:
    """Size and time of writing of each file, and the value of each parameter, by its name."""
    content = read_yaml(project.root / "dvc.yaml", "dvc.yaml") or {}
    definition = content.get("stages", {}).get(stage, {})
    files = {
        project.name(file): _stamp(file)
        for dependency in definition.get("deps", [])
        for file in _files(project.root / dependency)
    }
    return files | _parameters(project, definition.get("params", []))


def _files(path: Path) -> list[Path]:
    return [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]


def _stamp(path: Path) -> tuple[int, int] | None:
    # Not a hash: it would take as long again as reading the data.
    status = path.stat() if path.exists() else None
    return (status.st_size, status.st_mtime_ns) if status else None


def _parameters(project: Project, entries: list[str | dict[str, list[str]]]) -> dict[str, Any]:
    values = {}
    for entry in entries:
        by_file = entry if isinstance(entry, dict) else {"params.yaml": [entry]}
        for file, keys in by_file.items():
            content = read_yaml(project.root / file, file)
            values |= {f"{key} in {file}": _value(content, key) for key in keys}
    return values


def _value(content: Any, key: str) -> Any:
    for part in key.split("."):
        content = content.get(part) if isinstance(content, dict) else None
    return content
