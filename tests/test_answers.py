"""What the answers to the questions make of the template's files."""

import html
import json
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from conftest import TEMPLATE, Project, bake
from cookiecutter.environment import StrictEnvironment
from ruamel.yaml import YAML

QUESTIONS = json.loads((TEMPLATE / "cookiecutter.json").read_text(encoding="utf-8"))
CHOICES = {
    question: values
    for question, values in QUESTIONS.items()
    if isinstance(values, list) and not question.startswith("_")
}
EVERY_CHOICE = [(question, value) for question, values in CHOICES.items() for value in values]
FREE_TEXT = ["project_name", "description", "author_name"]

PROJECT = "{{cookiecutter.project_slug}}"
PACKAGE = f"{PROJECT}/src/{{{{cookiecutter.package_name}}}}"
VENDOR = TEMPLATE / PROJECT / "vendor"
COMMON = """
    .devcontainer/devcontainer.json .dockerignore .dvc/.gitignore .dvc/config .dvcignore
    .gitattributes .github/dependabot.yml
    .github/workflows/ci.yml .github/workflows/verify.yml .gitignore
    .pre-commit-config.yaml Dockerfile LICENSE Makefile README.md compose.yaml dvc.yaml params.yaml
    pyproject.toml
    data/external/README.md data/interim/.gitignore data/interim/README.md
    data/processed/.gitignore data/processed/README.md data/raw/README.md
    docs/_static/comparison.png docs/_static/history.png docs/_static/monitoring.png
    docs/_static/monitoring_story.png docs/_static/monitoring_story_quiet.png
    docs/_static/project.css docs/_static/project.js docs/_static/search_history.png
    docs/_static/search_slices.png docs/_static/serving.png
    docs/anomalies.md docs/cluster.md docs/clustering.md docs/conf.py docs/data.md
    docs/forecasting.md docs/index.md docs/library.md docs/modelling.md docs/monitoring.md
    docs/labels.md docs/monitoring_story.md docs/registry.md docs/sequences.md docs/serving.md
    docs/texts.md docs/tuning.md docs/yours.md
    models/.gitignore models/README.md
    notebooks/1.0-yn-data-exploration.ipynb notebooks/2.0-yn-model-review.ipynb
    notebooks/3.0-yn-new-rows.ipynb notebooks/4.0-yn-run-comparison.ipynb notebooks/README.md
    notebooks/dvc.yaml
    references/README.md references/decisions/0001-what-this-project-pins.md
    references/decisions/README.md references/decisions/template.md references/schema.yaml
    reports/README.md
""".split()
HOOK = (TEMPLATE / "hooks" / "pre_gen_project.py").read_text(encoding="utf-8")
STARTERS = {
    "digits": {"images"},
    "flights": {"forecasting"},
    "vowels": {"sequences"},
    "phrases": {"texts"},
    "weather": {"anomalies"},
    "storms": {"tables", "ordered"},
    "paintings": {"texts"},
    "wines": {"clusters"},
}
RAW = {
    "iris": {"data/raw/iris.csv"},
    "diabetes": {"data/raw/diabetes.csv"},
    "digits": {"data/raw/digits.zip"},
    "flights": {"data/raw/flights.csv"},
    "vowels": {"data/raw/vowels.csv"},
    "phrases": {"data/raw/phrases.csv"},
    "weather": {"data/raw/weather.csv"},
    "visits": {"data/raw/visits.csv"},
    "storms": {"data/raw/storms.csv"},
    "paintings": {"data/raw/paintings.csv"},
    "wines": {"data/raw/wines.csv"},
    "none": set(),
}


def python_files() -> set[str]:
    """The package and its tests, the same for every answer, as they are in the template."""
    package = TEMPLATE / PACKAGE
    tests = TEMPLATE / PROJECT / "tests"
    return {
        *(f"src/my_project/{path.relative_to(package)}" for path in package.rglob("*.py")),
        *(f"tests/{path.name}" for path in tests.glob("*.py")),
    }


def vendored() -> dict[str, bytes]:
    """The bundled library's files in the template, caches left out."""
    files = [path for path in VENDOR.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    return {f"vendor/{path.relative_to(VENDOR).as_posix()}": path.read_bytes() for path in files}


@pytest.fixture(scope="module", params=EVERY_CHOICE, ids="-".join)
def chosen(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Project, str]:
    """A project with one answer of a choice, and the data set that it then has."""
    question, value = request.param
    project = bake(tmp_path_factory.mktemp("chosen"), **{question: value})
    return project, value if question == "dataset" else "iris"


def test_a_project_has_exactly_its_files(chosen: tuple[Project, str]) -> None:
    project, dataset = chosen
    starters = STARTERS.get(dataset, {"tables"})
    candidates = {f"src/my_project/models/{name}.py" for name in starters}
    expected = {*COMMON, *python_files(), *vendored(), *RAW[dataset], *candidates}
    assert project.files() - {".cruft.json"} == expected


def test_no_template_syntax_is_left_over(chosen: tuple[Project, str]) -> None:
    project, _ = chosen
    # The library and pictures are not rendered; cruft's record names questions.
    names = project.files() - {"data/raw/digits.zip"} - {*vendored()}
    for name in {name for name in names if not name.endswith(".png")}:
        content = (project / name).read_bytes()
        marks = {b"cookiecutter.", b"package_name", b"{%"}
        marks -= {b"package_name"} if name == ".cruft.json" else set()
        for mark in marks:
            assert mark not in content, f"{mark!r} in {name}"


def test_a_project_names_its_own_package_and_command_only(tmp_path: Path) -> None:
    project = bake(tmp_path, project_name="Own One")
    for name in project.files() - {*vendored()}:
        content = (project / name).read_bytes()
        assert not {each for each in (b"my_project", b"my-project") if each in content}, name


def test_the_package_is_the_same_as_in_the_template(pristine: Project) -> None:
    package = TEMPLATE / PACKAGE
    paths = [*package.rglob("*.py")]
    assert len(paths) == 10
    for path in paths:
        copy = pristine / "src/my_project" / path.relative_to(package)
        assert copy.read_bytes() == path.read_bytes()


@pytest.mark.parametrize(("dataset", "kinds"), [("iris", {"tables"}), *STARTERS.items()])
def test_a_project_has_the_candidates_for_its_kind_of_data(
    tmp_path: Path, dataset: str, kinds: set[str]
) -> None:
    models = bake(tmp_path, dataset=dataset) / "src/my_project/models"
    assert {path.stem for path in models.iterdir()} == {"__init__", "common", *kinds}
    for kind in kinds:
        starter = VENDOR / "lockstep" / "starters" / f"{kind}.py"
        assert (models / starter.name).read_bytes() == starter.read_bytes()


def test_the_library_is_copied_as_it_is(pristine: Project) -> None:
    assert len(vendored()) > 60
    for name, content in vendored().items():
        assert (pristine / name).read_bytes() == content, name
    assert not list(pristine.root.rglob("__pycache__"))


def test_the_project_asks_for_the_version_of_the_library_that_it_holds(pristine: Project) -> None:
    project, library = (
        tomllib.loads((pristine / name).read_text(encoding="utf-8"))
        for name in ("pyproject.toml", "vendor/lockstep/pyproject.toml")
    )
    version = library["project"]["version"]
    assert re.fullmatch(r"\d+\.\d+\.\d+\+bundled", version)
    assert f"lockstep-core=={version}" in project["project"]["dependencies"]
    source = project["tool"]["uv"]["sources"]["lockstep-core"]
    assert source == {"path": "vendor/lockstep", "editable": True}


def test_no_strangers_library_is_installed_where_the_path_is_not_read(
    pristine: Project, tmp_path: Path
) -> None:
    """As pip does not, with an index on which somebody has put the name."""
    metadata = "Metadata-Version: 2.1\nName: lockstep-core\nVersion: 9.9.9\n"
    with zipfile.ZipFile(tmp_path / "lockstep_core-9.9.9-py3-none-any.whl", "w") as wheel:
        wheel.writestr("lockstep_core-9.9.9.dist-info/METADATA", metadata)
        wheel.writestr("lockstep_core-9.9.9.dist-info/WHEEL", "Wheel-Version: 1.0\n")
    index = ["--no-index", "--find-links", str(tmp_path)]
    refused = pristine.try_run(
        "uv", "pip", "compile", "--quiet", "--no-sources", *index, "pyproject.toml"
    )
    assert refused.returncode != 0
    assert "there is no version of lockstep-core==1" in " ".join(refused.stderr.split())


@pytest.mark.parametrize("backend", CHOICES["keras_backend"])
def test_the_backend_is_installed_and_used(tmp_path: Path, backend: str) -> None:
    project = bake(tmp_path, keras_backend=backend)
    metadata = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    installed = {requirement.partition(">=")[0] for requirement in metadata["dependencies"]}
    assert installed & set(CHOICES["keras_backend"]) == {backend}
    assert YAML(typ="safe").load(project / "params.yaml")["keras_backend"] == backend


@pytest.mark.parametrize(
    ("licence", "first_line"),
    [
        ("MIT", "MIT License"),
        ("BSD-3-Clause", "BSD 3-Clause License"),
        ("Apache-2.0", "Apache License"),
        ("Proprietary", "All rights reserved."),
    ],
)
def test_the_licence_names_its_holder(tmp_path: Path, licence: str, first_line: str) -> None:
    project = bake(tmp_path, open_source_license=licence, author_name="Ada Lovelace")
    text = (project / "LICENSE").read_text(encoding="utf-8")
    assert first_line in text.split("\n\n")[0]
    assert "Ada Lovelace" in text
    assert "[name of copyright owner]" not in text


HOSTILE = 'Say "x" \\ <b> [link](nowhere.md) {role}`text` $x$ # % \N{BAR CHART}'


@pytest.mark.matrix
def test_a_project_with_odd_texts_builds_and_documents_itself(tmp_path: Path) -> None:
    project = bake(tmp_path, **dict.fromkeys(FREE_TEXT, HOSTILE), project_slug="odd")
    project.run("uv", "run", "--no-default-groups", "odd", "--help")
    project.run("make", "docs")
    page = (project / "docs/_build/html/index.html").read_text(encoding="utf-8")
    text = html.unescape(re.sub(r"<[^>]*>", "", page))
    assert HOSTILE in text


def test_ruff_finds_nothing_to_mend_with_the_longest_name(tmp_path: Path) -> None:
    project = bake(tmp_path, package_name="x" * 40)
    assert project.run("ruff", "check", "--no-cache") == "All checks passed!\n"
    project.run("ruff", "format", "--check", "--no-cache")


@pytest.mark.parametrize(("author", "initials"), [("42", "xx"), ("Ada B. Love", "abl")])
def test_initials_fall_back_to_a_name_of_their_own(
    tmp_path: Path, author: str, initials: str
) -> None:
    project = bake(tmp_path, author_name=author)
    assert (project / "notebooks" / f"1.0-{initials}-data-exploration.ipynb").is_file()


def test_a_name_without_letters_still_names_a_folder(tmp_path: Path) -> None:
    assert bake(tmp_path, project_name="\N{BAR CHART}").root == tmp_path / "project"


def test_the_refused_names_cover_every_dependency(light: Project) -> None:
    lock = tomllib.loads((light / "uv.lock").read_text(encoding="utf-8"))
    names = {package["name"].replace("-", "_").replace(".", "_") for package in lock["package"]}
    names -= {"my_project"}
    refused = set(HOOK.partition('TAKEN = """')[2].partition('"""')[0].split())
    modules = {"sklearn", "sphinx", "conftest", "test"}
    of_dependencies = {"click", "jaxlib", "packaging", "requests", "rich", "scipy", "yaml"}
    wanted = names | modules | of_dependencies | set(CHOICES["keras_backend"])
    assert wanted - refused == set()


def test_the_refused_names_cover_every_program_that_is_called(pristine: Project) -> None:
    texts = [pristine / name for name in ("Makefile", ".pre-commit-config.yaml", "README.md")]
    text = "".join(path.read_text(encoding="utf-8") for path in texts)
    called = {*re.findall(r"uv run (?:--\S+ (?:docs |serve )?)?([a-z][a-z-]+)", text)}
    called -= {"my-project"}
    assert {"dvc", "sphinx-build", "check-yaml", "ruff"} <= called
    lists = re.findall(r'= """(.*?)"""\.split', HOOK, flags=re.DOTALL)
    refused = {name.replace("_", "-") for listed in lists for name in listed.split()}
    assert called - refused == set()


def test_a_python_that_is_too_old_is_told_so() -> None:
    start = HOOK.partition("ANSWERS")[0]
    command = [sys.executable, "-c", f"import sys; sys.version_info = (3, 9, 18)\n{start}"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert "3.11 or later is needed" in done.stderr


@pytest.mark.parametrize("package", ["pipes", "distutils", "imp"])
def test_a_module_that_only_an_older_python_has_is_refused(tmp_path: Path, package: str) -> None:
    """As on Python 3.13, whose standard library no longer has it."""
    answers = json.loads((TEMPLATE / "cookiecutter.json").read_text(encoding="utf-8"))
    answers |= {"project_slug": "odd", "package_name": package, "dataset": "iris"}
    hook = HOOK.replace("{{ cookiecutter | tojson }}", json.dumps(answers))
    command = [sys.executable, "-c", f"import sys; sys.stdlib_module_names = set()\n{hook}"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    told = f"error: package_name: '{package}' will not do: Python's standard library has a module"
    assert done.stderr.startswith(told)


def test_the_same_answers_give_the_same_bytes(tmp_path: Path, pristine: Project) -> None:
    again = bake(tmp_path)
    assert again.files() == pristine.files()
    for name in pristine.files():
        assert (again / name).read_bytes() == (pristine / name).read_bytes(), name


def test_the_project_is_a_git_repository_without_commits(pristine: Project) -> None:
    assert pristine.run("git", "symbolic-ref", "HEAD") == "refs/heads/main\n"
    assert pristine.try_run("git", "log").returncode != 0


def test_folders_survive_a_git_clone(tmp_path: Path, pristine: Project) -> None:
    project = pristine.copy(tmp_path / "original")
    project.commit()
    project.run("git", "clone", "--quiet", ".", str(tmp_path / "clone"))
    assert Project(tmp_path / "clone").files() == pristine.files()


def test_generating_needs_no_git(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "cookiecutter", "--no-input", "--default-config"]
    command += ["--output-dir", str(tmp_path), str(TEMPLATE)]
    done = subprocess.run(command, env={"PATH": ""}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "git init                 (DVC needs a git repository" in done.stdout
    assert not (tmp_path / "my-project" / ".git").exists()


def test_what_the_hook_prints_is_ascii(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    bake(tmp_path, author_name="Zo\N{LATIN SMALL LETTER E WITH DIAERESIS}", dataset="none")
    printed = capfd.readouterr().out
    assert "my-project is ready. Next:" in printed
    assert "uv run my-project use FILE --target COLUMN   takes your data in" in printed
    assert printed.isascii()


def test_initials_of_the_author_name_the_notebook(tmp_path: Path) -> None:
    project = bake(tmp_path, author_name="\N{LATIN CAPITAL LETTER E WITH ACUTE}mile van der Zee")
    assert (project / "notebooks" / "1.0-evdz-data-exploration.ipynb").is_file()


@pytest.mark.parametrize(
    "path",
    [
        path
        for path in sorted((TEMPLATE / PROJECT).rglob("*"))
        if path.is_file()
        and path.suffix not in {".png", ".pyc", ".zip"}
        and "digits.zip" not in path.name
        and not path.is_relative_to(VENDOR)
    ],
    ids=lambda path: path.relative_to(TEMPLATE / PROJECT).as_posix(),
)
def test_a_file_of_the_template_is_valid_jinja(path: Path) -> None:
    environment = StrictEnvironment(context={"cookiecutter": {}})
    environment.parse(path.read_text(encoding="utf-8"))
    environment.parse(path.name)


def test_the_projects_pyproject_is_valid_as_it_stands_in_the_template() -> None:
    text = (TEMPLATE / PROJECT / "pyproject.toml").read_text(encoding="utf-8")
    assert "project" in tomllib.loads(text)


def test_every_question_has_a_prompt_for_people() -> None:
    asked = {question for question in QUESTIONS if not question.startswith("_")}
    assert set(QUESTIONS["__prompts__"]) == asked
    for question, values in CHOICES.items():
        prompt = QUESTIONS["__prompts__"][question]
        if isinstance(prompt, dict):
            assert set(prompt) == {"__prompt__", *values}
