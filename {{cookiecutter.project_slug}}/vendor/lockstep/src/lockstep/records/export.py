"""`record`: what a commit's run was made of and what came out, in the form that is asked for."""

from __future__ import annotations

import hashlib
import json
import sys
from typing import Any

from ..core.errors import UserError
from ..core.paths import Paths
from .agreement import find_disagreements
from .crate import make_crate
from .repository import Repository
from .run import RECORD, WORKSPACE, Run, read_run
from .statement import make_statement
from .tracking import track_run
from .tree import Tree

LOCKS = ("dvc.lock", "uv.lock")


def print_record(revision: str, form: str) -> None:
    """Print the record of a commit's run as JSON or in another form, or enter it in MLflow.

    Args:
        revision: A commit, branch or tag.
        form: `json`, `slsa`, `ro-crate` or `mlflow`.

    Raises:
        UserError: There is no such commit, it holds no run, or MLflow is not installed.
    """
    repository = Repository(Paths.find())
    run = read_run(repository, revision)
    if run.commit is None:
        raise UserError(f"{WORKSPACE}: no commit yet: commit it first, or see {RECORD}")
    if differences := find_disagreements(repository, run):
        print(
            f"record: {run.name} was committed without running the pipeline anew: "
            f"{'; '.join(differences)}",
            file=sys.stderr,
        )
    match form:
        case "json":
            _print_json(_list_all(repository, run))
        case "slsa":
            _print_json(make_statement(run, Tree(repository, run), _read_locks(repository, run)))
        case "ro-crate":
            _print_json(make_crate(repository, run, Tree(repository, run)))
        case _:
            print(track_run(repository.paths, run))


def _print_json(content: dict[str, Any]) -> None:
    # In ASCII, which every terminal and file takes for the same.
    print(json.dumps(content, indent=2))


def _list_all(repository: Repository, run: Run) -> dict[str, Any]:
    assert run.commit is not None
    commit = run.commit._asdict() | {"date": run.commit.date.isoformat()}
    locks = _read_locks(repository, run)
    return {"id": run.id, "commit": commit, "locks": locks, **run.record}


def _read_locks(repository: Repository, run: Run) -> dict[str, str]:
    """Digests of those files of the commit that name every version and every file."""
    assert run.commit is not None
    contents = repository.read_many([(run.commit.sha, name) for name in LOCKS])
    return {
        name: hashlib.sha256(content).hexdigest()
        for name, content in zip(LOCKS, contents, strict=True)
        if content is not None
    }
