"""The code that a model needs: of the owner's package what it names, and the library's lower rooms.

In the package of a model both are parts of it. The library imports itself by relative names, which
lead to the copy beside it; in the owner's code, absolute names are made to.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from importlib import import_module
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

from ..core.errors import UserError

LIBRARY = Path(__file__).parents[1]
NAME = "lockstep"
ROOMS = ("core", "data", "reading", "modeling", "standalone")
"""What of the library a model needs."""
FROM = re.compile(rb"from[\s\\]+")


class Code(NamedTuple):
    """Files of the owner's package, as they are in the package of a model."""

    files: dict[str, bytes]
    """By their names below the owner's package."""
    imports: set[str]
    """What else they import, by the names of packages in Python."""


def list_library() -> dict[str, Path]:
    """The files of the library that a model needs, by their names below it."""
    files = [
        LIBRARY / "__init__.py",
        *(file for room in ROOMS for file in (LIBRARY / room).rglob("*.py")),
    ]
    return {file.relative_to(LIBRARY).as_posix(): file for file in files}


def gather_code(package: str, modules: Iterable[str], home: str) -> Code:
    """The owner's modules that a model names, all that they import of their package, and its data.

    Args:
        package: The owner's package.
        modules: The names of modules; those of others are left out.
        home: The package of the model.

    Raises:
        UserError: A file is not Python.
    """
    waiting = {name for name in modules if _is_within(name, package)}
    if not waiting:
        return Code({}, set())
    folder = Path(import_module(package).__path__[0])
    data = [file for file in folder.rglob("*") if file.is_file() and file.suffix[:3] != ".py"]
    code = Code({file.relative_to(folder).as_posix(): file.read_bytes() for file in data}, set())
    known: set[str] = set()
    while waiting:
        known |= waiting
        files = [file for name in waiting for file in _list_files(folder, name)]
        waiting = set()
        for file in files:
            name, source = file.relative_to(folder).as_posix(), file.read_bytes()
            tree = _parse(source, f"{package}/{name}")
            imports = {
                *_list_imports(tree, ".".join([package, *file.relative_to(folder).parts[:-1]]))
            }
            waiting |= {name for name in imports if _is_within(name, package)} - known
            code.imports.update(name.partition(".")[0] for name in imports)
            code.files[name] = _rewrite(source, tree, (package, NAME), home)
    return code._replace(imports=code.imports - {package, NAME})


def _list_files(folder: Path, module: str) -> list[Path]:
    """The files that run when a module is imported, or whatever has a name within one."""
    _, *parts = module.split(".")
    places = [folder.joinpath(*parts[:depth]) for depth in range(len(parts) + 1)]
    files = [file for place in places for file in (place / "__init__.py", place.with_suffix(".py"))]
    return [file for file in files if file.is_file() and file.is_relative_to(folder)]


def _parse(source: bytes, name: str) -> ast.Module:
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError) as error:
        raise UserError(f"{name}: not Python: {error}") from error


def _list_imports(tree: ast.Module, package: str) -> Iterator[str]:
    """All that code in `package` imports, by full names; the last part may be no module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".")
            above = parts[: len(parts) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


def _rewrite(source: bytes, tree: ast.Module, packages: tuple[str, ...], home: str) -> bytes:
    """Code whose absolute imports of some packages lead into `home`."""
    starts = [0, *accumulate(map(len, source.splitlines(keepends=True)))]
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    for node in sorted(nodes, key=lambda node: (node.lineno, node.col_offset), reverse=True):
        start = starts[node.lineno - 1] + node.col_offset
        end = starts[(node.end_lineno or 0) - 1] + (node.end_col_offset or 0)
        if isinstance(node, ast.Import):
            if any(_is_within(alias.name, *packages) for alias in node.names):
                statements = [_lead(alias, packages, home) for alias in node.names]
                source = source[:start] + "; ".join(statements).encode() + source[end:]
        elif not node.level and _is_within(node.module or "", *packages):
            match = FROM.match(source, start)
            assert match is not None
            source = source[: match.end()] + f"{home}.".encode() + source[match.end() :]
    return source


def _lead(alias: ast.alias, packages: tuple[str, ...], home: str) -> str:
    """A statement that gives a name of `import` what it stood for, as it is in `home`."""
    top, _, rest = alias.name.partition(".")
    if top not in packages:
        return f"import {alias.name}" + (f" as {alias.asname}" if alias.asname else "")
    if alias.asname:
        return f"import {home}.{alias.name} as {alias.asname}"
    first = f"import {home}.{alias.name}; " if rest else ""
    return f"{first}from {home} import {top}"


def _is_within(module: str, *packages: str) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)
