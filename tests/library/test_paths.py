"""Where a project is, and what lies in it."""

from pathlib import Path

import pytest
from lockstep.core.errors import UserError
from lockstep.core.project import Project


def test_the_project_is_found_from_a_folder_inside_it(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.root / "data" / "raw")
    assert Project.find().root == project.root


def test_outside_a_project_the_error_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"not inside a project: no params\.yaml"):
        Project.find()
