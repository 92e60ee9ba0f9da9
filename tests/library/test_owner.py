"""The owner's package stays small, and comes to the library by its door alone."""

import ast
from pathlib import Path

import lockstep
import pytest
from conftest import OWNER, STARTERS

FILES = sorted(OWNER.rglob("*.py"))
CANDIDATES = sorted(STARTERS.glob("*.py"))
MOST_LINES = 700
SHARED = {"common", "features", "metrics", "models"}
"""What stages import of the package; no stage is among them."""


def read_imports(file: Path) -> list[tuple[str, set[str]]]:
    """The modules that a file imports, with dots before its own, and the names it takes of each."""
    imports: list[tuple[str, set[str]]] = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imports += [(alias.name, set()) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = {alias.name for alias in node.names}
            imports.append(("." * node.level + (node.module or ""), names))
    return imports


@pytest.mark.parametrize("candidates", CANDIDATES, ids=lambda file: file.stem)
def test_the_package_is_small_enough_to_be_read(candidates: Path) -> None:
    files = [*FILES, candidates]
    if candidates.stem in ("tables", "texts"):
        files.append(STARTERS / "ordered.py")
    assert sum(len(file.read_text(encoding="utf-8").splitlines()) for file in files) <= MOST_LINES


@pytest.mark.parametrize("file", [*FILES, *CANDIDATES], ids=lambda file: file.name)
def test_a_file_imports_the_door_and_no_stage(file: Path) -> None:
    for module, names in read_imports(file):
        if module.startswith("lockstep"):
            # `python -m` is the console script, which comes from the library.
            assert module == "lockstep" or file.name == "__main__.py"
            assert module != "lockstep" or names <= {*lockstep.__all__}
        elif module.startswith("."):
            own = {module.strip(".").partition(".")[0]} - {""} or names
            assert own <= SHARED - {file.stem}
