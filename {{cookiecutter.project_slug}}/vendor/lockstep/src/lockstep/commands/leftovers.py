"""Files from before the library, which an update could not delete since they were edited."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..core.paths import Paths

FORMER_MODULES = (
    *("cli", "config", "doctor", "editing", "errors", "markdown", "notebooks", "params"),
    *("predict", "programs", "use"),
)
FORMER_FOLDERS = ("data", "documentation", "modeling", "reproducibility")
HOMES = {"candidate": "models.py", "step": "features.py"}
"""Where the owner's functions with such a decorator belong now."""


def describe_leftovers(paths: Paths) -> list[str]:
    """A line for each file that is left over, with what mends it.

    Raises:
        UserError: pyproject.toml does not name the owner's package.
    """
    package = paths.root / "src" / paths.package
    modules = {*package.rglob("*.py")}
    former = {path for path in modules if _is_former(path.relative_to(package))}
    leftovers = former - _imported_modules(modules - former, package)
    registered = _registered(modules - leftovers) | _registered(
        (Path(__file__).parents[1] / "modeling").glob("*.py")
    )
    lines = []
    for path in sorted(leftovers):
        moves = [
            f"move your functions {', '.join(sorted(names))} to {paths.name(package / home)}, then "
            for decorator, home in HOMES.items()
            if (names := _decorated(path, decorator) - registered)
        ]
        lines.append(
            f"{paths.name(path)} is from before the library and nothing uses it: "
            f"{''.join(moves)}`git rm` it"
        )
    absent = {
        name
        for name in (*FORMER_MODULES, *FORMER_FOLDERS)
        if not {package / f"{name}.py", *(package / name).rglob("*.py")} & (modules - leftovers)
    }
    for path in sorted([*paths.root.glob("tests/*.py"), *paths.notebooks.glob("*.ipynb")]):
        if names := _imported_names(path, paths.package) & absent:
            lines.append(
                f"{paths.name(path)} imports {', '.join(sorted(names))} from before the library: "
                "import it from lockstep, or `git rm` the file"
            )
    return lines


def _is_former(path: Path) -> bool:
    """Whether the package had such a file, or such a folder around it, before the library."""
    if len(path.parts) == 1:
        return path.stem in FORMER_MODULES
    return path.parts[0] in FORMER_FOLDERS


def _imported_modules(modules: Iterable[Path], package: Path) -> set[Path]:
    """The files of the package that some of its modules import, directly or through another."""
    reached: set[Path] = set()
    waiting = [*modules]
    while waiting:
        module = waiting.pop()
        if module not in reached:
            reached.add(module)
            waiting += _imports(module, package)
    return reached


def _imports(module: Path, package: Path) -> Iterator[Path]:
    for node in ast.walk(_parse(module)):
        if isinstance(node, ast.ImportFrom):
            folder = module.parents[node.level - 1] if node.level else package.parent
            base = folder.joinpath(*(node.module or "").split("."))
            targets = [base, *(base / alias.name for alias in node.names)]
        elif isinstance(node, ast.Import):
            targets = [package.parent.joinpath(*alias.name.split(".")) for alias in node.names]
        else:
            continue
        for target in targets:
            # Importing a module imports the packages around it first.
            around = [folder / "__init__.py" for folder in (target, *target.parents)]
            yield from (
                path
                for path in (target.with_suffix(".py"), *around)
                if path.is_relative_to(package) and path.is_file()
            )


def _parse(module: Path) -> ast.Module:
    """The module's code; nothing where it cannot be read, as with a conflict's marks in it."""
    try:
        return ast.parse(module.read_text(encoding="utf-8"))
    except (ValueError, SyntaxError):
        return ast.Module([], [])


def _decorated(module: Path, decorator: str) -> set[str]:
    """The names of the module's functions with `@decorator` or `@decorator(...)`."""
    return {
        node.name
        for node in ast.walk(_parse(module))
        if isinstance(node, ast.FunctionDef)
        and any(
            re.match(rf"(\w+\.)*{decorator}\b", ast.unparse(each)) for each in node.decorator_list
        )
    }


def _registered(modules: Iterable[Path]) -> set[str]:
    return {name for path in modules for kind in HOMES for name in _decorated(path, kind)}


def _imported_names(file: Path, package: str) -> set[str]:
    """What a test or a notebook imports of the package, by the first name below it."""
    text = file.read_text(encoding="utf-8", errors="replace")
    names = {*re.findall(rf"\b(?:from|import) {package}\.(\w+)", text)}
    for listing in re.findall(rf"\bfrom {package} import ([\w, ]+)", text):
        names |= {*re.findall(r"\w+", listing)}
    return names
