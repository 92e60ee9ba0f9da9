"""How long the default project takes to run, beside its own stages as a pipeline of Kedro.

    python benchmarks/kedro_run.py [--rounds N] [--dataset NAME] [--keras_backend NAME]

A copy of the project becomes a project of Kedro too, with four nodes that call the functions of the
stages; a word passes from node to node, so that they keep their order, and each stage reads and
writes its own files. `kedro run` is one process, as the floor is; `dvc repro` starts one for each
stage, hashes what went in and out, and keeps it in its cache.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from _timing import Case, compare
from run import ONE_PROCESS, STAGES, install, make_project, removed

NODES = f"""
from importlib import import_module

from lockstep import Project
from kedro.pipeline import Pipeline, node

STAGES = {STAGES}


def stage(name):
    def run(*before):
        getattr(import_module(f"my_project.{{name}}"), name)(Project.find())
        return "done"

    return run


def register_pipelines():
    earlier = [None, *STAGES[:-1]]
    nodes = [node(stage(n), before, n, name=n) for n, before in zip(STAGES, earlier)]
    return {{"__default__": Pipeline(nodes)}}
"""
# The package comes first: it settles what numeric libraries read from the environment.
SETTINGS = "import my_project\n"
TOOL = """
[tool.kedro]
package_name = "nodes"
project_name = "My Project"
kedro_init_version = "{version}"
source_dir = "src"
"""


def make_kedro_project(project: Path, to: Path) -> None:
    """Copy `project`, install the same versions and Kedro, and put the nodes beside its package."""
    shutil.copytree(project, to, ignore=shutil.ignore_patterns(".venv"))
    install(to)
    python = str(to / ".venv" / "bin" / "python")
    subprocess.run(["uv", "pip", "install", "--quiet", "--python", python, "kedro"], check=True)
    ask = "from importlib.metadata import version; print(version('kedro'))"
    version = subprocess.run([python, "-c", ask], check=True, capture_output=True, text=True).stdout
    for folder in ("conf/base", "conf/local", "src/nodes"):
        (to / folder).mkdir(parents=True)
    with (to / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write(TOOL.format(version=version.strip()))
    texts = {
        "conf/base/catalog.yml": "{}",
        "conf/base/parameters.yml": "{}",
        "src/nodes/__init__.py": "",
        "src/nodes/settings.py": SETTINGS,
        "src/nodes/pipeline_registry.py": NODES,
    }
    for name, text in texts.items():
        (to / name).write_text(text, encoding="utf-8")


def main(rounds: int, dataset: str, keras_backend: str) -> None:
    """Print the tables."""
    # Without it, Kedro sends what was run to its makers and waits until that is done.
    os.environ["DO_NOT_TRACK"] = "1"
    with tempfile.TemporaryDirectory() as scratch:
        answers = [f"dataset={dataset}", f"keras_backend={keras_backend}"]
        project = make_project(Path(scratch), answers)
        beside = Path(scratch) / "kedro-project"
        make_kedro_project(project, beside)
        kedro_run = [str(beside / ".venv" / "bin" / "kedro"), "run"]

        def cold(name: str, folder: Path, *command: str) -> Case:
            return Case(name, list(command), folder, before=lambda: removed(folder))

        one_process = ["python", "-c", ONE_PROCESS, *STAGES]
        compare(
            f"Raw data to metrics, {dataset} on {keras_backend}",
            [
                cold("one process", project, *one_process),
                cold("dvc repro", project, "dvc", "repro"),
                cold("kedro run", beside, *kedro_run),
            ],
            rounds,
        )
        subprocess.run(["dvc", "repro", "--quiet"], cwd=project, check=True)
        compare(
            "Again, with nothing changed",
            [
                Case("dvc repro", ["dvc", "repro"], project),
                Case("kedro run", kedro_run, beside),
            ],
            rounds,
        )


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--dataset", default="iris")
    options.add_argument("--keras_backend", default="jax")
    main(**vars(options.parse_args()))
