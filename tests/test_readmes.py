"""Every command that a README or the Makefile names does what is said of it."""

import json
import re
import socket
import subprocess
import urllib.request
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import ENVIRONMENT, TEMPLATE, Project, bake, check_out
from test_pipeline import STAGES, edit
from test_reproducibility import snapshot
from test_use import customers, write

COMMAND = re.compile(r"^\$ (.+)$", flags=re.MULTILINE)
IN_TABLE = re.compile(r"`((?:uv|make|git|nox) [^`]+)`")


def commands(text: str) -> list[str]:
    """The commands in console blocks and in backquotes, each once, in their order."""
    found = COMMAND.findall(text) + [name for name in IN_TABLE.findall(text) if name[0] != "$"]
    return list(dict.fromkeys(found))


def prints(*expected: str) -> Callable[[Project, str], None]:
    """The command succeeds and prints each of `expected`."""

    def check(project: Project, command: str) -> None:
        result = project.try_run(*command.split())
        assert result.returncode == 0, result.stdout + result.stderr
        for text in expected:
            assert text in result.stdout + result.stderr

    return check


def passes_its_tests(project: Project, command: str) -> None:
    """Networks compile in a hurry, since these train for less time than their compiling takes."""
    printed = project.run(*command.split(), JAX_DISABLE_MOST_OPTIMIZATIONS="1")
    assert re.search(r"\d\d passed, 1 skipped in", printed)


def adds_and_commits(project: Project, _: str) -> None:
    (project / "new.txt").write_text("new", encoding="utf-8")
    project.run("git", "add", "--all")
    project.run("git", "commit", "--message", "New")
    assert project.run("git", "show", "--name-only", "--format=") == "new.txt\n"
    project.run("git", "reset", "--hard", "HEAD~1")


def opens_jupyter(project: Project, command: str) -> None:
    """The server comes up with the project's environment as its kernel."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    kernels = project.run("uv", "run", "jupyter", "kernelspec", "list")
    assert str(project / ".venv") in kernels
    options = ["--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}"]
    server = subprocess.Popen(
        # Without uv in between, so that ending the process ends the server.
        [project / ".venv/bin/jupyter", *command.split()[3:], *options],
        cwd=project.root,
        env=ENVIRONMENT,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert any(f"http://127.0.0.1:{port}/lab" in line for line in server.stderr)
    finally:
        server.terminate()
        server.stderr.close()
        server.wait()


def takes_data_in(project: Project, command: str) -> None:
    """A person's file replaces the sample; test_use.py runs the pipeline on it."""
    write(customers(200), project.root.parent / "customers.csv")
    printed = project.run(*command.replace("~", str(project.root.parent)).split())
    assert printed.endswith("next: uv run dvc repro\n")
    assert {path.name for path in (project / "data/raw").glob("*.csv")} == {"customers.csv"}


def proves_the_commit(project: Project, command: str) -> None:
    """Every output is compared, and nothing of the user's has changed."""
    before = snapshot(project)
    *rows, last = project.run(*command.split()).splitlines()[1:]
    cells = [row.split() for row in rows]
    assert {stage for stage, *_ in cells} == set(STAGES)
    assert {"models/champion", "reports/figures"} <= {output for _, output, *_ in cells}
    assert {verdict for *_, verdict in cells} == {"same"}
    assert last.startswith(f"verify: all {len(rows)} outputs of ")
    assert snapshot(project) == before


def tries_other_options(project: Project, command: str) -> None:
    edit(project / "params.yaml", "trials: 64", "trials: 5")
    printed = project.run(*command.split(), "linear")
    assert printed.startswith("tune: 5 trials of 1 candidate in 2 batches\n")
    assert (project / "reports/search/index.html").exists()


def installs_the_hooks(project: Project, command: str) -> None:
    project.run(*command.split())
    assert "Passed" in project.run("uv", "run", "pre-commit", "run", "--all-files")
    source = project / "src/my_project/train.py"
    source.write_text(source.read_text(encoding="utf-8") + "import os\n", encoding="utf-8")
    project.run("git", "add", "--all")
    refused = project.try_run("git", "commit", "--message", "Unused import")
    assert refused.returncode != 0
    assert "ruff finds no mistake" in refused.stderr
    (project / ".git/hooks/pre-commit").unlink()


def shows_a_change(project: Project, command: str) -> None:
    """After another share of test rows, the command names what differs."""
    edit(project / "params.yaml", "fraction: 0.25", "fraction: 0.5")
    project.run("uv", "run", "dvc", "repro")
    printed = project.run(*command.split())
    for text in ("split.test_fraction", "0.25", "0.5", "log_loss"):
        assert text in printed


def registers(project: Project, command: str) -> None:
    printed = project.run(*command.split())
    assert "v1.0.0" in printed
    assert project.run("git", "tag").split() == ["champion@v1.0.0"]
    project.run("git", "tag", "--delete", "champion@v1.0.0")


def promotes(project: Project, command: str) -> None:
    """The first version is measured against the baseline, after its commit was rebuilt."""
    project.run("uv", "run", "my-project", "register")
    project.run(*command.split())
    assert "champion#production#1" in project.run("git", "tag").split()
    assert re.search(r"v1\.0\.0 .* production", project.run("uv", "run", "my-project", "models"))
    project.run("git", "tag", "--delete", "champion@v1.0.0", "champion#production#1")


def packs_the_model(project: Project, command: str) -> None:
    printed = project.run(*command.split())
    wheel = project / "dist/my_project_model-0.1.0-py3-none-any.whl"
    assert wheel.relative_to(project.root).as_posix() in printed
    with zipfile.ZipFile(wheel) as archive:
        record = archive.read("my_project_model/record.json")
    assert record == (project / "reports/record.json").read_bytes()


def answers_requests(project: Project, command: str) -> None:
    """A row is answered as `predict` does, and the page at / names the model."""
    predicted = project.run("uv", "run", "my-project", "predict", "data/processed/test.parquet")
    header, first, *_ = predicted.splitlines()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [*command.split(), "--port", str(port)],
        cwd=project.root,
        env=ENVIRONMENT,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        address = f"http://127.0.0.1:{port}"
        assert any(line == f"serve: {address}\n" for line in server.stderr)
        code = "import pandas as pd; rows = pd.read_parquet('data/processed/test.parquet'); "
        code += "print(rows.head(1).drop(columns='species').to_json(orient='records'))"
        rows = project.run("uv", "run", "python", "-c", code)
        request = urllib.request.Request(f"{address}/predict", rows.encode())
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=30) as answer:
            (prediction,) = json.load(answer)["predictions"]
        expected = dict(zip(header.split(","), first.split(","), strict=True))
        assert {name: str(value) for name, value in prediction.items()} == {
            name: value for name, value in expected.items() if value
        }
        with urllib.request.urlopen(address, timeout=30) as page:
            assert b"<title>" in page.read()
    finally:
        server.terminate()
        server.stderr.close()
        server.wait()


def tells_what_has_moved(project: Project, command: str) -> None:
    """Flowers of the same kind are no news, longer ones are an alarm."""
    new_rows = project.root / command.split()[-1]
    code = "import sys; import pandas as pd; rows = pd.read_csv('data/raw/iris.csv'); "
    code += "more = rows.sample(600, replace=True, random_state=0); more['petal_length'] += "
    code += "float(sys.argv[1]); more.to_csv(sys.argv[2], index=False)"
    for shift, status, words in (("0", 0, "nothing has moved"), ("2", 1, ": petal_length: ")):
        project.run("uv", "run", "python", "-c", code, shift, str(new_rows))
        result = project.try_run(*command.split())
        assert (result.returncode, words in result.stdout) == (status, True)
    new_rows.unlink()


OF_THE_PROJECT: dict[str, Callable[[Project, str], None]] = {
    "uv run dvc repro": prints("up to date"),
    "uv run dvc metrics show": prints("accuracy", "baseline.log_loss"),
    "uv run my-project use ~/customers.csv --target churned": takes_data_in,
    "uv run my-project predict data/processed/test.parquet": prints("prediction,", "virginica"),
    "uv run my-project tune": tries_other_options,
    "uv run my-project compare HEAD": shows_a_change,
    "uv run my-project runs": prints("log_loss, validated", "the first"),
    "uv run my-project register": registers,
    "uv run my-project promote latest --to production": promotes,
    "uv run my-project package": packs_the_model,
    "uv run --extra serve my-project serve": answers_requests,
    "uv run my-project monitor new_rows.csv": tells_what_has_moved,
    "uv run my-project verify": proves_the_commit,
    "uv run my-project doctor": prints("ok     python ", "ok     data       data/raw/iris.csv"),
    "git add --all": adds_and_commits,
    "git commit": adds_and_commits,
    "uv run pytest": passes_its_tests,
    "uv run jupyter lab": opens_jupyter,
    "uv run dvc status": prints("data-exploration"),
    "make lint": prints("All checks passed!", "already formatted", "4 notebooks, each named"),
    "uv run dvc exp run -S train.folds=10": prints("over 10 folds"),
    "uv run dvc exp show": prints("validation.log_loss"),
    "uv run dvc plots show": prints("dvc_plots/index.html"),
    "uv run pre-commit install": installs_the_hooks,
}


# Run and looked at in test_pages.py and test_update.py.
ELSEWHERE = {"make notebooks", "make docs", "make update"}


def test_every_command_of_the_projects_readme_is_tried(pristine: Project) -> None:
    readme = (pristine / "README.md").read_text(encoding="utf-8")
    assert set(commands(readme)) == {*OF_THE_PROJECT, *ELSEWHERE}


# Each runs stages, a server or many checks, which other tests look at from nearer by.
COSTLY = {
    "uv run my-project compare HEAD",
    "uv run my-project promote latest --to production",
    "uv run --extra serve my-project serve",
    "uv run dvc exp run -S train.folds=10",
    "uv run jupyter lab",
    "uv run pre-commit install",
}


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(command, marks=[pytest.mark.matrix] if command in COSTLY else [])
        for command in OF_THE_PROJECT
    ],
)
def test_a_command_of_the_projects_readme_works(demo: Project, command: str) -> None:
    OF_THE_PROJECT[command](demo, command)


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("repro", "uv run dvc repro"),
        ("test", "uv run pytest"),
        ("docs", "uv run --group docs sphinx-build -W -b html docs docs/_build/html"),
    ],
)
def test_a_name_of_the_makefile_stands_for_a_command(
    pristine: Project, name: str, command: str
) -> None:
    assert pristine.run("make", "--dry-run", name) == f"{command}\n"


def test_make_notebooks_hands_over_every_notebook(pristine: Project) -> None:
    notebooks = sorted(name for name in pristine.files() if name.endswith(".ipynb"))
    assert len(notebooks) == 4
    assert pristine.run("make", "--dry-run", "notebooks").splitlines() == [
        f"uv run nbstripout {' '.join(notebooks)}",
        "uv run dvc repro notebooks/dvc.yaml",
    ]


def test_the_readme_of_a_project_without_data_names_working_commands(tmp_path: Path) -> None:
    readme = (bake(tmp_path, dataset="none") / "README.md").read_text(encoding="utf-8")
    assert set(commands(readme)) <= {*OF_THE_PROJECT, *ELSEWHERE}


def test_the_readme_and_the_docs_show_the_champion_in_python(light: Project) -> None:
    readme = (light / "README.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", readme, flags=re.DOTALL)
    lines = code.strip().splitlines()
    lines[-1] = f"print({lines[-1]}.columns.tolist())"
    printed = light.run("uv", "run", "python", "-c", "\n".join(lines))
    assert "'prediction', 'probability_setosa'" in printed
    assert printed.endswith("'reason']\n")
    assert light.run("uv", "run", "python", "-m", "doctest", "docs/data.md") == ""


def test_the_readme_names_every_folder_of_the_project(pristine: Project) -> None:
    readme = (pristine / "README.md").read_text(encoding="utf-8")
    hidden = {".git", ".dvc", ".github", ".devcontainer"}
    for folder in pristine.root.iterdir():
        if folder.is_dir() and folder.name not in hidden:
            assert f"`{folder.name}/" in readme


@pytest.mark.parametrize("readme", ["README.md", "{{cookiecutter.project_slug}}/README.md"])
def test_a_readme_is_short(readme: str) -> None:
    assert len((TEMPLATE / readme).read_text(encoding="utf-8").splitlines()) < 150


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return check_out(tmp_path_factory.mktemp("fresh") / "lockstep")


@pytest.mark.usefixtures("demonstrated")
def test_make_demo_goes_from_a_fresh_checkout_to_metrics(shared: Path) -> None:
    printed = (shared / "demonstrated/printed").read_text(encoding="utf-8")
    assert "baseline.log_loss" in printed
    example = COMMAND.split((TEMPLATE / "README.md").read_text(encoding="utf-8"))[2]
    shown = [line for line in example.partition("```")[0].splitlines() if line]
    assert len(shown) == 21
    for line in shown:
        assert without_scores(line) in without_scores(printed)


def without_scores(text: str) -> str:
    """Scores may differ in their last digits with another processor or version."""
    return re.sub(r"\d\.\d{4}", "score", text)


def test_the_templates_readme_shows_what_use_prints(demo: Project, tmp_path: Path) -> None:
    readme = (TEMPLATE / "README.md").read_text(encoding="utf-8")
    _, _, shown = readme.partition("$ uv run my-project use customers.csv --target churned\n")
    file = write(customers(300), tmp_path / "customers.csv")
    printed = demo.run("uv", "run", "my-project", "use", str(file), "--target", "churned")
    assert printed.replace(str(file), file.name) == shown.partition("```")[0]


def test_make_test_is_the_commands_without_make(checkout: Project) -> None:
    readme = (TEMPLATE / "README.md").read_text(encoding="utf-8")
    planned = checkout.run("make", "--dry-run", "--always-make", "demo", "test", "PYTHON=python3")
    without_make = [name for name in COMMAND.findall(readme) if "python" in name]
    assert len(without_make) == 4
    for command in without_make:
        assert command.replace("install nox", "install --quiet nox") in planned


def test_each_benchmark_tells_its_command_and_is_listed() -> None:
    folder = TEMPLATE / "benchmarks"
    readme = (folder / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `(\w+\.py)` \| \S", readme, flags=re.MULTILINE)
    scripts = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("[!_]*.py")}
    assert sorted(listed) == sorted(scripts)
    for name, text in scripts.items():
        _, description, _ = text.split('"""', 2)
        assert f"\n    python benchmarks/{name}" in description, name


def test_the_one_command_generates_a_project(checkout: Project) -> None:
    readme = (TEMPLATE / "README.md").read_text(encoding="utf-8")
    assert "$ uvx cookiecutter lockstep\n" in readme
    beside = Project(checkout.root.parent)
    printed = beside.run("uvx", "cookiecutter", "lockstep", "--no-input", "--default-config")
    assert "my-project is ready. Next:" in printed
    assert (beside / "my-project/dvc.yaml").is_file()
