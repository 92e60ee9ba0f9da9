"""The record of a run: what went in, what computed with it, and what came out.

The same run gives the same bytes, so that their digest names it: there is no time, machine, person
or commit in it. `evaluate` depends on all that stands here, and writes it when all else is written.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..core.contract import Contract
from ..core.environment import read_environment, watched_libraries
from ..core.files import read_yaml, sha256, write_text
from ..core.inputs import list_watched_files
from ..core.project import Project
from ..core.records import FORM, NO_INPUTS, digest_source, digest_sources
from ..modeling.metrics import primary_metric
from ..modeling.model import Model


def write_record(
    project: Project, champion: Model, metrics: Mapping[str, Any], test_rows: str
) -> None:
    """Write reports/record.json, once all other outputs are there.

    Args:
        project: What the stages have written.
        champion: The model.
        metrics: What metrics.json says.
        test_rows: Digest of which rows these are.
    """
    contract, metric = champion.contract, primary_metric(project.params)
    ingest, validation = (
        json.loads(project.require(path).read_text(encoding="utf-8"))
        for path in (project.ingest_report, project.validation)
    )
    params = read_yaml(project.params_file, project.name(project.params_file))
    files, schema = _list_outputs(project), project.name(project.contract_file)
    folder = f"{project.name(project.champion)}/"
    record = {
        "record": FORM,
        "kind": champion.kind,
        "target": contract.target,
        "classes": contract.classes,
        "labels": _describe_labels(contract),
        "inputs": {name: file["sha256"] for name, file in ingest["files"].items()},
        "contract": {schema: digest_source(project.contract_file.read_bytes())},
        "parameters": {key: value for key, value in params.items() if key not in NO_INPUTS},
        "code": _read_code(project),
        "environment": read_environment(watched_libraries(project)),
        "model": {
            "candidate": champion.candidate,
            "files": {name: digest for name, digest in files.items() if name.startswith(folder)},
            "postprocessing": champion.postprocessing.model_dump(mode="json", exclude_none=True),
        },
        "metric": {"name": metric.name, "higher_is_better": metric.sign > 0},
        "validation": validation["validation"],
        "metrics": metrics,
        "test": {"rows": metrics["test_rows"], "sha256": test_rows},
        "outputs": files,
    }
    text = json.dumps(record, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    write_text(text + "\n", project.record)


def _describe_labels(contract: Contract) -> dict[str, Any] | None:
    """What tells the labels of a prediction apart; nothing of other targets."""
    column = contract.columns[contract.target]
    return (
        {"categories": contract.labels, "separator": column.separator} if contract.labels else None
    )


def _list_outputs(project: Project) -> dict[str, str]:
    """The digest of each file that a stage has written, but for the record itself."""
    outputs = [path for paths in project.outputs.values() for path in paths]
    files = [file for path in outputs for file in ([path] if path.is_file() else path.rglob("*"))]
    return {
        project.name(file): sha256(file)
        for file in files
        if file.is_file() and file != project.record
    }


def _read_code(project: Project) -> dict[str, dict[str, str]]:
    """By stage, the digest of each thing that dvc.yaml names for it and no stage writes.

    Those are code and what it looks up; raw data and the contract have their own place. Of the
    owner's package there is one for each file.
    """
    stages = (read_yaml(project.root / "dvc.yaml", "dvc.yaml") or {}).get("stages", {})
    outputs = {project.name(path) for paths in project.outputs.values() for path in paths}
    others = {*outputs, project.name(project.raw), project.name(project.contract_file)}
    code: dict[str, dict[str, str]] = {}
    own = project.root / "src" / project.package
    for name in project.outputs:
        sources = [project.root / dep for dep in stages.get(name, {}).get("deps", [])]
        code[name] = {
            project.name(path): _digest(project, path)
            for source in sources
            if project.name(source) not in others
            for path in (
                list_watched_files(project, source) if source.is_relative_to(own) else [source]
            )
        }
    return code


def _digest(project: Project, path: Path) -> str:
    if not path.is_dir():
        return digest_source(path.read_bytes())
    files = list_watched_files(project, path)
    return digest_sources({file.relative_to(path).as_posix(): file.read_bytes() for file in files})
