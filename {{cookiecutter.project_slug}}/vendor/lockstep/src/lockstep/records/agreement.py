"""Whether a record is that of the code, the settings and the results that lie beside it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from ..core.inputs import make_filter
from ..core.records import NO_INPUTS, digest_source, digest_sources
from .repository import Repository
from .run import RECORD, Run


class Tree(Protocol):
    """The files of a project, as they are or as they were at a commit."""

    def read_many(self, names: Sequence[str]) -> list[bytes | None]:
        """The content of files; None where one is not there."""
        ...

    def read_below(self, name: str) -> dict[str, bytes]:
        """The files below a folder by their names in it; a file itself has an empty name."""
        ...


def find_disagreements(repository: Repository, run: Run) -> list[str]:
    """What is otherwise than a run's record tells, at its commit or in the workspace.

    There is some where something was edited without running the pipeline. That the results follow
    from the rest is not known by this: `verify` proves it.

    Returns:
        A few words for each thing.
    """
    tree = _Commit(repository, run.commit.sha) if run.commit else _Workspace(repository.paths.root)
    record = run.record
    code = {name: digest for stage in record["code"].values() for name, digest in stage.items()}
    return [
        *_compare_lock(tree),
        *_compare_parameters(tree, record["parameters"]),
        *_compare_sources(tree, {**record["contract"], **code}),
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


class _Workspace:
    def __init__(self, root: Path) -> None:
        self.root = root

    def read_many(self, names: Sequence[str]) -> list[bytes | None]:
        paths = [self.root / name for name in names]
        return [path.read_bytes() if path.is_file() else None for path in paths]

    def read_below(self, name: str) -> dict[str, bytes]:
        path = self.root / name
        files = [path] if path.is_file() else filter(Path.is_file, path.rglob("*"))
        return {
            "" if file == path else file.relative_to(path).as_posix(): file.read_bytes()
            for file in files
        }


def _read_yaml(content: bytes | None) -> dict[str, Any]:
    try:
        values = YAML(typ="safe", pure=True).load(content or b"")
    except YAMLError:
        return {}
    return values if isinstance(values, dict) else {}


def _compare_lock(tree: Tree) -> Iterator[str]:
    record, lock = tree.read_many([RECORD, "dvc.lock"])
    stages = _read_yaml(lock).get("stages", {}).values()
    digests = {out["path"]: out.get("md5") for stage in stages for out in stage.get("outs", [])}
    if digests.get(RECORD) != hashlib.md5(record or b"").hexdigest():
        yield f"dvc.lock is not of the run that wrote {RECORD}"


def _compare_parameters(tree: Tree, before: Mapping[str, Any]) -> Iterator[str]:
    # As JSON, since YAML has more types, and the record has been through it.
    values = _read_yaml(tree.read_many(["params.yaml"])[0])
    after = json.loads(json.dumps(values, default=str))
    for key in {**before, **after}:
        if key not in NO_INPUTS and before.get(key) != after.get(key):
            yield f"params.yaml has another `{key}`"


def _compare_sources(tree: Tree, digests: Mapping[str, str]) -> Iterator[str]:
    (ignore,) = tree.read_many([".dvcignore"])
    is_watched = make_filter((ignore or b"").decode("utf-8", "replace"))
    for name, digest in digests.items():
        files = {file: text for file, text in tree.read_below(name).items() if is_watched(file)}
        if digest != (digest_source(files[""]) if "" in files else digest_sources(files)):
            yield f"{name} is another"


def _compare_outputs(tree: Tree, digests: Mapping[str, str]) -> Iterator[str]:
    """The reports, which git keeps; data and models are DVC's, and may be large."""
    names = [name for name in digests if name.startswith("reports/")]
    for name, content in zip(names, tree.read_many(names), strict=True):
        if content is not None and hashlib.sha256(content).hexdigest() != digests[name]:
            yield f"{name} is another"
