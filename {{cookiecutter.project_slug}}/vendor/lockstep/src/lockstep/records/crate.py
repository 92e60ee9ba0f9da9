"""The record of a run as the description of a research object, for archives and repositories.

It is that of an RO-Crate 1.1 (https://w3id.org/ro/crate/1.1) of the profile Workflow Run Crate 0.5
(https://w3id.org/ro/wfrun/workflow/0.5): in the project's folder as `ro-crate-metadata.json`, it
makes the folder one.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from ruamel.yaml import YAML

from ..core.errors import guard_reading
from .changes import flatten, join_stages
from .repository import Commit, Repository
from .run import RECORD, Run
from .tree import Tree

METADATA, ROOT = "ro-crate-metadata.json", "./"
WORKFLOW, LICENCE = "dvc.yaml", "LICENSE"
AUTHOR, DVC, RUN = "#author", "#dvc", "#run"
CRATE = "https://w3id.org/ro/crate/1.1"
WORKFLOW_CRATE = "https://w3id.org/workflowhub/workflow-ro-crate/1.0"
PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": ("Process Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/workflow/0.5": ("Workflow Run Crate", "0.5"),
    WORKFLOW_CRATE: ("Workflow RO-Crate", "1.0"),
}
TERMS = {"sha256": "https://w3id.org/ro/terms/workflow-run#sha256"}
"""What the profile adds to the words that version 1.1 knows."""
FORMATS = {
    ".csv": "text/csv",
    ".html": "text/html",
    ".ipynb": "application/x-ipynb+json",
    ".jpg": "image/jpeg",
    ".json": "application/json",
    ".lock": "text/plain",
    ".md": "text/markdown",
    ".parquet": "application/vnd.apache.parquet",
    ".png": "image/png",
    ".py": "text/x-python",
    ".tsv": "text/tab-separated-values",
    ".txt": "text/plain",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".yaml": "application/yaml",
    ".zip": "application/zip",
}
"""By the end of a file's name; the standard library's differ from system to system."""

Entity = dict[str, Any]


def make_crate(repository: Repository, run: Run, tree: Tree) -> Entity:
    """The description: the files of a run, what it was made of, and who committed it when.

    Args:
        repository: Where the commit is.
        run: That of a commit.
        tree: The commit's files.

    Raises:
        UserError: The commit's pyproject.toml or contract cannot be read.
    """
    assert run.commit is not None
    return {
        "@context": [f"{CRATE}/context", TERMS],
        "@graph": _Crate(repository, run, run.commit, tree).list_entities(),
    }


class _Crate:
    """What is described, each thing once; other things refer to it by its `@id`."""

    def __init__(self, repository: Repository, run: Run, commit: Commit, tree: Tree) -> None:
        self.repository, self.run, self.commit, self.tree = repository, run, commit, tree
        record, environment = run.record, run.record["environment"]
        (contract,) = record["contract"]
        about_data = self.describe_data(contract)
        self.inputs = [each | about_data for each in self.describe_files(record["inputs"])]
        self.settings = self.describe_files([contract, "params.yaml"])
        self.code = self.describe_files(sorted(join_stages(record["code"])))
        self.outputs = self.describe_files({**record["outputs"], RECORD: run.id})
        others = self.describe_files(["README.md", LICENCE, "dvc.lock", "uv.lock"])
        self.others = [each | {"about": {"@id": ROOT}} for each in others]
        parameters = flatten(record["parameters"]).items()
        self.values = [
            *(_describe_value("parameters", name, value) for name, value in parameters),
            _describe_value("environment", "processor", environment["processor"]),
        ]
        self.figures = [
            _describe_value("metrics", name, record["metrics"][name])
            for name in record["metrics"]["intervals"]
        ]
        self.software = [
            _describe_software(name, version)
            for name, version in environment.items()
            if name != "processor" and version != "none"
        ]
        self.profiles = [
            {"@id": address, "@type": "CreativeWork", "name": name, "version": version}
            for address, (name, version) in PROFILES.items()
        ]

    def list_entities(self) -> list[Entity]:
        workflow = self.describe_workflow()
        files = [*(workflow, *self.inputs, *self.settings, *self.code, *self.outputs, *self.others)]
        return [
            {
                "@id": METADATA,
                "@type": "CreativeWork",
                "about": {"@id": ROOT},
                "conformsTo": [{"@id": CRATE}, {"@id": WORKFLOW_CRATE}],
            },
            self.describe_root(files),
            *self.profiles,
            {"@id": AUTHOR, "@type": "Person", "name": self.commit.author},
            {"@id": DVC, "@type": "ComputerLanguage", "name": "DVC", "url": "https://dvc.org/"},
            self.describe_action(),
            *(*files, *self.values, *self.figures, *self.software),
        ]

    def describe_root(self, files: list[Entity]) -> Entity:
        text = self.repository.read(self.commit.sha, "pyproject.toml") or b""
        with guard_reading(f"{self.commit.short}:pyproject.toml: not valid TOML"):
            project = tomllib.loads(text.decode()).get("project", {})
        title = project.get("name", self.repository.paths.root.name)
        licence = project.get("license", "not stated")
        return {
            "@id": ROOT,
            "@type": "Dataset",
            "name": title,
            "description": project.get("description", f"A run of {title}"),
            "license": {"@id": LICENCE} if LICENCE in self.tree.files else licence,
            "datePublished": self.commit.date.isoformat(),
            "version": self.commit.sha,
            "author": {"@id": AUTHOR},
            "conformsTo": _refer(self.profiles),
            "mainEntity": {"@id": WORKFLOW},
            "mentions": {"@id": RUN},
            "hasPart": _refer(files),
        }

    def describe_workflow(self) -> Entity:
        return {
            **self.describe_file(WORKFLOW),
            "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow"],
            "programmingLanguage": {"@id": DVC},
            "version": self.commit.sha,
            "softwareRequirements": _refer(self.software),
            "hasPart": _refer(self.code),
        }

    def describe_action(self) -> Entity:
        record = self.run.record
        return {
            "@id": RUN,
            "@type": "CreateAction",
            "identifier": self.run.id,
            "name": f"{record['kind'].capitalize()} of {record['target']} by {self.run.candidate}",
            "description": "`dvc repro`, by the settings in params.yaml",
            "instrument": {"@id": WORKFLOW},
            "agent": {"@id": AUTHOR},
            "object": _refer([*self.inputs, *self.settings, *self.values]),
            "result": _refer([*self.outputs, *self.figures]),
            "actionStatus": "http://schema.org/CompletedActionStatus",
        }

    def describe_data(self, contract: str) -> Entity:
        """What the contract says of the raw data, whose licence need not be that of the code."""
        text = self.repository.read(self.commit.sha, contract) or b""
        with guard_reading(f"{self.commit.short}:{contract}: not valid YAML"):
            content = YAML(typ="safe", pure=True).load(text)
            return {
                "description": f"{content['title']}. Source: {content['source']}",
                "license": content["licence"],
            }

    def describe_files(self, names: Iterable[str]) -> list[Entity]:
        """Those of them that there are, with their digests if there are any."""
        digests = names if isinstance(names, dict) else {}
        return [self.describe_file(name, digests.get(name)) for name in names if name in self.tree]

    def describe_file(self, name: str, digest: str | None = None) -> Entity:
        if name in self.tree.folders:
            return {"@id": f"{quote(name)}/", "@type": "Dataset", "name": name}
        ending = PurePosixPath(name).suffix.lower()
        return {
            "@id": quote(name),
            "@type": "File",
            "name": name,
            "encodingFormat": FORMATS.get(ending, "application/octet-stream"),
            **({"sha256": digest} if digest else {}),
        }


def _describe_value(kind: str, name: str, value: Any) -> Entity:
    text = value if isinstance(value, str | int | float) else json.dumps(value)
    return {"@id": f"#{kind}/{quote(name)}", "@type": "PropertyValue", "name": name, "value": text}


def _describe_software(name: str, version: str) -> Entity:
    kind = "generic" if name == "python" else "pypi"
    return {
        "@id": f"pkg:{kind}/{name}@{quote(version)}",
        "@type": "SoftwareApplication",
        "name": name,
        "softwareVersion": version,
    }


def _refer(entities: Iterable[Entity]) -> list[Entity]:
    return [{"@id": entity["@id"]} for entity in entities]
