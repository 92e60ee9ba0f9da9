"""A project that was generated earlier takes the newest template, and keeps what is its own."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest
from conftest import TEMPLATE, Project, lighten
from test_pipeline import edit
from test_use import customers, write

# A commit of this repository, older than the newest: the last one before the library.
OLDER = "cef02ede9fee87676058868ee65edf88ed5fc67e"
OWN = {
    "src/my_project/modeling/mine.py": '"""A module of mine where there was a room."""\n',
    "src/my_project/own.py": '"""A module of mine."""\n',
    "references/decisions/0002-of-mine.md": (
        "# 0002: of mine\n\nDate: 2026-01-31. Commit: 1a2b3c4.\n\n"
        "## Question\n\n## Tried\n\n## Outcome\n"
    ),
    "data/external/rates.csv": "a,b\n1,2\n",
}
# The last one before the candidates stood in files by the kind of data.
IN_ONE_FILE = "6e8290a"
CANDIDATE = '''@candidate
def extra(problem: Problem, *, trees: Trees = 50, share: Fraction = 0.5) -> BaseEstimator:
    """Extremely randomised trees."""
    from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

    extra = ExtraTreesClassifier if problem.classifies else ExtraTreesRegressor
    return extra(trees, max_features=share, random_state=problem.seed)


'''
STEP = '''@step(takes="numbers")
def square(_: Scope) -> TransformerMixin:
    """The square of each number."""
    return FunctionTransformer(POWERS["square"])


POWERS = {"square": np.square}


'''
CLEAN = 'rows[rows["sepal_length"] > 4.5].dropna(subset=[target]).reset_index(drop=True)'
EDITS = {
    "README.md": ("## Start", "Ask Ada about this project.\n\n## Start"),
    "params.yaml": ("test_fraction: 0.25", "test_fraction: 0.3"),
    "src/my_project/preprocess.py": ("rows.dropna(subset=[target]).reset_index(drop=True)", CLEAN),
    "src/my_project/modeling/estimators.py": ("def build(", CANDIDATE + "def build("),
    "src/my_project/modeling/steps.py": (
        '@step(takes="times")\ndef cal',
        STEP + '@step(takes="times")\ndef cal',
    ),
    "src/my_project/train.py": ("RARE = 10", "RARE = 12"),
    "src/my_project/errors.py": ('"""What a user', '"""Mine: what a user'),
    "src/my_project/programs.py": ('"""Git, DVC', '"""Mine: Git, DVC'),
    "tests/test_tables.py": ('"""Reading tables', '"""Mine too: reading tables'),
    "pyproject.toml": (
        '    "scikit-learn>=1.9",\n',
        '    "scikit-learn>=1.9",\n    "tabulate>=0.9",\n',
    ),
}
OWN_CANDIDATES = "src/my_project/models/own.py"
HOMES = [OWN_CANDIDATES, "src/my_project/preprocess.py", "src/my_project/features.py"]
"""Where what the owner wrote is now."""
MIGRATED = """\
vendor/lockstep/src/lockstep/core/programs.py: by hand: it replaces a module that you had \
edited; your edit is in git's history only
pyproject.toml: requires the library now, beside what you have added
src/my_project/preprocess.py: the new version, with your clean
src/my_project/train.py: the new version
  by hand: what else you had changed; `git diff HEAD -- src/my_project/train.py` shows it
src/my_project/models/own.py: your extra, from src/my_project/modeling/estimators.py
src/my_project/features.py: your square, from src/my_project/modeling/steps.py
notebooks/1.0-yn-data-exploration.ipynb: the new version
notebooks/2.0-yn-model-review.ipynb: the new version
notebooks/3.0-yn-new-rows.ipynb: by hand: import from `lockstep` what it imports from my_project
notebooks/4.0-yn-run-comparison.ipynb: new; notebooks/dvc.yaml runs it
src/my_project/errors.py: by hand: nothing calls it any more; what you need of it \
belongs into a module of yours beside features.py, which imports from `lockstep`
src/my_project/modeling/mine.py: by hand: nothing calls it any more; what you need of it \
belongs into a module of yours beside features.py, which imports from `lockstep`
tests/test_tables.py: by hand: it tests what is in the library now; keep what is yours, \
and import it anew
"""


def git(folder: Path, *arguments: str) -> str:
    return Project(folder).run("git", *arguments).strip()


def state_of(project: Project) -> dict:
    return json.loads((project / ".cruft.json").read_text(encoding="utf-8"))


def generate_older(folder: Path, commit: str = OLDER) -> Project:
    """The default project as the template made it then."""
    command = [Path(sys.executable).parent / "cruft", "create", TEMPLATE, "--checkout", commit]
    options = ["--no-input", "--default-config", "--output-dir", folder]
    subprocess.run([*command, *options], check=True, capture_output=True)
    project = Project(folder / "my-project")
    project.commit()
    return project


class Updated(NamedTuple):
    """A project of before the library whose owner has worked with it, brought over to it."""

    project: Project
    update: str
    """What `make update` printed."""
    migration: str
    """What the command printed that the update names."""


@pytest.fixture(scope="module")
def updated(tmp_path_factory: pytest.TempPathFactory) -> Updated:
    project = generate_older(tmp_path_factory.mktemp("older"))
    for name, text in OWN.items():
        (project / name).write_text(text, encoding="utf-8", newline="\n")
    for name, (old, new) in EDITS.items():
        edit(project / name, old, new)
    edit(project / "params.yaml", "    boosting:", "    extra: {trees: 20}\n    boosting:")
    edit(project / "params.yaml", "numeric: [impute, st", "numeric: [impute, square, st")
    edit(project / "notebooks/3.0-yn-new-rows.ipynb", "# New rows", "# My rows")
    lighten(project)
    project.commit()
    update = project.run("make", "update")
    (command,) = re.findall(r"`(python \S+migrate\.py)`", update)
    migration = project.run(sys.executable, *command.split()[1:])
    return Updated(project, update, migration)


def skipped(project: Project, name: str) -> bool:
    """Whether the project's settings leave the file to its owner."""
    pyproject = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = pyproject["tool"]["cruft"]["skip"]
    path = Path(name)
    return any(path.match(one) or path.is_relative_to(one) for one in patterns)


def test_every_file_is_that_of_the_newest_template(updated: Updated, pristine: Project) -> None:
    project, compared = updated.project, 0
    own = {".cruft.json", *("README.md", "params.yaml", "pyproject.toml"), *HOMES}
    for name in pristine.files() - own:
        if not skipped(project, name):
            assert (project / name).read_bytes() == (pristine / name).read_bytes(), name
            compared += 1
    assert compared > 100
    modules = {name for name in project.files() if name.startswith(("src/", "vendor/"))}
    caches = {name for name in modules if "__pycache__" in name}
    left = {name for name in OWN if name[:4] == "src/"}
    left |= {OWN_CANDIDATES, "src/my_project/errors.py"}
    assert modules - caches - pristine.files() == left


def test_the_migration_tells_file_by_file_what_it_did_and_what_is_left(updated: Updated) -> None:
    assert updated.migration == MIGRATED


def test_nothing_is_rejected_or_in_conflict(updated: Updated) -> None:
    project = updated.project
    assert not list(project.root.glob("**/*.rej"))
    assert project.run("git", "ls-files", "--unmerged") == ""
    again = project.run(sys.executable, "vendor/lockstep/migrate.py")
    assert [line.partition(":")[0] for line in again.splitlines()] == [
        "notebooks/3.0-yn-new-rows.ipynb",
        "src/my_project/errors.py",
        "src/my_project/modeling/mine.py",
        "tests/test_tables.py",
    ]


def test_what_the_owner_has_made_and_changed_stays(updated: Updated) -> None:
    project = updated.project
    for name, text in OWN.items():
        assert (project / name).read_text(encoding="utf-8") == text
    assert "Ask Ada about this project." in (project / "README.md").read_text(encoding="utf-8")
    params = (project / "params.yaml").read_text(encoding="utf-8")
    assert "test_fraction: 0.3" in params
    assert "extra: {trees: 20}" in params
    assert CLEAN in (project / "src/my_project/preprocess.py").read_text(encoding="utf-8")
    models = (project / OWN_CANDIDATES).read_text(encoding="utf-8")
    assert models.endswith("\n" + CANDIDATE.rstrip() + "\n")
    features = (project / "src/my_project/features.py").read_text(encoding="utf-8")
    assert features.count(STEP.partition("\n\n\n")[0]) == 1
    pyproject = (project / "pyproject.toml").read_text(encoding="utf-8")
    assert '"tabulate>=0.9"' in pyproject and "\nmlflow = [" in pyproject
    unchanged = ("data", "dvc.lock", "references", "notebooks/3.0-yn-new-rows.ipynb")
    assert project.run("git", "status", "--short", *unchanged) == ""


def test_the_state_of_the_template_is_written_down(updated: Updated) -> None:
    assert state_of(updated.project)["commit"] == git(TEMPLATE, "rev-parse", "HEAD")


def test_the_updated_project_runs_with_what_its_owner_wrote(
    updated: Updated, ready: Project
) -> None:
    project = ready.equip(updated.project)
    project.run("uv", "run", "dvc", "repro")
    assert "up to date" in project.run("uv", "run", "dvc", "status", "dvc.yaml")
    leaderboard = (project / "reports/leaderboard.csv").read_text(encoding="utf-8")
    assert "\nextra," in leaderboard
    doctor = project.try_run("uv", "run", "my-project", "doctor", "--only", "leftovers")
    left = "src/my_project/modeling, src/my_project/errors.py are from before the library"
    assert f"{left}: `python vendor" in doctor.stdout
    assert doctor.returncode == 1


def test_from_then_on_an_update_of_the_library_touches_the_library_alone(
    clone: Path, tmp_path: Path
) -> None:
    git(clone, "remote", "remove", "origin")
    cookiecut(tmp_path, str(clone))
    project = Project(tmp_path / "my-project")
    edit(
        project / "src/my_project/models/common.py",
        "alpha: PositiveFloat = 1.0",
        "alpha: PositiveFloat = 2.0",
    )
    project.commit()
    library = "vendor/lockstep/src/lockstep/modeling/training.py"
    commit_to(clone, "MOST_TWINS = 8", "MOST_TWINS = 9", library)
    project.run("make", "update")
    changed = project.run("git", "diff", "HEAD", "--name-only").split()
    assert changed == [".cruft.json", library]


def test_candidates_of_ones_own_come_into_a_file_beside_those_of_the_template(
    tmp_path: Path, pristine: Project
) -> None:
    project = generate_older(tmp_path, IN_ONE_FILE)
    own = CANDIDATE.replace("Fraction", "Share").rstrip()
    models = project / "src/my_project/models.py"
    models.write_text(models.read_text("utf-8") + f"\n\n{own}\n", "utf-8", newline="\n")
    project.commit()
    project.run("make", "update")
    told = project.run(sys.executable, "vendor/lockstep/migrate.py")
    assert told == "src/my_project/models/own.py: your extra, from src/my_project/models.py\n"
    assert not models.exists() and not list(project.root.glob("**/*.rej"))
    common = "src/my_project/models/common.py"
    assert (project / common).read_bytes() == (pristine / common).read_bytes()
    assert (project / OWN_CANDIDATES).read_text("utf-8") == (
        '"""Candidates of our own."""\n\n'
        "from lockstep import Problem, candidate\n"
        "from sklearn.base import BaseEstimator\n"
        "from .common import Share, Trees\n"
        f"\n\n{own}\n"
    )


@pytest.mark.matrix
def test_the_tests_of_the_updated_project_pass(updated: Updated) -> None:
    (updated.project / "tests/test_tables.py").unlink()
    edit(
        updated.project / "src/my_project/preprocess.py", 'rows[rows["sepal_length"] > 4.5]', "rows"
    )
    assert " passed" in updated.project.run("uv", "run", "pytest", "-n", "auto")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where this repository is shared, as on a server."""
    folder = tmp_path_factory.mktemp("server") / "lockstep.git"
    git(TEMPLATE, "clone", "--quiet", "--bare", str(TEMPLATE), str(folder))
    # The checkout that is tested may be on no branch.
    git(folder, "update-ref", "refs/heads/main", git(TEMPLATE, "rev-parse", "HEAD"))
    git(folder, "symbolic-ref", "HEAD", "refs/heads/main")
    return folder


@pytest.fixture
def clone(server: Path, tmp_path: Path) -> Path:
    """Somebody's clone of it, to commit to."""
    folder = tmp_path / "clones" / "lockstep"
    git(TEMPLATE, "clone", "--quiet", str(server), str(folder))  # by links, without a pack
    git(folder, "remote", "set-url", "origin", f"file://{server}")
    return folder


def commit_to(clone: Path, old: str, new: str, name: str = "README.md") -> None:
    """Change a file of the template."""
    edit(clone / "{{cookiecutter.project_slug}}" / name, old, new)
    git(clone, "commit", "--quiet", "--all", "--message", "Change")


def cookiecut(started_in: Path, template: str, *options: str, **environment: str) -> str:
    """Run cookiecutter as a shell does that is in that folder; returns what it prints."""
    command = [str(Path(sys.executable).parent / "cookiecutter"), template]
    home = {"COOKIECUTTER_CONFIG": str(started_in / "config.yaml"), "PWD": str(started_in)}
    Path(home["COOKIECUTTER_CONFIG"]).write_text(f"cookiecutters_dir: '{started_in / 'kept'}'\n")
    return Project(started_in).run(*command, "--no-input", *options, **home | environment)


@pytest.mark.parametrize("address", ["lockstep", "./lockstep", "{clone}", "git+file://{server}"])
@pytest.mark.parametrize(
    "options", [["--output-dir", "made"], pytest.param([], marks=pytest.mark.matrix)]
)
def test_a_project_remembers_where_others_get_its_template_too(
    server: Path, clone: Path, address: str, options: list[str]
) -> None:
    started_in = clone.parent
    cookiecut(started_in, address.format(clone=clone, server=server), *options)
    project = Project(started_in.joinpath(*options[1:], "my-project"))
    assert state_of(project)["template"] == f"file://{server}"
    assert state_of(project)["commit"] == git(clone, "rev-parse", "HEAD")
    assert state_of(project)["context"]["cookiecutter"]["project_name"] == "My Project"


@pytest.mark.parametrize(
    ("address", "remembered"),
    [
        ("https://ada:sec@ret@example.com/l.git", "https://example.com/l.git"),
        ("ssh://git@example.com/l.git", "ssh://git@example.com/l.git"),
        ("git@example.com:l.git", "git@example.com:l.git"),
    ],
)
def test_no_password_is_remembered(
    clone: Path, tmp_path: Path, address: str, remembered: str
) -> None:
    git(clone, "remote", "set-url", "origin", address)
    cookiecut(tmp_path, str(clone))
    assert state_of(Project(tmp_path / "my-project"))["template"] == remembered


def test_what_only_another_remote_has_is_not_looked_for_at_the_origin(
    clone: Path, tmp_path: Path
) -> None:
    git(clone, "remote", "rename", "origin", "upstream")
    git(clone, "remote", "add", "origin", "https://example.com/fork.git")
    cookiecut(tmp_path, str(clone))
    assert state_of(Project(tmp_path / "my-project"))["template"] == str(clone)


def test_what_is_generated_over_a_project_is_remembered_anew(clone: Path, tmp_path: Path) -> None:
    cookiecut(tmp_path, str(clone))
    project = Project(tmp_path / "my-project")
    project.commit()
    commit_to(clone, "## Start", "## Begin")
    cookiecut(tmp_path, str(clone), "-f", "dataset=digits")
    assert state_of(project)["commit"] == git(clone, "rev-parse", "HEAD")
    assert state_of(project)["context"]["cookiecutter"]["dataset"] == "digits"


def test_a_template_that_nobody_else_has_is_remembered_by_its_folder(
    clone: Path, tmp_path: Path
) -> None:
    commit_to(clone, "## Start", "## Begin")
    cookiecut(tmp_path, str(clone))
    assert state_of(Project(tmp_path / "my-project"))["template"] == str(clone)


UNKNOWN = "The template's address and commit are unknown"


def test_a_template_with_changes_that_are_in_no_commit_is_not_named(
    clone: Path, tmp_path: Path
) -> None:
    cookiecut(tmp_path, str(clone))
    project = Project(tmp_path / "my-project")
    project.commit()
    edit(clone / "{{cookiecutter.project_slug}}/README.md", "## Start", "## Begin")
    # Neither is the commit that the project was of before.
    assert UNKNOWN in cookiecut(tmp_path, str(clone), "-f")
    assert not (project / ".cruft.json").exists()


def test_a_template_that_cannot_be_found_is_not_named(clone: Path) -> None:
    """As on Windows, where no variable says in which folder the shell is."""
    assert UNKNOWN in cookiecut(clone.parent, "lockstep", "--output-dir", "made", PWD="")
    assert not (clone.parent / "made/my-project/.cruft.json").exists()


def test_a_project_that_cookiecutter_made_takes_what_is_new(clone: Path, tmp_path: Path) -> None:
    git(clone, "remote", "remove", "origin")
    cookiecut(tmp_path, str(clone))
    project = Project(tmp_path / "my-project")
    project.commit()
    assert "up to date" in project.run("make", "update")
    commit_to(clone, "## Start", "## Begin")
    assert "is ready" not in project.run("make", "update")
    assert "-## Start\n+## Begin\n" in project.run("git", "diff", "HEAD", "--unified=0")
    assert state_of(project)["commit"] == git(clone, "rev-parse", "HEAD")


# By the names that they have in a project and in the template.
OF_THE_OWNER = [
    *(".dvc/config", "*LICENSE*", "data/raw/*iris.csv*", "models/README.md", "notebooks/1.0-*"),
    *("references/*schema.yaml*", "references/decisions/0001-*", "reports/README.md"),
]


def write_below(folder: Path, line: str) -> None:
    """Put a line at the end of each file that is its owner's."""
    for pattern in OF_THE_OWNER:
        paths = list(folder.glob(pattern))
        assert paths, pattern
        for path in paths:
            with path.open("a", encoding="utf-8", newline="\n") as file:
                file.write(line)


def test_an_update_leaves_alone_what_is_the_owners(clone: Path, tmp_path: Path) -> None:
    git(clone, "remote", "remove", "origin")
    cookiecut(tmp_path, str(clone))
    project = Project(tmp_path / "my-project")
    write_below(project.root, "of the owner\n")
    project.commit()
    write_below(clone / "{{cookiecutter.project_slug}}", "of the template\n")
    git(clone, "commit", "--quiet", "--all", "--message", "Change")
    project.run("make", "update")
    assert state_of(project)["commit"] == git(clone, "rev-parse", "HEAD")
    assert project.run("git", "status", "--porcelain") == " M .cruft.json\n"


@pytest.mark.parametrize("committed_first", [True, pytest.param(False, marks=pytest.mark.matrix)])
def test_what_cannot_be_merged_is_left_to_the_owner_and_no_commit_lets_it_in(
    clone: Path, tmp_path: Path, ready: Project, committed_first: bool
) -> None:
    git(clone, "remote", "remove", "origin")
    cookiecut(tmp_path, str(clone))
    project = Project(tmp_path / "my-project")
    if committed_first:
        project.commit()
    edit(project / "README.md", "## Start", "## Mine")
    project.commit()
    commit_to(clone, "## Start", "## Begin")
    project.run("make", "update")
    text = (project / "README.md").read_text(encoding="utf-8")
    assert "## Mine" in text
    assert ("## Begin" in text) == committed_first
    assert (project / "README.md.rej").exists() != committed_first
    hook = "conflicts" if committed_first else "rejected"
    project.run("git", "add", "--all")
    ready.equip(project)
    refused = project.try_run("uv", "run", "pre-commit", "run", hook, "--all-files")
    assert refused.returncode != 0
    assert "README.md" in refused.stdout


def test_an_update_takes_texts_for_utf_8_whatever_the_system_does(
    clone: Path, tmp_path: Path
) -> None:
    """As on Windows, whose encoding has no letter for some bytes of this name."""
    git(clone, "remote", "remove", "origin")
    cookiecut(tmp_path, str(clone), "author_name=\N{LATIN CAPITAL LETTER A WITH ACUTE}ngel")
    project = Project(tmp_path / "my-project")
    project.commit()
    commit_to(clone, "## Start", "## Begin")
    assert state_of(project)["context"]["cookiecutter"]["author_name"].endswith("ngel")
    ascii_only = {"PYTHONUTF8": "0", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"}
    project.run("make", "update", **ascii_only)
    assert "## Begin" in (project / "README.md").read_text(encoding="utf-8")


@pytest.mark.matrix
def test_a_project_without_a_known_template_is_linked_by_the_command_that_the_page_names(
    clone: Path, tmp_path: Path
) -> None:
    made_from = git(clone, "rev-parse", "HEAD")
    git(clone, "archive", "--prefix=lockstep/", "--output=../lockstep.zip", "HEAD")
    assert UNKNOWN in cookiecut(tmp_path, str(clone.parent / "lockstep.zip"))
    project = Project(tmp_path / "my-project")
    project.commit()
    refused = project.try_run("make", "update")
    assert refused.returncode != 0
    assert ".cruft.json" in refused.stderr + refused.stdout
    page = (project / "docs/yours.md").read_text(encoding="utf-8")
    command = "uvx --from cruft python -X utf8 -m cruft link ADDRESS --checkout COMMIT"
    assert f"`{command}`" in page
    commit_to(clone, "## Start", "## Begin")
    given = {"ADDRESS": str(clone), "COMMIT": made_from}
    project.run(*(given.get(word, word) for word in command.split()), "--no-input")
    project.commit()
    # An update goes to the newest commit, not to the one that the project was linked at.
    project.run("make", "update")
    assert "## Begin" in (project / "README.md").read_text(encoding="utf-8")


@pytest.mark.matrix
def test_an_update_does_not_bring_back_what_use_has_taken_away(clone: Path, tmp_path: Path) -> None:
    git(clone, "remote", "remove", "origin")
    cookiecut(tmp_path, str(clone))
    project = Project(tmp_path / "my-project")
    (project / "src/my_project/models/tables.py").unlink()
    project.commit()
    starter = "vendor/lockstep/starters/tables.py"
    commit_to(clone, "Candidates for tables.", "Candidates for rows.", starter)
    project.run("make", "update")
    assert "Candidates for rows." in (project / starter).read_text(encoding="utf-8")
    assert not (project / "src/my_project/models/tables.py").exists()
    assert "src" not in project.run("git", "status", "--porcelain")


@pytest.mark.matrix
def test_own_data_survive_an_update(tmp_path: Path, ready: Project) -> None:
    project = ready.equip(generate_older(tmp_path))
    file = write(customers(60), tmp_path / "customers.csv")
    use = ("my-project", "use", str(file), "--target", "churned")
    project.run("uv", "run", *use)
    project.commit()
    kept = ("references/schema.yaml", "data/raw/customers.csv", "data/raw/customers.csv.dvc")
    before = {name: (project / name).read_bytes() for name in kept}
    project.run("make", "update")
    assert {name: (project / name).read_bytes() for name in kept} == before
    assert not (project / "data/raw/iris.csv").exists()
    assert "raw: data/raw\n" in (project / "params.yaml").read_text(encoding="utf-8")
    assert not list(project.root.glob("**/*.rej"))
    assert project.run("git", "diff", "--check", "HEAD") == ""
    assert "nothing was changed" in project.run("uv", "run", *use)


def test_every_release_says_what_the_owner_of_a_project_has_to_do() -> None:
    changelog = (TEMPLATE / "CHANGELOG.md").read_text(encoding="utf-8")
    _, *releases = changelog.split("\n## ")
    for release in releases:
        assert re.match(r"(Unreleased|20\d\d\.\d\d?(\.\d+)?)\n", release)
        assert "\nTo do for the owner of a project: " in release
