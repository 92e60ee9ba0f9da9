"""What the notebooks ask of the library."""

import ast
import inspect
import json
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from conftest import TEMPLATE

NOTEBOOKS = sorted((TEMPLATE / "notebooks").glob("*.ipynb"))


def parse(path: Path) -> ast.Module:
    """The code of a notebook, as if it were of a project called `mine`."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    return ast.parse(code.replace("{{ cookiecutter.package_name }}", "mine"))


def find_calls(tree: ast.Module) -> Iterator[tuple[ast.Call, Callable[..., Any]]]:
    """Each call of what is imported from the library, with that."""
    imported = {
        name.asname or name.name: getattr(import_module(node.module), name.name, None)
        or import_module(f"{node.module}.{name.name}")
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("lockstep")
        for name in node.names
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        match node.func:
            case ast.Name(id=name) if callable(called := imported.get(name)):
                yield node, called
            case ast.Attribute(value=ast.Name(id=name), attr=attribute) if name in imported:
                yield node, getattr(imported[name], attribute)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name[:3])
def test_a_notebook_calls_the_library_as_it_wants_to_be_called(path: Path) -> None:
    calls = [*find_calls(parse(path))]
    assert calls
    for call, called in calls:
        given = [each for each in call.args if not isinstance(each, ast.Starred)]
        named = {keyword.arg: None for keyword in call.keywords if keyword.arg}
        bind = inspect.signature(called).bind
        if len(given) < len(call.args) or len(named) < len(call.keywords):
            bind = inspect.signature(called).bind_partial
        bind(*given, **named)
