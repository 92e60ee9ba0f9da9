"""The types that the library states are those that it has."""

import subprocess
import sys

import pytest
from conftest import LIBRARY


@pytest.mark.matrix  # a minute and a half of a processor
def test_no_type_of_the_library_contradicts_another() -> None:
    root = LIBRARY.parents[1]
    command = [sys.executable, "-m", "mypy", "--config-file", str(root / "pyproject.toml")]
    checked = subprocess.run([*command, str(root / "src")], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert checked.stdout.startswith("Success: no issues found")
