"""dvc.yaml tells the truth about the code: a stage depends on each module it imports."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]
PACKAGE = next((ROOT / "src").glob("*/__init__.py")).parent
STAGES = YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"]


def imported_by(module: Path) -> Iterator[Path]:
    """The package's files that `module` imports, inside functions too, but not for types alone."""
    for node in nodes(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for name in node.names:
                if name.name.split(".")[0] == PACKAGE.name:
                    yield from existing(PACKAGE.parent.joinpath(*name.name.split(".")))
        elif isinstance(node, ast.ImportFrom) and (node.level or in_package(node.module)):
            folder = module.parents[node.level - 1] if node.level else PACKAGE.parent
            base = folder.joinpath(*(node.module or "").split("."))
            for name in node.names:
                yield from existing(base / name.name)
            yield from existing(base)


def nodes(tree: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            for other in child.orelse:
                yield from [other, *nodes(other)]
            continue
        yield child
        yield from nodes(child)


def in_package(module: str | None) -> bool:
    return module is not None and module.split(".")[0] == PACKAGE.name


def existing(module: Path) -> Iterator[Path]:
    yield from filter(Path.is_file, (module.with_suffix(".py"), module / "__init__.py"))


def templates_of(module: Path) -> set[Path]:
    """The files that the module fills in."""
    folder = module.with_name("templates")
    return {*folder.glob("*")} if f'"{folder.name}"' in module.read_text() else set()


def modules_of(stage: str) -> set[str]:
    """Every file of the package that the stage needs, directly or through another."""
    found, waiting = set(), [PACKAGE / f"{stage}.py"]
    while waiting:
        module = waiting.pop()
        if module in found:
            continue
        found.add(module)
        found |= templates_of(module)
        waiting += imported_by(module)
        # Importing a module imports the packages around it first.
        waiting += [
            folder / "__init__.py" for folder in module.parents if folder.is_relative_to(PACKAGE)
        ]
    return {path.relative_to(ROOT).as_posix() for path in found}


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_just_the_modules_it_imports(stage: str) -> None:
    listed = {path for path in STAGES[stage]["deps"] if path.startswith("src/")}
    missing, unused = modules_of(stage) - listed, listed - modules_of(stage)
    assert not missing, f"dvc.yaml: add to the deps of {stage}: {', '.join(sorted(missing))}"
    assert not unused, f"dvc.yaml: remove from the deps of {stage}: {', '.join(sorted(unused))}"
