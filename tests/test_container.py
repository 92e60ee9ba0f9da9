"""The images that the Dockerfile makes: as reviewers read it, and as they are once built."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest
from conftest import Project, bake
from ruamel.yaml import YAML
from test_reviewers import review

IGNORED = ("data", "models", "notebooks", "reports", ".git", ".dvc", ".serve", ".env", ".venv")


@pytest.fixture(scope="module", params=["iris", "none"])
def project(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project as it is generated."""
    return bake(tmp_path_factory.mktemp("container"), dataset=request.param)


@pytest.mark.skipif(sys.platform == "win32", reason="hadolint is not made for it")
@pytest.mark.parametrize("licence", ["MIT", "Proprietary"])
def test_hadolint_finds_nothing(tmp_path: Path, licence: str) -> None:
    project = bake(tmp_path, open_source_license=licence)
    review(project, "hadolint", "--failure-threshold", "style", "Dockerfile")


def test_the_services_are_what_compose_expects(project: Project) -> None:
    schema = ("--builtin-schema", "vendor.compose-spec")
    review(project, "check-jsonschema", *schema, "compose.yaml")


def test_the_server_may_write_nothing_and_others_cannot_reach_it(project: Project) -> None:
    services = YAML(typ="safe").load(project / "compose.yaml")["services"]
    server = services["server"]
    assert server["read_only"]
    assert server["cap_drop"] == ["ALL"]
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert ports == ["127.0.0.1:8000:8000"]


def test_no_data_go_into_an_image(project: Project) -> None:
    lines = (project / ".dockerignore").read_text(encoding="utf-8").splitlines()
    first, *rules = [line for line in lines if not line.startswith("#")]
    assert first == "*"
    let_in = [rule.removeprefix("!/").partition("/")[0] for rule in rules if rule[0] == "!"]
    assert set(let_in).isdisjoint(IGNORED)


def test_what_is_copied_is_let_in(project: Project) -> None:
    text = (project / "Dockerfile").read_text(encoding="utf-8")
    copied = " ".join(re.findall(r"^COPY (?!--from)(.+) \S+$", text, flags=re.MULTILINE))
    copied = copied.replace("${MODEL}", "dist/*.whl").replace(".yam[l]", ".yaml")
    lines = (project / ".dockerignore").read_text(encoding="utf-8").splitlines()
    let_in = {line.removeprefix("!/").rstrip("/") for line in lines if line.startswith("!")}
    assert set(copied.split()) == let_in


def test_an_editor_finds_the_image(project: Project) -> None:
    folder = project / ".devcontainer"
    build = json.loads((folder / "devcontainer.json").read_text(encoding="utf-8"))["build"]
    text = (folder / build["dockerfile"]).read_text(encoding="utf-8")
    assert re.search(rf"^FROM .+ AS {build['target']}$", text, flags=re.MULTILINE)
    assert (folder / build["context"]).resolve() == project.root.resolve()
