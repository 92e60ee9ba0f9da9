"""What is checked before a commit: each hook lets the project pass and refuses what it is for."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from conftest import Project
from ruamel.yaml import YAML

# An example that Amazon's own manual gives; in two parts, since this file is searched as well.
KEY = "aws_access_key_id = " + "AKIA" + "IOSFODNN7EXAMPLE\n"
OPENAI = "sk-" + "a1B2" * 5 + "T3BlbkFJ" + "c3D4" * 5
HUGGING_FACE = "hf_" + "aB3" * 12
PRIVATE = "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIBOgIBAAJBAK\n"
NOTEBOOK = "notebooks/1.0-yn-data-exploration.ipynb"


def writes(name: str, content: str) -> Callable[[Project], None]:
    """A new file."""

    def change(project: Project) -> None:
        (project / name).write_text(content, encoding="utf-8", newline="\n")

    return change


def replaces(name: str, old: str, new: str) -> Callable[[Project], None]:
    """An edit of a file."""

    def change(project: Project) -> None:
        text = (project / name).read_text(encoding="utf-8")
        assert old in text
        writes(name, text.replace(old, new))(project)

    return change


# A hook, what it refuses, and what it says.
REFUSED = [
    ("ruff-check", writes("src/my_project/own.py", "print(nothing)\n"), "F821"),
    ("ruff-format", writes("src/my_project/own.py", "x  =  1\n"), "1 file reformatted"),
    ("mypy", writes("src/my_project/own.py", 'X: int = "a"\n'), "Incompatible types"),
    ("settings", replaces("params.yaml", "seed: 42", "sead: 42"), "sead: unknown key"),
    ("locks", replaces("params.yaml", "folds: 2", "folds: 4"), "out of date: train, evaluate"),
    (
        "locks",
        replaces("pyproject.toml", '"numpy>=2.3"', '"numpy>=2.3.1"'),
        "uv.lock is not what pyproject.toml asks for",
    ),
    (
        "notebook-names",
        writes("notebooks/Review.ipynb", "{}"),
        "notebooks/Review.ipynb: a notebook",
    ),
    (
        "nbstripout",
        replaces(
            NOTEBOOK,
            '"outputs": []',
            '"outputs": [{"name": "stdout", "output_type": "stream", "text": "x"}]',
        ),
        "files were modified",
    ),
    ("large-files", writes("notes.txt", "x" * 1_100_000), "notes.txt (1075 KB) exceeds 1024 KB"),
    ("secrets", writes("notes.txt", KEY), "AWS Access Key"),
    ("secrets", writes("notes.txt", PRIVATE), "Private Key"),
    ("secrets", writes("notes.py", 'password = "hunter2-and-more"\n'), "Secret Keyword"),
    ("secrets", writes("notes.py", f'client = connect(api_key="{OPENAI}")\n'), "OpenAI Token"),
    ("secrets", writes("notes.py", 'a = connect("s3://ada:hunter2more@b.c/x")\n'), "Basic Auth"),
    ("tokens", writes("notes.py", f'client = connect("{HUGGING_FACE}")\n'), "notes.py:1"),
    ("large-files", writes("data/raw/own.csv", "x" * 1_100_000), "own.csv (1075 KB) exceeds"),
    ("rejected", writes("README.md.rej", "x"), "could not merge this"),
    ("yaml", writes("notes.yaml", "a: [1\n"), "notes.yaml"),
    ("toml", writes("notes.toml", "a = [1\n"), "notes.toml"),
]
# What is not the owner's to mend is not looked at.
BUNDLED = "vendor/lockstep/src/lockstep/core/files.py"


def run(project: Project, hook: str) -> tuple[int, str]:
    """Its status, and what the hook says of all that git knows."""
    project.run("git", "add", "--all")
    # As git calls it; `uv run` before it would renew uv.lock.
    done = project.try_run(str(project / ".venv/bin/pre-commit"), "run", hook, "--all-files")
    return done.returncode, done.stdout + done.stderr


def test_every_hook_is_tried(pristine: Project) -> None:
    config = YAML(typ="safe").load(pristine / ".pre-commit-config.yaml")
    hooks = {hook["id"] for hook in config["repos"][0]["hooks"]}
    assert hooks == {hook for hook, *_ in REFUSED} | {"conflicts"}


# Of a hook's cases the first each time, the others where there is time.
@pytest.mark.parametrize(
    ("hook", "change", "said"),
    [
        pytest.param(
            *case,
            id=f"{case[0]}-{case[2]}",
            marks=[pytest.mark.matrix] if case[0] in {hook for hook, *_ in REFUSED[:place]} else [],
        )
        for place, case in enumerate(REFUSED)
    ],
)
def test_a_hook_refuses_what_it_is_for(
    demo: Project, hook: str, change: Callable[[Project], None], said: str
) -> None:
    change(demo)
    status, told = run(demo, hook)
    assert status != 0
    assert said in told


def test_hooks_leave_the_bundled_library_alone(demo: Project) -> None:
    writes(BUNDLED, "x  =  nothing\n")(demo)
    for hook in ("ruff-check", "ruff-format"):
        assert run(demo, hook)[0] == 0
    assert (demo / BUNDLED).read_text(encoding="utf-8") == "x  =  nothing\n"


def test_a_hook_refuses_a_conflict_that_is_left_over(demo: Project) -> None:
    writes("notes.txt", "<" * 7 + " HEAD\nmine\n" + "=" * 7 + "\nyours\n" + ">" * 7 + " other\n")(
        demo
    )
    status, told = run(demo, "conflicts")
    assert status != 0
    assert "notes.txt" in told


def test_the_deletion_of_an_input_is_refused(demo: Project) -> None:
    demo.run("git", "rm", "--quiet", "data/raw/iris.csv")
    done = demo.try_run(str(demo / ".venv/bin/pre-commit"), "run")
    assert done.returncode != 0
    assert "out of date: ingest" in done.stdout


def test_what_looks_like_a_mistake_is_none(demo: Project) -> None:
    writes("notes.yaml", "a: !Ref b\n---\na: 2\n")(demo)
    assert run(demo, "yaml")[0] == 0


def test_a_file_that_grows_is_refused_too(demo: Project) -> None:
    page = (demo / "reports/index.html").read_text(encoding="utf-8")
    writes("reports/index.html", page + "x" * 1_100_000)(demo)
    status, told = run(demo, "large-files")
    assert status != 0
    assert "reports/index.html" in told
