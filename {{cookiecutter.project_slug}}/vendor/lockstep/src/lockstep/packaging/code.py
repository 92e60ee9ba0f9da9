"""The code that a model needs: of the owner's package what it names, and the library's lower rooms.

In the package of a model both are parts of it. The library imports itself by relative names, which
lead to the copy beside it; in the owner's code, absolute names are made to.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from importlib import import_module
from io import BytesIO
from itertools import accumulate
from pathlib import Path
from tokenize import detect_encoding
from typing import NamedTuple

from ..core.errors import UserError
from ..core.programs import read_output

LIBRARY = Path(__file__).parents[1]
NAME = "lockstep"
ROOMS = ("core", "data", "reading", "modeling", "standalone")
"""What of the library a model needs."""
FROM = re.compile(rb"from[\s\\]+")
LIST = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
"""Files that git tracks, and new ones that it does not ignore."""


class Code(NamedTuple):
    """Files of the owner's package, as they are in the package of a model."""

    files: dict[str, bytes]
    """By their names below the owner's package."""
    imports: set[str]
    """What else they import, by the names of packages in Python."""


class Source(NamedTuple):
    """A file of Python."""

    code: bytes
    """As UTF-8, whose bytes the places in `tree` count, and without a byte order mark."""
    encoding: str
    """The one that it is written in."""
    tree: ast.Module


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
    code = Code({name: (folder / name).read_bytes() for name in _list_data(folder)}, set())
    known: set[str] = set()
    while waiting:
        known |= waiting
        files = [file for name in waiting for file in _list_files(folder, name)]
        waiting = set()
        for file in files:
            name = file.relative_to(folder).as_posix()
            source = _read_source(file, f"{package}/{name}")
            imports = {
                *_list_imports(
                    source.tree, ".".join([package, *file.relative_to(folder).parts[:-1]])
                )
            }
            waiting |= {name for name in imports if _is_within(name, package)} - known
            code.imports.update(name.partition(".")[0] for name in imports)
            code.files[name] = _rewrite(source, (package, NAME), home)
    return code._replace(imports=code.imports - {package, NAME})


def _list_data(folder: Path) -> list[str]:
    """The names of files that are no code, but for hidden ones and those that git ignores."""
    listed = read_output(LIST, folder)
    files = folder.rglob("*") if listed is None else map(folder.joinpath, listed.split("\0"))
    names = [file.relative_to(folder) for file in files if file.is_file()]
    return [
        name.as_posix()
        for name in names
        if name.suffix[:3] != ".py" and not any(part.startswith(".") for part in name.parts)
    ]


def _list_files(folder: Path, module: str) -> list[Path]:
    """The files that run when a module is imported, or whatever has a name within one."""
    _, *parts = module.split(".")
    places = [folder.joinpath(*parts[:depth]) for depth in range(len(parts) + 1)]
    files = [file for place in places for file in (place / "__init__.py", place.with_suffix(".py"))]
    return [file for file in files if file.is_file() and file.is_relative_to(folder)]


def _read_source(file: Path, name: str) -> Source:
    content = file.read_bytes()
    try:
        encoding, _ = detect_encoding(BytesIO(content).readline)
        text = content.decode(encoding)
        return Source(text.encode(), encoding, ast.parse(text))
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


def _rewrite(source: Source, packages: tuple[str, ...], home: str) -> bytes:
    """The file with absolute imports of some packages that lead into `home`."""
    code = source.code
    starts = [0, *accumulate(map(len, code.splitlines(keepends=True)))]
    nodes = [
        node for node in ast.walk(source.tree) if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    for node in sorted(nodes, key=lambda node: (node.lineno, node.col_offset), reverse=True):
        start = starts[node.lineno - 1] + node.col_offset
        end = starts[(node.end_lineno or 0) - 1] + (node.end_col_offset or 0)
        if isinstance(node, ast.Import):
            if any(_is_within(alias.name, *packages) for alias in node.names):
                statements = [_lead(alias, packages, home) for alias in node.names]
                code = code[:start] + "; ".join(statements).encode() + code[end:]
        elif not node.level and _is_within(node.module or "", *packages):
            statement = FROM.sub(rb"\g<0>" + f"{home}.".encode(), code[start:end], count=1)
            code = code[:start] + statement + code[end:]
    return code.decode().encode(source.encoding)


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
