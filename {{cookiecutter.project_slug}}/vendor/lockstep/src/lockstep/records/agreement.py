"""Whether a record is that of the code, the settings and the results that lie beside it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import Any, Protocol, TypeVar

from ..core.errors import UserError
from ..core.files import join_digests, parse_yaml, sha256
from ..core.inputs import make_filter
from ..core.raw_files import is_data
from ..core.records import NO_INPUTS, digest_source, digest_sources
from .repository import Repository
from .run import RECORD, Run

T = TypeVar("T")
POINTER = re.compile(rb"version https://git-lfs\S+\noid sha256:([0-9a-f]{64})\n")
"""What git LFS commits instead of a large file (its specification, version 1)."""
MOST_BYTES = 100_000_000
"""Of raw data in the workspace that are read to see whether they are still those of its run."""


class Files(Protocol):
    """The files of a project, as they are or as they were at a commit."""

    def list_below(self, name: str) -> list[str]:
        """The names of the files at or below a path."""
        ...

    def digest_all(self, names: Sequence[str]) -> list[str] | None:
        """The digests of files; None if they are too large to be read by the way."""
        ...

    def read_many(self, names: Sequence[str]) -> list[bytes | None]:
        """The content of files; None where one is not there."""
        ...

    def read_below(self, name: str) -> dict[str, bytes]:
        """The files below a folder by their names in it; a file itself has an empty name."""
        ...


def find_disagreements(repository: Repository, run: Run) -> list[str]:
    """What is otherwise than a run's record tells, at its commit or in the workspace.

    There is some where something was edited without running the pipeline. That the results follow
    from the rest is not known by this, nor whether raw data that DVC keeps are those that were
    read: `verify` proves both.

    Returns:
        A few words for each thing.
    """
    tree = _Commit(repository, run.commit.sha) if run.commit else _Workspace(repository.paths.root)
    record = run.record
    code = {name: digest for stage in record["code"].values() for name, digest in stage.items()}
    sources = _Sources(tree)
    return [
        *_compare_lock(tree),
        *_compare_commands(tree),
        *_compare_parameters(tree, record["parameters"]),
        *_compare_raw(tree, record),
        *_compare_sources(sources, {**record["contract"], **code}),
        *_find_new_code(sources, record["code"].get("evaluate", {})),
        *_compare_outputs(tree, record["outputs"]),
    ]


class _Commit:
    def __init__(self, repository: Repository, sha: str) -> None:
        self.repository, self.sha = repository, sha

    def read_many(self, names: Sequence[str]) -> list[bytes | None]:
        return self.repository.read_many([(self.sha, name) for name in names])

    def read_below(self, name: str) -> dict[str, bytes]:
        files = self.repository.list_files(self.sha, name)
        contents = self.repository.read_objects([*files.values()])
        pairs = zip(files, contents, strict=True)
        return {file: content for file, content in pairs if content is not None}

    def list_below(self, name: str) -> list[str]:
        files = self.repository.list_files(self.sha, name)
        return [f"{name}/{file}".rstrip("/") for file in files]

    def digest_all(self, names: Sequence[str]) -> list[str] | None:
        return [_digest_blob(content or b"") for content in self.read_many(names)]


class _Workspace:
    def __init__(self, root: Path) -> None:
        self.root = root

    def read_many(self, names: Sequence[str]) -> list[bytes | None]:
        paths = [self.root / name for name in names]
        return [path.read_bytes() if path.is_file() else None for path in paths]

    def read_below(self, name: str) -> dict[str, bytes]:
        return {
            file.removeprefix(name).lstrip("/"): (self.root / file).read_bytes()
            for file in self.list_below(name)
        }

    def list_below(self, name: str) -> list[str]:
        path = self.root / name
        files = [path] if path.is_file() else filter(Path.is_file, path.rglob("*"))
        return [file.relative_to(self.root).as_posix() for file in files]

    def digest_all(self, names: Sequence[str]) -> list[str] | None:
        paths = [self.root / name for name in names]
        if sum(path.stat().st_size for path in paths) > MOST_BYTES:
            return None
        return [*map(sha256, paths)]


def _digest_blob(content: bytes) -> str:
    """Of a file as it is checked out: git may hold a pointer in its place."""
    pointer = POINTER.match(content)
    return pointer[1].decode() if pointer else hashlib.sha256(content).hexdigest()


def _read_yaml(content: bytes | None) -> dict[str, Any]:
    try:
        values = parse_yaml(content or b"", "")
    except (UserError, ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}


def _compare_lock(tree: Files) -> Iterator[str]:
    record, lock = tree.read_many([RECORD, "dvc.lock"])
    digest = hashlib.md5(record or b"").hexdigest()
    outs = [_find(stage, "outs", list) for stage in _read_stages(lock).values()]
    entries = [entry for entry in chain(*outs) if isinstance(entry, dict)]
    if not any(entry.get("path") == RECORD and entry.get("md5") == digest for entry in entries):
        yield f"dvc.lock is not of the run that wrote {RECORD}"


def _compare_commands(tree: Files) -> Iterator[str]:
    """What DVC would run now against what it has run, but for commands that have variables."""
    pipeline, lock = map(_read_stages, tree.read_many(["dvc.yaml", "dvc.lock"]))
    for name, stage in lock.items():
        before, after = (_find(one, "cmd", str).split() for one in (stage, pipeline.get(name)))
        if before and after and before != after and not any("${" in word for word in after):
            yield f"dvc.yaml has another `cmd` of {name}"


def _read_stages(content: bytes | None) -> dict[str, Any]:
    return _find(_read_yaml(content), "stages", dict)


def _find(section: Any, key: str, kind: type[T]) -> T:
    """What a section has at a key, empty if that is something else."""
    value = section.get(key) if isinstance(section, dict) else None
    return value if isinstance(value, kind) else kind()


def _compare_raw(tree: Files, record: Mapping[str, Any]) -> Iterator[str]:
    """The raw data that are there; what DVC keeps is not at a commit."""
    inputs = record["inputs"]
    for name, digest in inputs.items():
        digests = tree.digest_all(_list_data(tree, name))
        if digests and join_digests(digests) != digest:
            yield f"{name} is another"
    raw = _find(_find(record["parameters"], "data", dict), "raw", str)
    for file in _list_data(tree, raw):
        if not inputs.keys() & {file, *map(str, PurePosixPath(file).parents)}:
            yield f"{file} is new"


def _list_data(tree: Files, name: str) -> list[str]:
    """The files at or below a path that `ingest` reads, in its order."""
    top = PurePosixPath(name)
    files = sorted(map(PurePosixPath, tree.list_below(str(top)) if name else []))
    return [
        str(file)
        for file in files
        if all(is_data(PurePosixPath(part)) for part in file.relative_to(top).parts)
    ]


def _compare_parameters(tree: Files, before: Mapping[str, Any]) -> Iterator[str]:
    # As JSON, since YAML has more types, and the record has been through it.
    values = _read_yaml(tree.read_many(["params.yaml"])[0])
    after = json.loads(json.dumps(values, default=str, skipkeys=True))
    for key in {**before, **after}:
        if key not in NO_INPUTS and before.get(key) != after.get(key):
            yield f"params.yaml has another `{key}`"


class _Sources:
    """The files that DVC looks at."""

    def __init__(self, tree: Files) -> None:
        (ignore,) = tree.read_many([".dvcignore"])
        self.tree = tree
        self.is_watched = make_filter((ignore or b"").decode("utf-8", "replace"))

    def read_below(self, name: str) -> dict[str, bytes]:
        files = self.tree.read_below(name)
        return {file: content for file, content in files.items() if self.is_watched(file)}


def _compare_sources(sources: _Sources, digests: Mapping[str, str]) -> Iterator[str]:
    for name, digest in digests.items():
        files = sources.read_below(name)
        if digest != (digest_source(files[""]) if "" in files else digest_sources(files)):
            yield f"{name} is another"


def _find_new_code(sources: _Sources, digests: Mapping[str, str]) -> Iterator[str]:
    """Files of the owner's package, all of which `evaluate` has recorded, that came later."""
    for init in [name for name in digests if PurePosixPath(name).match("src/*/__init__.py")]:
        package = PurePosixPath(init).parent
        for name in sorted(f"{package}/{file}" for file in sources.read_below(str(package))):
            if name not in digests:
                yield f"{name} is new"


def _compare_outputs(tree: Files, digests: Mapping[str, str]) -> Iterator[str]:
    """The reports, which git keeps; data and models are DVC's, and may be large."""
    names = [name for name in digests if name.startswith("reports/")]
    for name, content in zip(names, tree.read_many(names), strict=True):
        if content is not None and hashlib.sha256(content).hexdigest() != digests[name]:
            yield f"{name} is another"
