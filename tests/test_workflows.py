"""The generated continuous integration: each step's command is run as the workflow lists it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from conftest import Project
from ruamel.yaml import YAML
from test_pipeline import edit

WORKFLOWS = {"ci.yml": ["lint", "test", "results"], "verify.yml": ["verify"]}
HASHED = re.compile(r"hashFiles\('([^']+)'\)")
# Run and looked at in test_pages.py, and as steps of the job in the matrix.
IN_PAGES = ("make notebooks", "make docs")
PINNED = re.compile(r"[\w-]+/[\w-]+@[0-9a-f]{40}")


def workflow(project: Project, name: str) -> dict:
    return YAML(typ="safe", pure=True).load(project / f".github/workflows/{name}")


def steps(project: Project) -> Iterator[dict]:
    for name, jobs in WORKFLOWS.items():
        for job in jobs:
            yield from workflow(project, name)["jobs"][job]["steps"]


def some_file(project: Project, pattern: str) -> bool:
    """Whether `hashFiles` would find one; of patterns it has rules of its own."""
    assert not set(pattern) & set("*?[")
    return (project / pattern).is_file()


def play(
    project: Project,
    name: str,
    job: str,
    folder: Path,
    event: str,
    *,
    left_out: Sequence[str] = (),
    last: str = "",
) -> str:
    """Run the job's commands, up to the step named `last`, as a runner does on Linux.

    Returns:
        The summary that the job leaves.
    """
    variables, summary = folder / "variables", folder / "summary"
    variables.touch()
    settings = workflow(project, name)["env"]
    summary.touch()
    for step in workflow(project, name)["jobs"][job]["steps"]:
        condition = step.get("if", "")
        if step.get("run") in left_out:
            continue
        if "uses" in step or ("pull_request" in condition and event != "pull_request"):
            continue
        if not all(some_file(project, pattern) for pattern in HASHED.findall(condition)):
            continue
        kept = dict(line.split("=", 1) for line in variables.read_text().splitlines())
        script = folder / "step.sh"
        script.write_text(step["run"])
        project.run(
            *("bash", "--noprofile", "--norc", "-e", "-o", "pipefail", str(script)),
            **settings | kept,
            GITHUB_ENV=str(variables),
            GITHUB_STEP_SUMMARY=str(summary),
            GITHUB_BASE_REF="main",
            # The whole of the project's tests is run for its README.
            PYTEST_ADDOPTS="tests/test_settings.py tests/test_metrics.py",
        )
        if step.get("name") == last:
            return summary.read_text()
    if "environment.yaml" in str(workflow(project, name)["jobs"][job]):
        recorded = YAML(typ="safe").load(project / "environment.yaml")["python"]
        assert kept == {"UV_PYTHON": recorded}
    return summary.read_text()


def test_every_job_is_known_here(pristine: Project) -> None:
    found = {path.name for path in (pristine / ".github/workflows").iterdir()}
    assert found == set(WORKFLOWS)
    for name, jobs in WORKFLOWS.items():
        assert list(workflow(pristine, name)["jobs"]) == jobs


def test_actions_are_pinned_and_get_nothing_they_do_not_need(pristine: Project) -> None:
    for name in WORKFLOWS:
        content = workflow(pristine, name)
        assert content["permissions"] == {"contents": "read"}
        assert not any("permissions" in job for job in content["jobs"].values())
    used = [step for step in steps(pristine) if "uses" in step]
    assert len(used) == 2 * 4
    for step in used:
        assert PINNED.fullmatch(step["uses"])
        if step["uses"].startswith("actions/checkout"):
            assert step["with"]["persist-credentials"] is False


def test_commands_are_those_of_the_makefile(pristine: Project) -> None:
    makefile = (pristine / "Makefile").read_text(encoding="utf-8")
    for step in steps(pristine):
        match step.get("run", "").split():
            case ["make", *options]:
                (goal,) = [word for word in options if word.isalpha()]
                assert f"\n{goal}:\n" in makefile
            case ["uv", "run", "pytest", *options]:
                assert f"\t{' '.join(['uv', 'run', 'pytest', *options])}\n" in makefile


@pytest.mark.matrix
def test_the_tests_pass_as_the_workflow_calls_them(demo: Project, tmp_path: Path) -> None:
    assert play(demo, "ci.yml", "test", tmp_path, "push") == ""


def test_what_is_linted_is_what_the_readme_lints(pristine: Project) -> None:
    run = [step["run"] for step in workflow(pristine, "ci.yml")["jobs"]["lint"]["steps"][2:]]
    assert run == ["make lint"]


def test_versions_that_are_not_those_of_the_lock_fail(demo: Project, tmp_path: Path) -> None:
    edit(demo / "pyproject.toml", "dependencies = [\n", 'dependencies = [\n    "tabulate",\n')
    with pytest.raises(AssertionError, match=r"uv\.lock"):
        play(demo, "ci.yml", "lint", tmp_path, "push")


@pytest.mark.matrix
def test_a_pull_request_is_told_what_it_changes(demo: Project, tmp_path: Path) -> None:
    demo.run("git", "update-ref", "refs/remotes/origin/main", "HEAD")
    params = demo / "params.yaml"
    text = params.read_text(encoding="utf-8").replace("fraction: 0.25", "fraction: 0.5")
    params.write_text(text, encoding="utf-8", newline="\n")
    demo.run("uv", "run", "dvc", "repro")
    demo.commit()
    summary = play(demo, "ci.yml", "results", tmp_path, "pull_request", left_out=IN_PAGES)
    assert re.search(r"\| params\.yaml +\| split\.test_fraction +\| 0\.25 +\| 0\.5 +\|", summary)
    assert re.search(r"\| reports/metrics\.json +\| log_loss +\| \S+ +\| \S+ +\| \S+ +\|", summary)


def test_results_that_are_not_those_of_the_code_fail(demo: Project, tmp_path: Path) -> None:
    params = demo / "params.yaml"
    text = params.read_text(encoding="utf-8").replace("fraction: 0.25", "fraction: 0.5")
    params.write_text(text, encoding="utf-8", newline="\n")
    demo.commit()
    with pytest.raises(AssertionError, match=r"-  .*fraction|metrics\.json"):
        play(demo, "ci.yml", "results", tmp_path, "push")


@pytest.mark.matrix
def test_results_that_are_those_of_the_code_pass(demo: Project, tmp_path: Path) -> None:
    demo.run("make", "notebooks")
    demo.commit()
    assert play(demo, "ci.yml", "results", tmp_path, "push") == ""


@pytest.mark.matrix
def test_verify_rebuilds_the_commit(demo: Project, tmp_path: Path) -> None:
    play(demo, "verify.yml", "verify", tmp_path, "schedule")
