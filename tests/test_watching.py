"""The whole way round in a generated project, as its owner goes it."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Project, bake
from watching_story import Story, live_through


@pytest.mark.matrix
def test_a_shop_is_told_what_moved_learns_it_and_is_quiet_again(
    ready: Project, tmp_path: Path
) -> None:
    project = ready.equip(bake(tmp_path, project_name="Shop", dataset="none"))
    project.run("uv", "sync", "--extra", "serve")
    printed = live_through(Story(project, "--no-sync"))
    assert "1.0.0: nothing has moved that matters, in 1,050 rows" in printed["quiet"]
    assert "1.0.0: age: " in printed["alarm"]
    assert "1.0.0: region: " in printed["alarm"]
    assert "use: 8,250 rows, with outcomes" in printed["use"]
    assert "use: 1,200 rows left out: no outcome was told yet" in printed["use"]
    assert " of which the present model never saw" in printed["promote"]
    assert "pass  rebuild" in printed["promote"]
    assert "1.1.0: nothing has moved that matters, in 4,000 rows" in printed["quiet again"]
