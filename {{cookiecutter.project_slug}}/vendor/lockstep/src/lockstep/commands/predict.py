"""Use the champion on new rows."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from ..core.errors import UserError
from ..core.files import read_yaml
from ..core.paths import Paths
from ..core.project import Project
from ..modeling.model import Model
from ..modeling.profile import read_lexicons
from ..standalone.predict import predict_file, require_other


def predict_with_champion(file: Path, output: Path | None) -> None:
    """Predict the rows of `file` with the project's champion: see `predict_file`.

    Raises:
        UserError: Nothing could be predicted, or not all; or `output` is the project's own.
    """
    project = Project.find()
    if output is not None:
        require_other(output, file)
        _require_writable(output, project)
    folder, name = project.require(project.champion), project.name(project.champion)
    champion = Model.load(folder, name)
    if champion.contract.clusters and not _has_structure(project):
        print(
            "predict: rows without any structure have clusters as clear as these: the report "
            f"says more ({project.name(project.report)})",
            file=sys.stderr,
        )
    lexicons = read_lexicons(champion, folder, name)
    predict_file(champion, file, output, resize=project.params.data.resize, lexicons=lexicons)


def _has_structure(project: Project) -> bool:
    """Whether the clusters are more than chance makes, as far as that was measured."""
    if not project.metrics.exists():
        return True
    content = json.loads(project.metrics.read_text(encoding="utf-8"))
    return bool(content.get("structureless", {}).get("is_exceeded", True))


def _require_writable(output: Path, project: Paths) -> None:
    """Make sure that nothing is lost when predictions are written to `output`."""
    path, root = output.resolve(), project.root.resolve()
    if not path.is_relative_to(root):
        return
    if any(path.is_relative_to(root / place) for place in (".git", ".dvc", *_list_places(project))):
        raise UserError(f"{output}: the pipeline reads or writes there; name another place")
    if path.is_file() and not _holds_predictions(path):
        raise UserError(f"{output}: the project's, and no predictions; name another file to write")


def _list_places(project: Paths) -> Iterator[str]:
    """What dvc.yaml says that stages read and write."""
    content = read_yaml(project.root / "dvc.yaml", "dvc.yaml") or {}
    for stage in content.get("stages", {}).values():
        for key in ("deps", "outs", "metrics", "plots"):
            for entry in stage.get(key, []):
                yield entry if isinstance(entry, str) else next(iter(entry))


def _holds_predictions(path: Path) -> bool:
    """Whether a file is empty, or begins as predictions do."""
    with path.open("rb") as file:
        names = file.readline().rstrip().split(b",")
    return names == [b""] or (b"prediction" in names and names[-1] == b"reason")
