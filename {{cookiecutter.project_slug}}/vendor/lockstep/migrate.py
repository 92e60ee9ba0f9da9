"""Bring what its owner has written in a project of before the library over to it, once.

    python vendor/lockstep/migrate.py

Run it in the project after `make update`, which has brought the library and left what the owner
had edited. Candidates go to models.py, steps to features.py, `clean` stays in preprocess.py; what
has to be done by hand is told, file by file. It needs Python 3.11 and git, nothing else, for the
library may not be installed yet. Commit before the update: git then shows what was done here.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

OLD_MODULES = (
    *("cli", "config", "doctor", "editing", "errors", "markdown", "notebooks", "params", "predict"),
    *("programs", "use", "data/**/*", "documentation/*", "modeling/*", "reproducibility/*"),
)
NEW_HOMES = {
    "..config": "lockstep.core.project",
    "..data.contract": "lockstep.core.contract",
    "..errors": "lockstep.core.errors",
    "..params": "lockstep.core.params",
    ".steps": "lockstep",
    ".registry": "lockstep.modeling.registry",
}
"""Where the old package's modules went that a candidate or a step may import."""
STAGES = ("__init__.py", "__main__.py", "ingest.py", "preprocess.py", "train.py", "evaluate.py")
CARRIED = {
    "modeling/estimators.py": ("models.py", "candidate"),
    "modeling/steps.py": ("features.py", "step"),
}
REQUIREMENT = re.compile(r"^[+ ](\s*\"lockstep-core==.*)$", re.MULTILINE)


def main() -> None:
    """Migrate the project in the working directory, and say what is left to do."""
    root = Path.cwd()
    if not (root / "dvc.yaml").exists() or not (root / "vendor" / "lockstep").exists():
        sys.exit("error: run this in the project's own folder, after `make update`")
    lines = require_library(root)
    settings = tomllib.loads(read(root / "pyproject.toml"))
    package = root / "src" / settings["tool"]["lockstep"]["package"]
    with tempfile.TemporaryDirectory() as folder:
        template = Template(root, Path(folder))
        for name in STAGES:
            if is_unmerged(package / name):
                lines += renew_stage(root, package / name, template)
        for old, (new, decorator) in CARRIED.items():
            if (package / old).exists():
                lines += carry_functions(root, package / old, package / new, decorator)
        lines += renew_notebooks(root, package.name, template)
    lines += list_leftovers(root, package)
    lines += list_rejects(root)
    print("\n".join(lines or ["nothing is left of before the library"]))


class Template:
    """The template's files at the commit that the project is updated to.

    Args:
        root: The project.
        folder: Where to clone the template to; an empty folder.
    """

    def __init__(self, root: Path, folder: Path) -> None:
        record = json.loads(read(root / ".cruft.json"))
        self.answers = record["context"]["cookiecutter"]
        self.commit, self.folder = record["commit"], folder
        ask_git(root, "clone", "--quiet", "--no-checkout", record["template"], str(folder))
        if not ask_git(folder, "rev-parse", "--verify", "--quiet", self.commit):
            sys.exit(f"error: {record['template']}: the template cannot be fetched from there")

    def names(self, place: str) -> list[str]:
        """The files in a folder of the project, as the template names them."""
        path = f"{self.commit}:{{{{cookiecutter.project_slug}}}}/{place}"
        return ask_git(self.folder, "ls-tree", "--name-only", path).splitlines()

    def text(self, place: str) -> str:
        """A file of the project, with the answers that it shows filled in."""
        path = f"{self.commit}:{{{{cookiecutter.project_slug}}}}/{place}"
        text = ask_git(self.folder, "show", path)
        for answer in ("package_name", "project_slug"):
            text = text.replace(f"{{{{ cookiecutter.{answer} }}}}", self.answers[answer])
        return text


def read(path: Path) -> str:
    """The text of a file."""
    return path.read_text(encoding="utf-8")


def write(text: str, path: Path) -> None:
    """Write a text as the project's other files are written."""
    path.write_text(text, encoding="utf-8", newline="\n")


def require_library(root: Path) -> list[str]:
    """Put the library among the dependencies, if an edit of the owner's kept the update from it."""
    path, rejected = root / "pyproject.toml", root / "pyproject.toml.rej"
    text = read(path)
    if not rejected.exists() or '"lockstep-core==' in text:
        return []
    requirement = REQUIREMENT.search(read(rejected))
    if requirement is None:
        return []
    write(text.replace("\ndependencies = [\n", f"\ndependencies = [\n{requirement[1]}\n", 1), path)
    tomllib.loads(read(path))
    if len(re.findall(r"^@@ ", read(rejected), re.MULTILINE)) == 1:
        rejected.unlink()
    return ["pyproject.toml: requires the library now, beside what you have added"]


def is_unmerged(path: Path) -> bool:
    """Whether an update could not merge a file with what its owner had changed."""
    rejected = path.with_name(f"{path.name}.rej")
    return rejected.exists() or (path.exists() and "\n<<<<<<< " in f"\n{read(path)}")


def renew_stage(root: Path, path: Path, template: Template) -> list[str]:
    """Put the new file of a stage in place of the edited one, with the owner's `clean` in it."""
    name = path.relative_to(root).as_posix()
    new = template.text(f"src/{{{{cookiecutter.package_name}}}}/{path.name}")
    old, first = ask_git(root, "show", f"HEAD:./{name}"), first_version(root, path)
    before, after, generated = functions(old), functions(new), functions(first)
    kept = "clean" in before and "clean" in after
    if kept:
        new = new.replace(source(new, after["clean"]), source(old, before["clean"]))
        first = first.replace(source(first, generated["clean"]), source(old, before["clean"]))
    write(new, path)
    path.with_name(f"{path.name}.rej").unlink(missing_ok=True)
    ask_git(root, "reset", "--quiet", "--", name)  # no conflict is left in the index
    lines = [f"{name}: the new version{', with your clean' if kept else ''}"]
    if first != old:
        lines.append(f"  by hand: what else you had changed; `git diff HEAD -- {name}` shows it")
    return lines


def carry_functions(root: Path, old: Path, new: Path, decorator: str) -> list[str]:
    """Append the owner's candidates or steps to the file where they belong now."""
    before, after = read(old), read(new)
    bound = bindings(ast.parse(after))
    own = {
        name: function
        for name, function in functions(before).items()
        if decorator in map(decorator_name, function.decorator_list) and name not in bound
    }
    imports, statements = closure(before, own, bound)
    changed = changed_functions(root, old, before, own)
    if own:
        tree = ast.parse(after)
        last = max(
            node.end_lineno or 0
            for node in tree.body
            if isinstance(node, ast.Import | ast.ImportFrom)
        )
        lines = after.splitlines()
        lines[last:last] = imports
        write("\n".join(lines).rstrip() + "\n\n\n" + "\n\n\n".join(statements) + "\n", new)
    names = {path: path.relative_to(root).as_posix() for path in (old, new)}
    if not changed:
        old.unlink()
    told = [f"{names[new]}: your {', '.join(own)}, from {names[old]}"] if own else []
    if changed:
        told.append(
            f"{names[old]}: by hand: you had changed {', '.join(changed)}; bring it over to "
            f"{names[new]}, then `git rm` the old file"
        )
    return told


def closure(
    text: str, own: dict[str, ast.FunctionDef], bound: set[str]
) -> tuple[list[str], list[str]]:
    """Imports and statements of a module that functions of it need, and these, in their order."""
    tree = ast.parse(text)
    homes = {name: node for node in tree.body for name in bindings(ast.Module([node], []))}
    waiting: list[ast.stmt] = list(own.values())
    nodes: list[ast.stmt] = []
    imports: dict[str, str] = {}
    while waiting:
        node = waiting.pop()
        nodes.append(node)
        for name in {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}:
            home = homes.get(name)
            if name in bound or name in own or home is None or home in [*nodes, *waiting]:
                continue
            if isinstance(home, ast.Import | ast.ImportFrom):
                imports[name] = import_line(home, name)
            else:
                waiting.append(home)
    ordered = sorted(nodes, key=lambda node: node.lineno)
    return sorted({*imports.values()}), [source(text, node) for node in ordered]


def import_line(node: ast.Import | ast.ImportFrom, name: str) -> str:
    """The line that imports one name of an import, from where it is now."""
    if isinstance(node, ast.Import):
        alias = next(alias for alias in node.names if (alias.asname or alias.name) == name)
        return f"import {alias.name}" + (f" as {alias.asname}" if alias.asname else "")
    module = "." * node.level + (node.module or "")
    alias = next(alias for alias in node.names if (alias.asname or alias.name) == name)
    line = f"from {NEW_HOMES.get(module, module)} import {alias.name}"
    return line + (f" as {alias.asname}" if alias.asname else "")


def changed_functions(
    root: Path, path: Path, text: str, own: dict[str, ast.FunctionDef]
) -> list[str]:
    """The functions and classes of a file that are not as git first had it, but for `own`."""
    first = first_version(root, path)
    if not first:
        return ["something"]
    sources = {node: source(first, function) for node, function in functions(first).items()}
    return [
        node
        for node, function in functions(text).items()
        if node not in own and sources.get(node) not in (None, source(text, function))
    ]


def renew_notebooks(root: Path, package: str, template: Template) -> list[str]:
    """Put the template's notebooks in place of those that call the old package unchanged.

    An update leaves notebooks alone, since they are the owner's.
    """
    new = {description(name): name for name in template.names("notebooks")}
    lines = []
    for path in sorted((root / "notebooks").glob("*.ipynb")):
        name = path.relative_to(root).as_posix()
        if f"from {package}.config import" not in read(path):
            continue
        if read(path) == first_version(root, path) and description(path.name) in new:
            write(template.text(f"notebooks/{new[description(path.name)]}"), path)
            lines.append(f"{name}: the new version")
        else:
            lines.append(f"{name}: by hand: import from `lockstep` what it imports from {package}")
    return lines


def description(name: str) -> str:
    """What a notebook's name says that it is about, without its number and its author."""
    return re.sub(r"^[\d.]+-(\{\{.*?\}\}|[a-z]+)-", "", name)


def ask_git(folder: Path, *arguments: str) -> str:
    """What git prints in a folder; nothing if it fails."""
    return subprocess.run(
        ["git", *arguments], cwd=folder, capture_output=True, encoding="utf-8"
    ).stdout


def first_version(root: Path, path: Path) -> str:
    """A file as git first had it; nothing if git never had it."""
    name = path.relative_to(root).as_posix()
    commits = ask_git(root, "log", "--diff-filter=A", "--format=%H", "--", name).split()
    return ask_git(root, "show", f"{commits[-1]}:./{name}") if commits else ""


def list_leftovers(root: Path, package: Path) -> list[str]:
    """The old package's modules that an update left, since their owner had edited or added them."""
    files = {path for pattern in OLD_MODULES for path in package.glob(f"{pattern}.py")}
    for folder in sorted({path.parent for path in files}, reverse=True):
        if {path.name for path in folder.iterdir()} <= {"__init__.py", "__pycache__"}:
            files -= {folder / "__init__.py"}
    files -= {package / old for old in CARRIED}
    modules = "|".join(sorted({pattern.partition("/")[0] for pattern in OLD_MODULES}))
    calls = re.compile(rf"^from {package.name}(\.| import [^#\n]*\b)({modules})\b", re.MULTILINE)
    tests = {path for path in (root / "tests").glob("*.py") if calls.search(read(path))}
    reasons = {
        **dict.fromkeys(
            files,
            "nothing calls it any more; what you need of it belongs into a module of yours beside "
            "models.py, which imports from `lockstep`",
        ),
        **dict.fromkeys(
            tests, "it tests what is in the library now; keep what is yours, and import it anew"
        ),
    }
    return [
        f"{path.relative_to(root).as_posix()}: by hand: {reasons[path]}" for path in sorted(reasons)
    ]


def list_rejects(root: Path) -> list[str]:
    """What an update could not merge and this could not either."""
    rejects = [path for path in root.rglob("*.rej") if ".venv" not in path.parts]
    return [
        f"{path.with_suffix('').relative_to(root).as_posix()}: by hand: {path.name} holds what the "
        "update could not merge; bring it in, then delete it"
        for path in sorted(rejects)
    ]


def functions(text: str) -> dict[str, ast.FunctionDef]:
    """The functions at the top of a module by their names."""
    return {node.name: node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)}


def bindings(tree: ast.Module) -> set[str]:
    """The names that a module binds at its top."""
    names: set[str] = set()
    for node in tree.body:
        match node:
            case ast.Import() | ast.ImportFrom():
                names |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
            case ast.FunctionDef() | ast.ClassDef():
                names.add(node.name)
            case ast.Assign():
                names |= {
                    one.id
                    for one in ast.walk(node)
                    if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)
                }
            case ast.AnnAssign(target=ast.Name(id=name)):
                names.add(name)
    return names


def decorator_name(node: ast.expr) -> str:
    """What a decorator is called, with arguments or without."""
    called = node.func if isinstance(node, ast.Call) else node
    return called.id if isinstance(called, ast.Name) else ""


def source(text: str, node: ast.stmt) -> str:
    """The lines of a statement, its decorators among them."""
    decorators = getattr(node, "decorator_list", [])
    start = min([node.lineno, *(decorator.lineno for decorator in decorators)])
    return "\n".join(text.splitlines()[start - 1 : node.end_lineno])


if __name__ == "__main__":
    main()
