"""The inputs of a stage must stay as they are while it runs.

DVC hashes them when the stage has ended (treeverse/dvc#11058): without this check it would record
an edit made meanwhile as the input of an output that was made without it.

What remains is the moment between the last look and DVC's own, a few milliseconds: a stage ends
its process at once after it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from .errors import UserError
from .files import read_yaml, stamp
from .paths import Paths
from .runtime import STARTED


@contextmanager
def guard_inputs(paths: Paths, stage: str, pipeline: str = "dvc.yaml") -> Iterator[None]:
    """Fail when an input that the file `pipeline` names for `stage` is edited in the block.

    Code counts from the start of the process on, since it was read before the block.
    """
    before, now = _read_state(paths, stage, pipeline), time.time_ns()
    early = {
        name
        for name, state in before.items()
        # A time to come is a clock's mistake, not an edit.
        if name.endswith(".py") and state and STARTED < state[0] <= now
    }
    yield
    after = _read_state(paths, stage, pipeline)
    late = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    if early | late:
        raise UserError(
            f"{stage}: {', '.join(sorted(early | late))} changed while the stage ran; "
            f"its outputs may be made of both; `dvc repro {pipeline}` runs it again"
        )


def require_dependency(paths: Paths, stage: str, file: str, key: str) -> None:
    """Check that dvc.yaml names a file, or a folder above it, in the `deps` of a stage.

    Args:
        paths: Of the project.
        stage: Which reads the file.
        file: Relative to the project's root.
        key: What names it, for the message.

    Raises:
        UserError: It does not, so that DVC would not see that the file has changed.
    """
    stages = (read_yaml(paths.root / "dvc.yaml", "dvc.yaml") or {}).get("stages", {})
    path = (paths.root / file).resolve()
    names = stages.get(stage, {}).get("deps", [])
    if not any(path.is_relative_to((paths.root / name).resolve()) for name in names):
        raise UserError(
            f"{key}: {file}: dvc.yaml does not name it, so that a change of it would go unseen; "
            f"add `- {file}` to the `deps` of the stage `{stage}`"
        )


def _read_state(paths: Paths, stage: str, pipeline: str) -> dict[str, Any]:
    """The stamp of each file, and the value of each parameter, by its name."""
    content = read_yaml(paths.root / pipeline, pipeline) or {}
    definition = content.get("stages", {}).get(stage, {})
    state: dict[str, Any] = {
        paths.name(file): stamp(file)
        for dependency in definition.get("deps", [])
        for file in list_watched_files(paths, paths.root / dependency)
    }
    for entry in definition.get("params", []):
        by_file = entry if isinstance(entry, dict) else {"params.yaml": [entry]}
        for file, keys in by_file.items():
            if keys and file.endswith((".yaml", ".yml")):
                values = read_yaml(paths.root / file, file)
                state |= {f"{key} in {file}": _select(values, key) for key in keys}
            else:
                state[file] = stamp(paths.root / file)
    return state


def list_watched_files(paths: Paths, path: Path) -> list[Path]:
    """The files below a dependency that DVC looks at: .dvcignore names the others."""
    if not path.is_dir():
        return [path]
    ignore = paths.root / ".dvcignore"
    is_watched = make_filter(ignore.read_text(encoding="utf-8") if ignore.exists() else "")
    return [
        file
        for file in path.rglob("*")
        if file.is_file() and is_watched(file.relative_to(path).as_posix())
    ]


def make_filter(ignore: str) -> Callable[[str], bool]:
    """Whether DVC looks at a file below a dependency, by its name there and by .dvcignore."""
    lines = ignore.splitlines()
    patterns = [line.strip().rstrip("/") for line in lines if line.strip() and line[0] not in "#!"]

    def is_watched(name: str) -> bool:
        return not any(fnmatch(part, pattern) for part in name.split("/") for pattern in patterns)

    return is_watched


def _select(content: Any, key: str) -> Any:
    for part in key.split("."):
        content = content.get(part) if isinstance(content, dict) else None
    return content
