"""Bring what its owner has written in a project of before the library over to it, once.

    python vendor/lockstep/migrate.py

Run it in the project after `make update`, which has brought the library and left what the owner
had edited. Candidates go to models/own.py, steps to features.py, `clean` stays in preprocess.py;
what has to be done by hand is told, file by file. It needs Python 3.11 and git, nothing else, for
the library may not be installed yet. Commit before the update: git then shows what was done here.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
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
PROJECT, PACKAGE = "{{cookiecutter.project_slug}}", "src/{{cookiecutter.package_name}}"
MARKS = re.compile(r"<<<<<<< .*\n([\s\S]*?)=======\n([\s\S]*?)>>>>>>> .*\n")
"""A conflict, as git marks it: the owner's lines, and the template's."""
FORMER_REQUIREMENTS = ("joblib", "keras", "matplotlib", "pillow", "pyarrow", "ruamel-yaml")
STAGES = ("__init__.py", "__main__.py", "ingest.py", "preprocess.py", "train.py", "evaluate.py")
CARRIED = {
    "modeling/estimators.py": ("models/own.py", "candidate"),
    "modeling/steps.py": ("features.py", "step"),
}
COMMON = ".common"
RELATIVE = re.compile(r"(?<=from )\.+[\w.]*(?= import )")
REQUIREMENT = re.compile(r"^[+ ](\s*\"lockstep-core==.*)$", re.MULTILINE)
REPLACED_KEY = re.compile(r"^-(\S.*)\n\+(\S.*)$", re.MULTILINE)
ADDED_LINES = re.compile(r"^ (.*\S.*)\n((?:\+.*\n)+)", re.MULTILINE)
"""A line of a rejected part that takes the place of another one, or some below one that stays."""


def main() -> None:
    """Migrate the project in the working directory, and say what is left to do."""
    root = Path.cwd()
    if not (root / "dvc.yaml").exists() or not (root / "vendor" / "lockstep").exists():
        sys.exit("error: run this in the project's own folder, after `make update`")
    with tempfile.TemporaryDirectory() as folder:
        template = Template(root, Path(folder))
        lines = renew_library(root, template)
        lines += require_library(root)
        package = root / "src" / template.answers["package_name"]
        for name in STAGES:
            if is_unmerged(package / name):
                lines += renew_stage(root, package / name, template)
        if has_two_homes_of_candidates(package):
            lines += renew_candidates(root, package, template)
        for old, (new, decorator) in CARRIED.items():
            if (package / old).exists():
                lines += carry_functions(root, package, (old, new), decorator, template)
        lines += renew_notebooks(root, package.name, template)
    lines += list_leftovers(root, package)
    lines += list_unmerged(root)
    print("\n".join(lines or ["nothing is left of before the library"]))


class Template:
    """The template's files at the commit that the project is updated to.

    Args:
        root: The project.
        folder: Where to clone the template to; an empty folder.
    """

    def __init__(self, root: Path, folder: Path) -> None:
        if not (root / ".cruft.json").exists():
            sys.exit("error: .cruft.json is not there; it says which template the project is of")
        record = json.loads(read(root / ".cruft.json"))
        former = json.loads(ask_git(root, "show", "HEAD:./.cruft.json") or "{}")
        self.answers = record["context"]["cookiecutter"]
        self.commit, self.former = record["commit"], former.get("commit", record["commit"])
        self.folder = folder
        ask_git(root, "clone", "--quiet", "--no-checkout", record["template"], str(folder))
        for commit in (self.commit, self.former):
            if not ask_git(folder, "cat-file", "-t", commit):
                sys.exit(f"error: {record['template']}: the template has no commit {commit[:8]}")

    def names(self, place: str) -> list[str]:
        """The files below a folder of the project, as the template names them from there on."""
        top = f"{PROJECT}/{place}/"
        tree = ask_git(
            self.folder, "ls-tree", "-r", "-z", "--name-only", "--full-tree", self.commit, "--", top
        )
        return [name.removeprefix(top) for name in tree.split("\0") if name]

    def former_text(self, name: str) -> str:
        """A file of the package as the template had it when the project was last updated."""
        return self.text(f"{PACKAGE}/{name}", self.former)

    def raw(self, place: str) -> bytes:
        """A file of the project that is not rendered."""
        command = ["git", "show", f"{self.commit}:{PROJECT}/{place}"]
        return subprocess.run(command, cwd=self.folder, capture_output=True, check=True).stdout

    def text(self, place: str, commit: str = "") -> str:
        """A file of the project, with the answers that it shows filled in."""
        text = ask_git(self.folder, "show", f"{commit or self.commit}:{PROJECT}/{place}")
        if not text:
            advice = "; run this before the update is committed" if commit else ""
            sys.exit(f"error: {place}: the template of {commit or self.commit} lacks it{advice}")
        for answer in ("package_name", "project_slug"):
            text = text.replace(f"{{{{ cookiecutter.{answer} }}}}", self.answers[answer])
        return text


def read(path: Path) -> str:
    """The text of a file."""
    return path.read_text(encoding="utf-8")


def write(text: str, path: Path) -> None:
    """Write a text as the project's other files are written."""
    path.write_text(text, encoding="utf-8", newline="\n")


def renew_library(root: Path, template: Template) -> list[str]:
    """Lay out the library as the template has it.

    Git takes some old modules for the library's under other names, so that an update merges what
    their owner had changed into the library. Nothing of it stays here, and each is told.
    """
    folder = root / "vendor" / "lockstep"
    names = template.names("vendor/lockstep")
    files = [
        path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts
    ]
    kept = {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
    library = {name: template.raw(f"vendor/lockstep/{name}") for name in names}
    for name in kept.keys() - library.keys():
        (folder / name).unlink()
    for name in library:
        if kept.get(name) != library[name]:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(library[name])
    ask_git(root, "reset", "--quiet", "--", "vendor")  # no conflict is left in the index
    return [
        f"vendor/lockstep/{name}: by hand: it replaces a module that you had edited; your edit is "
        "in git's history only"
        for name in sorted(kept.keys() & library.keys())
        if kept[name] != library[name]
    ]


def require_library(root: Path) -> list[str]:
    """Put the library among the dependencies, if an edit of the owner's kept the update from it."""
    path, rejected = root / "pyproject.toml", root / "pyproject.toml.rej"
    text, lines = read(path), []
    for conflict in MARKS.finditer(text):
        ours, theirs = (part.splitlines() for part in conflict.groups())
        if all(line.strip().startswith('"') for line in [*ours, *theirs]):
            own = [
                line
                for line in ours
                if line not in theirs and not line.strip(' "').startswith(FORMER_REQUIREMENTS)
            ]
            text = text.replace(conflict[0], "\n".join([*theirs, *own]) + "\n")
    requirement = REQUIREMENT.search(read(rejected)) if rejected.exists() else None
    if requirement and '"lockstep-core==' not in text:
        text = text.replace("\ndependencies = [\n", f"\ndependencies = [\n{requirement[1]}\n", 1)
        for old, new in REPLACED_KEY.findall(read(rejected)):
            text = text.replace(f"\n{old}\n", f"\n{new}\n", 1)
        for above, added in ADDED_LINES.findall(read(rejected)):
            new = re.sub(r"^\+", "", added, flags=re.MULTILINE)
            text = text.replace(f"\n{above}\n", f"\n{above}\n{new}", 1)
        if len(re.findall(r"^@@ ", read(rejected), re.MULTILINE)) == 1:
            rejected.unlink()
    if text != read(path):
        write(text, path)
        lines = ["pyproject.toml: requires the library now, beside what you have added"]
        if not MARKS.search(text):
            ask_git(root, "reset", "--quiet", "--", "pyproject.toml")
    return lines


def is_unmerged(path: Path) -> bool:
    """Whether an update could not merge a file with what its owner had changed."""
    rejected = path.with_name(f"{path.name}.rej")
    return rejected.exists() or (path.exists() and "\n<<<<<<< " in f"\n{read(path)}")


def renew_stage(root: Path, path: Path, template: Template) -> list[str]:
    """Put the new file of a stage in place of the edited one, with the owner's `clean` in it."""
    name = path.relative_to(root).as_posix()
    new = template.text(f"{PACKAGE}/{path.name}")
    old, first = ask_git(root, "show", f"HEAD:./{name}"), template.former_text(path.name)
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


def has_two_homes_of_candidates(package: Path) -> bool:
    """Whether an update has left the owner's `models.py`, edited, and brought the folder `models`.

    Git may take a file there for the former under another name, and merge the two.
    """
    common = package / "models" / "common.py"
    return is_unmerged(common) or (common.exists() and (package / "models.py").exists())


def renew_candidates(root: Path, package: Path, template: Template) -> list[str]:
    """Put the new file of candidates in place, with the owner's in a file of their own."""
    common, former = package / "models" / "common.py", package / "models.py"
    write(template.text(f"{PACKAGE}/models/common.py"), common)
    common.with_name(f"{common.name}.rej").unlink(missing_ok=True)
    ask_git(root, "reset", "--quiet", "--", common.relative_to(root).as_posix())
    write(ask_git(root, "show", f"HEAD:./{former.relative_to(root).as_posix()}"), former)
    return carry_functions(root, package, ("models.py", "models/own.py"), "candidate", template)


def carry_functions(
    root: Path, package: Path, places: tuple[str, str], decorator: str, template: Template
) -> list[str]:
    """Append the owner's candidates or steps to the file where they belong now."""
    old, new = (package / place for place in places)
    after = read(new) if new.exists() else '"""Candidates of our own."""\n'
    before, shared = read(old), list_imports(new.with_name("common.py"))
    tree, bound = ast.parse(before), bindings(ast.parse(after))
    former = template.former_text(places[0])
    known = {ast.dump(node) for node in ast.parse(former).body}
    own = [
        node
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
        and decorator in map(decorator_name, node.decorator_list)
        and node.name not in bound | {*functions(former)} | shared.keys()
    ]
    imports, nodes = closure(tree, own, bound, shared)
    statements = [rewrite_imports(source(before, node)) for node in nodes]
    names = {path: path.relative_to(root).as_posix() for path in (old, new)}
    lines = []
    if own:
        head = [
            node.end_lineno or 0
            for place, node in enumerate(ast.parse(after).body)
            if place == 0 or isinstance(node, ast.Import | ast.ImportFrom)
        ]
        text = after.splitlines()
        text[max(head) : max(head)] = imports if len(head) > 1 else ["", *imports]
        write("\n".join(text).rstrip() + "\n\n\n" + "\n\n\n".join(statements) + "\n", new)
        own_names = ", ".join(node.name for node in own)
        lines.append(f"{names[new]}: your {own_names}, from {names[old]}")
    relative = {*RELATIVE.findall("\n".join([*imports, *statements]))}
    if homeless := sorted(relative - {COMMON}):
        lines.append(f"  by hand: what it imports from {', '.join(homeless)}")
    rest = [
        node
        for node in tree.body
        if ast.dump(node) not in known
        and node not in nodes
        and not isinstance(node, ast.Import | ast.ImportFrom)
    ]
    if rest:
        changes = [", ".join(sorted(bindings(ast.Module([node], [])))) for node in rest]
        places = [name or f"line {node.lineno}" for name, node in zip(changes, rest, strict=True)]
        lines.append(
            f"{names[old]}: by hand: you had changed {', '.join(places)}; bring it over to "
            f"{names[new]}, then `git rm` the old file"
        )
    else:
        old.unlink()
    return lines


def closure(
    tree: ast.Module, own: list[ast.FunctionDef], bound: set[str], shared: dict[str, str]
) -> tuple[list[str], list[ast.stmt]]:
    """Imports and statements of a module that functions of it need, and these, in their order.

    Args:
        tree: The module.
        own: The functions.
        bound: Names that stand for something already where they go to.
        shared: Imports that take the place of what names stood for.
    """
    homes = {name: node for node in tree.body for name in bindings(ast.Module([node], []))}
    waiting: list[ast.stmt] = [*own]
    nodes: list[ast.stmt] = []
    imports: dict[str, str] = {}
    while waiting:
        node = waiting.pop()
        nodes.append(node)
        for name in {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}:
            home = homes.get(name)
            if name in bound or home is None or home in [*nodes, *waiting]:
                continue
            if name in shared:
                imports[name] = shared[name]
            elif isinstance(home, ast.Import | ast.ImportFrom):
                imports[name] = rewrite_imports(import_line(home, name))
            else:
                waiting.append(home)
    return join_imports(imports.values()), sorted(nodes, key=lambda node: node.lineno)


def list_imports(path: Path) -> dict[str, str]:
    """For each name at the top of a module, the line that imports it in a module beside it."""
    return {
        name: import_line(node, name)
        if isinstance(node, ast.Import | ast.ImportFrom)
        else f"from {COMMON} import {name}"
        for node in (ast.parse(read(path)).body if path.exists() else [])
        for name in bindings(ast.Module([node], []))
    }


def join_imports(lines: Iterable[str]) -> list[str]:
    """One line for all names that are imported of a module, and those of its own package last."""
    names: dict[str, set[str]] = {}
    for line in lines:
        module, _, name = line.partition(" import ")
        names.setdefault(module, set()).add(name)
    ordered = sorted(names, key=lambda module: (module.startswith("from ."), module))
    return [
        f"{module} import {', '.join(sorted(names[module]))}" if names[module] != {""} else module
        for module in ordered
    ]


def rewrite_imports(text: str) -> str:
    """Code that imports from where the old package's modules are now."""
    return RELATIVE.sub(lambda module: NEW_HOMES.get(module[0], module[0]), text)


def import_line(node: ast.Import | ast.ImportFrom, name: str) -> str:
    """The line that imports one name of an import."""
    alias = next(
        alias for alias in node.names if name == (alias.asname or alias.name.partition(".")[0])
    )
    line = f"import {alias.name}" + (f" as {alias.asname}" if alias.asname else "")
    if isinstance(node, ast.ImportFrom):
        line = f"from {'.' * node.level}{node.module or ''} {line}"
    return line


def renew_notebooks(root: Path, package: str, template: Template) -> list[str]:
    """Put the template's notebooks in place of those that call the old package unchanged.

    An update leaves notebooks alone, since they are the owner's, and so brings no new ones either,
    but their stages.
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
    stages = root / "notebooks" / "dvc.yaml"
    named = re.findall(r"- (notebooks/\S+\.ipynb)$", read(stages), re.M) if stages.exists() else []
    for name in named:
        path = root / name
        if not path.exists() and description(path.name) in new:
            write(template.text(f"notebooks/{new[description(path.name)]}"), path)
            lines.append(f"{name}: new; notebooks/dvc.yaml runs it")
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
            "features.py, which imports from `lockstep`",
        ),
        **dict.fromkeys(
            tests, "it tests what is in the library now; keep what is yours, and import it anew"
        ),
    }
    return [
        f"{path.relative_to(root).as_posix()}: by hand: {reasons[path]}" for path in sorted(reasons)
    ]


def list_unmerged(root: Path) -> list[str]:
    """What an update could not merge and this could not either."""
    conflicts = ask_git(root, "diff", "--relative", "--name-only", "--diff-filter=U").splitlines()
    rejects = [
        path.with_suffix("").relative_to(root).as_posix()
        for path in root.rglob("*.rej")
        if ".venv" not in path.parts
    ]
    return [
        *(
            f"{name}: by hand: git's marks of a conflict stand in it"
            for name in sorted({*conflicts})
        ),
        *(
            f"{name}: by hand: {name}.rej holds what the update could not merge; bring it in, "
            "then delete it"
            for name in sorted(rejects)
        ),
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
