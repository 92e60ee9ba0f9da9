"""What may import what: the layers of the library, and the rooms that each stage depends on."""

import ast
import inspect
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import lockstep
import pytest
from conftest import LIBRARY, TEMPLATE, read_stages
from lockstep.docs.pipeline import list_outputs

OWNER = TEMPLATE / "src" / "{{cookiecutter.package_name}}"
PACKAGES = {"lockstep": LIBRARY, "owner": OWNER}
ROOMS = "vendor/lockstep/src/lockstep/"
BELOW = {
    "core": set(),
    "data": {"core"},
    "reading": {"core", "data"},
    "modeling": {"core", "data"},
    "reporting": {"core", "data", "modeling"},
    "standalone": {"core", "data", "reading", "modeling"},
    "searching": {"core", "data", "modeling", "reporting"},
    "records": {"core", "data", "modeling", "reporting"},
    "registry": {"core", "data", "modeling", "reporting", "records"},
    "packaging": {"core", "data", "modeling", "records", "registry", "standalone"},
    "serving": {"core", "packaging", "records", "registry", "standalone"},
    "monitoring": {
        *("core", "data", "reading", "modeling", "reporting"),
        *("records", "registry", "standalone", "packaging", "serving"),
    },
}
"""The rooms that each of these may import; stages use none below `reporting`."""
STAGES = read_stages("dvc.yaml")
NOTEBOOKS = read_stages("notebooks/dvc.yaml")


def nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node, inside functions too, but for imports that only type checkers see."""
    for child in ast.iter_child_nodes(tree):
        if not (isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"):
            yield child
            yield from nodes(child)


def imports(code: str, package: tuple[str, ...] = ()) -> set[Path]:
    """The files of the library and of the owner's package that code in `package` imports."""
    names = set()
    for node in nodes(ast.parse(code)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*above, *([node.module] if node.module else [])])
            names |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
    modules = {f"lockstep.{name}": module for module, of in lockstep.ROOMS.items() for name in of}
    names = {f"lockstep.{modules[name]}" if name in modules else name for name in names}
    paths = [PACKAGES[top].joinpath(*rest) for top, *rest in map(split, names) if top in PACKAGES]
    files = [file for path in paths for file in (path.with_suffix(".py"), path / "__init__.py")]
    return {*filter(Path.is_file, files)}


def split(name: str) -> list[str]:
    return name.split(".")


def imports_of(file: Path) -> set[Path]:
    top, folder = next(each for each in PACKAGES.items() if file.is_relative_to(each[1]))
    package = (top, *file.parent.relative_to(folder).parts)
    return imports(file.read_text(encoding="utf-8"), package)


def closure(files: Iterable[Path]) -> set[Path]:
    """The files and all that they import, directly or through others."""
    reached: set[Path] = set()
    while files:
        reached |= {*files}
        files = {path for file in files for path in imports_of(file)} - reached
    return reached


def rooms(files: Iterable[Path]) -> set[str]:
    within = [file.relative_to(LIBRARY) for file in files if file.is_relative_to(LIBRARY)]
    return {file.parts[0] for file in within if len(file.parts) > 1}


def rooms_in(stage: dict) -> set[str]:
    return {path.removeprefix(ROOMS) for path in stage["deps"] if path.startswith(ROOMS)}


@pytest.mark.parametrize("room", BELOW)
def test_a_room_imports_only_those_below_it(room: str) -> None:
    for file in (LIBRARY / room).rglob("*.py"):
        above = rooms(imports_of(file)) - BELOW[room] - {room}
        assert not above, f"{file.relative_to(LIBRARY)} imports {', '.join(sorted(above))}"


@pytest.mark.parametrize("stage", [stage for stage in STAGES if stage != "evaluate"])
def test_a_stage_depends_on_just_the_files_and_rooms_that_it_imports(stage: str) -> None:
    files = closure({OWNER / f"{stage}.py"})
    assert rooms(files) == rooms_in(STAGES[stage])
    own = {file.relative_to(OWNER).parts[0] for file in files if file.is_relative_to(OWNER)}
    own.discard("__init__.py")
    listed = {path for path in STAGES[stage]["deps"] if path.startswith("src/")}
    assert {f"src/owner/{name}" for name in own} == listed


def test_the_last_stage_depends_on_all_that_the_record_of_a_run_tells() -> None:
    before, last = (
        [STAGES[stage] for stage in ("ingest", "preprocess", "train")],
        STAGES["evaluate"],
    )
    assert rooms(closure({OWNER / "evaluate.py"})) <= rooms_in(last)
    assert "src/owner" in last["deps"]
    for stage in before:
        needed = {*stage["deps"], *list_outputs(stage)} - {"data/raw"}  # as ingest.json tells them
        assert {path for path in needed if not path.startswith("src/owner/")} <= {*last["deps"]}
        assert read_params(stage) <= read_params(last)


def read_params(stage: dict) -> set[tuple[str, str]]:
    """The files and keys that a stage depends on."""
    entries = [
        entry if isinstance(entry, dict) else {"params.yaml": [entry]} for entry in stage["params"]
    ]
    return {(file, key) for entry in entries for file, keys in entry.items() for key in keys}


@pytest.mark.parametrize("stage", NOTEBOOKS)
def test_a_notebook_depends_on_just_the_rooms_that_it_imports(stage: str) -> None:
    (path,) = (TEMPLATE / "notebooks").glob(f"*{stage}.ipynb")
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    codes = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    code = "\n".join(codes).replace("{{ cookiecutter.package_name }}", "owner")
    assert rooms(closure(imports(code) | {LIBRARY / "docs/notebooks.py"})) == rooms_in(
        NOTEBOOKS[stage]
    )
    assert "src/owner" in NOTEBOOKS[stage]["deps"]


@pytest.mark.parametrize(
    "module",
    [
        *("commands.startup", "commands.cli", "docs.notebooks"),
        *("registry.models", "registry.rollback"),
    ],
)
def test_what_starts_often_imports_nothing_heavy(module: str) -> None:
    code = f"import lockstep.{module}, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"numpy", "pandas", "pyarrow", "pydantic"} & {*done.stdout.split()}


@pytest.mark.parametrize("module", ["serving.engine", "serving.app", "serving.request_store"])
def test_the_process_of_the_server_leaves_numbers_to_its_workers(module: str) -> None:
    code = f"import lockstep.{module}, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"numpy", "pandas", "pyarrow", "sklearn", "keras"} & {*done.stdout.split()}


def test_type_checkers_see_the_names_at_the_door() -> None:
    tree = ast.parse((LIBRARY / "__init__.py").read_text(encoding="utf-8"))
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    lines = {(node.module, alias.asname) for node in block.body for alias in node.names}
    assert lines == {(module, name) for module, names in lockstep.ROOMS.items() for name in names}


@pytest.mark.parametrize("name", lockstep.__all__)
def test_a_name_at_the_door_says_what_it_is(name: str) -> None:
    assert inspect.getdoc(getattr(lockstep, name))
