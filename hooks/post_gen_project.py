"""Finish a generated project: its package's name, its template, git, and what comes next."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

ANSWERS = json.loads(r"""{{ cookiecutter | tojson }}""")
STARTERS = {
    "digits": ["images"],
    "flights": ["forecasting"],
    "vowels": ["sequences"],
    "phrases": ["texts"],
    "weather": ["anomalies"],
    "storms": ["tables", "ordered"],
    "paintings": ["texts"],
    "wines": ["clusters"],
}
"""Candidates that only some kinds of data need; without an entry, those for tables."""
PLACEHOLDER = re.compile(r"^(from|import) package_name\b", flags=re.MULTILINE)


def name_package_in_tests():
    """The template's tests are plain Python, so their imports say `package_name` until here."""
    for path in Path("tests").glob("*.py"):
        text = path.read_bytes().decode()
        path.write_bytes(PLACEHOLDER.sub(rf"\1 {ANSWERS['package_name']}", text).encode())


def add_candidates():
    """The candidates for the kind of data that there is; `use` adds others when that changes."""
    for name in STARTERS.get(ANSWERS["dataset"], ["tables"]):
        source = Path("vendor", "lockstep", "starters", f"{name}.py")
        shutil.copyfile(source, Path("src", ANSWERS["package_name"], "models", source.name))


def remove_caches():
    """What Python left beside its files in the template, when something there was run."""
    for folder in ("src", "tests", "vendor"):
        for cache in [*Path(folder).rglob("__pycache__")]:
            shutil.rmtree(cache)


def ask_git(*arguments):
    """What git says; None if it cannot."""
    if shutil.which("git") is None:
        return None
    done = subprocess.run(["git", *arguments], capture_output=True, encoding="utf-8")
    return done.stdout.strip() if done.returncode == 0 else None


def template_folder():
    """Where the template's repository is on this machine; None if it came without one.

    A relative path counts from where cookiecutter was started, which it does not tell: that is
    where the project is made or, where another folder was asked for, where the shell was.
    """
    started = [ANSWERS["_output_dir"], os.environ.get("PWD", "")]
    folders = [Path(folder, ANSWERS["_repo_dir"]).resolve() for folder in started]
    marks = ("cookiecutter.json", ".git")
    return next(
        (folder for folder in folders if all((folder / mark).exists() for mark in marks)), None
    )


def address_of(folder):
    """From where others get this state of the template too, if it is there; else the folder."""
    contains = ["branch", "--remotes", "--contains", "HEAD", "--list", "origin/*"]
    elsewhere = ask_git("-C", str(folder), *contains)
    address = ask_git("-C", str(folder), "remote", "get-url", "origin")
    if not elsewhere or not address:
        return str(folder)
    return re.sub(r"^(https?://)[^/]+@", r"\1", address)  # a name and a password, perhaps


def record_template():
    """Write down which state of the template this is, in the words of cruft, which updates from it.

    Returns:
        Whether it stands there. A template from a zip file, or changed since its last commit, has
        no state to name.
    """
    Path(".cruft.json").unlink(missing_ok=True)
    folder = template_folder()
    if folder is None:
        return False
    commit = ask_git("-C", str(folder), "rev-parse", "HEAD")
    changes = ask_git("-C", str(folder), "status", "--porcelain", "--untracked-files=all")
    if commit is None or changes != "":
        return False
    answers = {name: answer for name, answer in ANSWERS.items() if not name.startswith("_")}
    record = {
        "template": address_of(folder),
        "commit": commit,
        "checkout": None,
        "context": {"cookiecutter": answers},
        "directory": None,
    }
    text = json.dumps(record, indent=2, ensure_ascii=False) + "\n"
    Path(".cruft.json").write_bytes(text.encode())
    return True


def start_git():
    """An empty repository on branch main, which DVC needs; nothing is committed."""
    if Path(".git").exists():
        return True
    command = ["git", "-c", "init.defaultBranch=main", "init", "--quiet"]
    return shutil.which("git") is not None and subprocess.run(command).returncode == 0


def say_what_is_next(git_started, template_recorded):
    """Print the commands that come next."""
    print()
    print(f"{ANSWERS['project_slug']} is ready. Next:")
    print()
    print(f"    cd {ANSWERS['project_slug']}")
    if not git_started:
        print("    git init                 (DVC needs a git repository; install git first)")
    print("    git add --all            (first of all: what is in git, later updates can merge)")
    print('    git commit -m "Generated"')
    if shutil.which("uv") is None:
        print("    pip install uv           (uv was not found: it makes the environment)")
    if ANSWERS["dataset"] == "none":
        print(f"    uv run {ANSWERS['project_slug']} use FILE --target COLUMN   takes your data in")
    print("    uv run dvc repro         raw data to model, metrics and figures")
    print("    uv run dvc metrics show")
    if ask_git("-C", "..", "rev-parse", "--show-toplevel"):
        print()
        print("It lies within another git repository, and is one of its own: commit to this one.")
    if not template_recorded:
        print()
        print("The template's address and commit are unknown; docs/yours.md: how to name them.")


name_package_in_tests()
add_candidates()
remove_caches()
started = start_git()
# Cruft generates too, also for an update; it keeps its own record, and tells no folder.
if "_output_dir" in ANSWERS:
    say_what_is_next(started, record_template())
else:
    print("If this project is from before the library in vendor/, run this after the update:")
    print("`python vendor/lockstep/migrate.py`; it brings over what you wrote, and names the rest.")
