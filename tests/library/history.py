"""Commits that hold runs, as `dvc repro` and git would leave them."""

import hashlib
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

from conftest import TEMPLATE, copy_owner
from lockstep.core.project import Project

AUTHOR = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]


def run_git(folder: Path, *arguments: str) -> str:
    """What git prints, with an author of its own."""
    command = ["git", *AUTHOR, *arguments]
    return subprocess.run(
        command, cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


def write_pipeline(project: Project) -> None:
    """The dvc.yaml of the template, for a package called `owner`, with the rooms of the library.

    Of a room some files are enough to be committed and digested, hundreds of times.
    """
    for name in ("dvc.yaml", ".dvcignore"):
        text = (TEMPLATE / name).read_text(encoding="utf-8")
        text = text.replace("{{ cookiecutter.package_name }}", "owner")
        (project.root / name).write_text(text, encoding="utf-8")
    copy_owner(project.root / "src" / "owner")
    vendor = TEMPLATE / "vendor"
    for file in [*vendor.rglob("__init__.py"), *vendor.rglob("paths.py"), *vendor.rglob("*.toml")]:
        copy = project.root / "vendor" / file.relative_to(vendor)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(file.read_bytes())


def append_comment(name: str) -> Callable[[Project], None]:
    """What adds a comment to the end of a file of a project."""

    def append(project: Project) -> None:
        with (project.root / name).open("a", encoding="utf-8") as file:
            file.write("\n# a comment\n")

    return append


def commit_run(project: Project, message: str = "A run") -> str:
    """Commit what the stages have written, with a dvc.lock that knows the record; the commit."""
    if not (project.root / ".git").exists():
        run_git(project.root, "init", "--quiet")
        ignored = "/data/interim\n/data/processed\n/models\n*.tmp\n__pycache__\n"
        (project.root / ".gitignore").write_text(ignored)
    digest = hashlib.md5(project.record.read_bytes()).hexdigest()
    outs = [{"path": project.name(project.record), "md5": digest}]
    stages = {name: {"cmd": f"python -m owner.{name}"} for name in project.outputs}
    stages["evaluate"]["outs"] = outs
    lock = {"schema": "2.0", "stages": stages}
    (project.root / "dvc.lock").write_text(json.dumps(lock))
    run_git(project.root, "add", "--all")
    run_git(project.root, "commit", "--quiet", "--allow-empty", "--message", message)
    return run_git(project.root, "rev-parse", "HEAD")
