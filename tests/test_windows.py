"""What would not work on Windows, found in the files alone."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest
from conftest import Project, bake
from ruamel.yaml import YAML

LONGEST = {"package_name": "x" * 40, "author_name": "A " * 300}
# Beside the path of the project itself, within the 260 that Windows allows by default.
MOST = 140
FORBIDDEN = re.compile(r'[<>:"|?*\\\x00-\x1f]|[ .]$')
DEVICES = {
    "aux",
    "con",
    "nul",
    "prn",
    *(f"{name}{n}" for name in ("com", "lpt") for n in range(10)),
}
# What only a POSIX shell understands: cmd.exe has no single quotes, variables are not set in front
# of a command, globs are not expanded.
SHELL = re.compile(r"&&|\|\||[;|<>'*?$`]|^\s*\w+=")
RECIPE = re.compile(r"^\t@?(.+)$", flags=re.MULTILINE)
CODE = ("src", "docs", "vendor/lockstep/src")
PROGRAMS = ("uv", "uvx", "git", "make", "dvc", "python", "pip", "curl")
CONSOLE = re.compile(r"^\$ (.+)$", flags=re.MULTILINE)


@pytest.fixture(scope="module")
def longest(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with the longest names that are allowed."""
    return bake(tmp_path_factory.mktemp("longest"), **LONGEST)


def test_paths_are_short_enough(longest: Project) -> None:
    assert {name for name in longest.files() if len(name) > MOST} == set()


def test_names_can_be_used(longest: Project) -> None:
    for name in longest.files():
        for part in PurePosixPath(name).parts:
            assert not FORBIDDEN.search(part), name
            assert part.partition(".")[0].lower() not in DEVICES, name


def test_no_two_names_differ_by_case_alone(longest: Project) -> None:
    names = longest.files()
    folders = {str(parent) for name in names for parent in PurePosixPath(name).parents}
    found = Counter(name.lower() for name in names | folders)
    assert [name for name, times in found.items() if times > 1] == []


def test_commands_of_the_stages_need_no_shell_of_their_own(pristine: Project) -> None:
    for path in ("dvc.yaml", "notebooks/dvc.yaml"):
        stages = YAML(typ="safe").load(pristine / path)["stages"]
        for stage in stages.values():
            assert isinstance(stage["cmd"], str)
            assert stage["cmd"].startswith(("python -m my_project.", "python -m lockstep."))
            assert not SHELL.search(stage["cmd"]), stage["cmd"]


def test_commands_of_the_hooks_need_no_shell(pristine: Project) -> None:
    config = YAML(typ="safe").load(pristine / ".pre-commit-config.yaml")
    hooks = config["repos"][0]["hooks"]
    assert len(hooks) > 8
    for hook in hooks:
        if hook["language"] in ("fail", "pygrep"):
            continue  # these call nothing
        assert hook["language"] == "system"
        assert hook["entry"].startswith("uv run ")
        assert not SHELL.search(hook["entry"]), hook["entry"]


def test_commands_that_a_person_types_are_no_scripts(pristine: Project) -> None:
    pages = [pristine / "README.md", *(pristine / "docs").glob("*.md")]
    commands = [found for page in pages for found in CONSOLE.findall(page.read_text("utf-8"))]
    assert len(commands) > 8
    for command in commands:
        assert not SHELL.search(command), command
        assert command.split()[0] in {*PROGRAMS}, command


def test_recipes_need_no_posix_shell(pristine: Project) -> None:
    recipes = RECIPE.findall((pristine / "Makefile").read_text(encoding="utf-8"))
    assert len(recipes) > 8
    for recipe in recipes:
        # What stands in $() is make's own on each system.
        assert not SHELL.search(re.sub(r"\$\(.+?\)", "", recipe)), recipe


def test_texts_have_the_same_ends_of_lines_everywhere(pristine: Project) -> None:
    assert "* text=auto eol=lf" in (pristine / ".gitattributes").read_text(encoding="utf-8")
    for name in pristine.files():
        content = (pristine / name).read_bytes()
        assert b"\r\n" not in content or b"\0" in content, name


def python(project: Project, *folders: str) -> Iterator[tuple[Path, ast.AST]]:
    """Every node of the code in these folders."""
    for folder in folders:
        for path in (project / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                yield path, node


def test_the_library_is_looked_at_too(pristine: Project) -> None:
    assert len({path for path, _ in python(pristine, *CODE)}) > 70


def test_paths_are_made_by_pathlib_and_no_shell_is_called(pristine: Project) -> None:
    for path, node in python(pristine, *CODE):
        match node:
            case ast.Attribute(value=ast.Name(id="os"), attr=name):
                assert name not in {"path", "system", "popen", "fork", "getuid"}, path
            case ast.keyword(arg="shell"):
                raise AssertionError(f"{path}: a shell")


def test_texts_are_read_and_written_as_utf_8(pristine: Project) -> None:
    """Windows would take another encoding for granted."""
    for path, node in python(pristine, *CODE):
        match node:
            case ast.Call(func=ast.Attribute(attr="read_text" | "write_text")):
                given = {keyword.arg for keyword in node.keywords}
                assert "encoding" in given, f"{path}: line {node.lineno}"


def test_what_other_programs_print_is_read_as_utf_8(pristine: Project) -> None:
    for path, node in python(pristine, *CODE, "tests"):
        match node:
            case ast.keyword(arg="text", value=ast.Constant(value=True) as value):
                raise AssertionError(f"{path}: line {value.lineno}: no encoding")


def test_what_tests_write_beyond_ascii_has_an_encoding(pristine: Project) -> None:
    for path, node in python(pristine, "tests"):
        match node:
            case ast.Call(func=ast.Attribute(attr="write_text"), args=[ast.Constant(value=text)]):
                given = {keyword.arg for keyword in node.keywords}
                assert text.isascii() or "encoding" in given, f"{path}: line {node.lineno}"
