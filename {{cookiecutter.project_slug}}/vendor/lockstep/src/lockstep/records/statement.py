"""The record of a run as an in-toto statement of its provenance, which other programs can check.

The statement is that of https://in-toto.io/Statement/v1, what it says that of
https://slsa.dev/provenance/v1. It is not signed, and tells what was recorded, not that it is true.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .changes import join_stages
from .run import RECORD, Run
from .tree import Tree

KIND = "urn:lockstep:pipeline:1"
"""How to read the parameters below: `params.yaml`, by which `dvc repro` runs `dvc.yaml`."""
BUILDER = "urn:lockstep:project"
"""The project's own pipeline, on whatever machine; there is no platform that vouches for it."""
FOLDER = "sha256Tree"
"""Of a folder: SHA-256 of what sha256sum prints of its files, in the order of their names."""


def make_statement(run: Run, tree: Tree, locks: Mapping[str, str]) -> dict[str, Any]:
    """The statement: what came out of the run, by what parameters, of what.

    Args:
        run: That of a commit.
        tree: The commit's files.
        locks: Digests of the files that name each version.
    """
    record = run.record
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [_describe(name, digest) for name, digest in record["outputs"].items()],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": KIND,
                "externalParameters": {
                    "pipeline": "dvc.yaml",
                    "parameters": record["parameters"],
                },
                "internalParameters": {"environment": record["environment"]},
                "resolvedDependencies": _list_dependencies(run, tree, locks),
            },
            "runDetails": {
                "builder": {"id": BUILDER},
                "metadata": {"invocationId": run.id},
                "byproducts": [_describe(RECORD, run.id)],
            },
        },
    }


def _list_dependencies(run: Run, tree: Tree, locks: Mapping[str, str]) -> list[dict[str, Any]]:
    assert run.commit is not None
    record = run.record
    files = record["inputs"] | record["contract"] | join_stages(record["code"]) | locks
    return [
        {"name": "commit", "digest": {"gitCommit": run.commit.sha}},
        *(
            _describe(name, digest, FOLDER if name in tree.folders else "sha256")
            for name, digest in files.items()
        ),
    ]


def _describe(name: str, digest: str, algorithm: str = "sha256") -> dict[str, Any]:
    return {"name": name, "digest": {algorithm: digest}}
