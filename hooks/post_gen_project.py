"""Finish a generated project: name the package in its tests, start git, say what is next."""

import json
import re
import shutil
import subprocess
from pathlib import Path

ANSWERS = json.loads(r"""{{ cookiecutter | tojson }}""")
PLACEHOLDER = re.compile(r"^(from|import) package_name\b", flags=re.MULTILINE)


def name_package_in_tests():
    """The template's tests are plain Python, so their imports say `package_name` until here."""
    for path in Path("tests").glob("*.py"):
        text = path.read_bytes().decode()
        path.write_bytes(PLACEHOLDER.sub(rf"\1 {ANSWERS['package_name']}", text).encode())


def start_git():
    """An empty repository on branch main, which DVC needs; nothing is committed."""
    if Path(".git").exists():
        return True
    command = ["git", "-c", "init.defaultBranch=main", "init", "--quiet"]
    return shutil.which("git") is not None and subprocess.run(command).returncode == 0


name_package_in_tests()
git_started = start_git()
print()
print(f"{ANSWERS['project_slug']} is ready. Next:")
print()
print(f"    cd {ANSWERS['project_slug']}")
if not git_started:
    print("    git init                 (DVC needs a git repository; install git first)")
if shutil.which("uv") is None:
    print("    pip install uv           (uv was not found: it makes the environment)")
if ANSWERS["dataset"] == "none":
    print(f"    uv run {ANSWERS['project_slug']} use FILE --target COLUMN   takes your data in")
print("    uv run dvc repro         raw data to model, metrics and figures")
print("    uv run dvc metrics show")
