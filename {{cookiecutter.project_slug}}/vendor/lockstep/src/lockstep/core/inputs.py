"""The inputs of a stage must stay as they are while it runs.

DVC hashes them when the stage has ended (treeverse/dvc#11058): without this check it would record
an edit made meanwhile as the input of an output that was made without it.

What remains is the moment between the last look and DVC's own, a few milliseconds: a stage ends
its process at once after it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, NamedTuple

from .runtime import STARTED
from .paths import Paths
from .files import read_yaml
from .errors import UserError


@contextmanager
def unchanged(paths: Paths, stage: str, pipeline: str = "dvc.yaml") -> Iterator[None]:
    """Fail when an input that the file `pipeline` names for `stage` is edited in the block.

    Code counts from the start of the process on, since it was read before the block.

    Raises:
        UserError: A dependency was written to, or a parameter has another value.
    """
    before = _state(paths, stage, pipeline)
    now = time.time_ns()
    code = {name: stamp for name, stamp in before.items() if name.endswith(".py")}
    early = {name for name, stamp in code.items() if _written(stamp, STARTED, now)}
    yield
    after = _state(paths, stage, pipeline)
    late = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    if early | late:
        raise UserError(
            f"{stage}: {', '.join(sorted(early | late))} changed while the stage ran; "
            f"its outputs may be made of both; `dvc repro {pipeline}` runs it again"
        )


def _written(stamp: Any, since: int, until: int) -> bool:
    # A time to come is a clock's mistake, not an edit.
    return isinstance(stamp, Stamp) and since < stamp.written <= until


class Stamp(NamedTuple):
    """What tells that a file was written to; a hash would take as long as reading the data."""

    size: int
    written: int


def _state(paths: Paths, stage: str, pipeline: str) -> dict[str, Any]:
    """The stamp of each file, and the value of each parameter, by its name."""
    content = read_yaml(paths.root / pipeline, pipeline) or {}
    definition = content.get("stages", {}).get(stage, {})
    files = {
        paths.name(file): _stamp(file)
        for dependency in definition.get("deps", [])
        for file in _files(paths, paths.root / dependency)
    }
    return files | _parameters(paths, definition.get("params", []))


def _files(paths: Paths, path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    ignored = _ignored(paths.root / ".dvcignore")
    return [
        file
        for file in path.rglob("*")
        if file.is_file()
        and not any(
            fnmatch(part, name) for part in file.relative_to(path).parts for name in ignored
        )
    ]


def _ignored(path: Path) -> list[str]:
    """The names in .dvcignore; DVC does not look at such files, wherever they are."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [line.strip().rstrip("/") for line in lines if line.strip() and line[0] not in "#!"]


def _stamp(path: Path) -> Stamp | None:
    status = path.stat() if path.exists() else None
    return Stamp(status.st_size, status.st_mtime_ns) if status else None


def _parameters(paths: Paths, entries: list[Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for entry in entries:
        by_file = entry if isinstance(entry, dict) else {"params.yaml": [entry]}
        for file, keys in by_file.items():
            if keys and file.endswith((".yaml", ".yml")):
                content = read_yaml(paths.root / file, file)
                values |= {f"{key} in {file}": _value(content, key) for key in keys}
            else:
                values[file] = _stamp(paths.root / file)
    return values


def _value(content: Any, key: str) -> Any:
    for part in key.split("."):
        content = content.get(part) if isinstance(content, dict) else None
    return content
