"""All that decides the figures of a trial, as one text."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from ..core.environment import read_environment, watched_libraries
from ..core.files import sha256, sha256_of_all
from ..core.own import import_own
from ..core.project import Project

LIBRARY = Path(__file__).parents[1]


def fingerprint(project: Project) -> str:
    """Hexadecimal digest of data, settings but for the candidates, code and versions."""
    params = project.params.model_dump(mode="json", exclude={"search", "data", "evaluate"})
    del params["train"]["candidates"]
    own = Path(str(import_own(project, "train").__file__)).parent
    content = {
        "train": sha256(project.require(project.train)),
        "contract": project.contract.model_dump(mode="json"),
        "params": params,
        "code": sha256_of_all(
            file for folder in (LIBRARY, own) for file in sorted(folder.rglob("*.py"))
        ),
        "versions": read_environment(watched_libraries(project)),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
