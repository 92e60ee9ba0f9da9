"""Any sensible answer makes a project, any hostile one is refused or does no harm.

The answers go through the command that a person calls, and what they become is read back from each
file that shows them by that format's own parser.
"""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
import tomllib
from pathlib import Path

import nbformat
import pytest
from conftest import ENVIRONMENT, TEMPLATE, Project
from cookiecutting import run_cookiecutter
from ruamel.yaml import YAML
from test_answers import CHOICES, FREE_TEXT
from test_pipeline import pin_torch

Answers = dict[str, str]
PLAIN = {"project_slug": "plain", "package_name": "plain"}
TEXTS = {
    "double quotes": 'Say "hello" and ""',
    "single quotes": "It's O'Neill's ''' and '",
    "typographic quotes": "“curly” ‘single’ «guillemets» `back`",
    "triple quotes": '"""docstring"""',
    "backslashes": r"C:\new\table \" \\ \u0041 \x",
    "dollar and braces": "${HOME} $(id) $x$ {a} %(b)s %d",
    "hash": "# not a comment",
    "colon": "key: value: 1",
    "percent": "100% of %s",
    "leading dash": "- a list",
    "two leading dashes": "--version",
    "leading dot": ".hidden",
    "leading dots": "../../x",
    "absolute": "/abs",
    "of Windows": r"C:\x",
    "markup": "<b>&amp; [link](x.md) *bold* _it_ | {role}`x`",
    "script": "<script>alert(1)</script>",
    "emoji": "\N{BAR CHART} by \N{WOMAN}\N{ZERO WIDTH JOINER}\N{MICROSCOPE}",
    "accents": "Zoë Ångström-Núñez",
    "right to left": "مشروع البيانات",
    "Persian": "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
    "Chinese": "数据 科学",
    "long": "x" * 200,
    "long words": "word " * 39 + "end.",
    "yaml": "[a, b]: {c: !!python/object x} *anchor &ref",
    "toml": "a = 1 # [table]",
    "spaces of other kinds": "データ\N{IDEOGRAPHIC SPACE}サイエンス Jean\N{NO-BREAK SPACE}Dupont",
    "flag": "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
    "keyword": "class",
    "number": "42",
    "boolean": "no",
    "null": "null",
}
REFUSED = {
    ("project_slug", "../../x"): "use lower-case letters",
    ("project_slug", "/abs"): "use lower-case letters",
    ("project_slug", "C:\\x"): "use lower-case letters",
    ("project_slug", ".hidden"): "use lower-case letters",
    ("project_slug", "-dash"): "use lower-case letters",
    ("project_slug", "a--b"): "use lower-case letters",
    ("project_slug", "Upper"): "use lower-case letters",
    ("project_slug", "1st"): "use lower-case letters",
    ("project_slug", "with space"): "use lower-case letters",
    ("project_slug", "émile"): "use lower-case letters",
    ("project_slug", "a.b"): "use lower-case letters",
    ("project_slug", "x" * 200): "use at most 60 characters",
    ("project_slug", "con"): "Windows keeps this name",
    ("project_slug", "nul"): "Windows keeps this name",
    ("project_slug", "aux"): "Windows keeps this name",
    ("project_slug", "lpt1"): "Windows keeps this name",
    ("project_slug", "numpy"): "a package that the project installs",
    ("project_slug", "scikit-learn"): "a package that the project installs",
    ("project_slug", "rich"): "a package that the project installs",
    ("project_slug", "s3fs"): "a package that the project installs",
    ("project_slug", "lockstep-core"): "a package that the project installs",
    ("project_slug", "sphinx-build"): "a program that the project calls",
    ("project_slug", "python3"): "a program that the project calls",
    ("project_slug", "x" * 61): "use at most 60 characters",
    ("package_name", "x" * 41): "use at most 40 characters",
    ("package_name", "../../x"): "use lower-case letters",
    ("package_name", "a-b"): "use lower-case letters",
    ("package_name", "_private"): "use lower-case letters",
    ("package_name", "Upper"): "use lower-case letters",
    ("package_name", "1st"): "use lower-case letters",
    ("package_name", "x" * 200): "use at most 40 characters",
    ("package_name", "class"): "a word of the Python language",
    ("package_name", "match"): "a word of the Python language",
    ("package_name", "json"): "Python's standard library",
    ("package_name", "lockstep"): "something else that the project needs",
    ("package_name", "vendor"): "something else that the project needs",
    ("package_name", "sklearn"): "something else that the project needs",
    ("package_name", "test_use"): "pytest would take it for a test",
    ("package_name", "tests"): "something else that the project needs",
    ("package_name", "con"): "something else that the project needs",
    ("author_email", "nobody"): "write it as name@example.com",
    ("author_email", "a@b@c"): "write it as name@example.com",
    ("author_email", 'a"@b.c'): "write it as name@example.com",
    ("author_email", "zoë@b.c"): "write it as name@example.com",
    ("author_email", "a..b@c.de"): "write it as name@example.com",
    ("author_email", ".a@c.de"): "write it as name@example.com",
    ("author_email", "a@c..de"): "write it as name@example.com",
    **{(name, " "): "it must not be empty" for name in FREE_TEXT},
    **{(name, "\u3000\u200b"): "it must not be empty" for name in FREE_TEXT},
    **{(name, "two\nlines"): "line breaks and control characters" for name in FREE_TEXT},
    **{(name, "a\tb"): "line breaks and control characters" for name in FREE_TEXT},
    **{(name, "over\u202eride"): "line breaks and control characters" for name in FREE_TEXT},
    **{(name, "nul\x01"): "line breaks and control characters" for name in FREE_TEXT},
}


def generate(folder: Path, answers: Answers, *options: str) -> subprocess.CompletedProcess[str]:
    """Call cookiecutter with these answers as a person would."""
    said = [f"{question}={answer}" for question, answer in answers.items()]
    usual = ["--no-input", "--default-config", "--output-dir", str(folder)]
    return run_cookiecutter([*usual, *options, str(TEMPLATE), *said], ENVIRONMENT, folder)


def made(folder: Path, answers: Answers) -> Project:
    """The one project that these answers make in a new folder."""
    done = generate(folder, answers)
    assert done.returncode == 0, done.stdout + done.stderr
    (root,) = folder.iterdir()
    return Project(root)


def read_all(project: Project) -> None:
    """Read every file by its own format."""
    for name in project.files():
        path = project / name
        match path.suffix:
            case ".toml":
                tomllib.loads(path.read_text(encoding="utf-8"))
            case ".json":
                json.loads(path.read_text(encoding="utf-8"))
            case ".yaml" | ".yml":
                YAML(typ="safe", pure=True).load(path)
            case ".ipynb":
                nbformat.validate(nbformat.read(path, as_version=4))
            case ".py":
                compile(path.read_text(encoding="utf-8"), name, "exec")


# Every other one each time, the rest where there is time.
@pytest.mark.parametrize(
    "text",
    [
        pytest.param(text, id=name, marks=[pytest.mark.matrix] if place % 2 else [])
        for place, (name, text) in enumerate(TEXTS.items())
    ],
)
def test_a_text_comes_back_from_every_file_that_shows_it(tmp_path: Path, text: str) -> None:
    project = made(tmp_path, dict.fromkeys(FREE_TEXT, text) | PLAIN)
    read_all(project)
    metadata = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert metadata["description"] == text
    assert metadata["authors"] == [{"name": text, "email": "you@example.com"}]
    assert (project / "README.md").read_text(encoding="utf-8").startswith(f"# {text}\n\n{text}\n")
    assert text in (project / "LICENSE").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "becomes"),
    [("{{ 6 * 7 }}", "42"), ("{% if true %}a{% endif %}", "a"), ("{# gone #}a", "a")],
)
def test_what_cookiecutter_takes_for_a_template_ends_as_a_text(
    tmp_path: Path, text: str, becomes: str
) -> None:
    project = made(tmp_path, {"description": text})
    metadata = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert metadata["description"] == becomes


@pytest.mark.parametrize("text", ["{{ nothing }}", "{% include 'x' %}", "{{", "{% for %}"])
def test_a_template_that_cannot_be_filled_in_leaves_nothing(tmp_path: Path, text: str) -> None:
    done = generate(tmp_path, {"description": text})
    assert done.returncode != 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("question", "answer"), REFUSED, ids=lambda value: ascii(value)[:30])
def test_what_cannot_work_is_refused_before_anything_is_written(
    tmp_path: Path, question: str, answer: str
) -> None:
    inside = tmp_path / "a" / "b"
    inside.mkdir(parents=True)
    plain = PLAIN if question in FREE_TEXT else {}
    done = generate(inside, plain | {question: answer})
    assert done.returncode != 0
    told = f"{question}: {answer!a} will not do: "
    assert told in done.stderr
    assert REFUSED[question, answer] in done.stderr.partition(told)[2].splitlines()[0]
    assert "Traceback" not in done.stderr
    assert [path for path in tmp_path.rglob("*") if path != inside] == [tmp_path / "a"]


@pytest.mark.parametrize("question", ["project_slug", "package_name", "author_email"])
def test_an_empty_answer_is_refused(tmp_path: Path, question: str) -> None:
    # Without a name the folder would be the one around it: -f would write there.
    done = generate(tmp_path, {"package_name": "a", question: ""}, "-f")
    assert done.returncode != 0
    assert f"{question}: '' will not do: " in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("length", [50, 70, 200])
def test_a_long_name_alone_makes_a_project(tmp_path: Path, length: int) -> None:
    project = made(tmp_path, {"project_name": ("word " * 40)[:length], "author_name": "A " * 200})
    assert len(project.root.name) <= 60
    (package,) = [path.parent.name for path in project.root.glob("src/*/__init__.py")]
    assert len(package) <= 40
    assert (project / "notebooks/1.0-aaaaa-data-exploration.ipynb").is_file()


@pytest.mark.parametrize(
    ("name", "slug"), [("2024 Sales", "project-2024-sales"), ("42", "project-42"), ("数", "shu")]
)
def test_a_name_that_begins_with_no_letter_makes_a_project(
    tmp_path: Path, name: str, slug: str
) -> None:
    assert made(tmp_path, {"project_name": name}).root.name == slug


def test_a_project_within_another_repository_says_so(tmp_path: Path) -> None:
    told = "It lies within another git repository, and is one of its own"
    assert told not in generate(tmp_path, {"project_slug": "outside"}).stdout
    Project(tmp_path).run("git", "init", "--quiet")
    assert told in generate(tmp_path, {}).stdout


def test_a_choice_that_is_none_is_refused(tmp_path: Path) -> None:
    done = generate(tmp_path, {"dataset": "titanic"})
    assert done.returncode != 0
    assert "titanic" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_project_that_is_there_is_left_alone(tmp_path: Path) -> None:
    project = made(tmp_path, {})
    (project / "README.md").write_text("mine", encoding="utf-8")
    done = generate(tmp_path, {})
    assert done.returncode != 0
    assert "already exists" in done.stdout
    assert (project / "README.md").read_text(encoding="utf-8") == "mine"


def test_what_is_generated_over_a_project_deletes_nothing_of_its_owner(tmp_path: Path) -> None:
    project = made(tmp_path, {})
    project.commit()
    own = ["data/raw/own.csv", "models/champion/model.json", "src/my_project/own.py", "uv.lock"]
    for name in own:
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(name, encoding="utf-8")
    project.commit()
    before = project.run("git", "rev-parse", "HEAD")
    assert generate(tmp_path, {"dataset": "digits"}, "-f").returncode == 0
    assert project.run("git", "rev-parse", "HEAD") == before
    project.commit()
    assert generate(tmp_path, {"package_name": "class"}, "-f").returncode != 0
    for name in own:
        assert (project / name).read_text(encoding="utf-8") == name
    assert (project / "data/raw/iris.csv").exists()


@pytest.mark.parametrize("name", ["data/raw/iris.csv", "references/schema.yaml", "new.txt"])
def test_nothing_is_generated_over_what_git_does_not_keep(tmp_path: Path, name: str) -> None:
    project = made(tmp_path, {})
    project.commit()
    (project / name).write_text("mine", encoding="utf-8")
    done = generate(tmp_path, {}, "-f")
    assert done.returncode != 0
    told = "error: my-project: this folder holds what git does not keep and would be lost; commit"
    assert told in done.stderr
    assert (project / name).read_text(encoding="utf-8") == "mine"
    project.commit()
    assert generate(tmp_path, {}, "-f").returncode == 0
    assert project.run("git", "show", f"HEAD:{name}") == "mine"


@pytest.mark.parametrize("ignored", [False, True])
def test_nothing_is_generated_over_what_is_in_no_repository(tmp_path: Path, ignored: bool) -> None:
    project = made(tmp_path, {})
    shutil.rmtree(project / ".git")
    if ignored:
        project.run("git", "init", "--quiet", str(tmp_path))
        (tmp_path / ".gitignore").write_text("my-project/\n", encoding="utf-8")
    (project / "README.md").write_text("mine", encoding="utf-8")
    done = generate(tmp_path, {}, "-f")
    assert done.returncode != 0
    assert "error: my-project: this folder holds what git does not keep" in done.stderr
    assert (project / "README.md").read_text(encoding="utf-8") == "mine"


def test_nothing_is_generated_over_data_that_dvc_keeps(tmp_path: Path) -> None:
    project = made(tmp_path, {})
    raw = project / "data/raw"
    (raw / "iris.csv").unlink()
    (raw / ".gitignore").write_text("/iris.csv\n", encoding="utf-8")
    project.commit()
    (raw / "iris.csv").write_text("mine", encoding="utf-8")
    done = generate(tmp_path, {}, "-f")
    assert done.returncode != 0
    assert "error: my-project: data/raw/iris.csv is your own and would be lost; ch" in done.stderr
    assert (raw / "iris.csv").read_text(encoding="utf-8") == "mine"
    assert generate(tmp_path, {"dataset": "none"}, "-f").returncode == 0
    assert (raw / "iris.csv").read_text(encoding="utf-8") == "mine"


VALUES = {
    "project_name": ["My Project", 'Zoë\'s "data" # 1', "数据"],
    "project_slug": ["my-project", "a", "x" * 60, "a_b-c1"],
    "package_name": ["my_project", "x", "y" * 40],
    "description": ["A reproducible data science project.", TEXTS["yaml"], "- " + "x" * 200],
    "author_name": ["Your Name", "42", 'O\'Neill, "Ada" \\'],
    "author_email": ["you@example.com", "a.b+c@d-e.org"],
    **CHOICES,
}


def covering(values: dict[str, list[str]]) -> list[Answers]:
    """Few sets of answers in which every two answers to two questions meet, found greedily."""

    def pairs(answers: Answers) -> set[frozenset[tuple[str, str]]]:
        return {frozenset(pair) for pair in itertools.combinations(answers.items(), 2)}

    left = {
        frozenset({(one, this), (other, that)})
        for one, other in itertools.combinations(values, 2)
        for this in values[one]
        for that in values[other]
    }
    found = []
    while left:
        answers = dict(min(left, key=sorted))
        for question in values:
            if question not in answers:
                answers[question] = max(
                    values[question],
                    key=lambda value: len(pairs(answers | {question: value}) & left),
                )
        left -= pairs(answers)
        found.append({question: answers[question] for question in values})
    return found


SETS = covering(VALUES)
NAMES = [
    "-".join(answers[question] for question in CHOICES) + f"-{number}"
    for number, answers in enumerate(SETS)
]


def test_every_two_answers_meet_in_a_set() -> None:
    for one, other in itertools.combinations(VALUES, 2):
        met = {(answers[one], answers[other]) for answers in SETS}
        assert met == {*itertools.product(VALUES[one], VALUES[other])}


@pytest.mark.parametrize(
    "answers",
    # Each meets pairs that none before it has met, the first ones the most of them.
    [*SETS[:6], *(pytest.param(answers, marks=pytest.mark.matrix) for answers in SETS[6:])],
    ids=NAMES,
)
def test_every_two_answers_go_together(tmp_path: Path, answers: Answers) -> None:
    project = made(tmp_path, answers)
    assert project.root.name == answers["project_slug"]
    read_all(project)
    assert project.run("ruff", "check", "--no-cache") == "All checks passed!\n"
    project.run("ruff", "format", "--check", "--no-cache")
    metadata = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert metadata["scripts"] == {answers["project_slug"]: "lockstep.commands.cli:main"}
    assert metadata["description"] == answers["description"]
    assert metadata["authors"] == [
        {"name": answers["author_name"], "email": answers["author_email"]}
    ]


@pytest.mark.matrix
@pytest.mark.parametrize("answers", SETS[:12], ids=NAMES[:12])
def test_a_dozen_sets_run_from_end_to_end(tmp_path: Path, answers: Answers) -> None:
    from test_use import customers, quicken, write

    project = made(tmp_path, answers)
    pin_torch(project)
    if answers["dataset"] == "none":
        file = write(customers(200), tmp_path.parent / f"{tmp_path.name}.csv")
        command = ["uv", "run", answers["project_slug"], "use", str(file), "--target", "churned"]
        project.run(*command)
        quicken(project)
    project.run("uv", "run", "dvc", "repro")
    metrics = json.loads((project / "reports/metrics.json").read_text(encoding="utf-8"))
    metric = YAML(typ="safe").load(project / "params.yaml")["train"]["metric"]
    assert sum(metrics["gain"][metric]) > 0  # the champion is better than the baseline
    project.run("uv", "run", "pytest", "--quiet", "tests/test_settings.py", "tests/test_models.py")
    project.run("make", "docs")
