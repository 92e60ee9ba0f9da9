"""The types that the library states are those that it has."""

import subprocess
import sys

from conftest import LIBRARY


def test_no_type_of_the_library_contradicts_another() -> None:
    root = LIBRARY.parents[1]
    command = [sys.executable, "-m", "mypy", "--config-file", str(root / "pyproject.toml")]
    checked = subprocess.run([*command, str(root / "src")], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert checked.stdout.startswith("Success: no issues found")
